//! A metric's chart as a component: title, picture, legend.
//!
//! Joins the picture ([`super::plot`]) with the store, the clock and the page around it; decides when it is drawn.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsValue;
use web_sys::HtmlElement;

use super::clock::{EdgeClock, delay_ms};
use super::legend::{Legend, LegendRow, legend_rows, summary};
use super::observers::{Change, Observers, is_motion_reduced, look_of};
use super::pacer::{Next, Pace, Pacer};
use super::paint::Line;
use super::palette::color_of;
use super::plot::{Drawn, Frame, Plot};
use super::store::SeriesStore;
use super::store_handle::{StoreHandle, steady_ms};

/// The picture may move on by itself for so long, in milliseconds, before it is looked after.
const MOVES_FOR_MS: f64 = 4_000.0;

/// The legend's values change at most this often, in milliseconds: faster than that nobody can read.
const LEGEND_GAP_MS: f64 = 250.0;

/// New data waits at most this long, in milliseconds.
const DATA_GAP_MS_MAX: f64 = 250.0;

/// A live chart of one metric, one line per agent.
///
/// The picture takes the height `--chart-height` (220 px without it) and its colours and font from the text around
/// it. For the style sheet: `.chart` holds `.chart-head` (`.chart-title`, `.chart-unit`), `.chart-plot` (with
/// `.chart-empty` while there is nothing to show) and the list `.chart-legend`, whose items (`.is-hidden` when not
/// drawn) hold `.chart-series` with `.chart-key`, `.chart-name`, `.chart-value`, `.chart-unit`.
#[component]
pub fn Chart(
    /// What is shown, in words.
    #[prop(into)]
    title: String,
    /// The values' unit, shown with them; empty when unknown.
    #[prop(into)]
    unit: String,
    /// The metric's key in the samples.
    #[prop(into)]
    metric: String,
    /// Where the points are.
    store: StoreHandle,
    /// Seconds from the left to the right edge.
    #[prop(into)]
    window_secs: Signal<f64>,
    /// Agents whose lines are not drawn.
    #[prop(into)]
    hidden: Signal<BTreeSet<String>>,
    /// Called with an agent's name when its legend entry is clicked; without it the legend cannot be clicked.
    #[prop(optional, into)]
    on_pick: Option<Callback<String>>,
) -> impl IntoView {
    let host = NodeRef::<html::Div>::new();
    let rows = RwSignal::new(Vec::<LegendRow>::new());
    let notice = RwSignal::new(Some("No data yet"));
    let mounted = StoredValue::new_local(None::<Mounted>);

    Effect::new(move |_| {
        let Some(host) = host.get() else { return };
        let chart = LiveChart { store, metric: metric.clone(), window_secs, hidden, rows, notice };
        match Mounted::new(&host, chart) {
            Ok(new) => mounted.set_value(Some(new)),
            Err(error) => leptos::logging::error!("the chart cannot be drawn: {error:?}"),
        }
    });
    let revision = store.revision();
    Effect::new(move |_| {
        revision.track();
        mounted.try_with_value(|mounted| mounted.as_ref().map(|mounted| mounted.pacer.data()));
    });
    Effect::new(move |_| {
        window_secs.track();
        hidden.track();
        mounted.try_with_value(|mounted| mounted.as_ref().map(|mounted| mounted.pacer.ask()));
    });

    let label = {
        let (title, unit) = (title.clone(), unit.clone());
        move || rows.with(|rows| summary(&title, &unit, window_secs.get(), rows))
    };
    view! {
        <figure class="chart">
            <figcaption class="chart-head">
                <span class="chart-title">{title}</span>
                <span class="chart-unit">{unit.clone()}</span>
            </figcaption>
            <div
                class="chart-plot"
                role="img"
                aria-label=label
                node_ref=host
                style:position="relative"
                style:height="var(--chart-height, 220px)"
            >
                <Show when=move || notice.get().is_some()>
                    <p class="chart-empty">{move || notice.get()}</p>
                </Show>
            </div>
            <Legend rows=rows.into() unit on_pick />
        </figure>
    }
}

/// A chart that stands in the document: dropping it removes its layers and all that watches.
struct Mounted {
    pacer: Rc<Pacer>,
    _observers: Observers,
}

impl Mounted {
    fn new(host: &HtmlElement, chart: LiveChart) -> Result<Self, JsValue> {
        let (inks, family) = look_of(host);
        let plot = Rc::new(RefCell::new(Plot::new(host, &family, inks)?));
        let state = DrawState::default();
        let drawn_plot = plot.clone();
        let pacer = Rc::new(Pacer::new(move || chart.draw(&mut drawn_plot.borrow_mut(), &state)));
        let asking = Rc::downgrade(&pacer);
        let host_again = host.clone();
        let observers = Observers::new(host, move |change| {
            let Some(pacer) = asking.upgrade() else { return };
            match change {
                Change::Shown(is_shown) => pacer.set_shown(is_shown),
                Change::Size(width, height, ratio) => {
                    plot.borrow_mut().resize(width, height, ratio);
                    pacer.ask();
                }
                Change::Look => {
                    plot.borrow_mut().set_inks(look_of(&host_again).0);
                    pacer.ask();
                }
            }
        })?;
        Ok(Self { pacer, _observers: observers })
    }
}

