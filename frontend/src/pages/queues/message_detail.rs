//! One message as a whole, beside the list: its figures and its payload, text as text and JSON laid out, bytes as base64.

use leptos::prelude::*;
use signalbox_shared::Payload;
use signalbox_shared::socket::TailMessage;

use crate::app::stores::Whole;
use crate::app::{use_control, utc_offset_minutes};
use crate::state::tail::TailItemKind;
use crate::state::units;

/// The message of one row.
#[component]
pub fn MessageDetail(
    /// The row.
    serial: u64,
    /// Which row is chosen; closing chooses none.
    chosen_row: RwSignal<Option<u64>>,
) -> impl IntoView {
    let control = use_control();
    let message = control.stores.tail.peek(|tail| match &tail.as_ref()?.item(serial)?.kind {
        TailItemKind::Message(message) => Some(message.clone()),
        TailItemKind::Mark(_) => None,
    });
    let body = match message {
        Some(message) => view! { <Body message=(*message).clone() serial /> }.into_any(),
        None => view! { <p class="quiet-note">"This message is no longer in the list."</p> }.into_any(),
    };
    view! {
        <aside class="detail" aria-label="Message">
            <div class="detail-head">
                <h3>"Message"</h3>
                <button class="button quiet" type="button" on:click=move |_| chosen_row.set(None)>"Close"</button>
            </div>
            {body}
        </aside>
    }
}

#[component]
fn Body(
    /// The message as the tail has it.
    message: TailMessage,
    /// Its row.
    serial: u64,
) -> impl IntoView {
    let control = use_control();
    let is_cut = message.is_cut;
    let shown = readable(&message.payload);
    let whole = control.stores.whole.clone();
    let whole = Memo::new(move |_| whole.get().filter(|whole| whole.serial == serial));
    let text = move || match whole.get() {
        Some(whole) if is_complete(&whole) => readable(&Payload::from_bytes(&whole.bytes)),
        _ => shown.clone(),
    };
    let progress = move || {
        let Some(whole) = whole.get() else {
            let control = control.clone();
            return view! {
                <button class="button" type="button" on:click=move |_| control.fetch_whole(serial)>"Fetch all of it"</button>
            }
            .into_any();
        };
        let text = match &whole.failure {
            Some(why) => format!("Could not be fetched: {why}"),
            None if is_complete(&whole) => "Fetched".to_owned(),
            None => format!("{} fetched", units::bytes(whole.bytes.len() as u64)),
        };
        view! { <p class="quiet-note" role="status">{text}</p> }.into_any()
    };
    view! {
        <dl class="facts">
            <dt>"Taken"</dt>
            <dd>{units::clock_millis(message.at_ms, utc_offset_minutes())}</dd>
            <dt>"Number"</dt>
            <dd>{units::count(message.seq)}" of this subscription"</dd>
            <dt>"Size"</dt>
            <dd>
                {units::bytes(message.size_bytes)}
                {is_cut.then_some(", cut here")}
            </dd>
        </dl>
        {is_cut.then_some(progress)}
        <pre class="payload" tabindex="0">{text}</pre>
    }
}

/// Whether as much has come as the page will fetch.
fn is_complete(whole: &Whole) -> bool {
    whole.failure.is_none() && whole.size_bytes > 0 && whole.size_bytes <= whole.bytes.len() as u64
}

/// JSON is laid out; other text and bytes stand as they are.
fn readable(payload: &Payload) -> String {
    match payload {
        Payload::Text(text) if text.trim_start().starts_with(['{', '[']) => {
            let value: Result<serde_json::Value, _> = serde_json::from_str(text);
            value
                .ok()
                .and_then(|value| serde_json::to_string_pretty(&value).ok())
                .unwrap_or_else(|| text.clone())
        }
        Payload::Text(text) | Payload::Base64(text) => text.clone(),
    }
}
