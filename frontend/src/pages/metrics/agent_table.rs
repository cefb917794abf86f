//! One row per agent: its colour, whether it lives or is in alert, its last minute, and the latest value of each metric.
//!
//! The rows are made anew when the views are told of the agents, and that has a beat ([`crate::control::stores`]). On each
//! beat those in view change, those with another state, and of the others a few in their turn: a frame costs what is seen.

use leptos::html;
use leptos::prelude::*;
use send_wrapper::SendWrapper;

use crate::chart::legend::Pick;
use crate::chart::palette::{Rgb, Theme, color_of, slot_of};
use crate::chart::pointer::is_plain;
use crate::chart::spark::{SPARK_SIZE, spark_path};
use crate::chart::store::Agent;
use crate::components::focus::leaves;
use crate::components::in_view::{in_view, printing};
use crate::control::use_control;
use crate::state::agent_rows::{AgentRow, ROWS_STEP, SortKey, TableQuery, agent_rows};
use crate::state::stream::StreamState;
use crate::state::units;

/// Columns of metrics at most: more than fit a wide screen.
const METRICS_MAX: usize = 8;
/// The values of a row out of view wait for at most so many beats.
const TURNS: usize = 10;

/// What the rows are made of.
#[derive(Clone, Debug, Default, PartialEq)]
struct Shown {
    rows: Vec<AgentRow>,
    n_found: usize,
    /// How often these were made anew.
    turn: usize,
}

/// The table.
#[component]
pub fn AgentTable() -> impl IntoView {
    let stores = use_control().stores;
    let query = RwSignal::new(TableQuery::default());
    let n_max = RwSignal::new(ROWS_STEP);
    let metrics = Memo::new({
        let agents = stores.agents.clone();
        move |_| agents.with(|agents| agents.metrics())
    });
    let columns =
        Memo::new(move |_| metrics.with(|all| all.iter().take(METRICS_MAX).cloned().collect::<Vec<_>>()));
    let shown = Memo::new(move |before: Option<&Shown>| {
        let now_ms = stores.clock_ms.get();
        let is_connected = stores.feed.with(StreamState::is_connected);
        let (query, columns) = (query.get(), columns.get());
        let of = |agents: &_, alerts: &_| {
            agent_rows((agents, alerts), &query, &columns, now_ms, is_connected, n_max.get())
        };
        let (rows, n_found) = stores.alerts.with(|alerts| stores.agents.with(|agents| of(agents, alerts)));
        Shown { rows, n_found, turn: before.map_or(0, |before| before.turn.wrapping_add(1)) }
    });
    let names = Memo::new(move |_| {
        shown.with(|shown| shown.rows.iter().map(|row| row.name.clone()).collect::<Vec<_>>())
    });
    let is_printing = printing();
    let is_held = Memo::new(move |_| query.with(|query| !query.held.is_empty()));
    let hold = move || {
        if !is_held.get_untracked() {
            query.update(|query| query.held = names.get_untracked());
        }
    };
    let release = move || {
        if is_held.get_untracked() {
            query.update(|query| query.held.clear());
        }
    };
    let is_moving = move || is_held.get() && query.with(|query| query.key != SortKey::Name);
    let n_more = Memo::new(move |_| shown.with(|shown| shown.n_found - shown.rows.len()));
    let headings = move || {
        let heading = |metric: String| {
            let unit = units::unit_of(&metric);
            let unit = if unit.is_empty() { String::new() } else { format!(" ({unit})") };
            let key = SortKey::Metric(metric.clone());
            view! { <SortHeading query key is_number=true>{metric}<span class="unit">{unit}</span></SortHeading> }
        };
        columns.get().into_iter().map(heading).collect_view()
    };
    let n_cut = move || metrics.with(Vec::len).saturating_sub(METRICS_MAX);
    view! {
        <section class="panel agents-panel" aria-label="Agents">
            <div class="panel-head">
                <h2>"Agents"</h2>
                <p class="summary">
                    {move || units::counted(shown.with(|shown| shown.n_found) as u64, "agent", "agents")}
                    {move || (0 < n_cut()).then(|| format!(", {} charted but not listed", units::counted(n_cut() as u64, "metric", "metrics")))}
                    {move || is_moving().then_some(", order held while you are at them")}
                </p>
                <input
                    class="field agent-search"
                    type="search"
                    placeholder="Search name, state, alert"
                    aria-label="Search agents"
                    autocomplete="off"
                    on:input:target=move |event| query.update(|query| query.search = event.target().value())
                />
            </div>
            <div class="table-panel">
                <table class="table agents">
                    <caption class="visually-hidden">"Latest values of every agent"</caption>
                    <thead>
                        <tr>
                            <SortHeading query key=SortKey::Name is_number=false>"Agent"</SortHeading>
                            <SortHeading query key=SortKey::State is_number=false>"State"</SortHeading>
                            <th scope="col">"Processor, 60\u{202f}s"</th>
                            {headings}
                            <SortHeading query key=SortKey::Rate is_number=true>"Samples"</SortHeading>
                            <SortHeading query key=SortKey::Age is_number=true>"Age"</SortHeading>
                        </tr>
                    </thead>
                    <tbody
                        on:pointerenter=move |event| if event.pointer_type() != "touch" { hold() }
                        on:pointerleave=move |_| release()
                        on:focusin=move |_| hold()
                        on:focusout=move |event| if leaves(&event) { release() }
                    >
                        <For each=move || names.get() key=Clone::clone let:name>
                            <Row name shown columns is_printing />
                        </For>
                    </tbody>
                </table>
                <Show when=move || names.with(Vec::is_empty)>
                    <p class="quiet-note">"No agent fits this search."</p>
                </Show>
            </div>
            <Show when=move || 0 < n_more.get()>
                <p class="more-rows">
                    <button class="button" type="button" on:click=move |_| n_max.update(|n| *n += ROWS_STEP)>
                        {move || format!("Show {} more of {}", n_more.get().min(ROWS_STEP), shown.with(|shown| shown.n_found))}
                    </button>
                </p>
            </Show>
        </section>
    }
}

