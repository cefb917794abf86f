//! `cargo xtask bench cache`: what it needs besides the release binary and the generator.

use std::ffi::OsString;

use anyhow::Result;

use crate::postgres;

/// Makes sure of PostgreSQL and tells the generator where it is.
pub(super) fn options() -> Result<Vec<OsString>> {
    Ok(vec!["--postgres".into(), postgres::ensure()?.into()])
}
