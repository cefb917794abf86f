//! One chart per metric that any agent sends.

use leptos::html::Section;
use leptos::prelude::*;
use send_wrapper::SendWrapper;

use super::chart_table::ChartTable;
use super::chart_tools::ChartTools;
use crate::chart::draw::ChartContext;
use crate::chart::legend::Pick;
use crate::chart::view::{Chart, ChartHandle};
use crate::control::use_control;
use crate::state::metrics_query::LINKED_KEY;
use crate::state::units;

/// Charts that are shown at first, and as many more at each request.
const CHARTS_STEP: usize = 6;

/// The charts.
#[component]
pub fn Charts(
    /// What they share.
    context: ChartContext,
) -> impl IntoView {
    let stores = use_control().stores;
    let (agents, query) = (stores.agents, stores.query);
    let n_wanted = RwSignal::new(CHARTS_STEP);
    let metrics = Memo::new(move |_| agents.with(|agents| agents.metrics()));
    let n_max = Memo::new(move |_| {
        // The chart that a link leads to is shown wherever it stands.
        let linked = query.with(|query| query.get(LINKED_KEY).map(str::to_owned));
        let linked =
            metrics.with(|metrics| metrics.iter().position(|metric| Some(metric) == linked.as_ref()));
        n_wanted.get().max(linked.map_or(0, |i| i + 1))
    });
    let shown = move || metrics.with(|metrics| metrics.iter().take(n_max.get()).cloned().collect::<Vec<_>>());
    let n_hidden = Memo::new(move |_| metrics.with(Vec::len).saturating_sub(n_max.get()));
    view! {
        <div class="charts">
            <For each=shown key=Clone::clone let:metric>
                <MetricChart metric context />
            </For>
        </div>
        <Show when=move || 0 < n_hidden.get()>
            <p class="more-charts">
                <button class="button" type="button" on:click=move |_| n_wanted.set(n_max.get_untracked() + CHARTS_STEP)>
                    {move || format!("Show {} more", units::counted(n_hidden.get().min(CHARTS_STEP) as u64, "metric", "metrics"))}
                </button>
                <span class="summary">
                    {move || format!("{} not charted yet", units::counted(n_hidden.get() as u64, "metric is", "metrics are"))}
                </span>
            </p>
        </Show>
    }
}

/// One metric's chart with what belongs to it.
#[component]
fn MetricChart(
    /// The metric's key.
    metric: String,
    /// What it shares with the others.
    context: ChartContext,
) -> impl IntoView {
    let control = use_control();
    let stores = control.stores.clone();
    let unit = units::unit_of(&metric);
    let title = units::metric_title(&metric);
    let handle = RwSignal::new_local(None::<ChartHandle>);
    let is_table = RwSignal::new(false);
    let fixed = Memo::new({
        let (ranges, metric) = (stores.ranges, metric.clone());
        move |_| ranges.with(|ranges| ranges.get(&metric).copied())
    });
    let thresholds = Memo::new({
        let (alerts, metric) = (stores.alerts.clone(), metric.clone());
        move |_| alerts.with(|alerts| alerts.thresholds(&metric))
    });
    let in_alert = Memo::new({
        let metric = metric.clone();
        move |_| {
            stores
                .alerts
                .with(|alerts| alerts.agents_of(&metric).into_iter().map(str::to_owned).collect::<Vec<_>>())
        }
    });
    let on_pick = {
        let control = SendWrapper::new(control);
        Callback::new(move |pick: Pick| control.pick(pick))
    };
    let section: NodeRef<Section> = NodeRef::new();
    let is_linked = Memo::new({
        let (query, metric) = (stores.query, metric.clone());
        move |_| query.with(|query| query.get(LINKED_KEY) == Some(&*metric))
    });
    Effect::new(move |_| {
        if let (true, Some(section)) = (is_linked.get(), section.get()) {
            // What stands above may still grow in this frame.
            request_animation_frame(move || section.scroll_into_view());
        }
    });
    let alert_text = move || in_alert.with(|names| alert_text(names));
    let tools = {
        let (metric, title) = (metric.clone(), title.clone());
        view! {
            <span class="chart-alert" hidden=move || in_alert.with(Vec::is_empty)>{alert_text}</span>
            <ChartTools metric title unit context fixed=fixed.into() thresholds=thresholds.into() handle is_table />
        }
    };
    let name = metric.clone();
    view! {
        <section
            class="panel chart-panel"
            class:has-alert=move || !in_alert.with(Vec::is_empty)
            class:linked=move || is_linked.get()
            data-metric=name
            node_ref=section
        >
            <Chart
                title=title.clone()
                unit
                metric=metric.clone()
                context
                fixed
                thresholds
                on_pick
                on_mount=Callback::new(move |new| handle.set(Some(new)))
            >
                {tools}
            </Chart>
            <Show when=move || is_table.get()>
                <ChartTable metric=metric.clone() title=title.clone() unit context />
            </Show>
        </section>
    }
}

/// Who is in alert, three by name.
fn alert_text(names: &[String]) -> String {
    const NAMES_MAX: usize = 3;
    let named = names.iter().take(NAMES_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMES_MAX) {
        0 => format!("Alert: {named}"),
        n => format!("Alert: {named} and {n} more"),
    }
}
