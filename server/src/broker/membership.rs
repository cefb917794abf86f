//! A receiver's place in a channel, given up when dropped.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::batch::Batch;
use super::channel::{Channel, Routing};
use super::memory::Memory;
use super::outbox::Outbox;
use super::run::Wakes;
use crate::clock;

/// A receiver's place in a channel.
#[derive(Debug)]
pub(crate) struct Membership {
    channel: Arc<Channel>,
    outbox: Arc<Outbox>,
    memory: Arc<Memory>,
    is_tap: bool,
    has_left: bool,
}

impl Membership {
    /// Takes part in the delivery, or only watches.
    pub(crate) fn join(
        channel: Arc<Channel>,
        outbox: Arc<Outbox>,
        memory: Arc<Memory>,
        is_tap: bool,
    ) -> Self {
        if is_tap {
            channel.taps.add(&outbox);
        } else {
            match &channel.routing {
                Routing::Topic(subscribers) => subscribers.add(&outbox),
                Routing::Queue(queue) => queue.add(&outbox, &mut Wakes::default()),
                Routing::Null => {}
            }
        }
        channel.note_use(clock::now_ms());
        Self { channel, outbox, memory, is_tap, has_left: false }
    }

    pub(crate) fn outbox(&self) -> &Arc<Outbox> {
        &self.outbox
    }

    /// Whether what is not delivered goes to another.
    pub(crate) fn is_queue(&self) -> bool {
        !self.is_tap && matches!(self.channel.routing, Routing::Queue(_))
    }

    /// Notes that so much of a batch was written, see [`Outbox::note_written`].
    #[inline]
    pub(crate) fn note_written(&self, n_bytes: usize, n_messages: u64) {
        let may_retry = self.outbox.note_written(n_bytes, n_messages);
        if self.is_tap {
            return;
        }
        self.channel.counts.out.fetch_add(n_messages, Ordering::Relaxed);
        if may_retry && let Routing::Queue(queue) = &self.channel.routing {
            queue.refill(&mut Wakes::default());
        }
    }

    /// Gets no new messages from now on; what is queued may still be written.
    pub(crate) fn stop(&self) {
        match &self.channel.routing {
            _ if self.is_tap => self.channel.taps.remove(&self.outbox),
            Routing::Topic(subscribers) => subscribers.remove(&self.outbox),
            Routing::Queue(_) | Routing::Null => {}
        }
        self.outbox.close();
    }

    /// Leaves. What of `batch` and of the outbox was not delivered is dropped and counted, or goes back to the queue.
    /// Says how many messages that were.
    pub(crate) fn leave(mut self, batch: &Batch) -> u64 {
        self.end(batch)
    }

    fn end(&mut self, batch: &Batch) -> u64 {
        if std::mem::replace(&mut self.has_left, true) {
            return 0;
        }
        self.channel.note_use(clock::now_ms());
        if self.is_queue()
            && let Routing::Queue(queue) = &self.channel.routing
        {
            let n_returned = queue.remove(&self.outbox, batch, &mut Wakes::default());
            self.channel.counts.returned.fetch_add(n_returned, Ordering::Relaxed);
            return n_returned;
        }
        self.stop();
        let (n_pending, pending) = self.outbox.take_leftover();
        self.memory.queued.release(pending.len() + batch.unwritten().len());
        let n_lost = n_pending + batch.undelivered().0;
        if !self.is_tap {
            self.channel.counts.dropped.fetch_add(n_lost, Ordering::Relaxed);
        }
        n_lost
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.end(&Batch::default());
    }
}
