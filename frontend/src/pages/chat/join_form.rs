//! Asks for a name and enters the room.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use signalbox_shared::chat::{NAME_CHARS_MAX, check_name};

use crate::browser::storage;
use crate::control::use_control;
use crate::state::chat_room::Membership;
use crate::state::units;

/// The form.
#[component]
pub fn JoinForm(
    /// Set when a person has asked to come in.
    has_asked: StoredValue<bool>,
) -> impl IntoView {
    let control = use_control();
    let name = RwSignal::new(storage::remembered(storage::CHAT_NAME).unwrap_or_default());
    let error = RwSignal::new(None::<String>);
    let chat = control.stores.chat.clone();
    let membership = Memo::new({
        let chat = chat.clone();
        move |_| chat.with(|chat| chat.shown().membership.clone())
    });
    let n_waiting = Memo::new({
        let chat = chat.clone();
        move |_| chat.with(|chat| chat.shown().pending().len() as u64)
    });
    let discard = {
        let control = control.clone();
        move || control.discard_all()
    };
    let join = move || match check_name(&name.get_untracked()) {
        Ok(name) => {
            error.set(None);
            has_asked.set_value(true);
            control.join(name);
        }
        Err(why) => error.set(Some(why.to_string())),
    };
    let submit = {
        let join = join.clone();
        move |event: SubmitEvent| {
            event.prevent_default();
            join();
        }
    };
    let is_entering = move || membership.with(|m| matches!(m, Membership::Entering(_)));
    let hold_up = Memo::new(move |_| chat.with(|chat| chat.shown().hold_up().cloned()));
    let said = move || match (membership.get(), hold_up.get()) {
        (Membership::Refused { name, reason, .. }, _) => Some(format!("\"{name}\" was refused: {reason}")),
        (_, Some(hold_up)) => Some(format!("{}; it is asked for again", hold_up.reason)),
        _ => error.get(),
    };
    let free = move || match (membership.get(), hold_up.get()) {
        (Membership::Refused { suggestion, .. }, _) => suggestion,
        (_, hold_up) => hold_up?.suggestion,
    };
    let suggestion = move || {
        let (free, join) = (free()?, join.clone());
        let label = format!("Join as {free}");
        let take = move |_| {
            name.set(free.clone());
            join();
        };
        Some(view! { <button class="button" type="button" on:click=take>{label}</button> })
    };
    view! {
        <form class="join" on:submit=submit>
            <label>
                <span>"Your name"</span>
                // Browsers count a character outside of the basic plane twice; the rule itself is told at the button.
                <input
                    class="field"
                    name="name"
                    required
                    maxlength=(2 * NAME_CHARS_MAX).to_string()
                    autocomplete="nickname"
                    spellcheck="false"
                    bind:value=name
                />
            </label>
            <button class="button primary" type="submit" aria-disabled=move || is_entering().to_string()>
                {move || if is_entering() { "Joining …" } else { "Join" }}
            </button>
            {suggestion}
        </form>
        <p class="form-error" role="alert">{said}</p>
        {move || {
            let discard = discard.clone();
            let n = n_waiting.get();
            (n > 0).then(|| view! {
                <p class="waiting" role="status">
                    {units::counted(n, "line of yours waits", "lines of yours wait")}
                    " to be said here, once you are in."
                    <button class="button quiet" type="button" on:click=move |_| discard()>"Discard"</button>
                </p>
            })
        }}
    }
}
