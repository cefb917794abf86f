//! The charts of processor and memory, and how much time they show.

use leptos::prelude::*;

use crate::app::use_control;
use crate::chart::view::Chart;
use crate::state::units;

/// What is charted: the metric's key and how it is called.
const CHARTS: [(&str, &str); 2] = [("cpu", "Processor"), ("mem", "Memory")];
/// The windows to choose from, in seconds, and their names.
const WINDOWS: [(u32, &str); 3] = [(60, "1 min"), (300, "5 min"), (900, "15 min")];

/// The charts, one line per agent.
#[component]
pub fn Charts() -> impl IntoView {
    let stores = use_control().stores;
    let (window, hidden) = (stores.window_secs, stores.hidden_agents);
    let pick = {
        let hidden = hidden.clone();
        Callback::new(move |name: String| {
            hidden.update(|hidden| {
                if !hidden.remove(&name) {
                    hidden.insert(name);
                }
            });
        })
    };
    let window_secs = Signal::derive(move || window.get());
    let hidden = Signal::derive(move || hidden.get());
    let charts = CHARTS.map(|(metric, title)| {
        let unit = units::unit_of(metric);
        view! {
            <section class="panel chart-panel">
                <Chart title unit metric store=stores.series window_secs hidden on_pick=pick />
            </section>
        }
    });
    view! { <div class="charts">{charts}</div> }
}

/// Chooses how much time the charts show.
#[component]
pub fn WindowSwitch() -> impl IntoView {
    let control = use_control();
    let button = |(secs, name): (u32, &'static str)| {
        let (window, control) = (control.stores.window_secs.clone(), control.clone());
        view! {
            <button
                class="button segment"
                type="button"
                aria-pressed=move || (window.get() == f64::from(secs)).to_string()
                on:click=move |_| control.show_window(secs)
            >
                {name}
            </button>
        }
    };
    view! {
        <div class="segments" role="group" aria-label="Time shown">
            {WINDOWS.map(button)}
        </div>
    }
}
