//! Publishes one message, and says what became of it.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use signalbox_shared::ChannelName;
use signalbox_shared::channel::CHANNEL_NAME_BYTES_MAX;

use crate::app::use_control;
use crate::state::publishes::{Outcome, Publish};

/// How many outcomes stand below the form.
const SHOWN: usize = 3;

/// The form.
#[component]
pub fn PublishForm(
    /// The channel whose messages are shown: where a message most likely should go.
    chosen: Memo<Option<ChannelName>>,
) -> impl IntoView {
    let control = use_control();
    let channel = RwSignal::new(String::new());
    let text = RwSignal::new(String::new());
    let error = RwSignal::new(None::<String>);
    Effect::new(move |_| {
        if let Some(name) = chosen.get() {
            channel.set(name.to_string());
        }
    });
    let submit = {
        let control = control.clone();
        move |event: SubmitEvent| {
            event.prevent_default();
            match channel.get_untracked().trim().parse::<ChannelName>() {
                Ok(name) => {
                    error.set(None);
                    control.publish(&name, text.get_untracked());
                    text.set(String::new());
                }
                Err(why) => error.set(Some(why.to_string())),
            }
        }
    };
    let publishes = control.stores.publishes;
    let entries =
        move || publishes.with(|publishes| publishes.entries().take(SHOWN).cloned().collect::<Vec<_>>());
    let outcomes = move || entries().iter().map(outcome).collect_view();
    view! {
        <section class="panel publish" aria-labelledby="publish-title">
            <h2 id="publish-title">"Publish"</h2>
            <form on:submit=submit>
                <label>
                    <span>"Channel"</span>
                    <input
                        class="field"
                        name="channel"
                        required
                        maxlength=CHANNEL_NAME_BYTES_MAX.to_string()
                        placeholder="/topic/hello"
                        autocomplete="off"
                        spellcheck="false"
                        bind:value=channel
                    />
                </label>
                <label>
                    <span>"Message"</span>
                    <textarea class="field" name="message" rows="2" spellcheck="false" bind:value=text></textarea>
                </label>
                <button class="button primary" type="submit">"Publish"</button>
            </form>
            <p class="form-error" role="alert">{move || error.get()}</p>
            <ul class="outcomes" role="log" aria-label="What became of what was published">
                {outcomes}
            </ul>
        </section>
    }
}

fn outcome(publish: &Publish) -> impl IntoView + use<> {
    let kind = match publish.outcome {
        Outcome::Waiting => "waiting",
        Outcome::Done(_) => "done",
        Outcome::Refused(_) => "refused",
        Outcome::Unknown => "unknown",
    };
    view! { <li data-outcome=kind>{publish.sentence()}</li> }
}
