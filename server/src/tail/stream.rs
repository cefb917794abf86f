//! Batches of a tail for the WebSocket: at most one in 16 ms, and none before the one before it was taken.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use futures_util::{Stream, stream};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::Source;
use super::ring::Taken;
use super::view::View;
use crate::filter::Filter;

/// A browser's frame: more often nobody could see it.
const BATCH_INTERVAL: Duration = Duration::from_millis(16);
/// How late accounts may be told when nothing is shown beside them: the filter keeps everything back.
const ACCOUNTS_INTERVAL: Duration = Duration::from_millis(250);

/// The filter of a tail, which its watcher may change at any time.
pub(crate) type FilterSlot = Arc<ArcSwapOption<Filter>>;

/// One batch on its way to a page.
pub(crate) struct TailBatch {
    /// The `tail` message in JSON.
    pub(crate) json: String,
    /// How many messages this batch shows, skips and keeps back.
    pub(crate) n_shown: u64,
    /// See `n_shown`.
    pub(crate) n_skipped: u64,
    /// See `n_shown`.
    pub(crate) n_filtered: u64,
    /// The wholes of payloads that were cut, with their numbers.
    pub(crate) cut: Vec<(u64, Bytes)>,
}

/// The batches of a source.
pub(crate) fn batches(
    source: Source,
    view: View,
    filter: FilterSlot,
) -> impl Stream<Item = TailBatch> + Send {
    let now = Instant::now();
    let tail = Tail { source, view, filter, not_before: now, told_at: now, n_untold: 0 };
    stream::unfold(tail, |mut tail| async move { Some((tail.next().await, tail)) })
}

struct Tail {
    source: Source,
    view: View,
    filter: FilterSlot,
    not_before: Instant,
    /// When a batch was last given, and how many messages were kept back since.
    told_at: Instant,
    n_untold: u64,
}

impl Tail {
    async fn next(&mut self) -> TailBatch {
        loop {
            let Self { source, not_before, .. } = self;
            // In this order, so that a tail at fewer messages than batches never wakes for the clock.
            let take = async {
                source.ready().await;
                sleep_until(*not_before).await;
                source.next().await
            };
            let taken = if self.n_untold == 0 {
                take.await
            } else {
                let due = self.told_at + ACCOUNTS_INTERVAL;
                timeout_at(due, take).await.unwrap_or_else(|_| Taken::default())
            };
            let now = Instant::now();
            self.not_before = now + BATCH_INTERVAL;
            let filter = self.filter.load();
            let shown = self.view.show(&taken, filter.as_deref());
            self.n_untold += shown.n_filtered;
            let is_due = self.told_at + ACCOUNTS_INTERVAL <= now;
            if shown.messages.is_empty() && shown.n_skipped == 0 && !is_due {
                continue;
            }
            self.told_at = now;
            return TailBatch {
                json: self.view.json(&shown),
                n_shown: shown.messages.len() as u64,
                n_skipped: shown.n_skipped,
                n_filtered: std::mem::take(&mut self.n_untold),
                cut: shown.cut(),
            };
        }
    }
}
