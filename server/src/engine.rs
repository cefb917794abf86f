//! The one interface to message routing: publish, subscribe, tap, purge, statistics.
//!
//! Everything in the relay that is not the broker itself reaches channels through here, so that the embedded broker
//! can be replaced by another engine without the rest noticing. Knows no HTTP, no WebSocket and no chat.

use signalbox_shared::ChannelName;
use signalbox_shared::api::{ChannelRow, Features};
use thiserror::Error;

/// A handle to message routing. Cheap to clone.
#[derive(Clone)]
pub struct Engine {}

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
    /// What this engine can do.
    #[must_use]
    pub fn features(&self) -> Features {
        Features { tap: true, stats: true, purge: true }
    }

    /// Publishes one message. Waits at most a moment where the broker would hold a publisher, and then refuses.
    ///
    /// # Errors
    /// Each variant of [`PublishError`]; nothing was published then.
    pub async fn publish(&self, _channel: &ChannelName, _payload: &[u8]) -> Result<Receipt, PublishError> {
        unreachable!("the broker's helper fills this in")
    }

    /// Begins a subscription, which ends when the value is dropped.
    ///
    /// # Errors
    /// [`SubscribeError::TooManyChannels`].
    pub fn subscribe(&self, _channel: &ChannelName, _mode: Mode) -> Result<Subscription, SubscribeError> {
        unreachable!()
    }

    /// Empties a queue's backlog and says how many messages that were.
    ///
    /// # Errors
    /// Each variant of [`PurgeError`].
    pub fn purge(&self, _channel: &ChannelName) -> Result<u64, PurgeError> {
        unreachable!()
    }

    /// Every channel's statistics, in the order of their names.
    #[must_use]
    pub fn channels(&self) -> Vec<ChannelRow> {
        unreachable!()
    }
}

/// Messages of one channel, for one receiver.
pub struct Subscription {}

/// What a subscription received since it was last asked.
pub struct Batch {}

impl Subscription {
    /// Waits until there is something and takes all of it. A queue's messages count as delivered when they are taken;
    /// those not taken when the subscription is dropped go back to the head of the queue.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped before it is ready.
    pub async fn next(&mut self) -> Batch {
        unreachable!()
    }
}

impl Batch {
    /// The messages, oldest first.
    pub fn payloads(&self) -> impl Iterator<Item = &[u8]> {
        std::iter::empty()
    }

    /// How many messages these are.
    #[must_use]
    pub fn n_messages(&self) -> u64 {
        0
    }

    /// How many messages this receiver lost since the last batch, because it was slow; they came after the ones here.
    #[must_use]
    pub fn n_dropped(&self) -> u64 {
        0
    }
}
