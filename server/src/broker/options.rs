//! What the broker can be told beyond its bounds: bounds by channel prefix, and what becomes of a slow subscriber.

use std::time::Duration;

/// What the broker does besides keeping its global bounds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BrokerOptions {
    /// Bounds for channels whose names begin alike, as the settings file has them.
    pub bounds: Vec<BoundsRule>,
    /// What becomes of a connection that is a slow subscriber.
    pub slow_subscriber: SlowSubscriber,
    /// Time between two lines of statistics in the log; none when there are no such lines.
    pub stats_every: Option<Duration>,
}

/// What becomes of a connection that is a slow subscriber. The relay's own subscriptions always lose messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SlowSubscriber {
    /// It loses the newest messages until it has drained to half.
    #[default]
    Drop,
    /// Its connection is closed, so that it notices and comes again.
    Disconnect,
}

/// Bounds for the channels whose names begin with a prefix. What is not given is as the next shorter matching prefix has
/// it, or the global bound.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BoundsRule {
    /// How the names begin.
    pub prefix: String,
    /// Stands in for `broker_backlog_messages`.
    pub backlog_messages: Option<u64>,
    /// Stands in for `broker_backlog_bytes`.
    pub backlog_bytes: Option<u64>,
    /// Stands in for `broker_outbox_messages`, for those who subscribe to such a channel.
    pub outbox_messages: Option<u64>,
    /// Stands in for `broker_outbox_bytes`.
    pub outbox_bytes: Option<u64>,
    /// Stands in for `broker_frame_bytes`, for the data published on such a channel.
    pub frame_bytes: Option<u64>,
}
