//! The feed of samples by Server-Sent Events, `GET /feed`, and the history of the first paint (docs/protocol.md §3).
//!
//! A sample travels as the default event, so that a page that knows only `onmessage` works; what is ours travels in
//! named events, whose data are the types below.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::EventId;

/// Name of the event whose data are several samples, one on each line: for who asked that events be gathered. Its id is that
/// of the last of them, and theirs follow each other.
pub const EVENT_SAMPLES: &str = "samples";
/// Name of the event whose data is a [`Gap`].
pub const EVENT_GAP: &str = "gap";
/// Name of the event whose data is an [`AgentChange`].
pub const EVENT_AGENT: &str = "agent";
/// Name of the event whose data is an [`AlertChange`].
pub const EVENT_ALERT: &str = "alert";
/// Name of the event whose data is a [`Mark`].
pub const EVENT_MARK: &str = "mark";
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

/// Data of the `alert` event, once when an alert begins and once when it ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertChange {
    /// Place of the rule in [`MetricsRules::rules`], from 0.
    pub rule: u32,
    /// The agent's name.
    pub color: String,
    /// The metric's key.
    pub metric: String,
    /// The rule in words: `mem above 100 MB for 10s`.
    pub text: String,
    /// Which of the rule's bounds was crossed.
    pub side: AlertSide,
    /// That bound, in the metric's own unit.
    pub threshold: f64,
    /// Whether the alert begins or ends.
    pub state: AlertState,
    /// Why it ends; none when it begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<AlertEnd>,
    /// The value that began or ended it; null when the agent is gone.
    pub value: Option<f64>,
    /// When the metric went beyond the bound, in milliseconds since the Unix epoch.
    pub since_ms: i64,
    /// When the relay saw this change, in milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// A bound of an alert rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertSide {
    /// Values above it are beyond it.
    Above,
    /// Values below it are beyond it.
    Below,
}

/// What happens to an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    /// The metric has been beyond the bound for as long as the rule asks.
    Begins,
    /// It is no longer.
    Ends,
}

/// Why an alert ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertEnd {
    /// The metric is within its bounds again.
    Back,
    /// The metric went beyond the rule's other bound, for which the time begins anew.
    Crossed,
    /// The agent is gone: nobody knows its metric any more.
    Gone,
}

/// Data of the `mark` event: a moment worth a line in every chart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// What happened, on one line.
    pub text: String,
    /// When it happened by the clock of whoever said so, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Who says so.
    pub kind: MarkKind,
    /// The agent that it is about; none when it is about all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
}

/// Where a mark comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarkKind {
    /// A message on `/topic/marks`.
    Mark,
    /// An alert that begins or ends.
    Alert,
}

/// Answer of `GET /api/metrics/marks`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricsMarks {
    /// The newest event when this was looked up: `mark` events up to this id are in the answer, later ones are not.
    pub id: EventId,
    /// The relay's clock, in milliseconds since the Unix epoch.
    pub now_ms: i64,
    /// The newest marks, in the order in which they came.
    pub marks: Vec<Mark>,
}

/// Answer of `GET /api/metrics/rules`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricsRules {
    /// The newest event when this was looked up: `alert` events up to this id are in the answer, later ones are not.
    pub id: EventId,
    /// The relay's clock, in milliseconds since the Unix epoch.
    pub now_ms: i64,
    /// Every `[[alerts]]` of the settings file, in its order.
    pub rules: Vec<RuleInfo>,
}

/// One alert rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleInfo {
    /// The metric's key.
    pub metric: String,
    /// Values above this are beyond the threshold, in the metric's own unit.
    pub above: Option<f64>,
    /// Values below this are beyond the threshold, in the metric's own unit.
    pub below: Option<f64>,
    /// How long the metric must stay beyond it before the alert begins, in milliseconds.
    pub for_ms: u64,
    /// The only agent it is for; null for every agent.
    pub agent: Option<String>,
    /// The rule in words: `mem above 100 MB for 10s`.
    pub text: String,
    /// The agents whose metric is beyond the threshold, in the order of their names.
    pub agents: Vec<RuleAgent>,
}

/// An agent whose metric is beyond a rule's threshold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleAgent {
    /// The agent's name.
    pub color: String,
    /// True once the alert has begun; false while the rule's time is still running.
    pub is_alert: bool,
    /// Which bound was crossed.
    pub side: AlertSide,
    /// Its latest value.
    pub value: f64,
    /// Since when it is beyond the bound, in milliseconds since the Unix epoch.
    pub since_ms: i64,
}

/// Data of the `ping` event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ping {
    /// The relay's clock, in milliseconds since the Unix epoch.
    pub now_ms: i64,
}

/// Answer of `GET /api/metrics/history?window=<seconds>&step=<seconds>&until=<milliseconds>`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricsHistory {
    /// Subscribe to the feed from here, and there is neither hole nor overlap.
    pub id: EventId,
    /// The relay's clock, in milliseconds since the Unix epoch.
    pub now_ms: i64,
    /// Seconds between points; 0 when the points are the samples themselves.
    pub step_secs: u32,
    /// Seconds of the buckets that the points were made from: 0 from samples, else the tier of the history, 10 or 60.
    #[serde(default)]
    pub tier_secs: u32,
    /// The latest moment that was asked for, in milliseconds since the Unix epoch; null when it was now.
    #[serde(default)]
    pub until_ms: Option<i64>,
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
    /// With a step, it is the mean of what a point stands for.
    pub metrics: BTreeMap<String, Vec<Option<f64>>>,
    /// With a step, what the means hide: one entry per metric. Empty when the points are the samples themselves.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ranges: BTreeMap<String, MetricRange>,
}

/// Columns beside a metric's means, as long as those.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MetricRange {
    /// Lowest value of each point; null where it lacks that metric.
    pub min: Vec<Option<f64>>,
    /// Highest value of each point; null where it lacks that metric.
    pub max: Vec<Option<f64>>,
    /// How many values each point stands for.
    pub count: Vec<u32>,
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
            EVENT_ALERT => serde_json::to_string(&serde_json::from_str::<AlertChange>(data)?),
            EVENT_MARK => serde_json::to_string(&serde_json::from_str::<Mark>(data)?),
            EVENT_PING => serde_json::to_string(&serde_json::from_str::<Ping>(data)?),
            _ => Ok(Sample::from_json(data.as_bytes())
                .map(|sample| String::from_utf8(sample.json).unwrap())
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
