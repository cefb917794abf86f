//! All channels of a broker, its memory and its accounts. Cheap to share; owns no task and no socket.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, RwLock};
use signalbox_shared::{ChannelKind, ChannelName, ChannelNameError};

use super::bounds::BoundsTable;
use super::channel::{Channel, Published, Routing};
use super::connections::Connections;
use super::membership::Membership;
use super::memory::Memory;
use super::options::{BrokerOptions, SlowSubscriber};
use super::outbox::{Outbox, Peer};
use super::run::{Run, Scratch};
use super::senders::Sending;
use super::stats::{BrokerStats, ChannelStats, Closings, ConnectionRow};
use crate::clock;
use crate::limits::Limits;

/// How often rates are computed, and idle channels looked for.
pub(crate) const TICK: Duration = Duration::from_secs(1);

/// All channels of a broker.
#[derive(Debug)]
pub struct Router {
    pub(crate) limits: Limits,
    pub(crate) bounds: BoundsTable,
    pub(crate) slow_subscriber: SlowSubscriber,
    pub(crate) stats_every: Option<Duration>,
    pub(crate) memory: Arc<Memory>,
    pub(crate) connections: Connections,
    pub(crate) closings: Closings,
    /// By the bytes of their names, as they come from the wire.
    channels: RwLock<HashMap<Box<[u8]>, Arc<Channel>>>,
    n_senders: Arc<AtomicUsize>,
    n_forgotten: AtomicU64,
    forgotten_published: AtomicU64,
    last_tick: Mutex<Instant>,
}

/// Why there is no channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoChannel {
    Name(ChannelNameError),
    TooMany { limit: u64 },
}

/// Why nothing was purged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PurgeRefused {
    /// It keeps nothing.
    NotAQueue,
    /// Nobody has used that name.
    Unknown,
}

impl Router {
    /// A broker without channels, within `limits`.
    #[must_use]
    pub fn new(limits: &Limits) -> Arc<Self> {
        Self::with_options(limits, &BrokerOptions::default())
    }

    /// The same, with bounds by channel prefix and a choice of what becomes of slow subscribers.
    #[must_use]
    pub fn with_options(limits: &Limits, options: &BrokerOptions) -> Arc<Self> {
        let bounds = BoundsTable::new(limits, &options.bounds);
        Arc::new(Self {
            limits: limits.clone(),
            memory: Arc::new(Memory::new(limits, bounds.frame_bytes_max() as u64)),
            bounds,
            slow_subscriber: options.slow_subscriber,
            stats_every: options.stats_every,
            connections: Connections::default(),
            closings: Closings::default(),
            channels: RwLock::default(),
            n_senders: Arc::default(),
            n_forgotten: AtomicU64::new(0),
            forgotten_published: AtomicU64::new(0),
            last_tick: Mutex::new(Instant::now()),
        })
    }

    /// The channel of that name, made when there is none.
    pub(crate) fn channel(&self, name: &[u8]) -> Result<Arc<Channel>, NoChannel> {
        self.with_channel(name, Arc::clone)
    }

    /// Calls `f` with the channel of that name while it cannot be forgotten.
    fn with_channel<T>(&self, name: &[u8], f: impl Fn(&Arc<Channel>) -> T) -> Result<T, NoChannel> {
        if let Some(channel) = self.channels.read().get(name) {
            return Ok(f(channel));
        }
        let checked = ChannelName::from_bytes(name).map_err(NoChannel::Name)?;
        let mut channels = self.channels.write();
        if let Some(channel) = channels.get(name) {
            return Ok(f(channel));
        }
        let now_ms = clock::now_ms();
        if self.limits.broker_channels <= channels.len() as u64 {
            self.forget_idle(&mut channels, now_ms);
        }
        if self.limits.broker_channels <= channels.len() as u64 {
            return Err(NoChannel::TooMany { limit: self.limits.broker_channels });
        }
        let channel = Arc::new(Channel::new(checked, self.bounds.of(name), &self.memory, now_ms));
        channels.insert(name.into(), Arc::clone(&channel));
        Ok(f(&channel))
    }

    /// Publishes one run of the relay itself on a channel by name. Blocks nobody; the rest may have to wait with a hold.
    pub(crate) fn publish(
        &self,
        name: &ChannelName,
        run: &Run<'_>,
        scratch: &mut Scratch,
    ) -> Result<Published, NoChannel> {
        loop {
            let channel = self.channel(name.as_str().as_bytes())?;
            // When it was forgotten between look-up and publishing, the next look-up makes it anew.
            let now_ms = clock::now_ms();
            if let Ok(published) = channel.publish(run, scratch, now_ms) {
                channel.senders.note_relay(published.n_taken, now_ms);
                return Ok(published);
            }
        }
    }

