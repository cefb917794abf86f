//! The feed's bounded history: events encoded once, numbered without a hole, kept in chunks that every client shares.
//!
//! Knows no clock (times come in), no lock and no client. Events are first gathered in an open chunk; [`Ring::publish`]
//! closes it, and from then on it can be read. Small closed chunks are joined as they age, so that a client which
//! resumes reads few large chunks, and one that is live shares the newest one with all others.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use signalbox_shared::EventId;
use signalbox_shared::feed::{Gap, GapReason};

use super::event;

/// Size at which chunks are closed and up to which they are joined, in bytes: one write to a socket.
pub const CHUNK_BYTES: usize = 64 * 1024;
/// What a chunk costs beside its text, in bytes: its entry, its allocation and its reference count.
const CHUNK_COST_BYTES: usize = 128;
/// A joined chunk holds at most this fraction of each bound, so that dropping one never drops most of the history.
const JOINED_FRACTION: u64 = 16;

/// Earlier runs whose ids are still understood; a history of an hour has seldom seen more.
const PAST_EPOCHS_MAX: usize = 64;

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Events.
    pub events: u64,
    /// Bytes, chunks' own cost included.
    pub bytes: u64,
    /// Age in milliseconds.
    pub age_ms: i64,
}

/// The history of events.
#[derive(Debug)]
pub struct Ring {
    bounds: Bounds,
    epoch: u64,
    /// Seq of the newest event, published or not.
    head: u64,
    open: Vec<u8>,
    open_events: u64,
    open_since_ms: i64,
    chunks: VecDeque<Chunk>,
    n_events: u64,
    n_bytes: u64,
    /// Chunks at the end that were not joined yet.
    n_loose: usize,
    /// Earlier epochs whose numbers go on here, and the last event of each that is known.
    past: VecDeque<(u64, u64)>,
    /// What was published and is to be saved; none when nothing is.
    unsaved: Option<Vec<Saved>>,
}

/// Events as they are kept over a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// Of the run in which they were numbered.
    pub epoch: u64,
    /// Seq of the first one.
    pub first_seq: u64,
    /// How many; none only says that the epoch goes on from there.
    pub n_events: u32,
    /// When the first one came, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Their text.
    pub bytes: Bytes,
}

impl Saved {
    /// Seq of the last one, or of the one before when there is none.
    #[must_use]
    pub fn last_seq(&self) -> u64 {
        (self.first_seq + u64::from(self.n_events)).saturating_sub(1)
    }
}

#[derive(Clone, Debug)]
struct Chunk {
    first_seq: u64,
    n_events: u64,
    first_at_ms: i64,
    bytes: Bytes,
}

impl Chunk {
    fn last_seq(&self) -> u64 {
        self.first_seq + self.n_events - 1
    }

    fn cost(&self) -> u64 {
        (self.bytes.len() + CHUNK_COST_BYTES) as u64
    }
}

/// What stands behind a position.
#[derive(Debug, PartialEq, Eq)]
pub enum Read {
    /// Whole events and the seq of the last one.
    Events(Bytes, u64),
    /// Nothing yet.
    CaughtUp,
    /// Events that the history no longer holds.
    Lost,
}

impl Ring {
    /// An empty history.
    #[must_use]
    pub fn new(epoch: u64, bounds: Bounds) -> Self {
        Self {
            bounds,
            epoch,
            head: 0,
            open: Vec::new(),
            open_events: 0,
            open_since_ms: 0,
            chunks: VecDeque::new(),
            n_events: 0,
            n_bytes: 0,
            n_loose: 0,
            past: VecDeque::new(),
            unsaved: None,
        }
    }

    /// Puts back events that an earlier run has saved. Says whether they were taken: those that are here already are not.
    pub fn restore(&mut self, saved: &Saved) -> bool {
        // A length that no run of ours can have come to.
        let Some(last_seq) = saved.first_seq.checked_add(u64::from(saved.n_events)) else { return false };
        if saved.first_seq <= self.head || last_seq == u64::MAX {
            return false;
        }
        if saved.first_seq != self.head + 1 {
            // Something in between was not saved. A history has no holes: it begins behind this one.
            self.chunks.clear();
            (self.n_events, self.n_bytes, self.n_loose) = (0, 0, 0);
        }
        self.head = saved.last_seq();
        match self.past.back_mut().filter(|(epoch, _)| *epoch == saved.epoch) {
            Some((_, last)) => *last = self.head,
            None => self.past.push_back((saved.epoch, self.head)),
        }
        if PAST_EPOCHS_MAX < self.past.len() {
            self.past.pop_front();
        }
        self.epoch = self.epoch.max(saved.epoch.saturating_add(1));
        if 0 < saved.n_events {
            self.add(Chunk {
                first_seq: saved.first_seq,
                n_events: u64::from(saved.n_events),
                first_at_ms: saved.at_ms,
                bytes: saved.bytes.clone(),
            });
        }
        true
    }

