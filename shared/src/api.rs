//! What the HTTP API and the first WebSocket message tell about a relay (docs/protocol.md §5 and §6).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::engine::{EngineInfo, Permits};
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
    /// What routes the messages, and whether it can be reached.
    #[serde(default)]
    pub engine: EngineInfo,
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

/// What the engine behind a relay can do; what it cannot, the page says. What the administrator allows stands beside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Features {
    /// Watching a queue without consuming.
    pub tap: bool,
    /// Statistics per channel.
    pub stats: bool,
    /// Emptying a queue's backlog.
    pub purge: bool,
    /// What the administrator allows.
    #[serde(default)]
    pub permits: Permits,
}

/// What the collector took and refused since it started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectorInfo {
    /// Samples taken.
    pub accepted: u64,
    /// Refused messages by reason ([`crate::SampleError::reason`], or `too_many_agents`), with the last one of each.
    pub refused: BTreeMap<String, Refused>,
    /// Metrics that stayed in their sample and got no column: over `collector_metrics_per_agent`, or with a name that
    /// no chart can show.
    #[serde(default)]
    pub metrics_left_out: u64,
    /// Of the refused ones, JSON that was no object and was published on `/topic/collector/other`.
    #[serde(default)]
    pub other_published: u64,
    /// The same, but not published: there was no room.
    #[serde(default)]
    pub other_dropped: u64,
    /// Messages on `/topic/marks` that became marks.
    #[serde(default)]
    pub marks: u64,
    /// Those that were no mark by reason, with the last one of each; `lost` where the relay could not keep up.
    #[serde(default)]
    pub marks_refused: BTreeMap<String, Refused>,
    /// Alerts that stand in the feed only: the chat and `/topic/alerts` could not be told.
    #[serde(default)]
    pub alerts_unsaid: u64,
    /// Who reads the feed, and who did not keep up.
    #[serde(default)]
    pub feed: FeedInfo,
    /// The history on disk; null when it is kept in memory only.
    #[serde(default)]
    pub store: Option<StoreInfo>,
}

/// The history on disk since the relay started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreInfo {
    /// Bytes of its files.
    pub bytes: u64,
    /// Seq of the last event of the feed that the operating system has got.
    pub written_seq: u64,
    /// Pieces that were not kept, because the disk could not follow.
    pub dropped: u64,
    /// Times that the disk refused.
    pub failed: u64,
    /// Bytes that could not be read when the relay started.
    pub damaged_bytes: u64,
    /// What the disk said last when it refused.
    pub last_error: Option<String>,
}

/// The feed's clients since the relay started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedInfo {
    /// Clients now.
    pub clients: u64,
    /// Refused with 503 because as many as `feed_clients` allows were there.
    pub refused: u64,
    /// Dropped because they read nothing for `feed_stall_secs`.
    pub dropped_stalled: u64,
    /// Dropped because what they had to read next had left the history.
    pub dropped_fell_out: u64,
    /// Streams that began with a gap.
    pub gaps: u64,
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
/// was first used. What the engine cannot tell is `null`, which is not the same as zero.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChannelRow {
    /// The channel.
    pub name: ChannelName,
    /// How it delivers.
    pub kind: ChannelKind,
    /// Messages waiting in the backlog.
    pub depth: Option<u64>,
    /// Bytes of payload waiting in the backlog.
    pub depth_bytes: Option<u64>,
    /// Messages published per second, over the last second.
    pub in_per_sec: Option<f64>,
    /// Messages handed to subscribers per second, over the last second.
    pub out_per_sec: Option<f64>,
    /// Messages published.
    pub in_total: Option<u64>,
    /// Messages handed to subscribers.
    pub out_total: Option<u64>,
    /// Who takes part in the delivery.
    pub subscribers: Option<u64>,
    /// Who only watches.
    pub taps: Option<u64>,
    /// Messages that a slow subscriber lost.
    pub dropped: Option<u64>,
    /// Messages that had no subscriber and were discarded.
    pub unrouted: Option<u64>,
    /// Messages removed by a purge.
    pub purged: Option<u64>,
    /// Messages that were too large or found the backlog full, and were refused to who published them here.
    #[serde(default)]
    pub refused: Option<u64>,
    /// When the last message was published, in milliseconds since the Unix epoch.
    pub last_message_at_ms: Option<i64>,
    /// What this relay itself saw; only with an engine that gives no statistics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Seen>,
}

impl ChannelRow {
    /// A channel of which nothing is known but its name.
    #[must_use]
    pub fn unknown(name: ChannelName) -> Self {
        Self {
            kind: name.kind(),
            name,
            depth: None,
            depth_bytes: None,
            in_per_sec: None,
            out_per_sec: None,
            in_total: None,
            out_total: None,
            subscribers: None,
            taps: None,
            dropped: None,
            unrouted: None,
            purged: None,
            refused: None,
            last_message_at_ms: None,
            seen: None,
        }
    }
}

/// What a relay itself saw of a channel whose engine gives no statistics: what others published while nobody here
/// watched is not in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// Messages that came from the engine.
    pub received: u64,
    /// Messages that came from the engine per second, over the last second.
    pub received_per_sec: f64,
    /// Messages that were published through this relay.
    pub published: u64,
    /// Messages that were published through this relay per second, over the last second.
    pub published_per_sec: f64,
    /// Messages that came and were lost, because the relay could not follow.
    pub dropped: u64,
    /// Subscriptions of this relay: all pages that watch a channel share one.
    pub watchers: u64,
}

/// Answer of `GET /api/channels`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Channels {
    /// The relay's clock, in milliseconds since the Unix epoch.
    pub now_ms: i64,
    /// Every channel, in the order of their names.
    pub channels: Vec<ChannelRow>,
}
