//! The collector's accounts: what it took, what it refused and why, with the last one of each reason for the page.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use parking_lot::Mutex;
use signalbox_shared::SampleError;
use signalbox_shared::api::{CollectorInfo, Refused};

use super::history::{History, Pushed};
use crate::clock::now_ms;

/// Label of samples refused because there was no room for one more agent.
pub const TOO_MANY_AGENTS: &str = "too_many_agents";
/// How much of a refused message is kept, in bytes: enough to see whose it is.
const EXCERPT_BYTES_MAX: usize = 240;
/// Shortest time between two lines in the log about the same reason, in milliseconds.
const LOG_EVERY_MS: i64 = 10_000;

/// What the collector took and refused since it started.
#[derive(Debug)]
pub struct CollectorStats {
    history: Arc<History>,
    accepted: AtomicU64,
    metrics_left_out: AtomicU64,
    other_published: AtomicU64,
    other_dropped: AtomicU64,
    refused: Mutex<BTreeMap<&'static str, Reason>>,
}

#[derive(Debug, Default)]
struct Reason {
    refused: Refused,
    logged_at_ms: Option<i64>,
}

impl CollectorStats {
    /// Nothing yet.
    #[must_use]
    pub fn new(history: Arc<History>) -> Self {
        Self {
            history,
            accepted: AtomicU64::new(0),
            metrics_left_out: AtomicU64::new(0),
            other_published: AtomicU64::new(0),
            other_dropped: AtomicU64::new(0),
            refused: Mutex::default(),
        }
    }

    /// The accounts so far.
    #[must_use]
    pub fn info(&self) -> CollectorInfo {
        let refused = self.refused.lock();
        CollectorInfo {
            accepted: self.accepted.load(Relaxed),
            refused: refused
                .iter()
                .map(|(reason, kept)| ((*reason).to_owned(), kept.refused.clone()))
                .collect(),
            metrics_left_out: self.metrics_left_out.load(Relaxed),
            other_published: self.other_published.load(Relaxed),
            other_dropped: self.other_dropped.load(Relaxed),
            feed: self.history.feed_info(),
        }
    }

    pub(super) fn count(&self, pushed: &Pushed, agents_max: u64) {
        self.accepted.fetch_add(pushed.n_accepted, Relaxed);
        self.metrics_left_out.fetch_add(pushed.n_metrics_left_out, Relaxed);
        for color in &pushed.refused {
            let error = format!("as many agents as collector_agents allows ({agents_max}) are known");
            self.refuse(TOO_MANY_AGENTS, error, color.as_bytes());
        }
    }

    pub(super) fn refuse_sample(&self, error: &SampleError, message: &[u8]) {
        self.refuse(error.reason(), error.to_string(), message);
    }

    pub(super) fn count_other(&self, is_published: bool) {
        let counter = if is_published { &self.other_published } else { &self.other_dropped };
        counter.fetch_add(1, Relaxed);
    }

    fn refuse(&self, reason: &'static str, error: String, message: &[u8]) {
        let now_ms = now_ms();
        let excerpt = String::from_utf8_lossy(&message[..message.len().min(EXCERPT_BYTES_MAX)]).into_owned();
        let mut refused = self.refused.lock();
        let kept = refused.entry(reason).or_default();
        kept.refused = Refused {
            count: kept.refused.count + 1,
            last_error: error,
            last_excerpt: excerpt,
            last_at_ms: now_ms,
        };
        if kept.logged_at_ms.is_some_and(|at_ms| now_ms - at_ms < LOG_EVERY_MS) {
            return;
        }
        kept.logged_at_ms = Some(now_ms);
        let Refused { count, last_error, .. } = kept.refused.clone();
        drop(refused);
        tracing::warn!(reason, count, "sample refused ({count} so far for this reason): {last_error}");
    }
}
