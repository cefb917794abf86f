//! One row of the list of channels: a channel, or a group of them with their sums.

use leptos::prelude::*;
use signalbox_shared::api::ChannelRow;
use signalbox_shared::{ChannelKind, ChannelName};

use super::channel_table::{List, columns_of, toggle_group};
use crate::components::long_name::LongName;
use crate::control::use_control;
use crate::state::channel_list::{Column, ListRow};
use crate::state::channels::{Direction, Search, Sums};
use crate::state::route::View;
use crate::state::{spark, units, visible};

/// What stands for a figure that nobody knows.
const UNKNOWN: &str = "unknown";

/// The row at `place`.
#[component]
pub fn Row(
    /// What the parts share.
    list: List,
    /// Its place, from 0.
    place: usize,
    /// What it shows.
    row: ListRow,
) -> impl IntoView {
    let key = row.key();
    let is_active = Memo::new(move |_| list.active.with(|active| active.as_ref() == Some(&key)));
    let (level, expanded) = match &row {
        ListRow::Channel { level, .. } => (*level, None),
        ListRow::Group { level, is_open, .. } => (*level, Some(is_open.to_string())),
    };
    let is_tree = move || list.settings.with(|settings| settings.is_tree);
    let chosen_name = row.channel().cloned();
    let is_chosen =
        Memo::new(move |_| chosen_name.is_some() && list.chosen.with(|chosen| *chosen == chosen_name));
    // The sums are of what is shown: of what the search finds, folded away or not.
    let sums = match &row {
        ListRow::Channel { .. } => None,
        ListRow::Group { prefix, .. } => {
            let (channels, prefix) = (use_control().stores.channels, prefix.clone());
            Some(Memo::new(move |_| {
                let search = list.settings.with(|settings| Search::new(&settings.search));
                channels.with(|channels| channels.sums(&prefix, &search))
            }))
        }
    };
    let cells = move || {
        let columns = list.columns.with(columns_of);
        let is_told = list.is_told.get();
        if list.is_narrow.get() && !is_told {
            // One word for all of them, where each of its own would leave the screen.
            let (known, unknown): (Vec<_>, Vec<_>) = columns
                .into_iter()
                .partition(|column| matches!(column, Column::Name | Column::Kind | Column::Last));
            let titles = unknown.iter().map(|column| column.title()).collect::<Vec<_>>().join(", ");
            return view! {
                {known.into_iter().map(|column| cell(list, &row, sums, is_told, column)).collect_view()}
                {(!titles.is_empty()).then(|| view! {
                    <div class="channel-cell unknown all-unknown" role="gridcell">{format!("{titles}: {UNKNOWN}")}</div>
                })}
            }
            .into_any();
        }
        columns.into_iter().map(|column| cell(list, &row, sums, is_told, column)).collect_view().into_any()
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
        >
            {cells}
        </div>
    }
}

fn cell(list: List, row: &ListRow, sums: Option<Memo<Sums>>, is_told: bool, column: Column) -> AnyView {
    let sums = move || sums.map(|sums| sums.get()).unwrap_or_default();
    match (row, column) {
        (ListRow::Channel { name, level }, Column::Name) => name_cell(name, *level),
        (ListRow::Group { prefix, is_open, .. }, Column::Name) => {
            let n = Memo::new(move |_| sums().n_channels);
            group_cell(list, prefix.clone(), *is_open, n)
        }
        (ListRow::Channel { name, .. }, Column::Kind) => {
            let (word, meaning) = kind_words(name.kind());
            view! { <div class="channel-cell" role="gridcell" title=meaning data-label="Kind">{word}</div> }
                .into_any()
        }
        (ListRow::Group { .. }, Column::Kind) => {
            view! { <div class="channel-cell" role="gridcell"></div> }.into_any()
        }
        (ListRow::Channel { name, .. }, _) => channel_figure(name.clone(), is_told, column),
        (ListRow::Group { .. }, _) => {
            let value = Memo::new(move |_| figure(&sums(), column));
            let clock = use_control().stores.clock_ms;
            view! {
                <div
                    class="channel-cell number"
                    role="gridcell"
                    data-label=column.title()
                    class:unknown=move || value.get() == Figure::Unknown
                >
                    <span>{move || value.get().text(clock.get())}</span>
                </div>
            }
            .into_any()
        }
    }
}

