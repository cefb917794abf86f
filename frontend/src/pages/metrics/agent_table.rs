//! One row per agent: its colour, whether it lives, and the latest value of each metric. The charts' legend, too.

use leptos::prelude::*;
use signalbox_shared::feed::AgentState;

use crate::app::use_control;
use crate::chart::palette::{Rgb, Theme, color_of, slot_of};
use crate::chart::store::Agent;
use crate::state::agents;
use crate::state::stream::StreamState;
use crate::state::units;

/// The table.
#[component]
pub fn AgentTable() -> impl IntoView {
    let stores = use_control().stores;
    let names = Memo::new({
        let agents = stores.agents.clone();
        move |_| agents.with(|agents| agents.names().map(str::to_owned).collect::<Vec<_>>())
    });
    let metrics = Memo::new({
        let agents = stores.agents;
        move |_| agents.with(|agents| agents.metrics())
    });
    let headings = move || {
        let heading = |metric: String| {
            let unit = units::unit_of(&metric);
            let unit = if unit.is_empty() { String::new() } else { format!(" ({unit})") };
            view! { <th scope="col" class="number">{metric}<span class="unit">{unit}</span></th> }
        };
        metrics.get().into_iter().map(heading).collect_view()
    };
    view! {
        <div class="panel table-panel">
            <table class="table">
                <caption class="visually-hidden">"Latest values of every agent"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Agent"</th>
                        <th scope="col">"State"</th>
                        {headings}
                        <th scope="col" class="number">"Every"</th>
                        <th scope="col" class="number">"Age"</th>
                    </tr>
                </thead>
                <tbody>
                    <For each=move || names.get() key=Clone::clone let:name>
                        <AgentRow name metrics />
                    </For>
                </tbody>
            </table>
        </div>
    }
}

#[component]
fn AgentRow(
    /// The agent.
    name: String,
    /// The columns.
    metrics: Memo<Vec<String>>,
) -> impl IntoView {
    let stores = use_control().stores;
    let (agents, clock_ms) = (stores.agents.clone(), stores.clock_ms);
    let agent = Memo::new({
        let name = name.clone();
        move |_| agents.with(|agents| agents.agent(&name).cloned())
    });
    let feed = stores.feed;
    let state = Memo::new(move |_| {
        let state = agent.with(|agent| agent.as_ref().map_or(AgentState::Gone, |a| a.state));
        state_name(state, feed.with(StreamState::is_connected))
    });
    let values = move || {
        let value = |metric: String| {
            let text = move || {
                agent.with(|agent| {
                    let value = agent.as_ref().and_then(|agent| agent.values.get(&metric));
                    value.map_or_else(|| "–".to_owned(), |&value| units::metric(&metric, value))
                })
            };
            view! { <td class="number">{text}</td> }
        };
        metrics.get().into_iter().map(value).collect_view()
    };
    let every = move || agent.with(|agent| agent.as_ref().and_then(|a| a.interval_ms).map(units::interval));
    let age = move || {
        let now_ms = clock_ms.get();
        agent.with(|agent| agent.as_ref().map(|agent| age(agent, now_ms)))
    };
    view! {
        <tr data-state=state>
            <th scope="row">
                <span class="agent-name"><Swatch name=name.clone() /> <span class="ellipsis">{name}</span></span>
            </th>
            <td><span class="agent-state">{state}</span></td>
            {values}
            <td class="number">{every}</td>
            <td class="number">{age}</td>
        </tr>
    }
}

/// The agent's colour, as on the charts.
#[component]
fn Swatch(
    /// The agent.
    name: String,
) -> impl IntoView {
    let stores = use_control().stores;
    let revision = stores.series.revision();
    // The charts give each agent its colour; it changes only when an agent returns under another slot.
    let slot = Memo::new({
        let name = name.clone();
        move |_| {
            revision.track();
            stores.series.with(|series| series.agent(&name).map(Agent::slot)).flatten()
        }
    });
    let color = move |theme| {
        let name = name.clone();
        move || {
            let Rgb(r, g, b) = color_of(&name, slot.get().unwrap_or_else(|| slot_of(&name)), theme);
            format!("rgb({r} {g} {b})")
        }
    };
    view! {
        <span
            class="swatch"
            style=("--on-light", color.clone()(Theme::Light))
            style=("--on-dark", color(Theme::Dark))
            aria-hidden="true"
        ></span>
    }
}

/// How long ago the latest sample came. The clock ticks once a second, samples come in between: never below zero.
fn age(agent: &agents::Agent, now_ms: i64) -> String {
    units::age(now_ms - agent.seen_at_ms)
}

/// Without the feed nobody knows whether an agent still lives.
fn state_name(state: AgentState, is_connected: bool) -> &'static str {
    match state {
        AgentState::Gone => "gone",
        AgentState::Joined | AgentState::Stale if !is_connected => "unknown",
        AgentState::Joined => "live",
        AgentState::Stale => "stale",
    }
}
