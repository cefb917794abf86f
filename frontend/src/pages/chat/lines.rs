//! What was said, oldest first, and below it what this page has said and the room does not show yet.

use leptos::html::Div;
use leptos::prelude::*;
use signalbox_shared::EventId;
use wasm_bindgen::JsCast as _;
use web_sys::HtmlElement;

use super::item::ItemView;
use super::scroll::Scroll;
use crate::browser::clock::utc_offset_minutes;
use crate::control::use_control;
use crate::state::chat_items::{Item, items, n_after};
use crate::state::chat_room::{Membership, Past, Pending, SendState};
use crate::state::units;

/// The lines.
#[component]
pub fn Lines() -> impl IntoView {
    let control = use_control();
    let scroller: NodeRef<Div> = NodeRef::new();
    let chat = control.stores.chat.clone();
    let me = Memo::new({
        let chat = chat.clone();
        move |_| chat.with(|chat| chat.shown().name().unwrap_or_default().to_owned())
    });
    let offset_minutes = utc_offset_minutes();
    let rows = Memo::new({
        let chat = chat.clone();
        move |_| {
            chat.with(|chat| {
                let shown = chat.shown();
                (shown.room().to_owned(), items(shown.rows(), shown.unread_from(), offset_minutes))
            })
        }
    });
    let pending = Memo::new({
        let chat = chat.clone();
        move |_| chat.with(|chat| chat.shown().pending().to_vec())
    });
    let scroll = Scroll::new(scroller);
    scroll.follow(rows, pending);
    follow_cursor(scroller, rows);
    let on_scroll = move |_| {
        if scroll.moved() {
            control.read_older();
        }
    };
    // The last line there was when somebody began to read further up.
    let left_at = RwSignal::new(None::<EventId>);
    Effect::new(move |_| {
        let last_id = if scroll.is_at_end() { None } else { chat.peek(|chat| chat.shown().last_id()) };
        left_at.set(last_id);
    });
    let below = move || match rows.with(|(_, items)| n_after(items, left_at.get())) {
        0 => "↓ Newest lines".to_owned(),
        n => format!("↓ {}", units::counted(n, "new line", "new lines")),
    };
    // What belongs to one room is never taken for another's, and nobody's name is shown as one's own after a change: whatever
    // either is new, all items are.
    let scene = StoredValue::new((0_u64, String::new(), String::new()));
    let keyed = move || {
        let now_me = me.get();
        rows.with(|(now_room, items)| {
            scene.update_value(|(number, room, me)| {
                if (&*room, &*me) != (now_room, &now_me) {
                    (*number, *room, *me) = (*number + 1, now_room.clone(), now_me);
                }
            });
            let number = scene.with_value(|(number, ..)| *number);
            items.iter().map(|item| (number, item.clone())).collect::<Vec<_>>()
        })
    };
    let me = move || scene.with_value(|(.., me)| me.clone());
    view! {
        <div class="lines-frame">
            <div class="lines" role="log" aria-label="Lines of the room" tabindex="0" node_ref=scroller on:scroll=on_scroll>
                <Beginning />
                <For each=keyed key=|(scene, item): &(u64, Item)| (*scene, item.key()) let:((_, item))>
                    <ItemView item me=me() />
                </For>
                <For each=move || pending.get() key=|pending| (pending.key.clone(), state_name(&pending.state)) let:pending>
                    <Unconfirmed pending />
                </For>
            </div>
            <Show when=move || !scroll.is_at_end()>
                <button class="button to-end" type="button" on:click=move |_| scroll.to_end()>{below}</button>
            </Show>
        </div>
    }
}

/// A moment that is locked in another view is shown here too.
fn follow_cursor(scroller: NodeRef<Div>, rows: Memo<(String, Vec<Item>)>) {
    let cursor = use_control().stores.cursor;
    let moment = Memo::new(move |_| cursor.with(crate::state::time_cursor::TimeCursor::moment_ms));
    Effect::new(move |_| {
        let moment_ms = moment.get();
        let Some(element) = scroller.get() else { return };
        // The lines of that moment may still be on their way into the document.
        let _ = rows.with_untracked(|(room, _)| room.len());
        request_animation_frame(move || mark_moment(&element, moment_ms));
    });
}

/// Marks the last line at or before the moment, and brings it into view.
fn mark_moment(scroller: &HtmlElement, moment_ms: Option<i64>) {
    let Ok(lines) = scroller.query_selector_all("[data-at]") else { return };
    let elements = (0..lines.length()).filter_map(|i| lines.item(i)?.dyn_into::<HtmlElement>().ok());
    let mut marked: Option<HtmlElement> = None;
    for element in elements {
        // Nothing to take away from most of them.
        let _ = element.class_list().remove_1("at-cursor");
        let at_ms = element.get_attribute("data-at").and_then(|text| text.parse::<i64>().ok());
        if moment_ms.is_some_and(|moment_ms| at_ms.is_some_and(|at_ms| at_ms <= moment_ms)) {
            marked = Some(element);
        }
    }
    if let Some(element) = marked {
        let _ = element.class_list().add_1("at-cursor");
        let middle_px = element.offset_top() - (scroller.client_height() - element.offset_height()) / 2;
        scroller.set_scroll_top(middle_px);
    }
}

/// What stands before the first line.
#[component]
fn Beginning() -> impl IntoView {
    let control = use_control();
    let chat = control.stores.chat.clone();
    let state = Memo::new(move |_| {
        chat.with(|chat| {
            let shown = chat.shown();
            (shown.rows().next().is_some(), shown.past(), shown.is_full())
        })
    });
    move || {
        let control = control.clone();
        let (has_rows, past, is_full) = state.get();
        match past {
            _ if !has_rows => ().into_any(),
            Past::Unknown if is_full => {
                view! { <p class="quiet-note">"This page holds no more lines."</p> }.into_any()
            }
            Past::Unknown => view! {
                <button class="button quiet older" type="button" on:click=move |_| control.read_older()>
                    "Older lines"
                </button>
            }
            .into_any(),
            Past::Asked => view! { <p class="quiet-note">"Older lines come …"</p> }.into_any(),
            Past::Beginning => ().into_any(),
        }
    }
}

/// A line of this page that the room does not show yet.
#[component]
fn Unconfirmed(
    /// The line.
    pending: Pending,
) -> impl IntoView {
    let control = use_control();
    let (chat, socket) = (control.stores.chat.clone(), control.stores.socket.clone());
    let is_connected = Memo::new(move |_| {
        let is_inside = chat.with(|chat| matches!(chat.shown().membership, Membership::Inside(_)));
        is_inside && socket.with(|state| state.kind() == "live")
    });
    let sending = pending.state.clone();
    let state = move || match &sending {
        SendState::Waiting if is_connected.get() => "waits its turn".to_owned(),
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
