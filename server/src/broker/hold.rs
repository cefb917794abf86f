//! What a publisher waits for before it is read again. Knows no socket.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

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
    memory: Arc<Memory>,
    frames: Vec<u8>,
    n_messages: u64,
    short: Vec<Short>,
}

impl TopicHold {
    /// Keeps a copy of `run` meanwhile. Where the broker has no memory for that, the rest is lost at once: the error
    /// says how many messages, summed over the subscribers.
    pub(crate) fn new(
        channel: Arc<Channel>,
        memory: &Arc<Memory>,
        run: &Run<'_>,
        short: Vec<Short>,
    ) -> Result<Self, u64> {
        let memory = Arc::clone(memory);
        let is_granted = memory.queued.try_reserve(run.n_bytes(), run.n_messages());
        let mut hold = Self { channel, memory, frames: Vec::new(), n_messages: run.n_messages(), short };
        if !is_granted {
            return Err(hold.give_up());
        }
        hold.frames.reserve_exact(run.n_bytes());
        run.copy_into(&mut hold.frames);
        Ok(hold)
    }

    /// Offers the rest whenever there is room, until all have it or the deadline is there. Nobody is waited for longer
    /// than `patience` after it had no room, however small the pieces in which it is given more.
    pub(crate) async fn settle(mut self, deadline: Instant, patience: Duration) -> Settled {
        let mut settled = Settled::default();
        for place in 0..self.short.len() {
            let outbox = Arc::clone(&self.short[place].outbox);
            let deadline = outbox.pressed_since().map_or(deadline, |since| deadline.min(since + patience));
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
        self.memory.queued.release(self.frames.len());
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

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use super::super::batch::Batch;
    use super::super::membership::Membership;
    use super::super::outbox::{OutboxAccount, Peer, Taken};
    use super::super::router::Router;
    use super::super::run::Scratch;
    use super::*;
    use crate::limits::Limits;

    const PATIENCE: Duration = Duration::from_secs(2);

    /// A subscriber with room for 16 messages that was offered 40.
    fn pressed() -> (Arc<Router>, Membership, TopicHold) {
        let router = Router::new(&Limits { broker_outbox_messages: 16, ..Limits::default() });
        let member = router.join(b"/topic/t", Peer::Relay, false).unwrap();
        let frames = [0, 0, 0, 1, b'x'].repeat(40);
        let published = router
            .publish(member.outbox().channel(), &Run::whole(&frames, 40), &mut Scratch::default())
            .unwrap();
        assert_eq!(published.n_queued, 16);
        let Some(Hold::Topic(hold)) = published.hold else { panic!("no hold") };
        (router, member, hold)
    }

    /// Takes and writes everything that is queued.
    fn drain(member: &Membership) -> u64 {
        let mut batch = Batch::default();
        match member.outbox().poll_take(&mut Context::from_waker(Waker::noop()), &mut batch) {
            Poll::Ready(Taken::Batch { .. }) => {
                member.note_written(batch.bytes.len(), batch.n_messages);
                batch.n_messages
            }
            Poll::Ready(Taken::Closed) | Poll::Pending => 0,
        }
    }

    fn account(member: &Membership) -> OutboxAccount {
        member.outbox().account()
    }

    #[tokio::test(start_paused = true)]
    async fn a_subscriber_that_drains_in_time_loses_nothing() {
        let (router, member, hold) = pressed();
        let deadline = Instant::now() + Duration::from_secs(1);
        let draining = async {
            let mut n = 0;
            while n < 40 {
                n += drain(&member);
                tokio::task::yield_now().await;
            }
        };
        let (settled, ()) = tokio::join!(hold.settle(deadline, PATIENCE), draining);
        assert_eq!(settled, Settled { n_queued: 24, n_dropped: 0 });
        assert!(Instant::now() < deadline, "nobody waited for the deadline");
        assert_eq!((account(&member).delivered, account(&member).slow_since_ms), (40, None));
        assert_eq!(router.channels()[0].dropped, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_does_not_is_slow_until_it_has_drained_to_half() {
        let (router, member, hold) = pressed();
        let deadline = Instant::now() + Duration::from_millis(10);
        assert_eq!(hold.settle(deadline, PATIENCE).await, Settled { n_queued: 0, n_dropped: 24 });
        assert!(deadline <= Instant::now());
        assert!(account(&member).slow_since_ms.is_some());

        let name = member.outbox().channel().clone();
        let one = Run::whole(&[0, 0, 0, 0], 1);
        let again = router.publish(&name, &one, &mut Scratch::default()).unwrap();
        assert!(again.n_dropped == 1 && again.hold.is_none(), "it holds nobody any more");
        assert_eq!(drain(&member), 16);
        assert_eq!((account(&member).slow_since_ms, account(&member).dropped), (None, 25));
        assert_eq!(router.publish(&name, &one, &mut Scratch::default()).unwrap().n_queued, 1);
    }

    /// It moves, message by message, and would slow its publishers down for ever.
    #[tokio::test(start_paused = true)]
    async fn one_that_moves_but_does_not_drain_to_half_is_slow_when_patience_ends() {
        let router = Router::new(&Limits { broker_outbox_messages: 16, ..Limits::default() });
        let member = router.join(b"/topic/t", Peer::Relay, false).unwrap();
        let publish = |n: u64| {
            let frames = [0, 0, 0, 1, b'x'].repeat(usize::try_from(n).unwrap());
            let run = Run::whole(&frames, n);
            router.publish(member.outbox().channel(), &run, &mut Scratch::default()).unwrap().hold
        };
        assert!(publish(16).is_none());
        let mut batch = Batch::default();
        let started = Instant::now();
        let mut n_held = 0;
        let settled = loop {
            let Some(Hold::Topic(hold)) = publish(1) else { panic!("it was full") };
            if PATIENCE <= started.elapsed() {
                break hold.settle(Instant::now() + Duration::from_millis(10), PATIENCE).await;
            }
            if batch.is_empty() {
                let taken = member.outbox().poll_take(&mut Context::from_waker(Waker::noop()), &mut batch);
                assert!(taken.is_ready());
            }
            let draining = async {
                tokio::time::advance(Duration::from_millis(5)).await;
                member.note_written(5, batch.advance(5));
            };
            let deadline = Instant::now() + Duration::from_millis(10);
            let (settled, ()) = tokio::join!(hold.settle(deadline, PATIENCE), draining);
            assert_eq!(settled, Settled { n_queued: 1, n_dropped: 0 });
            n_held += 1;
        };
        assert_eq!(n_held * 10, PATIENCE.as_millis());
        assert_eq!(settled, Settled { n_queued: 0, n_dropped: 1 });
        assert!(account(&member).slow_since_ms.is_some());
        assert!(publish(1).is_none(), "it holds nobody any more");
    }

    #[tokio::test(start_paused = true)]
    async fn a_hold_that_is_given_up_or_outlived_is_accounted_for() {
        let (router, _member, hold) = pressed();
        drop(hold); // its publisher was disconnected
        assert_eq!(router.channels()[0].dropped, 24);

        let (router, member, hold) = pressed();
        assert_eq!(member.leave(&Batch::default()), 16);
        let settled = hold.settle(Instant::now() + Duration::from_secs(1), PATIENCE).await;
        assert_eq!(settled, Settled::default(), "who has left loses nothing any more");
        assert_eq!(router.channels()[0].dropped, 16);
        assert_eq!(router.stats().buffered_bytes, 0);
    }
}
