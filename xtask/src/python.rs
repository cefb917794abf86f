//! Pythons with a package or two, for peers that are plain Python programs.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::{debian, process, progress, workspace};

/// The variable in which the tests look for their Python.
pub(crate) const VARIABLE: &str = "SIGNALBOX_PYTHON";

/// A Python with packages of exact versions, kept in the cache of tools.
pub(crate) struct Environment {
    /// Its folder's name, which holds the versions.
    folder: &'static str,
    /// What pip is asked for.
    packages: &'static [&'static str],
    /// A line that a fitting Python runs without an error.
    check: &'static str,
    /// What it is for.
    why: &'static str,
}

/// What the peers are tested with.
const PYZMQ: Environment = Environment {
    folder: "python-pyzmq-27.1.0",
    packages: &["pyzmq==27.1.0"],
    check: "import zmq, zmq.asyncio",
    why: "tests speak to the collector with it",
};

/// What the feed is measured against.
pub(crate) const AIOHTTP_SSE: Environment = Environment {
    folder: "python-aiohttp-sse-3.0",
    packages: &["aiohttp-sse==3.0", "aiohttp==3.14.5"],
    check: "import aiohttp_sse",
    why: "the feed is measured against it",
};

/// Finds a Python for the tests, or makes one.
pub(crate) fn ensure() -> Result<PathBuf> {
    if let Some(python) = env::var_os(VARIABLE).map(PathBuf::from) {
        return Ok(python); // The person's choice; a test says when it does not fit.
    }
    if let Some(python) = process::find(&["python3"]).filter(|python| PYZMQ.is_in(python)) {
        return Ok(python);
    }
    PYZMQ.ensure()
}

impl Environment {
    /// Finds it in the cache of tools, or makes it there.
    pub(crate) fn ensure(&self) -> Result<PathBuf> {
        let venv = workspace::tools_dir()?.join(self.folder);
        let python = venv.join("bin/python3");
        if !self.is_in(&python) {
            let what =
                format!("Making a Python environment with {}: {}", self.packages.join(" and "), self.why);
            progress::step(&what, || self.make(&venv, &python))?;
        }
        Ok(python)
    }

    fn make(&self, venv: &Path, python: &Path) -> Result<()> {
        let is_able = || {
            process::find(&["python3"]).is_some_and(|python3| {
                process::succeeds(Command::new(python3).args(["-c", "import venv, ensurepip"]))
            })
        };
        if !is_able() {
            debian::install(&["python3", "python3-venv"], self.why)?;
        }
        process::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(venv))?;
        let flags = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
        process::run(Command::new(python).args(flags).args(self.packages))
    }

    fn is_in(&self, python: &Path) -> bool {
        process::succeeds(Command::new(python).args(["-c", self.check]))
    }
}
