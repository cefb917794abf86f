//! The channels and their figures: a grid of which only the rows in view exist. While somebody points at it or has the
//! keyboard in it, rows neither come, go nor change places, so that a click lands where it was aimed; figures go on.

use std::collections::BTreeSet;
use std::sync::Arc;

use leptos::html::Div;
use leptos::prelude::*;
use signalbox_shared::ChannelName;
use web_sys::KeyboardEvent;

use super::channel_columns::{ColumnChooser, HEAD_PX, HeaderRow, template};
use super::channel_list::List;
use super::channel_row::Row;
use super::tells_statistics;
use crate::components::empty::Empty;
use crate::components::viewport::use_viewport;
use crate::control::use_control;
use crate::state::channel_list::ListRow;
use crate::state::channel_standing::Standing;
use crate::state::channels::Search;
use crate::state::route::View;
use crate::state::units;
use crate::state::virtual_rows::{Viewport, drawn, reveal};

/// How many channels there are.
#[derive(Clone, Copy, PartialEq)]
struct Summary {
    is_known: bool,
    n_channels: usize,
    /// Those that are looked for, while some are.
    n_found: Option<usize>,
    /// Those that did not fit.
    n_refused: usize,
    /// Whether one of them is not Signalbox's own.
    has_foreign: bool,
}

/// The panel.
#[component]
pub fn ChannelTable(
    /// The channel whose messages are shown.
    chosen: Memo<Option<ChannelName>>,
) -> impl IntoView {
    let control = use_control();
    let is_told = tells_statistics(&control);
    let stores = control.stores;
    let list = List::new(chosen, is_told, &stores.channels);
    let standing = Memo::new({
        let channels = stores.channels.clone();
        move |old: Option<&Standing>| {
            let (settings, is_held) = (list.settings.get(), list.is_held());
            channels.with(|channels| Standing::after(old, channels, settings, is_held))
        }
    });
    let rows = Memo::new(move |_| standing.with(|standing| Arc::clone(&standing.rows)));
    let summary = Memo::new({
        let channels = stores.channels;
        move |_| {
            let search = list.settings.with(|settings| Search::new(&settings.search));
            channels.with(|channels| Summary {
                is_known: channels.is_known,
                n_channels: channels.len(),
                n_found: search
                    .is_narrowing()
                    .then(|| channels.names().filter(|name| search.finds(name)).count()),
                n_refused: channels.n_refused,
                has_foreign: channels.has_foreign(),
            })
        }
    });
    let summary_text = move || {
        let Summary { n_channels, n_found, n_refused, .. } = summary.get();
        let found = n_found.map(|n| format!("{} of ", units::count(n as u64))).unwrap_or_default();
        let text = format!("{found}{}", units::counted(n_channels as u64, "channel", "channels"));
        if n_refused == 0 {
            text
        } else {
            format!("{text}, {} more not kept", units::count(n_refused as u64))
        }
    };
    let held_note = move || {
        let n_waiting = standing.with(|standing| standing.n_waiting) as u64;
        let waiting = match n_waiting {
            0 => String::new(),
            1 => "; 1 new channel waits".to_owned(),
            n => format!("; {} new channels wait", units::count(n)),
        };
        list.is_held().then(|| format!("Order held while you point or type here; figures go on{waiting}"))
    };
    view! {
        <section class="panel channel-panel" aria-labelledby="channels-title">
            <div class="panel-head">
                <h1 id="channels-title">"Channels"</h1>
                <p class="summary">{summary_text}</p>
                <input
                    class="field filter"
                    type="search"
                    placeholder="Search"
                    aria-label="Show channels whose name contains"
                    prop:value=move || list.settings.with(|settings| settings.search.clone())
                    on:input=move |event| {
                        list.change(|settings| settings.search = event_target_value(&event));
                    }
                />
                <button
                    class="button quiet"
                    type="button"
                    aria-pressed=move || list.settings.with(|settings| settings.is_tree).to_string()
                    title="Group the channels by the parts of their names between the slashes"
                    on:click=move |_| list.change(|settings| settings.is_tree = !settings.is_tree)
                >
                    "Tree"
                </button>
                <ColumnChooser list />
                <PublishLink />
            </div>
            <Grid list rows summary />
            <p class="held-note">{held_note}</p>
        </section>
    }
}

