//! A metric's chart as a component: title, picture, cursor, legend.
//!
//! Joins the drawing ([`super::draw`]) with the page around it and with the hands on it ([`super::pointer`]).

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use gloo_events::{EventListener, EventListenerOptions};
use leptos::ev::{KeyboardEvent, PointerEvent};
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{HtmlElement, WheelEvent};

use super::draw::{ChartContext, DrawState, LiveChart};
use super::legend::{Legend, LegendRow, Pick, summary};
use super::observers::{Change, Observers, look_of};
use super::overlay::Overlay;
use super::pacer::Pacer;
use super::palette::Theme;
use super::paper::Paper;
use super::plot::Plot;
use super::pointer::{ChartAct, Key, is_plain, key_of, place_of, wheel};
use super::readout::step;
use super::tooltip::{Tip, Tooltip};
use crate::state::alerts::Threshold;
use crate::state::gesture::{Act, Gesture};
use crate::state::metrics_query::FixedRange;
use crate::state::viewport::Viewport;

/// A screen reader is told the values this long after the cursor came to rest.
const SAY_AFTER: Duration = Duration::from_millis(500);

/// A live chart of one metric, one line per agent.
///
/// The picture takes the height `--chart-height` (220 px without it) and its colours and font from the text around
/// it. For the style sheet: `.chart` holds `.chart-head` (`.chart-title`, `.chart-unit`, then `tools`), `.chart-plot` (with
/// `.chart-empty` while there is nothing to show, `.chart-tip`, and the elements of [`super::overlay`]) and the list
/// `.chart-legend`, whose items (`.is-hidden` when not drawn) hold `.chart-series` with `.chart-key`, `.chart-name`,
/// `.chart-value`, `.chart-unit`.
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
    /// What it has in common with the other charts.
    context: ChartContext,
    /// A fixed range of values; none follows the data.
    #[prop(into)]
    fixed: Signal<Option<FixedRange>>,
    /// Bounds to draw.
    #[prop(into)]
    thresholds: Signal<Vec<Threshold>>,
    /// Called when a legend entry is chosen.
    on_pick: Callback<Pick>,
    /// Called with the picture's parts once it stands, for whoever wants to copy it.
    #[prop(optional)]
    on_mount: Option<Callback<ChartHandle>>,
    /// Stands at the end of the head.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let host = NodeRef::<html::Div>::new();
    let rows = RwSignal::new(Vec::<LegendRow>::new());
    let n_more = RwSignal::new(0);
    let notice = RwSignal::new(Some("No data yet"));
    let tip = RwSignal::new(None::<Tip>);
    let said = RwSignal::new(String::new());
    let mounted = StoredValue::new_local(None::<Mounted>);

    let chart_metric = metric.clone();
    Effect::new(move |_| {
        let Some(host) = host.get() else { return };
        let metric = chart_metric.clone();
        let chart = LiveChart { context, metric, fixed, thresholds, rows, n_more, notice, tip };
        match Mounted::new(&host, chart) {
            Ok(new) => {
                if let Some(on_mount) = on_mount {
                    on_mount.run(ChartHandle { plot: StoredValue::new_local(new.plot.clone()) });
                }
                mounted.set_value(Some(new));
            }
            Err(error) => leptos::logging::error!("the chart cannot be drawn: {error:?}"),
        }
    });
    let with = move |read: &dyn Fn(&Mounted)| {
        mounted.try_with_value(|mounted| mounted.as_ref().map(read));
    };
    Effect::new(move |_| {
        context.store.revision().track();
        context.past.revision().track();
        with(&|mounted| mounted.pacer.data());
    });
    Effect::new(move |_| {
        context.timeline.track();
        context.is_past.track();
        context.choice.track();
        context.marks.track();
        fixed.track();
        thresholds.track();
        with(&|mounted| mounted.pacer.ask());
    });
    Effect::new(move |_| {
        context.cursor.track();
        // Runs just before the browser paints, for the store tells of its changes in an animation frame.
        with(&|mounted| mounted.pacer.now());
    });

    let say = {
        let unit = unit.clone();
        let timer = StoredValue::new_local(None::<TimeoutHandle>);
        on_cleanup(move || {
            timer.try_update_value(|timer| timer.take().map(|timer| timer.clear()));
        });
        move || {
            let unit = unit.clone();
            let tell = move || {
                let text = tip.try_with_untracked(|tip| tip.as_ref().map(|tip| tip.spoken(&unit)));
                said.try_set(text.flatten().unwrap_or_default());
            };
            let new = set_timeout_with_handle(tell, SAY_AFTER).ok();
            timer.try_update_value(|timer| std::mem::replace(timer, new).map(|old| old.clear()));
        }
    };
    let on_key = move |event: KeyboardEvent| {
        let is_taken = mounted.try_with_value(|mounted| mounted.as_ref().is_some_and(|m| m.key(&event)));
        if is_taken == Some(true) {
            event.prevent_default();
            event.stop_propagation();
            say();
        }
    };
    let label = {
        let (title, unit) = (title.clone(), unit.clone());
        // Told anew when the lines change, not with every value.
        move || rows.with(|rows| summary(&title, &unit, rows))
    };
    let on = move |react: fn(&Mounted, &PointerEvent)| {
        move |event: PointerEvent| with(&|mounted| react(mounted, &event))
    };
    let unit_said = if unit.is_empty() { "no unit".to_owned() } else { unit.clone() };
    view! {
        <figure class="chart">
            <figcaption class="chart-head">
                <span class="chart-title" title=metric>{title}</span>
                <span class="chart-unit">{unit_said}</span>
                {children.map(|children| children())}
            </figcaption>
            <div
                class="chart-plot"
                role="application"
                aria-roledescription="chart"
                aria-label=label
                tabindex="0"
                node_ref=host
                on:pointerdown=on(Mounted::down)
                on:pointermove=on(Mounted::moved)
                on:pointerup=on(Mounted::up)
                on:pointercancel=on(Mounted::cancelled)
                on:pointerleave=on(Mounted::left)
                on:dblclick=move |_| with(&Mounted::double_clicked)
                on:keydown=on_key
                style:position="relative"
                style:height="var(--chart-height, 220px)"
            >
                <Show when=move || notice.get().is_some()>
                    <p class="chart-empty">{move || notice.get()}</p>
                </Show>
                <Tooltip tip=tip.into() unit=unit.clone() />
            </div>
            <p class="visually-hidden" aria-live="polite">{said}</p>
            <Legend rows=rows.into() n_more=n_more.into() unit on_pick />
        </figure>
    }
}

