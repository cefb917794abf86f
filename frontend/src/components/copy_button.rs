//! A button that copies a text, and says whether that went well.

use leptos::prelude::*;
use wasm_bindgen_futures::spawn_local;

use crate::browser::clipboard;

/// The button.
#[component]
pub fn CopyButton(
    /// What stands on it.
    label: &'static str,
    /// What it copies, where that needs words.
    #[prop(optional)]
    title: Option<&'static str>,
    /// The text, asked for when it is clicked; nothing is copied without one.
    text: impl Fn() -> Option<String> + 'static,
) -> impl IntoView {
    let outcome = RwSignal::new(None::<bool>);
    let copy = move |_| {
        let Some(text) = text() else { return };
        let copied = clipboard::copy(&text);
        spawn_local(async move {
            let is_copied = copied.await;
            outcome.try_set(Some(is_copied));
        });
    };
    let words = move || match outcome.get() {
        None => label,
        Some(true) => "Copied",
        // It can still be selected by hand.
        Some(false) => "The browser forbids it",
    };
    view! { <button class="button quiet" type="button" title=title aria-live="polite" on:click=copy>{words}</button> }
}
