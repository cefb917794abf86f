//! *Metrics*: what every agent needs right now and needed lately.

pub mod agent_table;
pub mod chart_table;
pub mod chart_tools;
pub mod charts;
pub mod refusals;
pub mod toolbar;

use std::time::Duration;

use leptos::prelude::*;
use leptos::{ev, html};
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use crate::browser::clock::utc_offset_minutes;
use crate::chart::draw::ChartContext;
use crate::chart::pointer::{ChartAct, is_plain};
use crate::chart::timeline::Timeline;
use crate::components::empty::Empty;
use crate::control::{Control, use_control};
use crate::state::metrics_query::MetricsQuery;
use crate::state::refusals::Refusals;
use crate::state::stream::StreamState;
use crate::state::units;
use agent_table::AgentTable;
use charts::Charts;
use refusals::RefusalPanel;
use toolbar::Toolbar;

/// The address follows the view after so long: a drag changes it sixty times a second, and browsers allow few changes.
const WRITE_AFTER: Duration = Duration::from_millis(300);

/// The page.
#[component]
pub fn MetricsPage() -> impl IntoView {
    let control = use_control();
    let stores = control.stores.clone();
    let is_empty = Memo::new({
        let agents = stores.agents.clone();
        move |_| agents.with(|agents| agents.is_empty())
    });
    let tally = Memo::new({
        let agents = stores.agents.clone();
        move |_| agents.with(|agents| (agents.tally(), agents.n_refused))
    });
    // Whether there is an agent is not known before the relay has told what it knows.
    let is_known = Memo::new({
        let feed = stores.feed.clone();
        move |was_known: Option<&bool>| was_known == Some(&true) || feed.with(StreamState::is_connected)
    });
    let note = Memo::new({
        let refusals = stores.refusals.clone();
        move |_| refusals.with(Refusals::note)
    });
    let panel = NodeRef::<html::Details>::new();
    let is_connected = Memo::new(move |_| stores.feed.with(StreamState::is_connected));
    // As long as the moment is in view: what the lines lack before it, nobody knows.
    let anew_in_view = Memo::new({
        let (stores, control) = (control.stores.clone(), send_wrapper::SendWrapper::new(control.clone()));
        move |_| {
            stores.clock_ms.track();
            stores.window_secs.track();
            stores.anew_at_ms.with(|at_ms| at_ms.filter(|at_ms| control.is_in_reach(*at_ms)))
        }
    });
    let summary = move || {
        if !is_known.get() && is_empty.get() {
            return String::new();
        }
        let ((n_live, n_stale, n_gone), n_refused) = tally.get();
        if !is_connected.get() {
            return units::counted((n_live + n_stale) as u64, "agent", "agents")
                + " as last seen, no connection";
        }
        let mut parts = vec![format!("{n_live} live")];
        for (n, what) in [(n_stale, "stale"), (n_gone, "gone")] {
            if n > 0 {
                parts.push(format!("{n} {what}"));
            }
        }
        if n_refused > 0 {
            parts.push(format!("{n_refused} samples of further agents not shown"));
        }
        if let Some(at_ms) = anew_in_view.get() {
            let clock = units::clock(at_ms, utc_offset_minutes());
            parts.push(format!("the relay's history began anew at {clock}"));
        }
        parts.join(", ")
    };
    follow_address(&control);
    let context = chart_context(&control);
    let keys = window_event_listener(ev::keydown, move |event| {
        let act = match event.key().as_str() {
            " " => ChartAct::TogglePause,
            "0" => ChartAct::Live,
            "Escape" => ChartAct::Unlock,
            _ => return,
        };
        if is_plain(&event) && is_for_page(&event) {
            event.prevent_default();
            context.on_act.run(act);
        }
    });
    on_cleanup(move || keys.remove());
    view! {
        <div class="page metrics">
            <div class="page-head">
                <h1>"Metrics"</h1>
                <p class="summary">{summary}</p>
                <Show when=move || !note.with(String::is_empty)>
                    <button
                        class="button quiet refused-note"
                        type="button"
                        title="Messages that the collector did not take. Press to see why."
                        on:click=move |_| lead_to(panel)>
                        {note}
                    </button>
                </Show>
            </div>
            <Show
                when=move || !is_empty.get()
                fallback=move || {
                    view! {
                        <Show
                            when=move || is_known.get()
                            fallback=|| view! { <p class="quiet-note" role="status">"Waiting for the relay …"</p> }
                        >
                            <Empty
                                title="No agent has sent a sample yet"
                                text="Each agent sends its processor and memory readings once a second; its line appears here with the first one."
                                commands=vec!["signalbox agent --color red".to_owned()]
                            />
                        </Show>
                    }
                }
            >
                <Toolbar context />
                <Charts context />
                <AgentTable />
            </Show>
            <RefusalPanel panel />
        </div>
    }
}

