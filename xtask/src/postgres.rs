//! PostgreSQL's server programs, with which tests and benchmarks start clusters of their own.

use std::env;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::{debian, process};

/// The variable in which tests look for the folder of `initdb` and `postgres`.
pub(crate) const VARIABLE: &str = "SIGNALBOX_POSTGRES_BIN";

/// Where Debian keeps the programs of each version.
const DEBIAN: &str = "/usr/lib/postgresql";

/// Finds that folder, or installs the server.
pub(crate) fn ensure() -> Result<PathBuf> {
    if let Some(dir) = env::var_os(VARIABLE).map(PathBuf::from) {
        return Ok(dir); // The person's choice; a test says when it does not fit.
    }
    if let Some(dir) = find() {
        return Ok(dir);
    }
    debian::install(&["postgresql"], "tests start PostgreSQL clusters of their own")?;
    find().context("the package postgresql is installed, yet initdb is nowhere")
}

/// The newest version that Debian has installed, else what is on the PATH.
fn find() -> Option<PathBuf> {
    let versions = std::fs::read_dir(DEBIAN).into_iter().flatten().flatten();
    let dirs = versions.map(|version| version.path().join("bin")).filter(|dir| dir.join("initdb").exists());
    let number = |dir: &PathBuf| {
        let version = dir.parent().and_then(|parent| parent.file_name()?.to_str()?.parse::<u32>().ok());
        version.unwrap_or(0)
    };
    dirs.max_by_key(number).or_else(|| Some(process::find(&["initdb"])?.parent()?.to_owned()))
}
