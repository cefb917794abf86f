//! `cargo xtask bench chat`: the relay alone; nothing else is measured.

use std::ffi::OsString;

use anyhow::Result;

use crate::run;

/// Builds the relay.
pub(crate) fn prepare() -> Result<Vec<OsString>> {
    Ok(vec!["--signalbox".into(), run::release_binary()?.into()])
}
