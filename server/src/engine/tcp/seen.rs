//! What this relay itself saw of the channels of a broker that tells nothing about them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use signalbox_shared::ChannelName;
use signalbox_shared::api::{self, ChannelRow};

use crate::clock;

/// Shortest time over which a rate is counted.
const RATE_INTERVAL: Duration = Duration::from_millis(500);

/// The channels that this relay used.
#[derive(Debug)]
pub(super) struct Seen {
    channels_max: u64,
    channels: Mutex<HashMap<ChannelName, Arc<Counts>>>,
    rated_at: Mutex<Instant>,
}

/// What was seen of one channel.
#[derive(Debug, Default)]
pub(super) struct Counts {
    received: AtomicU64,
    published: AtomicU64,
    watchers: AtomicU64,
    last_ms: AtomicI64,
    rates: Mutex<Rates>,
}

#[derive(Debug, Default)]
struct Rates {
    received: u64,
    published: u64,
    received_per_sec: f64,
    published_per_sec: f64,
}

impl Counts {
    pub(super) fn note_received(&self, n_messages: u64) {
        self.received.fetch_add(n_messages, Ordering::Relaxed);
        self.last_ms.store(clock::now_ms(), Ordering::Relaxed);
    }

    pub(super) fn note_published(&self, n_messages: u64) {
        self.published.fetch_add(n_messages, Ordering::Relaxed);
        self.last_ms.store(clock::now_ms(), Ordering::Relaxed);
    }

    pub(super) fn note_watcher(&self, has_come: bool) {
        if has_come {
            self.watchers.fetch_add(1, Ordering::Relaxed);
        } else {
            self.watchers.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn rate(&self, seconds: f64) {
        let (received, published) =
            (self.received.load(Ordering::Relaxed), self.published.load(Ordering::Relaxed));
        let mut rates = self.rates.lock();
        rates.received_per_sec = (received - rates.received) as f64 / seconds;
        rates.published_per_sec = (published - rates.published) as f64 / seconds;
        (rates.received, rates.published) = (received, published);
    }

    fn row(&self, name: &ChannelName) -> ChannelRow {
        let rates = self.rates.lock();
        let last_ms = self.last_ms.load(Ordering::Relaxed);
        ChannelRow {
            last_message_at_ms: (last_ms != 0).then_some(last_ms),
            seen: Some(api::Seen {
                received: self.received.load(Ordering::Relaxed),
                received_per_sec: rates.received_per_sec,
                published: self.published.load(Ordering::Relaxed),
                published_per_sec: rates.published_per_sec,
                dropped: 0,
                watchers: self.watchers.load(Ordering::Relaxed),
            }),
            ..ChannelRow::unknown(name.clone())
        }
    }
}

impl Seen {
    pub(super) fn new(channels_max: u64) -> Self {
        Self { channels_max, channels: Mutex::default(), rated_at: Mutex::new(Instant::now()) }
    }

    /// The accounts of one channel, begun when there are none. When there are as many as `broker_channels` allows, the
    /// one that was quiet for longest and that nobody watches makes room.
    pub(super) fn counts(&self, channel: &ChannelName) -> Arc<Counts> {
        let mut channels = self.channels.lock();
        if let Some(counts) = channels.get(channel) {
            return Arc::clone(counts);
        }
        let counts = Arc::new(Counts::default());
        if self.channels_max <= channels.len() as u64 {
            let quiet = channels
                .iter()
                .filter(|(_, counts)| counts.watchers.load(Ordering::Relaxed) == 0)
                .min_by_key(|(_, counts)| counts.last_ms.load(Ordering::Relaxed))
                .map(|(name, _)| name.clone());
            match quiet {
                Some(name) => drop(channels.remove(&name)),
                None => return counts, // every one of them is watched: this one goes without accounts
            }
        }
        channels.insert(channel.clone(), Arc::clone(&counts));
        counts
    }

    /// A row per channel, in the order of their names. Rates are those since the last call that was long enough ago.
    pub(super) fn rows(&self) -> Vec<ChannelRow> {
        let mut channels: Vec<_> =
            self.channels.lock().iter().map(|(name, counts)| (name.clone(), Arc::clone(counts))).collect();
        channels.sort_by(|a, b| a.0.cmp(&b.0));
        let mut rated_at = self.rated_at.lock();
        if RATE_INTERVAL <= rated_at.elapsed() {
            let seconds = rated_at.elapsed().as_secs_f64();
            channels.iter().for_each(|(_, counts)| counts.rate(seconds));
            *rated_at = Instant::now();
        }
        drop(rated_at);
        channels.iter().map(|(name, counts)| counts.row(name)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quiet_make_room_and_the_watched_stay() {
        let seen = Seen::new(2);
        let name = |n: u32| format!("/topic/{n}").parse::<ChannelName>().unwrap();
        seen.counts(&name(1)).note_watcher(true);
        seen.counts(&name(2)).note_published(3);
        seen.counts(&name(3)).note_received(1);
        let rows = seen.rows();
        assert_eq!(rows.iter().map(|row| row.name.clone()).collect::<Vec<_>>(), [name(1), name(3)]);
        assert_eq!((rows[1].seen.unwrap().received, rows[1].in_total), (1, None));
        seen.counts(&name(3)).note_watcher(true);
        seen.counts(&name(4)).note_published(1);
        assert_eq!(seen.rows().len(), 2, "both are watched");
    }
}
