//! `GET /metrics`: the relay's own figures and each agent's latest values, in Prometheus text format 0.0.4.

use std::fmt::{Display, Write as _};

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use signalbox_shared::api::{ChannelRow, CollectorInfo, FeedInfo};
use signalbox_shared::feed::{AgentState, RuleInfo};

use super::{AppState, socket};
use crate::broker::stats::BrokerStats;
use crate::chat;
use crate::collector::LatestSample;

mod changes;

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
    page.figures(FEED_FIGURES, &info.feed);
    broker(&mut page, &state.engine.broker_stats());
    chat(&mut page, &state.chat.stats());
    sockets(&mut page, &state.sockets.stats());
    changes::figures(&mut page, &state.changes.info());
    agents(&mut page, &state.history.latest());
    alerts(&mut page, &state.history.rules().rules);
    ([(header::CONTENT_TYPE, TEXT_FORMAT)], page.text)
}

type Figure<T> = (&'static str, &'static str, &'static str, fn(&T) -> f64);

/// A figure that the engine may not know; then there is no line for it.
type ChannelFigure = (&'static str, &'static str, &'static str, fn(&ChannelRow) -> Option<u64>);

const CHANNEL_FIGURES: &[ChannelFigure] = &[
    ("signalbox_channel_published_total", "counter", "Messages published.", |row| row.in_total),
    ("signalbox_channel_delivered_total", "counter", "Messages handed to subscribers.", |row| row.out_total),
    ("signalbox_channel_dropped_total", "counter", "Messages that slow subscribers lost.", |row| row.dropped),
    ("signalbox_channel_unrouted_total", "counter", "Messages that nobody was there for.", |row| {
        row.unrouted
    }),
    ("signalbox_channel_purged_total", "counter", "Messages removed by a purge.", |row| row.purged),
    ("signalbox_channel_depth_messages", "gauge", "Messages waiting in the backlog.", |row| row.depth),
    ("signalbox_channel_depth_bytes", "gauge", "Bytes waiting in the backlog.", |row| row.depth_bytes),
    ("signalbox_channel_subscribers", "gauge", "Subscribers, taps not counted.", |row| row.subscribers),
];

fn channels(page: &mut Page, rows: &[ChannelRow]) {
    for &(name, kind, help, figure) in CHANNEL_FIGURES {
        page.family(name, kind, help);
        for row in rows {
            if let Some(value) = figure(row) {
                page.sample(name, &[("channel", row.name.as_str())], value);
            }
        }
    }
}

fn collector(page: &mut Page, info: &CollectorInfo) {
    page.family("signalbox_collector_samples_total", "counter", "Samples taken.");
    page.sample("signalbox_collector_samples_total", &[], info.accepted);
    let refused = info.refused.iter().map(|(reason, refused)| (reason.as_str(), refused.count));
    page.by_reason("signalbox_collector_refused_total", "Messages that were no sample, by reason.", refused);
    page.family("signalbox_marks_total", "counter", "Messages on /topic/marks that became marks.");
    page.sample("signalbox_marks_total", &[], info.marks);
    let refused = info.marks_refused.iter().map(|(reason, refused)| (reason.as_str(), refused.count));
    page.by_reason(
        "signalbox_marks_refused_total",
        "Messages on /topic/marks that were no mark, by reason.",
        refused,
    );
    page.family("signalbox_alerts_unsaid_total", "counter", "Alerts that only the feed has told.");
    page.sample("signalbox_alerts_unsaid_total", &[], info.alerts_unsaid);
}

const BROKER_FIGURES: &[Figure<BrokerStats>] = &[
    ("signalbox_broker_connections", "gauge", "Broker connections open now.", |broker| {
        broker.connections as f64
    }),
    ("signalbox_broker_accepted_total", "counter", "Broker connections accepted.", |broker| {
        broker.accepted as f64
    }),
    ("signalbox_broker_buffered_bytes", "gauge", "Bytes that wait in outboxes and backlogs.", |broker| {
        broker.buffered_bytes as f64
    }),
];

fn broker(page: &mut Page, stats: &BrokerStats) {
    page.figures(BROKER_FIGURES, stats);
    let closings = stats.closings.iter().map(|(reason, n)| (*reason, *n));
    page.by_reason("signalbox_broker_closed_total", "Broker connections that ended, by reason.", closings);
}

const CHAT_FIGURES: &[Figure<chat::Stats>] = &[
    ("signalbox_chat_users_line", "gauge", "Line clients in a room.", |chat| chat.n_users_line as f64),
    ("signalbox_chat_users_browser", "gauge", "Pages in a room.", |chat| chat.n_users_browser as f64),
    ("signalbox_chat_said_total", "counter", "Lines said.", |chat| chat.n_said as f64),
    ("signalbox_chat_announced_total", "counter", "Lines by the relay itself.", |chat| {
        chat.n_announced as f64
    }),
    (
        "signalbox_chat_lagged_total",
        "counter",
        "Lines that a user who was too far behind did not get.",
        |chat| chat.n_lagged as f64,
    ),
];

fn chat(page: &mut Page, stats: &chat::Stats) {
    page.figures(CHAT_FIGURES, stats);
    let posts = stats.posts_refused;
    page.by_reason("signalbox_chat_posts_refused_total", "Posts of programs refused, by reason.", posts);
    page.by_reason("signalbox_chat_refused_total", "Lines refused, by reason.", stats.refused);
    page.by_reason("signalbox_chat_closed_total", "Line clients that went, by reason.", stats.closed);
}

const SOCKET_FIGURES: &[Figure<socket::Stats>] = &[
    ("signalbox_socket_open", "gauge", "WebSockets open now.", |socket| socket.n_open as f64),
    ("signalbox_socket_turned_away_total", "counter", "WebSockets over the bound.", |socket| {
        socket.n_turned_away as f64
    }),
    ("signalbox_socket_requests_total", "counter", "Requests of pages.", |socket| socket.n_requests as f64),
    ("signalbox_socket_refused_total", "counter", "Requests of pages that were refused.", |socket| {
        socket.n_refused as f64
    }),
    ("signalbox_socket_errors_total", "counter", "Messages of pages that were not understood.", |socket| {
        socket.n_errors as f64
    }),
    ("signalbox_socket_shown_total", "counter", "Channel messages shown to pages.", |socket| {
        socket.n_shown as f64
    }),
    (
        "signalbox_socket_skipped_total",
        "counter",
        "Channel messages that pages could not follow.",
        |socket| socket.n_skipped as f64,
    ),
    (
        "signalbox_socket_filtered_total",
        "counter",
        "Channel messages that pages' filters kept back.",
        |socket| socket.n_filtered as f64,
    ),
];

fn sockets(page: &mut Page, stats: &socket::Stats) {
    page.figures(SOCKET_FIGURES, stats);
    page.by_reason("signalbox_socket_closed_total", "WebSockets that ended, by reason.", stats.closed);
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

/// A family stands there with its rules alone, so that a query for it finds nothing and not an unknown name.
fn alerts(page: &mut Page, rules: &[RuleInfo]) {
    page.family("signalbox_alert", "gauge", "1 while the agent is in alert by this rule.");
    for rule in rules {
        for agent in rule.agents.iter().filter(|agent| agent.is_alert) {
            let labels = [("rule", rule.text.as_str()), ("color", &agent.color), ("metric", &rule.metric)];
            page.sample("signalbox_alert", &labels, 1);
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

    /// One family per figure, without labels.
    fn figures<T>(&mut self, figures: &[Figure<T>], source: &T) {
        for &(name, kind, help, figure) in figures {
            self.family(name, kind, help);
            self.sample(name, &[], figure(source));
        }
    }

    fn by_reason<'a>(&mut self, name: &str, help: &str, counts: impl IntoIterator<Item = (&'a str, u64)>) {
        self.family(name, "counter", help);
        for (reason, n) in counts {
            self.sample(name, &[("reason", reason)], n);
        }
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
