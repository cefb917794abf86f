//! The sources: how many headlines each brought, how old they are, and why one failed.

use leptos::prelude::*;
use signalbox_shared::news::NewsSource;

use crate::app::use_control;
use crate::state::units;

/// The list of sources.
#[component]
pub fn Sources() -> impl IntoView {
    let stores = use_control().stores;
    let news = stores.news;
    // Without the headlines, which are most of it.
    let sources = Memo::new(move |_| {
        let row = |source: &NewsSource| {
            let n = source.headlines.len();
            (NewsSource { headlines: Vec::new(), ..source.clone() }, n)
        };
        news.with(|board| board.news.iter().flat_map(|n| &n.sources).map(row).collect::<Vec<_>>())
    });
    view! {
        <details class="panel news-sources">
            <summary>
                {move || sources.with(|sources| {
                    let n_failed = sources.iter().filter(|(source, _)| source.failure.is_some()).count() as u64;
                    let failed = if n_failed == 0 { String::new() } else { format!(", {n_failed} failed") };
                    format!("{}{failed}", units::counted(sources.len() as u64, "source", "sources"))
                })}
            </summary>
            <ul>
                <For each=move || sources.get() key=row_key let((source, n_headlines))>
                    <SourceItem source n_headlines />
                </For>
            </ul>
        </details>
    }
}

/// A row is built anew when what it tells has changed; its age goes on by itself.
fn row_key((source, n_headlines): &(NewsSource, usize)) -> String {
    let failure = source.failure.as_ref().map(|failure| (&failure.reason, failure.at_ms));
    let NewsSource { name, fetched_at_ms, is_fetching, n_left_out, .. } = source;
    format!("{name}\n{fetched_at_ms:?} {is_fetching} {n_left_out} {n_headlines} {failure:?}")
}

#[component]
fn SourceItem(
    /// The source, without its headlines.
    source: NewsSource,
    /// How many headlines it has.
    n_headlines: usize,
) -> impl IntoView {
    let NewsSource { name, url, color, is_fetching, fetched_at_ms, failure, n_left_out, .. } = source;
    let clock_ms = use_control().stores.clock_ms;
    let age = move || match fetched_at_ms {
        Some(at_ms) => format!("{} ago", units::age((clock_ms.get() - at_ms).max(0))),
        None if is_fetching => "fetching …".to_owned(),
        None => "never".to_owned(),
    };
    let left_out = (0 < n_left_out).then(|| format!(", {} left out", units::count(n_left_out)));
    let failure = failure.map(|failure| view! { <p class="bad">"Failed: " {failure.reason}</p> });
    view! {
        <li style=("--source", color)>
            <a href=url target="_blank" rel="noopener noreferrer">{name}</a>
            <span class="quiet">
                {units::counted(n_headlines as u64, "headline", "headlines")} {left_out} ", " {age}
            </span>
            {failure}
        </li>
    }
}
