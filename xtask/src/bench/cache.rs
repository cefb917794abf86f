//! `cargo xtask bench cache`: what it needs besides the release binary and the generator.

use std::ffi::OsString;

use anyhow::Result;

use crate::{postgres, run};

/// Makes sure of PostgreSQL and tells the generator where it is.
pub(super) fn prepare() -> Result<Vec<OsString>> {
    let signalbox = run::release_binary()?;
    Ok(vec!["--signalbox".into(), signalbox.into(), "--postgres".into(), postgres::ensure()?.into()])
}