/// A chart's picture, for whoever wants to copy it.
#[derive(Clone, Copy)]
pub struct ChartHandle {
    plot: StoredValue<Rc<RefCell<Plot>>, LocalStorage>,
}

impl ChartHandle {
    /// Reads the picture; none after the chart is gone.
    pub fn with<R>(&self, read: impl FnOnce(&Plot) -> R) -> Option<R> {
        self.plot.try_with_value(|plot| read(&plot.borrow()))
    }
}

/// A chart that stands in the document: dropping it removes its layers and all that watches.
struct Mounted {
    host: HtmlElement,
    plot: Rc<RefCell<Plot>>,
    pacer: Rc<Pacer>,
    chart: Rc<LiveChart>,
    state: Rc<DrawState>,
    gesture: RefCell<Gesture>,
    /// What was locked before each of the last two clicks.
    locks: Cell<(Option<i64>, Option<i64>)>,
    _observers: Observers,
    _wheel: EventListener,
    _paper: Paper,
}

impl Mounted {
    fn new(host: &HtmlElement, chart: LiveChart) -> Result<Self, JsValue> {
        let (inks, family) = look_of(host);
        let plot = Plot::new(host, &family, inks)?;
        let state = Rc::new(DrawState::new(Overlay::new(&plot.surface().borrow())?));
        let (plot, chart) = (Rc::new(RefCell::new(plot)), Rc::new(chart));
        let pacer = Rc::new(Pacer::new({
            let (plot, chart, state) = (plot.clone(), chart.clone(), state.clone());
            move || chart.draw(&mut plot.borrow_mut(), &state)
        }));
        let (asking, changed, host_again) = (Rc::downgrade(&pacer), plot.clone(), host.clone());
        let observers = Observers::new(host, move |change| {
            let Some(pacer) = asking.upgrade() else { return };
            match change {
                Change::Shown(is_shown) => return pacer.set_shown(is_shown),
                Change::Size(width, height, ratio) => changed.borrow_mut().resize(width, height, ratio),
                Change::Look => changed.borrow_mut().set_inks(look_of(&host_again).0),
            }
            // Before the browser paints: a frame without a picture would be a flash.
            pacer.now();
        })?;
        let options = EventListenerOptions::enable_prevent_default();
        let wheel = EventListener::new_with_options(host, "wheel", options, {
            let (chart, state, host) = (chart.clone(), state.clone(), host.clone());
            move |event| {
                let Some(event) = event.dyn_ref::<WheelEvent>() else { return };
                let Some((now, placed)) = state.now.get() else { return };
                if let Some(act) = wheel(event, &host, &placed, &now) {
                    event.prevent_default();
                    chart.context.on_act.run(act);
                }
            }
        });
        let drawing = Rc::downgrade(&pacer);
        let paper = Paper::new(host, move || drawing.upgrade().iter().for_each(|pacer| pacer.unseen()));
        Ok(Self {
            host: host.clone(),
            plot,
            pacer,
            chart,
            state,
            gesture: RefCell::default(),
            locks: Cell::default(),
            _observers: observers,
            _wheel: wheel,
            _paper: paper,
        })
    }

