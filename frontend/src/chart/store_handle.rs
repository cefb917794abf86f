//! The store as the page shares it: one handle for the feed that fills it and the charts that draw it.
//!
//! However many samples arrive, the revision signal changes on a beat only, and without an animation frame: who draws
//! asks for one when there is something to draw, and until then data costs only its place in the store.

use std::time::Duration;

use leptos::prelude::*;
use signalbox_shared::feed::MetricsHistory;
use signalbox_shared::{Sample, feed::AgentState};

use super::beat::{Telling, steady_ms};
use super::store::{SeriesStore, StoreBounds};

/// The least beat of the revision, in milliseconds: a chart holds back what comes sooner than it is seen.
const BEAT_MS: f64 = 100.0;

/// A handle to the one [`SeriesStore`]; copies are handles to the same store.
///
/// Every method does nothing (and gives `None` where it gives something) after the owner in which the handle was made
/// is gone.
#[derive(Clone, Copy)]
pub struct StoreHandle {
    store: StoredValue<SeriesStore, LocalStorage>,
    relay_ahead_ms: StoredValue<Option<f64>>,
    telling: StoredValue<Telling>,
    revision: RwSignal<u64>,
}

impl StoreHandle {
    /// A handle to a new, empty store, owned by the current reactive owner (make it in the app, not in a page).
    #[must_use]
    pub fn new(bounds: StoreBounds) -> Self {
        Self {
            store: StoredValue::new_local(SeriesStore::new(bounds)),
            relay_ahead_ms: StoredValue::new(None),
            telling: StoredValue::new(Telling::every(BEAT_MS)),
            revision: RwSignal::new(0),
        }
    }

    /// Reads the store.
    pub fn with<R>(&self, read: impl FnOnce(&SeriesStore) -> R) -> Option<R> {
        self.store.try_with_value(read)
    }

    /// Changes the store; the charts learn of it on the next beat.
    pub fn update<R>(&self, change: impl FnOnce(&mut SeriesStore) -> R) -> Option<R> {
        let result = self.store.try_update_value(change);
        self.announce();
        result
    }

    /// Takes in a sample of the feed.
    pub fn push(&self, sample: &Sample) {
        self.update(|store| store.push(sample));
    }

    /// Takes in the history of the first paint, and its clock.
    pub fn load_history(&self, history: &MetricsHistory) {
        self.set_relay_now_ms(history.now_ms as f64);
        self.update(|store| store.load_history(history));
    }

    /// Notes what the relay says of an agent.
    pub fn set_state(&self, name: &str, state: AgentState) {
        self.update(|store| store.set_state(name, state));
    }

    /// Tells what the relay's clock shows now, in milliseconds since the Unix epoch (from the history, a `ping`, or any
    /// answer that carries it). Charts follow a correction smoothly.
    pub fn set_relay_now_ms(&self, relay_now_ms: f64) {
        self.relay_ahead_ms.try_update_value(|ahead_ms| *ahead_ms = Some(relay_now_ms - steady_ms()));
    }

    /// What the relay's clock shows now, in milliseconds since the Unix epoch; this machine's until it is known.
    #[must_use]
    pub fn relay_now_ms(&self) -> f64 {
        let ahead_ms = self.relay_ahead_ms.try_get_value().flatten();
        ahead_ms.map_or_else(js_sys::Date::now, |ahead_ms| ahead_ms + steady_ms())
    }

    /// Changes when the store has changed, at most once per beat.
    #[must_use]
    pub fn revision(&self) -> Signal<u64> {
        self.revision.into()
    }

    /// Tells how long the charts let new data wait, in milliseconds: so long the revision stands still.
    pub fn set_beat_ms(&self, gap_ms: f64) {
        self.telling.try_with_value(|telling| telling.set_gap_ms(gap_ms.max(BEAT_MS)));
    }

    fn announce(&self) {
        let Some(wait_ms) = self.telling.try_with_value(Telling::ask).flatten() else { return };
        let this = *self;
        let tell = move || {
            this.telling.try_with_value(Telling::told);
            if let Some(revision) = this.with(SeriesStore::revision) {
                this.revision.try_set(revision);
            }
        };
        set_timeout(tell, Duration::from_secs_f64(wait_ms / 1e3));
    }
}
