//! How one stream fares: a signal lamp and a word; pressing it connects at once when that helps.

use leptos::prelude::*;

use crate::control::{Stream, use_control};

/// The pill of one stream.
#[component]
pub fn StreamPill(
    /// Which stream.
    stream: Stream,
    /// What it is called.
    name: &'static str,
) -> impl IntoView {
    let control = use_control();
    let store = match stream {
        Stream::Feed => control.stores.feed.clone(),
        Stream::Socket => control.stores.socket.clone(),
    };
    let state = Memo::new(move |_| store.get());
    let announcement = Memo::new(move |_| state.with(|state| state.announcement(name)));
    view! {
        <button
            class="pill"
            type="button"
            data-stream=name.to_lowercase()
            data-state=move || state.with(|state| state.kind())
            title=move || state.with(|state| state.sentence(name))
            aria-disabled=move || (!state.with(|state| state.can_wake())).to_string()
            on:click=move |_| control.wake(stream)
        >
            <span class="lamp" aria-hidden="true"></span>
            <span class="pill-name">{name}</span>
            <span class="pill-state">{move || state.with(|state| state.label())}</span>
        </button>
        <span class="visually-hidden" role="status">{announcement}</span>
    }
}
