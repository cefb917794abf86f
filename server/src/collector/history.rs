//! What the collector knows and everybody reads: the feed's ring, the agents and their series, under one mutex that is
//! held briefly. Knows no socket and no HTTP.
//!
//! [`History::push`] adds; [`History::run`] lets it be seen, at a pace that ten thousand readers can follow, and keeps
//! the time: pings, agents that fall silent, clients that do not read.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use signalbox_shared::api::{FeedInfo, StoreInfo};
use signalbox_shared::feed::{
    AgentChange, AgentState, AlertChange, EVENT_AGENT, EVENT_ALERT, EVENT_MARK, Gap, Mark, MetricsMarks,
    MetricsRules,
};
use signalbox_shared::{EventId, Sample, SampleError, sample::SAMPLE_BYTES_MAX};
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::agents::{Agents, TierBounds};
use super::alerts::{self, AlertRule, Alerts};
use super::clients::Clients;
use super::delivery::{Delivery, Place};
use super::event;
use super::marks::Marks;
use super::pace::Pace;
use super::restore::Restorer;
use super::ring::{Bounds, Read, Ring};
use super::store::{Piece, Store};
use crate::clock::{new_epoch, now_ms};
use crate::limits::Limits;
use crate::outlet::Rest;

/// Time between pings. Source: docs/protocol.md §3.
const PING_EVERY: Duration = Duration::from_secs(15);
/// Time between looks at silent agents and slow clients: well under the three seconds that make an agent stale.
const TICK_EVERY: Duration = Duration::from_millis(500);
/// Time that clients have at shutdown to take the end of their stream before their connections are closed.
const CLOSE_GRACE: Duration = Duration::from_secs(1);
/// Answers about the history that are built at the same time: each copies a part of it.
const ANSWERS_MAX: usize = 2;
/// Alerts that wait to be said beside the feed; of more, the newest are counted and not said.
const ALERTS_PENDING_MAX: usize = 4_096;

/// Everything that was taken lately.
#[derive(Debug)]
pub struct History {
    inner: Mutex<Inner>,
    /// Wakes the pacer: something was pushed.
    pushed: Notify,
    pub(super) clients: Clients,
    pub(super) answers: Semaphore,
    /// Most values in one answer about the history.
    pub(super) answer_values_max: u64,
    /// Alerts on their way to who says them beside the feed, until that one fetches its end.
    unsaid: mpsc::Sender<AlertChange>,
    unsaid_end: Mutex<Option<mpsc::Receiver<AlertChange>>>,
    n_unsent: AtomicU64,
    /// Keeps what is published over a restart, if that is wanted.
    store: Option<Store>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) ring: Ring,
    pub(super) agents: Agents,
    pub(super) alerts: Alerts,
    pub(super) marks: Marks,
    ping: (u64, Bytes),
    is_closed: bool,
}

/// What a batch did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Pushed {
    /// Samples taken.
    pub n_accepted: u64,
    /// Metrics that stay in their sample and are not charted.
    pub n_metrics_left_out: u64,
    /// Names of the agents whose samples were refused because there was no room for one more agent, once per sample.
    pub refused: Vec<String>,
}

/// The newest reading of one agent.
#[derive(Clone, Debug, PartialEq)]
pub struct LatestSample {
    /// The agent's name.
    pub color: String,
    /// What the agent is now.
    pub state: AgentState,
    /// When it arrived, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// When the agent took it by its own clock, in milliseconds since the Unix epoch.
    pub timestamp_ms: i64,
    /// Its metrics that are charted.
    pub metrics: Vec<(String, f64)>,
}

/// Samples of one poll, encoded once and outside the lock.
#[derive(Debug, Default)]
pub struct Batch {
    samples: Vec<Sample>,
    n_bytes: usize,
}

impl Batch {
    /// Adds a sample.
    ///
    /// # Errors
    /// [`SampleError::TooLarge`] when its encoding is over the limit, which numbers such as `1e15` can bring about.
    pub fn push(&mut self, sample: Sample) -> Result<(), SampleError> {
        let bytes = sample.json.len();
        if SAMPLE_BYTES_MAX < bytes {
            return Err(SampleError::TooLarge { bytes });
        }
        self.n_bytes += bytes;
        self.samples.push(sample);
        Ok(())
    }

    /// How many samples and encoded bytes there are.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        (self.samples.len(), self.n_bytes)
    }
}

