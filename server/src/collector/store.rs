//! The history on disk: a thread that appends what is published, and what a relay begins with that finds it there.
//!
//! Four logs ([`log`]): the feed's events as they are, closed buckets of either length, and marks. Appending is the
//! thread's alone; nobody waits for it, and what it is too slow for is counted. A relay that was killed has lost what the
//! operating system had not got yet. So each run has an epoch of its own and goes on with the numbers of the one before,
//! and an id of an earlier run is only good as far as that run's events were found.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use signalbox_shared::api::StoreInfo;
use signalbox_shared::feed::Mark;

use super::points::Cell;
use super::ring::Saved;
use super::tier::Bucket;
use crate::clock::now_ms;
use crate::limits::Limits;
use log::{Found, Log, LogBounds};

mod log;

/// Pieces that wait for the thread: at most 64 KiB of the feed each. Of more, the newest are counted and not kept.
const PENDING_MAX: usize = 1_024;
/// Longest time until what was appended is put onto the disk.
const SYNC_EVERY: Duration = Duration::from_secs(1);
/// Shares of `history_disk_bytes` in sixteenths: feed, buckets of 10 s, buckets of 60 s, marks.
const SHARES: [u64; 4] = [8, 4, 3, 1];
/// Age at which marks leave the disk, in milliseconds: a year; what a relay keeps is bounded by their number.
const MARKS_AGE_MS: i64 = 31_536_000_000;
/// Buckets in one record: well under the largest one even with a thousand metrics each.
const BUCKETS_PER_RECORD: usize = 16;
/// Bytes of a chunk's record before its events: epoch, first seq, number of events, time.
const CHUNK_HEAD_BYTES: usize = 28;

/// What is kept.
#[derive(Debug)]
pub enum Piece {
    /// Events of the feed.
    Feed(Saved),
    /// Closed buckets: the place of its length in [`super::agents::TIER_SECS`], and its agent.
    Buckets(Vec<(usize, String, Bucket)>),
    /// A mark.
    Mark(Mark),
    /// Nothing more will come.
    End,
}

/// What was found on disk, in the order in which it must be taken: marks, buckets, then the feed.
pub trait Restore {
    /// A mark.
    fn mark(&mut self, mark: Mark);
    /// A closed bucket.
    fn bucket(&mut self, tier: usize, color: String, bucket: Bucket);
    /// Events of the feed.
    fn feed(&mut self, saved: Saved);
}

/// A running store.
#[derive(Debug)]
pub struct Store {
    pieces: SyncSender<Piece>,
    account: Arc<Account>,
    thread: Mutex<Option<thread::JoinHandle<()>>>,
    /// Held as long as this relay writes there.
    _lock: File,
}

/// What the thread has done.
#[derive(Debug, Default)]
struct Account {
    bytes: AtomicU64,
    written_seq: AtomicU64,
    dropped: AtomicU64,
    failed: AtomicU64,
    damaged_bytes: AtomicU64,
    last_error: Mutex<Option<String>>,
}

#[derive(Serialize, Deserialize)]
struct BucketRow {
    color: String,
    number: i64,
    last_ms: u16,
    /// Metric, minimum, maximum, mean, count.
    cells: Vec<(String, f64, f64, f64, u32)>,
}

struct Logs {
    feed: Log,
    tiers: [Log; 2],
    marks: Log,
}

impl Store {
    /// Reads what `data_dir` holds into `restore`, and starts the thread that goes on writing there. Waits for the disk.
    ///
    /// # Errors
    /// When the folder cannot be used, or another relay uses it.
    pub fn open(data_dir: &Path, limits: &Limits, restore: &mut impl Restore) -> anyhow::Result<Self> {
        let dir = data_dir.join("history");
        let told = || format!("data_dir = {data_dir:?} cannot be used");
        fs::create_dir_all(&dir).with_context(told)?;
        let lock = File::create(dir.join("lock")).with_context(told)?;
        lock.try_lock().with_context(|| format!("data_dir = {data_dir:?} is in use by another relay"))?;
        let account = Arc::new(Account::default());
        let logs = Logs::open(&dir, limits, restore, &account).with_context(told)?;
        account.bytes.store(logs.bytes(), Relaxed);
        let (pieces, waiting) = sync_channel(PENDING_MAX);
        let writer = Writer { logs, account: account.clone(), is_failing: false };
        let body = move || writer.run(&waiting);
        let thread = thread::Builder::new().name("history-store".to_owned()).spawn(body);
        let thread = Mutex::new(Some(thread.context("no thread for the history's store")?));
        Ok(Self { pieces, account, thread, _lock: lock })
    }

