//! Messages at a steady rate from one publisher to one subscriber, each timed from when it was due, not from when it was
//! written: a server that stalls the publisher is charged for all that waited (no coordinated omission).

use std::io::{Read as _, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::Target;
use super::probe::{is_probe, until_subscribed};

/// How long the publisher sleeps between looks at the clock.
const SLEEP: Duration = Duration::from_micros(20);
/// Messages at the start that are not counted.
const WARM_UP: u64 = 500;
const CHANNEL: &str = "/topic/bench0";

/// One run.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    target: Target,
    /// Messages per second.
    #[arg(long)]
    rate: u64,
    /// Messages in all.
    #[arg(long)]
    count: u64,
    /// Bytes per payload.
    #[arg(long, default_value_t = 128)]
    size: usize,
}

/// What a run gave, in microseconds.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// Half of all messages took at most this.
    pub(crate) p50_micros: f64,
    /// 99 of 100.
    pub(crate) p99_micros: f64,
    /// 999 of 1,000.
    pub(crate) p999_micros: f64,
    /// All.
    pub(crate) max_micros: f64,
    /// Messages timed.
    pub(crate) n_timed: u64,
}

/// Runs it and prints the [`Outcome`] as JSON.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    anyhow::ensure!(
        WARM_UP < args.count && 8 <= args.size,
        "more messages than the warm-up of {WARM_UP}, of 8 bytes or more"
    );
    let mut subscriber = args.target.wire.subscribe(&args.target.address, CHANNEL)?;
    let mut publisher = args.target.wire.publisher(&args.target.address, CHANNEL)?;
    until_subscribed(args.target.wire, [&subscriber], &[(&publisher, CHANNEL)])?;
    let interval = Duration::from_secs(1) / u32::try_from(args.rate)?;
    let arrived = AtomicU64::new(0);
    let epoch = Instant::now();

    let mut nanos = std::thread::scope(|scope| -> anyhow::Result<Vec<u64>> {
        let reader = scope.spawn(|| -> anyhow::Result<Vec<u64>> {
            let mut nanos = Vec::new();
            let mut buffer = vec![0; 64 * 1024];
            let mut filled = 0;
            let mut n = 0;
            while n < args.count {
                let read = subscriber.read(&mut buffer[filled..])?;
                anyhow::ensure!(read != 0, "the server closed the subscriber after {n} messages");
                let now = epoch.elapsed().as_nanos() as u64;
                filled += read;
                let walked = args.target.wire.walk(&buffer[..filled], |payload| {
                    if is_probe(payload) {
                        return;
                    }
                    let due = payload.first_chunk().copied().map_or(0, u64::from_be_bytes);
                    if WARM_UP <= n {
                        nanos.push(now.saturating_sub(due));
                    }
                    n += 1;
                })?;
                buffer.copy_within(walked..filled, 0);
                filled -= walked;
                arrived.store(n, Ordering::Relaxed);
            }
            Ok(nanos)
        });
        if args.target.wire.answers_publishers() {
            let mut answers = publisher.try_clone()?;
            // Ends with the connection.
            std::thread::spawn(move || while answers.read(&mut [0; 4096]).is_ok_and(|n| n != 0) {});
        }
        let mut batch = Vec::new();
        let mut sent = 0;
        let started = epoch.elapsed() + Duration::from_millis(50);
        while sent < args.count {
            let due_now = epoch.elapsed().saturating_sub(started).as_nanos() / interval.as_nanos();
            batch.clear();
            while u128::from(sent) < due_now.min(u128::from(args.count)) {
                let due = started + interval * u32::try_from(sent + 1)?;
                let at = args.target.wire.push_message(&mut batch, CHANNEL, args.size);
                batch[at..at + 8].copy_from_slice(&(due.as_nanos() as u64).to_be_bytes());
                sent += 1;
            }
            if batch.is_empty() {
                std::thread::sleep(SLEEP);
            } else {
                publisher.write_all(&batch)?;
            }
        }
        reader.join().map_err(|_| anyhow::anyhow!("the subscriber panicked"))?
    })?;
    nanos.sort_unstable();
    let quantile = |q: f64| nanos[((nanos.len() - 1) as f64 * q) as usize] as f64 / 1000.0;
    super::print(&Outcome {
        p50_micros: quantile(0.5),
        p99_micros: quantile(0.99),
        p999_micros: quantile(0.999),
        max_micros: quantile(1.0),
        n_timed: nanos.len() as u64,
    })
}
