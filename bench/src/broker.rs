//! `cargo xtask bench broker`: the cases, run for every program in turn, and their table.

mod idle;
mod stalled;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, ensure};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::load::{latency, throughput};
use crate::peer::{Program, Server};
use crate::report::{Spread, cores, quantity, say, table};

/// Measures the broker.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The release binary.
    #[arg(long, value_name = "FILE")]
    signalbox: PathBuf,
    /// Runs per case and program.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Only cases whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
    /// Subscribers of the case with many idle ones.
    #[arg(long, default_value_t = 5_000)]
    idle_subscribers: usize,
    /// Seconds without and as many with a stalled subscriber.
    #[arg(long, default_value_t = 8)]
    stalled_secs: u64,
    /// Programs to measure beside ours.
    #[arg(long, value_delimiter = ',', default_value = "nats,redis,forwarder")]
    peers: Vec<String>,
    /// Where the figures go as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// One case of throughput.
struct Case {
    name: &'static str,
    publishers: usize,
    subscribers: usize,
    channels: usize,
    is_queue: bool,
    size: usize,
    /// Messages per publisher: a second or so of work for a fast broker.
    count: u64,
}

const CASES: &[Case] = &[
    case("topic 1 to 1, 16 B", [1, 1, 1], 16, 4_000_000),
    case("topic 1 to 1, 128 B", [1, 1, 1], 128, 3_000_000),
    case("topic 1 to 1, 1 KiB", [1, 1, 1], 1024, 800_000),
    case("topic 1 to 1, 16 KiB", [1, 1, 1], 16 * 1024, 80_000),
    case("topic 1 to 8, 128 B", [1, 8, 1], 128, 600_000),
    case("topic 8 to 8, 128 B", [8, 8, 1], 128, 80_000),
    case("topic 8 pairs, 128 B", [8, 8, 8], 128, 400_000),
    Case { is_queue: true, ..case("queue 4 to 4, 128 B", [4, 4, 1], 128, 500_000) },
];

const fn case(
    name: &'static str,
    [publishers, subscribers, channels]: [usize; 3],
    size: usize,
    count: u64,
) -> Case {
    Case { name, publishers, subscribers, channels, is_queue: false, size, count }
}

/// Rates of the latency cases, in messages per second.
const RATES: [u64; 2] = [1_000, 10_000];
/// Messages per latency run.
const LATENCY_SECS: u64 = 3;

#[derive(Debug, Serialize)]
struct Row {
    case: String,
    program: &'static str,
    delivered_per_sec: Spread,
    cpu_secs_per_million: Spread,
    peak_memory_kib: Spread,
    dropped: u64,
    out_of_order: u64,
}

#[derive(Debug, Serialize)]
struct LatencyRow {
    case: String,
    program: &'static str,
    p50_micros: Spread,
    p99_micros: Spread,
    p999_micros: Spread,
}

/// Runs every case for every program, prints the tables and writes the JSON file.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    ensure!(
        args.signalbox.exists(),
        "{} is missing: build it with `cargo xtask dist`",
        args.signalbox.display()
    );
    let programs: Vec<Program> = Program::ALL
        .into_iter()
        .filter(|program| {
            *program == Program::Signalbox || args.peers.iter().any(|peer| peer == program.name())
        })
        .collect();
    let versions: Vec<String> =
        programs.iter().map(|program| program.version(&args.signalbox)).collect::<anyhow::Result<_>>()?;
    say(&format!("{}; {} cores; {} runs each, median (min to max)", versions.join("; "), cores(), args.runs));

    let mut rows = Vec::new();
    for case in CASES.iter().filter(|case| case.name.contains(&args.only)) {
        for &program in programs.iter().filter(|program| program.can(case.is_queue)) {
            let row = throughput_row(args, case, program)?;
            say(&format!("{}, {}: {}/s", case.name, program.name(), quantity(row.delivered_per_sec.median)));
            rows.push(row);
        }
    }
    let mut latencies = Vec::new();
    for rate in RATES {
        let name = format!("latency at {rate}/s, 128 B");
        for &program in programs.iter().filter(|_| name.contains(&args.only)) {
            let row = latency_row(args, &name, rate, program)?;
            say(&format!("{name}, {}: p50 {:.0} us", program.name(), row.p50_micros.median));
            latencies.push(row);
        }
    }
    let beside = stalled_rows(args, &programs)?;
    let idle = idle_rows(args, &programs)?;
    say(&throughput_table(&rows));
    say(&latency_table(&latencies));
    say(&stalled::as_table(&beside));
    say(&idle::as_table(&idle));
    if let Some(path) = &args.json {
        let figures = serde_json::json!({
            "versions": versions, "cores": cores(), "runs": args.runs, "throughput": rows, "latency": latencies,
            "stalled": beside, "idle": idle,
        });
        std::fs::write(path, serde_json::to_string_pretty(&figures)? + "\n")?;
    }
    Ok(())
}

