//! One drawing of a live chart: which lines, over which part of time, and what stands beside and over them.

use std::cell::{Cell, RefCell};

use leptos::prelude::*;
use wasm_bindgen::JsValue;

use super::beat::{self, steady_ms};
use super::legend::{LegendRow, legend_rows};
use super::observers::is_motion_reduced;
use super::overlay::{Over, Overlay, PIN_APART_PX, pin_text};
use super::pacer::{Next, Pace};
use super::paint::Line;
use super::palette::{Rgb, Theme, color_of, slot_of};
use super::plot::{Drawn, Frame, Placed, Plot};
use super::pointer::ChartAct;
use super::readout::Track;
use super::store::{Agent, SeriesStore};
use super::store_handle::StoreHandle;
use super::timeline::{Now, Timeline};
use super::tooltip::Tip;
use crate::chart::axis_range::ValueRange;
use crate::state::alerts::Threshold;
use crate::state::marks::Marks;
use crate::state::metrics_query::FixedRange;
use crate::state::series_choice::SeriesChoice;
use crate::state::time_cursor::TimeCursor;
use crate::state::units;

/// The picture may move on by itself for so long, in milliseconds, before it is looked after.
const MOVES_FOR_MS: f64 = 4_000.0;
/// The beat of the legend's values in milliseconds, that of the agents' table: both then change in the same frame.
const LEGEND_GAP_MS: f64 = 1_000.0;
/// The same while a pointer rests on the chart, and the picture moves on below it.
const POINTED_GAP_MS: f64 = 250.0;
/// New data waits at most this long, in milliseconds.
const DATA_GAP_MS_MAX: f64 = 250.0;
/// The beat of a picture that is moved by drawing, in milliseconds; where a column takes less than that, half of it.
const STEP_BEAT_MS: f64 = 500.0;
/// The same where points are at least so far apart, in milliseconds, a little less than a second being one: the picture
/// then moves with its points, in the frame in which the numbers of the page change, and nothing is done in between.
const SECOND_BEAT_MS: f64 = 1_000.0;
const SECOND_MS_MIN: f64 = 950.0;
/// Lines of the second store have other numbers than those of the first: one bit that no count reaches.
const PAST_BIT: u64 = 1 << 62;

/// What all charts of a page have in common. Copies are handles to the same.
#[derive(Clone, Copy)]
pub struct ChartContext {
    /// Every agent's readings as they come; also tells who has which colour.
    pub store: StoreHandle,
    /// Readings of another part of time, in steps.
    pub past: StoreHandle,
    /// Whether the charts show `past`.
    pub is_past: Signal<bool>,
    /// The part of time.
    pub timeline: Timeline,
    /// Which lines are drawn.
    pub choice: Signal<SeriesChoice>,
    /// The moment that is looked at.
    pub cursor: Signal<TimeCursor>,
    /// What happened when.
    pub marks: Signal<Marks>,
    /// Called with what a person wants.
    pub on_act: Callback<ChartAct>,
}

impl ChartContext {
    /// Where the readings on show are.
    #[must_use]
    pub fn shown(&self) -> StoreHandle {
        if self.is_past.try_get_untracked() == Some(true) { self.past } else { self.store }
    }

