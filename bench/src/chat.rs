//! `cargo xtask bench chat`: one crowded room, by its size, and what it costs.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, ensure};

use crate::load::chat::Outcome;
use crate::peer::Server;
use crate::report::table;

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
    #[arg(long, default_value_t = 1)]
    stalled: u64,
    /// Lines said per second.
    #[arg(long, default_value_t = 50)]
    per_sec: u64,
    /// How long, in seconds.
    #[arg(long, default_value_t = 20)]
    secs: u64,
    /// Runs.
    #[arg(long, default_value_t = 5)]
    runs: usize,
}

/// Runs it and prints a table.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let head = [
        "line",
        "socket",
        "lines/s",
        "p50 ms",
        "p99 ms",
        "max ms",
        "missed",
        "orders",
        "CPU %",
        "KiB/client",
        "join s",
    ];
    let mut rows = Vec::new();
    for _ in 0..args.runs {
        let (server, http) = Server::chat(&args.signalbox)?;
        let empty_kib = server.memory_kib("VmRSS")?;
        let cpu_before = server.cpu_secs()?;
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
        let output =
            command.stderr(std::process::Stdio::inherit()).output().context("the load cannot be started")?;
        ensure!(output.status.success(), "the load failed");
        let outcome: Outcome = serde_json::from_slice(&output.stdout).context("the load's result")?;
        let cpu_secs = server.cpu_secs()? - cpu_before;
        let n_clients = (args.lines + args.sockets).max(1);
        let kib = server.memory_kib("VmHWM")?.saturating_sub(empty_kib) as f64 / n_clients as f64;
        let missed = outcome.n_said * (args.lines + args.sockets) - outcome.n_arrived;
        rows.push(vec![
            args.lines.to_string(),
            args.sockets.to_string(),
            args.per_sec.to_string(),
            format!("{:.1}", outcome.p50_millis),
            format!("{:.1}", outcome.p99_millis),
            format!("{:.1}", outcome.max_millis),
            missed.to_string(),
            outcome.n_orders.to_string(),
            format!("{:.0}", 100.0 * cpu_secs / (args.secs as f64 + 2.0 + outcome.join_secs)),
            format!("{kib:.1}"),
            format!("{:.1}", outcome.join_secs),
        ]);
    }
    std::io::stdout().lock().write_all(table(&head, &rows).as_bytes())?;
    Ok(())
}
