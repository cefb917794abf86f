//! `signalbox agent`.

use std::process::ExitCode;

/// Send a process's CPU and memory to a collector.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs it.
///
/// # Errors
/// What keeps it from running.
pub fn run(_args: &Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not built yet")
}
