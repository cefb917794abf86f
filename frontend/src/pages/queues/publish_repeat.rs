//! The same message many times at a rate, with progress and stop.

use leptos::prelude::*;

use super::publish_draft::Draft;
use crate::control::use_control;
use crate::state::repeat::{PER_SEC_MAX, TIMES_MAX};

/// The form.
#[component]
pub fn RepeatForm(
    /// What is published.
    draft: Draft,
    /// What is wrong.
    error: RwSignal<Option<String>>,
) -> impl IntoView {
    let control = use_control();
    let (times, rate) = (RwSignal::new("100".to_owned()), RwSignal::new("10".to_owned()));
    let repeat = control.stores.repeat.clone();
    let is_running = {
        let repeat = repeat.clone();
        Memo::new(move |_| repeat.with(|repeat| repeat.as_ref().is_some_and(|repeat| !repeat.is_over())))
    };
    let progress = Memo::new(move |_| {
        repeat.with(|repeat| repeat.as_ref().map(|repeat| (repeat.n_sent, repeat.n_times, repeat.sentence())))
    });
    let start = {
        let control = control.clone();
        move |_| {
            let number =
                |text: RwSignal<String>| text.get_untracked().trim().parse::<u64>().ok().filter(|n| *n > 0);
            match (number(times), number(rate)) {
                (Some(n_times), Some(per_sec)) if n_times <= TIMES_MAX && per_sec <= PER_SEC_MAX => {
                    let read = draft.read();
                    if let Ok((channel, bytes)) = &read {
                        control.publish_repeatedly(channel, bytes, n_times, per_sec);
                    }
                    error.set(read.err());
                }
                _ => error.set(Some(format!(
                    "repeat: 1 to {TIMES_MAX} times, 1 to {PER_SEC_MAX} messages per second"
                ))),
            }
        }
    };
    let stop = move |_| control.stop_repeating();
    view! {
        <details class="repeat">
            <summary class="button quiet">"Repeat …"</summary>
            <div class="repeat-fields">
                <label><span>"Times"</span><input class="field" name="times" inputmode="numeric" bind:value=times /></label>
                <label><span>{format!("Per second (at most {PER_SEC_MAX})")}</span><input class="field" name="rate" inputmode="numeric" bind:value=rate /></label>
                {move || if is_running.get() {
                    view! { <button class="button" type="button" name="stop" on:click=stop.clone()>"Stop"</button> }.into_any()
                } else {
                    view! { <button class="button" type="button" name="start" on:click=start.clone()>"Start"</button> }.into_any()
                }}
            </div>
            {move || progress.get().map(|(n, of, sentence)| view! {
                <progress max=of.to_string() value=n.to_string() aria-label="Messages sent"></progress>
                <p class="quiet-note repeat-state">{sentence}</p>
            })}
        </details>
    }
}
