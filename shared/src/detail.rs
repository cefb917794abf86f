//! One channel seen from near: who takes from it, who publishes on it, and which bounds hold
//! (`GET /api/channels/{name}` and `watch_channel` over the WebSocket).

use serde::{Deserialize, Serialize};

use crate::ChannelName;
use crate::api::ChannelRow;

/// Most consumers, and most publishers, in one [`ChannelDetail`]; the totals tell how many there are.
pub const DETAIL_ROWS_MAX: usize = 200;

/// Most publishers that a whole broker keeps accounts of, one for each connection and channel: every one of 10,000
/// connections on six channels, and some 10 MB. Who publishes beyond that is not listed, and the channel says so.
pub const SENDERS_MAX: usize = 65_536;

/// One channel seen from near. What the engine cannot tell is `null`, which is not the same as none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChannelDetail {
    /// The channel.
    pub name: ChannelName,
    /// Its statistics; none while nobody has used it, or after it was forgotten.
    pub row: Option<ChannelRow>,
    /// Who receives from it, at most [`DETAIL_ROWS_MAX`]: those that are slow first, then in the order of arrival.
    pub consumers: Option<Vec<ConsumerRow>>,
    /// How many receive from it.
    pub n_consumers: Option<u64>,
    /// Who published on it and is still connected, at most [`DETAIL_ROWS_MAX`], the latest first.
    pub publishers: Option<Vec<PublisherRow>>,
    /// How many published on it and are still connected; `null` when there were more in the whole broker than
    /// [`SENDERS_MAX`].
    pub n_publishers: Option<u64>,
    /// The bounds in force.
    pub limits: ChannelLimits,
}

/// How one receiver takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsumerRole {
    /// Takes part in the delivery.
    Subscriber,
    /// Sees copies.
    Tap,
}

/// One receiver of a channel. Totals count messages since it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsumerRow {
    /// Its address, or `relay` for the relay itself.
    pub peer: String,
    /// How it takes part.
    pub role: ConsumerRole,
    /// Messages that wait in its outbox.
    pub queued_messages: u64,
    /// Bytes that wait in its outbox.
    pub queued_bytes: u64,
    /// Messages delivered to it.
    pub delivered: u64,
    /// Messages it lost because it was slow.
    pub dropped: u64,
    /// Since when it is slow, in milliseconds since the Unix epoch.
    pub slow_since_ms: Option<i64>,
    /// When something was last delivered to it, in milliseconds since the Unix epoch.
    pub last_delivery_at_ms: Option<i64>,
}

/// One connection that published on a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublisherRow {
    /// Its address, or `relay` for the pages and programs that publish through the relay.
    pub peer: String,
    /// Messages it published on this channel.
    pub published: u64,
    /// When it last did, in milliseconds since the Unix epoch.
    pub last_publish_at_ms: i64,
    /// Whether it is not read now, because a queue that it publishes on is full.
    pub is_held: bool,
}

/// The bounds that hold for a channel; those that the engine does not tell, or that do not apply, are `null`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelLimits {
    /// Largest message, in bytes.
    pub frame_bytes: Option<u64>,
    /// Messages that wait for one subscriber before it counts as slow.
    pub outbox_messages: Option<u64>,
    /// Bytes that wait for one subscriber before it counts as slow.
    pub outbox_bytes: Option<u64>,
    /// Messages that wait in a queue before its publishers are held.
    pub backlog_messages: Option<u64>,
    /// Bytes that wait in a queue before its publishers are held.
    pub backlog_bytes: Option<u64>,
    /// Time after which the channel is forgotten when nobody uses it and nothing waits, in seconds.
    pub idle_secs: Option<u64>,
}
