//! What a person does on the metrics view, and the readings that it then needs from the relay.

use leptos::prelude::{GetUntracked, Set, Update};
use wasm_bindgen_futures::spawn_local;

use super::Control;
use crate::chart::legend::Pick;
use crate::chart::pointer::ChartAct;
use crate::chart::timeline::Now;
use crate::state::metrics_query::{FixedRange, MetricsQuery};
use crate::state::past::{APPENDED_MAX, envelope};
use crate::state::refusals::Refusals;
use crate::state::route::View;
use crate::state::stream::StreamState;
use crate::state::viewport::{Coverage, Viewport, WINDOW_MS_MAX};
use crate::transport::{history, now_ms, page_events};

/// An edge so near to the present, in milliseconds, is the present: the charts are as much behind it.
const LIVE_WITHIN_MS: f64 = 2_500.0;
/// More of the past is fetched than is shown, on either side, as a part of the window: panning then need not wait.
const PAST_MARGIN: f64 = 0.25;
/// A relay that did not answer is asked again after so long, in milliseconds.
const RETRY_AFTER_MS: i64 = 5_000;
/// What was refused is asked for this often, in milliseconds: soon enough for who has just started an agent.
const REFUSALS_EVERY_MS: i64 = 3_000;
/// Pixels that a chart is taken to have, at least and at most; two points for each must fit a series of the store.
const WIDTH_PX: (f64, f64) = (300.0, 1_400.0);

impl Control {
    /// Shows so many seconds on the charts, up to where they end now.
    pub fn show_window(&self, secs: u32) {
        self.inner.window_before_zoom.set(None);
        self.stores.window_secs.set(f64::from(secs));
    }

    /// Carries out what a person wants of the charts; `now` is what they show.
    pub fn chart_act(&self, act: ChartAct, now: Option<Now>) {
        let cursor = &self.stores.cursor;
        let changed = |change: &dyn Fn(&mut crate::state::time_cursor::TimeCursor)| {
            let mut new = cursor.peek(|cursor| *cursor);
            change(&mut new);
            cursor.set(new);
        };
        match act {
            ChartAct::Hover(at) => changed(&|cursor| cursor.hover(at.map(whole))),
            ChartAct::Move(at) => changed(&|cursor| cursor.move_to(whole(at))),
            ChartAct::ToggleLock(at) => changed(&|cursor| {
                cursor.toggle_lock(whole(at), |at_ms| now.is_none_or(|now| now.view.holds(at_ms)));
            }),
            ChartAct::Lock(at) => changed(&|cursor| match at {
                Some(at_ms) => cursor.lock(at_ms),
                None => cursor.unlock(),
            }),
            ChartAct::Unlock => changed(&|cursor| {
                cursor.unlock();
                cursor.hover(None);
            }),
            ChartAct::Live => self.live(),
            ChartAct::TogglePause => match now {
                Some(now) if now.is_live => self.pause(now.view.end_ms),
                _ => self.resume(),
            },
            ChartAct::Show(view) => self.show(view),
        }
    }

    /// Back to the present, and to the window that was left by zooming.
    fn live(&self) {
        if let Some(secs) = self.inner.window_before_zoom.take() {
            self.stores.window_secs.set(secs);
        }
        self.resume();
    }

    fn show(&self, view: Viewport) {
        let present_ms = self.stores.series.relay_now_ms();
        // Thousandths of a second are as exact as anybody can see, and as the address tells.
        let (old, new) = (self.stores.window_secs.get_untracked(), (view.window_ms.round() / 1e3).max(1e-3));
        if old.to_bits() != new.to_bits() {
            let before = self.inner.window_before_zoom.get().unwrap_or(old);
            self.inner.window_before_zoom.set(Some(before));
            self.stores.window_secs.set(new);
        }
        if present_ms - LIVE_WITHIN_MS <= view.end_ms {
            self.resume();
        } else {
            self.pause(view.end_ms.max(present_ms - WINDOW_MS_MAX));
        }
    }

    fn pause(&self, end_ms: f64) {
        if self.stores.cursor.peek(|cursor| cursor.is_live()) {
            self.stores.n_samples_at_pause.set(self.stores.agents.peek(|agents| agents.n_samples));
        }
        self.stores.cursor.update(|cursor| cursor.pause(whole(end_ms)));
    }

    fn resume(&self) {
        if !self.stores.cursor.peek(|cursor| cursor.is_live()) {
            self.stores.cursor.update(|cursor| cursor.resume());
        }
    }