impl History {
    /// An empty history with a new epoch, and without alerts.
    #[must_use]
    pub fn new(limits: &Limits) -> Arc<Self> {
        Self::with_rules(limits, &[])
    }

    /// An empty history with a new epoch, and with these alerts.
    #[must_use]
    pub fn with_rules(limits: &Limits, rules: &[AlertRule]) -> Arc<Self> {
        Arc::new(Self::of(Inner::new(limits, rules), limits, None))
    }

    /// The history that `data_dir` holds, which goes on there, or an empty one. Waits for the disk.
    ///
    /// # Errors
    /// When the folder cannot be used, or another relay uses it.
    pub fn open(limits: &Limits, rules: &[AlertRule], data_dir: &Path) -> anyhow::Result<Arc<Self>> {
        let mut restorer = Restorer::new(Inner::new(limits, rules));
        let store = Store::open(data_dir, limits, &mut restorer)?;
        Ok(Arc::new(Self::of(restorer.finish(now_ms()), limits, Some(store))))
    }

    fn of(inner: Inner, limits: &Limits, store: Option<Store>) -> Self {
        let (unsaid, unsaid_end) = mpsc::channel(ALERTS_PENDING_MAX);
        Self {
            inner: Mutex::new(inner),
            pushed: Notify::new(),
            clients: Clients::new(limits.feed_clients, Duration::from_secs(limits.feed_stall_secs)),
            answers: Semaphore::new(ANSWERS_MAX),
            answer_values_max: limits.history_answer_values,
            unsaid,
            unsaid_end: Mutex::new(Some(unsaid_end)),
            n_unsent: AtomicU64::new(0),
            store,
        }
    }

    /// The history on disk; none when it is kept in memory only.
    #[must_use]
    pub fn store_info(&self) -> Option<StoreInfo> {
        self.store.as_ref().map(Store::info)
    }

    /// Waits until everything is on the disk, if it is kept there. Nothing may be published after that.
    pub fn end_store(&self) {
        if let Some(store) = &self.store {
            store.end();
        }
    }

    /// Takes all samples of `batch` in order and leaves it empty. Never waits.
    pub fn push(&self, batch: &mut Batch) -> Pushed {
        let pushed = self.push_at(batch, now_ms());
        self.pushed.notify_one();
        pushed
    }

    /// The newest event's place.
    #[must_use]
    pub fn head(&self) -> EventId {
        self.inner.lock().ring.head()
    }

    /// The newest reading of every agent that is not gone, in the order of their names.
    #[must_use]
    pub fn latest(&self) -> Vec<LatestSample> {
        let inner = self.inner.lock();
        let agents = inner.agents.sorted();
        let alive = agents.into_iter().filter(|agent| agent.life.state() != AgentState::Gone);
        alive
            .filter_map(|agent| {
                let (timestamp_ms, metrics) = agent.series.latest()?;
                Some(LatestSample {
                    color: agent.color.clone(),
                    state: agent.life.state(),
                    at_ms: agent.life.last_at_ms(),
                    timestamp_ms,
                    metrics,
                })
            })
            .collect()
    }

    /// Who reads the feed, and who did not keep up.
    #[must_use]
    pub fn feed_info(&self) -> FeedInfo {
        self.clients.info()
    }

    /// Takes a mark, which the feed tells.
    pub fn mark(&self, mark: Mark) {
        self.save([Piece::Mark(mark.clone())].into_iter());
        self.inner.lock().mark(mark, now_ms());
        self.pushed.notify_one();
    }

    /// The newest marks, and up to which event they are told here.
    #[must_use]
    pub fn marks(&self) -> MetricsMarks {
        let inner = self.inner.lock();
        MetricsMarks { id: inner.ring.head(), now_ms: now_ms(), marks: inner.marks.to_vec() }
    }

    /// Every alert rule with the agents beyond its bounds, and up to which event they are told here.
    #[must_use]
    pub fn rules(&self) -> MetricsRules {
        let inner = self.inner.lock();
        MetricsRules { id: inner.ring.head(), now_ms: now_ms(), rules: inner.alerts.info() }
    }

    /// Alerts as they begin and end, for the one who says them beside the feed; none when somebody has it already.
    pub fn take_alerts(&self) -> Option<mpsc::Receiver<AlertChange>> {
        self.unsaid_end.lock().take()
    }

