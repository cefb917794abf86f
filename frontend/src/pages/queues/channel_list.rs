//! What the parts of the channel list share: what a person has chosen, what follows from it, and what is remembered.

use std::collections::BTreeSet;

use leptos::prelude::*;
use signalbox_shared::ChannelName;

use super::channel_turns::Turns;
use crate::browser::storage;
use crate::control::live::Live;
use crate::state::channel_cells::Layout;
use crate::state::channel_list::{Column, ListSettings, Sort};
use crate::state::channels::Channels;

/// Height of a row in CSS pixels where the window is wide; `--channel-row` in the style sheet says the same.
const ROW_PX: f64 = 40.0;
/// The same where it is narrow and the figures stand below the name.
const ROW_NARROW_PX: f64 = 68.0;
/// The same with so many figures that they take two lines.
const ROW_MANY_PX: f64 = 96.0;
/// Most figures that stand in one line of a narrow window.
const FIGURES_MAX: usize = 5;
/// From this width on a window is wide, in CSS pixels; narrow.css says the same.
const NARROW_PX_MAX: f64 = 860.0;

/// The choices, and what follows from them.
#[derive(Clone, Copy)]
pub struct List {
    /// Search, order and tree.
    pub settings: RwSignal<ListSettings>,
    /// Which columns are shown.
    pub columns: RwSignal<BTreeSet<Column>>,
    /// Whether the pointer is over the list.
    pub is_pointed_at: RwSignal<bool>,
    /// Whether the keyboard is in it.
    pub has_keyboard: RwSignal<bool>,
    /// The row that the keyboard is at, by its key.
    pub active: RwSignal<Option<String>>,
    /// The channel whose messages are shown.
    pub chosen: Memo<Option<ChannelName>>,
    /// Whether the window is narrow.
    pub is_narrow: RwSignal<bool>,
    /// Whether the engine tells statistics of its channels; where it does not, most figures are unknown.
    pub is_told: Memo<bool>,
    /// Which cells a row has.
    pub layout: Memo<Layout>,
    /// Tells the rows of new figures.
    pub turns: Turns,
}

impl List {
    /// As a person left it. Ends with the current owner.
    pub(super) fn new(
        chosen: Memo<Option<ChannelName>>,
        is_told: Memo<bool>,
        channels: &Live<Channels>,
    ) -> Self {
        let columns = RwSignal::new(remembered_columns());
        let is_narrow = RwSignal::new(is_window_narrow());
        let resized = window_event_listener(leptos::ev::resize, move |_| {
            let _ = is_narrow.try_set(is_window_narrow());
        });
        on_cleanup(move || resized.remove());
        Self {
            settings: RwSignal::new(remembered_settings()),
            columns,
            is_pointed_at: RwSignal::new(false),
            has_keyboard: RwSignal::new(false),
            active: RwSignal::new(None),
            chosen,
            is_narrow,
            is_told,
            layout: Memo::new(move |_| Layout {
                columns: columns.get(),
                is_told: is_told.get(),
                is_narrow: is_narrow.get(),
            }),
            turns: Turns::of(channels),
        }
    }

    /// Whether the order stands still.
    pub(super) fn is_held(self) -> bool {
        // Both are read, so that a change of either is heard of.
        let (is_pointed_at, has_keyboard) = (self.is_pointed_at.get(), self.has_keyboard.get());
        is_pointed_at || has_keyboard
    }

    /// Whether a row has more figures than a narrow window has room for in one line.
    pub(super) fn has_many(self) -> bool {
        self.is_told.get() && FIGURES_MAX < self.columns.with(BTreeSet::len).saturating_sub(1)
    }

    /// Height of a row in CSS pixels.
    pub(super) fn row_px(self) -> f64 {
        match (self.is_narrow.get(), self.has_many()) {
            (false, _) => ROW_PX,
            (true, false) => ROW_NARROW_PX,
            (true, true) => ROW_MANY_PX,
        }
    }

    /// Searches, sorts or groups otherwise.
    pub(super) fn change(self, change: impl FnOnce(&mut ListSettings)) {
        self.settings.update(change);
        let settings = self.settings.get_untracked();
        let text = format!("{}{}", settings.sort.write(), if settings.is_tree { " tree" } else { "" });
        storage::remember(storage::CHANNEL_LIST, Some(&text));
    }

    /// Sorts by a column; again, the other way round.
    pub(super) fn sort_by(self, column: Column) {
        self.change(|settings| settings.sort = settings.sort.clicked(column));
    }

    /// Opens or folds a group.
    pub(super) fn toggle_group(self, prefix: &str, is_open: bool) {
        self.settings.update(|settings| {
            if is_open {
                settings.folded.remove(prefix);
            } else {
                settings.folded.insert(prefix.to_owned());
            }
        });
    }

    /// Shows a column, or hides it.
    pub(super) fn toggle_column(self, column: Column, is_shown: bool) {
        self.columns.update(|columns| {
            if is_shown {
                columns.insert(column);
            } else {
                columns.remove(&column);
            }
        });
        let text = self.columns.with_untracked(Column::write_all);
        storage::remember(storage::CHANNEL_COLUMNS, Some(&text));
    }
}

/// The columns that a person has chosen before, or those that fit beside the messages.
fn remembered_columns() -> BTreeSet<Column> {
    let text = storage::remembered(storage::CHANNEL_COLUMNS).unwrap_or_default();
    Column::read_all(&text).unwrap_or_else(|| {
        [Column::Name, Column::Depth, Column::In, Column::Out, Column::Subscribers, Column::Dropped].into()
    })
}

fn remembered_settings() -> ListSettings {
    let text = storage::remembered(storage::CHANNEL_LIST).unwrap_or_default();
    let (sort, tree) = text.split_once(' ').unwrap_or((&text, ""));
    ListSettings { sort: Sort::read(sort).unwrap_or_default(), is_tree: tree == "tree", ..Default::default() }
}

fn is_window_narrow() -> bool {
    window().inner_width().ok().and_then(|width| width.as_f64()).is_some_and(|width| width <= NARROW_PX_MAX)
}
