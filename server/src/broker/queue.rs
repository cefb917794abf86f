//! Point-to-point: each message goes to exactly one consumer, in turn, or waits in the backlog.
//!
//! While the backlog holds anything, every consumer has refused a message since it was last half empty; its writer
//! therefore calls [`Queue::refill`] when it has drained. So publishers need not look at the consumers then, and
//! nothing waits while somebody has room. Lock order: queue, then outboxes in the order of subscription.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::backlog::Backlog;
use super::batch::Batch;
use super::memory::Memory;
use super::outbox::{Bounds, OpenOutbox, Outbox};
use super::run::{Run, RunFrames, Wakes};

/// Point-to-point delivery of one channel.
#[derive(Debug)]
pub(crate) struct Queue {
    bounds: Bounds,
    memory: Arc<Memory>,
    state: Mutex<State>,
    room: Notify,
}

#[derive(Debug, Default)]
struct State {
    backlog: Backlog,
    consumers: Vec<Arc<Outbox>>,
    /// Whose turn it is: an index into `consumers`, or their number.
    next: usize,
    /// A publisher was refused since the backlog was last half empty.
    has_refused: bool,
    /// Takes nothing any more, for its channel was forgotten.
    is_forgotten: bool,
}

/// What became of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dealt {
    /// Messages from its front that consumers got.
    pub(crate) n_queued: u64,
    /// Messages behind those that wait in the backlog.
    pub(crate) n_waiting: u64,
    /// The rest found no room, and why.
    pub(crate) refused: Option<Refused>,
}

/// Why there was no room for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The backlog is full.
    Backlog,
    /// The whole broker is, for so many bytes more.
    Memory { n_bytes: usize },
}

/// What a queue keeps at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct QueueAccount {
    pub(crate) n_consumers: usize,
    pub(crate) depth: u64,
    pub(crate) depth_bytes: u64,
}

impl Queue {
    pub(crate) fn new(bounds: Bounds, memory: Arc<Memory>) -> Self {
        Self { bounds, memory, state: Mutex::default(), room: Notify::new() }
    }

    /// Its consumers, in the order of subscription.
    pub(crate) fn consumers(&self) -> Vec<Arc<Outbox>> {
        self.state.lock().consumers.clone()
    }

    /// Deals `run` to the consumers, and keeps in the backlog what they have no room for. `None` when the queue was
    /// forgotten and must be looked up anew.
    pub(crate) fn publish(&self, run: &Run<'_>, wakes: &mut Wakes) -> Option<Dealt> {
        let mut state = self.state.lock();
        if state.is_forgotten {
            return None;
        }
        if !self.memory.queued.try_reserve(run.n_bytes(), run.n_messages()) {
            return Some(self.publish_front(&mut state, run, wakes));
        }
        let (dealt, n_bytes) = self.deal_run(&mut state, run.frames(), run.n_messages(), wakes);
        self.memory.queued.release(run.n_bytes() - n_bytes);
        Some(dealt)
    }

    /// As [`Queue::publish`], frame by frame as far as the broker's memory goes.
    #[cold]
    fn publish_front(&self, state: &mut State, run: &Run<'_>, wakes: &mut Wakes) -> Dealt {
        let mut sum = Dealt::default();
        for frame in run.frames() {
            if !self.memory.queued.try_reserve(frame.len(), 1) {
                sum.refused = Some(Refused::Memory { n_bytes: frame.len() });
                break;
            }
            let (dealt, n_bytes) = self.deal_run(state, Run::whole(frame, 1).frames(), 1, wakes);
            self.memory.queued.release(frame.len() - n_bytes);
            sum.n_queued += dealt.n_queued;
            sum.n_waiting += dealt.n_waiting;
            sum.refused = dealt.refused;
            if sum.refused.is_some() {
                break;
            }
        }
        sum
    }

    /// Deals and keeps; also gives the bytes of what was taken.
    fn deal_run(
        &self,
        state: &mut State,
        frames: RunFrames<'_>,
        n_messages: u64,
        wakes: &mut Wakes,
    ) -> (Dealt, usize) {
        let mut rest = Rest { next: None, frames, n_bytes: 0 };
        rest.pop();
        let mut dealt = Dealt::default();
        if state.backlog.is_empty() {
            dealt.n_queued = deal(&state.consumers, &mut state.next, &mut rest, n_messages, wakes);
        }
        while let Some(frame) = rest.front() {
            if !state.backlog.fits(self.bounds, frame.len()) {
                state.has_refused = true;
                dealt.refused = Some(Refused::Backlog);
                break;
            }
            state.backlog.push_back(frame);
            dealt.n_waiting += 1;
            rest.pop();
        }
        (dealt, rest.n_bytes)
    }

    /// Deals what waits to whoever has room.
    pub(crate) fn refill(&self, wakes: &mut Wakes) {
        self.deal_backlog(&mut self.state.lock(), wakes);
    }

