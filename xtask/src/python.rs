//! A Python that can `import zmq`, for the tests whose peers are plain Python programs.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::{debian, process, progress, workspace};

/// The variable in which the tests look for their Python.
pub(crate) const VARIABLE: &str = "SIGNALBOX_PYTHON";

/// Which pyzmq the peers are tested with.
const PYZMQ_VERSION: &str = "27.1.0";

/// Finds such a Python, or makes one in the cache of tools.
pub(crate) fn ensure() -> Result<PathBuf> {
    if let Some(python) = env::var_os(VARIABLE).map(PathBuf::from) {
        return Ok(python); // The person's choice; a test says when it does not fit.
    }
    if let Some(python) = process::find(&["python3"]).filter(|python| has_zmq(python)) {
        return Ok(python);
    }
    let venv = workspace::tools_dir()?.join(format!("python-pyzmq-{PYZMQ_VERSION}"));
    let python = venv.join("bin/python3");
    if !has_zmq(&python) {
        let what = format!(
            "Making a Python environment with pyzmq {PYZMQ_VERSION}: tests speak to the collector with it"
        );
        progress::step(&what, || make(&venv, &python))?;
    }
    Ok(python)
}

fn make(venv: &Path, python: &Path) -> Result<()> {
    let is_able = || {
        process::find(&["python3"]).is_some_and(|python3| {
            process::succeeds(Command::new(python3).args(["-c", "import venv, ensurepip"]))
        })
    };
    if !is_able() {
        debian::install(&["python3", "python3-venv"], "the tests' peers are Python programs")?;
    }
    process::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(venv))?;
    let pyzmq = format!("pyzmq=={PYZMQ_VERSION}");
    process::run(Command::new(python).args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        &pyzmq,
    ]))
}

fn has_zmq(python: &Path) -> bool {
    process::succeeds(Command::new(python).args(["-c", "import zmq, zmq.asyncio"]))
}
