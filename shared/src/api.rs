//! What the HTTP API and the first WebSocket message tell about a relay (docs/protocol.md §5 and §6).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{ChannelKind, ChannelName};

/// Media type of [`Problem`].
pub const PROBLEM_JSON: &str = "application/problem+json";

/// An error answer of the API. Source: RFC 9457.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Stable name of this kind of problem, `urn:signalbox:problem:<name>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What went wrong, the same for every occurrence.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What was wrong this time, and which limit or setting it met.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// Answer of `GET /api/info`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Info {
    /// Signalbox's version.
    pub version: String,
    /// Version of the WebSocket protocol.
    pub protocol: u32,
    /// When the relay started, in milliseconds since the Unix epoch.
    pub started_at_ms: i64,
    /// The relay's clock, in milliseconds since the Unix epoch.
    pub now_ms: i64,
    /// Each service and where it listens.
    pub services: Vec<ServiceInfo>,
    /// What this relay can do.
    pub features: Features,
    /// Every bound in force by its name.
    pub limits: BTreeMap<String, u64>,
    /// What the collector took and refused.
    pub collector: CollectorInfo,
}

/// One service of a relay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceInfo {
    /// `http`, `broker`, `chat` or `collector`.
    pub name: String,
    /// What a program speaks there, in a few words.
    pub speaks: String,
    /// Where it listens; empty when it is off.
    pub addresses: Vec<String>,
    /// The setting that moves it or turns it off.
    pub setting: String,
}

/// What the engine behind a relay can do; what it cannot, the page says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Features {
    /// Watching a queue without consuming.
    pub tap: bool,
    /// Statistics per channel.
    pub stats: bool,
    /// Emptying a queue's backlog.
    pub purge: bool,
}

/// What the collector took and refused since it started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectorInfo {
    /// Samples taken.
    pub accepted: u64,
    /// Refused messages by reason ([`crate::SampleError::reason`]), with the last one of each.
    pub refused: BTreeMap<String, Refused>,
}

/// Messages refused for one reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// How many.
    pub count: u64,
    /// What was wrong with the last one.
    pub last_error: String,
    /// The beginning of the last one, as text.
    pub last_excerpt: String,
    /// When it came, in milliseconds since the Unix epoch.
    pub last_at_ms: i64,
}

/// One channel's statistics, in `GET /api/channels` and over the WebSocket. Totals count messages since the channel
/// was first used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChannelRow {
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

/// Answer of `GET /api/channels`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Channels {
    /// The relay's clock, in milliseconds since the Unix epoch.
    pub now_ms: i64,
    /// Every channel, in the order of their names.
    pub channels: Vec<ChannelRow>,
}
