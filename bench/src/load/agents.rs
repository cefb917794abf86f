//! Many agents in one process: a PUSH socket each, so that none drops anything, sending in turn at a rate
//! or as fast as is taken.

use std::fmt::Write as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::feed_clients::micros_now;

/// Sockets per context: libzmq allows 1,023.
const SOCKETS_PER_CONTEXT: usize = 500;

/// One run.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The collector's PULL socket.
    #[arg(long)]
    to: String,
    /// How many agents.
    #[arg(long)]
    agents: usize,
    /// Samples of each.
    #[arg(long)]
    samples: u64,
    /// Samples a second of each; 0 is as many as are taken.
    #[arg(long, default_value_t = 0.0)]
    rate: f64,
    /// Metrics in each sample.
    #[arg(long, default_value_t = 2)]
    metrics: usize,
}

/// A run in a process of its own that goes on until this is dropped.
pub(crate) struct Agents(Child);

impl Agents {
    /// Begins it.
    pub(crate) fn start(to: &str, agents: usize, rate: f64, metrics: usize) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["load", "agents", "--to", to, "--agents", &agents.to_string()]);
        command.args(["--rate", &rate.to_string(), "--metrics", &metrics.to_string()]);
        command.args(["--samples", &u64::MAX.to_string()]);
        Ok(Self(command.stdout(Stdio::null()).spawn()?))
    }
}

impl Drop for Agents {
    fn drop(&mut self) {
        // It is ours and may be gone already.
        let _ = (self.0.kill(), self.0.wait());
    }
}

/// What was sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// From the first sample until the last had left, in seconds.
    pub(crate) secs: f64,
}

/// A sample: waves, so that every chart has something to show.
fn sample(agent: &str, n: u64, n_metrics: usize) -> anyhow::Result<String> {
    let phase = agent.bytes().map(f64::from).sum::<f64>() + micros_now()? as f64 / 5e6;
    let value = |metric: usize| 50.0 + 40.0 * (phase / (metric + 1) as f64).sin() + (n % 7) as f64;
    let mut text = format!("{{\"color\":\"{agent}\",\"timestamp\":\"{}\"", jiff::Timestamp::now());
    for metric in 0..n_metrics.max(2) {
        let _ = match metric {
            0 => write!(text, ",\"cpu\":{:.2}", value(metric)),
            1 => write!(text, ",\"mem\":{:.2}", value(metric)),
            _ => write!(text, ",\"metric_{metric}\":{:.2}", value(metric)),
        };
    }
    text.push('}');
    Ok(text)
}

/// Connects all, sends everything, prints the [`Outcome`].
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let mut agents = Vec::with_capacity(args.agents);
    let contexts: Vec<zmq::Context> =
        (0..args.agents.div_ceil(SOCKETS_PER_CONTEXT)).map(|_| zmq::Context::new()).collect();
    for n in 0..args.agents {
        let socket = contexts[n / SOCKETS_PER_CONTEXT].socket(zmq::PUSH)?;
        socket.connect(&args.to)?;
        let name = format!("agent-{n}");
        // Each is known to the collector before the clock runs.
        socket.send(&sample(&name, 0, args.metrics)?, 0)?;
        agents.push((socket, name));
    }
    let started = Instant::now();
    for n in 1..args.samples {
        for (at, (socket, name)) in agents.iter().enumerate() {
            if 0.0 < args.rate {
                // In turn, evenly, as agents that know nothing of each other are on average.
                let round = n as f64 + at as f64 / args.agents as f64;
                let due = started + Duration::from_secs_f64(round / args.rate);
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
            }
            socket.send(&sample(name, n, args.metrics)?, 0)?;
        }
    }
    // Dropping waits until libzmq has sent what it holds.
    drop(agents);
    drop(contexts);
    super::print(&Outcome { secs: started.elapsed().as_secs_f64() })
}
