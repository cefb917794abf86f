//! Where a line is written.

use leptos::ev::{KeyboardEvent, SubmitEvent};
use leptos::html::Input;
use leptos::prelude::*;
use signalbox_shared::chat::Completion;

use super::paste::PasteQuestion;
use crate::control::use_control;
use crate::state::units;

/// The form.
#[component]
pub fn Composer(
    /// Whether a person has just asked to come in, and so will want to write; taken when that is done.
    has_asked: StoredValue<bool>,
) -> impl IntoView {
    let control = use_control();
    let chat = control.stores.chat.clone();
    let text = RwSignal::new(String::new());
    let error = RwSignal::new(None::<String>);
    let pasted = RwSignal::new(None::<Vec<String>>);
    let field: NodeRef<Input> = NodeRef::new();
    // The form that was used is gone, and with it the place where the keyboard was.
    Effect::new(move |_| {
        if let Some(field) = field.get()
            && has_asked.try_update_value(std::mem::take) == Some(true)
        {
            // A focus that is refused leaves the person where they were.
            let _ = field.focus();
        }
    });
    let on_key = {
        let (chat, control) = (chat.clone(), control.clone());
        let completion = StoredValue::new(Completion::default());
        move |event: KeyboardEvent| {
            let is_modified = event.shift_key() || event.alt_key() || event.ctrl_key() || event.meta_key();
            // Who composes a character has these keys for it.
            let is_plain = !is_modified && !event.is_composing();
            let Some(field) = field.try_get_untracked().flatten().filter(|_| is_plain) else { return };
            let typed = field.value();
            let key = event.key();
            if matches!(&*key, "ArrowUp" | "ArrowDown") {
                if let Some(recalled) = control.recall(key == "ArrowUp", &typed) {
                    event.prevent_default();
                    text.set(recalled);
                }
                return;
            }
            // Only at the end: elsewhere the key goes to what comes next, as everywhere.
            if key != "Tab" || field.selection_start() != Ok(u32::try_from(typed.encode_utf16().count()).ok())
            {
                return;
            }
            let completed = chat.peek(|chat| {
                let room = chat.shown();
                let me = room.name();
                let others = room.users.iter().map(|user| &*user.name).filter(|name| Some(*name) != me);
                completion.try_update_value(|completion| completion.complete(&typed, others)).flatten()
            });
            if let Some(completed) = completed {
                event.prevent_default();
                text.set(completed);
            }
        }
    };
    let room = Memo::new({
        let chat = chat;
        move |_| chat.with(|chat| chat.shown().room().to_owned())
    });
    // What is typed belongs to its room, and is there again when the room is.
    Effect::new({
        let control = control.clone();
        move |old: Option<String>| {
            let now = room.get();
            if let Some(old) = old.filter(|old| *old != now) {
                control.keep_draft(&old, text.get_untracked());
            }
            text.set(control.draft(&now));
            error.set(None);
            now
        }
    });
    on_cleanup({
        let control = control.clone();
        move || {
            if let (Some(room), Some(text)) = (room.try_get_untracked(), text.try_get_untracked()) {
                control.keep_draft(&room, text);
            }
        }
    });
    let submit = {
        let control = control;
        move |event: SubmitEvent| {
            event.prevent_default();
            match control.typed(&text.get_untracked()) {
                Ok(()) => {
                    error.set(None);
                    text.set(String::new());
                }
                Err(why) => error.set(Some(why)),
            }
            if let Some(field) = field.try_get_untracked().flatten() {
                // A focus that is refused leaves the person where they were.
                let _ = field.focus();
            }
        }
    };
    let paste = move |event: web_sys::ClipboardEvent| {
        let data = event.clipboard_data();
        let Some(Ok(data)) = data.map(|data| data.get_data("text")) else { return };
        let lines: Vec<String> =
            data.lines().map(str::trim_end).filter(|line| !line.is_empty()).map(str::to_owned).collect();
        if 1 < lines.len() {
            event.prevent_default();
            pasted.set(Some(lines));
        }
    };
    view! {
        <PasteQuestion pasted text error />
        <form class="composer" on:submit=submit>
            <label class="visually-hidden" for="say">"Say something"</label>
            <input
                class="field"
                id="say"
                name="line"
                autocomplete="off"
                placeholder="Say something, or /help"
                node_ref=field
                on:keydown=on_key
                on:paste=paste
                bind:value=text
            />
            <button class="button primary" type="submit">"Send"</button>
        </form>
        <Patience />
        <p class="form-error" role="alert">{move || error.get()}</p>
    }
}

/// What holds lines up, and for how long, when the relay asks for patience.
#[component]
fn Patience() -> impl IntoView {
    let stores = use_control().stores;
    let (chat, clock_ms) = (stores.chat, stores.clock_ms);
    let text = move || {
        let (until_ms, n_waiting, hold_up) = chat.with(|chat| {
            let shown = chat.shown();
            let hold_up = shown.hold_up().map(|hold_up| hold_up.reason.clone());
            (shown.patience_until_ms, shown.pending().len() as u64, hold_up)
        });
        if let Some(reason) = hold_up {
            return Some(format!("Not back in yet: {reason}, perhaps by the connection that was lost"));
        }
        let left_ms = until_ms? - clock_ms.get();
        let secs = left_ms.max(0).unsigned_abs().div_ceil(1_000).max(1);
        let waiting = units::counted(n_waiting, "line waits", "lines wait");
        Some(format!("Too fast: {waiting}, next in {secs} s"))
    };
    view! { <p class="patience" role="status">{text}</p> }
}