    /// What is shown at this very moment: the picture has moved on since it was drawn.
    fn view(&self) -> Option<Viewport> {
        self.chart.context.timeline.now().map(|now| now.view)
    }

    fn down(&self, event: &PointerEvent) {
        let Some((_, placed)) = self.state.now.get() else { return };
        let is_other_button = event.button() != 0;
        let is_on_pin = event.target().is_some_and(|target| {
            target.dyn_into::<HtmlElement>().is_ok_and(|element| element.tag_name() == "BUTTON")
        });
        if is_other_button || is_on_pin {
            return;
        }
        // A pointer that cannot be captured is lost at the edge, no more.
        let _ = self.host.set_pointer_capture(event.pointer_id());
        let (place, _) = place_of(event, &self.host, &placed);
        let is_touch = event.pointer_type() == "touch";
        let act = self.gesture.borrow_mut().down(event.pointer_id(), place, is_touch, event.shift_key());
        self.act(act);
    }

    fn moved(&self, event: &PointerEvent) {
        let Some((_, placed)) = self.state.now.get() else { return };
        let (place, width_px) = place_of(event, &self.host, &placed);
        let act = self.gesture.borrow_mut().moved(event.pointer_id(), place, width_px);
        self.act(act);
    }

    fn up(&self, event: &PointerEvent) {
        let Some((_, placed)) = self.state.now.get() else { return };
        let (place, _) = place_of(event, &self.host, &placed);
        let act = self.gesture.borrow_mut().up(event.pointer_id(), place);
        self.act(act);
    }

    fn cancelled(&self, _: &PointerEvent) {
        let act = self.gesture.borrow_mut().cancel();
        self.act(act);
    }

    fn left(&self, event: &PointerEvent) {
        if !self.gesture.borrow().is_pressed() && event.pointer_type() != "touch" {
            self.act(Act::Point(None));
        }
    }

