//! Which part of time the charts show now: the same for all of them, so that one moment stands at one place.
//!
//! Live, the right edge follows the relay's clock ([`super::clock`]); paused, it stands; and on resuming it glides from
//! the one to the other instead of jumping.

use leptos::prelude::*;

use super::beat::steady_ms;
use super::clock::{EdgeClock, delay_ms};
use super::observers::is_motion_reduced;
use super::store_handle::StoreHandle;
use crate::state::viewport::Viewport;

/// How long the way back to the present takes, in milliseconds: the eye follows, and nobody waits.
const RESUME_MS: f64 = 400.0;
/// The usual interval of the samples is looked up this often, in milliseconds: it hardly changes.
const INTERVAL_GAP_MS: f64 = 1_000.0;

/// What the charts show at a moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Now {
    /// The part of time.
    pub view: Viewport,
    /// Whether the edge follows the clock.
    pub is_live: bool,
    /// Whether the edge is on its way back to the present.
    pub is_gliding: bool,
    /// Usual milliseconds between samples.
    pub interval_ms: Option<f64>,
}

/// The charts' common time. Copies are handles to the same one.
#[derive(Clone, Copy)]
pub struct Timeline {
    store: StoreHandle,
    window_secs: Signal<f64>,
    paused_at_ms: Signal<Option<i64>>,
    /// The same for who watches: told only when it is another one, not with each move of the cursor.
    pause: Memo<Option<i64>>,
    state: StoredValue<State, LocalStorage>,
}

#[derive(Default)]
struct State {
    clock: EdgeClock,
    /// Where the edge stood when the pause ended, and when that was, on the steady clock.
    glide: Option<(f64, f64)>,
    was_paused_at: Option<f64>,
    interval: Option<(f64, Option<f64>)>,
}

impl Timeline {
    /// A timeline that shows `window_secs` seconds up to the present of `store`, or up to where it is paused.
    #[must_use]
    pub fn new(store: StoreHandle, window_secs: Signal<f64>, paused_at_ms: Signal<Option<i64>>) -> Self {
        let pause = Memo::new(move |_| paused_at_ms.get());
        Self { store, window_secs, paused_at_ms, pause, state: StoredValue::new_local(State::default()) }
    }

    /// Depends on what moves the charts otherwise than with time.
    pub fn track(&self) {
        self.window_secs.track();
        // Read, not only tracked: a memo that nobody reads learns of no change.
        let _ = self.pause.get();
    }

    /// What is shown now; none after the timeline's owner is gone.
    #[must_use]
    pub fn now(&self) -> Option<Now> {
        let window_ms = self.window_secs.try_get_untracked()?.max(1e-3) * 1e3;
        let paused_at = self.paused_at_ms.try_get_untracked()?.map(|ms| ms as f64);
        let steady = steady_ms();
        let relay_now_ms = self.store.relay_now_ms();
        self.state.try_update_value(|state| {
            let interval_ms = state.interval_ms(steady, &self.store);
            let live_ms = state.clock.edge_ms(steady, relay_now_ms - delay_ms(interval_ms));
            let (end_ms, is_gliding) = state.edge(paused_at, live_ms, window_ms, steady);
            let view = Viewport { window_ms, end_ms };
            Now { view, is_live: paused_at.is_none(), is_gliding, interval_ms }
        })
    }
}

impl State {
    fn edge(&mut self, paused_at: Option<f64>, live_ms: f64, window_ms: f64, steady: f64) -> (f64, bool) {
        if let Some(paused_at) = paused_at {
            self.was_paused_at = Some(paused_at);
            self.glide = None;
            return (paused_at, false);
        }
        if let Some(from_ms) = self.was_paused_at.take() {
            // From far away the last window is enough: more would only flicker by.
            let from_ms = from_ms.clamp(live_ms - window_ms, live_ms + window_ms);
            self.glide = (!is_motion_reduced()).then_some((from_ms, steady));
        }
        let Some((from_ms, began)) = self.glide else { return (live_ms, false) };
        let part = (steady - began) / RESUME_MS;
        if 1.0 <= part {
            self.glide = None;
            return (live_ms, false);
        }
        let eased = 1.0 - (1.0 - part).powi(3);
        (from_ms + (live_ms - from_ms) * eased, true)
    }

    fn interval_ms(&mut self, steady: f64, store: &StoreHandle) -> Option<f64> {
        if let Some((at, interval_ms)) = self.interval
            && steady - at < INTERVAL_GAP_MS
        {
            return interval_ms;
        }
        let intervals = store.with(|store| {
            let first_of = |agent: &super::store::Agent| agent.metrics().find_map(|(_, s)| s.interval_ms());
            store.agents().filter_map(|(_, agent)| first_of(agent)).collect::<Vec<_>>()
        });
        let interval_ms = median(intervals.unwrap_or_default());
        self.interval = Some((steady, interval_ms));
        interval_ms
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
