//! What the broker counted, as snapshots that can be serialised.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use signalbox_shared::{ChannelKind, ChannelName};

/// Why a connection was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(usize)]
pub enum Closing {
    /// The peer ended its stream between two pairs, or before its first frame.
    Left,
    /// The peer sent the empty frame that ends a session.
    Ended,
    /// The stream ended inside a frame or between a name and its data.
    Truncated,
    /// The connection failed.
    Failed,
    /// A frame's length is over the limit.
    FrameTooLarge,
    /// A channel name is over 255 bytes.
    NameTooLong,
    /// A channel name is not UTF-8.
    NameNotUtf8,
    /// A channel name has a control character in it.
    NameControlCharacter,
    /// No channel was named in time.
    HandshakeTimeout,
    /// One connection too many.
    ConnectionLimit,
    /// One channel too many.
    ChannelLimit,
    /// No memory left for the rest of a frame.
    MemoryLimit,
    /// It could not follow its topic, and `slow_subscriber` is `disconnect`.
    SlowSubscriber,
    /// The broker ended.
    Shutdown,
}

impl Closing {
    /// Every reason.
    pub const ALL: [Self; 14] = [
        Self::Left,
        Self::Ended,
        Self::Truncated,
        Self::Failed,
        Self::FrameTooLarge,
        Self::NameTooLong,
        Self::NameNotUtf8,
        Self::NameControlCharacter,
        Self::HandshakeTimeout,
        Self::ConnectionLimit,
        Self::ChannelLimit,
        Self::MemoryLimit,
        Self::SlowSubscriber,
        Self::Shutdown,
    ];

    /// Its stable name in statistics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Ended => "ended",
            Self::Truncated => "truncated",
            Self::Failed => "failed",
            Self::FrameTooLarge => "frame_too_large",
            Self::NameTooLong => "name_too_long",
            Self::NameNotUtf8 => "name_not_utf8",
            Self::NameControlCharacter => "name_control_character",
            Self::HandshakeTimeout => "handshake_timeout",
            Self::ConnectionLimit => "connection_limit",
            Self::ChannelLimit => "channel_limit",
            Self::MemoryLimit => "memory_limit",
            Self::SlowSubscriber => "slow_subscriber",
            Self::Shutdown => "shutdown",
        }
    }

    /// Whether the peer broke a rule or met a limit.
    #[must_use]
    pub fn is_violation(self) -> bool {
        !matches!(self, Self::Left | Self::Ended | Self::Truncated | Self::Failed | Self::Shutdown)
    }
}

/// Closed connections by reason.
#[derive(Debug, Default)]
pub(crate) struct Closings([AtomicU64; Closing::ALL.len()]);

impl Closings {
    pub(crate) fn count(&self, closing: Closing) {
        self.0[closing as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn by_reason(&self) -> BTreeMap<&'static str, u64> {
        Closing::ALL
            .iter()
            .map(|closing| (closing.name(), self.0[*closing as usize].load(Ordering::Relaxed)))
            .collect()
    }
}

/// The whole broker at one moment. Totals count from its start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BrokerStats {
    /// Connections open now.
    pub connections: u64,
    /// Connections accepted, those refused at the limit not counted.
    pub accepted: u64,
    /// Closed connections by [`Closing::name`]; every reason is there.
    pub closings: BTreeMap<&'static str, u64>,
    /// Channels known now.
    pub channels: u64,
    /// Channels forgotten because nobody used them.
    pub forgotten_channels: u64,
    /// Messages published on all channels, forgotten ones included.
    pub published: u64,
    /// Bytes that wait in outboxes and backlogs.
    pub buffered_bytes: u64,
    /// Bytes of pairs that have not wholly come.
    pub inbound_bytes: u64,
}

/// One channel at one moment. Totals count messages since it was first used.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelStats {
    /// The channel.
    pub name: ChannelName,
    /// How it delivers.
    pub kind: ChannelKind,
    /// Messages waiting in the backlog.
    pub depth: u64,
    /// Bytes of payload waiting in the backlog.
    pub depth_bytes: u64,
    /// Messages published per second, over the last second.
    pub in_per_sec: f64,
    /// Messages handed to subscribers per second, over the last second.
    pub out_per_sec: f64,
    /// Messages published.
    pub in_total: u64,
    /// Messages handed to subscribers.
    pub out_total: u64,
    /// Who takes part in the delivery.
    pub subscribers: u64,
    /// Who only watches.
    pub taps: u64,
    /// Messages that a slow subscriber lost.
    pub dropped: u64,
    /// Messages that had no subscriber and were discarded.
    pub unrouted: u64,
    /// Messages removed by a purge.
    pub purged: u64,
    /// When the last message was published, in milliseconds since the Unix epoch.
    pub last_message_at_ms: Option<i64>,
}

/// One connection at one moment. Totals count messages since it began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConnectionRow {
    /// Its number, in the order of arrival.
    pub id: u64,
    /// The peer's address.
    pub peer: String,
    /// What it is subscribed to; nothing before it said so.
    pub channel: Option<ChannelName>,
    /// When it came, in milliseconds since the Unix epoch.
    pub connected_at_ms: i64,
    /// Messages it published.
    pub published: u64,
    /// Bytes of it that were dealt with.
    pub consumed_bytes: u64,
    /// Whether it is not read now, because a queue that it publishes on is full.
    pub is_held: bool,
    /// Messages in its outbox.
    pub outbox_messages: u64,
    /// Bytes in its outbox.
    pub outbox_bytes: u64,
    /// Messages delivered to it.
    pub delivered: u64,
    /// Messages it lost because it was slow.
    pub dropped: u64,
    /// Since when it is slow, in milliseconds since the Unix epoch.
    pub slow_since_ms: Option<i64>,
    /// When something was last delivered to it, in milliseconds since the Unix epoch.
    pub last_delivery_at_ms: Option<i64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_own_place_and_name() {
        let closings = Closings::default();
        for (place, closing) in Closing::ALL.into_iter().enumerate() {
            assert_eq!(closing as usize, place);
            closings.count(closing);
        }
        let by_reason = closings.by_reason();
        assert_eq!(by_reason.len(), Closing::ALL.len());
        assert!(by_reason.values().all(|n| *n == 1));
    }
}
