//! Asks for a name and enters the room.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use signalbox_shared::chat::{NAME_CHARS_MAX, check_name};

use crate::app::{storage, use_control};
use crate::state::chat_room::Membership;

/// The form.
#[component]
pub fn JoinForm() -> impl IntoView {
    let control = use_control();
    let name = RwSignal::new(storage::remembered(storage::CHAT_NAME).unwrap_or_default());
    let error = RwSignal::new(None::<String>);
    let chat = control.stores.chat.clone();
    let membership = Memo::new(move |_| chat.with(|chat| chat.shown().membership.clone()));
    let join = move || match check_name(&name.get_untracked()) {
        Ok(name) => {
            error.set(None);
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
    let said = move || match membership.get() {
        Membership::Refused { name, reason, .. } => Some(format!("\"{name}\" was refused: {reason}")),
        _ => error.get(),
    };
    let suggestion = move || match membership.get() {
        Membership::Refused { suggestion: Some(free), .. } => {
            let join = join.clone();
            let label = format!("Join as {free}");
            let take = move |_| {
                name.set(free.clone());
                join();
            };
            Some(view! { <button class="button" type="button" on:click=take>{label}</button> })
        }
        _ => None,
    };
    view! {
        <form class="join" on:submit=submit>
            <label>
                <span>"Your name"</span>
                <input
                    class="field"
                    name="name"
                    required
                    maxlength=NAME_CHARS_MAX.to_string()
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
    }
}
