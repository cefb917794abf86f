//! A chart of the chosen channel: the cursor, pauses and marks are everybody's, the part of time is its own.

use leptos::prelude::*;
use send_wrapper::SendWrapper;

use crate::chart::draw::ChartContext;
use crate::chart::legend::Pick;
use crate::chart::pointer::ChartAct;
use crate::chart::store_handle::StoreHandle;
use crate::chart::timeline::Timeline;
use crate::chart::view::Chart;
use crate::control::use_control;
use crate::state::series_choice::SeriesChoice;

/// Seconds that it shows.
const WINDOW_SECS: f64 = 300.0;

/// The chart.
#[component]
pub fn ChannelChart(
    /// What is shown, in words.
    #[prop(into)]
    title: String,
    /// The values' unit; empty when unknown.
    #[prop(into)]
    unit: String,
    /// The metric's key in the store.
    #[prop(into)]
    metric: String,
    /// Its readings.
    store: StoreHandle,
) -> impl IntoView {
    let control = use_control();
    let stores = control.stores.clone();
    let cursor = stores.cursor.signal();
    let paused_at_ms = Signal::derive(move || cursor.get().paused_at_ms());
    let timeline = Timeline::new(store, Signal::stored(WINDOW_SECS), paused_at_ms);
    let choice = RwSignal::new(SeriesChoice::default());
    let marks = stores.marks;
    let control = SendWrapper::new(control);
    let on_act = Callback::new(move |act| {
        // Another part of time is the metrics view's.
        if !matches!(act, ChartAct::Show(_)) {
            control.chart_act(act, timeline.now());
        }
    });
    let on_pick = Callback::new(move |pick| {
        choice.try_update(|choice| match pick {
            Pick::Solo(name) => choice.solo(&name),
            Pick::Toggle(name) => choice.toggle(&name),
        });
    });
    let context = ChartContext {
        store,
        past: store,
        is_past: Signal::stored(false),
        timeline,
        choice: choice.into(),
        cursor,
        marks: Memo::new(move |_| marks.get()).into(),
        on_act,
    };
    view! {
        <Chart title unit metric context fixed=Signal::stored(None) thresholds=Signal::stored(Vec::new()) on_pick />
    }
}
