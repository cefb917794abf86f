//! Where a line is written.

use leptos::ev::SubmitEvent;
use leptos::html::Input;
use leptos::prelude::*;

use super::paste::PasteQuestion;
use crate::app::use_control;
use crate::state::units;

/// The form.
#[component]
pub fn Composer() -> impl IntoView {
    let control = use_control();
    let chat = control.stores.chat.clone();
    let text = RwSignal::new(String::new());
    let error = RwSignal::new(None::<String>);
    let pasted = RwSignal::new(None::<Vec<String>>);
    let field: NodeRef<Input> = NodeRef::new();
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
                on:paste=paste
                bind:value=text
            />
            <button class="button primary" type="submit">"Send"</button>
        </form>
        <Patience />
        <p class="form-error" role="alert">{move || error.get()}</p>
    }
}

/// How long until lines go again, when the relay asks for patience.
#[component]
fn Patience() -> impl IntoView {
    let stores = use_control().stores;
    let (chat, clock_ms) = (stores.chat, stores.clock_ms);
    let text = move || {
        let (until_ms, n_waiting) =
            chat.with(|chat| (chat.shown().patience_until_ms, chat.shown().pending().len() as u64));
        let left_ms = until_ms? - clock_ms.get();
        let secs = left_ms.max(0).unsigned_abs().div_ceil(1_000).max(1);
        let waiting = units::counted(n_waiting, "line waits", "lines wait");
        Some(format!("Too fast: {waiting}, next in {secs} s"))
    };
    view! { <p class="patience" role="status">{text}</p> }
}
