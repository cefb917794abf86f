//! The feed of samples by Server-Sent Events, `GET /feed`, and the history of the first paint (docs/protocol.md §3).
//!
//! A sample travels as the default event, so that a page that knows only `onmessage` works; what is ours travels in
//! named events, whose data are the types below.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::EventId;

/// Name of the event whose data is a [`Gap`].
pub const EVENT_GAP: &str = "gap";
/// Name of the event whose data is an [`AgentChange`].
pub const EVENT_AGENT: &str = "agent";
/// Name of the event whose data is a [`Ping`].
pub const EVENT_PING: &str = "ping";

/// Says, before anything else is sent, that a resume could not begin where it was asked to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// Where the page wanted to go on.
    pub since: EventId,
    /// Where the stream really goes on: the next event has a higher seq than this.
    pub resumed_at: EventId,
    /// How many events are missing; none when the epoch has changed, for then nobody can know.
    pub n_lost: Option<u64>,
    /// Why.
    pub reason: GapReason,
}

/// Why events are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GapReason {
    /// The relay's history began anew (it was restarted).
    NewEpoch,
    /// The bounded history no longer holds them.
    TooOld,
}

/// An agent's life, as the collector sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentState {
    /// A first sample, or the first one after it was gone.
    Joined,
    /// No sample for three of its intervals; also sent as `joined` again when samples come back.
    Stale,
    /// No sample for so long that it is taken off the live list.
    Gone,
}

/// Data of the `agent` event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentChange {
    /// The agent's name.
    pub color: String,
    /// What it has become.
    pub state: AgentState,
    /// When the relay saw that, in milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// Data of the `ping` event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ping {
    /// The relay's clock, in milliseconds since the Unix epoch.
    pub now_ms: i64,
}

/// Answer of `GET /api/metrics/history?window=<seconds>&step=<seconds>`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricsHistory {
    /// Subscribe to the feed from here, and there is neither hole nor overlap.
    pub id: EventId,
    /// The relay's clock, in milliseconds since the Unix epoch.
    pub now_ms: i64,
    /// Seconds between points; 0 when the points are the samples themselves.
    pub step_secs: u32,
    /// One entry per agent, in the order of their names.
    pub agents: Vec<AgentHistory>,
}

/// One agent's columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgentHistory {
    /// The agent's name.
    pub color: String,
    /// What it is now.
    pub state: AgentState,
    /// Its usual time between samples in milliseconds; none before the second sample.
    pub interval_ms: Option<u32>,
    /// Time of each point, in milliseconds since the Unix epoch, ascending.
    pub timestamps_ms: Vec<i64>,
    /// One column per metric, as long as `timestamps_ms`; null where a point lacks that metric.
    pub metrics: BTreeMap<String, Vec<Option<f64>>>,
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::Sample;

    /// What the data of each named event of docs/vectors/feed.json are, read and written again.
    fn round_trip(event: &str, data: &str) -> serde_json::Result<String> {
        match event {
            EVENT_GAP => serde_json::to_string(&serde_json::from_str::<Gap>(data)?),
            EVENT_AGENT => serde_json::to_string(&serde_json::from_str::<AgentChange>(data)?),
            EVENT_PING => serde_json::to_string(&serde_json::from_str::<Ping>(data)?),
            _ => Ok(Sample::from_json(data.as_bytes())
                .map(|sample| Value::Object(sample.object).to_string())
                .unwrap()),
        }
    }

    #[test]
    fn the_vectors_data_are_these_types() {
        let vectors: Value = serde_json::from_str(include_str!("../../docs/vectors/feed.json")).unwrap();
        for vector in vectors["events"].as_array().unwrap() {
            let text = |key: &str| vector[key].as_str().unwrap();
            assert_eq!(round_trip(text("event"), text("data")).unwrap(), text("data"), "{}", vector["name"]);
        }
    }
}