    fn deal_backlog(&self, state: &mut State, wakes: &mut Wakes) {
        let State { backlog, consumers, next, .. } = state;
        if !backlog.is_empty() {
            let n_messages = backlog.n_messages();
            deal(consumers, next, backlog, n_messages, wakes);
        }
        if state.has_refused && state.backlog.is_half_empty(self.bounds) {
            state.has_refused = false;
            self.room.notify_waiters();
        }
    }

    /// Waits until the backlog has drained to half after it refused a message.
    pub(crate) async fn room(&self) {
        let room = self.room.notified();
        tokio::pin!(room);
        room.as_mut().enable();
        if self.state.lock().has_refused {
            room.await;
        }
    }

    pub(crate) fn add(&self, outbox: &Arc<Outbox>, wakes: &mut Wakes) {
        let mut state = self.state.lock();
        state.consumers.push(Arc::clone(outbox));
        self.deal_backlog(&mut state, wakes);
    }

    /// Removes a consumer; what it was dealt and nobody wrote, `batch` first, goes back to the head of the backlog and
    /// on to the others. Says how many messages that were.
    pub(crate) fn remove(&self, outbox: &Arc<Outbox>, batch: &Batch, wakes: &mut Wakes) -> u64 {
        let mut state = self.state.lock();
        if let Some(place) = state.consumers.iter().position(|other| Arc::ptr_eq(other, outbox)) {
            state.consumers.remove(place);
            if place < state.next {
                state.next -= 1;
            }
        }
        let (n_pending, pending) = outbox.take_leftover();
        let (n_undelivered, undelivered) = batch.undelivered();
        // A message of which a part was written goes back whole: its first bytes count again.
        self.memory.queued.reserve_anyway(undelivered.len() - batch.unwritten().len());
        state.backlog.push_front(pending, n_pending);
        state.backlog.push_front(undelivered.to_vec(), n_undelivered);
        self.deal_backlog(&mut state, wakes);
        n_undelivered + n_pending
    }

    /// Empties the backlog and says how many messages that were.
    pub(crate) fn purge(&self) -> u64 {
        let mut state = self.state.lock();
        let purged = std::mem::take(&mut state.backlog);
        self.memory.queued.release(purged.n_bytes());
        self.deal_backlog(&mut state, &mut Wakes::default()); // nothing to deal: lets held publishers go on
        purged.n_messages()
    }

    /// Takes nothing any more, if there is nobody and nothing here.
    pub(crate) fn try_forget(&self) -> bool {
        let mut state = self.state.lock();
        state.is_forgotten = state.consumers.is_empty() && state.backlog.is_empty();
        state.is_forgotten
    }

    pub(crate) fn account(&self) -> QueueAccount {
        let state = self.state.lock();
        QueueAccount {
            n_consumers: state.consumers.len(),
            depth: state.backlog.n_messages(),
            depth_bytes: state.backlog.payload_bytes(),
        }
    }
}

/// Where frames to deal come from.
trait Source {
    fn front(&self) -> Option<&[u8]>;
    fn pop(&mut self);
}

impl Source for Backlog {
    fn front(&self) -> Option<&[u8]> {
        Backlog::front(self)
    }

    fn pop(&mut self) {
        self.pop_front();
    }
}

/// What has not been taken of a run, and the bytes of what has.
struct Rest<'a> {
    next: Option<&'a [u8]>,
    frames: RunFrames<'a>,
    n_bytes: usize,
}

impl Source for Rest<'_> {
    #[inline]
    fn front(&self) -> Option<&[u8]> {
        self.next
    }

    #[inline]
    fn pop(&mut self) {
        self.n_bytes += self.next.map_or(0, <[u8]>::len);
        self.next = self.frames.next();
    }
}

/// Deals frames in turn, each to the next consumer that has room, until none has. Says how many were dealt.
///
/// All outboxes are locked once when there are at least as many messages, else one after the other per message.
fn deal(
    consumers: &[Arc<Outbox>],
    next: &mut usize,
    source: &mut impl Source,
    n_messages: u64,
    wakes: &mut Wakes,
) -> u64 {
    let n_consumers = consumers.len();
    if n_messages < n_consumers as u64 {
        deal_with(n_consumers, next, source, |turn, frame| consumers[turn].lock().try_push(frame, wakes))
    } else {
        let mut open: Vec<OpenOutbox<'_>> = consumers.iter().map(|outbox| outbox.lock()).collect();
        deal_with(n_consumers, next, source, |turn, frame| open[turn].try_push(frame, wakes))
    }
}

fn deal_with(
    n_consumers: usize,
    next: &mut usize,
    source: &mut impl Source,
    mut try_push: impl FnMut(usize, &[u8]) -> bool,
) -> u64 {
    let mut n_dealt = 0;
    while let Some(frame) = source.front() {
        let first = if *next < n_consumers { *next } else { 0 };
        let mut turns = (first..n_consumers).chain(0..first);
        let Some(turn) = turns.find(|turn| try_push(*turn, frame)) else { break };
        *next = turn + 1;
        n_dealt += 1;
        source.pop();
    }
    n_dealt
}