/// A heading that sorts by its column.
#[component]
fn SortHeading(
    /// What the table shows.
    query: RwSignal<TableQuery>,
    /// The column.
    key: SortKey,
    /// Whether it holds numbers.
    is_number: bool,
    /// What it is called.
    children: Children,
) -> impl IntoView {
    let sorted = key.clone();
    let order = move || {
        query.with(|query| match (query.key == sorted, query.is_descending) {
            (false, _) => None,
            (true, true) => Some("descending"),
            (true, false) => Some("ascending"),
        })
    };
    view! {
        <th scope="col" class:number=is_number aria-sort=order>
            <button class="sort" type="button" on:click=move |_| query.update(|query| query.sort_by(key.clone()))>
                {children()}
            </button>
        </th>
    }
}

#[component]
fn Row(
    /// The agent.
    name: String,
    /// Every row.
    shown: Memo<Shown>,
    /// The metrics' columns.
    columns: Memo<Vec<String>>,
    /// Whether the page is being printed.
    is_printing: Signal<bool>,
) -> impl IntoView {
    let control = use_control();
    let element = NodeRef::<html::Tr>::new();
    let is_in_view = in_view(Signal::derive(move || element.get().map(Into::into)), is_printing);
    let row = Memo::new({
        let name = name.clone();
        move |before: Option<&AgentRow>| {
            let is_in_view = is_in_view.get();
            shown.with(|shown| {
                let found = shown.rows.iter().enumerate().find(|(_, row)| row.name == name);
                let (Some((at, row)), Some(before)) = (found, before) else {
                    return found.map(|(_, row)| row.clone()).unwrap_or_default();
                };
                let is_due = is_in_view || at % TURNS == shown.turn % TURNS;
                let is_news =
                    (row.state, &row.alerts, &row.clock) != (before.state, &before.alerts, &before.clock);
                if is_due || is_news { row.clone() } else { before.clone() }
            })
        }
    });
    let choice = control.stores.choice.clone();
    let is_hidden = Memo::new({
        let name = name.clone();
        move |_| choice.with(|choice| choice.is_hidden(&name))
    });
    let values = move || {
        let cell = |(at, metric): (usize, String)| {
            let text = move || row.with(|row| row.values.get(at).cloned().unwrap_or_default());
            view! { <td class="number" data-label=metric>{text}</td> }
        };
        columns.get().into_iter().enumerate().map(cell).collect_view()
    };
    // Apart from the readings, which change each second.
    let standing = Memo::new(move |_| row.with(|row| (row.state, row.alerts.clone(), row.clock.clone())));
    let state = move || standing.with(|(state, ..)| *state);
    let is_in_alert = move || standing.with(|(_, alerts, _)| !alerts.is_empty());
    let alerts = move || {
        standing.with(|(_, alerts, _)| {
            let alert = |text: &String| view! { <span class="agent-alert">{text.clone()}</span> };
            alerts.iter().map(alert).collect_view()
        })
    };
    let clock = move || {
        let text = standing.with(|(.., clock)| clock.clone());
        let title = "Its samples' timestamps differ that much from the relay's clock, and its line stands where they say";
        (!text.is_empty()).then(|| view! { <span class="agent-clock" title=title>{text}</span> })
    };
    let control = SendWrapper::new(control);
    // The same as in the charts' legends.
    let (click, key) = {
        let (on_click, on_key, control_of_key) = (name.clone(), name.clone(), control.clone());
        let click = move |event: leptos::ev::MouseEvent| {
            let name = on_click.clone();
            control.pick(if event.shift_key() { Pick::Toggle(name) } else { Pick::Solo(name) });
        };
        let key = move |event: leptos::ev::KeyboardEvent| {
            if event.key() == "x" && is_plain(&event) {
                control_of_key.pick(Pick::Toggle(on_key.clone()));
            }
        };
        (click, key)
    };
    view! {
        <tr node_ref=element data-state=state class:in-alert=is_in_alert>
            <th scope="row">
                <button
                    class="agent-name"
                    type="button"
                    title="Click: its lines alone. Shift-click or x: in or out of the charts."
                    aria-pressed=move || (!is_hidden.get()).to_string()
                    aria-keyshortcuts="x"
                    on:click=click
                    on:keydown=key
                >
                    <Swatch name=name.clone() is_in_view />
                    <span class="ellipsis">{name.clone()}</span>
                </button>
            </th>
            <td><span class="agent-state">{state}</span>{alerts}{clock}</td>
            <td><Spark name is_in_view /></td>
            {values}
            <td class="number" data-label="samples">{move || row.with(|row| row.rate.clone())}</td>
            <td class="number" data-label="age">{move || row.with(|row| row.age.clone())}</td>
        </tr>
    }
}