    /// Alerts that were not handed on, because too many waited.
    pub(super) fn alerts_unsent(&self) -> u64 {
        self.n_unsent.load(Relaxed)
    }

    /// Lets what is pushed be seen, until `shutdown`; then ends every client's stream.
    pub async fn run(&self, shutdown: CancellationToken) {
        let mut tick = tokio::time::interval(TICK_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut next_ping = Instant::now() + PING_EVERY;
        let mut pace = Pace::default();
        loop {
            let is_tick = tokio::select! {
                () = shutdown.cancelled() => break,
                () = self.pushed.notified() => false,
                _ = tick.tick() => true,
            };
            if is_tick {
                let is_ping = next_ping <= Instant::now();
                if is_ping {
                    next_ping += PING_EVERY;
                }
                self.tick(now_ms(), is_ping);
            }
            let Some(told) = self.publish(now_ms(), false) else { continue };
            let next_at = pace.told(self.clients.len(), Instant::now());
            let next = async {
                told.finish().await;
                tokio::time::sleep_until(next_at).await;
            };
            if shutdown.run_until_cancelled(next).await.is_none() {
                break;
            }
        }
        self.publish(now_ms(), true);
        let _ = tokio::time::timeout(CLOSE_GRACE, self.clients.emptied()).await;
        self.clients.hang_up();
    }

    /// The position from which a client goes on, and what it misses. Without `since` it is the newest event.
    pub(super) fn position(&self, since: Option<EventId>) -> (EventId, u64, Option<Gap>) {
        let inner = self.inner.lock();
        let head = inner.ring.head();
        let (seq, gap) = since.map_or((head.seq, None), |since| inner.ring.resume(since));
        (EventId { seq, ..head }, inner.ping.0, gap)
    }

    /// What stands behind a client's place.
    pub(super) fn read(&self, Place { seq, n_pings }: Place) -> Next {
        let inner = self.inner.lock();
        match inner.ring.read_after(seq) {
            Read::Events(bytes, seq) => Next::Events(bytes, Place { seq, n_pings }),
            Read::Lost => Next::Lost,
            Read::CaughtUp if inner.ping.0 != n_pings => {
                Next::Events(inner.ping.1.clone(), Place { seq, n_pings: inner.ping.0 })
            }
            Read::CaughtUp if inner.is_closed => Next::Closed,
            Read::CaughtUp => Next::Wait,
        }
    }

    pub(super) fn with<T>(&self, look: impl FnOnce(&Inner) -> T) -> T {
        look(&self.inner.lock())
    }

    pub(super) fn push_at(&self, batch: &mut Batch, now_ms: i64) -> Pushed {
        let mut pushed = Pushed::default();
        let mut changes = Vec::new();
        let mut inner = self.inner.lock();
        for sample in batch.samples.drain(..) {
            let Some(admitted) = inner.agents.admit(&sample.color, now_ms) else {
                pushed.refused.push(sample.color);
                continue;
            };
            if admitted.has_joined {
                let state = AgentState::Joined;
                inner.announce(&AgentChange { color: sample.color.clone(), state, at_ms: now_ms });
            }
            let seq = inner.ring.push(now_ms, None, &sample.json);
            pushed.n_metrics_left_out += inner.agents.record(admitted, &sample, seq, now_ms);
            pushed.n_accepted += 1;
            let from = changes.len();
            inner.alerts.take(&sample, now_ms, &mut changes);
            inner.tell(&changes[from..]);
        }
        drop(inner);
        batch.n_bytes = 0;
        self.hand_on(changes);
        pushed
    }

    /// Time passes: agents fall silent, clients are looked after, a ping is due.
    pub(super) fn tick(&self, now_ms: i64, is_ping: bool) {
        let mut inner = self.inner.lock();
        for change in inner.agents.pass(now_ms) {
            inner.announce(&change);
        }
        let buckets = if self.store.is_some() { inner.agents.take_unsaved(now_ms) } else { Vec::new() };
        let changes = inner.pass_alerts(now_ms);
        let since = inner.newest();
        if is_ping {
            inner.ping = (inner.ping.0 + 1, event::ping(now_ms));
        }
        let ping = is_ping.then(|| Delivery::new(since, inner.newest(), &inner.ping.1));
        let (published, oldest, n_pings) = (inner.ring.published(), inner.ring.oldest(), inner.ping.0);
        drop(inner);
        self.hand_on(changes);
        self.save((!buckets.is_empty()).then_some(Piece::Buckets(buckets)).into_iter());
        self.clients.look_after(published, oldest, n_pings, Instant::now());
        if is_ping {
            self.clients.tell(ping);
        }
    }

    /// Lets everything that was pushed be read, and tells the clients, if there is something new.
    pub(super) fn publish(&self, now_ms: i64, is_closed: bool) -> Option<Rest> {
        let mut inner = self.inner.lock();
        let since = inner.newest();
        let is_new = inner.ring.publish(now_ms);
        let until = inner.newest();
        // More than one piece is left to the clients, and so is the end.
        let whole = match inner.ring.read_after(since.seq) {
            Read::Events(bytes, seq) if seq == until.seq && !is_closed => Some(bytes),
            _ => None,
        };
        inner.is_closed |= is_closed;
        let unsaved = inner.ring.take_unsaved();
        drop(inner);
        self.save(unsaved.into_iter().map(Piece::Feed));
        (is_new || is_closed).then(|| {
            let whole = whole.filter(|_| !self.clients.is_empty());
            self.clients.tell(whole.map(|bytes| Delivery::new(since, until, &bytes)))
        })
    }

    fn save(&self, pieces: impl Iterator<Item = Piece>) {
        if let Some(store) = &self.store {
            pieces.for_each(|piece| store.offer(piece));
        }
    }

    fn hand_on(&self, changes: Vec<AlertChange>) {
        for change in changes {
            self.save([Piece::Mark(alerts::mark(&change))].into_iter());
            if self.unsaid.try_send(change).is_err() {
                self.n_unsent.fetch_add(1, Relaxed);
            }
        }
    }
}

impl Inner {
    fn new(limits: &Limits, rules: &[AlertRule]) -> Self {
        let bounds = Bounds {
            events: limits.history_samples,
            bytes: limits.history_bytes,
            age_ms: millis(limits.history_window_secs),
        };
        Self {
            ring: Ring::new(new_epoch(), bounds),
            agents: Agents::new(
                bounds,
                TierBounds {
                    keep_secs: [limits.history_tier10_secs, limits.history_tier60_secs],
                    bytes: limits.history_tiers_bytes,
                },
                usize::try_from(limits.collector_agents).unwrap_or(usize::MAX),
                usize::try_from(limits.collector_metrics_per_agent).unwrap_or(usize::MAX),
            ),
            alerts: Alerts::new(rules),
            marks: Marks::new(usize::try_from(limits.history_marks).unwrap_or(usize::MAX)),
            ping: (0, Bytes::new()),
            is_closed: false,
        }
    }

