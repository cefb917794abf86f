//! Puts back what an earlier run of the relay has saved: marks, buckets, then the feed, from which the samples come.

use signalbox_shared::feed::{AgentChange, AlertChange, EVENT_AGENT, EVENT_ALERT, Mark};
use signalbox_shared::{EventId, Sample};

use super::history::Inner;
use super::ring::Saved;
use super::store::Restore;
use super::tier::Bucket;

/// A history on its way back.
pub(super) struct Restorer {
    inner: Inner,
    has_begun: bool,
    /// When the oldest event came that was found, unless it is the first one there ever was.
    first_at_ms: Option<i64>,
}

impl Restorer {
    /// Into an empty one.
    pub(super) fn new(inner: Inner) -> Self {
        Self { inner, has_begun: false, first_at_ms: None }
    }

    /// The history, which begins a new epoch behind what was found.
    pub(super) fn finish(mut self, now_ms: i64) -> Inner {
        self.inner.agents.restore_samples(false, self.first_at_ms);
        self.inner.ring.publish(now_ms);
        self.inner.ring.save_from_here(now_ms);
        self.inner
    }

    fn event(&mut self, text: &str, at_ms: i64) -> Option<()> {
        let mut lines = text.lines();
        let id: EventId = lines.next()?.strip_prefix("id: ")?.parse().ok()?;
        let line = lines.next()?;
        if let Some(data) = line.strip_prefix("data: ") {
            let sample = Sample::from_json(data.as_bytes()).ok()?;
            let admitted = self.inner.agents.admit(&sample.color, at_ms)?;
            self.inner.agents.record(admitted, &sample, id.seq, at_ms);
            return Some(());
        }
        let data = lines.next()?.strip_prefix("data: ")?;
        match line.strip_prefix("event: ")? {
            EVENT_AGENT => self.inner.agents.restore_life(&serde_json::from_str::<AgentChange>(data).ok()?),
            EVENT_ALERT => self.inner.alerts.restore(&serde_json::from_str::<AlertChange>(data).ok()?),
            // Marks have a log of their own, which keeps them longer.
            _ => {}
        }
        Some(())
    }
}

impl Restore for Restorer {
    fn mark(&mut self, mark: Mark) {
        self.inner.marks.push(mark);
    }

    fn bucket(&mut self, tier: usize, color: String, bucket: Bucket) {
        self.inner.agents.restore_bucket(tier, &color, bucket);
    }

    fn feed(&mut self, saved: Saved) {
        if !self.inner.ring.restore(&saved) {
            return;
        }
        self.inner.agents.restore_samples(true, None);
        if !std::mem::replace(&mut self.has_begun, true) && 1 < saved.first_seq {
            self.first_at_ms = Some(saved.at_ms);
        }
        let text = String::from_utf8_lossy(&saved.bytes);
        for event in text.split_terminator("\n\n") {
            // What cannot be read any more stays in the feed as it is.
            let _ = self.event(event, saved.at_ms);
        }
    }
}