/// The agent's processor over the last minute.
#[component]
fn Spark(
    /// The agent.
    name: String,
    /// Whether anybody sees it.
    is_in_view: Memo<bool>,
) -> impl IntoView {
    let stores = use_control().stores;
    let path = Memo::new(move |before: Option<&String>| {
        if let Some(before) = before.filter(|_| !is_in_view.get()) {
            return before.clone();
        }
        // Once a second: it moves by one pixel in that time.
        stores.clock_ms.track();
        let end_ms = stores.series.relay_now_ms();
        let path = stores.series.with(|store| {
            store.agent(&name).and_then(|agent| agent.series("cpu")).map(|series| spark_path(series, end_ms))
        });
        path.flatten().unwrap_or_default()
    });
    view! {
        <svg class="spark" viewBox=format!("0 0 {} {}", SPARK_SIZE.0, SPARK_SIZE.1) preserveAspectRatio="none" aria-hidden="true">
            <path d=path />
        </svg>
    }
}

/// The agent's colour, as on the charts.
#[component]
fn Swatch(
    /// The agent.
    name: String,
    /// Whether anybody sees it.
    is_in_view: Memo<bool>,
) -> impl IntoView {
    let stores = use_control().stores;
    // The charts give each agent its colour; it changes only when an agent returns under another slot.
    let slot = Memo::new({
        let name = name.clone();
        move |before: Option<&Option<usize>>| {
            if let Some(before) = before.filter(|_| !is_in_view.get()) {
                return *before;
            }
            stores.clock_ms.track();
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