/// Without a chosen channel, a narrow window shows the list alone: this leads to the form.
#[component]
fn PublishLink() -> impl IntoView {
    let control = use_control();
    let can_publish = super::can(&control, |permits| permits.publish);
    view! {
        <Show when=move || can_publish.get()>
            <button class="button quiet publish-link" type="button" on:click={
                let control = control.clone();
                move |_| control.set_query(super::QUERY_TAB, Some("publish".to_owned()))
            }>
                "Publish …"
            </button>
        </Show>
    }
}

#[component]
fn Grid(
    /// What the parts share.
    list: List,
    /// The rows.
    rows: Memo<Arc<[ListRow]>>,
    /// How many there are.
    summary: Memo<Summary>,
) -> impl IntoView {
    let scroller: NodeRef<Div> = NodeRef::new();
    let (viewport, measure) = use_viewport(scroller);
    let row_px = move || list.row_px();
    let slice = Memo::new(move |_| drawn(viewport.get(), rows.with(|rows| rows.len()), row_px()));
    let shift_px = Memo::new(move |_| slice.get().shift_px(row_px()));
    let shown = move || {
        let slice = slice.get();
        rows.with(|rows| {
            let last = rows.len().min(slice.first + slice.n);
            let first = slice.first.min(last);
            rows[first..last].iter().cloned().enumerate().map(|(n, row)| (first + n, row)).collect::<Vec<_>>()
        })
    };
    let on_keydown = {
        let keys = Keys { list, rows, scroller, viewport };
        move |event: KeyboardEvent| keys.pressed(&event)
    };
    let active_id = move || {
        let active = list.active.get()?;
        let place = rows.with(|rows| rows.iter().position(|row| row.key() == active))?;
        Some(format!("channel-row-{place}"))
    };
    view! {
        <div class="channel-scroll" data-many=move || list.has_many().to_string() node_ref=scroller on:scroll=move |_| measure()
            on:pointerenter=move |event| if event.pointer_type() != "touch" { list.is_pointed_at.set(true) }
            on:pointerleave=move |_| list.is_pointed_at.set(false)
        >
            <div
                class="channels"
                role=move || if list.settings.with(|settings| settings.is_tree) { "treegrid" } else { "grid" }
                aria-label="Channels of the broker"
                aria-rowcount=move || (rows.with(|rows| rows.len()) + 1).to_string()
                aria-colcount=move || list.columns.with(BTreeSet::len).to_string()
                aria-activedescendant=active_id
                tabindex="0"
                hidden=move || rows.with(|rows| rows.is_empty())
                style=("--columns", move || list.columns.with(|columns| template(columns, list.is_told.get())))
                on:keydown=on_keydown
                on:focus=move |_| list.has_keyboard.set(true)
                on:blur=move |_| list.has_keyboard.set(false)
            >
                <HeaderRow list />
                <div class="channel-rows" role="rowgroup" style:height=move || format!("{}px", slice.get().extent_px)>
                    <For each=shown key=|(place, row)| (*place, row.key()) let:((place, row))>
                        <Row list place row shift_px />
                    </For>
                </div>
            </div>
            {move || nothing(summary.get(), rows.with(|rows| rows.is_empty()))}
        </div>
    }
}

/// What stands below the rows when there are none, or none but those that Signalbox has for itself.
fn nothing(summary: Summary, is_empty: bool) -> Option<AnyView> {
    let view = match summary {
        Summary { is_known: false, .. } => {
            view! { <p class="quiet-note">"Waiting for the list of channels …"</p> }.into_any()
        }
        Summary { has_foreign: false, .. } => view! {
            <Empty
                title=if summary.n_channels == 0 { "No channel is in use yet" } else { "No other channel is in use yet" }
                text="A channel exists from its first message or subscriber on. This sends one message:"
                commands=vec!["echo hello | signalbox send /topic/hello".to_owned()]
            />
        }
        .into_any(),
        _ if is_empty => view! { <p class="quiet-note">"No channel's name contains that."</p> }.into_any(),
        _ => return None,
    };
    Some(view)
}

