//! The collector's accounts: what it took, what it refused and why, with the last one of each reason for the page.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use parking_lot::Mutex;
use signalbox_shared::SampleError;
use signalbox_shared::api::{CollectorInfo, Refused};

use super::history::{History, Pushed};
use super::marks::MarkError;
use crate::clock::now_ms;

/// Label of samples refused because there was no room for one more agent.
pub const TOO_MANY_AGENTS: &str = "too_many_agents";
/// Label of messages on `/topic/marks` that the relay was too slow for.
const MARKS_LOST: &str = "lost";
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
    marks: AtomicU64,
    marks_refused: Mutex<BTreeMap<&'static str, Reason>>,
    alerts_unsaid: AtomicU64,
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
            marks: AtomicU64::new(0),
            marks_refused: Mutex::default(),
            alerts_unsaid: AtomicU64::new(0),
        }
    }

    /// The accounts so far.
    #[must_use]
    pub fn info(&self) -> CollectorInfo {
        CollectorInfo {
            accepted: self.accepted.load(Relaxed),
            refused: told(&self.refused),
            metrics_left_out: self.metrics_left_out.load(Relaxed),
            other_published: self.other_published.load(Relaxed),
            other_dropped: self.other_dropped.load(Relaxed),
            marks: self.marks.load(Relaxed),
            marks_refused: told(&self.marks_refused),
            alerts_unsaid: self.history.alerts_unsent() + self.alerts_unsaid.load(Relaxed),
            feed: self.history.feed_info(),
        }
    }

    pub(super) fn count(&self, pushed: &Pushed, agents_max: u64) {
        self.accepted.fetch_add(pushed.n_accepted, Relaxed);
        self.metrics_left_out.fetch_add(pushed.n_metrics_left_out, Relaxed);
        for color in &pushed.refused {
            let error = format!("as many agents as collector_agents allows ({agents_max}) are known");
            refuse(&self.refused, "sample", (TOO_MANY_AGENTS, 1), error, color.as_bytes());
        }
    }

    pub(super) fn refuse_sample(&self, error: &SampleError, message: &[u8]) {
        refuse(&self.refused, "sample", (error.reason(), 1), error.to_string(), message);
    }

    /// One more message on `/topic/marks` became a mark.
    pub fn count_mark(&self) {
        self.marks.fetch_add(1, Relaxed);
    }

    /// A message on `/topic/marks` was no mark.
    pub fn refuse_mark(&self, error: &MarkError, message: &[u8]) {
        refuse(&self.marks_refused, "mark", (error.reason(), 1), error.to_string(), message);
    }

    /// So many messages on `/topic/marks` never came, for the relay did not keep up.
    pub fn lose_marks(&self, n: u64) {
        let error = "more came at once than the relay could follow".to_owned();
        refuse(&self.marks_refused, "mark", (MARKS_LOST, n), error, b"");
    }

    /// So many alerts were not said where people and programs listen.
    pub fn count_unsaid(&self, n: u64) {
        self.alerts_unsaid.fetch_add(n, Relaxed);
    }

    pub(super) fn count_other(&self, is_published: bool) {
        let counter = if is_published { &self.other_published } else { &self.other_dropped };
        counter.fetch_add(1, Relaxed);
    }
}

type Reasons = Mutex<BTreeMap<&'static str, Reason>>;

fn told(reasons: &Reasons) -> BTreeMap<String, Refused> {
    reasons.lock().iter().map(|(reason, kept)| ((*reason).to_owned(), kept.refused.clone())).collect()
}

/// Counts `n` messages that were no `what`, and logs the reason now and then.
fn refuse(reasons: &Reasons, what: &str, (reason, n): (&'static str, u64), error: String, message: &[u8]) {
    let now_ms = now_ms();
    let excerpt = String::from_utf8_lossy(&message[..message.len().min(EXCERPT_BYTES_MAX)]).into_owned();
    let mut refused = reasons.lock();
    let kept = refused.entry(reason).or_default();
    kept.refused = Refused {
        count: kept.refused.count + n,
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
    tracing::warn!(reason, count, "{what} refused ({count} so far for this reason): {last_error}");
}