    /// Hands a piece to the thread. Never waits.
    pub fn offer(&self, piece: Piece) {
        if self.pieces.try_send(piece).is_err() && self.account.dropped.fetch_add(1, Relaxed) == 0 {
            tracing::warn!(
                "the history's store cannot follow: what it misses is counted, and missing after a restart"
            );
        }
    }

    /// Waits until everything that was handed over is on the disk.
    pub fn end(&self) {
        // Waits for room, which the thread makes unless it has ended.
        let _ = self.pieces.send(Piece::End);
        if self.thread.lock().take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread of the history's store has panicked");
        }
    }

    /// The accounts so far.
    #[must_use]
    pub fn info(&self) -> StoreInfo {
        StoreInfo {
            bytes: self.account.bytes.load(Relaxed),
            written_seq: self.account.written_seq.load(Relaxed),
            dropped: self.account.dropped.load(Relaxed),
            failed: self.account.failed.load(Relaxed),
            damaged_bytes: self.account.damaged_bytes.load(Relaxed),
            last_error: self.account.last_error.lock().clone(),
        }
    }
}

impl Logs {
    fn open(dir: &Path, limits: &Limits, restore: &mut impl Restore, account: &Account) -> io::Result<Self> {
        let bounds = |share: usize, secs: u64| LogBounds {
            bytes: limits.history_disk_bytes / 16 * SHARES[share],
            age_ms: i64::try_from(secs.saturating_mul(1_000)).unwrap_or(i64::MAX),
        };
        let mut whole = Found::default();
        let mut note = |found: Found| {
            whole.n_records += found.n_records;
            whole.damaged_bytes += found.damaged_bytes;
        };
        let marks_bounds = LogBounds { age_ms: MARKS_AGE_MS, ..bounds(3, 0) };
        let (marks, found) = Log::open(dir, "marks", marks_bounds, |payload| {
            if let Ok(mark) = serde_json::from_slice(payload) {
                restore.mark(mark);
            }
        })?;
        note(found);
        let mut tier = |name, index: usize, bounds| {
            Log::open(dir, name, bounds, |payload| {
                for row in serde_json::from_slice::<Vec<BucketRow>>(payload).unwrap_or_default() {
                    let (color, bucket) = row.into_bucket();
                    restore.bucket(index, color, bucket);
                }
            })
        };
        let (tier10, found) = tier("tier10", 0, bounds(1, limits.history_tier10_secs))?;
        note(found);
        let (tier60, found) = tier("tier60", 1, bounds(2, limits.history_tier60_secs))?;
        note(found);
        let (feed, found) = Log::open(dir, "feed", bounds(0, limits.history_window_secs), |payload| {
            if let Some(saved) = saved_from(payload) {
                restore.feed(saved);
            }
        })?;
        note(found);
        if 0 < whole.damaged_bytes {
            let bytes = whole.damaged_bytes;
            account.damaged_bytes.store(bytes, Relaxed);
            tracing::warn!(
                bytes,
                "the history on disk has {bytes} bytes that cannot be read; they are left out"
            );
        }
        Ok(Self { feed, tiers: [tier10, tier60], marks })
    }

    fn bytes(&self) -> u64 {
        [&self.feed, &self.tiers[0], &self.tiers[1], &self.marks].iter().map(|log| log.bytes()).sum()
    }

    fn sync(&mut self) -> io::Result<()> {
        let [tier10, tier60] = &mut self.tiers;
        [&mut self.feed, tier10, tier60, &mut self.marks].into_iter().try_for_each(Log::sync)
    }
}

struct Writer {
    logs: Logs,
    account: Arc<Account>,
    is_failing: bool,
}

