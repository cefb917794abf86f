//! Batches of a tail for the WebSocket: at most one in 16 ms, and none before the one before it was taken.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use parking_lot::Mutex;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::Source;
use super::ring::{Cursor, Deliver, Taken};
use super::view::View;
use crate::filter::Filter;
use crate::outlet::{self, Outlet};

/// A browser's frame: more often nobody could see it.
pub(super) const BATCH_INTERVAL: Duration = Duration::from_millis(16);
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

/// How the batches of a tap can go out without its task.
pub(crate) struct Direct {
    pub(crate) outlet: Outlet,
    /// Is told of each batch that did.
    pub(crate) on_sent: Box<dyn Fn(&TailBatch) + Send + Sync>,
}

/// The batches of a source. Those of a tap come here only when they cannot go out directly, where there is a way.
pub(crate) fn batches(
    source: Source,
    view: View,
    filter: FilterSlot,
    direct: Option<Direct>,
) -> impl Stream<Item = TailBatch> + Send {
    let batcher = Batcher::new(view, filter);
    match source {
        Source::Tap(cursor) => {
            let tap = Watching(Tap::new(cursor, batcher, direct));
            stream::unfold(tap, |tap| async move { Some((tap.0.next().await, tap)) }).left_stream()
        }
        Source::Consume(..) => {
            let state = (source, batcher);
            stream::unfold(state, |(mut source, mut batcher)| async move {
                Some((consume(&mut source, &mut batcher).await, (source, batcher)))
            })
            .right_stream()
        }
    }
}

/// Makes batches of what comes.
struct Batcher {
    view: View,
    filter: FilterSlot,
    rhythm: Rhythm,
}

#[derive(Clone, Copy)]
struct Rhythm {
    not_before: Instant,
    /// When a batch was last given, and how many messages were kept back since.
    told_at: Instant,
    n_untold: u64,
}

impl Batcher {
    fn new(view: View, filter: FilterSlot) -> Self {
        let now = Instant::now();
        Self { view, filter, rhythm: Rhythm { not_before: now, told_at: now, n_untold: 0 } }
    }

    /// Makes a batch, unless there is too little to tell.
    fn batch(&mut self, taken: &Taken) -> Option<TailBatch> {
        let (now, rhythm) = (Instant::now(), &mut self.rhythm);
        rhythm.go_on(taken.came_at().unwrap_or(now));
        let filter = self.filter.load();
        let shown = self.view.show(taken, filter.as_deref(), now.duration_since(rhythm.told_at));
        rhythm.n_untold += shown.n_filtered;
        let is_due = rhythm.due().is_some_and(|due| due <= now);
        if shown.messages.is_empty() && shown.n_skipped == 0 && !is_due {
            return None;
        }
        rhythm.told_at = now;
        Some(TailBatch {
            json: self.view.json(&shown),
            n_shown: shown.messages.len() as u64,
            n_skipped: shown.n_skipped,
            n_filtered: std::mem::take(&mut rhythm.n_untold),
            cut: shown.cut(),
        })
    }
}

impl Rhythm {
    /// Sets when the next batch may go out: a frame after this one was due, and after its newest message came. When it
    /// was written does not count. Of a crowd many are written to late, and who was late this time must not have to wait
    /// for the clock the next time.
    fn go_on(&mut self, came_at: Instant) {
        self.not_before = self.not_before.max(came_at) + BATCH_INTERVAL;
    }

    /// When accounts are due though nothing may come.
    fn due(&self) -> Option<Instant> {
        (0 < self.n_untold).then(|| self.told_at + ACCOUNTS_INTERVAL)
    }
}

async fn consume(source: &mut Source, batcher: &mut Batcher) -> TailBatch {
    loop {
        let take = async {
            sleep_until(batcher.rhythm.not_before).await;
            source.next().await
        };
        let taken = in_time(batcher.rhythm.due(), take).await.unwrap_or_default();
        if let Some(batch) = batcher.batch(&taken) {
            return batch;
        }
    }
}

/// What `wait` gives; nothing when it is `due` before that.
async fn in_time<T>(due: Option<Instant>, wait: impl Future<Output = T>) -> Option<T> {
    match due {
        Some(due) => timeout_at(due, wait).await.ok(),
        None => Some(wait.await),
    }
}

/// A tap of a channel. Its batches are made by its task, or, directly, by the one who reads the channel for all.
struct Tap {
    cursor: Cursor,
    state: Mutex<TapState>,
    direct: Option<Direct>,
}

struct TapState {
    batcher: Batcher,
    has_ended: bool,
}

/// The task's part of a tap: when it is dropped, nothing goes out any more.
struct Watching(Arc<Tap>);

impl Tap {
    fn new(cursor: Cursor, batcher: Batcher, direct: Option<Direct>) -> Arc<Self> {
        let state = Mutex::new(TapState { batcher, has_ended: false });
        let tap = Arc::new(Self { cursor, state, direct });
        if tap.direct.is_some() {
            let this: Arc<dyn Deliver> = Arc::<Self>::clone(&tap);
            tap.cursor.deliver_to(Arc::downgrade(&this));
        }
        tap
    }

    async fn next(&self) -> TailBatch {
        loop {
            let rhythm = self.state.lock().batcher.rhythm;
            // In this order, so that a tail at fewer messages than batches never wakes for the clock.
            let wait = async {
                self.cursor.ready().await;
                sleep_until(rhythm.not_before).await;
            };
            in_time(rhythm.due(), wait).await;
            if let Some(batch) = self.take() {
                return batch;
            }
        }
    }

    fn take(&self) -> Option<TailBatch> {
        let batcher = &mut self.state.lock().batcher;
        let taken = self.cursor.look();
        self.cursor.take(&taken);
        let batch = batcher.batch(&taken)?;
        if let Some(direct) = &self.direct {
            // Nothing may overtake it.
            direct.outlet.hold();
        }
        Some(batch)
    }
}

impl Deliver for Tap {
    fn deliver(&self) -> bool {
        let Some(Direct { outlet, on_sent }) = &self.direct else { return false };
        if outlet.is_held() {
            return false;
        }
        let TapState { batcher, has_ended } = &mut *self.state.lock();
        if *has_ended || Instant::now() < batcher.rhythm.not_before {
            return false;
        }
        let taken = self.cursor.look();
        let before = (batcher.view.accounts(), batcher.rhythm);
        if let Some(mut batch) = batcher.batch(&taken)
            && batch.cut.is_empty()
            && outlet.send(&outlet::text_frame(std::mem::take(&mut batch.json).into()))
        {
            self.cursor.take(&taken);
            on_sent(&batch);
            return true;
        }
        // As if nothing had been: the task does it.
        batcher.view.go_back(before.0);
        batcher.rhythm = before.1;
        false
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.state.lock().has_ended = true;
    }
}
