//! The changes as they come, the newest first.

use std::sync::Arc;

use leptos::prelude::*;
use signalbox_shared::changes::ChangeEvent;

use crate::control::use_control;
use crate::state::changes::{Accounts, Changes, Field, cut, fields, value_text};
use crate::state::{units, visible};

/// Most rows shown at a time: the filter finds the others.
const ROWS_MAX: usize = 100;
/// Where the filter stands in the address.
const FILTER: &str = "filter";

/// The list.
#[component]
pub fn EventList() -> impl IntoView {
    let control = use_control();
    let stores = control.stores.clone();
    let filter = RwSignal::new(stores.query.get_untracked().get(FILTER).unwrap_or_default().to_owned());
    let keep_filter = {
        let control = control;
        move |_| {
            let text = filter.get_untracked();
            control.set_query(FILTER, (!text.is_empty()).then_some(text));
        }
    };
    let changes = stores.changes.clone();
    let rows = move || {
        let filter = filter.get();
        changes.with(|changes| changes.matching(&filter).take(ROWS_MAX).cloned().collect::<Vec<_>>())
    };
    let changes = stores.changes.clone();
    let accounts = Memo::new(move |_| {
        let filter = filter.get();
        changes.with(|changes| changes.accounts(&filter))
    });
    let changes = stores.changes.clone();
    let is_paused = Memo::new(move |_| changes.with(Changes::is_paused));
    let pause_label = move || match (is_paused.get(), accounts.get().waiting) {
        (false, _) => "Pause".to_owned(),
        (true, 0) => "Resume".to_owned(),
        (true, n) => format!("Resume ({} new)", units::count(n)),
    };
    let changes = stores.changes;
    let toggle = move |_| changes.update(Changes::toggle_pause);
    view! {
        <section class="panel changes-events" aria-labelledby="events-title">
            <div class="panel-head">
                <h2 id="events-title">"Live changes"</h2>
                <input
                    class="field filter"
                    type="search"
                    placeholder="Filter"
                    aria-label="Show changes whose table, key, kind or row contains"
                    bind:value=filter
                    on:change=keep_filter
                />
                <button
                    class="button pause"
                    type="button"
                    aria-pressed=move || is_paused.get().to_string()
                    on:click=toggle
                >
                    {pause_label}
                </button>
            </div>
            <div class="table-scroll" tabindex="0" role="region" aria-label="Changes">
                <table class="table events">
                    <caption class="visually-hidden">"Changes of all watched tables, the newest first"</caption>
                    <thead>
                        <tr>
                            <th scope="col">"Time"</th>
                            <th scope="col">"Table"</th>
                            <th scope="col">"Key"</th>
                            <th scope="col">"Kind"</th>
                            <th scope="col">"Row"</th>
                        </tr>
                    </thead>
                    <tbody>
                        <For each=rows key=|event| event.id.to_string() children=|event| event_row(&event) />
                    </tbody>
                </table>
                <Show when=move || accounts.get().shown == 0>
                    <p class="quiet-note">{move || match accounts.get().filtered {
                        0 => "No change yet. Insert, update or delete a row of a watched table.",
                        _ => "No change matches the filter.",
                    }}</p>
                </Show>
            </div>
            <p class="accounts" role="status" aria-live="off">{move || account_sentence(accounts.get())}</p>
        </section>
    }
}

fn account_sentence(accounts: Accounts) -> String {
    let Accounts { received, shown, filtered, skipped, forgotten, waiting } = accounts;
    let further = match shown.saturating_sub(ROWS_MAX as u64) {
        0 => String::new(),
        n => format!(" (the newest {ROWS_MAX} here, {} below)", units::count(n)),
    };
    format!(
        "{} received = {} shown{further} + {} filtered + {} waiting + {} skipped + {} let go",
        units::count(received),
        units::count(shown),
        units::count(filtered),
        units::count(waiting),
        units::count(skipped),
        units::count(forgotten)
    )
}

fn event_row(event: &Arc<ChangeEvent>) -> impl IntoView + use<> {
    let date = js_sys::Date::new(&(event.at_ms as f64).into());
    let time = units::clock_millis(event.at_ms, -(date.get_timezone_offset() as i32));
    let key = value_text(&event.key);
    let row = if event.is_truncated {
        view! { <span class="summary">"over 8,000 bytes: only the key is known"</span> }.into_any()
    } else {
        fields(event).into_iter().map(field).collect_view().into_any()
    };
    view! {
        <tr>
            <td data-label="Time"><time>{time}</time></td>
            <td data-label="Table"><code>{event.table.clone()}</code></td>
            <td data-label="Key" class="key" title=visible::line(key.as_bytes())>{cut(&key)}</td>
            <td data-label="Kind"><span class="change-kind" data-kind=event.kind.word()>{event.kind.word()}</span></td>
            <td class="fields">{row}</td>
        </tr>
    }
}

fn field(Field { name, old, new }: Field) -> impl IntoView {
    let both = old.is_some() && new.is_some();
    let whole = |text: &String| visible::line(text.as_bytes());
    let old = old.map(|old| view! { <del title=whole(&old)>{cut(&old)}</del> });
    let new = new.map(|new| match both {
        true => view! { <ins title=whole(&new)>{cut(&new)}</ins> }.into_any(),
        false => view! { <span title=whole(&new)>{cut(&new)}</span> }.into_any(),
    });
    view! {
        <span class="change-field">
            <span class="field-name">{name}</span>
            {old}
            {new}
        </span>
    }
}
