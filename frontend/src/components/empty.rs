//! What stands where there is nothing yet: what will be there, and the exact command that brings it.

use leptos::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};

/// An empty place that says how to fill it.
#[component]
pub fn Empty(
    /// What is missing.
    #[prop(into)]
    title: String,
    /// How it gets here.
    #[prop(into)]
    text: String,
    /// Commands to type, each with a button that copies it.
    #[prop(optional)]
    commands: Vec<String>,
) -> impl IntoView {
    let commands = commands.into_iter().map(|command| view! { <Command command /> }).collect_view();
    view! {
        <div class="empty">
            <svg class="empty-mark" viewBox="0 0 48 48" aria-hidden="true">
                <path d="M14 46V4h5v42zM8 43h17v3H8z" />
                <path d="M10 8h34v11H10z" />
                <circle cx="16.500" cy="30" r="6" />
            </svg>
            <h2>{title}</h2>
            <p>{text}</p>
            {commands}
        </div>
    }
}

/// A command, and a button that copies it.
#[component]
pub fn Command(
    /// The command as it is typed.
    command: String,
) -> impl IntoView {
    let is_copied = ArcRwSignal::new(false);
    let label = {
        let is_copied = is_copied.clone();
        move || if is_copied.get() { "Copied" } else { "Copy" }
    };
    let copy = {
        let command = command.clone();
        move |_| {
            let promise = window().navigator().clipboard().write_text(&command);
            let is_copied = is_copied.clone();
            // Where the clipboard is forbidden, the command can still be selected.
            spawn_local(async move {
                if JsFuture::from(promise).await.is_ok() {
                    is_copied.set(true);
                }
            });
        }
    };
    view! {
        <div class="command">
            <code>{command}</code>
            <button class="button quiet" type="button" on:click=copy>
                {label}
            </button>
        </div>
    }
}
