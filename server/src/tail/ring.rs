//! The newest messages of one channel, and a cursor for each watcher: memory is what waits once, not once per watcher.
//!
//! A watcher that falls so far behind that its place has left the ring is told exactly how many messages it lost.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;
use signalbox_shared::ChannelName;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::chunk::Message;
use super::{Chunk, Tails};
use crate::limits::Limits;

/// Bytes that a ring keeps without looking whether all watchers have them, so that it seldom needs to look.
const UNLOOKED_BYTES: usize = 64 * 1024;

/// The newest messages of one channel.
pub(crate) struct Ring {
    channel: ChannelName,
    messages_max: usize,
    bytes_max: usize,
    all_bytes_max: usize,
    held_bytes: Arc<AtomicUsize>,
    state: Mutex<State>,
    /// [`State::n_received`], for those who only want to know whether there is more.
    head: AtomicU64,
    has_more: Notify,
    end: CancellationToken,
}

#[derive(Default)]
struct State {
    /// Each with the number of messages before it.
    chunks: VecDeque<(u64, Arc<Chunk>)>,
    n_messages: usize,
    n_bytes: usize,
    /// Messages so far, lost ones included.
    n_received: u64,
    /// How many messages each cursor has had, by its number.
    cursors: HashMap<u64, u64>,
    last_cursor: u64,
}

/// What a watcher took.
#[derive(Default)]
pub(crate) struct Taken {
    /// Messages before these that had left the ring.
    pub(super) n_lost: u64,
    pub(super) chunks: Vec<Arc<Chunk>>,
}

impl Taken {
    /// Messages before these that had left the ring.
    pub(crate) fn n_lost(&self) -> u64 {
        self.n_lost
    }

    /// Messages lost behind these.
    pub(crate) fn n_lost_behind(&self) -> u64 {
        self.chunks.iter().map(|chunk| chunk.n_lost_behind).sum()
    }

    /// The messages, oldest first.
    pub(crate) fn messages(&self) -> impl Iterator<Item = Message> + '_ {
        self.chunks.iter().flat_map(Chunk::messages)
    }

    /// The same in several, each of which holds at most one chunk, so that losses stand in their places.
    pub(crate) fn into_parts(self) -> impl Iterator<Item = Self> {
        let lost = Self { n_lost: self.n_lost, chunks: Vec::new() };
        let chunks = self.chunks.into_iter().map(|chunk| Self { n_lost: 0, chunks: vec![chunk] });
        std::iter::once(lost).chain(chunks)
    }
}

impl Ring {
    pub(super) fn new(channel: ChannelName, limits: &Limits, held_bytes: Arc<AtomicUsize>) -> Self {
        let size = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
        Self {
            channel,
            messages_max: size(limits.tail_messages),
            bytes_max: size(limits.tail_bytes),
            all_bytes_max: size(limits.tails_bytes),
            held_bytes,
            state: Mutex::default(),
            head: AtomicU64::new(0),
            has_more: Notify::new(),
            end: CancellationToken::new(),
        }
    }

    pub(super) fn channel(&self) -> &ChannelName {
        &self.channel
    }

    pub(super) fn push(&self, chunk: Chunk) {
        let mut state = self.state.lock();
        let n_bytes = chunk.n_bytes();
        self.held_bytes.fetch_add(n_bytes, Ordering::Relaxed);
        state.n_bytes += n_bytes;
        state.n_messages += chunk.n_messages();
        let n_before = state.n_received;
        state.n_received += chunk.n_received();
        self.head.store(state.n_received, Ordering::Release);
        state.chunks.push_back((n_before, Arc::new(chunk)));
        if UNLOOKED_BYTES < state.n_bytes {
            self.forget_seen(&mut state);
        }
        // The newest chunk stays whatever its size: somebody must be able to see it.
        while 1 < state.chunks.len()
            && (self.messages_max < state.n_messages
                || self.bytes_max < state.n_bytes
                || self.all_bytes_max < self.held_bytes.load(Ordering::Relaxed))
        {
            self.forget_oldest(&mut state);
        }
        drop(state);
        self.has_more.notify_waiters();
    }

    /// Forgets what all cursors have had.
    fn forget_seen(&self, state: &mut State) {
        let n_seen = state.cursors.values().copied().min().unwrap_or(state.n_received);
        while state.chunks.front().is_some_and(|(n_before, chunk)| n_before + chunk.n_received() <= n_seen) {
            self.forget_oldest(state);
        }
    }

    fn forget_oldest(&self, state: &mut State) {
        if let Some((_, chunk)) = state.chunks.pop_front() {
            state.n_bytes -= chunk.n_bytes();
            state.n_messages -= chunk.n_messages();
            self.held_bytes.fetch_sub(chunk.n_bytes(), Ordering::Relaxed);
        }
    }

    /// Takes a cursor out and says whether it was the last one.
    pub(super) fn remove(&self, cursor: u64) -> bool {
        let mut state = self.state.lock();
        state.cursors.remove(&cursor);
        state.cursors.is_empty()
    }

    /// Tells the reader that nobody is left.
    pub(super) fn end(&self) {
        self.end.cancel();
    }

    pub(super) async fn ended(&self) {
        self.end.cancelled().await;
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        self.held_bytes.fetch_sub(self.state.get_mut().n_bytes, Ordering::Relaxed);
    }
}

/// One watcher's place in a ring.
pub(crate) struct Cursor {
    ring: Arc<Ring>,
    tails: Arc<Tails>,
    number: u64,
    /// How many messages it has had, as the ring knows too.
    n_had: u64,
}

impl Cursor {
    /// Begins behind the newest message.
    pub(super) fn new(ring: Arc<Ring>, tails: Arc<Tails>) -> Self {
        let (number, n_had) = {
            let mut state = ring.state.lock();
            let (number, n_received) = (state.last_cursor + 1, state.n_received);
            state.last_cursor = number;
            state.cursors.insert(number, n_received);
            (number, n_received)
        };
        Self { ring, tails, number, n_had }
    }

    /// Waits until there are messages to take.
    pub(super) async fn ready(&mut self) {
        loop {
            let more = self.ring.has_more.notified();
            if self.n_had < self.ring.head.load(Ordering::Acquire) {
                return;
            }
            more.await;
        }
    }

    /// Waits for messages and takes all that there are.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped before it is ready.
    pub(super) async fn next(&mut self) -> Taken {
        self.ready().await;
        self.take()
    }

    fn take(&mut self) -> Taken {
        let mut state = self.ring.state.lock();
        let n_received = state.n_received;
        let n_had = std::mem::replace(&mut self.n_had, n_received);
        state.cursors.insert(self.number, n_received);
        let n_forgotten = state.chunks.front().map_or(n_received, |(n_before, _)| *n_before);
        let first = state.chunks.partition_point(|(n_before, _)| *n_before < n_had);
        let chunks = state.chunks.range(first..).map(|(_, chunk)| Arc::clone(chunk)).collect();
        Taken { n_lost: n_forgotten.saturating_sub(n_had), chunks }
    }
}

impl Drop for Cursor {
    fn drop(&mut self) {
        self.tails.leave(&self.ring, self.number);
    }
}
