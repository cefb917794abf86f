//! One message as a whole, beside the list: its figures, its payload, and what can be done with it.

use std::sync::Arc;

use leptos::html::Div;
use leptos::prelude::*;
use signalbox_shared::Payload;
use signalbox_shared::socket::TailMessage;
use web_sys::KeyboardEvent;

use super::payload_view::PayloadView;
use super::publish_draft::{Draft, EDIT_BYTES_MAX};
use super::{QUERY_TAB, can, save};
use crate::browser::clock::utc_offset_minutes;
use crate::components::copy_button::CopyButton;
use crate::control::use_control;
use crate::state::payload_form::image_type;
use crate::state::tail::{PINS_MAX, TailItemKind};
use crate::state::units;

/// The message of one row.
#[component]
pub fn MessageDetail(
    /// The row.
    serial: u64,
    /// Which row is chosen; closing chooses none.
    chosen_row: RwSignal<Option<u64>>,
    /// The list, which has the keyboard again when the message is closed.
    list: NodeRef<Div>,
    /// What the publish form holds.
    draft: Draft,
) -> impl IntoView {
    let close = move || {
        chosen_row.set(None);
        if let Some(list) = list.get_untracked() {
            // It is on the page, so it can have the keyboard.
            let _ = list.focus();
        }
    };
    let on_keydown = move |event: KeyboardEvent| {
        if event.key() == "Escape" {
            close();
        }
    };
    let control = use_control();
    let found = control.stores.tail.peek(|tail| match &tail.as_ref()?.item(serial)?.kind {
        TailItemKind::Message(message) => {
            Some((message.clone(), tail.as_ref().and_then(|tail| tail.message_before(serial))))
        }
        TailItemKind::Mark(_) => None,
    });
    let body = match found {
        Some((message, before)) => view! { <Body message before serial draft /> }.into_any(),
        None => view! { <p class="quiet-note">"This message is no longer in the list."</p> }.into_any(),
    };
    view! {
        <aside class="detail" aria-label="Message" on:keydown=on_keydown>
            <div class="detail-head">
                <h3>"Message"</h3>
                <button class="button quiet" type="button" on:click=move |_| close()>"Close"</button>
            </div>
            {body}
        </aside>
    }
}

#[component]
fn Body(
    /// The message as the tail has it.
    message: Arc<TailMessage>,
    /// The one before it, for the difference.
    before: Option<Arc<TailMessage>>,
    /// Its row.
    serial: u64,
    /// What the publish form holds.
    draft: Draft,
) -> impl IntoView {
    let at_ms = message.at_ms;
    let time = units::clock_millis(at_ms, utc_offset_minutes());
    let control = use_control();
    let lock = move |_| control.stores.cursor.update(|cursor| cursor.lock(at_ms));
    view! {
        <dl class="facts">
            <div><dt>"Taken"</dt><dd>{time}</dd></div>
            <div><dt>"Number"</dt><dd>{units::count(message.seq)}" of this subscription"</dd></div>
            <div><dt>"Size"</dt><dd>{units::bytes(message.size_bytes)}</dd></div>
        </dl>
        <div class="detail-actions">
            <PinButton serial />
            <button class="button quiet" type="button" title="Mark this moment in the charts and every other view" on:click=lock>
                "Mark the moment"
            </button>
            <EditButton draft />
            <CopyPayload />
            <SaveButton seq=message.seq />
        </div>
        <Rest />
        <PayloadView serial before />
    }
}

#[component]
fn PinButton(
    /// The row.
    serial: u64,
) -> impl IntoView {
    let control = use_control();
    let tail = control.stores.tail.clone();
    let pins = Memo::new(move |_| {
        tail.with(|tail| {
            let pins = tail.as_ref().map(|tail| tail.pins()).unwrap_or_default();
            (pins.iter().any(|item| item.serial == serial), pins.len())
        })
    });
    let toggle = move |_| {
        control.update_tail(|tail| {
            tail.toggle_pin(serial);
        });
    };
    view! {
        <button
            class="button quiet"
            type="button"
            aria-pressed=move || pins.get().0.to_string()
            disabled=move || matches!(pins.get(), (false, PINS_MAX..))
            title=format!("Keep this row above the list; at most {PINS_MAX}")
            on:click=toggle
        >
            "Pin"
        </button>
    }
}

