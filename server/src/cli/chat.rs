//! `signalbox chat`.

use std::process::ExitCode;

/// Join the chat from a terminal, in plain lines.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs it.
///
/// # Errors
/// What keeps it from running.
pub fn run(_args: &Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not built yet")
}
