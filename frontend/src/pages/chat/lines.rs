//! What was said, oldest first, and below it what this page has said and the room does not show yet.

use leptos::html::Div;
use leptos::prelude::*;
use signalbox_shared::chat::{ChatLine, ChatLineKind};

use crate::app::{use_control, utc_offset_minutes};
use crate::state::chat_room::{Pending, RoomRow, SendState};
use crate::state::units;

/// How near the end counts as at the end, in CSS pixels: about two lines.
const END_PX: i32 = 64;

/// The lines.
#[component]
pub fn Lines() -> impl IntoView {
    let control = use_control();
    let scroller: NodeRef<Div> = NodeRef::new();
    let is_at_end = RwSignal::new(true);
    let chat = control.stores.chat;
    let rows = {
        let chat = chat.clone();
        move || chat.with(|chat| chat.rows().cloned().collect::<Vec<_>>())
    };
    let pending = Memo::new({
        let chat = chat.clone();
        move |_| chat.with(|chat| chat.pending().to_vec())
    });
    let n_people = Memo::new({
        let chat = chat.clone();
        move |_| chat.with(|chat| chat.n_users)
    });
    let to_end = move || {
        if let Some(scroller) = scroller.try_get_untracked().flatten() {
            scroller.set_scroll_top(scroller.scroll_height());
        }
    };
    // A new line is followed only by who stands at the end; who reads further up is not moved.
    Effect::new(move |_| {
        chat.with(|_| ());
        if is_at_end.get_untracked() && scroller.get().is_some() {
            request_animation_frame(to_end);
        }
    });
    let on_scroll = move |_| {
        if let Some(scroller) = scroller.try_get_untracked().flatten() {
            let to_end_px = scroller.scroll_height() - scroller.scroll_top() - scroller.client_height();
            is_at_end.set(to_end_px < END_PX);
        }
    };
    let offset_minutes = utc_offset_minutes();
    view! {
        <div class="lines-frame">
            <div class="lines" role="log" aria-label="Lines of the lobby" tabindex="0" node_ref=scroller on:scroll=on_scroll>
                <For each=rows key=RoomRow::key let:row>
                    <Row row offset_minutes />
                </For>
                <For each=move || pending.get() key=|pending| (pending.key.clone(), state_name(&pending.state)) let:pending>
                    <Unconfirmed pending />
                </For>
                <Show when=move || n_people.get() == 1>
                    <p class="quiet-note">"Nobody else is here yet. From a terminal: " <code>"signalbox chat ada"</code></p>
                </Show>
            </div>
            <Show when=move || !is_at_end.get()>
                <button class="button to-end" type="button" on:click=move |_| to_end()>"↓ Newest lines"</button>
            </Show>
        </div>
    }
}

#[component]
fn Row(
    /// What it shows.
    row: RoomRow,
    /// The computer's time zone.
    offset_minutes: i32,
) -> impl IntoView {
    match row {
        RoomRow::Gap { text, .. } => view! { <p class="line note">{text}</p> }.into_any(),
        RoomRow::Line(ChatLine { at_ms, name, kind, .. }) => {
            let time = units::clock(at_ms, offset_minutes);
            match kind {
                ChatLineKind::Announced { text } => note(time, text).into_any(),
                ChatLineKind::Said { text } | ChatLineKind::Posted { text } => view! {
                    <p class="line">
                        <span class="line-time">{time}</span>
                        <span class="line-name">{name}</span>
                        <span class="line-text">{text}</span>
                    </p>
                }
                .into_any(),
                ChatLineKind::Joined => note(time, format!("{name} connected")).into_any(),
                ChatLineKind::Left => note(time, format!("{name} has left")).into_any(),
            }
        }
    }
}

fn note(time: String, text: String) -> impl IntoView {
    view! {
        <p class="line note">
            <span class="line-time">{time}</span>
            {text}
        </p>
    }
}

/// A line of this page that the room does not show yet.
#[component]
fn Unconfirmed(
    /// The line.
    pending: Pending,
) -> impl IntoView {
    let control = use_control();
    let state = match &pending.state {
        SendState::Waiting => "waits for the connection".to_owned(),
        SendState::Sent => "sending …".to_owned(),
        SendState::Failed(why) => format!("not sent: {why}"),
    };
    let failed = matches!(pending.state, SendState::Failed(_)).then(|| {
        let (retry, discard) = (control.clone(), control);
        let (retry_key, discard_key) = (pending.key.clone(), pending.key.clone());
        view! {
            <button class="button quiet" type="button" on:click=move |_| retry.retry(&retry_key)>"Try again"</button>
            <button class="button quiet" type="button" on:click=move |_| discard.discard(&discard_key)>"Discard"</button>
        }
    });
    view! {
        <p class="line unconfirmed" data-send=state_name(&pending.state)>
            <span class="line-text">{pending.text}</span>
            <span class="line-state">{state}</span>
            {failed}
        </p>
    }
}

fn state_name(state: &SendState) -> &'static str {
    match state {
        SendState::Waiting => "waiting",
        SendState::Sent => "sent",
        SendState::Failed(_) => "failed",
    }
}
