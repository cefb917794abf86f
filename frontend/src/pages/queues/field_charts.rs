//! Fields of the messages as live charts, above the list.

use std::collections::BTreeSet;

use leptos::prelude::*;

use crate::app::use_control;
use crate::chart::view::Chart;
use crate::state::{units, visible};

/// Seconds that a field's chart shows.
const WINDOW_SECS: f64 = 60.0;

/// The charts; nothing when no field was chosen.
#[component]
pub fn FieldCharts() -> impl IntoView {
    let control = use_control();
    let fields = control.stores.fields.clone();
    let paths = Memo::new({
        let fields = fields.clone();
        move |_| {
            fields.with(|fields| fields.fields().iter().map(|field| field.path.clone()).collect::<Vec<_>>())
        }
    });
    let store = control.stores.field_series;
    let chart = move |path: String| {
        let of_path = path.clone();
        let fields = fields.clone();
        let counts = Memo::new(move |_| {
            fields.with(|fields| {
                let field = fields.fields().iter().find(|field| field.path == of_path);
                field.map(|field| (field.n_points, field.n_without)).unwrap_or_default()
            })
        });
        let note = move || match counts.get() {
            (n, 0) => units::counted(n, "message", "messages"),
            (n, without) => format!(
                "{}, {} without this number",
                units::counted(n, "message", "messages"),
                units::count(without)
            ),
        };
        let (control, of_button) = (control.clone(), path.clone());
        view! {
            <li class="field-chart">
                <Chart
                    title=visible::line(path.as_bytes())
                    unit=""
                    metric=path
                    store
                    window_secs=Signal::stored(WINDOW_SECS)
                    hidden=Signal::stored(BTreeSet::new())
                />
                <p class="unit">{note}</p>
                <button class="button quiet" type="button" on:click=move |_| control.unchart_field(&of_button)>"Close"</button>
            </li>
        }
    };
    view! {
        <Show when=move || !paths.with(Vec::is_empty)>
            <ul class="field-charts" aria-label="Charts of fields">
                <For each=move || paths.get() key=Clone::clone children=chart.clone() />
            </ul>
        </Show>
    }
}
