//! `signalbox serve`.

use std::process::ExitCode;

/// Start everything: broker, collector, chat and the page that shows them.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs it.
///
/// # Errors
/// What keeps it from running.
pub fn run(_args: &Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("not built yet")
}