fn throughput_row(args: &Args, case: &Case, program: Program) -> anyhow::Result<Row> {
    let (mut rates, mut cpu, mut memory) = (Vec::new(), Vec::new(), Vec::new());
    let (mut dropped, mut out_of_order) = (0, 0);
    for _ in 0..args.runs {
        let server = program.start(&args.signalbox)?;
        let before = server.cpu_secs()?;
        let mut flags = vec![
            ("--publishers", case.publishers.to_string()),
            ("--subscribers", case.subscribers.to_string()),
            ("--channels", case.channels.to_string()),
            ("--size", case.size.to_string()),
            ("--count", case.count.to_string()),
        ];
        if case.is_queue {
            flags.push(("--queue", String::new()));
        }
        let outcome: throughput::Outcome = load(&server, "throughput", &flags)?;
        let counts = outcome.counts;
        ensure!(
            counts.delivered <= outcome.due,
            "{} delivered {} of {}",
            program.name(),
            counts.delivered,
            outcome.due
        );
        ensure!(counts.payload_bytes == counts.delivered * case.size as u64, "payloads of another size came");
        rates.push(counts.delivered as f64 / outcome.secs);
        cpu.push((server.cpu_secs()? - before) / (counts.delivered as f64 / 1e6));
        memory.push(server.memory_kib("VmHWM")? as f64);
        dropped += outcome.due - counts.delivered;
        out_of_order += counts.out_of_order;
    }
    Ok(Row {
        case: case.name.to_owned(),
        program: program.name(),
        delivered_per_sec: Spread::of(rates),
        cpu_secs_per_million: Spread::of(cpu),
        peak_memory_kib: Spread::of(memory),
        dropped,
        out_of_order,
    })
}

fn latency_row(args: &Args, name: &str, rate: u64, program: Program) -> anyhow::Result<LatencyRow> {
    let mut outcomes: Vec<latency::Outcome> = Vec::new();
    for _ in 0..args.runs {
        let server = program.start(&args.signalbox)?;
        let flags = [("--rate", rate.to_string()), ("--count", (rate * LATENCY_SECS).to_string())];
        outcomes.push(load(&server, "latency", &flags)?);
    }
    let spread = |figure: fn(&latency::Outcome) -> f64| Spread::of(outcomes.iter().map(figure).collect());
    Ok(LatencyRow {
        case: name.to_owned(),
        program: program.name(),
        p50_micros: spread(|outcome| outcome.p50_micros),
        p99_micros: spread(|outcome| outcome.p99_micros),
        p999_micros: spread(|outcome| outcome.p999_micros),
    })
}

fn stalled_rows(args: &Args, programs: &[Program]) -> anyhow::Result<Vec<stalled::Row>> {
    let mut rows = Vec::new();
    for rate in stalled::RATES.into_iter().filter(|rate| stalled::name(*rate).contains(&args.only)) {
        // The forwarder waits for whoever does not read: it has nothing to show here.
        for &program in programs.iter().filter(|program| **program != Program::Forward) {
            rows.push(stalled::row(args, rate, program)?);
            say(&format!("{}, {}: done", stalled::name(rate), program.name()));
        }
    }
    Ok(rows)
}

fn idle_rows(args: &Args, programs: &[Program]) -> anyhow::Result<Vec<idle::Row>> {
    let mut rows = Vec::new();
    for &program in programs.iter().filter(|_| idle::name(args).contains(&args.only)) {
        rows.push(idle::row(args, program)?);
        say(&format!("{}, {}: done", idle::name(args), program.name()));
    }
    Ok(rows)
}

/// One load run in a process of its own.
fn load<T: DeserializeOwned>(server: &Server, kind: &str, flags: &[(&str, String)]) -> anyhow::Result<T> {
    let mut command = load_command(server, kind, flags)?;
    let output = command.output()?;
    ensure!(output.status.success(), "the load on {} failed", server.program.name());
    serde_json::from_slice(&output.stdout).context("the load's result")
}

fn load_command(server: &Server, kind: &str, flags: &[(&str, String)]) -> anyhow::Result<Command> {
    let wire = clap::ValueEnum::to_possible_value(&server.program.wire()).context("a wire without a name")?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["load", kind, "--wire", wire.get_name(), "--address", &server.address]);
    for (flag, value) in flags {
        command.arg(flag);
        command.args((!value.is_empty()).then_some(value));
    }
    command.stderr(std::process::Stdio::inherit());
    Ok(command)
}

fn throughput_table(rows: &[Row]) -> String {
    let ours = |case: &str| {
        let row = rows.iter().find(|row| row.case == case && row.program == Program::Signalbox.name());
        row.map_or(f64::NAN, |row| row.delivered_per_sec.median)
    };
    let cells = rows.iter().map(|row| {
        let rate = row.delivered_per_sec;
        vec![
            row.case.clone(),
            row.program.to_owned(),
            quantity(rate.median),
            format!("{} to {}", quantity(rate.min), quantity(rate.max)),
            format!("{:.2}", ours(&row.case) / rate.median),
            format!("{:.2}", row.cpu_secs_per_million.median),
            format!("{:.1}", row.peak_memory_kib.median / 1024.0),
            row.dropped.to_string(),
            row.out_of_order.to_string(),
        ]
    });
    let head = [
        "case",
        "program",
        "delivered/s",
        "min to max",
        "ours/its",
        "CPU s/M",
        "peak MiB",
        "dropped",
        "disordered",
    ];
    table(&head, &cells.collect::<Vec<_>>())
}

fn latency_table(rows: &[LatencyRow]) -> String {
    let cells = rows.iter().map(|row| {
        let micros =
            |spread: Spread| format!("{:.0} ({:.0} to {:.0})", spread.median, spread.min, spread.max);
        vec![
            row.case.clone(),
            row.program.to_owned(),
            micros(row.p50_micros),
            micros(row.p99_micros),
            micros(row.p999_micros),
        ]
    });
    table(&["case", "program", "p50 us", "p99 us", "p99.9 us"], &cells.collect::<Vec<_>>())
}