fn kind_words(kind: ChannelKind) -> (&'static str, &'static str) {
    match kind {
        ChannelKind::Queue => ("queue", "each message to one subscriber"),
        ChannelKind::Topic => ("topic", "each message to every subscriber"),
        ChannelKind::Null => ("null", "counted and discarded"),
    }
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
        <div class="channel-cell channel-name" role="rowheader">
            <button
                class="group-button"
                type="button"
                tabindex="-1"
                title=visible::line(prefix.as_bytes())
                data-open=is_open.to_string()
                on:click=move |_| toggle_group(list, &prefix, !is_open)
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

/// A figure as it is known.
#[derive(Clone, Copy, PartialEq)]
enum Figure {
    Unknown,
    Count(u64),
    Rate(f64),
    Moment(Option<i64>),
}

impl Figure {
    fn text(self, now_ms: i64) -> String {
        match self {
            Self::Unknown => UNKNOWN.to_owned(),
            Self::Count(n) => units::count(n),
            Self::Rate(rate) => units::per_sec(rate),
            Self::Moment(None) => "never".to_owned(),
            Self::Moment(Some(at_ms)) => units::age(now_ms - at_ms),
        }
    }
}

fn figure(sums: &Sums, column: Column) -> Figure {
    let count = |n: Option<u64>| n.map_or(Figure::Unknown, Figure::Count);
    let rate = |rate: Option<f64>| rate.map_or(Figure::Unknown, Figure::Rate);
    match column {
        Column::Name | Column::Kind => Figure::Unknown,
        Column::Depth => count(sums.depth),
        Column::In => rate(sums.in_per_sec),
        Column::Out => rate(sums.out_per_sec),
        Column::Subscribers => count(sums.subscribers),
        Column::Dropped => count(sums.dropped),
        Column::Unrouted => count(sums.unrouted),
        Column::Last => Figure::Moment(sums.last_message_at_ms),
    }
}

fn channel_figure(name: ChannelName, is_told: bool, column: Column) -> AnyView {
    let stores = use_control().stores;
    let (channels, of_name) = (stores.channels.clone(), name.clone());
    // A channel that is gone while the order is held keeps its place and says so.
    let value = Memo::new(move |_| {
        channels.with(|channels| {
            channels.row(&of_name).map(|row| (figure(&Sums::of(row), column), note(row, column)))
        })
    });
    let clock = stores.clock_ms;
    let text = move || match value.get() {
        Some((figure, _)) => figure.text(clock.get()),
        None => "gone".to_owned(),
    };
    let is_bad = move || {
        let is_loss = matches!(column, Column::Dropped);
        is_loss && matches!(value.get(), Some((Figure::Count(1..), _)))
    };
    let direction = match column {
        Column::In => Some(Direction::In),
        Column::Out => Some(Direction::Out),
        _ => None,
    };
    // Where nobody tells, the word has the place for itself.
    let spark = direction.filter(|_| is_told).map(|direction| {
        let channels = stores.channels.clone();
        let path =
            Memo::new(move |_| channels.with(|channels| spark::path(&channels.rates(&name, direction))));
        view! {
            <svg
                class="spark"
                data-line=direction.line()
                viewBox="0 0 60 16"
                preserveAspectRatio="none"
                aria-hidden="true"
            >
                <path d=move || path.get() />
            </svg>
        }
    });
    view! {
        <div
            class="channel-cell number"
            role="gridcell"
            data-label=column.title()
            class:bad=is_bad
            class:unknown=move || matches!(value.get(), None | Some((Figure::Unknown, _)))
            title=move || value.get().and_then(|(_, note)| note)
        >
            {spark}
            <span>{text}</span>
        </div>
    }
    .into_any()
}

/// What can be said besides the figure: bytes beside the depth, and what this relay saw where the engine tells nothing.
fn note(row: &ChannelRow, column: Column) -> Option<String> {
    match (column, &row.seen) {
        (Column::Depth, _) => row.depth_bytes.map(|bytes| format!("{} wait", units::bytes(bytes))),
        (Column::In, Some(seen)) => Some(format!(
            "The engine does not tell. Published through this relay: {}",
            units::per_sec(seen.published_per_sec)
        )),
        (Column::Out, Some(seen)) => Some(format!(
            "The engine does not tell. Came to this relay: {}",
            units::per_sec(seen.received_per_sec)
        )),
        (Column::Dropped, Some(seen)) => {
            Some(format!("The engine does not tell. Lost by this relay: {}", units::count(seen.dropped)))
        }
        _ => None,
    }
}
