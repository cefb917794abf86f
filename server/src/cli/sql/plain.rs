//! Queries in plain lines: the answers on standard output, what a long one is doing on standard error.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::table::{duration, report_lines};
use crate::changes::query::{Database, Progress};
use crate::changes::statements;

/// Longest statement, in bytes.
const STATEMENT_BYTES_MAX: usize = 16 * 1024 * 1024;
/// After how long, and how often, a query that runs is told about.
const PROGRESS_PERIOD: Duration = Duration::from_secs(1);

/// Runs one text.
///
/// # Errors
/// When the output cannot be written.
pub(super) async fn run_text(database: &Database, text: &str) -> anyhow::Result<ExitCode> {
    run_part(database, text, 1).await
}

/// Runs a part of the input, which begins in this line of it.
async fn run_part(database: &Database, text: &str, first_line: usize) -> anyhow::Result<ExitCode> {
    let progress = Progress::default();
    let started = Instant::now();
    let mut ticks = tokio::time::interval_at((started + PROGRESS_PERIOD).into(), PROGRESS_PERIOD);
    let mut running = std::pin::pin!(database.run(text, &progress));
    let mut teller = Teller::default();
    let report = loop {
        tokio::select! {
            report = &mut running => break report,
            _ = ticks.tick() => {
                teller.tell(&format!("running for {}, {} rows", duration(started.elapsed()), progress.n_rows()));
            }
            interrupted = tokio::signal::ctrl_c() => {
                interrupted?;
                progress.cancel().await;
            }
        }
    };
    teller.finish();
    let mut out = io::stdout().lock();
    for line in report_lines(&report, text, first_line, None) {
        match writeln!(out, "{line}") {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(ExitCode::SUCCESS),
            written => written.context("the output cannot be written")?,
        }
    }
    out.flush()?;
    Ok(if report.error.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs the statements of standard input as they come, up to the first error.
///
/// # Errors
/// An input that cannot be read or that is no text, or an output that cannot be written.
pub(super) async fn run_input(database: &Database) -> anyhow::Result<ExitCode> {
    let mut input = BufReader::new(tokio::io::stdin());
    let mut pending = String::new();
    let mut first_line = 1;
    loop {
        let n_read = input.read_line(&mut pending).await.context("standard input is not readable text")?;
        let (complete, rest_at) = complete_part(&pending, n_read == 0);
        if !complete.is_empty() {
            let complete = complete.to_owned();
            pending.drain(..rest_at);
            if run_part(database, &complete, first_line).await? != ExitCode::SUCCESS {
                return Ok(ExitCode::FAILURE);
            }
            first_line += complete.matches('\n').count();
        }
        if n_read == 0 {
            return Ok(ExitCode::SUCCESS);
        }
        if STATEMENT_BYTES_MAX < pending.len() {
            bail!("a statement is over the limit of {STATEMENT_BYTES_MAX} bytes");
        }
    }
}

/// What can run already, and where the rest begins; at the end everything can.
fn complete_part(pending: &str, is_end: bool) -> (&str, usize) {
    // Only a line that ends a statement is worth a closer look: a long statement is not read again at each line.
    if !is_end && !pending.trim_end().ends_with(';') {
        return ("", 0);
    }
    let split = statements::split(pending);
    if is_end {
        return if split.complete.is_empty() && split.rest.is_none() {
            ("", 0)
        } else {
            (pending, pending.len())
        };
    }
    if split.complete.is_empty() { ("", 0) } else { (&pending[..split.rest_at], split.rest_at) }
}

/// Says on standard error how far a long query is: in one line of a terminal, else in a line now and then.
#[derive(Default)]
struct Teller {
    n_told: u64,
}

impl Teller {
    /// In a file or a pipe, one of so many is enough.
    const ONE_OF: u64 = 10;

    fn tell(&mut self, text: &str) {
        let mut err = io::stderr();
        // Where nobody can be told, nobody need be.
        let _ = if err.is_terminal() {
            write!(err, "\r\u{1b}[K{text}")
        } else if self.n_told.is_multiple_of(Self::ONE_OF) {
            writeln!(err, "{text}")
        } else {
            Ok(())
        };
        self.n_told += 1;
    }

    fn finish(self) {
        let mut err = io::stderr();
        if 0 < self.n_told && err.is_terminal() {
            let _ = write!(err, "\r\u{1b}[K");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pending: &str, is_end: bool, expected: &str) {
        assert_eq!(complete_part(pending, is_end).0, expected, "{pending:?}");
    }

    #[test]
    fn a_statement_runs_when_its_semicolon_has_come() {
        check("select 1;\n", false, "select 1;");
        check("select 1\n", false, "");
        check("select ';\n", false, "");
        check("select 1; select 2\n", false, "");
        check("select 1; select 2\n", true, "select 1; select 2\n");
        check(" \n-- nothing\n", true, "");
    }
}
