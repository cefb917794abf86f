//! Every bound of the relay in one table: its name, default, allowed range, unit and reason.
//!
//! The command line, the `SIGNALBOX_*` variables, the `[limits]` part of the TOML file, `/api/info` and the table in
//! `docs/settings.md` are all made from [`TABLE`], so a bound cannot exist in one place and be missing in another.

/// One bound.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// Its name as in the TOML file, its unit last: `broker_frame_bytes`. The flag has dashes for underscores.
    pub name: &'static str,
    /// Its value when nothing else is said.
    pub default: u64,
    /// Smallest value that makes sense.
    pub min: u64,
    /// Largest value that makes sense.
    pub max: u64,
    /// What it bounds and why it is that high, in one sentence.
    pub why: &'static str,
}

macro_rules! limits {
    ($($name:ident = $default:expr, $min:expr => $max:expr, $why:literal;)*) => {
        /// The bounds in force. Each field is one row of [`TABLE`], in the unit that ends its name.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Limits {
            $(#[doc = $why] pub $name: u64,)*
        }

        /// Every bound, in the order in which they are told to users.
        pub const TABLE: &[Limit] = &[
            $(Limit { name: stringify!($name), default: $default, min: $min, max: $max, why: $why },)*
        ];

        impl Default for Limits {
            fn default() -> Self {
                Self { $($name: $default,)* }
            }
        }

        impl Limits {
            /// The value in force of the bound with this name.
            #[must_use]
            pub fn value(&self, name: &str) -> Option<u64> {
                match name {
                    $(stringify!($name) => Some(self.$name),)*
                    _ => None,
                }
            }

            /// The place of the bound with this name.
            pub fn value_mut(&mut self, name: &str) -> Option<&mut u64> {
                match name {
                    $(stringify!($name) => Some(&mut self.$name),)*
                    _ => None,
                }
            }
        }
    };
}

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
const GIB: u64 = 1024 * MIB;

