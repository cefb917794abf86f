//! The bounded send queue of one receiver: a mutex around the buffer that publishers append to, which the writer swaps
//! for its own empty one.
//!
//! The writer is woken only when the outbox goes from empty to non-empty. A receiver that has no room left is slow
//! until it has drained to half: it loses the newest messages meanwhile, each of which is counted. Knows no channel
//! but its name, and no socket.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use parking_lot::{Mutex, MutexGuard};
use signalbox_shared::ChannelName;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::batch::Batch;
use super::memory::{KEEP_BYTES_MAX, Memory};
use super::run::{Run, Wakes};
use crate::clock;

/// Who is behind a session or a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// A broker client.
    Tcp(SocketAddr),
    /// A broker client on this machine.
    Unix { uid: u32, pid: i32 },
    /// A subscription of the relay itself.
    Relay,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix { uid, pid } => write!(f, "unix:uid={uid},pid={pid}"),
            Self::Relay => f.write_str("relay"),
        }
    }
}

/// What became of an offered run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offer {
    /// All of it is queued. The receiver is pressed from when it had no room until it has drained to half.
    Queued { is_pressed: bool },
    /// Only this much at its front is queued; there is no room for the rest.
    Short { n_messages: u64, n_bytes: usize },
    /// The receiver is slow and lost all of it.
    Dropped,
    /// The receiver has left.
    Gone,
}

/// How much an outbox may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) n_messages: u64,
    pub(crate) n_bytes: usize,
}

/// The bounded send queue of one receiver.
#[derive(Debug)]
pub(crate) struct Outbox {
    peer: Peer,
    channel: ChannelName,
    bounds: Bounds,
    memory: Arc<Memory>,
    state: Mutex<State>,
    room: Notify,
    became_slow: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Frames that nobody has taken yet.
    pending: Vec<u8>,
    pending_messages: u64,
    /// What the writer has taken and not yet written.
    writing_messages: u64,
    writing_bytes: usize,
    waker: Option<std::task::Waker>,
    /// Something found no room since the outbox was last half empty.
    has_refused: bool,
    /// When it first found no room for a topic's run since then.
    pressed_since: Option<Instant>,
    /// Takes nothing any more.
    is_closed: bool,
    slow: Option<Slow>,
    delivered: u64,
    dropped: u64,
    dropped_since_take: u64,
    last_delivery_ms: Option<i64>,
}

#[derive(Clone, Copy, Debug)]
struct Slow {
    since_ms: i64,
    dropped: u64,
}

/// An outbox's accounts at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct OutboxAccount {
    pub(crate) queued_messages: u64,
    pub(crate) queued_bytes: u64,
    pub(crate) delivered: u64,
    pub(crate) dropped: u64,
    pub(crate) slow_since_ms: Option<i64>,
    pub(crate) last_delivery_ms: Option<i64>,
}

/// What a writer took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// Everything that was pending; so many messages were lost behind it.
    Batch { n_dropped: u64 },
    /// Nothing, and nothing will come.
    Closed,
}

impl State {
    fn queued_messages(&self) -> u64 {
        self.pending_messages + self.writing_messages
    }

    fn queued_bytes(&self) -> usize {
        self.pending.len() + self.writing_bytes
    }

    /// One message of any size fits when nothing else is queued.
    #[inline]
    fn fits(&self, bounds: Bounds, n_messages: u64, n_bytes: usize) -> bool {
        let queued = self.queued_messages();
        (queued + n_messages <= bounds.n_messages && self.queued_bytes() + n_bytes <= bounds.n_bytes)
            || (queued == 0 && n_messages == 1)
    }

    fn is_half_empty(&self, bounds: Bounds) -> bool {
        self.queued_messages() <= bounds.n_messages / 2 && self.queued_bytes() <= bounds.n_bytes / 2
    }

    #[inline]
    fn note_queued(&mut self, n_messages: u64, wakes: &mut Wakes) {
        self.pending_messages += n_messages;
        if let Some(waker) = self.waker.take() {
            wakes.push(waker);
        }
    }

    fn note_dropped(&mut self, n_messages: u64) {
        self.dropped += n_messages;
        self.dropped_since_take += n_messages;
        if let Some(slow) = &mut self.slow {
            slow.dropped += n_messages;
        }
    }
}

impl Outbox {
    pub(crate) fn new(peer: Peer, channel: ChannelName, bounds: Bounds, memory: Arc<Memory>) -> Self {
        Self {
            peer,
            channel,
            bounds,
            memory,
            state: Mutex::default(),
            room: Notify::new(),
            became_slow: Notify::new(),
        }
    }

    pub(crate) fn channel(&self) -> &ChannelName {
        &self.channel
    }

