//! As many messages as possible from publishers to subscribers, each a thread with a blocking socket.
//!
//! A publisher stays at most a window of bytes ahead of what its slowest subscriber has read: brokers that cut off
//! whoever falls behind would otherwise measure their own generosity.

use std::io::{Read as _, Write as _};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::Target;
use super::account::{Account, Counts, STAMP_BYTES, stamp};
use super::probe::until_subscribed;

/// Bytes that a publisher writes at once.
const BATCH_BYTES: usize = 64 * 1024;
/// Bytes that a subscriber reads at once.
const READ_BYTES: usize = 256 * 1024;
/// Bytes of payload that may be under way on one channel: well under what any of the brokers cuts off at.
const WINDOW_BYTES: usize = 4 * 1024 * 1024;
/// The same in messages.
const WINDOW_MESSAGES: usize = 32_768;
/// Without a message for so long, what is missing counts as dropped.
const SILENCE_MAX: Duration = Duration::from_secs(5);

/// One run.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    target: Target,
    /// Publishers; publisher i publishes on channel i modulo the channels.
    #[arg(long)]
    publishers: usize,
    /// Subscribers; subscriber i subscribes to channel i modulo the channels.
    #[arg(long)]
    subscribers: usize,
    /// Channels.
    #[arg(long, default_value_t = 1)]
    channels: usize,
    /// Whether each message goes to one subscriber only.
    #[arg(long)]
    queue: bool,
    /// Bytes per payload.
    #[arg(long)]
    size: usize,
    /// Messages per publisher.
    #[arg(long)]
    count: u64,
}

/// What a run gave.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// From the first byte written to the last message counted, in seconds.
    pub(crate) secs: f64,
    /// Messages published.
    pub(crate) published: u64,
    /// Messages that had to arrive, over all subscribers.
    pub(crate) due: u64,
    /// What arrived.
    pub(crate) counts: Counts,
}

/// Runs it and prints the [`Outcome`] as JSON.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    anyhow::ensure!(STAMP_BYTES <= args.size, "a payload holds a stamp of {STAMP_BYTES} bytes");
    let kind = if args.queue { "queue" } else { "topic" };
    let channels: Vec<String> = (0..args.channels).map(|i| format!("/{kind}/bench{i}")).collect();
    let publishers_of =
        |channel: usize| (0..args.publishers).filter(|p| p % args.channels == channel).count() as u64;
    let subscribers_of =
        |channel: usize| (0..args.subscribers).filter(|s| s % args.channels == channel).count() as u64;
    let due: u64 = (0..args.channels)
        .map(|channel| {
            let copies = if args.queue { subscribers_of(channel).min(1) } else { subscribers_of(channel) };
            publishers_of(channel) * args.count * copies
        })
        .sum();

    // What each subscriber has read of each publisher; a queue's subscribers share one row.
    let rows = if args.queue { 1 } else { args.subscribers };
    let progress: Vec<Vec<AtomicU64>> =
        (0..rows).map(|_| (0..args.publishers).map(|_| AtomicU64::new(0)).collect()).collect();
    let left = AtomicU64::new(due);
    let is_over = AtomicBool::new(false);
    let ready = Barrier::new(args.publishers + args.subscribers + 1);
    let window = (WINDOW_BYTES / args.size).min(WINDOW_MESSAGES) / args.publishers.div_ceil(args.channels);
    let window = window.max(16) as u64;

    let channel_of = |i: usize| channels[i % args.channels].as_str();
    let subscribed = (0..args.subscribers)
        .map(|s| args.target.wire.subscribe(&args.target.address, channel_of(s)))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let publishing = (0..args.publishers)
        .map(|p| args.target.wire.publisher(&args.target.address, channel_of(p)))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let on_channels: Vec<_> =
        publishing.iter().enumerate().map(|(p, stream)| (stream, channel_of(p))).collect();
    until_subscribed(args.target.wire, &subscribed, &on_channels)?;

    let (secs, counts) = std::thread::scope(|scope| -> anyhow::Result<_> {
        let mut subscribers = Vec::new();
        for (s, stream) in subscribed.into_iter().enumerate() {
            let progress = &progress[s % rows];
            let (ready, left) = (&ready, &left);
            subscribers.push(scope.spawn(move || {
                ready.wait();
                subscribe(args, stream, progress, left)
            }));
        }
        let mut publishers = Vec::new();
        for (p, stream) in publishing.into_iter().enumerate() {
            let channel = channel_of(p);
            let watched: Vec<&AtomicU64> = (0..rows)
                .filter(|row| args.queue || row % args.channels == p % args.channels)
                .map(|row| &progress[row][p])
                .collect();
            let (ready, is_over) = (&ready, &is_over);
            publishers.push(scope.spawn(move || {
                ready.wait();
                publish(args, stream, p, channel, &watched, window, is_over)
            }));
        }
        ready.wait();
        let mut counts = Counts::default();
        for subscriber in subscribers {
            counts = counts + subscriber.join().map_err(|_| anyhow::anyhow!("a subscriber panicked"))??;
        }
        let ended = Instant::now();
        is_over.store(true, Ordering::Relaxed);
        let mut started = ended;
        for publisher in publishers {
            started = started.min(publisher.join().map_err(|_| anyhow::anyhow!("a publisher panicked"))??);
        }
        Ok(((ended - started).as_secs_f64(), counts))
    })?;
    super::print(&Outcome { secs, published: args.publishers as u64 * args.count, due, counts })
}