/// What lives from one drawing to the next.
#[derive(Default)]
struct DrawState {
    clock: RefCell<EdgeClock>,
    legend_at_ms: Cell<Option<f64>>,
    metric_hidden: RefCell<BTreeSet<String>>,
}

/// What a chart shows, and where it tells it.
struct LiveChart {
    store: StoreHandle,
    metric: String,
    window_secs: Signal<f64>,
    hidden: Signal<BTreeSet<String>>,
    rows: RwSignal<Vec<LegendRow>>,
    notice: RwSignal<Option<&'static str>>,
}

impl LiveChart {
    fn draw(&self, plot: &mut Plot, state: &DrawState) -> Pace {
        let asleep = Pace { next: Next::WhenAsked, gap_ms: 0.0 };
        let Some(window_secs) = self.window_secs.try_get_untracked() else { return asleep };
        let Some(hidden) = self.hidden.try_get_untracked() else { return asleep };
        let window_ms = window_secs.max(1.0) * 1e3;
        let now_ms = self.store.relay_now_ms();
        let pace = self.store.with(|store| self.draw_store(store, plot, state, &hidden, window_ms, now_ms));
        pace.unwrap_or(asleep)
    }

    fn draw_store(
        &self,
        store: &SeriesStore,
        plot: &mut Plot,
        state: &DrawState,
        hidden: &BTreeSet<String>,
        window_ms: f64,
        now_ms: f64,
    ) -> Pace {
        let theme = plot.theme();
        let lines: Vec<Line<'_>> = store
            .series_of(&self.metric)
            .filter(|(name, ..)| !hidden.contains(*name))
            .map(|(name, agent, series)| Line {
                id: agent.id(),
                color: color_of(name, agent.slot(), theme),
                series,
            })
            .collect();
        if *state.metric_hidden.borrow() != *hidden {
            // Who hides a line wants to see the others: no waiting for the axis to narrow.
            state.metric_hidden.replace(hidden.clone());
            plot.forget_range();
        }
        let interval_ms = median(lines.iter().filter_map(|line| line.series.interval_ms()).collect());
        let steady = steady_ms();
        let edge_ms = state.clock.borrow_mut().edge_ms(steady, now_ms - delay_ms(interval_ms));
        let is_calm = is_motion_reduced();
        let drawn = plot.draw(&Frame {
            lines: &lines,
            window_ms,
            edge_ms,
            steady_ms: steady,
            utc_offset_ms: utc_offset_ms(now_ms),
            fixed: None,
            moves_for_ms: if is_calm { 0.0 } else { MOVES_FOR_MS },
            is_calm,
        });
        let live_from_ms = edge_ms - window_ms;
        if state.legend_at_ms.get().is_none_or(|at_ms| LEGEND_GAP_MS <= steady - at_ms) {
            state.legend_at_ms.set(Some(steady));
            let rows = legend_rows(store, &self.metric, hidden, theme, live_from_ms);
            if self.rows.try_with_untracked(|shown| *shown != rows) == Some(true) {
                self.rows.try_set(rows);
            }
        }
        self.note(store, &lines, live_from_ms);
        pace(drawn, interval_ms, window_ms)
    }

    fn note(&self, store: &SeriesStore, lines: &[Line<'_>], live_from_ms: f64) {
        let is_in_view = |line: &Line<'_>| line.series.last().is_some_and(|(t, _)| live_from_ms <= t);
        let notice = if store.series_of(&self.metric).next().is_none() {
            Some("No data yet")
        } else if lines.is_empty() {
            Some("Every line is hidden")
        } else if !lines.iter().any(is_in_view) {
            Some("No data in this window")
        } else {
            None
        };
        if self.notice.try_get_untracked() != Some(notice) {
            self.notice.try_set(notice);
        }
    }
}

fn pace(drawn: Drawn, interval_ms: Option<f64>, window_ms: f64) -> Pace {
    // The edge reaches the end of a line a quarter of an interval after its next point is due (`delay_ms`).
    let gap_ms = interval_ms.map_or(0.0, |interval_ms| interval_ms / 4.0).clamp(0.0, DATA_GAP_MS_MAX);
    // On long windows a column lasts longer than that; more often than twice a column nothing changes.
    let gap_ms = gap_ms.max((window_ms / 4_000.0).min(1_000.0));
    let next = if drawn.is_gliding {
        Next::Frame
    } else if 0.0 < drawn.moves_for_ms {
        Next::After(drawn.moves_for_ms * 0.75)
    } else {
        Next::After(1_000.0)
    };
    Pace { next, gap_ms }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// What local time is ahead of UTC, in milliseconds, at a moment.
fn utc_offset_ms(at_ms: f64) -> i64 {
    let minutes_behind = js_sys::Date::new(&JsValue::from_f64(at_ms)).get_timezone_offset();
    (-minutes_behind * 60_000.0) as i64
}
