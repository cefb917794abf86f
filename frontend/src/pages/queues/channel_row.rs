//! One row of the list of channels: a channel, or a group of them with their sums.

use leptos::prelude::*;
use signalbox_shared::ChannelName;

use super::channel_list::List;
use crate::components::long_name::LongName;
use crate::control::use_control;
use crate::state::channel_cells::{self, Cell, Value, kind_words};
use crate::state::channel_list::{Column, ListRow};
use crate::state::channels::Search;
use crate::state::route::View;
use crate::state::{units, visible};

/// The row at `place`. While the list is scrolled several come with each frame, so that what a row watches is kept small:
/// its cells are made together.
#[component]
pub fn Row(
    /// What the parts share.
    list: List,
    /// Its place, from 0.
    place: usize,
    /// What it shows.
    row: ListRow,
    /// How far it stands from where its place would be ([`crate::state::virtual_rows::Drawn::shift_px`]).
    shift_px: Memo<f64>,
) -> impl IntoView {
    let stores = use_control().stores;
    let key = row.key();
    let is_active = Memo::new(move |_| list.active.with(|active| active.as_ref() == Some(&key)));
    let is_tree = move || list.settings.with(|settings| settings.is_tree);
    let level = row.level();
    let chosen_name = row.channel().cloned();
    let is_chosen =
        Memo::new(move |_| chosen_name.is_some() && list.chosen.with(|chosen| *chosen == chosen_name));
    let channels = stores.channels;
    let (name, expanded, cells) = match row {
        ListRow::Channel { name, .. } => {
            let shown = name_cell(&name, level);
            let cells = Memo::new(move |_| {
                list.turns.track(place);
                let of_channel =
                    |layout: &_| channels.peek(|channels| channel_cells::of_channel(channels, &name, layout));
                list.layout.with(of_channel)
            });
            (shown, None, cells)
        }
        ListRow::Group { prefix, is_open, .. } => {
            // The sums are of what is shown: of what the search finds, folded away or not.
            let sums = Memo::new({
                let prefix = prefix.clone();
                move |_| {
                    list.turns.track(place);
                    let search = list.settings.with(|settings| Search::new(&settings.search));
                    channels.peek(|channels| channels.sums(&prefix, &search))
                }
            });
            let n = Memo::new(move |_| sums.with(|sums| sums.n_channels));
            let cells = Memo::new(move |_| {
                sums.with(|sums| list.layout.with(|layout| channel_cells::of_group(sums, layout)))
            });
            (group_cell(list, prefix, is_open, n), Some(is_open.to_string()), cells)
        }
    };
    let clock_ms = stores.clock_ms;
    let cells = move || {
        cells.with(|cells| {
            // The clock moves every second, and most cells do not age.
            let is_aging = cells.iter().any(|cell| cell.value.is_aging());
            let now_ms = if is_aging { clock_ms.get() } else { clock_ms.get_untracked() };
            cells.iter().map(|cell| cell_view(cell, now_ms)).collect_view()
        })
    };
    view! {
        <div
            class="channel-row"
            class:chosen=is_chosen
            class:active=is_active
            role="row"
            id=format!("channel-row-{place}")
            aria-rowindex=(place + 2).to_string()
            attr:aria-level=move || is_tree().then(|| (level + 1).to_string())
            aria-expanded=expanded
            aria-selected=move || is_chosen.get().to_string()
            data-level=level.min(8).to_string()
            style:top=move || format!("{}px", place as f64 * list.row_px() + shift_px.get())
        >
            {name}
            {cells}
        </div>
    }
}

fn cell_view(cell: &Cell, now_ms: i64) -> impl IntoView + use<> {
    let spark = cell.spark.clone().map(|(direction, path)| {
        view! {
            <svg
                class="spark"
                data-line=direction.line()
                viewBox="0 0 60 16"
                preserveAspectRatio="none"
                aria-hidden="true"
            >
                <path d=path />
            </svg>
        }
    });
    let label = match cell.value {
        Value::AllUnknown(_) => "",
        _ => cell.column.title(),
    };
    view! {
        <div
            class=cell_class(cell)
            role="gridcell"
            data-label=label
            title=cell.title(now_ms)
        >
            {spark}
            <span>{cell.text(now_ms)}</span>
        </div>
    }
}

/// In one word, where a class that is there or not would be a question to the browser each time.
fn cell_class(cell: &Cell) -> String {
    let is_all = matches!(cell.value, Value::AllUnknown(_));
    let classes = [
        ("number", cell.column != Column::Kind && !is_all),
        ("bad", cell.is_bad()),
        ("unknown", cell.value.is_unknown()),
        ("all-unknown", is_all),
    ];
    let classes = classes.into_iter().filter(|(_, is_on)| *is_on).map(|(class, _)| class);
    std::iter::once("channel-cell").chain(classes).collect::<Vec<_>>().join(" ")
}

fn name_cell(name: &ChannelName, level: usize) -> AnyView {
    let (word, meaning) = kind_words(name.kind());
    let href = View::Queues(Some(name.clone())).href();
    // In the tree the groups above say the beginning of the name.
    let text = visible::line(name.as_str().as_bytes());
    let rest = name.as_str().rsplit_once('/').map_or(name.as_str(), |(_, rest)| rest);
    let label = if level == 0 || rest.is_empty() { text.clone() } else { visible::line(rest.as_bytes()) };
    view! {
        <div class="channel-cell channel-name" role="rowheader">
            <a class="channel-link" href=href tabindex="-1" title=text.clone() aria-label=format!("{text}, {word}")>
                <span class="kind" data-kind=word title=meaning>{word}</span>
                <LongName name=label />
            </a>
        </div>
    }
    .into_any()
}

fn group_cell(list: List, prefix: String, is_open: bool, n: Memo<usize>) -> AnyView {
    // The groups above say the beginning of this one, too.
    let last = prefix.trim_end_matches('/').rfind('/').map_or(0, |at| at + usize::from(0 < at));
    let label = visible::line(&prefix.as_bytes()[last..]);
    view! {
        <div class="channel-cell channel-name group-name" role="rowheader">
            <button
                class="group-button"
                type="button"
                tabindex="-1"
                title=visible::line(prefix.as_bytes())
                data-open=is_open.to_string()
                on:click=move |_| list.toggle_group(&prefix, !is_open)
            >
                <LongName name=label />
                <span class="unit">
                    {move || units::count(n.get() as u64)}
                    <span class="group-word">{move || if n.get() == 1 { " channel" } else { " channels" }}</span>
                </span>
            </button>
        </div>
    }
    .into_any()
}
