//! *News*: a box for each headline, in the colour of its source.

pub mod boxes;
pub mod sources;

use leptos::prelude::*;

use crate::components::empty::Empty;
use crate::control::use_control;
use crate::state::news_board::Order;
use crate::state::units;
use boxes::Boxes;
use sources::Sources;

/// Key of the filter in the address.
const FILTER: &str = "filter";
/// Key of the order in the address.
const SORT: &str = "sort";

/// The page.
#[component]
pub fn NewsPage() -> impl IntoView {
    let stores = use_control().stores;
    let news = stores.news;
    let state = Memo::new(move |_| {
        news.with(|board| (board.news.as_ref().map(|news| news.sources.len()), board.failure.clone()))
    });
    // The board's head has more in it.
    let head = move || {
        let has_board = state.with(|(n_sources, _)| n_sources.is_some_and(|n| 0 < n));
        (!has_board).then(|| view! { <div class="page-head"><h1>"News"</h1></div> })
    };
    view! {
        <div class="page news">
            {head}
            {move || match state.get() {
                (None, None) => view! { <p class="quiet-note" role="status">"Fetching headlines …"</p> }.into_any(),
                (None, Some(why)) => view! {
                    <p class="notice bad" role="alert">"No headlines yet, trying again: " {why}</p>
                }
                .into_any(),
                (Some(0), _) => view! {
                    <section class="panel">
                        <Empty
                            title="News is turned off"
                            text="Start the relay without --news=off, and name your sites and feeds in signalbox.toml:"
                            commands=vec![
                                "[[sources]]\nname = \"Example\"\nurl = \"https://example.org/feed.xml\"".to_owned(),
                            ]
                        />
                    </section>
                }
                .into_any(),
                (Some(_), _) => view! { <Board /> }.into_any(),
            }}
        </div>
    }
}

#[component]
fn Board() -> impl IntoView {
    let control = use_control();
    let stores = control.stores.clone();
    let query = stores.query.clone();
    let filter = Memo::new({
        let query = query.clone();
        move |_| query.with(|query| query.get(FILTER).unwrap_or_default().to_owned())
    });
    let order = Memo::new(move |_| query.with(|query| Order::from_word(query.get(SORT))));
    let counts = Memo::new({
        let news = stores.news.clone();
        move |_| news.with(|board| board.counts())
    });
    let failure = move || {
        let why = stores.news.with(|board| board.failure.clone());
        why.map(
            |why| view! { <p class="notice warn" role="status">"Not up to date, trying again: " {why}</p> },
        )
    };
    let set_filter = {
        let control = control.clone();
        move |text: String| control.set_query(FILTER, (!text.is_empty()).then_some(text))
    };
    let set_order =
        move |word: String| control.set_query(SORT, Order::from_word(Some(&word)).word().map(str::to_owned));
    let summary = move || {
        let (n, n_new) = counts.get();
        let new = if n_new == 0 { String::new() } else { format!(", {} new", units::count(n_new)) };
        format!("{}{new}", units::counted(n, "headline", "headlines"))
    };
    view! {
        <div class="page-head">
            <h1>"News"</h1>
            <p class="summary" aria-live="polite">{summary}</p>
            <input
                class="field filter"
                type="search"
                placeholder="Filter"
                aria-label="Show headlines whose title or source contains"
                prop:value=move || filter.get()
                on:input:target=move |event| set_filter(event.target().value())
            />
            <label class="news-sort">
                <span class="visually-hidden">"Order"</span>
                <select
                    class="field"
                    prop:value=move || order.get().word().unwrap_or("title")
                    on:change:target=move |event| set_order(event.target().value())
                >
                    <option value="title">"By title"</option>
                    <option value="time">"Newest first"</option>
                    <option value="source">"By source"</option>
                </select>
            </label>
        </div>
        {failure}
        <Sources />
        <Boxes filter order />
    }
}
