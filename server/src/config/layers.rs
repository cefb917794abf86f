//! The texts that flags, variables and a TOML file give, with their sources, the nearest source first. Knows which
//! settings exist, not what their values mean.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use serde::de::DeserializeOwned;

use super::{SETTINGS, TABLES};
use crate::limits;

/// Prefix of every variable.
pub const VARIABLE_PREFIX: &str = "SIGNALBOX_";
/// The variable that names the TOML file.
pub const FILE_VARIABLE: &str = "SIGNALBOX_CONFIG";

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nothing was said.
    Default,
    /// The command line, with the flag as it is typed.
    Flag(String),
    /// The environment, with the variable's name.
    Variable(String),
    /// A TOML file.
    File(PathBuf),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("the default"),
            Self::Flag(flag) => write!(f, "the flag {flag}"),
            Self::Variable(name) => write!(f, "the variable {name}"),
            Self::File(path) => write!(f, "the file {}", path.display()),
        }
    }
}

/// A text and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sourced {
    /// As it was given.
    pub text: String,
    /// By whom.
    pub source: Source,
}

impl Sourced {
    pub(super) fn default_of(name: &str) -> Self {
        let default =
            SETTINGS.iter().find(|setting| setting.name == name).map_or("", |setting| setting.default);
        Self { text: default.to_owned(), source: Source::Default }
    }
}

/// What was said, by setting; an earlier layer hides the later ones.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    said: BTreeMap<&'static str, Vec<Sourced>>,
    /// The rows of each `[[table]]` of the file, and the file.
    rows: BTreeMap<&'static str, (PathBuf, Vec<toml::Value>)>,
    unknown_variables: Vec<String>,
}

impl Layers {
    /// The only value of a setting that is no list: the last one given in its layer.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Sourced> {
        self.values(name)?.last()
    }

    /// Every value of a setting.
    #[must_use]
    pub fn values(&self, name: &str) -> Option<&[Sourced]> {
        self.said.get(name).map(Vec::as_slice)
    }

    /// The rows of a table of [`TABLES`], in the file's order.
    ///
    /// # Errors
    /// The first row that is no `T`: which row, of which file, and what is wrong with it.
    pub fn rows<T: DeserializeOwned>(&self, table: &str) -> anyhow::Result<Vec<T>> {
        let Some((path, rows)) = self.rows.get(table) else { return Ok(Vec::new()) };
        let row = |(i, value): (usize, &toml::Value)| {
            value
                .clone()
                .try_into()
                .with_context(|| format!("[[{table}]] number {} (from the file {})", i + 1, path.display()))
        };
        rows.iter().enumerate().map(row).collect()
    }

    /// Variables with our prefix that name no setting: most likely a slip of the pen.
    #[must_use]
    pub fn unknown_variables(&self) -> &[String] {
        &self.unknown_variables
    }

    /// Adds a layer's values of one setting, unless an earlier layer has some.
    pub fn say(&mut self, name: &'static str, values: Vec<Sourced>) {
        self.said.entry(name).or_insert(values);
    }

    /// Adds the `SIGNALBOX_*` variables. A list's items are separated by commas.
    pub fn say_variables(&mut self, variables: impl Iterator<Item = (String, String)>) {
        for (variable, text) in variables {
            let Some(name) = variable.strip_prefix(VARIABLE_PREFIX).map(str::to_ascii_lowercase) else {
                continue;
            };
            let Some((name, is_list)) = known(&name) else {
                self.unknown_variables.extend((variable != FILE_VARIABLE).then_some(variable));
                continue;
            };
            let source = Source::Variable(variable);
            let texts = if is_list { text.split(',').map(str::to_owned).collect() } else { vec![text] };
            self.say(name, texts.into_iter().map(|text| Sourced { text, source: source.clone() }).collect());
        }
    }

    /// Adds a TOML file: settings at its top, bounds in its table `[limits]`, and the tables of [`TABLES`].
    ///
    /// # Errors
    /// When it cannot be read or parsed, or names a setting that does not exist.
    pub fn say_file(&mut self, path: &Path) -> anyhow::Result<()> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("settings file {}", path.display()))?;
        let table: toml::Table =
            text.parse().with_context(|| format!("settings file {} is not TOML", path.display()))?;
        for (key, value) in &table {
            let rows = TABLES.iter().find(|table| table.name == key);
            match (key.as_str(), value) {
                (_, toml::Value::Array(items)) if rows.is_some() => {
                    let name = rows.map_or("", |table| table.name);
                    self.rows.entry(name).or_insert_with(|| (path.to_owned(), items.clone()));
                }
                (key, _) if rows.is_some() => {
                    bail!("{key} (from the file {}): write [[{key}]], once for each row", path.display());
                }
                ("limits", toml::Value::Table(bounds)) => {
                    for (key, value) in bounds {
                        let row = limits::TABLE.iter().find(|limit| limit.name == key);
                        self.say_toml(path, key, value, row.map(|limit| (limit.name, false)))?;
                    }
                }
                _ => {
                    let row = SETTINGS.iter().find(|setting| setting.name == key);
                    self.say_toml(path, key, value, row.map(|setting| (setting.name, setting.is_list)))?;
                }
            }
        }
        Ok(())
    }

    fn say_toml(
        &mut self,
        path: &Path,
        key: &str,
        value: &toml::Value,
        row: Option<(&'static str, bool)>,
    ) -> anyhow::Result<()> {
        let Some((name, is_list)) = row else {
            bail!(
                "there is no setting {key:?} (from the file {}): `signalbox serve --help` lists them; bounds stand under [limits]",
                path.display()
            );
        };
        let texts = match value {
            toml::Value::Array(items) if is_list => items.iter().map(toml_text).collect::<Option<Vec<_>>>(),
            value => toml_text(value).map(|text| vec![text]),
        };
        let Some(texts) = texts else {
            let allowed = if is_list { "a list of strings" } else { "a string or a number" };
            bail!("{key} (from the file {}): allowed is {allowed}", path.display());
        };
        let source = Source::File(path.to_owned());
        self.say(name, texts.into_iter().map(|text| Sourced { text, source: source.clone() }).collect());
        Ok(())
    }
}

/// A setting's or bound's own name, and whether it is a list.
fn known(name: &str) -> Option<(&'static str, bool)> {
    let setting =
        SETTINGS.iter().find(|setting| setting.name == name).map(|setting| (setting.name, setting.is_list));
    setting.or_else(|| limits::TABLE.iter().find(|limit| limit.name == name).map(|limit| (limit.name, false)))
}

fn toml_text(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(is_on) => Some(if *is_on { "on" } else { "off" }.to_owned()),
        _ => None,
    }
}
