//! The columns of the list of channels: which are shown, how wide they are, and their heads.

use std::collections::BTreeSet;

use leptos::html::Details;
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use web_sys::{HtmlElement, KeyboardEvent, Node};

use super::channel_list::List;
use super::why::Why;
use crate::state::channel_list::Column;

/// Height of the heads in CSS pixels; queues.css says the same.
pub(super) const HEAD_PX: f64 = 34.0;

/// The columns' widths, for the style sheet. Where nobody tells the figures, each column has room for the word that says
/// so instead of a small chart.
pub(super) fn template(columns: &BTreeSet<Column>, is_told: bool) -> String {
    let width = |column: &Column| match column {
        Column::Name => "minmax(140px, 1fr)",
        Column::Kind => "64px",
        Column::Last => "68px",
        _ if !is_told => "76px",
        Column::Depth | Column::Dropped | Column::Unrouted => "68px",
        Column::In | Column::Out => "98px",
        Column::Subscribers => "48px",
    };
    columns.iter().map(width).collect::<Vec<_>>().join(" ")
}

/// The heads; each sorts by its column.
#[component]
pub fn HeaderRow(
    /// What the parts share.
    list: List,
) -> impl IntoView {
    let columns = move || list.columns.get();
    view! {
        <div class="channel-head" role="rowgroup">
            <div class="channel-heads" role="row" aria-rowindex="1">
                <For each=columns key=|column| *column let:column>
                    <Head list column />
                </For>
            </div>
        </div>
    }
}

#[component]
fn Head(
    /// What the parts share.
    list: List,
    /// Which column.
    column: Column,
) -> impl IntoView {
    let sorted = Memo::new(move |_| {
        let sort = list.settings.with(|settings| settings.sort);
        (sort.column == column).then_some(sort.is_descending)
    });
    let aria = move || match sorted.get() {
        None => "none",
        Some(false) => "ascending",
        Some(true) => "descending",
    };
    let is_number = column.is_figure();
    view! {
        <div class="channel-cell" class:number=is_number role="columnheader" aria-sort=aria>
            <button
                class="head-button"
                type="button"
                tabindex="-1"
                title=format!("{}. Click to sort", column.hint())
                on:click=move |_| list.sort_by(column)
            >
                {column.title()}
            </button>
        </div>
    }
}

/// Chooses the columns and, for the keyboard and narrow windows, the order.
#[component]
pub fn ColumnChooser(
    /// What the parts share.
    list: List,
) -> impl IntoView {
    let choices = Column::ALL.into_iter().filter(|column| *column != Column::Name).map(|column| {
        view! {
            <label class="choice" title=column.hint()>
                <input
                    type="checkbox"
                    prop:checked=move || list.columns.with(|columns| columns.contains(&column))
                    on:change=move |event| list.toggle_column(column, event_target_checked(&event))
                />
                {column.title()}
            </label>
        }
    });
    let orders = Column::ALL.map(|column| {
        let is_chosen = move || list.settings.with(|settings| settings.sort.column == column);
        view! {
            <button class="button quiet" type="button" aria-pressed=move || is_chosen().to_string() on:click=move |_| list.sort_by(column)>
                {column.title()}
            </button>
        }
    });
    let chooser: NodeRef<Details> = NodeRef::new();
    let close = move || {
        let open = chooser.get_untracked().filter(|chooser| chooser.has_attribute("open"));
        open.map(|chooser| chooser.remove_attribute("open")).is_some()
    };
    // Whoever goes on elsewhere is done with it.
    let clicked = window_event_listener(leptos::ev::click, move |event| {
        let target = event.target().and_then(|target| target.dyn_into::<Node>().ok());
        if let Some(Some(chooser)) = chooser.try_get_untracked()
            && !chooser.contains(target.as_ref())
        {
            close();
        }
    });
    on_cleanup(move || clicked.remove());
    let on_keydown = move |event: KeyboardEvent| {
        if event.key() == "Escape"
            && close()
            && let Some(Ok(Some(summary))) =
                chooser.get_untracked().map(|chooser| chooser.query_selector("summary"))
        {
            // It is on the page, so it can have the keyboard.
            let _ = summary.unchecked_into::<HtmlElement>().focus();
        }
    };
    view! {
        <details class="chooser" node_ref=chooser on:keydown=on_keydown>
            <summary class="button quiet">"Columns"</summary>
            <div class="chooser-panel">
                <fieldset>
                    <legend>"Columns shown"</legend>
                    {choices.collect_view()}
                </fieldset>
                <fieldset>
                    <legend>"Order by (again: the other way round)"</legend>
                    {orders.collect_view()}
                </fieldset>
                <Why label="What the columns say" entries=Column::ALL.map(|column| (column.title(), column.hint())).to_vec() />
            </div>
        </details>
    }
}