    /// Where a client is that has everything.
    fn newest(&self) -> Place {
        Place { seq: self.ring.published(), n_pings: self.ping.0 }
    }

    fn announce(&mut self, change: &AgentChange) {
        self.ring.push(change.at_ms, Some(EVENT_AGENT), &event::json(change));
    }

    fn mark(&mut self, mark: Mark, now_ms: i64) {
        self.ring.push(now_ms, Some(EVENT_MARK), &event::json(&mark));
        self.marks.push(mark);
    }

    /// Time passes for agents that are beyond a bound. Who is unknown by now has been gone.
    fn pass_alerts(&mut self, now_ms: i64) -> Vec<AlertChange> {
        let mut changes = Vec::new();
        let mut colors = self.alerts.agents();
        colors.sort_unstable();
        for color in colors {
            match self.agents.agent(&color).map(|agent| agent.life.state()) {
                Some(AgentState::Joined) => self.alerts.pass(&color, now_ms, &mut changes),
                Some(AgentState::Stale) => {}
                Some(AgentState::Gone) | None => self.alerts.forget(&color, now_ms, &mut changes),
            }
        }
        self.tell(&changes);
        changes
    }

    /// Puts alerts and their marks into the feed.
    fn tell(&mut self, changes: &[AlertChange]) {
        for change in changes {
            self.ring.push(change.at_ms, Some(EVENT_ALERT), &event::json(change));
            self.mark(alerts::mark(change), change.at_ms);
        }
    }
}

/// What a client gets next.
#[derive(Debug)]
pub(super) enum Next {
    Events(Bytes, Place),
    Lost,
    Wait,
    Closed,
}

fn millis(secs: u64) -> i64 {
    i64::try_from(secs).unwrap_or(i64::MAX / 1_000).saturating_mul(1_000)
}

#[cfg(test)]
mod tests;
