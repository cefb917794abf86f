//! Where every message went: `received = shown + filtered + skipped`, and what the page keeps of those shown.

use leptos::prelude::*;

use crate::control::use_control;
use crate::state::units;

/// The line of accounts.
#[component]
pub fn Accounts() -> impl IntoView {
    let tail = use_control().stores.tail;
    let accounts = Memo::new(move |_| {
        tail.with(|tail| tail.as_ref().map(|tail| (tail.accounts, tail.n_forgotten, tail.is_subscribed)))
    });
    let line = move || {
        let (accounts, n_forgotten, is_subscribed) = accounts.get().unwrap_or_default();
        let figure = |name: &'static str, n: u64, is_bad: bool, why: &'static str| {
            view! { <span class="account" class:bad=is_bad title=why><span class="account-name">{name}</span>" "<b>{units::count(n)}</b></span> }
        };
        view! {
            {figure("received", accounts.received, false, "Messages of the channel since this page subscribed: shown + filtered + skipped")}
            {figure("shown", accounts.shown, false, "Messages that came to this page")}
            {figure("filtered", accounts.filtered, false, "Messages that the filter kept back at the relay")}
            {(accounts.unjudged > 0).then(|| figure("of these unjudged", accounts.unjudged, true, "Too large for the filter to look at: counted as filtered"))}
            {figure("skipped", accounts.skipped, accounts.skipped > 0, "Messages left out because there were more than a page can follow: of a batch of 16 ms the newest are shown")}
            {figure("no longer kept", n_forgotten, false, "Messages that were shown and left the list: it keeps the newest 5,000, at most 16 MiB")}
            <span class="account">{if is_subscribed { "" } else { "not subscribed" }}</span>
        }
    };
    view! { <p class="accounts">{line}</p> }
}