    /// Reads the lines that are drawn, in the order of the agents' names, each with its colour.
    pub fn with_tracks<R>(
        &self,
        metric: &str,
        theme: Theme,
        read: impl FnOnce(&mut dyn Iterator<Item = (Track<'_>, Rgb)>) -> R,
    ) -> Option<R> {
        let choice = self.choice.try_get_untracked()?;
        let slots = self.slots();
        self.shown().with(|store| {
            let mut tracks = store
                .series_of(metric)
                .filter(|(name, ..)| !choice.is_hidden(name))
                .map(|(name, _, series)| (Track { name, series }, color_of(name, slots(name), theme)));
            read(&mut tracks)
        })
    }

    /// Who has which colour: the first store knows, whichever is drawn.
    fn slots(&self) -> impl Fn(&str) -> usize + use<> {
        let store = self.store;
        move |name: &str| {
            store.with(|store| store.agent(name).map(Agent::slot)).flatten().unwrap_or_else(|| slot_of(name))
        }
    }
}

/// What a chart shows, and where it tells it.
pub struct LiveChart {
    /// What it has in common with the others.
    pub context: ChartContext,
    /// The metric's key.
    pub metric: String,
    /// A fixed range of values.
    pub fixed: Signal<Option<FixedRange>>,
    /// Bounds of the alert rules.
    pub thresholds: Signal<Vec<Threshold>>,
    /// The legend.
    pub rows: RwSignal<Vec<LegendRow>>,
    /// Legend rows that are not shown.
    pub n_more: RwSignal<usize>,
    /// What is said instead of lines.
    pub notice: RwSignal<Option<&'static str>>,
    /// What stands at the cursor.
    pub tip: RwSignal<Option<Tip>>,
}

/// What lives from one drawing to the next.
pub struct DrawState {
    /// What stands over the lines.
    pub overlay: RefCell<Overlay>,
    /// Where the pointer is, while it is on this chart.
    pub pointer: Cell<Option<f64>>,
    /// What was shown last, and where.
    pub now: Cell<Option<(Now, Placed)>>,
    legend_at_ms: Cell<Option<f64>>,
    cursor: Cell<TimeCursor>,
    chosen: RefCell<Option<(SeriesChoice, f64, bool)>>,
}

impl DrawState {
    /// Nothing drawn yet.
    #[must_use]
    pub fn new(overlay: Overlay) -> Self {
        Self {
            overlay: RefCell::new(overlay),
            pointer: Cell::default(),
            now: Cell::default(),
            legend_at_ms: Cell::default(),
            cursor: Cell::default(),
            chosen: RefCell::default(),
        }
    }
}

impl LiveChart {
    /// Draws what is new.
    pub fn draw(&self, plot: &mut Plot, state: &DrawState) -> Pace {
        self.try_draw(plot, state).unwrap_or(Pace { next: Next::WhenAsked, gap_ms: 0.0 })
    }

    /// None when the page is gone.
    fn try_draw(&self, plot: &mut Plot, state: &DrawState) -> Option<Pace> {
        let now = self.context.timeline.now()?;
        let choice = self.context.choice.try_get_untracked()?;
        let fixed = self.fixed.try_get_untracked()?;
        let is_past = self.context.is_past.try_get_untracked()?;
        let seen = Some((choice.clone(), now.view.window_ms, is_past));
        if *state.chosen.borrow() != seen {
            if state.chosen.borrow().as_ref().is_some_and(|(_, _, was_past)| *was_past != is_past) {
                plot.forget_lines();
            }
            // Who chooses what to look at wants to see it: no waiting for the axis to narrow.
            plot.hurry_range();
            state.legend_at_ms.set(None);
            state.chosen.replace(seen);
        }
        let drawn = self.context.shown().with(|store| {
            let drawn = self.draw_lines(store, plot, &choice, fixed, &now, is_past);
            self.note(store, &choice, &now);
            drawn
        })?;
        if let Some(placed) = plot.placed() {
            state.now.set(Some((now, placed)));
            self.show_cursor(plot, state, &now, &placed, &choice);
        }
        let pace = pace(drawn, &now, state.pointer.get().is_some());
        self.context.store.set_beat_ms(pace.gap_ms);
        Some(pace)
    }

    fn draw_lines(
        &self,
        store: &SeriesStore,
        plot: &mut Plot,
        choice: &SeriesChoice,
        fixed: Option<FixedRange>,
        now: &Now,
        is_past: bool,
    ) -> Drawn {
        let (theme, slots) = (plot.theme(), self.context.slots());
        let lines: Vec<Line<'_>> = store
            .series_of(&self.metric)
            .filter(|(name, ..)| !choice.is_hidden(name))
            .map(|(name, agent, series)| {
                let slot = if is_past { slots(name) } else { agent.slot() };
                let id = agent.id() | if is_past { PAST_BIT } else { 0 };
                Line { id, color: color_of(name, slot, theme), series }
            })
            .collect();
        let is_calm = is_motion_reduced();
        let moves = now.is_live && !now.is_gliding && !is_calm;
        plot.draw(&Frame {
            lines: &lines,
            window_ms: now.view.window_ms,
            edge_ms: now.view.end_ms,
            steady_ms: steady_ms(),
            utc_offset_ms: utc_offset_ms(now.view.end_ms),
            fixed: fixed.map(|(min, max)| ValueRange { min, max }),
            moves_for_ms: if moves { MOVES_FOR_MS } else { 0.0 },
            is_calm,
        })
    }

    /// What stands over the lines, the values at the cursor, and the legend.
    fn show_cursor(&self, plot: &Plot, state: &DrawState, now: &Now, placed: &Placed, choice: &SeriesChoice) {
        let steady = steady_ms();
        if let Some(place) = state.pointer.get() {
            // The picture moves on below a pointer that rests.
            self.context.on_act.run(ChartAct::Hover(Some(now.view.time_at(place))));
        }
        let Some(cursor) = self.context.cursor.try_get_untracked() else { return };
        let in_view = |at_ms: i64| now.view.holds(at_ms);
        let shown_ms = cursor.shown_ms(in_view);
        let is_locked = cursor.locked_ms().is_some_and(in_view);
        let place = state.pointer.get().or_else(|| shown_ms.map(|at_ms| now.view.place_of(at_ms as f64)));
        let place = place.filter(|_| !is_locked);
        let ms_per_css_px = placed.time.ms_per_px() * placed.layout.ratio;
        let reach_ms = now.view.window_ms;
        let apart_ms = PIN_APART_PX * ms_per_css_px;
        let pins = self.context.marks.try_with_untracked(|marks| {
            marks.pins(now.view.start_ms(), now.view.end_ms + reach_ms, apart_ms)
        });
        let gap_ms = if state.pointer.get().is_some() { POINTED_GAP_MS } else { LEGEND_GAP_MS };
        // The first lines are told at once.
        let last_ms =
            state.legend_at_ms.get().filter(|_| self.rows.try_with_untracked(Vec::is_empty) == Some(false));
        let is_due = last_ms.is_none_or(|at_ms| beat::wait_ms(at_ms, steady, gap_ms) <= 0.0);
        if is_due || state.cursor.get() != cursor {
            state.legend_at_ms.set(Some(steady));
            state.cursor.set(cursor);
            self.tell(plot.theme(), now, placed, choice, shown_ms);
        }
        let over = Over {
            thresholds: self.thresholds.try_get_untracked().unwrap_or_default(),
            pins: pins.unwrap_or_default(),
            locked_ms: cursor.locked_ms(),
            place,
        };
        state.overlay.borrow_mut().show(placed, over);
    }

    fn tell(&self, theme: Theme, now: &Now, placed: &Placed, choice: &SeriesChoice, at_ms: Option<i64>) {
        let slots = self.context.slots();
        let legend = self.context.shown().with(|store| {
            let at_ms = at_ms.map(|at_ms| at_ms as f64);
            legend_rows(
                store,
                &self.metric,
                choice,
                |name| color_of(name, slots(name), theme),
                at_ms,
                &now.view,
            )
        });
        if let Some((rows, n_more)) = legend {
            set_changed(self.rows, rows);
            set_changed(self.n_more, n_more);
        }
        let tip = at_ms.and_then(|at_ms| self.tip(theme, now, placed, at_ms));
        set_changed(self.tip, tip);
    }

    fn tip(&self, theme: Theme, now: &Now, placed: &Placed, at_ms: i64) -> Option<Tip> {
        let (layout, at) = (&placed.layout, at_ms as f64);
        let minutes = i32::try_from(utc_offset_ms(at) / 60_000).unwrap_or(0);
        let near_ms = 5.0 * placed.time.ms_per_px() * layout.ratio;
        let marks = self
            .context
            .marks
            .try_with_untracked(|marks| marks.pins(at - near_ms, at + near_ms, f64::INFINITY));
        let mut tip = Tip {
            place: now.view.place_of(at),
            plot_px: (
                f64::from(layout.plot_left) / layout.ratio,
                f64::from(layout.plot_width) / layout.ratio,
            ),
            time: if now.view.window_ms < 30_000.0 {
                units::clock_millis(at_ms, minutes)
            } else {
                units::clock(at_ms, minutes)
            },
            marks: marks.unwrap_or_default().iter().map(pin_text).collect(),
            is_locked: self.context.cursor.try_with_untracked(|cursor| cursor.locked_ms() == Some(at_ms))
                == Some(true),
            ..Tip::default()
        };
        self.context.with_tracks(&self.metric, theme, |tracks| tip.read(tracks, at))?;
        Some(tip)
    }

    fn note(&self, store: &SeriesStore, choice: &SeriesChoice, now: &Now) {
        let (mut n_series, mut n_shown, mut is_in_view) = (0, 0, false);
        for (name, _, series) in store.series_of(&self.metric) {
            n_series += 1;
            if !choice.is_hidden(name) {
                n_shown += 1;
                is_in_view = is_in_view || !series.range(now.view.start_ms(), now.view.end_ms).is_empty();
            }
        }
        let notice = match (n_series, n_shown, is_in_view) {
            (0, ..) => Some("No data yet"),
            (_, 0, _) => Some("Every line is hidden"),
            (_, _, false) => Some("No data in this window"),
            _ => None,
        };
        set_changed(self.notice, notice);
    }
}

/// Sets what has changed, and does nothing when the page is gone.
fn set_changed<T: PartialEq + Send + Sync + 'static>(signal: RwSignal<T>, value: T) {
    if signal.try_with_untracked(|old| *old != value) == Some(true) {
        signal.try_set(value);
    }
}

fn pace(drawn: Drawn, now: &Now, is_pointed: bool) -> Pace {
    // New data of a picture that is moved by drawing waits for the next drawing.
    let beat_ms = match now.interval_ms {
        Some(interval_ms) if SECOND_MS_MIN <= interval_ms => SECOND_BEAT_MS,
        _ if STEP_BEAT_MS <= drawn.step_ms => STEP_BEAT_MS,
        _ => STEP_BEAT_MS / 2.0,
    };
    let step_beat_ms = (0.0 < drawn.step_ms).then_some(beat_ms);
    // The edge reaches the end of a line a quarter of an interval after its next point is due, or later (`delay_ms`).
    let gap_ms = now.interval_ms.map_or(0.0, |interval_ms| interval_ms / 4.0).clamp(0.0, DATA_GAP_MS_MAX);
    // On long windows a column lasts longer than that; more often than twice a column nothing changes.
    let gap_ms = gap_ms.max((now.view.window_ms / 4_000.0).min(1_000.0));
    let next = if drawn.is_gliding || now.is_gliding {
        Next::Frame
    } else if let Some(beat_ms) = step_beat_ms {
        Next::After(beat::to_next_ms(steady_ms(), beat_ms))
    } else if is_pointed && now.is_live {
        Next::After(POINTED_GAP_MS)
    } else if 0.0 < drawn.moves_for_ms {
        Next::After(drawn.moves_for_ms * 0.75)
    } else {
        Next::After(1_000.0)
    };
    Pace { next, gap_ms: step_beat_ms.unwrap_or(gap_ms) }
}

/// What local time is ahead of UTC, in milliseconds, at a moment.
#[must_use]
pub fn utc_offset_ms(at_ms: f64) -> i64 {
    let minutes_behind = js_sys::Date::new(&JsValue::from_f64(at_ms)).get_timezone_offset();
    (-minutes_behind * 60_000.0) as i64
}
