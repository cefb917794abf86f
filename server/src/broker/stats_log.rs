//! The broker's statistics as a line of the log, every now and then.

use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior};

use super::router::Router;

/// When the next line is due, and what the last one counted.
#[derive(Debug)]
pub(super) struct StatsLog {
    interval: Option<Interval>,
    last: (Instant, u64, u64),
}

impl StatsLog {
    /// One line each time so much has passed, or never.
    pub(super) fn new(every: Option<Duration>) -> Self {
        let interval = every.map(|every| {
            let mut interval = tokio::time::interval_at(Instant::now() + every, every);
            interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
            interval
        });
        Self { interval, last: (Instant::now(), 0, 0) }
    }

    /// Waits until a line is due.
    ///
    /// # Cancel safety
    /// None is left out when the future is dropped.
    pub(super) async fn next(&mut self) {
        match &mut self.interval {
            Some(interval) => {
                interval.tick().await;
            }
            None => std::future::pending().await,
        }
    }

    /// Writes the line.
    pub(super) fn tell(&mut self, router: &Router) {
        let stats = router.stats();
        let (mut delivered, mut dropped, mut waiting) = (0, 0, 0);
        for row in router.channels() {
            delivered += row.out_total;
            dropped += row.dropped;
            waiting += row.depth;
        }
        let rows = router.connections();
        let slow = rows.iter().filter(|row| row.slow_since_ms.is_some()).count();
        let held = rows.iter().filter(|row| row.is_held).count();
        let (then, published_before, delivered_before) = self.last;
        self.last = (Instant::now(), stats.published, delivered);
        let seconds = then.elapsed().as_secs_f64().max(f64::EPSILON);
        // A channel that was forgotten meanwhile takes what it delivered with it.
        let per_sec = |now: u64, before: u64| now.saturating_sub(before) as f64 / seconds;
        let (in_per_sec, out_per_sec) =
            (per_sec(stats.published, published_before), per_sec(delivered, delivered_before));
        let violations: u64 =
            stats.closings.iter().filter(|(name, _)| is_violation(name)).map(|(_, n)| n).sum();
        tracing::info!(
            connections = stats.connections,
            accepted = stats.accepted,
            slow,
            held,
            violations,
            channels = stats.channels,
            published = stats.published,
            delivered,
            dropped,
            waiting,
            buffered_bytes = stats.buffered_bytes,
            inbound_bytes = stats.inbound_bytes,
            "broker: {in_per_sec:.0} messages/s in, {out_per_sec:.0} out"
        );
    }
}

fn is_violation(reason: &str) -> bool {
    super::stats::Closing::ALL.iter().any(|closing| closing.name() == reason && closing.is_violation())
}
