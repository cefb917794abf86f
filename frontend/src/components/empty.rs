//! What stands where there is nothing yet: what will be there, and the exact command that brings it.

use leptos::prelude::*;

use super::copy_button::CopyButton;

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
    let copied = command.clone();
    view! {
        <div class="command">
            <code>{command}</code>
            <CopyButton label="Copy" text=move || Some(copied.clone()) />
        </div>
    }
}