    /// From now on, what is published is to be saved, beginning with this run's epoch.
    pub fn save_from_here(&mut self, now_ms: i64) {
        let first_seq = self.published() + 1;
        let begin = Saved { epoch: self.epoch, first_seq, n_events: 0, at_ms: now_ms, bytes: Bytes::new() };
        self.unsaved = Some(vec![begin]);
    }

    /// What was published since the last call.
    pub fn take_unsaved(&mut self) -> Vec<Saved> {
        self.unsaved.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// The newest event's place, published or not.
    #[must_use]
    pub fn head(&self) -> EventId {
        self.id(self.head)
    }

    /// Seq of the newest event that can be read.
    #[must_use]
    pub fn published(&self) -> u64 {
        self.head - self.open_events
    }

    /// Seq of the oldest event that can be read, or will be the next one to be.
    #[must_use]
    pub fn oldest(&self) -> u64 {
        self.chunks.front().map_or(self.published() + 1, |chunk| chunk.first_seq)
    }

    /// Events and bytes held.
    #[must_use]
    pub fn size(&self) -> (u64, u64) {
        (self.n_events + self.open_events, self.n_bytes + self.open.len() as u64)
    }

    /// Adds one event, a sample when it has no name, and gives its seq. It can be read after [`Self::publish`].
    pub fn push(&mut self, now_ms: i64, name: Option<&str>, json: &[u8]) -> u64 {
        let is_full = CHUNK_BYTES < self.open.len() + json.len()
            || self.bounds.events / JOINED_FRACTION <= self.open_events;
        if is_full {
            self.close_open(now_ms);
        }
        if self.open_events == 0 {
            self.open_since_ms = now_ms;
        }
        self.head += 1;
        self.open_events += 1;
        event::append(&mut self.open, EventId { epoch: self.epoch, seq: self.head }, name, json);
        self.head
    }

    /// Lets everything that was pushed be read and drops what is over a bound. Says whether there was anything new.
    pub fn publish(&mut self, now_ms: i64) -> bool {
        let is_new = 0 < self.open_events;
        self.close_open(now_ms);
        self.evict(now_ms);
        is_new
    }

    /// What stands behind `seq`, at most about [`CHUNK_BYTES`] of it or one event.
    #[must_use]
    pub fn read_after(&self, seq: u64) -> Read {
        if self.published() <= seq {
            return Read::CaughtUp;
        }
        let index = self.chunks.partition_point(|chunk| chunk.last_seq() <= seq);
        let Some(chunk) = self.chunks.get(index).filter(|chunk| chunk.first_seq <= seq + 1) else {
            return Read::Lost;
        };
        let offset = event::offset_after(&chunk.bytes, seq + 1 - chunk.first_seq);
        let first = chunk.bytes.slice(offset..);
        let mut more = Joined::default();
        let following = self.chunks.range(index + 1..);
        let n_more = following
            .clone()
            .take_while(|chunk| more.fits(chunk, CHUNK_BYTES - first.len().min(CHUNK_BYTES)))
            .count();
        if n_more == 0 {
            return Read::Events(first, chunk.last_seq());
        }
        let mut bytes = BytesMut::with_capacity(first.len() + more.bytes);
        bytes.extend_from_slice(&first);
        for chunk in following.clone().take(n_more) {
            bytes.extend_from_slice(&chunk.bytes);
        }
        Read::Events(bytes.freeze(), chunk.last_seq() + more.events)
    }

    /// The position from which a client that has seen `since` goes on, and what it misses, if anything.
    #[must_use]
    pub fn resume(&self, since: EventId) -> (u64, Option<Gap>) {
        let before_oldest = self.oldest() - 1;
        let gap = |n_lost, reason| {
            (before_oldest, Some(Gap { since, resumed_at: self.id(before_oldest), n_lost, reason }))
        };
        // An id of an earlier run is known as far as that run's events are: it may have given more than it saved.
        let newest_known = match self.past.iter().find(|(epoch, _)| *epoch == since.epoch) {
            Some((_, last_seq)) => Some(*last_seq),
            None => (since.epoch == self.epoch).then_some(self.head),
        };
        if newest_known.is_none_or(|newest| newest < since.seq) {
            return gap(None, GapReason::NewEpoch);
        }
        match before_oldest.checked_sub(since.seq) {
            None | Some(0) => (since.seq, None),
            n_lost => gap(n_lost, GapReason::TooOld),
        }
    }

    fn id(&self, seq: u64) -> EventId {
        EventId { epoch: self.epoch, seq }
    }

    fn close_open(&mut self, now_ms: i64) {
        if self.open_events == 0 {
            return;
        }
        let chunk = Chunk {
            first_seq: self.published() + 1,
            n_events: self.open_events,
            first_at_ms: self.open_since_ms,
            bytes: Bytes::copy_from_slice(&self.open),
        };
        self.open.clear();
        self.open_events = 0;
        if let Some(unsaved) = &mut self.unsaved {
            unsaved.push(Saved {
                epoch: self.epoch,
                first_seq: chunk.first_seq,
                // A chunk is 64 KiB of events, or one.
                n_events: u32::try_from(chunk.n_events).unwrap_or(u32::MAX),
                at_ms: chunk.first_at_ms,
                bytes: chunk.bytes.clone(),
            });
        }
        self.add(chunk);
        self.evict(now_ms);
    }

    fn add(&mut self, chunk: Chunk) {
        self.n_events += chunk.n_events;
        self.n_bytes += chunk.cost();
        self.join_loose_before(&chunk);
        self.chunks.push_back(chunk);
        self.n_loose += 1;
    }

    /// Joins the loose chunks into one when the next chunk would not fit with them, so that each byte is copied once.
    fn join_loose_before(&mut self, next: &Chunk) {
        let from = self.chunks.len() - self.n_loose;
        let mut joined = Joined::default();
        let bytes_max =
            CHUNK_BYTES.min(usize::try_from(self.bounds.bytes / JOINED_FRACTION).unwrap_or(CHUNK_BYTES));
        let is_full = !self.chunks.range(from..).chain([next]).all(|chunk| joined.fits(chunk, bytes_max))
            || self.bounds.events / JOINED_FRACTION < joined.events
            || self.chunks.get(from).is_some_and(|oldest| {
                self.bounds.age_ms / (JOINED_FRACTION as i64) < next.first_at_ms - oldest.first_at_ms
            });
        if !is_full {
            return;
        }
        if 1 < self.n_loose {
            let loose: Vec<Chunk> = self.chunks.drain(from..).collect();
            let mut bytes = Vec::with_capacity(loose.iter().map(|chunk| chunk.bytes.len()).sum());
            for chunk in &loose {
                bytes.extend_from_slice(&chunk.bytes);
                self.n_bytes -= chunk.cost();
            }
            let chunk = Chunk {
                n_events: loose.iter().map(|chunk| chunk.n_events).sum(),
                bytes: bytes.into(),
                ..loose[0].clone()
            };
            self.n_bytes += chunk.cost();
            self.chunks.push_back(chunk);
        }
        self.n_loose = 0;
    }

    fn evict(&mut self, now_ms: i64) {
        while let Some(oldest) = self.chunks.front() {
            let is_over = self.bounds.events < self.n_events
                || self.bounds.bytes < self.n_bytes
                || self.bounds.age_ms < now_ms - oldest.first_at_ms;
            if !is_over {
                break;
            }
            self.n_events -= oldest.n_events;
            self.n_bytes -= oldest.cost();
            self.chunks.pop_front();
            self.n_loose = self.n_loose.min(self.chunks.len());
        }
    }
}

/// A running sum of chunks that are to become one.
#[derive(Default)]
struct Joined {
    bytes: usize,
    events: u64,
}

impl Joined {
    fn fits(&mut self, chunk: &Chunk, bytes_max: usize) -> bool {
        if bytes_max < self.bytes + chunk.bytes.len() {
            return false;
        }
        self.bytes += chunk.bytes.len();
        self.events += chunk.n_events;
        true
    }
}

#[cfg(test)]
mod tests;
