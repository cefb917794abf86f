//! `cargo xtask bench news`: the relay alone; the sites that it reads are the generator's.

use std::ffi::OsString;

use anyhow::Result;

use crate::run;

/// Builds the relay.
pub(super) fn prepare() -> Result<Vec<OsString>> {
    Ok(vec!["--signalbox".into(), run::release_binary()?.into()])
}