/// Puts the message into the publish form, to be changed and sent again.
#[component]
fn EditButton(
    /// What the publish form holds.
    draft: Draft,
) -> impl IntoView {
    let control = use_control();
    let can_publish = can(&control, |permits| permits.publish);
    let whole = control.stores.whole.clone();
    let fits = Memo::new(move |_| {
        whole.with(|whole| whole.as_ref().is_some_and(|w| w.is_complete() && w.bytes.len() <= EDIT_BYTES_MAX))
    });
    let edit = {
        let control = control;
        move |_| {
            let is_held =
                control.stores.whole.peek(|whole| whole.as_ref().map(|whole| draft.hold(&whole.bytes)));
            if is_held.is_none() {
                return;
            }
            control.set_query(QUERY_TAB, Some("publish".to_owned()));
        }
    };
    view! {
        <Show when=move || can_publish.get() && fits.get()>
            <button class="button quiet" type="button" title="Put it into the publish form, to change it and send it again" on:click=edit.clone()>
                "Edit and resend …"
            </button>
        </Show>
    }
}

/// The payload for the clipboard: as text where it is text, else in base64.
#[component]
fn CopyPayload() -> impl IntoView {
    let whole = use_control().stores.whole;
    let is_complete = {
        let whole = whole.clone();
        Memo::new(move |_| whole.with(|whole| whole.as_ref().is_some_and(|whole| whole.is_complete())))
    };
    let text = move || {
        whole.peek(|whole| {
            let (Payload::Text(text) | Payload::Base64(text)) = Payload::from_bytes(&whole.as_ref()?.bytes);
            Some(text)
        })
    };
    view! {
        <Show when=move || is_complete.get()>
            <CopyButton label="Copy" title="Copy the payload as text, or in base64 when it is no text" text=text.clone() />
        </Show>
    }
}

#[component]
fn SaveButton(
    /// The message's number.
    seq: u64,
) -> impl IntoView {
    let control = use_control();
    let can_export = can(&control, |permits| permits.export);
    let whole = control.stores.whole.clone();
    let is_complete =
        Memo::new(move |_| whole.with(|whole| whole.as_ref().is_some_and(|whole| whole.is_complete())));
    let save_it = {
        let control = control;
        move |_| {
            control.stores.whole.peek(|whole| {
                let Some(whole) = whole else { return };
                let ending = match image_type(&whole.bytes) {
                    Some(media_type) => media_type.trim_start_matches("image/"),
                    None => "bin",
                };
                save::bytes(&whole.bytes, &format!("message-{seq}.{ending}"));
            });
        }
    };
    view! {
        <Show when=move || can_export.get() && is_complete.get()>
            <button class="button quiet" type="button" title="Save the payload's bytes as a file" on:click=save_it.clone()>"Save"</button>
        </Show>
    }
}

/// A payload that was cut: how much is here, and the rest on demand.
#[component]
fn Rest() -> impl IntoView {
    let control = use_control();
    let whole = control.stores.whole.clone();
    let state = Memo::new(move |_| {
        whole.with(|whole| {
            let whole = whole.as_ref()?;
            let is_interesting = !whole.is_complete() || whole.failure.is_some();
            is_interesting.then(|| {
                (whole.bytes.len() as u64, whole.size_bytes, whole.is_fetching, whole.failure.clone())
            })
        })
    });
    move || {
        let (n, size, is_fetching, failure) = state.get()?;
        let button = if is_fetching {
            let control = control.clone();
            view! { <button class="button" type="button" on:click=move |_| control.stop_fetching()>"Stop"</button> }.into_any()
        } else {
            let control = control.clone();
            view! { <button class="button" type="button" on:click=move |_| control.fetch_rest()>"Fetch the rest"</button> }.into_any()
        };
        Some(view! {
            <div class="rest">
                <progress max=size.to_string() value=n.to_string() aria-label="How much of the payload is here"></progress>
                <span>{format!("{} of {} here", units::bytes(n), units::bytes(size))}</span>
                {button}
                {failure.map(|why| view! { <span class="bad" role="alert">{format!("Not fetched: {why}")}</span> })}
            </div>
        })
    }
}
