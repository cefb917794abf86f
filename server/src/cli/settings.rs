//! Flags for every setting and bound, made from their tables, so that none can be missing.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

use crate::config::layers::FILE_VARIABLE;
use crate::config::{Layers, SETTINGS, Setting, Settings, Source, Sourced};
use crate::limits;

/// The settings file that is read when it is there and no other is named.
const FILE_DEFAULT: &str = "signalbox.toml";
const FILE_FLAG: &str = "config";

/// The flags that were given.
#[derive(Clone, Debug)]
pub struct SettingArgs {
    flags: Layers,
    file: Option<PathBuf>,
}

impl SettingArgs {
    /// Adds the variables and the file below the flags, and says what all of them mean.
    ///
    /// # Errors
    /// A file that cannot be read, or a setting that cannot be used.
    pub fn settings(&self) -> anyhow::Result<Settings> {
        let mut layers = self.flags.clone();
        layers.say_variables(std::env::vars());
        let named = self.file.clone().or_else(|| std::env::var_os(FILE_VARIABLE).map(Into::into));
        let file = named.or_else(|| Some(PathBuf::from(FILE_DEFAULT)).filter(|path| path.exists()));
        if let Some(path) = file {
            layers.say_file(&path)?;
        }
        Settings::from_layers(&layers).context("a setting cannot be used")
    }
}

impl SettingArgs {
    /// Whether the command line itself says something about a setting.
    #[must_use]
    pub fn says(&self, name: &str) -> bool {
        self.flags.values(name).is_some()
    }
}

impl FromArgMatches for SettingArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Layers::default();
        let names =
            SETTINGS.iter().map(|setting| setting.name).chain(limits::TABLE.iter().map(|limit| limit.name));
        for name in names {
            if matches.value_source(name) != Some(ValueSource::CommandLine) {
                continue;
            }
            let source = Source::Flag(format!("--{}", flag(name)));
            let texts = matches.get_many::<String>(name).unwrap_or_default();
            flags.say(
                name,
                texts.map(|text| Sourced { text: text.clone(), source: source.clone() }).collect(),
            );
        }
        Ok(Self { flags, file: matches.get_one::<PathBuf>(FILE_FLAG).cloned() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for SettingArgs {
    fn augment_args(command: Command) -> Command {
        let file = Arg::new(FILE_FLAG)
            .long(FILE_FLAG)
            .value_name("FILE")
            .value_parser(clap::value_parser!(PathBuf))
            .help(format!("Settings file in TOML [default: {FILE_DEFAULT} when it is there]"));
        let settings = SETTINGS.iter().map(|setting| {
            let action = if setting.is_list { ArgAction::Append } else { ArgAction::Set };
            let default = if setting.default.is_empty() { "none" } else { setting.default };
            arg(setting.name, setting.value_name, &format!("{} [default: {default}]", setting.help))
                .action(action)
                .num_args(if is_switch(setting) { 0..=1 } else { 1..=1 })
                .require_equals(is_switch(setting))
                .default_missing_value("on")
        });
        let bounds = limits::TABLE.iter().map(|limit| {
            let help =
                format!("{} [default: {}, from {} to {}]", limit.why, limit.default, limit.min, limit.max);
            arg(limit.name, "N", &help).help_heading("Bounds").hide_short_help(true)
        });
        command.arg(file).args(settings).args(bounds)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

fn arg(name: &'static str, value_name: &'static str, help: &str) -> Arg {
    Arg::new(name).long(flag(name)).value_name(value_name).help(help.to_owned())
}

/// Whether the flag alone turns it on.
fn is_switch(setting: &Setting) -> bool {
    setting.value_name == "on|off"
}

fn flag(name: &str) -> String {
    name.replace('_', "-")
}
