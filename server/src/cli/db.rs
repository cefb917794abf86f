//! `signalbox db`: what Signalbox has in the database, put there, looked at and taken away again.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;

use super::settings::SettingArgs;
use crate::changes::{self, SetupReport};

/// Install, look at or remove what announces changes in the database.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Install what is missing: the schema signalbox, triggers on the watched tables, the table patron
    Install(Target),
    /// Remove triggers, function and schema again; every table keeps its rows
    Remove(Target),
    /// Say how the watched tables stand, and change nothing
    Status(Target),
}

#[derive(Debug, clap::Args)]
struct Target {
    #[command(flatten)]
    settings: SettingArgs,
}

const EXAMPLES: &str = "\
The database and the watched tables come from the same settings as for `signalbox serve`, which installs what is missing
by itself unless it is started with --database-setup check.

Examples:
  signalbox db install --database-url postgresql://ada@127.0.0.1/app     once, by whoever owns the tables
  signalbox db status --config signalbox.toml                            what is watched, and what is not and why
  signalbox db remove --database-url postgresql://ada@127.0.0.1/app      as if nothing had been

Status: 0 when all is as it should be, 1 when a table is not watched or the database refuses.";

/// Runs one of the three.
///
/// # Errors
/// A setting that cannot be used, or a database that cannot be reached or refuses.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let (Command::Install(target) | Command::Remove(target) | Command::Status(target)) = &args.command;
    let options = target.settings.settings()?.database;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let report = runtime.block_on(async {
        match args.command {
            Command::Install(_) => changes::install(&options).await,
            Command::Remove(_) => changes::remove(&options).await,
            Command::Status(_) => changes::status(&options).await,
        }
    })?;
    print(&report).context("standard output cannot be written")?;
    Ok(if report.is_complete { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print(report: &SetupReport) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "database {}", report.database)?;
    for line in &report.lines {
        writeln!(out, "  {line}")?;
    }
    out.flush()
}