    /// Appends `run`, or as much of its front as there is room for.
    #[inline]
    pub(crate) fn offer(&self, run: &Run<'_>, wakes: &mut Wakes) -> Offer {
        let mut state = self.state.lock();
        if state.is_closed {
            return Offer::Gone;
        }
        if state.slow.is_some() {
            state.note_dropped(run.n_messages());
            return Offer::Dropped;
        }
        if state.fits(self.bounds, run.n_messages(), run.n_bytes())
            && self.memory.queued.try_reserve(run.n_bytes(), run.n_messages())
        {
            self.memory.make_room(&mut state.pending, run.n_bytes(), self.bounds.n_bytes);
            run.copy_into(&mut state.pending);
            state.note_queued(run.n_messages(), wakes);
            return Offer::Queued { is_pressed: state.has_refused };
        }
        self.offer_front(&mut state, run, wakes)
    }

    #[cold]
    fn offer_front(&self, state: &mut State, run: &Run<'_>, wakes: &mut Wakes) -> Offer {
        let (mut n_messages, mut n_bytes) = (0, 0);
        for frame in run.frames() {
            if !state.fits(self.bounds, 1, frame.len()) || !self.memory.queued.try_reserve(frame.len(), 1) {
                break;
            }
            self.memory.make_room(&mut state.pending, frame.len(), self.bounds.n_bytes);
            state.pending.extend_from_slice(frame);
            state.note_queued(1, wakes);
            n_messages += 1;
            n_bytes += frame.len();
        }
        if n_messages == run.n_messages() {
            return Offer::Queued { is_pressed: state.has_refused }; // the whole budget was short of the sum, and had room for each
        }
        state.has_refused = true;
        state.pressed_since.get_or_insert_with(Instant::now);
        Offer::Short { n_messages, n_bytes }
    }

    /// Gives up offering: `n_messages` are lost, and the receiver is slow from now on until it has drained to half.
    /// Says whether it was still there to lose them.
    pub(crate) fn give_up(&self, n_messages: u64) -> bool {
        let mut state = self.state.lock();
        if state.is_closed {
            return false;
        }
        // A receiver that lost them because the broker as a whole has no room is not slow itself.
        let begins = state.slow.is_none() && !state.is_half_empty(self.bounds);
        if begins {
            state.slow = Some(Slow { since_ms: clock::now_ms(), dropped: 0 });
        }
        state.note_dropped(n_messages);
        let (queued_messages, queued_bytes) = (state.queued_messages(), state.queued_bytes());
        drop(state);
        if begins {
            self.became_slow.notify_one();
            tracing::warn!(
                peer = %self.peer,
                channel = %self.channel,
                queued_messages,
                queued_bytes,
                "slow subscriber {} of {}: {queued_messages} messages wait for it, newer ones are dropped",
                self.peer,
                self.channel
            );
        }
        true
    }

    /// A copy for someone who only watches: queued when there is room, lost when not. Watchers hold nobody.
    pub(crate) fn offer_copy(&self, run: &Run<'_>, wakes: &mut Wakes) {
        let mut state = self.state.lock();
        if state.is_closed {
            return;
        }
        let is_behind = state.dropped_since_take != 0; // what is lost then comes after everything queued
        if !is_behind
            && state.fits(self.bounds, run.n_messages(), run.n_bytes())
            && self.memory.queued.try_reserve(run.n_bytes(), run.n_messages())
        {
            self.memory.make_room(&mut state.pending, run.n_bytes(), self.bounds.n_bytes);
            run.copy_into(&mut state.pending);
            state.note_queued(run.n_messages(), wakes);
            return;
        }
        let taken = match (!is_behind).then(|| self.offer_front(&mut state, run, wakes)) {
            Some(Offer::Queued { .. }) => return,
            Some(Offer::Short { n_messages, .. }) => n_messages,
            _ => 0,
        };
        state.note_dropped(run.n_messages() - taken);
        if let Some(waker) = state.waker.take() {
            wakes.push(waker); // also told when all that there is to tell is a loss
        }
    }

