//! What the cache of patrons does: how much is answered from it, and how much sooner.

use leptos::prelude::*;
use signalbox_shared::changes::{CacheInfo, ChangesInfo, Timing};

use crate::control::use_control;
use crate::state::units;

/// The panel.
#[component]
pub fn CachePanel() -> impl IntoView {
    let changes = use_control().stores.changes;
    let info = Memo::new(move |_| changes.with(|changes| changes.info.clone().unwrap_or_default()));
    let facts = move || {
        let info = info.get();
        facts(&info)
            .into_iter()
            .map(|(name, value)| view! { <div><dt>{name}</dt><dd>{value}</dd></div> })
            .collect_view()
    };
    view! {
        <section class="panel cache" aria-labelledby="cache-title">
            <div class="panel-head">
                <h2 id="cache-title">"Cache of patrons"</h2>
                <p class="summary">"Corrected only by notifications; the least recently used row goes first."</p>
            </div>
            <dl class="cache-facts">{facts}</dl>
        </section>
    }
}

fn facts(info: &ChangesInfo) -> Vec<(&'static str, String)> {
    let cache = &info.cache;
    vec![
        ("Hits", units::count(cache.hits)),
        ("Misses", units::count(cache.misses)),
        ("Ratio", ratio(cache)),
        (
            "Size",
            format!(
                "{} of {} rows, {}",
                units::count(cache.rows),
                units::count(cache.rows_max),
                units::bytes(cache.bytes)
            ),
        ),
        ("A hit takes", timing(&cache.hit)),
        ("A miss takes", timing(&cache.miss)),
        ("A change is here after", timing(&info.delay)),
        ("Corrected", units::counted(cache.corrected, "row", "rows")),
        ("Evicted", units::counted(cache.evictions, "row", "rows")),
        ("Emptied", units::counted(cache.clears, "time", "times")),
        ("Marked as old", units::counted(cache.marked, "answer", "answers")),
    ]
}

fn ratio(cache: &CacheInfo) -> String {
    match cache.hits + cache.misses {
        0 => "no read yet".to_owned(),
        n => format!("{:.1} %", 100.0 * cache.hits as f64 / n as f64),
    }
}

fn timing(timing: &Timing) -> String {
    match timing.count {
        0 => "not measured yet".to_owned(),
        _ => format!("{} (99 of 100: {})", micros(timing.p50_us), micros(timing.p99_us)),
    }
}

fn micros(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..1_000_000 => format!("{:.1} ms", us as f64 / 1e3),
        _ => format!("{:.1} s", us as f64 / 1e6),
    }
}
