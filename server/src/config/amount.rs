//! Amounts in the rows of the settings file, each in the range of a bound of [`limits::TABLE`].

use anyhow::Context as _;
use serde::Deserialize;

use super::bound_from_text;
use crate::limits;

/// An amount as it is written.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "a whole number, or a text such as \"1MiB\"")]
pub(super) enum Amount {
    Number(u64),
    Text(String),
}

/// An amount, written as `key`, in the range of the bound of this name.
///
/// # Errors
/// What is none, or outside that range.
pub(super) fn amount_of(key: &str, bound: &str, given: Option<Amount>) -> anyhow::Result<Option<u64>> {
    let Some(given) = given else { return Ok(None) };
    let text = match given {
        Amount::Number(number) => number.to_string(),
        Amount::Text(text) => text,
    };
    let row = limits::TABLE.iter().find(|limit| limit.name == bound);
    let row = row.with_context(|| format!("there is no bound {bound}"))?;
    let value = bound_from_text(row, text.trim());
    Ok(Some(value.map_err(|problem| anyhow::anyhow!("{key} = {text:?}: {problem}"))?))
}