    fn act(&self, act: Act) {
        let on_act = |act| self.chart.context.on_act.run(act);
        let Some(view) = self.view() else { return };
        match act {
            Act::Nothing => {}
            Act::Point(place) => {
                self.state.pointer.set(place);
                on_act(ChartAct::Hover(place.map(|place| view.time_at(place))));
            }
            Act::Selecting(from, to) => {
                self.state.pointer.set(None);
                self.state.overlay.borrow().select(Some((from, to)));
            }
            Act::Select(from, to) => {
                self.state.overlay.borrow().select(None);
                on_act(ChartAct::Show(Viewport::between(view.time_at(from), view.time_at(to))));
            }
            Act::Unselect => self.state.overlay.borrow().select(None),
            Act::Pan(parts) => on_act(ChartAct::Show(view.panned(-parts))),
            Act::Pinch(before, after) => on_act(ChartAct::Show(view.pinched(before, after))),
            Act::Click(place) => {
                let locked_ms = self.chart.context.cursor.try_get_untracked().and_then(|c| c.locked_ms());
                let (_, before) = self.locks.get();
                self.locks.set((before, locked_ms));
                on_act(ChartAct::ToggleLock(view.time_at(place)));
            }
        }
    }

    /// Back to the present. What the two clicks have done to the lock is undone: they meant something else.
    fn double_clicked(&self) {
        let (before, _) = self.locks.get();
        self.chart.context.on_act.run(ChartAct::Lock(before));
        self.chart.context.on_act.run(ChartAct::Live);
    }

    /// Whether the key was the chart's.
    fn key(&self, event: &KeyboardEvent) -> bool {
        let context = &self.chart.context;
        let (Some((_, placed)), Some(now)) = (self.state.now.get(), context.timeline.now()) else {
            return false;
        };
        if !is_plain(event) {
            return false;
        }
        let cursor = context.cursor.try_get_untracked().unwrap_or_default();
        let at = cursor.shown_ms(|at_ms| now.view.holds(at_ms)).map(|at_ms| at_ms as f64);
        let place = at.map_or(if now.is_live { 1.0 } else { 0.5 }, |at_ms| now.view.place_of(at_ms));
        let Some(key) = key_of(&event.key(), event.shift_key(), &now, place) else { return false };
        // The keyboard takes over from a pointer that rests on the chart.
        self.state.pointer.set(None);
        match key {
            Key::Act(ChartAct::Unlock) if self.gesture.borrow().is_pressed() => {
                let act = self.gesture.borrow_mut().cancel();
                self.act(act);
            }
            Key::Act(act) => context.on_act.run(act),
            Key::Lock => context.on_act.run(ChartAct::ToggleLock(at.unwrap_or(now.view.time_at(place)))),
            Key::Edge(is_right) => {
                context.on_act.run(ChartAct::Move(now.view.time_at(if is_right { 1.0 } else { 0.0 })));
            }
            Key::Mark(is_forward) => self.to_mark(at.unwrap_or(now.view.end_ms), is_forward, &now.view),
            Key::Step(is_forward) => {
                // Samples that share a pixel are one step: each of them would move nothing.
                let apart_ms = (placed.time.ms_per_px() * placed.layout.ratio / 2.0).max(1.0);
                let from_ms = at.unwrap_or(now.view.end_ms);
                let next = context.with_tracks(&self.chart.metric, Theme::Light, |tracks| {
                    step(tracks.map(|(track, _)| track), from_ms, apart_ms, is_forward)
                });
                if let Some(next) = next.flatten().filter(|next| *next <= now.view.end_ms || now.is_live) {
                    context.on_act.run(ChartAct::Move(next));
                }
            }
        }
        true
    }

    /// Moves the cursor to the next mark before or after a moment, and the view along when the mark is out of it.
    fn to_mark(&self, from_ms: f64, is_forward: bool, view: &Viewport) {
        let context = &self.chart.context;
        let next = context.marks.try_with_untracked(|marks| marks.step(from_ms.round() as i64, is_forward));
        let Some(next_ms) = next.flatten() else { return };
        let at_ms = next_ms as f64;
        if !view.holds(next_ms) {
            context.on_act.run(ChartAct::Show(Viewport { end_ms: at_ms + view.window_ms / 2.0, ..*view }));
        }
        context.on_act.run(ChartAct::Move(at_ms));
    }
}
