//! `cargo xtask bench feed`: samples to many browsers, from the relay, from nginx with nchan, and from aiohttp-sse; the
//! last also beside ten times its browsers at the relay.

mod server;

use std::io::BufRead as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use serde::Serialize;

use self::server::Kind;
pub(crate) use self::server::relay;
use crate::load::{feed_publisher, stamped};
use crate::report::{Spread, cores, say, table};

/// Measures the feed.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The release binary.
    #[arg(long, value_name = "FILE")]
    pub(crate) signalbox: PathBuf,
    /// A Python that can import aiohttp and aiohttp_sse.
    #[arg(long, value_name = "FILE")]
    pub(crate) python: PathBuf,
    /// The aiohttp-sse server.
    #[arg(long, value_name = "FILE")]
    pub(crate) aiohttp_server: PathBuf,
    /// Clients per case.
    #[arg(long, value_delimiter = ',', default_value = "100,1000,5000")]
    clients: Vec<usize>,
    /// Clients of aiohttp-sse beside ten times as many of the relay.
    #[arg(long, value_delimiter = ',', default_value = "100,1000")]
    tenfold: Vec<usize>,
    /// Samples a second.
    #[arg(long, default_value_t = 10)]
    rate: u64,
    /// Seconds of samples per run.
    #[arg(long, default_value_t = 10)]
    secs: u64,
    /// Runs per case and server.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Only servers whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
    /// Where the figures go as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// One run.
struct Run {
    delivered_percent: f64,
    clients: stamped::Outcome,
    cpu_percent: f64,
    memory_kib_per_client: f64,
}

#[derive(Debug, Serialize)]
struct Row {
    server: &'static str,
    clients: usize,
    delivered_percent: Spread,
    /// Until it was in the browser's socket.
    came_p50_millis: Spread,
    came_p99_millis: Spread,
    /// Until the browser had read it.
    read_p99_millis: Spread,
    cpu_percent: Spread,
    memory_kib_per_client: Spread,
}

/// Runs every case for every server in turn, prints the table and writes the JSON file.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    say(&format!(
        "{} samples a second for {} s; {} cores; {} runs each, median (min to max)",
        args.rate,
        args.secs,
        cores(),
        args.runs
    ));
    let mut rows = Vec::new();
    for cases in cases(args) {
        let mut runs: Vec<Vec<Run>> = cases.iter().map(|_| Vec::new()).collect();
        // They take turns, so that a disturbance meets all of them.
        for _ in 0..args.runs {
            for (&(kind, n_clients), runs) in cases.iter().zip(&mut runs) {
                runs.push(measure(args, kind, n_clients)?);
            }
        }
        for (&(kind, n_clients), runs) in cases.iter().zip(&runs) {
            let spread = |figure: fn(&Run) -> f64| Spread::of(runs.iter().map(figure).collect());
            let row = Row {
                server: kind.name(),
                clients: n_clients,
                delivered_percent: spread(|run| run.delivered_percent),
                came_p50_millis: spread(|run| run.clients.came.p50_millis),
                came_p99_millis: spread(|run| run.clients.came.p99_millis),
                read_p99_millis: spread(|run| run.clients.read.p99_millis),
                cpu_percent: spread(|run| run.cpu_percent),
                memory_kib_per_client: spread(|run| run.memory_kib_per_client),
            };
            say(&format!("{} clients, {}: p99 {:.1} ms", n_clients, row.server, row.came_p99_millis.median));
            rows.push(row);
        }
    }
    say(&rows_table(&rows));
    if let Some(path) = &args.json {
        let figures = serde_json::json!({ "cores": cores(), "runs": args.runs, "rows": rows });
        std::fs::write(path, serde_json::to_string_pretty(&figures)? + "\n")?;
    }
    Ok(())
}

/// What is measured in turns: servers, each with so many clients.
fn cases(args: &Args) -> Vec<Vec<(Kind, usize)>> {
    let beside = args.clients.iter().map(|&n| Kind::ALL.map(|kind| (kind, n)).to_vec());
    let tenfold = args.tenfold.iter().map(|&n| vec![(Kind::Signalbox, 10 * n), (Kind::Aiohttp, n)]);
    let mut cases: Vec<Vec<(Kind, usize)>> = beside.chain(tenfold).collect();
    for case in &mut cases {
        case.retain(|(kind, _)| kind.name().contains(&args.only));
    }
    cases
}

fn measure(args: &Args, kind: Kind, n_clients: usize) -> anyhow::Result<Run> {
    let server = kind.start(args)?;
    let memory_before = server.process.memory_kib()?;
    let n_samples = args.rate * args.secs;
    let exe = std::env::current_exe()?;
    let mut clients = Command::new(&exe)
        .args(["load", "feed-clients", "--address", &server.address, "--path", kind.feed_path()])
        .args(["--clients", &n_clients.to_string(), "--samples", &n_samples.to_string()])
        .stdout(Stdio::piped())
        .spawn()?;
    let mut lines = std::io::BufReader::new(clients.stdout.take().context("no output")?).lines();
    // They say when all are connected, and at the end what they got.
    lines.next().with_context(|| format!("the clients of {} ended early", kind.name()))??;
    let memory_kib = server.process.memory_kib()?.saturating_sub(memory_before) as f64;
    let cpu_before = server.process.cpu_secs()?;
    let published = Command::new(&exe)
        .args(["load", "feed-publisher", "--to", &server.publish_to])
        .args(["--rate", &args.rate.to_string(), "--samples", &n_samples.to_string()])
        .output()?;
    ensure!(
        published.status.success(),
        "the publisher to {} failed: {}",
        kind.name(),
        String::from_utf8_lossy(&published.stderr)
    );
    let published: feed_publisher::Outcome = serde_json::from_slice(&published.stdout)?;
    let outcome = lines.next().with_context(|| format!("the clients of {} said nothing", kind.name()))??;
    let cpu_secs = server.process.cpu_secs()? - cpu_before;
    let outcome: stamped::Outcome = serde_json::from_str(&outcome)?;
    // It has said what it had to say.
    let _ = clients.wait();
    Ok(Run {
        delivered_percent: outcome.delivered as f64 / (published.published * n_clients as u64) as f64 * 100.0,
        cpu_percent: cpu_secs / published.secs * 100.0,
        memory_kib_per_client: memory_kib / n_clients as f64,
        clients: outcome,
    })
}

fn rows_table(rows: &[Row]) -> String {
    let cells = rows.iter().map(|row| {
        let figure =
            |spread: Spread| format!("{:.1} ({:.1} to {:.1})", spread.median, spread.min, spread.max);
        vec![
            row.clients.to_string(),
            row.server.to_owned(),
            figure(row.delivered_percent),
            figure(row.came_p50_millis),
            figure(row.came_p99_millis),
            figure(row.read_p99_millis),
            figure(row.cpu_percent),
            figure(row.memory_kib_per_client),
        ]
    });
    let head = [
        "clients",
        "server",
        "delivered %",
        "in the socket, p50 ms",
        "p99 ms",
        "read, p99 ms",
        "CPU % of a core",
        "KiB per client",
    ];
    table(&head, &cells.collect::<Vec<_>>())
}
