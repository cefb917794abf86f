//! The case of many idle subscribers: what each costs, and how late the last one gets a message.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;

use anyhow::{Context as _, ensure};
use serde::Serialize;

use super::{Args, load_command};
use crate::load::idle::Outcome;
use crate::peer::Program;
use crate::report::{Spread, table};

/// Messages per run.
const MESSAGES: usize = 10;

#[derive(Debug, Serialize)]
pub(super) struct Row {
    case: String,
    program: &'static str,
    memory_kib_each: Spread,
    last_micros: Spread,
}

/// The case's name.
pub(super) fn name(args: &Args) -> String {
    format!("{} idle subscribers, 128 B", args.idle_subscribers)
}

pub(super) fn row(args: &Args, program: Program) -> anyhow::Result<Row> {
    let (mut memory, mut last) = (Vec::new(), Vec::new());
    for _ in 0..args.runs {
        let server = program.start(&args.signalbox)?;
        let before_kib = server.memory_kib("VmRSS")?;
        let flags = [("--subscribers", args.idle_subscribers.to_string()), ("--count", MESSAGES.to_string())];
        let mut child = load_command(&server, "idle", &flags)?
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("the load cannot be started")?;
        let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
        lines.next().context("the load failed before all were idle")??;
        let idle_kib = server.memory_kib("VmRSS")?;
        memory.push(idle_kib.saturating_sub(before_kib) as f64 / args.idle_subscribers as f64);
        writeln!(child.stdin.take().context("no input")?)?;
        let outcome: Outcome = serde_json::from_str(&lines.next().context("no result")??)?;
        last.push(Spread::of(outcome.last_micros).median);
        ensure!(child.wait()?.success(), "the load on {} failed", program.name());
    }
    Ok(Row {
        case: name(args),
        program: program.name(),
        memory_kib_each: Spread::of(memory),
        last_micros: Spread::of(last),
    })
}

pub(super) fn as_table(rows: &[Row]) -> String {
    let cells = rows.iter().map(|row| {
        let (memory, last) = (row.memory_kib_each, row.last_micros);
        vec![
            row.case.clone(),
            row.program.to_owned(),
            format!("{:.2} ({:.2} to {:.2})", memory.median, memory.min, memory.max),
            format!("{:.1} ({:.1} to {:.1})", last.median / 1e3, last.min / 1e3, last.max / 1e3),
        ]
    });
    table(&["case", "program", "KiB each", "last one ms"], &cells.collect::<Vec<_>>())
}
