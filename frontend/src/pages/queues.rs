//! *Queues*: the broker's channels; of one of them the messages, its figures, and a form to publish.

pub mod channel_chart;
pub mod channel_columns;
pub mod channel_detail;
pub mod channel_list;
pub mod channel_row;
pub mod channel_table;
pub mod channel_turns;
pub mod engine_notice;
pub mod field_charts;
pub mod message_detail;
pub mod payload_lines;
pub mod payload_view;
pub mod payload_viewer;
pub mod publish_draft;
pub mod publish_form;
pub mod publish_history;
pub mod publish_repeat;
pub mod purge;
pub mod save;
pub mod tail_accounts;
pub mod tail_controls;
pub mod tail_filter;
pub mod tail_list;
pub mod tail_panel;
pub mod tail_row;
pub mod why;

use leptos::prelude::*;
use signalbox_shared::api::Features;
use signalbox_shared::engine::Permits;

use crate::control::{Control, use_control};
use crate::state::route::View;
use channel_table::ChannelTable;
use engine_notice::EngineNotice;
use tail_panel::ChannelPanel;

/// What the address calls the part of a channel that is shown.
pub(crate) const QUERY_TAB: &str = "tab";

/// The page.
#[component]
pub fn QueuesPage() -> impl IntoView {
    let stores = use_control().stores;
    let (view, query) = (stores.view, stores.query);
    let chosen = Memo::new(move |_| match view.get() {
        View::Queues(channel) => channel,
        _ => None,
    });
    // A narrow window shows one pane: the list, or what was chosen from it.
    let is_right = move || chosen.with(Option::is_some) || query.with(|query| query.get(QUERY_TAB).is_some());
    view! {
        <div class="page queues" data-chosen=move || is_right().to_string()>
            <div class="queues-list">
                <EngineNotice />
                <ChannelTable chosen />
            </div>
            <ChannelPanel chosen />
        </div>
    }
}

/// Whether the administrator allows something; before the relay has said so, nothing is offered that it may refuse.
pub(crate) fn can(control: &Control, which: fn(&Permits) -> bool) -> Memo<bool> {
    relay_has(control, move |features| which(&features.permits))
}

/// Whether the engine tells statistics of its channels; before the relay has said so, it is taken to.
fn tells_statistics(control: &Control) -> Memo<bool> {
    relay_has(control, |features| features.stats)
}

fn relay_has(control: &Control, which: impl Fn(&Features) -> bool + Send + Sync + 'static) -> Memo<bool> {
    let hello = control.stores.hello.clone();
    Memo::new(move |_| hello.with(|hello| hello.as_ref().is_none_or(|hello| which(&hello.features))))
}
