//! The newest messages of one channel, and a cursor for each watcher: memory is what waits once, not once per watcher.
//!
//! A watcher that falls so far behind that its place has left the ring is told exactly how many messages it lost.

use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Poll, Waker};

use parking_lot::Mutex;
use signalbox_shared::ChannelName;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::chunk::Message;
use super::{Chunk, Tails};
use crate::limits::Limits;
use crate::outlet;

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
    cursors: HashMap<u64, Arc<Place>>,
    last_cursor: u64,
}

/// Where a watcher is, and how it hears of more.
#[derive(Default)]
struct Place {
    /// How many messages it has had.
    n_had: AtomicU64,
    bell: Mutex<Bell>,
}

#[derive(Default)]
struct Bell {
    waker: Option<Waker>,
    direct: Option<Weak<dyn Deliver>>,
}

/// A watcher that what came can be brought to without waking it.
pub(super) trait Deliver: Send + Sync {
    /// Brings it everything that came, or nothing; says which.
    fn deliver(&self) -> bool;
}

/// What a watcher took.
#[derive(Default)]
pub(crate) struct Taken {
    /// Messages before these that had left the ring.
    pub(super) n_lost: u64,
    pub(super) chunks: Vec<Arc<Chunk>>,
    /// How many messages there have been with these.
    n_received: u64,
}

impl Taken {
    /// Only these, of nobody's ring.
    pub(super) fn consumed(chunk: Chunk) -> Self {
        Self { chunks: vec![Arc::new(chunk)], ..Self::default() }
    }

    /// Messages before these that had left the ring.
    pub(crate) fn n_lost(&self) -> u64 {
        self.n_lost
    }

    /// Messages lost behind these.
    pub(crate) fn n_lost_behind(&self) -> u64 {
        self.chunks.iter().map(|chunk| chunk.n_lost_behind).sum()
    }

    /// When the newest came; none when there are none.
    pub(super) fn came_at(&self) -> Option<Instant> {
        self.chunks.last().map(|chunk| chunk.came_at)
    }

    /// The messages, oldest first.
    pub(crate) fn messages(&self) -> impl Iterator<Item = Message> + '_ {
        self.chunks.iter().flat_map(Chunk::messages)
    }

    /// The same in several, each of which holds at most one chunk, so that losses stand in their places.
    pub(crate) fn into_parts(self) -> impl Iterator<Item = Self> {
        let lost = Self { n_lost: self.n_lost, ..Self::default() };
        let chunks = self.chunks.into_iter().map(|chunk| Self { chunks: vec![chunk], ..Self::default() });
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
            end: CancellationToken::new(),
        }
    }

    pub(super) fn channel(&self) -> &ChannelName {
        &self.channel
    }

    /// Adds what came, of which the watchers are to be [told](Self::tell).
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
    }

    /// Tells the watchers that there is more.
    pub(super) fn tell(&self) {
        let places: Vec<Arc<Place>> = self.state.lock().cursors.values().cloned().collect();
        outlet::for_each(places, |place| place.tell());
    }

    /// Forgets what all cursors have had.
    fn forget_seen(&self, state: &mut State) {
        let n_seen = state.cursors.values().map(|place| place.n_had()).min().unwrap_or(state.n_received);
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

impl Place {
    fn n_had(&self) -> u64 {
        self.n_had.load(Ordering::Acquire)
    }

    fn tell(&self) {
        let direct = self.bell.lock().direct.as_ref().and_then(Weak::upgrade);
        if direct.is_some_and(|direct| direct.deliver()) {
            return;
        }
        let waker = self.bell.lock().waker.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// One watcher's place in a ring.
pub(crate) struct Cursor {
    ring: Arc<Ring>,
    tails: Arc<Tails>,
    number: u64,
    place: Arc<Place>,
}

impl Cursor {
    /// Begins behind the newest message.
    pub(super) fn new(ring: Arc<Ring>, tails: Arc<Tails>) -> Self {
        let place = Arc::new(Place::default());
        let number = {
            let mut state = ring.state.lock();
            place.n_had.store(state.n_received, Ordering::Release);
            state.last_cursor += 1;
            let number = state.last_cursor;
            state.cursors.insert(number, Arc::clone(&place));
            number
        };
        Self { ring, tails, number, place }
    }

    /// What came is brought to `direct` from now on, where that can be done.
    pub(super) fn deliver_to(&self, direct: Weak<dyn Deliver>) {
        self.place.bell.lock().direct = Some(direct);
    }

    /// Waits until there are messages to take.
    pub(super) async fn ready(&self) {
        poll_fn(|cx| {
            let mut bell = self.place.bell.lock();
            if self.place.n_had() < self.ring.head.load(Ordering::Acquire) {
                return Poll::Ready(());
            }
            outlet::note(&mut bell.waker, cx);
            Poll::Pending
        })
        .await;
    }

    /// Waits for messages and takes all that there are.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped before it is ready.
    pub(super) async fn next(&self) -> Taken {
        self.ready().await;
        let taken = self.look();
        self.take(&taken);
        taken
    }

    /// All messages that there are, without taking them.
    pub(super) fn look(&self) -> Taken {
        let state = self.ring.state.lock();
        let (n_had, n_received) = (self.place.n_had(), state.n_received);
        let n_forgotten = state.chunks.front().map_or(n_received, |(n_before, _)| *n_before);
        let first = state.chunks.partition_point(|(n_before, _)| *n_before < n_had);
        let chunks = state.chunks.range(first..).map(|(_, chunk)| Arc::clone(chunk)).collect();
        Taken { n_lost: n_forgotten.saturating_sub(n_had), chunks, n_received }
    }

    /// Takes what it [looked](Self::look) at.
    pub(super) fn take(&self, taken: &Taken) {
        self.place.n_had.store(taken.n_received, Ordering::Release);
    }
}

impl Drop for Cursor {
    fn drop(&mut self) {
        self.tails.leave(&self.ring, self.number);
    }
}
