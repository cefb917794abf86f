//! Emptying a queue: only after its name has been typed, for nothing brings the messages back.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use signalbox_shared::ChannelName;

use super::can;
use crate::control::use_control;
use crate::state::{units, visible};

/// The form; nothing where the engine cannot or the administrator does not allow it.
#[component]
pub fn Purge(
    /// The queue.
    channel: ChannelName,
) -> impl IntoView {
    let control = use_control();
    let is_allowed = can(&control, |permits| permits.purge);
    let hello = control.stores.hello.clone();
    let is_able =
        Memo::new(move |_| hello.with(|hello| hello.as_ref().is_some_and(|hello| hello.features.purge)));
    let typed = RwSignal::new(String::new());
    let done = RwSignal::new(false);
    let channels = control.stores.channels.clone();
    let depth = {
        let channel = channel.clone();
        Memo::new(move |_| channels.with(|channels| channels.row(&channel).and_then(|row| row.depth)))
    };
    let is_same = {
        let name = channel.to_string();
        Memo::new(move |_| typed.get() == name)
    };
    let shown_name = visible::line(channel.as_str().as_bytes());
    let submit = {
        let (control, channel) = (control.clone(), channel);
        move |event: SubmitEvent| {
            event.prevent_default();
            if is_same.get_untracked() {
                control.purge(&channel);
                typed.set(String::new());
                done.set(true);
            }
        }
    };
    let tail = control.stores.tail;
    let outcome = Memo::new(move |_| {
        tail.with(|tail| {
            let marks = tail.as_ref().map(|tail| tail.last_mark_about("urged: ")).unwrap_or_default();
            marks.filter(|_| done.get())
        })
    });
    let waits = move || match depth.get() {
        Some(n) => format!("{} in {shown_name}.", units::counted(n, "message waits", "messages wait")),
        None => format!("How many messages wait in {shown_name} is unknown."),
    };
    view! {
        <Show when=move || is_allowed.get() && is_able.get()>
            <section class="purge" aria-labelledby="purge-title">
                <h3 id="purge-title">"Purge"</h3>
                <p class="quiet-note">{waits.clone()}" Removing them cannot be undone."</p>
                <form on:submit=submit.clone()>
                    <label>
                        <span>"Type the channel's name to remove every waiting message"</span>
                        <input class="field" name="purge" autocomplete="off" spellcheck="false" bind:value=typed />
                    </label>
                    <button class="button danger" type="submit" disabled=move || !is_same.get()>"Purge"</button>
                </form>
                <p class="quiet-note" role="status">{move || outcome.get()}</p>
            </section>
        </Show>
    }
}