    /// Carries out what a person wants of a line.
    pub fn pick(&self, pick: Pick) {
        self.stores.choice.update(|choice| match pick {
            Pick::Solo(name) => choice.solo(&name),
            Pick::Toggle(name) => choice.toggle(&name),
        });
    }

    /// Fixes the range of a chart's values, or lets it follow the data.
    pub fn set_range(&self, metric: &str, range: Option<FixedRange>) {
        self.stores.ranges.update(|ranges| match range {
            Some(range) => {
                ranges.insert(metric.to_owned(), range);
            }
            None => {
                ranges.remove(metric);
            }
        });
    }

    /// How the metrics view is set now.
    #[must_use]
    pub fn metrics_query(&self) -> MetricsQuery {
        MetricsQuery {
            window_secs: self.stores.window_secs.get_untracked(),
            cursor: self.stores.cursor.peek(|cursor| *cursor),
            choice: self.stores.choice.get_untracked(),
            ranges: self.stores.ranges.get_untracked(),
        }
    }

    /// Sets the metrics view as an address tells it.
    pub fn apply_metrics_query(&self, new: &MetricsQuery) {
        let old = self.metrics_query();
        if old.window_secs.to_bits() != new.window_secs.to_bits() {
            self.stores.window_secs.set(new.window_secs);
        }
        let (at, paused) = (new.cursor.locked_ms(), new.cursor.paused_at_ms());
        if (old.cursor.locked_ms(), old.cursor.paused_at_ms()) != (at, paused) {
            self.stores.cursor.update(|cursor| *cursor = new.cursor);
        }
        if old.choice != new.choice {
            self.stores.choice.set(new.choice.clone());
        }
        if old.ranges != new.ranges {
            self.stores.ranges.set(new.ranges.clone());
        }
    }

    /// Writes into the address how the metrics view is set.
    pub fn write_metrics_query(&self) {
        if self.stores.view.get_untracked() != View::Metrics {
            return;
        }
        let pairs = self.metrics_query().write(&self.stores.query.get_untracked());
        for (key, value) in pairs {
            self.set_query(&key, value);
        }
    }

    /// Asks the relay for its rules and marks; a relay that has none leaves them as they are.
    pub(super) fn fetch_alerts(&self) {
        let Some(relay) = self.inner.relay.borrow().clone() else { return };
        let this = self.clone();
        spawn_local(async move {
            match history::rules(&relay).await {
                Ok(rules) => this.stores.alerts.update(|alerts| alerts.apply_rules(rules)),
                Err(error) => leptos::logging::warn!("the alert rules could not be had: {error}"),
            }
            match history::marks(&relay).await {
                Ok(told) => this.stores.marks.update(|marks| marks.apply_all(told)),
                Err(error) => leptos::logging::warn!("the marks could not be had: {error}"),
            }
        });
    }

    /// Sees to it that the part of time that is shown is held; to be called a few times a second.
    pub(super) fn look_after_past(&self, now_ms: i64) {
        let is_asked =
            self.stores.view.get_untracked() == View::Metrics && self.inner.relay.borrow().is_some();
        let Some(recent_from_ms) = self.recent_from_ms().filter(|_| is_asked) else { return };
        let view = self.viewport();
        let step_secs = view.step_secs(width_px());
        let mut state = self.stores.past_state.peek(Clone::clone);
        let n_agents = self.stores.past.with(|store| store.agents().count() as u64).unwrap_or(0);
        if APPENDED_MAX * n_agents.max(1) < self.inner.n_past_appended.get()
            && state.held.is_some_and(|held| held.to_ms.is_none())
        {
            state.held = None;
        }
        let must_ask =
            state.decide(&view, recent_from_ms, step_secs) && self.inner.past_again_at_ms.get() <= now_ms;
        state.is_loading |= must_ask;
        self.stores.past_state.set(state);
        if must_ask {
            self.fetch_past(view, step_secs);
        }
    }

    /// Asks now and then what the collector refused, while somebody looks; to be called a few times a second.
    pub(super) fn look_after_refusals(&self, now_ms: i64) {
        let is_asked = self.stores.view.get_untracked() == View::Metrics
            && self.stores.feed.peek(StreamState::is_connected)
            && !page_events::is_hidden()
            && self.inner.refusals_at_ms.get() <= now_ms;
        let Some(relay) = self.inner.relay.borrow().clone().filter(|_| is_asked) else { return };
        self.inner.refusals_at_ms.set(now_ms + REFUSALS_EVERY_MS);
        let refusals = self.stores.refusals.clone();
        spawn_local(async move {
            // A relay that does not answer now is asked again; what it said stays.
            if let Ok(info) = history::info(&relay).await {
                refusals.set(Refusals::read(&info.collector));
            }
        });
    }

