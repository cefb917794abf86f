//! *Metrics*: what every agent needs right now and needed lately.

pub mod agent_table;
pub mod charts;

use leptos::prelude::*;

use crate::app::use_control;
use crate::components::empty::Empty;
use crate::state::stream::StreamState;
use crate::state::units;
use agent_table::AgentTable;
use charts::{Charts, WindowSwitch};

/// The page.
#[component]
pub fn MetricsPage() -> impl IntoView {
    let stores = use_control().stores;
    let is_empty = Memo::new({
        let agents = stores.agents.clone();
        move |_| agents.with(|agents| agents.is_empty())
    });
    let tally = Memo::new({
        let agents = stores.agents;
        move |_| agents.with(|agents| (agents.tally(), agents.n_refused))
    });
    let is_connected = Memo::new(move |_| stores.feed.with(StreamState::is_connected));
    let summary = move || {
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
        parts.join(", ")
    };
    view! {
        <div class="page metrics">
            <div class="page-head">
                <h1>"Metrics"</h1>
                <p class="summary">{summary}</p>
                <WindowSwitch />
            </div>
            <Show
                when=move || !is_empty.get()
                fallback=|| {
                    view! {
                        <Empty
                            title="No agent has sent a sample yet"
                            text="Each agent sends its processor and memory readings once a second; its line appears here with the first one."
                            commands=vec!["signalbox agent --color red".to_owned()]
                        />
                    }
                }
            >
                <Charts />
                <AgentTable />
            </Show>
        </div>
    }
}