fn subscribe(
    args: &Args,
    mut stream: std::net::TcpStream,
    progress: &[AtomicU64],
    left: &AtomicU64,
) -> anyhow::Result<Counts> {
    let mut account = Account::new(args.publishers);
    let mut told = vec![0; args.publishers];
    let mut buffer = vec![0; READ_BYTES.max(args.size * 2 + 1024)];
    let mut filled = 0;
    // The last message may have gone to another subscriber of a queue.
    stream.set_read_timeout(Some(Duration::from_millis(100)))?;
    let mut last_read = Instant::now();
    while left.load(Ordering::Relaxed) != 0 && last_read.elapsed() < SILENCE_MAX {
        let n = match stream.read(&mut buffer[filled..]) {
            Ok(0) => anyhow::bail!(
                "the server closed a subscriber: {} messages were due",
                left.load(Ordering::Relaxed)
            ),
            Ok(n) => n,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error.into()),
        };
        last_read = Instant::now();
        filled += n;
        let before = account.counts().delivered;
        let walked = args.target.wire.walk(&buffer[..filled], |payload| account.take(payload))?;
        buffer.copy_within(walked..filled, 0);
        filled -= walked;
        for (publisher, &seen) in account.seen().iter().enumerate() {
            progress[publisher].fetch_add(seen - told[publisher], Ordering::Release);
            told[publisher] = seen;
        }
        left.fetch_sub(account.counts().delivered - before, Ordering::Relaxed);
    }
    Ok(account.counts())
}

/// Publishes everything and says when it began.
fn publish(
    args: &Args,
    mut stream: std::net::TcpStream,
    publisher: usize,
    channel: &str,
    watched: &[&AtomicU64],
    window: u64,
    is_over: &AtomicBool,
) -> anyhow::Result<Instant> {
    let started = Instant::now();
    let mut batch = Vec::new();
    let mut stamps = Vec::new();
    while batch.is_empty() || batch.len() + args.size < BATCH_BYTES {
        stamps.push(args.target.wire.push_message(&mut batch, channel, args.size));
    }
    let message_bytes = batch.len() / stamps.len();
    if args.target.wire.answers_publishers() {
        let mut answers = stream.try_clone()?;
        // Ends with the connection.
        std::thread::spawn(move || while answers.read(&mut [0; 64 * 1024]).is_ok_and(|n| n != 0) {});
    }
    let mut sent = 0;
    while sent < args.count {
        let n = (stamps.len() as u64).min(args.count - sent);
        for (number, &at) in (sent..sent + n).zip(&stamps) {
            stamp(&mut batch[at..], publisher, number);
        }
        wait_until(is_over, || watched.iter().all(|read| sent + n <= read.load(Ordering::Acquire) + window));
        stream.write_all(&batch[..message_bytes * n as usize])?;
        sent += n;
    }
    // Stays open until everything has arrived: a broker may drop what a gone publisher left unread.
    wait_until(is_over, || watched.iter().all(|read| sent <= read.load(Ordering::Acquire)));
    Ok(started)
}

/// Looks again every few microseconds, until the condition holds or nobody reads any more.
fn wait_until(is_over: &AtomicBool, condition: impl Fn() -> bool) {
    while !condition() && !is_over.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_micros(50));
    }
}