    fn fetch_past(&self, view: Viewport, step_secs: u32) {
        let Some(relay) = self.inner.relay.borrow().clone() else { return };
        let is_live = self.stores.cursor.peek(|cursor| cursor.is_live());
        let margin_ms = (view.window_ms * PAST_MARGIN).min(WINDOW_MS_MAX - view.window_ms).max(0.0);
        let present_ms = self.stores.series.relay_now_ms();
        let until_ms = (!is_live && view.end_ms + margin_ms < present_ms).then_some(view.end_ms + margin_ms);
        let from_ms = view.start_ms() - margin_ms;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "one second to a week")]
        let window_secs =
            ((until_ms.unwrap_or(present_ms) - from_ms) / 1e3).ceil().clamp(1.0, WINDOW_MS_MAX / 1e3) as u32;
        let this = self.clone();
        spawn_local(async move {
            let answer = history::metrics_in_steps(&relay, window_secs, step_secs, until_ms.map(whole)).await;
            match answer {
                Ok(history) => {
                    this.stores.agents.update(|agents| agents.apply_past(&history, now_ms()));
                    let held = Coverage { from_ms, to_ms: until_ms, step_secs };
                    // What was held is of another part, or of other steps.
                    this.stores.past.update(crate::chart::store::SeriesStore::clear);
                    this.stores.past.load_history(&envelope(history));
                    this.inner.n_past_appended.set(0);
                    this.stores.past_state.update(|past| {
                        (past.held, past.is_loading, past.failure) = (Some(held), false, None);
                    });
                }
                Err(error) => {
                    leptos::logging::warn!("the charts' history could not be had: {error}");
                    this.inner.past_again_at_ms.set(now_ms() + RETRY_AFTER_MS);
                    this.stores.past_state.update(|past| {
                        (past.is_loading, past.failure) = (false, Some(error.to_string()));
                    });
                }
            }
        });
    }

    /// The part of time that is shown, near enough.
    fn viewport(&self) -> Viewport {
        let window_ms = self.stores.window_secs.get_untracked() * 1e3;
        let paused = self.stores.cursor.peek(|cursor| cursor.paused_at_ms());
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of this age are far below 2^53")]
        let end_ms =
            paused.map_or_else(|| self.stores.series.relay_now_ms() - LIVE_WITHIN_MS / 2.0, |ms| ms as f64);
        Viewport { window_ms, end_ms }
    }

    /// Milliseconds from the charts' left edge to the present.
    pub(super) fn ms_in_view(&self) -> i64 {
        whole(self.stores.series.relay_now_ms() - self.viewport().start_ms())
    }

    /// Whether a moment lies between the charts' left edge and the present.
    #[must_use]
    pub fn is_in_reach(&self, at_ms: i64) -> bool {
        whole(self.viewport().start_ms()) <= at_ms
    }

    /// Since when every sample is held as it came; none before the first history.
    fn recent_from_ms(&self) -> Option<f64> {
        let (fetched_ms, _) = self.inner.recent_ms.get()?;
        let evicted = self.stores.series.with(|store| {
            let series = store.agents().flat_map(|(_, agent)| agent.metrics().map(|(_, series)| series));
            let first_ms = |series: &crate::chart::series::Series| {
                let points = series.points();
                (0 < series.n_evicted() && !points.is_empty()).then(|| points.timestamp_ms(points.first()))
            };
            series.filter_map(first_ms).fold(f64::NEG_INFINITY, f64::max)
        });
        Some(fetched_ms.max(evicted.unwrap_or(f64::NEG_INFINITY)))
    }

    /// A sample has come: the past goes on with it when it reaches to the present.
    pub(super) fn past_sample(&self, sample: &signalbox_shared::Sample) {
        let is_open = self
            .stores
            .past_state
            .peek(|past| past.is_shown && past.held.is_some_and(|held| held.to_ms.is_none()));
        if is_open {
            self.stores.past.push(sample);
            self.inner.n_past_appended.set(self.inner.n_past_appended.get() + 1);
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "saturates, and moments are bounded")]
fn whole(ms: f64) -> i64 {
    ms.round() as i64
}

/// Device pixels of a chart, near enough.
fn width_px() -> f64 {
    let window = leptos::prelude::window();
    let css_px = window.inner_width().ok().and_then(|width| width.as_f64()).unwrap_or(1_000.0);
    (css_px.min(900.0) * window.device_pixel_ratio()).clamp(WIDTH_PX.0, WIDTH_PX.1)
}
