//! `cargo xtask bench`: what is measured, and what it is measured against, built and started.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{debian, process, progress, run, workspace};

mod cache;

/// Programs that the broker is measured against, by command and by Debian's name.
const BROKERS: [(&str, &str); 2] = [("nats-server", "nats-server"), ("redis-server", "redis-server")];

/// Builds the relay and the load generator in release and becomes the generator.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let split = args.split_first().map(|(subject, rest)| (subject.as_str(), rest));
    let Some((subject @ ("broker" | "cache"), rest)) = split else {
        bail!(
            "say what to measure: `cargo xtask bench broker` or `cargo xtask bench cache`; `--help` behind it tells its options"
        );
    };
    let options = match subject {
        "cache" => cache::options()?,
        _ => brokers()?,
    };
    let signalbox = run::release_binary()?;
    progress::step("Building the load generator in release", || {
        process::run(workspace::cargo()?.args([
            "build",
            "--locked",
            "--release",
            "--package",
            "signalbox-bench",
        ]))
    })?;
    let bench = workspace::target_dir()?.join("release/signalbox-bench");
    let error =
        Command::new(&bench).arg(subject).arg("--signalbox").arg(signalbox).args(options).args(rest).exec();
    Err(error).with_context(|| format!("cannot start {}", bench.display()))
}

/// Makes sure of the programs that the broker is measured against.
fn brokers() -> Result<Vec<OsString>> {
    let missing: Vec<&str> = BROKERS
        .iter()
        .filter(|(program, _)| process::find(&[program]).is_none())
        .map(|(_, package)| *package)
        .collect();
    if !missing.is_empty() {
        debian::install(&missing, "the broker is measured against them")?;
    }
    Ok(Vec::new())
}
