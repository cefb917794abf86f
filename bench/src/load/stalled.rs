//! A fast subscriber, first alone and then beside one that reads nothing, counted in every second.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::Target;
use super::account::{Account, Counts, STAMP_BYTES, stamp};
use super::probe::until_subscribed;

const CHANNEL: &str = "/topic/bench0";
/// Bytes that may be under way to the fast subscriber at full load.
const WINDOW_BYTES: u64 = 2 * 1024 * 1024;
/// Bytes that the publisher writes at once at most.
const BATCH_BYTES: usize = 64 * 1024;
/// How long the publisher sleeps where nothing is due.
const SLEEP: Duration = Duration::from_micros(50);
/// Without a message for so long, what is missing counts as lost.
const SILENCE_MAX: Duration = Duration::from_secs(3);

/// One run.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    target: Target,
    /// Messages per second; 0 is as many as the fast subscriber takes.
    #[arg(long)]
    rate: u64,
    /// Bytes per payload.
    #[arg(long)]
    size: usize,
    /// Seconds alone, and as many beside the stalled one.
    #[arg(long)]
    secs: u64,
}

/// What a run gave.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// Messages that the fast one got in each second while it was alone.
    pub(crate) alone_per_sec: Vec<u64>,
    /// The same beside the stalled one.
    pub(crate) beside_per_sec: Vec<u64>,
    /// Messages published.
    pub(crate) published: u64,
    /// What the fast one got of them.
    pub(crate) counts: Counts,
}

/// Runs it and prints the [`Outcome`] as JSON.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    anyhow::ensure!(STAMP_BYTES <= args.size && 2 <= args.secs, "8 bytes and 2 seconds at least");
    let fast = args.target.wire.subscribe(&args.target.address, CHANNEL)?;
    let publisher = args.target.wire.publisher(&args.target.address, CHANNEL)?;
    until_subscribed(args.target.wire, [&fast], &[(&publisher, CHANNEL)])?;
    let (received, sent, is_over) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    let (alone_per_sec, beside_per_sec, counts) = std::thread::scope(|scope| -> anyhow::Result<_> {
        let reading = scope.spawn(|| read(args, fast, &received, &sent, &is_over));
        let publishing = scope.spawn(|| publish(args, publisher, &received, &sent, &is_over));
        let alone = seconds(args.secs, &received);
        let _stalled = args.target.wire.subscribe(&args.target.address, CHANNEL)?;
        let beside = seconds(args.secs, &received);
        is_over.store(true, Ordering::Relaxed);
        publishing.join().map_err(|_| anyhow::anyhow!("the publisher panicked"))??;
        let counts = reading.join().map_err(|_| anyhow::anyhow!("the subscriber panicked"))??;
        Ok((alone, beside, counts))
    })?;
    let published = sent.load(Ordering::Relaxed);
    super::print(&Outcome { alone_per_sec, beside_per_sec, published, counts })
}

/// How much the count grew in each of so many seconds.
fn seconds(n: u64, count: &AtomicU64) -> Vec<u64> {
    let started = Instant::now();
    let mut before = count.load(Ordering::Relaxed);
    let second = |i| {
        std::thread::sleep((started + Duration::from_secs(i)).saturating_duration_since(Instant::now()));
        let now = count.load(Ordering::Relaxed);
        now - std::mem::replace(&mut before, now)
    };
    (1..=n).map(second).collect()
}

fn publish(
    args: &Args,
    mut stream: TcpStream,
    received: &AtomicU64,
    sent: &AtomicU64,
    is_over: &AtomicBool,
) -> anyhow::Result<()> {
    if args.target.wire.answers_publishers() {
        let mut answers = stream.try_clone()?;
        // Ends with the connection.
        std::thread::spawn(move || while answers.read(&mut [0; 64 * 1024]).is_ok_and(|n| n != 0) {});
    }
    let window = (WINDOW_BYTES / args.size as u64).max(16);
    let (started, mut n, mut batch) = (Instant::now(), 0, Vec::new());
    while !is_over.load(Ordering::Relaxed) {
        let due = match args.rate {
            0 => received.load(Ordering::Relaxed) + window,
            rate => (started.elapsed().as_secs_f64() * rate as f64) as u64,
        };
        batch.clear();
        while n < due && batch.len() < BATCH_BYTES {
            let at = args.target.wire.push_message(&mut batch, CHANNEL, args.size);
            stamp(&mut batch[at..], 0, n);
            n += 1;
        }
        if batch.is_empty() {
            std::thread::sleep(SLEEP);
        } else {
            sent.store(n, Ordering::Relaxed);
            stream.write_all(&batch)?;
        }
    }
    Ok(())
}

/// Reads until everything has come and nothing more is sent, or nothing comes any more.
fn read(
    args: &Args,
    mut stream: TcpStream,
    received: &AtomicU64,
    sent: &AtomicU64,
    is_over: &AtomicBool,
) -> anyhow::Result<Counts> {
    let mut account = Account::new(1);
    let mut buffer = vec![0; 256 * 1024 + 2 * args.size];
    let (mut filled, mut last_read) = (0, Instant::now());
    stream.set_read_timeout(Some(Duration::from_millis(100)))?;
    loop {
        let is_over = is_over.load(Ordering::Relaxed);
        let is_complete = sent.load(Ordering::Relaxed) <= account.counts().delivered;
        if is_over && (is_complete || SILENCE_MAX < last_read.elapsed()) {
            return Ok(account.counts());
        }
        let n = match stream.read(&mut buffer[filled..]) {
            Ok(0) => anyhow::bail!("the server closed the fast subscriber"),
            Ok(n) => n,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error.into()),
        };
        last_read = Instant::now();
        filled += n;
        let walked = args.target.wire.walk(&buffer[..filled], |payload| account.take(payload))?;
        buffer.copy_within(walked..filled, 0);
        filled -= walked;
        received.store(account.counts().delivered, Ordering::Relaxed);
    }
}
