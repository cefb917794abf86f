//! `cargo xtask bench chat`: one crowded room, by its size, and what it costs.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, ensure};

use crate::load::chat::Outcome;
use crate::peer::Server;
use crate::report::{Spread, say, table};

/// Measures the chat.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The release binary.
    #[arg(long, value_name = "FILE")]
    signalbox: PathBuf,
    /// Line clients in the room.
    #[arg(long, default_value_t = 2_000)]
    lines: u64,
    /// WebSockets in the room.
    #[arg(long, default_value_t = 2_000)]
    sockets: u64,
    /// Line clients that never read, beside the others.
    #[arg(long, default_value_t = 5)]
    stalled: u64,
    /// Lines said per second.
    #[arg(long, default_value_t = 50)]
    per_sec: u64,
    /// How long, in seconds: long enough that who never reads is dropped meanwhile.
    #[arg(long, default_value_t = 40)]
    secs: u64,
    /// Runs.
    #[arg(long, default_value_t = 5)]
    runs: usize,
}

/// Runs it and prints a table.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let head = [
        "run",
        "p50 ms",
        "p99 ms",
        "max ms",
        "missed",
        "orders",
        "dropped",
        "server CPU %",
        "KiB/client",
        "join s",
    ];
    let runs = (0..args.runs).map(|_| run_once(args)).collect::<anyhow::Result<Vec<_>>>()?;
    let cell = |value: f64| if value.fract() == 0.0 { format!("{value}") } else { format!("{value:.1}") };
    let row = |name: String, figures: &[f64]| {
        std::iter::once(name).chain(figures.iter().map(|&value| cell(value))).collect()
    };
    let mut rows: Vec<Vec<String>> =
        runs.iter().enumerate().map(|(n, run)| row((n + 1).to_string(), run)).collect();
    let median = |i: usize| Spread::of(runs.iter().map(|run| run[i]).collect()).median;
    let medians: Vec<f64> = (0..head.len() - 1).map(median).collect();
    rows.push(row("median".to_owned(), &medians));
    let Args { lines, sockets, stalled, per_sec, secs, .. } = args;
    say(&format!(
        "{lines} line clients and {sockets} WebSockets in one room, {per_sec} lines a second for {secs} s; {stalled} more never read\n"
    ));
    say(&table(&head, &rows));
    Ok(())
}

/// One relay, one room; its figures in the order of the table.
fn run_once(args: &Args) -> anyhow::Result<[f64; 9]> {
    let (server, http) = Server::chat(&args.signalbox)?;
    let empty_kib = server.memory_kib("VmRSS")?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["load", "chat", "--address", &server.address, "--http", &http]);
    for (flag, value) in [
        ("--lines", args.lines),
        ("--sockets", args.sockets),
        ("--stalled", args.stalled),
        ("--per-sec", args.per_sec),
        ("--secs", args.secs),
    ] {
        command.args([flag, &value.to_string()]);
    }
    let (begun, cpu_before) = (Instant::now(), server.cpu_secs()?);
    let output = command.stderr(Stdio::inherit()).output().context("the load cannot be started")?;
    ensure!(output.status.success(), "the load failed");
    let cpu_share = (server.cpu_secs()? - cpu_before) / begun.elapsed().as_secs_f64();
    let outcome: Outcome = serde_json::from_slice(&output.stdout).context("the load's result")?;
    let n_clients = args.lines + args.sockets;
    let kib = server.memory_kib("VmHWM")?.saturating_sub(empty_kib) as f64 / n_clients.max(1) as f64;
    let n_missed = (outcome.n_said * n_clients).saturating_sub(outcome.n_arrived);
    Ok([
        outcome.p50_millis,
        outcome.p99_millis,
        outcome.max_millis,
        n_missed as f64,
        outcome.n_orders as f64,
        outcome.n_dropped as f64,
        100.0 * cpu_share,
        kib,
        outcome.join_secs,
    ])
}