limits! {
    broker_frame_bytes = 16 * MIB, 1 => GIB, "Largest frame a broker client may send; a larger one closes its connection.";
    broker_outbox_messages = 65_536, 16 => 16_777_216, "Messages queued for one broker subscriber before it counts as slow.";
    broker_outbox_bytes = 8 * MIB, 4 * KIB => GIB, "Bytes queued for one broker subscriber before it counts as slow; one larger message still fits when nothing else is queued.";
    broker_backlog_messages = 65_536, 1 => 16_777_216, "Messages that wait in one queue channel before its publishers are held.";
    broker_backlog_bytes = 64 * MIB, 4 * KIB => 16 * GIB, "Bytes that wait in one queue channel before its publishers are held.";
    broker_buffered_bytes = 512 * MIB, MIB => 64 * GIB, "Bytes buffered by the whole broker, outboxes and backlogs together.";
    broker_channels = 4_096, 1 => 1_000_000, "Channels alive at the same time; a connection that names one more is closed.";
    broker_connections = 10_000, 1 => 1_000_000, "Broker connections at the same time; one more is closed at once.";
    broker_handshake_millis = 5_000, 10 => 600_000, "Time a broker client has to name its channel.";
    broker_hold_millis = 10, 0 => 1_000, "Longest time that one read of a topic's publisher is held for a full subscriber.";
    broker_patience_millis = 1_000, 0 => 60_000, "Time a topic's full subscriber has to drain to half while its publishers are slowed down for it; then it counts as slow although it moves.";
    broker_channel_idle_secs = 600, 1 => 86_400, "Time after which a channel without subscriber and backlog is forgotten.";
    broker_drain_millis = 5_000, 0 => 8_000, "Time the broker has at shutdown to write out what is queued.";
    collector_pending_samples = 256, 16 => 1_048_576, "Samples that libzmq queues per agent while the collector is busy (its high-water mark); each may hold the 18 KiB that it was read into, or 64 KiB.";
    collector_agents = 1_000, 1 => 100_000, "Agents known at the same time; a sample of one more is refused and counted.";
    collector_metrics_per_agent = 64, 2 => 1_024, "Metrics charted per agent; further ones stay in the sample and are counted.";
    history_window_secs = 3_600, 10 => 604_800, "Age at which a sample leaves the history.";
    history_samples = 720_000, 100 => 100_000_000, "Samples kept for the feed's resume and the charts' first paint: one hour of 200 agents at one a second.";
    history_bytes = 256 * MIB, 256 * KIB => 64 * GIB, "Bytes of encoded events kept for the feed's resume, and as many again of the charts' columns.";
    history_tier10_secs = 86_400, 0 => 604_800, "Age at which a bucket of 10 s leaves the history: up to 242 KB per agent and metric in 24 hours; 0 keeps none.";
    history_tier60_secs = 604_800, 0 => 604_800, "Age at which a bucket of 60 s leaves the history: up to 283 KB per agent and metric in 7 days; 0 keeps none.";
    history_tiers_bytes = 512 * MIB, 256 * KIB => 64 * GIB, "Bytes of both kinds of buckets: 1,000 agents and metrics for the whole time; of more, the oldest leave earlier.";
    history_disk_bytes = GIB, 16 * MIB => 1024 * GIB, "Bytes on disk under data_dir: half of them events of the feed, the rest buckets and marks; the oldest leave first.";
    history_marks = 1_000, 1 => 100_000, "Marks kept for the charts: messages on /topic/marks, and alerts that begin or end.";
    history_answer_values = 1_000_000, 1_000 => 100_000_000, "Values in one answer about the history; where there are more, its points are that much wider apart.";
    feed_clients = 10_000, 1 => 1_000_000, "Feeds open at the same time; one more is answered 503.";
    feed_stall_secs = 30, 1 => 3_600, "Time after which a feed client that does not read is dropped.";
    http_connections = 12_000, 16 => 1_000_000, "HTTP connections at the same time, feeds and sockets among them.";
    http_header_millis = 10_000, 100 => 600_000, "Time an HTTP client has to send its request's head.";
    http_body_bytes = MIB, KIB => GIB, "Largest body of an API request.";
    http_publish_bytes = 16 * MIB, KIB => GIB, "Largest body that publishes a message, or many in bulk; of those over http_body_bytes, 16 are read at a time.";
    http_bulk_messages = 10_000, 1 => 1_000_000, "Messages that one request may publish in bulk.";
    http_tails_clients = 256, 1 => 100_000, "Streams of messages over HTTP at the same time; one more is answered 503.";
    socket_clients = 10_000, 1 => 1_000_000, "WebSockets open at the same time; one more is answered 503.";
    socket_subscriptions = 32, 1 => 1_024, "Channels that one WebSocket may be subscribed to.";
    socket_batch_messages = 256, 1 => 65_536, "Messages of one channel sent to a page per batch of 16 ms, and for each 16 ms that a batch is late (at most 8 times as many); of more, the newest are shown and the rest counted as skipped.";
    socket_batch_bytes = 512 * KIB, 64 * KIB => 64 * MIB, "Bytes of one channel sent to a page per batch of 16 ms.";
    tail_messages = 65_536, 16 => 16_777_216, "Messages of one watched channel kept for those who watch it; one who is further behind skips them.";
    tail_bytes = 8 * MIB, 64 * KIB => GIB, "Bytes of one watched channel kept for those who watch it, once for all of them.";
    tails_bytes = 256 * MIB, MIB => 64 * GIB, "Bytes of all watched channels together; beyond it each keeps only its newest.";
    socket_fetch_bytes = 32 * MIB, 64 * KIB => 4 * GIB, "Bytes of cut payloads kept per WebSocket so that a page can fetch the rest.";
    socket_requests_per_sec = 200, 1 => 1_000_000, "Requests a page may send per second, in bursts of twice as many.";
    socket_stall_secs = 30, 1 => 3_600, "Time after which a page that does not read is dropped.";
    chat_connections = 2_500, 1 => 1_000_000, "Line clients at the same time; one more gets a line that says so.";
    chat_idle_secs = 60, 1 => 86_400, "Time after which a line client that sends nothing is disconnected.";
    chat_connect_millis = 10_000, 10 => 600_000, "Time a line client has to send its CONNECT line.";
    chat_outbox_lines = 1_024, 16 => 1_048_576, "Lines queued for one user before it is dropped by name.";
    chat_history_lines = 10_000, 1 => 10_000_000, "Lines kept per room.";
    chat_history_bytes = 16 * MIB, 64 * KIB => 16 * GIB, "Bytes of lines kept per room, encodings and index included.";
    chat_history_secs = 86_400, 60 => 31_536_000, "Age at which a line leaves its room's history.";
    chat_lines_per_sec = 10, 1 => 100_000, "Lines a user may say per second, in bursts of five times as many.";
    chat_posts_per_sec = 50, 1 => 100_000, "Lines that programs may post to one room through the broker per second, all together, in bursts of five times as many.";
    chat_rooms = 64, 1 => 100_000, "Rooms at the same time.";
    database_connections = 8, 1 => 1_000, "Connections to the database for reads and writes, besides the one that listens.";
    database_millis = 5_000, 10 => 600_000, "Time a read or a write in the database may take, waiting for a connection included.";
    database_echo_millis = 1_000, 0 => 60_000, "Longest time a write waits for its own notification, so that its client reads what it wrote.";
    patron_cache_rows = 65_536, 1 => 16_777_216, "Rows in the cache of patrons; of more, the least recently used is forgotten.";
    patron_cache_bytes = 256 * MIB, 64 * KIB => 64 * GIB, "Bytes in the cache of patrons, for a row can be as large as a request.";
    changes_events = 2_000, 16 => 1_000_000, "Changes kept for pages that come or come back.";
    changes_bytes = 16 * MIB, 64 * KIB => GIB, "Bytes of changes kept for pages that come or come back.";
    news_connections = 256, 1 => 10_000, "News sources fetched at the same time; further ones wait.";
    news_page_bytes = 4 * MIB, KIB => 256 * MIB, "Largest page or feed of a news source, decompressed; a larger one fails.";
    news_headlines = 100, 1 => 10_000, "Headlines kept per news source; of more, the first ones.";
    shutdown_millis = 10_000, 100 => 600_000, "Time everything has to end after the first signal.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_inside_its_own_range_and_reachable_by_name() {
        let mut limits = Limits::default();
        for limit in TABLE {
            assert!((limit.min..=limit.max).contains(&limit.default), "{}", limit.name);
            assert_eq!(limits.value(limit.name), Some(limit.default));
            *limits.value_mut(limit.name).unwrap() = limit.max;
            assert_eq!(limits.value(limit.name), Some(limit.max));
        }
        assert_eq!(limits.value("no_such_bound"), None);
    }

    #[test]
    fn every_name_says_its_unit_and_every_reason_is_a_sentence() {
        let units = [
            "bytes",
            "messages",
            "samples",
            "lines",
            "millis",
            "secs",
            "sec",
            "connections",
            "clients",
            "channels",
        ];
        let counted =
            ["agents", "agent", "events", "headlines", "rooms", "rows", "subscriptions", "values", "marks"];
        for limit in TABLE {
            let last = limit.name.rsplit('_').next().unwrap();
            assert!(units.contains(&last) || counted.contains(&last), "{} has no unit", limit.name);
            assert!(limit.why.ends_with('.'), "{}", limit.name);
        }
    }
}
