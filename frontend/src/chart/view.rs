//! A metric's chart as a component: title, picture, legend.

use std::collections::BTreeSet;

use leptos::prelude::*;

use super::legend::{Legend, legend_rows};
use super::palette::Theme;
use super::store_handle::StoreHandle;

/// A live chart of one metric, one line per agent.
///
/// The picture fills `.chart-plot`, whose height the style sheet gives (220 px when it says nothing).
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
    let revision = store.revision();
    let rows = Signal::derive(move || {
        revision.track();
        let live_from_ms = store.relay_now_ms() - window_secs.get() * 1e3;
        hidden.with(|hidden| {
            store
                .with(|store| legend_rows(store, &metric, hidden, Theme::Light, live_from_ms))
                .unwrap_or_default()
        })
    });
    view! {
        <figure class="chart">
            <figcaption class="chart-head">
                <span class="chart-title">{title}</span>
                <span class="chart-unit">{unit.clone()}</span>
            </figcaption>
            <div class="chart-plot" role="img"></div>
            <Legend rows unit on_pick />
        </figure>
    }
}
