//! What a publisher waits for before it is read again. Knows no socket.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::time::Instant;

use super::channel::{Channel, Routing};
use super::memory::Memory;
use super::outbox::Offer;
use super::queue::Refused;
use super::run::{Run, Wakes};
use super::topic::Short;

/// Why a publisher is held.
#[derive(Debug)]
pub(crate) enum Hold {
    /// Subscribers of a topic have no room for all of a run that others have: for a moment.
    Topic(TopicHold),
    /// A queue has no room: until it has.
    Queue { channel: Arc<Channel>, refused: Refused },
}

/// Waits until a queue that refused a message may take it.
pub(crate) async fn queue_room(channel: &Channel, refused: Refused, memory: &Memory) {
    match (refused, &channel.routing) {
        (Refused::Backlog, Routing::Queue(queue)) => queue.room().await,
        (Refused::Backlog, Routing::Topic(_) | Routing::Null) => {}
        (Refused::Memory { n_bytes }, _) => memory.queued.room(n_bytes).await,
    }
}

/// A run that some subscribers have only the front of. What they still lack when this is dropped is lost to them, and
/// counted.
#[derive(Debug)]
pub(crate) struct TopicHold {
    channel: Arc<Channel>,
    frames: Vec<u8>,
    n_messages: u64,
    short: Vec<Short>,
}

impl TopicHold {
    pub(crate) fn new(channel: Arc<Channel>, run: &Run<'_>, short: Vec<Short>) -> Self {
        let mut frames = Vec::with_capacity(run.n_bytes());
        run.copy_into(&mut frames);
        Self { channel, frames, n_messages: run.n_messages(), short }
    }

    /// Offers the rest whenever there is room, until all have it or the deadline is there.
    pub(crate) async fn settle(mut self, deadline: Instant) -> Settled {
        let mut settled = Settled::default();
        for place in 0..self.short.len() {
            let outbox = Arc::clone(&self.short[place].outbox);
            loop {
                let room = outbox.room();
                tokio::pin!(room);
                room.as_mut().enable();
                let (n_queued, is_done) = self.offer_rest(place);
                settled.n_queued += n_queued;
                if is_done {
                    break;
                }
                if tokio::time::timeout_at(deadline, room).await.is_err() {
                    settled.n_queued += self.offer_rest(place).0;
                    break;
                }
            }
        }
        settled.n_dropped = self.give_up();
        settled
    }

    /// Says how many messages were queued, and whether that is settled.
    fn offer_rest(&mut self, place: usize) -> (u64, bool) {
        let short = &mut self.short[place];
        let n_left = self.n_messages - short.n_messages;
        let run = Run::whole(&self.frames[short.n_bytes..], n_left);
        let mut wakes = Wakes::default();
        match short.outbox.offer(&run, &mut wakes) {
            Offer::Queued { .. } => {
                short.n_messages = self.n_messages;
                (n_left, true)
            }
            Offer::Short { n_messages, n_bytes } => {
                short.n_messages += n_messages;
                short.n_bytes += n_bytes;
                (n_messages, false)
            }
            Offer::Dropped => {
                // Another publisher waited in vain before: the outbox has counted the loss, the channel has not.
                self.channel.counts.dropped.fetch_add(n_left, Ordering::Relaxed);
                short.n_messages = self.n_messages;
                (0, true)
            }
            Offer::Gone => {
                short.n_messages = self.n_messages;
                (0, true)
            }
        }
    }

    /// Drops what nobody had room for, and says how many messages that were, summed over the subscribers.
    fn give_up(&mut self) -> u64 {
        let mut n_dropped = 0;
        for short in std::mem::take(&mut self.short) {
            let n_left = self.n_messages - short.n_messages;
            if n_left != 0 && short.outbox.give_up(n_left) {
                n_dropped += n_left;
            }
        }
        self.channel.counts.dropped.fetch_add(n_dropped, Ordering::Relaxed);
        n_dropped
    }
}

impl Drop for TopicHold {
    fn drop(&mut self) {
        self.give_up();
    }
}

/// How a topic's hold ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Settled {
    /// Messages queued, summed over the subscribers.
    pub(crate) n_queued: u64,
    /// Messages lost, summed over the subscribers.
    pub(crate) n_dropped: u64,
}
