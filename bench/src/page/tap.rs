//! Many browsers that each watch one channel of 50 messages a second, beside the same through nats-server's WebSocket.

use std::io::BufRead as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde::Serialize;

use super::relay::{Rate, Relay};
use super::{Args, figure, print_table};
use crate::load::stamped::Outcome;
use crate::report::{Spread, say};

const PER_SEC: u64 = 50;
const SIZE_BYTES: u64 = 200;
const CHANNEL: &str = "/topic/bench";
/// Before the first message: what connecting cost is over.
const SETTLE: Duration = Duration::from_secs(1);

/// Which server.
#[derive(Clone, Copy)]
enum Kind {
    Signalbox,
    Nats,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Signalbox => "signalbox",
            Self::Nats => "nats",
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Run {
    server: &'static str,
    outcome: Outcome,
    delivered_percent: f64,
    cpu_percent: f64,
    /// When all are connected, without what the server had before.
    idle_kib_per_client: f64,
    /// The same while messages go through.
    busy_kib_per_client: f64,
}

/// Measures it and prints its table.
pub(super) fn run(args: &Args) -> anyhow::Result<Vec<Run>> {
    let mut runs = Vec::new();
    // They take turns, so that a disturbance meets both.
    for _ in 0..args.runs {
        for kind in [Kind::Signalbox, Kind::Nats] {
            let run = measure(args, kind)?;
            say(&format!(
                "{}: p99 {:.1} ms, read {:.1} ms, CPU {:.0} %",
                run.server, run.outcome.came.p99_millis, run.outcome.read.p99_millis, run.cpu_percent
            ));
            runs.push(run);
        }
    }
    let rows = [Kind::Signalbox, Kind::Nats].map(|kind| {
        let of = |value: fn(&Run) -> f64| {
            figure(Spread::of(runs.iter().filter(|run| run.server == kind.name()).map(value).collect()))
        };
        vec![
            kind.name().to_owned(),
            of(|run| run.delivered_percent),
            of(|run| run.outcome.came.p50_millis),
            of(|run| run.outcome.came.p99_millis),
            of(|run| run.outcome.came.max_millis),
            of(|run| run.outcome.read.p50_millis),
            of(|run| run.outcome.read.p99_millis),
            of(|run| run.cpu_percent),
            of(|run| run.idle_kib_per_client),
            of(|run| run.busy_kib_per_client),
        ]
    });
    let head = [
        "server",
        "delivered %",
        "to the socket: p50 ms",
        "p99 ms",
        "max ms",
        "read: p50 ms",
        "p99 ms",
        "CPU % of a core",
        "KiB per browser",
        "busy",
    ];
    print_table(&head, &rows);
    Ok(runs)
}

fn measure(args: &Args, kind: Kind) -> anyhow::Result<Run> {
    let relay = match kind {
        Kind::Signalbox => Relay::start(&args.signalbox)?,
        Kind::Nats => Relay::start_nats(&std::env::temp_dir())?,
    };
    let n_messages = PER_SEC * args.secs;
    let memory_before = relay.process.memory_kib()?;
    let mut clients = Command::new(std::env::current_exe()?)
        .args(["load", "tap-clients", "--server", kind.name(), "--address", &relay.http])
        .args(["--channel", CHANNEL, "--clients", &args.clients.to_string()])
        .args(["--messages", &n_messages.to_string()])
        .stdout(Stdio::piped())
        .spawn()?;
    let mut lines = std::io::BufReader::new(clients.stdout.take().context("no output")?).lines();
    // They say when all are connected, and at the end what they got.
    lines.next().with_context(|| format!("the clients of {} ended early", kind.name()))??;
    std::thread::sleep(SETTLE);
    let per_client = |kib: u64| kib.saturating_sub(memory_before) as f64 / args.clients as f64;
    let idle_kib_per_client = per_client(relay.process.memory_kib()?);
    let cpu_before = relay.process.cpu_secs()?;
    let rate = Rate { channels: 1, per_sec: PER_SEC, count: n_messages, size: SIZE_BYTES, is_json: false };
    let published = relay.publish_as(kind.name(), CHANNEL, rate)?.end()?;
    let outcome = lines.next().with_context(|| format!("the clients of {} said nothing", kind.name()))??;
    let cpu_secs = relay.process.cpu_secs()? - cpu_before;
    let busy_kib_per_client = per_client(relay.process.memory_kib()?);
    let outcome: Outcome = serde_json::from_str(&outcome)?;
    ensure!(clients.wait()?.success(), "the clients of {} failed", kind.name());
    Ok(Run {
        server: kind.name(),
        delivered_percent: outcome.delivered as f64 / (published.published * args.clients as u64) as f64
            * 100.0,
        cpu_percent: cpu_secs / published.secs * 100.0,
        idle_kib_per_client,
        busy_kib_per_client,
        outcome,
    })
}