/// Opens the panel and goes there, with the keyboard too.
fn lead_to(panel: NodeRef<html::Details>) {
    let Some(panel) = panel.get_untracked() else { return };
    panel.set_open(true);
    panel.scroll_into_view();
    let summary = panel.query_selector("summary").ok().flatten();
    if let Some(summary) = summary.and_then(|summary| summary.dyn_into::<HtmlElement>().ok()) {
        // A focus that is refused leaves the person where they were.
        let _ = summary.focus();
    }
}

/// Whether a key is pressed where it means nothing else: not in a field, on a button or on a link.
fn is_for_page(event: &ev::KeyboardEvent) -> bool {
    let target = event.target().and_then(|target| target.dyn_into::<HtmlElement>().ok());
    target.is_none_or(|target| {
        !event.default_prevented() && ["BODY", "MAIN", "HTML"].contains(&target.tag_name().as_str())
    })
}

/// What all charts share.
fn chart_context(control: &Control) -> ChartContext {
    let stores = control.stores.clone();
    let cursor = stores.cursor.signal();
    let paused_at_ms = Signal::derive(move || cursor.get().paused_at_ms());
    let (window, choice, marks) = (stores.window_secs, stores.choice, stores.marks);
    let window_secs = Memo::new(move |_| window.get());
    let timeline = Timeline::new(stores.series, window_secs.into(), paused_at_ms);
    let past_state = stores.past_state;
    let on_act = {
        let control = send_wrapper::SendWrapper::new(control.clone());
        Callback::new(move |act| control.chart_act(act, timeline.now()))
    };
    ChartContext {
        store: stores.series,
        past: stores.past,
        is_past: Memo::new(move |_| past_state.with(|past| past.is_shown)).into(),
        timeline,
        choice: Memo::new(move |_| choice.get()).into(),
        cursor,
        marks: Memo::new(move |_| marks.get()).into(),
        on_act,
    }
}

/// The address sets the view, and the view the address.
fn follow_address(control: &Control) {
    let stores = control.stores.clone();
    let query = stores.query.clone();
    // A way here without a query comes from another view: what was set is still set.
    Effect::new({
        let control = send_wrapper::SendWrapper::new(control.clone());
        move |_| {
            let query = query.get();
            if query.iter().next().is_some() {
                let told = MetricsQuery::read(&query, crate::transport::now_ms());
                let is_own = told.write(&query) == control.metrics_query().write(&query);
                if !is_own {
                    control.apply_metrics_query(&told);
                }
            }
        }
    });
    let control = send_wrapper::SendWrapper::new(control.clone());
    let timer = StoredValue::new_local(None::<TimeoutHandle>);
    let stop = move || timer.try_update_value(|timer| timer.take().map(|timer| timer.clear()));
    on_cleanup(move || {
        stop();
    });
    let settings = Memo::new(move |_| {
        (
            stores.window_secs.get(),
            stores.cursor.with(|cursor| (cursor.locked_ms(), cursor.paused_at_ms())),
            stores.choice.get(),
            stores.ranges.get(),
        )
    });
    Effect::new(move |_| {
        // Read, not only tracked: a memo that nobody reads learns of no change.
        settings.with(|_| ());
        let control = control.clone();
        let new = set_timeout_with_handle(move || control.write_metrics_query(), WRITE_AFTER).ok();
        timer.try_update_value(|timer| std::mem::replace(timer, new).map(|old| old.clear()));
    });
}
