//! `cargo xtask bench collector`: samples a second from many connected agents into the relay, and what that costs.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde::Serialize;

use crate::feed::relay;
use crate::load::agents;
use crate::process::{Server, free_address};
use crate::report::{Spread, cores, quantity, say, table};

/// Without another sample for so long, what is missing counts as lost.
const SILENCE_MAX: Duration = Duration::from_secs(5);

/// Measures the collector.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The release binary.
    #[arg(long, value_name = "FILE")]
    signalbox: PathBuf,
    /// Agents, each with a connection of its own.
    #[arg(long, default_value_t = 1000)]
    agents: usize,
    /// Samples per agent.
    #[arg(long, default_value_t = 1000)]
    samples: u64,
    /// Runs.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Where the figures go as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
struct Row {
    agents: usize,
    samples_per_sec: Spread,
    lost: u64,
    cpu_percent: Spread,
    samples_per_cpu_sec: Spread,
    memory_kib: Spread,
}

/// Runs it, prints the table and writes the JSON file.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let (mut rates, mut cpu, mut per_cpu, mut memory, mut lost) = (vec![], vec![], vec![], vec![], 0);
    for _ in 0..args.runs {
        let (http, pull) = (free_address()?, format!("tcp://{}", free_address()?));
        let mut server = Server::start(&mut relay(&args.signalbox, &http, &pull))?;
        server.until_listening(&http)?;
        let cpu_before = server.cpu_secs()?;
        let mut load = Command::new(std::env::current_exe()?);
        load.args(["load", "agents", "--to", &pull, "--agents", &args.agents.to_string()]);
        let output = load.args(["--samples", &args.samples.to_string()]).output()?;
        ensure!(output.status.success(), "the agents failed: {}", String::from_utf8_lossy(&output.stderr));
        let sent: agents::Outcome = serde_json::from_slice(&output.stdout)?;
        let due = args.agents as u64 * args.samples;
        let (accepted, waited) = wait_for(&http, due)?;
        let secs = sent.secs + waited.as_secs_f64();
        let cpu_secs = server.cpu_secs()? - cpu_before;
        rates.push(accepted as f64 / secs);
        cpu.push(cpu_secs / secs * 100.0);
        per_cpu.push(accepted as f64 / cpu_secs);
        memory.push(server.memory_kib()? as f64);
        lost += due - accepted;
    }
    let row = Row {
        agents: args.agents,
        samples_per_sec: Spread::of(rates),
        lost,
        cpu_percent: Spread::of(cpu),
        samples_per_cpu_sec: Spread::of(per_cpu),
        memory_kib: Spread::of(memory),
    };
    say(&format!(
        "{} samples from each agent; {} cores; {} runs, median (min to max)",
        args.samples,
        cores(),
        args.runs
    ));
    let spread = |s: Spread| format!("{} ({} to {})", quantity(s.median), quantity(s.min), quantity(s.max));
    let cells = vec![
        row.agents.to_string(),
        spread(row.samples_per_sec),
        row.lost.to_string(),
        spread(row.cpu_percent),
        spread(row.samples_per_cpu_sec),
        format!("{:.1}", row.memory_kib.median / 1024.0),
    ];
    let head = ["agents", "samples/s", "lost", "CPU % of a core", "samples per CPU second", "resident MiB"];
    say(&table(&head, &[cells]));
    if let Some(path) = &args.json {
        let figures = serde_json::json!({ "cores": cores(), "runs": args.runs, "rows": [row] });
        std::fs::write(path, serde_json::to_string_pretty(&figures)? + "\n")?;
    }
    Ok(())
}

/// Waits until the relay has taken `due` samples, or takes none any more; gives how many, and how long it took.
fn wait_for(http: &str, due: u64) -> anyhow::Result<(u64, Duration)> {
    let started = Instant::now();
    let (mut seen, mut seen_at) = (accepted(http)?, started);
    while seen < due && seen_at.elapsed() < SILENCE_MAX {
        std::thread::sleep(Duration::from_millis(5));
        let now = accepted(http)?;
        if now != seen {
            (seen, seen_at) = (now, Instant::now());
        }
    }
    ensure!(seen <= due, "the relay counts {seen} of {due} samples");
    Ok((seen, seen_at - started))
}

/// Samples taken so far, as the relay counts them.
fn accepted(http: &str) -> anyhow::Result<u64> {
    let mut stream = TcpStream::connect(http)?;
    write!(stream, "GET /metrics HTTP/1.1\r\nHost: {http}\r\nConnection: close\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let line = text.lines().find_map(|line| line.strip_prefix("signalbox_collector_samples_total "));
    line.and_then(|count| count.trim().parse().ok()).context("/metrics does not count samples")
}
