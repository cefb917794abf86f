//! `GET /metrics`: the relay's own figures and each agent's latest values, in Prometheus text format 0.0.4.

use std::fmt::{Display, Write as _};

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use signalbox_shared::api::{ChannelRow, CollectorInfo, FeedInfo};
use signalbox_shared::feed::AgentState;

use super::AppState;
use crate::collector::LatestSample;

/// Media type of the text format.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Answers a scrape.
pub async fn metrics(State(state): State<AppState>) -> impl IntoResponse {
    let mut page = Page::default();
    page.family("signalbox_info", "gauge", "Always 1; the labels tell the version.");
    page.sample("signalbox_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    page.family(
        "signalbox_start_time_seconds",
        "gauge",
        "When the relay started, in seconds since the Unix epoch.",
    );
    page.sample("signalbox_start_time_seconds", &[], state.started_at_ms as f64 / 1000.0);
    channels(&mut page, &state.engine.channels());
    let info = state.collector.info();
    collector(&mut page, &info);
    feed(&mut page, &info.feed);
    agents(&mut page, &state.history.latest());
    ([(header::CONTENT_TYPE, TEXT_FORMAT)], page.text)
}

type Figure<T> = (&'static str, &'static str, &'static str, fn(&T) -> f64);

const CHANNEL_FIGURES: &[Figure<ChannelRow>] = &[
    ("signalbox_channel_published_total", "counter", "Messages published.", |row| row.in_total as f64),
    ("signalbox_channel_delivered_total", "counter", "Messages handed to subscribers.", |row| {
        row.out_total as f64
    }),
    ("signalbox_channel_dropped_total", "counter", "Messages that slow subscribers lost.", |row| {
        row.dropped as f64
    }),
    ("signalbox_channel_unrouted_total", "counter", "Messages that nobody was there for.", |row| {
        row.unrouted as f64
    }),
    ("signalbox_channel_purged_total", "counter", "Messages removed by a purge.", |row| row.purged as f64),
    ("signalbox_channel_depth_messages", "gauge", "Messages waiting in the backlog.", |row| row.depth as f64),
    ("signalbox_channel_depth_bytes", "gauge", "Bytes waiting in the backlog.", |row| row.depth_bytes as f64),
    ("signalbox_channel_subscribers", "gauge", "Subscribers, taps not counted.", |row| {
        row.subscribers as f64
    }),
];

fn channels(page: &mut Page, rows: &[ChannelRow]) {
    for &(name, kind, help, figure) in CHANNEL_FIGURES {
        page.family(name, kind, help);
        for row in rows {
            page.sample(name, &[("channel", row.name.as_str())], figure(row));
        }
    }
}

fn collector(page: &mut Page, info: &CollectorInfo) {
    page.family("signalbox_collector_samples_total", "counter", "Samples taken.");
    page.sample("signalbox_collector_samples_total", &[], info.accepted);
    page.family("signalbox_collector_refused_total", "counter", "Messages that were no sample, by reason.");
    for (reason, refused) in &info.refused {
        page.sample("signalbox_collector_refused_total", &[("reason", reason)], refused.count);
    }
}

const FEED_FIGURES: &[Figure<FeedInfo>] = &[
    ("signalbox_feed_clients", "gauge", "Feeds open now.", |feed| feed.clients as f64),
    ("signalbox_feed_refused_total", "counter", "Feeds over the bound.", |feed| feed.refused as f64),
    ("signalbox_feed_stalled_total", "counter", "Feeds dropped because nothing was read.", |feed| {
        feed.dropped_stalled as f64
    }),
    ("signalbox_feed_fell_out_total", "counter", "Feeds dropped because they were too far behind.", |feed| {
        feed.dropped_fell_out as f64
    }),
    ("signalbox_feed_gaps_total", "counter", "Feeds that began with a gap.", |feed| feed.gaps as f64),
];

fn feed(page: &mut Page, info: &FeedInfo) {
    for &(name, kind, help, figure) in FEED_FIGURES {
        page.family(name, kind, help);
        page.sample(name, &[], figure(info));
    }
}

fn agents(page: &mut Page, latest: &[LatestSample]) {
    page.family(
        "signalbox_agent_up",
        "gauge",
        "1 while the agent's samples arrive, 0 when it is stale or gone.",
    );
    for agent in latest {
        let is_up = u8::from(agent.state == AgentState::Joined);
        page.sample("signalbox_agent_up", &[("color", &agent.color)], is_up);
    }
    page.family(
        "signalbox_agent_value",
        "gauge",
        "Latest value of each metric: cpu in percent of one core, mem in MiB.",
    );
    for agent in latest {
        for (metric, value) in &agent.metrics {
            page.sample("signalbox_agent_value", &[("color", &agent.color), ("metric", metric)], value);
        }
    }
}

#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.text.push_str(name);
        for (i, (label, text)) in labels.iter().enumerate() {
            let open = if i == 0 { '{' } else { ',' };
            let _ = write!(self.text, "{open}{label}=\"{}\"", escaped(text));
        }
        let close = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.text, "{close} {value}");
    }
}

/// A label's value may hold anything once these three are escaped.
fn escaped(text: &str) -> String {
    text.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped_and_families_told_once() {
        let mut page = Page::default();
        page.family("f", "gauge", "Help.");
        page.sample("f", &[("a", "x\"\\\n"), ("b", "")], 1.5);
        page.sample("f", &[], 2);
        assert_eq!(page.text, "# HELP f Help.\n# TYPE f gauge\nf{a=\"x\\\"\\\\\\n\",b=\"\"} 1.5\nf 2\n");
    }
}
