//! Where every message went: `received = shown + filtered + skipped`, and what the page keeps of those shown.

use leptos::prelude::*;

use super::why::Why;
use crate::control::use_control;
use crate::state::units;

/// What each of them counts, and why.
const MEANINGS: [(&str, &str); 6] = [
    ("received", "Messages of the channel since this page subscribed: shown + filtered + skipped"),
    ("shown", "Messages that came to this page"),
    ("filtered", "Messages that the filter kept back at the relay"),
    ("of these unjudged", "Too large for the filter to look at: counted as filtered"),
    (
        "skipped",
        "Messages left out because more came than a page can follow: of each batch the newest are shown. \
         The relay's socket_batch_messages and socket_batch_bytes bound it",
    ),
    (
        "no longer kept",
        "Messages that were shown and left the list: it keeps the newest 5,000, at most 16 MiB",
    ),
];

/// The line of accounts, and what they say.
#[component]
pub fn Accounts() -> impl IntoView {
    let tail = use_control().stores.tail;
    let accounts = Memo::new(move |_| {
        tail.with(|tail| tail.as_ref().map(|tail| (tail.accounts, tail.n_forgotten, tail.is_subscribed)))
    });
    let line = move || {
        let (accounts, n_forgotten, is_subscribed) = accounts.get().unwrap_or_default();
        let counts = [
            accounts.received,
            accounts.shown,
            accounts.filtered,
            accounts.unjudged,
            accounts.skipped,
            n_forgotten,
        ];
        let figure = |((name, why), n): ((&'static str, &'static str), u64)| {
            let is_fault = matches!(name, "of these unjudged" | "skipped");
            // What is rarely there is named only then.
            (0 < n || name != "of these unjudged").then(|| view! {
                <span class="account" class:bad=is_fault && 0 < n title=why><span class="account-name">{name}</span>" "<b>{units::count(n)}</b></span>
            })
        };
        view! {
            {MEANINGS.into_iter().zip(counts).map(figure).collect_view()}
            {(!is_subscribed).then(|| view! { <span class="account">"not subscribed"</span> })}
        }
    };
    view! {
        <div class="accounts">
            <p class="account-line">{line}</p>
            <Why label="Why?" entries=MEANINGS.to_vec() />
        </div>
    }
}
