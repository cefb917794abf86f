//! What figures say, and why they are as they are, for whoever cannot hover over them: shown when it is asked for.

use leptos::prelude::*;

/// The explanation, folded away.
#[component]
pub fn Why(
    /// What unfolds it.
    label: &'static str,
    /// Each figure's name, and what it says.
    entries: Vec<(&'static str, &'static str)>,
) -> impl IntoView {
    let entry = |(name, why)| view! { <div><dt>{name}</dt><dd>{why}</dd></div> };
    view! {
        <details class="why">
            <summary>{label}</summary>
            <dl>{entries.into_iter().map(entry).collect_view()}</dl>
        </details>
    }
}