/// What the keys do.
#[derive(Clone, Copy)]
struct Keys {
    list: List,
    rows: Memo<Arc<[ListRow]>>,
    scroller: NodeRef<Div>,
    viewport: RwSignal<Viewport>,
}

impl Keys {
    fn pressed(self, event: &KeyboardEvent) {
        if event.ctrl_key() || event.meta_key() || event.alt_key() {
            return;
        }
        // Whoever has clicked a channel goes on from there.
        let chosen =
            || self.list.chosen.get_untracked().map(|name| ListRow::Channel { name, level: 0 }.key());
        let active = self.list.active.get_untracked().or_else(chosen);
        let (n, at) = self.rows.with_untracked(|rows| {
            let at = active.and_then(|active| rows.iter().position(|row| row.key() == active));
            (rows.len(), at)
        });
        if n == 0 {
            return;
        }
        let row_px = untrack(|| self.list.row_px());
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a screen's rows")]
        let page = (self.viewport.get_untracked().height_px / row_px) as usize;
        let last = n - 1;
        let next = match event.key().as_str() {
            "ArrowDown" => at.map_or(0, |at| (at + 1).min(last)),
            "ArrowUp" => at.map_or(last, |at| at.saturating_sub(1)),
            "PageDown" => (at.unwrap_or(0) + page).min(last),
            "PageUp" => at.unwrap_or(0).saturating_sub(page),
            "Home" => 0,
            "End" => last,
            "Enter" | " " => return self.open(event, at),
            "ArrowLeft" | "ArrowRight" => match self.fold(event, at, event.key() == "ArrowRight") {
                Some(next) => next,
                None => return,
            },
            _ => return,
        };
        event.prevent_default();
        self.go(next, n, row_px);
    }

    fn go(self, next: usize, n: usize, row_px: f64) {
        self.list.active.set(self.rows.with_untracked(|rows| rows.get(next).map(ListRow::key)));
        let Some(scroller) = self.scroller.get_untracked() else { return };
        // The head stands over the first row's place.
        let mut view = self.viewport.get_untracked();
        view.height_px -= HEAD_PX;
        if let Some(top_px) = reveal(view, next, n, row_px) {
            #[expect(clippy::cast_possible_truncation, reason = "within the list's extent")]
            scroller.set_scroll_top(top_px.round() as i32);
        }
    }

    fn open(self, event: &KeyboardEvent, at: Option<usize>) {
        let row = at.and_then(|at| self.rows.with_untracked(|rows| rows.get(at).cloned()));
        event.prevent_default();
        match row {
            Some(ListRow::Channel { name, .. }) => {
                let _ = location().set_hash(&View::Queues(Some(name)).href());
            }
            Some(ListRow::Group { prefix, is_open, .. }) => self.list.toggle_group(&prefix, !is_open),
            None => {}
        }
    }

    /// Opens or folds the branch. Where it is as it was wished, gives the row to go to: the first one on it, or the branch
    /// that a row stands on (ARIA's pattern of a tree grid).
    fn fold(self, event: &KeyboardEvent, at: Option<usize>, is_open: bool) -> Option<usize> {
        let at = at?;
        let row = self.rows.with_untracked(|rows| rows.get(at).cloned())?;
        match row {
            ListRow::Group { prefix, is_open: was_open, .. } if was_open != is_open => {
                event.prevent_default();
                self.list.toggle_group(&prefix, is_open);
                None
            }
            ListRow::Group { .. } if is_open => Some(at + 1),
            row if !is_open => self
                .rows
                .with_untracked(|rows| rows.iter().take(at).rposition(|above| above.level() < row.level())),
            _ => None,
        }
    }
}
