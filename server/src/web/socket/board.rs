//! Channel statistics for every page that watches them: looked at once a second, compared once, encoded once.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use signalbox_shared::ChannelName;
use signalbox_shared::api::ChannelRow;
use signalbox_shared::socket::ServerMessage;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::engine::Engine;

/// Time between two looks, which is also the time over which the engine counts its rates.
const INTERVAL: Duration = Duration::from_secs(1);
/// Most channels in one message; more of them come in further ones. So many take a page about a millisecond to read, so
/// that it misses no frame over them.
const ROWS_MAX: usize = 100;

/// The one look at the channels that all pages share.
pub(super) struct Board {
    engine: Engine,
    latest: watch::Sender<Arc<Look>>,
    /// Held while looking, so that pages that come at the same moment cause one look.
    looking: Mutex<()>,
}

/// The channels at one moment.
struct Look {
    number: u64,
    at: Instant,
    at_ms: i64,
    rows: Vec<ChannelRow>,
    /// The `channels` messages of what has changed since the look before, in JSON.
    delta: Vec<Bytes>,
    /// Those of everything, once somebody needs them.
    full: OnceLock<Vec<Bytes>>,
}

impl Board {
    /// Begins to look, while anybody watches, until `shutdown` is cancelled.
    pub(super) fn start(engine: Engine, shutdown: CancellationToken) -> Arc<Self> {
        let nothing = Look {
            number: 0,
            at: Instant::now(),
            at_ms: 0,
            rows: Vec::new(),
            delta: Vec::new(),
            full: OnceLock::new(),
        };
        let latest = watch::Sender::new(Arc::new(nothing));
        let board = Arc::new(Self { engine, latest, looking: Mutex::new(()) });
        let looking = Arc::downgrade(&board);
        tokio::spawn(async move {
            let mut ticks = interval(INTERVAL);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
                let Some(board) = looking.upgrade() else { return };
                if 0 < board.latest.receiver_count() {
                    board.look_if_older_than(INTERVAL / 2);
                }
            }
        });
        board
    }

    /// Begins to watch: everything first, then what changes.
    pub(super) fn watch(&self) -> Watcher {
        let receiver = self.latest.subscribe();
        self.look_if_older_than(INTERVAL);
        Watcher { receiver, last: None }
    }

    fn look_if_older_than(&self, age: Duration) {
        let _looking = self.looking.lock();
        let previous = Arc::clone(&self.latest.borrow());
        if previous.number == 0 || age <= previous.at.elapsed() {
            self.latest.send_replace(Arc::new(Look::after(&previous, self.engine.channels())));
        }
    }
}

impl Look {
    fn after(previous: &Self, rows: Vec<ChannelRow>) -> Self {
        let at_ms = clock::now_ms();
        let (changed, gone) = changes(&previous.rows, &rows);
        let delta = encode(at_ms, false, &changed, &gone);
        Self { number: previous.number + 1, at: Instant::now(), at_ms, rows, delta, full: OnceLock::new() }
    }

    fn full(&self) -> Vec<Bytes> {
        self.full.get_or_init(|| encode(self.at_ms, true, &self.rows.iter().collect::<Vec<_>>(), &[])).clone()
    }
}

/// One page's place on the board.
pub(super) struct Watcher {
    receiver: watch::Receiver<Arc<Look>>,
    last: Option<u64>,
}

impl Watcher {
    /// Waits for something new and gives the `channels` messages in JSON. A page that missed a look gets everything.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped before it is ready.
    pub(super) async fn next(&mut self) -> Vec<Bytes> {
        loop {
            let last = self.last;
            let Ok(look) = self.receiver.wait_for(|look| last != Some(look.number)).await else {
                return std::future::pending().await; // the board is gone with the relay
            };
            let messages = match last {
                Some(last) if last + 1 == look.number => look.delta.clone(),
                _ => look.full(),
            };
            self.last = Some(look.number);
            if !messages.is_empty() {
                return messages;
            }
        }
    }
}

/// Rows that are new or different, and channels that are no more.
fn changes<'a>(before: &[ChannelRow], now: &'a [ChannelRow]) -> (Vec<&'a ChannelRow>, Vec<ChannelName>) {
    let mut known: HashMap<&ChannelName, &ChannelRow> = before.iter().map(|row| (&row.name, row)).collect();
    let changed = now.iter().filter(|row| known.remove(&row.name) != Some(*row)).collect();
    let mut gone: Vec<ChannelName> = known.into_keys().cloned().collect();
    gone.sort();
    (changed, gone)
}

/// The `channels` messages, as many as it takes; none for a delta without changes. Only the first one is full, and
/// the gone ones come with the last.
fn encode(now_ms: i64, is_full: bool, rows: &[&ChannelRow], gone: &[ChannelName]) -> Vec<Bytes> {
    if rows.is_empty() && gone.is_empty() && !is_full {
        return Vec::new();
    }
    let n_messages = rows.len().div_ceil(ROWS_MAX).max(1);
    let message = |n: usize| {
        let first = n * ROWS_MAX;
        let rows = rows[first..rows.len().min(first + ROWS_MAX)].iter().map(|row| (*row).clone()).collect();
        let gone = if n + 1 == n_messages { gone.to_vec() } else { Vec::new() };
        let message = ServerMessage::Channels { now_ms, full: is_full && n == 0, rows, gone };
        // A rate that is no number would not encode; then this second is missing, and nothing else.
        serde_json::to_vec(&message).map_or_else(|_| Bytes::new(), Bytes::from)
    };
    (0..n_messages).map(message).filter(|message| !message.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use signalbox_shared::ChannelKind;

    use super::*;

    fn row(name: &str, in_total: u64) -> ChannelRow {
        ChannelRow {
            name: name.parse().unwrap(),
            kind: ChannelKind::Topic,
            depth: Some(0),
            depth_bytes: Some(0),
            in_per_sec: Some(0.0),
            out_per_sec: Some(0.0),
            in_total: Some(in_total),
            out_total: Some(0),
            subscribers: Some(0),
            taps: Some(0),
            dropped: Some(0),
            unrouted: Some(0),
            purged: Some(0),
            refused: Some(0),
            last_message_at_ms: None,
            seen: None,
        }
    }

    #[test]
    fn a_delta_holds_what_is_new_different_or_gone() {
        let before = [row("/a", 1), row("/b", 1), row("/c", 1)];
        let now = [row("/b", 1), row("/c", 2), row("/d", 0)];
        let (changed, gone) = changes(&before, &now);
        assert_eq!(changed, [&now[1], &now[2]]);
        assert_eq!(gone, ["/a".parse().unwrap()]);
        assert_eq!(encode(0, false, &[], &[]).len(), 0);
        assert_eq!(encode(0, true, &[], &[]).len(), 1);
    }

    #[test]
    fn many_channels_come_in_several_messages_of_which_the_first_is_full() {
        let rows: Vec<ChannelRow> = (0..2 * ROWS_MAX as u64 + 1).map(|n| row(&format!("/{n}"), n)).collect();
        let messages = encode(7, true, &rows.iter().collect::<Vec<_>>(), &[]);
        let mut seen = Vec::new();
        for (n, message) in messages.iter().enumerate() {
            match serde_json::from_slice(message).unwrap() {
                ServerMessage::Channels { full, rows, .. } => {
                    assert_eq!(full, n == 0);
                    seen.extend(rows);
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((messages.len(), seen), (3, rows));
    }
}
