//! What watchers see of channels: one engine subscription per channel however many watch it, a cursor for each of
//! them, filters, batches and exact accounts.
//!
//! From the bottom up: `chunk` holds messages, each encoded once for everybody; `ring` keeps the newest of one channel
//! for its cursors; `view` picks what one watcher is shown and does its accounts; `stream` makes batches of that for
//! the WebSocket. Knows no HTTP and no socket.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use parking_lot::Mutex;
use signalbox_shared::ChannelName;
use signalbox_shared::socket::TailMode;
use tokio::time::sleep;

use crate::engine::{Engine, Mode, SubscribeError, Subscription};
use crate::limits::Limits;

mod chunk;
mod ring;
mod stream;
mod view;

use chunk::Chunk;
pub(crate) use ring::Taken;
use ring::{Cursor, Ring};
pub(crate) use stream::{Direct, FilterSlot, TailBatch, batches};
pub(crate) use view::{BatchBounds, View};

/// Pause of a channel's reader after each take, so that a busy channel wakes its watchers a few hundred times a second
/// and not for every message. Adds at most this to a message's way.
const GATHER: Duration = Duration::from_millis(4);
/// Most messages and bytes that a reader takes at once: what a ring forgets at once when it is full.
const CHUNK_MESSAGES: usize = 4_096;
const CHUNK_BYTES: usize = 512 * 1024;

/// Every channel that somebody watches.
pub struct Tails {
    engine: Engine,
    limits: Arc<Limits>,
    rings: Mutex<HashMap<ChannelName, Arc<Ring>>>,
    /// Bytes in all rings together.
    held_bytes: Arc<AtomicUsize>,
}

/// One watcher's place in a channel. Dropping it leaves.
pub(crate) enum Source {
    /// Copies, from the ring that all watchers of the channel share.
    Tap(Cursor),
    /// The watcher's own subscription, and the most that it takes at once.
    Consume(Subscription, BatchBounds),
}

impl Tails {
    /// Begins with none.
    #[must_use]
    pub fn new(engine: Engine, limits: Arc<Limits>) -> Arc<Self> {
        Arc::new(Self { engine, limits, rings: Mutex::default(), held_bytes: Arc::default() })
    }

    /// Begins to watch a channel, or to take part in its delivery.
    ///
    /// # Errors
    /// When the engine has no room for the channel, or cannot show copies of it.
    ///
    /// # Panics
    /// Outside a tokio runtime: a task reads each tapped channel.
    pub(crate) fn open(
        self: &Arc<Self>,
        channel: &ChannelName,
        mode: TailMode,
    ) -> Result<Source, SubscribeError> {
        match mode {
            TailMode::Tap => self.tap(channel).map(Source::Tap),
            TailMode::Consume => {
                let subscription = self.engine.subscribe(channel, Mode::Consume)?;
                Ok(Source::Consume(subscription, BatchBounds::new(&self.limits).for_raw_payloads()))
            }
        }
    }

    /// How many channels are tapped now.
    #[must_use]
    pub fn n_tapped(&self) -> usize {
        self.rings.lock().len()
    }

    fn tap(self: &Arc<Self>, channel: &ChannelName) -> Result<Cursor, SubscribeError> {
        let mut rings = self.rings.lock();
        if let Some(ring) = rings.get(channel) {
            return Ok(Cursor::new(Arc::clone(ring), Arc::clone(self)));
        }
        let subscription = self.engine.subscribe(channel, Mode::Tap)?;
        let ring = Arc::new(Ring::new(channel.clone(), &self.limits, Arc::clone(&self.held_bytes)));
        tokio::spawn(read(Arc::clone(&ring), subscription));
        rings.insert(channel.clone(), Arc::clone(&ring));
        Ok(Cursor::new(ring, Arc::clone(self)))
    }

    /// Takes a cursor out of its ring, and ends the channel's subscription when it was the last one.
    fn leave(&self, ring: &Arc<Ring>, cursor: u64) {
        let mut rings = self.rings.lock();
        if ring.remove(cursor) {
            rings.remove(ring.channel());
            ring.end();
        }
    }
}

/// Reads a channel into its ring until the last cursor has left.
async fn read(ring: Arc<Ring>, mut subscription: Subscription) {
    let work = async {
        loop {
            let batch = subscription.next_at_most(CHUNK_MESSAGES, CHUNK_BYTES).await;
            let is_behind =
                batch.n_messages() == CHUNK_MESSAGES as u64 || CHUNK_BYTES / 2 < batch.frames().len();
            ring.push(Chunk::new(batch));
            ring.tell();
            if !is_behind {
                sleep(GATHER).await;
            }
        }
    };
    tokio::select! {
        () = ring.ended() => {}
        () = work => {}
    }
}

impl Source {
    /// As [`Source::next`], but one that consumes takes at most `n_messages`: what it is not shown is not its to take.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped before it is ready.
    pub(crate) async fn next_at_most(&mut self, n_messages: u64) -> Taken {
        if let Self::Consume(_, bounds) = self {
            let n_messages = usize::try_from(n_messages).unwrap_or(usize::MAX);
            bounds.n_messages = bounds.n_messages.min(n_messages.max(1));
        }
        self.next().await
    }

    /// Waits for messages and takes those that there are.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped before it is ready.
    pub(crate) async fn next(&mut self) -> Taken {
        match self {
            Self::Tap(cursor) => cursor.next().await,
            Self::Consume(subscription, bounds) => {
                let batch = subscription.next_at_most(bounds.n_messages, bounds.n_bytes).await;
                Taken::consumed(Chunk::new(batch))
            }
        }
    }
}

#[cfg(test)]
mod tests;
