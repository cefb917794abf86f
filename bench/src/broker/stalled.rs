//! The case of a stalled subscriber: what a fast one beside it notices, second by second.

use serde::Serialize;

use super::{Args, load};
use crate::load::stalled::Outcome;
use crate::peer::Program;
use crate::report::{Spread, quantity, table};

/// Messages per second of the two cases; 0 is full load.
pub(super) const RATES: [u64; 2] = [10_000, 0];
/// Bytes per payload.
const SIZE: usize = 1024;

#[derive(Debug, Serialize)]
pub(super) struct Row {
    case: String,
    program: &'static str,
    /// The fast one alone, its median second.
    alone_per_sec: Spread,
    /// Its worst second beside the stalled one.
    worst_per_sec: Spread,
    /// That second's part of the median one alone.
    worst_of_alone: Spread,
    lost: u64,
    out_of_order: u64,
    peak_memory_kib: Spread,
}

/// A case's name.
pub(super) fn name(rate: u64) -> String {
    let load = if rate == 0 { "full load".to_owned() } else { format!("{rate}/s") };
    format!("beside a stalled subscriber, {load}, 1 KiB")
}

pub(super) fn row(args: &Args, rate: u64, program: Program) -> anyhow::Result<Row> {
    let (mut alone, mut worst, mut part, mut memory) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut lost, mut out_of_order) = (0, 0);
    for _ in 0..args.runs {
        let server = program.start(&args.signalbox)?;
        let flags = [
            ("--rate", rate.to_string()),
            ("--size", SIZE.to_string()),
            ("--secs", args.stalled_secs.to_string()),
        ];
        let outcome: Outcome = load(&server, "stalled", &flags)?;
        let in_seconds = |counts: &[u64]| Spread::of(counts.iter().map(|n| *n as f64).collect());
        // The first second has the connection's beginning in it.
        let median = in_seconds(outcome.alone_per_sec.get(1..).unwrap_or_default()).median;
        let least = in_seconds(&outcome.beside_per_sec).min;
        alone.push(median);
        worst.push(least);
        part.push(least / median);
        lost += outcome.published - outcome.counts.delivered;
        out_of_order += outcome.counts.out_of_order;
        memory.push(server.memory_kib("VmHWM")? as f64);
    }
    Ok(Row {
        case: name(rate),
        program: program.name(),
        alone_per_sec: Spread::of(alone),
        worst_per_sec: Spread::of(worst),
        worst_of_alone: Spread::of(part),
        lost,
        out_of_order,
        peak_memory_kib: Spread::of(memory),
    })
}

pub(super) fn as_table(rows: &[Row]) -> String {
    let cells = rows.iter().map(|row| {
        let part = row.worst_of_alone;
        vec![
            row.case.clone(),
            row.program.to_owned(),
            quantity(row.alone_per_sec.median),
            quantity(row.worst_per_sec.median),
            format!("{:.2} ({:.2} to {:.2})", part.median, part.min, part.max),
            row.lost.to_string(),
            row.out_of_order.to_string(),
            format!("{:.1}", row.peak_memory_kib.median / 1024.0),
        ]
    });
    let head =
        ["case", "program", "alone/s", "worst second", "worst/alone", "lost", "disordered", "peak MiB"];
    table(&head, &cells.collect::<Vec<_>>())
}
