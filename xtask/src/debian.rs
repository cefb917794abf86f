//! Programs that only a system's own package manager offers: installed on Debian as root, else named to the person.

use std::process::Command;

use anyhow::{Result, bail};

use crate::{process, progress};

/// Installs `packages`, because of `why`.
///
/// # Errors
/// Where that is not possible, says what to install by hand.
pub(crate) fn install(packages: &[&str], why: &str) -> Result<()> {
    let names = packages.join(" ");
    if process::find(&["apt-get"]).is_none() || !is_root() {
        bail!(
            "please install these first, {why}: {names} (names as in Debian; on Debian: sudo apt-get install {names})"
        );
    }
    progress::step(&format!("Installing {names}: {why}"), || {
        // A fresh machine knows no packages at all, one that stood for long knows packages that are gone.
        process::run(apt().arg("update"))?;
        process::run(apt().args(["install", "--yes", "--no-install-recommends"]).args(packages))
    })
}

/// Installs those of these programs (by command and by Debian's name) that the PATH does not hold.
///
/// # Errors
/// As [`install`].
pub(crate) fn ensure(programs: &[(&str, &str)], why: &str) -> Result<()> {
    let missing: Vec<&str> = programs
        .iter()
        .filter(|(program, _)| process::find(&[program]).is_none())
        .map(|(_, package)| *package)
        .collect();
    if missing.is_empty() { Ok(()) } else { install(&missing, why) }
}

/// Makes sure of a C++ compiler, with which ZeroMQ is built from its sources.
pub(crate) fn ensure_cxx() -> Result<()> {
    if std::env::var_os("CXX").is_some() || process::find(&["c++", "g++", "clang++"]).is_some() {
        return Ok(());
    }
    install(&["g++"], "ZeroMQ is built from its C++ sources")
}

fn apt() -> Command {
    let mut apt = Command::new("apt-get");
    apt.arg("-qq").env("DEBIAN_FRONTEND", "noninteractive");
    apt
}

fn is_root() -> bool {
    process::output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}
