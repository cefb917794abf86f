//! Fields of the messages as live charts, above the list.

use leptos::prelude::*;

use super::channel_chart::ChannelChart;
use crate::control::use_control;
use crate::state::{units, visible};

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
                <ChannelChart title=visible::line(path.as_bytes()) unit="" metric=path store />
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
