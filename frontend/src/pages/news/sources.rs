//! The sources: which failed and why, always in sight, and how many headlines each brought, behind a fold.

use leptos::prelude::*;
use signalbox_shared::news::NewsSource;

use crate::control::use_control;
use crate::state::units;

/// Sources that failed, in sight; further ones stand behind the fold with all the others.
const FAILED_MAX: usize = 3;

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
    let failed = move || {
        sources.with(|sources| {
            let failed = sources.iter().filter(|(source, _)| source.failure.is_some());
            failed.take(FAILED_MAX).cloned().collect::<Vec<_>>()
        })
    };
    let n_further = move || sources.with(|sources| n_failed(sources).saturating_sub(FAILED_MAX as u64));
    view! {
        <ul class="news-failures" aria-label="Sources that failed" hidden=move || failed().is_empty()>
            <For each=failed key=row_key let((source, n_headlines))>
                <FailureItem source n_headlines />
            </For>
            <li hidden=move || n_further() == 0>
                {move || format!("{} failed too; they stand among the sources.", units::counted(n_further(), "further source", "further sources"))}
            </li>
        </ul>
        <details class="panel news-sources">
            <summary>
                {move || sources.with(|sources| {
                    let failed = match n_failed(sources) {
                        0 => String::new(),
                        n => format!(", {} failed", units::count(n)),
                    };
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

fn n_failed(sources: &[(NewsSource, usize)]) -> u64 {
    sources.iter().filter(|(source, _)| source.failure.is_some()).count() as u64
}

/// One that failed: why, and how old what it brought before is.
#[component]
fn FailureItem(
    /// The source, without its headlines.
    source: NewsSource,
    /// How many headlines it has from before.
    n_headlines: usize,
) -> impl IntoView {
    let NewsSource { name, color, fetched_at_ms, failure, .. } = source;
    let clock_ms = use_control().stores.clock_ms;
    let (reason, since_ms) = failure.map(|failure| (failure.reason, failure.at_ms)).unwrap_or_default();
    let rest = move || {
        let age = |at_ms: i64| units::age((clock_ms.get() - at_ms).max(0));
        let headlines = match fetched_at_ms {
            Some(at_ms) => {
                let n = units::counted(n_headlines as u64, "headline", "headlines");
                format!("{n} from {} ago", age(at_ms))
            }
            None => "no headlines yet".to_owned(),
        };
        format!("failing for {}, {headlines}", age(since_ms))
    };
    view! {
        <li style=("--source", color)>
            <strong>{name}</strong> " failed: " <span class="bad">{reason}</span> " · " {rest}
        </li>
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
