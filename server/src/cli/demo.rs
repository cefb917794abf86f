//! `signalbox demo`.

use std::process::ExitCode;

/// Start workers, listeners, a sender and chat users, so that every view moves.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs it.
///
/// # Errors
/// What keeps it from running.
pub fn run(_args: &Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not built yet")
}
