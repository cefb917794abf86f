//! What the collector refused, below everything else: each reason with the last message and what was wrong with it.

use leptos::html;
use leptos::prelude::*;

use crate::control::use_control;
use crate::state::refusals::{Refusal, Refusals};
use crate::state::units;

/// The panel, when anything was refused; `panel` is where it stands, for whoever leads to it.
#[component]
pub fn RefusalPanel(
    /// The element.
    panel: NodeRef<html::Details>,
) -> impl IntoView {
    let stores = use_control().stores;
    let refusals = stores.refusals.signal();
    let relay_now_ms = move || {
        stores.clock_ms.track();
        whole(stores.series.relay_now_ms())
    };
    let summary = {
        let relay_now_ms = relay_now_ms.clone();
        move || refusals.with(|refusals| refusals.summary(relay_now_ms()))
    };
    let rows = move || {
        let row = |row: &Refusal| {
            let (relay_now_ms, dated) = (relay_now_ms.clone(), row.clone());
            let Refusal { what, reason, refused } = row.clone();
            let what = units::counted(refused.count, what, &format!("{what}s"));
            view! {
                <li>
                    <p>
                        <strong>{what}</strong>
                        " refused as "
                        <code>{reason}</code>
                        ", the last one "
                        {move || dated.when(relay_now_ms())}
                        ":"
                    </p>
                    <p>{refused.last_error}</p>
                    <pre>{refused.last_excerpt}</pre>
                </li>
            }
        };
        refusals.with(|refusals| refusals.rows.iter().map(row).collect_view())
    };
    let n_left_out = move || refusals.with(|refusals| refusals.n_left_out);
    view! {
        <Show when=move || !refusals.with(Refusals::is_empty)>
            <details class="panel refusals" node_ref=panel>
                <summary>
                    <h2>"Not taken"</h2>
                    <span class="summary">{summary.clone()}</span>
                </summary>
                <ul>{rows.clone()}</ul>
                <Show when=move || 0 < n_left_out()>
                    <p class="quiet-note">
                        "Numbers without a chart stay in their samples: an agent sends more than the bound "
                        <code>"collector_metrics_per_agent"</code>
                        " allows, or a name is too long or holds control characters."
                    </p>
                </Show>
                <p class="quiet-note">"Since the relay was started."</p>
            </details>
        </Show>
    }
}

#[expect(clippy::cast_possible_truncation, reason = "saturates, and moments are bounded")]
fn whole(ms: f64) -> i64 {
    ms.round() as i64
}
