//! `signalbox sql`: a terminal for PostgreSQL that takes queries while earlier ones run.

mod plain;
mod table;
mod window;

use std::process::ExitCode;

use anyhow::{Context as _, bail};

use super::terminal;
use crate::changes::DatabaseUrl;
use crate::changes::query::{Database, Permission};

/// Names the database, to the relay, to `signalbox demo`, and here when the flag does not. A flag shows its password to
/// who lists processes.
pub(super) const DATABASE_VARIABLE: &str = "SIGNALBOX_DATABASE_URL";

/// Ask a PostgreSQL database, several queries at the same time.
///
/// In a terminal: answers above, the next query below, and up to 6 queries run at the same time. Each query runs on a
/// connection of its own; several statements of one query run in order on the same one. In a pipe, or with a QUERY:
/// statements that end in a semicolon, one after the other, up to the first error.
///
/// Nothing is changed without --write: every statement runs in a READ ONLY transaction of its own.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  signalbox sql --database-url postgres://app@localhost/app     a terminal for it
  signalbox sql \"select count(*) from orders\"                   one query
  signalbox sql < report.sql                                    statements from a file
  signalbox sql --write \"update orders set paid = true where id = 7\"

Exit status: 0 when every statement was carried out, 1 when one was not, 2 for wrong usage.")]
pub struct Args {
    /// What to ask; without it, a terminal or the statements of standard input.
    query: Vec<String>,
    /// The database, as postgres://USER:PASSWORD@HOST:PORT/NAME or "host=... dbname=...". Default:
    /// SIGNALBOX_DATABASE_URL.
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// Let statements change data.
    #[arg(long)]
    write: bool,
    /// Most rows that are shown of one statement; further ones are only counted.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rows: u32,
    /// Plain lines also in a terminal.
    #[arg(long)]
    plain: bool,
}

/// Runs it.
///
/// # Errors
/// What keeps it from running.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let address = args.database_url.clone().or_else(|| std::env::var(DATABASE_VARIABLE).ok());
    let Some(address) = address.filter(|address| !address.trim().is_empty()) else {
        bail!(
            "no database is named: give --database-url postgres://USER@HOST/NAME, or set {DATABASE_VARIABLE}"
        );
    };
    let permission = if args.write { Permission::Write } else { Permission::ReadOnly };
    let url: DatabaseUrl = address.parse().map_err(anyhow::Error::msg)?;
    let database = Database::new(&url, permission, args.rows as usize)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        database.check().await.with_context(|| {
            format!(
                "the database {} cannot be reached: is it running, and does its address hold?",
                database.name()
            )
        })?;
        if !args.query.is_empty() {
            plain::run_text(&database, &args.query.join(" ")).await
        } else if args.plain || !terminal::is_interactive() {
            plain::run_input(&database).await
        } else {
            window::run(&database).await.map(|()| ExitCode::SUCCESS)
        }
    });
    // A read of the terminal cannot be called off; it must not keep the process.
    runtime.shutdown_background();
    result
}
