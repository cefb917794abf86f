//! The one interface to message routing: publish, subscribe, tap, purge, statistics.
//!
//! Everything in the relay that is not the broker itself reaches channels through here, so that the embedded broker
//! can be replaced by another engine without the rest noticing. Knows no HTTP, no WebSocket and no chat.

use std::sync::Arc;

use signalbox_shared::ChannelName;
use signalbox_shared::api::{ChannelRow, Features};
use signalbox_shared::detail::ChannelDetail;
use signalbox_shared::engine::{EngineInfo, Permits};
use signalbox_shared::socket::AckDetail;
use thiserror::Error;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::broker::stats::{BrokerStats, ConnectionRow};
use crate::broker::{Router, frame};

mod embedded;
mod tcp;

use tcp::Elsewhere;

/// Where the readiness probe goes round; a topic, so that an unread probe is not kept. Not shown among the channels.
pub const PROBE_CHANNEL: &str = "/topic/signalbox/ready";

/// A handle to message routing. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Engine {
    router: Arc<Router>,
    /// A broker elsewhere, when messages are routed there.
    elsewhere: Option<Arc<Elsewhere>>,
    permits: Permits,
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
    /// Whether it was handed to a broker elsewhere, which does not tell what became of it.
    pub is_sent: bool,
}

impl Receipt {
    /// The same as it is told to pages and programs.
    #[must_use]
    pub fn detail(&self) -> AckDetail {
        match (self.n_queued, self.n_dropped) {
            _ if self.is_sent => AckDetail::Sent,
            (0, _) if self.is_waiting => AckDetail::Waiting,
            (0, 0) => AckDetail::Unrouted,
            (n_subscribers, _) => AckDetail::Queued { n_subscribers },
        }
    }
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
    /// The broker elsewhere cannot be reached.
    #[error("the broker at {address} cannot be reached: {reason}")]
    Unreachable {
        /// Where it is.
        address: String,
        /// Why.
        reason: String,
    },
    /// The broker elsewhere did not take it in time, and may do so yet.
    #[error(
        "the broker at {address} has not taken the message in time, and may yet: most likely the queue is full"
    )]
    Unsure {
        /// Where it is.
        address: String,
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
    /// The broker elsewhere shows no copies of a queue.
    #[error(
        "the broker behind this relay cannot show copies of the queue {channel}: consume from it, which takes the messages from others"
    )]
    CannotTap {
        /// The channel.
        channel: ChannelName,
    },
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
    /// The broker elsewhere has no way to be told.
    #[error("the broker behind this relay cannot be told to empty {channel}")]
    CannotPurge {
        /// The channel.
        channel: ChannelName,
    },
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
        Self { router, elsewhere: None, permits: Permits::default() }
    }

    /// A broker elsewhere at `host:port`, which is connected to until `shutdown` is cancelled. The router is that of this
    /// process, whose connections are still told of.
    ///
    /// # Panics
    /// Outside a tokio runtime: a task keeps the connection.
    #[must_use]
    pub fn tcp(router: Arc<Router>, address: &str, shutdown: CancellationToken) -> Self {
        let elsewhere = Elsewhere::start(address, &router.limits, shutdown);
        Self { router, elsewhere: Some(elsewhere), permits: Permits::default() }
    }

    /// The same with what the administrator allows, which is told as a feature. Whoever lets others in must check it.
    #[must_use]
    pub fn with_permits(self, permits: Permits) -> Self {
        Self { permits, ..self }
    }

    /// What this engine can do.
    #[must_use]
    pub fn features(&self) -> Features {
        let is_embedded = self.elsewhere.is_none();
        Features { tap: is_embedded, stats: is_embedded, purge: is_embedded, permits: self.permits }
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
        match &self.elsewhere {
            None => embedded::publish(&self.router, channel, payload).await,
            Some(elsewhere) => elsewhere.publish(channel, payload).await,
        }
    }

    /// Begins a subscription, which ends when the value is dropped.
    ///
    /// # Errors
    /// Each variant of [`SubscribeError`].
    pub fn subscribe(&self, channel: &ChannelName, mode: Mode) -> Result<Subscription, SubscribeError> {
        let receiver = match &self.elsewhere {
            None => Receiver::Embedded(embedded::subscribe(&self.router, channel, mode)?),
            Some(elsewhere) => Receiver::Tcp(Box::new(elsewhere.subscribe(channel, mode)?)),
        };
        Ok(Subscription { receiver })
    }

    /// Empties a queue's backlog and says how many messages that were.
    ///
    /// # Errors
    /// Each variant of [`PurgeError`].
    pub fn purge(&self, channel: &ChannelName) -> Result<u64, PurgeError> {
        match &self.elsewhere {
            None => embedded::purge(&self.router, channel),
            Some(_) => Err(Elsewhere::purge(channel)),
        }
    }

    /// Every channel's statistics, in the order of their names. Rates are computed once a second, however often this
    /// is called.
    #[must_use]
    pub fn channels(&self) -> Vec<ChannelRow> {
        match &self.elsewhere {
            None => embedded::channels(&self.router),
            Some(elsewhere) => elsewhere.channels(),
        }
    }

    /// One channel seen from near: who takes from it, who publishes on it, and which bounds hold.
    #[must_use]
    pub fn detail(&self, channel: &ChannelName) -> ChannelDetail {
        match &self.elsewhere {
            None => embedded::detail(&self.router, channel),
            Some(elsewhere) => elsewhere.detail(channel),
        }
    }

    /// What this engine is, and whether it can be reached.
    #[must_use]
    pub fn info(&self) -> EngineInfo {
        self.elsewhere
            .as_ref()
            .map_or_else(EngineInfo::default, |elsewhere| elsewhere.watch().borrow().clone())
    }

    /// The same whenever it changes; none for an engine that is always ready.
    #[must_use]
    pub fn watch(&self) -> Option<watch::Receiver<EngineInfo>> {
        self.elsewhere.as_ref().map(|elsewhere| elsewhere.watch())
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
    receiver: Receiver,
}

enum Receiver {
    Embedded(embedded::Receiver),
    Tcp(Box<tcp::Receiver>),
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
        match &mut self.receiver {
            Receiver::Embedded(receiver) => receiver.next_at_most(n_messages, n_bytes).await,
            Receiver::Tcp(receiver) => receiver.next_at_most(n_messages, n_bytes).await,
        }
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

/// The first frames, at most so many and so long, but at least one.
fn first_frames(frames: &[u8], n_messages: usize, n_bytes: usize) -> &[u8] {
    let mut taken = 0;
    for frame in frame::frames(frames).take(n_messages.max(1)) {
        if taken != 0 && n_bytes < taken + frame.len() {
            break;
        }
        taken += frame.len();
    }
    &frames[..taken]
}
