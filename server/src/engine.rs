//! The one interface to message routing: publish, subscribe, tap, purge, statistics.
//!
//! Everything in the relay that is not the broker itself reaches channels through here, so that the embedded broker
//! can be replaced by another engine without the rest noticing. Knows no HTTP, no WebSocket and no chat.

use std::sync::Arc;

use signalbox_shared::ChannelName;
use signalbox_shared::api::{ChannelRow, Features};
use signalbox_shared::detail::ChannelDetail;
use signalbox_shared::engine::{EngineInfo, Permits};
use thiserror::Error;

use crate::broker::stats::{BrokerStats, ConnectionRow};
use crate::broker::{Router, frame};

mod embedded;

/// A handle to message routing. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Engine {
    router: Arc<Router>,
}

/// How a subscription takes part in a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Sees copies of everything, is handed nothing, holds nobody.
    Tap,
    /// A subscriber like any other.
    Consume,
}

/// Where a published message went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Subscribers that it was queued for, taps not counted.
    pub n_queued: u64,
    /// Slow subscribers that lost it.
    pub n_dropped: u64,
    /// Whether it waits in a queue's backlog.
    pub is_waiting: bool,
}

/// Why nothing was published.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PublishError {
    /// Over the frame limit.
    #[error("payload of {payload_bytes} bytes is over the limit of {limit_bytes} bytes (broker_frame_bytes)")]
    TooLarge {
        /// Its size.
        payload_bytes: u64,
        /// The bound in force.
        limit_bytes: u64,
    },
    /// No room for another channel.
    #[error("the broker already has {limit} channels (broker_channels)")]
    TooManyChannels {
        /// The bound in force.
        limit: u64,
    },
    /// The queue's backlog is full and nobody takes from it.
    #[error(
        "the backlog of {channel} is full (broker_backlog_messages, broker_backlog_bytes): nobody takes from it fast enough"
    )]
    BacklogFull {
        /// The channel.
        channel: ChannelName,
    },
}

/// Why there is no subscription.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SubscribeError {
    /// No room for another channel.
    #[error("the broker already has {limit} channels (broker_channels)")]
    TooManyChannels {
        /// The bound in force.
        limit: u64,
    },
}

/// Why nothing was purged.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PurgeError {
    /// Only a queue keeps messages.
    #[error("{channel} is not a queue: it keeps nothing that could be purged")]
    NotAQueue {
        /// The channel.
        channel: ChannelName,
    },
    /// Nobody has used that name.
    #[error("there is no channel {channel}")]
    Unknown {
        /// The channel.
        channel: ChannelName,
    },
}

impl Engine {
    /// The broker in this process.
    #[must_use]
    pub fn embedded(router: Arc<Router>) -> Self {
        Self { router }
    }

    /// What this engine can do.
    #[must_use]
    pub fn features(&self) -> Features {
        Features { tap: true, stats: true, purge: true, permits: Permits::default() }
    }

    /// Publishes one message. Waits at most a moment where the broker would hold a publisher, `broker_hold_millis` on a
    /// topic and a second on a full queue, which then refuses.
    ///
    /// # Errors
    /// Each variant of [`PublishError`]; nothing was published then.
    ///
    /// # Cancel safety
    /// A future dropped before it is ready has published the message at most once; on a topic, subscribers that had no
    /// room by then have lost it.
    pub async fn publish(&self, channel: &ChannelName, payload: &[u8]) -> Result<Receipt, PublishError> {
        embedded::publish(&self.router, channel, payload).await
    }

    /// Begins a subscription, which ends when the value is dropped.
    ///
    /// # Errors
    /// [`SubscribeError::TooManyChannels`].
    pub fn subscribe(&self, channel: &ChannelName, mode: Mode) -> Result<Subscription, SubscribeError> {
        Ok(Subscription { receiver: embedded::subscribe(&self.router, channel, mode)? })
    }

    /// Empties a queue's backlog and says how many messages that were.
    ///
    /// # Errors
    /// Each variant of [`PurgeError`].
    pub fn purge(&self, channel: &ChannelName) -> Result<u64, PurgeError> {
        embedded::purge(&self.router, channel)
    }

    /// Every channel's statistics, in the order of their names. Rates are computed once a second, however often this
    /// is called.
    #[must_use]
    pub fn channels(&self) -> Vec<ChannelRow> {
        embedded::channels(&self.router)
    }

    /// One channel seen from near: who takes from it and which bounds hold.
    #[must_use]
    pub fn detail(&self, channel: &ChannelName) -> ChannelDetail {
        embedded::detail(&self.router, channel)
    }

    /// What this engine is, and whether it can be reached.
    #[must_use]
    pub fn info(&self) -> EngineInfo {
        EngineInfo::default()
    }

    /// Every broker connection's statistics, in the order of their arrival.
    #[must_use]
    pub fn connections(&self) -> Vec<ConnectionRow> {
        self.router.connections()
    }

    /// The whole broker's statistics.
    #[must_use]
    pub fn broker_stats(&self) -> BrokerStats {
        self.router.stats()
    }
}

/// Messages of one channel, for one receiver.
pub struct Subscription {
    receiver: embedded::Receiver,
}

/// What a subscription received since it was last asked: frames of docs/protocol.md §1, one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    frames: Vec<u8>,
    n_messages: u64,
    n_dropped: u64,
}

impl Subscription {
    /// Waits until there is something and takes all of it. A queue's messages count as delivered when they are taken;
    /// those not taken when the subscription is dropped go back to the head of the queue.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped before it is ready.
    pub async fn next(&mut self) -> Batch {
        self.next_at_most(usize::MAX, usize::MAX).await
    }

    /// The same, but takes at most `n_messages` and `n_bytes` of frames, and at least one message. What is left counts
    /// as not taken.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped before it is ready.
    pub async fn next_at_most(&mut self, n_messages: usize, n_bytes: usize) -> Batch {
        self.receiver.next_at_most(n_messages, n_bytes).await
    }
}

impl Batch {
    /// The messages, oldest first.
    pub fn payloads(&self) -> impl Iterator<Item = &[u8]> {
        frame::frames(&self.frames).map(frame::payload)
    }

    /// The same messages as they would stand on a broker's connection.
    #[must_use]
    pub fn frames(&self) -> &[u8] {
        &self.frames
    }

    /// The same, to keep.
    #[must_use]
    pub fn into_frames(self) -> Vec<u8> {
        self.frames
    }

    /// How many messages these are.
    #[must_use]
    pub fn n_messages(&self) -> u64 {
        self.n_messages
    }

    /// How many messages this receiver lost since the last batch, because it was slow; they came after the ones here.
    #[must_use]
    pub fn n_dropped(&self) -> u64 {
        self.n_dropped
    }
}