    /// Counts a message that was refused to who published it on that channel, if there is such a channel.
    pub(crate) fn note_refused(&self, name: &ChannelName) {
        if let Some(channel) = self.channels.read().get(name.as_str().as_bytes()) {
            channel.counts.refused.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The accounts of a connection that may publish.
    pub(crate) fn sending(&self, peer: Peer) -> Sending {
        Sending::new(peer, Arc::clone(&self.n_senders))
    }

    /// How many accounts of publishers there are.
    #[cfg(test)]
    pub(crate) fn n_senders(&self) -> usize {
        self.n_senders.load(Ordering::Relaxed)
    }

    /// Begins a receiver's membership in the channel of that name.
    pub(crate) fn join(&self, name: &[u8], peer: Peer, is_tap: bool) -> Result<Membership, NoChannel> {
        self.with_channel(name, |channel| {
            let bounds = channel.bounds().outbox;
            let outbox = Outbox::new(peer, channel.name().clone(), bounds, Arc::clone(&self.memory));
            Membership::join(Arc::clone(channel), Arc::new(outbox), Arc::clone(&self.memory), is_tap)
        })
    }

    /// Empties a queue's backlog and says how many messages that were.
    ///
    /// # Errors
    /// Each variant of [`PurgeRefused`].
    pub fn purge(&self, name: &ChannelName) -> Result<u64, PurgeRefused> {
        if name.kind() != ChannelKind::Queue {
            return Err(PurgeRefused::NotAQueue);
        }
        let channels = self.channels.read();
        let channel = channels.get(name.as_str().as_bytes()).ok_or(PurgeRefused::Unknown)?;
        let Routing::Queue(queue) = &channel.routing else { return Err(PurgeRefused::NotAQueue) };
        let n_purged = queue.purge();
        channel.counts.purged.fetch_add(n_purged, Ordering::Relaxed);
        Ok(n_purged)
    }

    /// Computes rates, and forgets channels that nobody uses. Called every [`TICK`] where a listener serves; whoever
    /// asks for rows makes up for it where none does.
    pub(crate) fn tick(&self) {
        let mut last_tick = self.last_tick.lock();
        let seconds = last_tick.elapsed().as_secs_f64();
        if seconds < TICK.as_secs_f64() / 2.0 {
            return;
        }
        *last_tick = Instant::now();
        let now_ms = clock::now_ms();
        let before_ms = self.idle_before_ms(now_ms);
        let mut any_idle = false;
        for channel in self.channels.read().values() {
            channel.tick(seconds);
            any_idle |= channel.is_idle(before_ms);
        }
        if any_idle {
            self.forget_unused(now_ms);
        }
    }

    /// Forgets channels that nobody has used for a while, and in which nothing waits.
    pub(crate) fn forget_unused(&self, now_ms: i64) {
        self.forget_idle(&mut self.channels.write(), now_ms);
    }

    fn idle_before_ms(&self, now_ms: i64) -> i64 {
        now_ms.saturating_sub_unsigned(self.limits.broker_channel_idle_secs.saturating_mul(1_000))
    }

    fn forget_idle(&self, channels: &mut HashMap<Box<[u8]>, Arc<Channel>>, now_ms: i64) {
        let before_ms = self.idle_before_ms(now_ms);
        channels.retain(|_, channel| {
            let forget = channel.try_forget(before_ms);
            if forget {
                self.n_forgotten.fetch_add(1, Ordering::Relaxed);
                let published = channel.counts.published.load(Ordering::Relaxed);
                self.forgotten_published.fetch_add(published, Ordering::Relaxed);
                tracing::debug!(channel = %channel.name(), "channel {} was idle and is forgotten", channel.name());
            }
            !forget
        });
    }

    /// Every channel's statistics, in the order of their names.
    #[must_use]
    pub fn channels(&self) -> Vec<ChannelStats> {
        let is_overdue = TICK * 3 / 2 < self.last_tick.lock().elapsed();
        if is_overdue {
            self.tick();
        }
        let mut rows: Vec<ChannelStats> =
            self.channels.read().values().map(|channel| channel.row()).collect();
        rows.sort_by(|a, b| a.name.cmp(&b.name));
        rows
    }

    /// The channel of that name, if anybody has used it; it is not made.
    pub(crate) fn known_channel(&self, name: &ChannelName) -> Option<Arc<Channel>> {
        self.channels.read().get(name.as_str().as_bytes()).cloned()
    }

    /// Every connection's statistics, in the order of their arrival.
    #[must_use]
    pub fn connections(&self) -> Vec<ConnectionRow> {
        self.connections.rows()
    }

    /// The whole broker's statistics.
    #[must_use]
    pub fn stats(&self) -> BrokerStats {
        let channels = self.channels.read();
        let alive: u64 =
            channels.values().map(|channel| channel.counts.published.load(Ordering::Relaxed)).sum();
        BrokerStats {
            connections: self.connections.len() as u64,
            accepted: self.connections.n_accepted(),
            closings: self.closings.by_reason(),
            channels: channels.len() as u64,
            forgotten_channels: self.n_forgotten.load(Ordering::Relaxed),
            published: alive + self.forgotten_published.load(Ordering::Relaxed),
            buffered_bytes: self.memory.queued.used_bytes() as u64,
            inbound_bytes: self.memory.inbound.used_bytes() as u64,
            buffered_bytes_max: self.memory.queued.bound_bytes() as u64,
            inbound_bytes_max: self.memory.inbound.bound_bytes() as u64,
            connections_max: self.limits.broker_connections,
            channels_max: self.limits.broker_channels,
        }
    }
}
