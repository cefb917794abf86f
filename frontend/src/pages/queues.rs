//! *Queues*: the broker's channels, the messages of one of them, and a form to publish.

pub mod channel_table;
pub mod message_detail;
pub mod publish_form;
pub mod tail_list;
pub mod tail_panel;

use leptos::prelude::*;

use crate::app::use_control;
use crate::state::route::View;
use channel_table::ChannelTable;
use publish_form::PublishForm;
use tail_panel::TailPanel;

/// The page.
#[component]
pub fn QueuesPage() -> impl IntoView {
    let stores = use_control().stores;
    let chosen = Memo::new(move |_| match stores.view.get() {
        View::Queues(channel) => channel,
        _ => None,
    });
    view! {
        <div class="page queues" data-chosen=move || chosen.with(|chosen| chosen.is_some().to_string())>
            <div class="queues-list">
                <ChannelTable chosen />
                <PublishForm chosen />
            </div>
            <TailPanel chosen />
        </div>
    }
}