    /// For a queue, which looks at several outboxes before it decides. Budget is the caller's affair.
    pub(crate) fn lock(&self) -> OpenOutbox<'_> {
        OpenOutbox { outbox: self, state: self.state.lock() }
    }

    /// Takes everything that is pending into `batch`, which must be empty. Without anything pending, the buffers are
    /// given back and the writer is woken by the next message.
    pub(crate) fn poll_take(&self, cx: &mut Context<'_>, batch: &mut Batch) -> Poll<Taken> {
        debug_assert!(batch.is_empty());
        let mut state = self.state.lock();
        if state.pending_messages == 0 && state.dropped_since_take == 0 {
            self.memory.give_buffer(&mut state.pending);
            self.memory.give_buffer(&mut batch.bytes);
            if state.is_closed {
                return Poll::Ready(Taken::Closed);
            }
            match &mut state.waker {
                Some(waker) => waker.clone_from(cx.waker()),
                none => *none = Some(cx.waker().clone()),
            }
            return Poll::Pending;
        }
        if KEEP_BYTES_MAX < batch.bytes.capacity() {
            batch.bytes = Vec::new();
        }
        std::mem::swap(&mut state.pending, &mut batch.bytes);
        batch.n_messages = std::mem::take(&mut state.pending_messages);
        state.writing_messages = batch.n_messages;
        state.writing_bytes = batch.bytes.len();
        Poll::Ready(Taken::Batch { n_dropped: std::mem::take(&mut state.dropped_since_take) })
    }

    /// Notes that `n_bytes` of the batch that was taken were written, and with them the last bytes of `n_messages`.
    /// Says whether somebody who found no room may try again now.
    pub(crate) fn note_written(&self, n_bytes: usize, n_messages: u64) -> bool {
        self.memory.queued.release(n_bytes);
        let mut state = self.state.lock();
        state.writing_bytes -= n_bytes;
        state.writing_messages -= n_messages;
        state.delivered += n_messages;
        if n_messages != 0 {
            state.last_delivery_ms = Some(clock::now_ms());
        }
        if !(state.has_refused || state.slow.is_some()) || !state.is_half_empty(self.bounds) {
            return false;
        }
        let has_refused = std::mem::take(&mut state.has_refused);
        state.pressed_since = None;
        let slow = state.slow.take();
        drop(state);
        if let Some(slow) = slow {
            self.log_slow_ended(slow, "has caught up");
        }
        if has_refused {
            self.room.notify_waiters();
        }
        has_refused
    }

    fn log_slow_ended(&self, slow: Slow, how: &str) {
        let (dropped, slow_millis) = (slow.dropped, clock::now_ms() - slow.since_ms);
        tracing::warn!(
            peer = %self.peer,
            channel = %self.channel,
            dropped,
            slow_millis,
            "slow subscriber {} of {} {how}: it lost {dropped} messages in {slow_millis} ms",
            self.peer,
            self.channel
        );
    }

    /// Since when it has had no room for a topic's runs and not drained to half.
    pub(crate) fn pressed_since(&self) -> Option<Instant> {
        self.state.lock().pressed_since
    }

    /// The next time that the outbox has drained to half, or its receiver leaves. Obtain it before an offer that may
    /// fall short.
    pub(crate) fn room(&self) -> tokio::sync::futures::Notified<'_> {
        self.room.notified()
    }

    /// Waits until the receiver has become slow once more. One waits at a time.
    pub(crate) async fn became_slow(&self) {
        self.became_slow.notified().await;
    }

    /// Takes no more messages from now on; what is pending can still be taken.
    pub(crate) fn close(&self) {
        let mut state = self.state.lock();
        state.is_closed = true;
        let waker = state.waker.take();
        drop(state);
        self.room.notify_waiters();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Ends the outbox after its receiver left, and gives what nobody took. The budget keeps those bytes.
    pub(crate) fn take_leftover(&self) -> (u64, Vec<u8>) {
        self.close();
        let mut state = self.state.lock();
        let slow = state.slow.take();
        let n_messages = std::mem::take(&mut state.pending_messages);
        let leftover = (n_messages, std::mem::take(&mut state.pending));
        drop(state);
        if let Some(slow) = slow {
            self.log_slow_ended(slow, "has left");
        }
        leftover
    }

    pub(crate) fn account(&self) -> OutboxAccount {
        let state = self.state.lock();
        OutboxAccount {
            queued_messages: state.queued_messages(),
            queued_bytes: state.queued_bytes() as u64,
            delivered: state.delivered,
            dropped: state.dropped,
            slow_since_ms: state.slow.map(|slow| slow.since_ms),
            last_delivery_ms: state.last_delivery_ms,
        }
    }
}

/// An outbox that its queue holds locked while it deals.
pub(crate) struct OpenOutbox<'a> {
    outbox: &'a Outbox,
    state: MutexGuard<'a, State>,
}

impl OpenOutbox<'_> {
    /// Appends one frame if there is room for it, and remembers when not.
    #[inline]
    pub(crate) fn try_push(&mut self, frame: &[u8], wakes: &mut Wakes) -> bool {
        if self.state.is_closed || !self.state.fits(self.outbox.bounds, 1, frame.len()) {
            self.state.has_refused = true;
            return false;
        }
        self.outbox.memory.make_room(&mut self.state.pending, frame.len(), self.outbox.bounds.n_bytes);
        self.state.pending.extend_from_slice(frame);
        self.state.note_queued(1, wakes);
        true
    }
}