impl Writer {
    fn run(mut self, waiting: &Receiver<Piece>) {
        let mut rows: [Vec<BucketRow>; 2] = Default::default();
        let mut next_sync = Instant::now() + SYNC_EVERY;
        let mut is_end = false;
        while !is_end {
            match waiting.recv_timeout(next_sync.saturating_duration_since(Instant::now())) {
                Ok(Piece::Feed(saved)) => {
                    let result = self.logs.feed.append(&payload_from(&saved), now_ms());
                    let is_written = result.is_ok();
                    self.note(result);
                    if is_written {
                        self.account.written_seq.store(saved.last_seq(), Relaxed);
                    }
                }
                Ok(Piece::Buckets(buckets)) => {
                    for (tier, color, bucket) in buckets {
                        rows[tier].push(BucketRow::from_bucket(color, bucket));
                        if BUCKETS_PER_RECORD <= rows[tier].len() {
                            self.write_rows(tier, &mut rows[tier]);
                        }
                    }
                }
                Ok(Piece::Mark(mark)) => {
                    let json = serde_json::to_vec(&mark).unwrap_or_default();
                    let result = self.logs.marks.append(&json, now_ms());
                    self.note(result);
                }
                Ok(Piece::End) | Err(RecvTimeoutError::Disconnected) => is_end = true,
                Err(RecvTimeoutError::Timeout) => {}
            }
            if is_end || next_sync <= Instant::now() {
                for (tier, rows) in rows.iter_mut().enumerate() {
                    self.write_rows(tier, rows);
                }
                let result = self.logs.sync();
                self.note(result);
                self.account.bytes.store(self.logs.bytes(), Relaxed);
                next_sync = Instant::now() + SYNC_EVERY;
            }
        }
    }

    fn write_rows(&mut self, tier: usize, rows: &mut Vec<BucketRow>) {
        if rows.is_empty() {
            return;
        }
        let json = serde_json::to_vec(rows).unwrap_or_default();
        rows.clear();
        let result = self.logs.tiers[tier].append(&json, now_ms());
        self.note(result);
    }

    /// Counts a failure; the log has a line when failures begin and when they end.
    fn note(&mut self, result: io::Result<()>) {
        let is_failing = result.is_err();
        if let Err(error) = result {
            self.account.failed.fetch_add(1, Relaxed);
            if !self.is_failing {
                tracing::warn!(%error, "the history cannot be written to the disk: {error}");
            }
            *self.account.last_error.lock() = Some(error.to_string());
        } else if self.is_failing {
            tracing::info!("the history is written to the disk again");
        }
        self.is_failing = is_failing;
    }
}

impl BucketRow {
    fn from_bucket(color: String, bucket: Bucket) -> Self {
        let cells = bucket.cells.into_iter();
        Self {
            color,
            number: bucket.number,
            last_ms: bucket.last_ms,
            cells: cells.map(|(metric, cell)| (metric, cell.min, cell.max, cell.mean, cell.count)).collect(),
        }
    }

    fn into_bucket(self) -> (String, Bucket) {
        let cells = self.cells.into_iter();
        let cells = cells.map(|(metric, min, max, mean, count)| (metric, Cell { min, max, mean, count }));
        (self.color, Bucket { number: self.number, last_ms: self.last_ms, cells: cells.collect() })
    }
}

fn payload_from(saved: &Saved) -> Vec<u8> {
    let mut payload = Vec::with_capacity(CHUNK_HEAD_BYTES + saved.bytes.len());
    payload.extend_from_slice(&saved.epoch.to_le_bytes());
    payload.extend_from_slice(&saved.first_seq.to_le_bytes());
    payload.extend_from_slice(&saved.n_events.to_le_bytes());
    payload.extend_from_slice(&saved.at_ms.to_le_bytes());
    payload.extend_from_slice(&saved.bytes);
    payload
}

fn saved_from(payload: &[u8]) -> Option<Saved> {
    let (epoch, rest) = payload.split_first_chunk()?;
    let (first_seq, rest) = rest.split_first_chunk()?;
    let (n_events, rest) = rest.split_first_chunk()?;
    let (at_ms, rest) = rest.split_first_chunk()?;
    Some(Saved {
        epoch: u64::from_le_bytes(*epoch),
        first_seq: u64::from_le_bytes(*first_seq),
        n_events: u32::from_le_bytes(*n_events),
        at_ms: i64::from_le_bytes(*at_ms),
        bytes: bytes::Bytes::copy_from_slice(rest),
    })
}
