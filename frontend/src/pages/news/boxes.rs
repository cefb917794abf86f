//! The boxes. While one is pointed at or focused their list stays as it is, so that a click lands where it was aimed.

use leptos::prelude::*;

use crate::control::use_control;
use crate::state::news_board::{NewsBox, Order};
use crate::state::units;

/// The boxes.
#[component]
pub fn Boxes(
    /// What titles or sources must contain.
    filter: Memo<String>,
    /// In which order.
    order: Memo<Order>,
) -> impl IntoView {
    let stores = use_control().stores;
    let is_held = RwSignal::new(false);
    let news = stores.news;
    let now = Memo::new(move |_| news.with(|board| board.boxes(&filter.get(), order.get())));
    // Another filter or order is what the person asked for, so it shows at once.
    let asked = Memo::new(move |_| (filter.get(), order.get()));
    let shown = Memo::new(move |old: Option<&(Shown, (String, Order))>| match old {
        Some((old, old_asked)) if is_held.get() && !old.0.is_empty() && *old_asked == asked.get() => {
            (old.clone(), old_asked.clone())
        }
        _ => (now.get(), asked.get()),
    });
    let is_waiting = Memo::new(move |_| shown.with(|(shown, _)| now.with(|now| now.0 != shown.0)));
    let n_further = move || shown.with(|((_, n), _)| *n);
    let is_empty = move || shown.with(|((boxes, _), _)| boxes.is_empty());
    view! {
        <p class="quiet-note news-waiting" role="status">
            {move || is_waiting.get().then_some("Newer headlines wait while you point at these.")}
        </p>
        <ul
            class="news-boxes"
            aria-label="Headlines"
            hidden=is_empty
            on:pointerenter=move |_| is_held.set(true)
            on:pointerleave=move |_| is_held.set(false)
            on:focusin=move |_| is_held.set(true)
            on:focusout=move |_| is_held.set(false)
        >
            <For each=move || shown.with(|((boxes, _), _)| boxes.clone()) key=|b| (b.link.clone(), b.title.clone(), b.is_new) let:news_box>
                <BoxItem news_box />
            </For>
        </ul>
        <p class="quiet-note boxes-none" hidden=move || !is_empty()>
            {move || if filter.with(String::is_empty) { "No headlines yet." } else { "No headline contains that." }}
        </p>
        <p class="quiet-note" hidden=move || n_further() == 0>
            {move || format!("{} more; filter to find them.", units::count(n_further() as u64))}
        </p>
    }
}

/// Boxes, and how many there are beside them.
type Shown = (Vec<NewsBox>, usize);

#[component]
fn BoxItem(
    /// What it shows.
    news_box: NewsBox,
) -> impl IntoView {
    let NewsBox { title, link, source, color, first_seen_ms, is_new } = news_box;
    let clock_ms = use_control().stores.clock_ms;
    // A minute is as fine as anybody reads news.
    let age = Memo::new(move |_| units::age((clock_ms.get() - first_seen_ms).max(0) / 60_000 * 60_000));
    view! {
        <li class="news-box" class:is-new=is_new style=("--source", color)>
            <a href=link target="_blank" rel="noopener noreferrer">
                <span class="news-title">{title}</span>
                <span class="news-source">
                    {is_new.then(|| view! { <strong class="news-new">"new"</strong> })}
                    {source} " · " {move || age.get()}
                </span>
            </a>
        </li>
    }
}
