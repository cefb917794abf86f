//! What was published from this page, what became of it, and using it again.

use leptos::prelude::*;

use super::publish_draft::Draft;
use crate::control::use_control;
use crate::state::publishes::{Outcome, Publish};

/// The list, newest first.
#[component]
pub fn History(
    /// What the form holds.
    draft: Draft,
) -> impl IntoView {
    let publishes = use_control().stores.publishes;
    let entries = move || publishes.with(|publishes| publishes.entries().cloned().collect::<Vec<_>>());
    view! {
        <div role="log" aria-label="What became of what was published">
            <ul class="outcomes">
                <For each=entries key=|entry| (entry.number, entry.sentence(), entry.data.is_some()) let:entry>
                    <Entry entry draft />
                </For>
            </ul>
        </div>
    }
}

#[component]
fn Entry(
    /// What was published.
    entry: Publish,
    /// What the form holds.
    draft: Draft,
) -> impl IntoView {
    let kind = match entry.outcome {
        Outcome::Waiting => "waiting",
        Outcome::Done(_) => "done",
        Outcome::Refused(_) => "refused",
        Outcome::Unknown => "unknown",
    };
    let sentence = entry.sentence();
    let again = entry.data.clone().map(|data| {
        let channel = entry.channel.to_string();
        let use_again = move |_| {
            draft.channel.set(channel.clone());
            draft.hold_again(&data);
        };
        view! { <button class="button quiet" type="button" title="Put it into the form again" on:click=use_again>"Use again"</button> }
    });
    view! { <li data-outcome=kind><span>{sentence}</span>{again}</li> }
}
