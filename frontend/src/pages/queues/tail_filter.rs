//! Which messages are shown: words, a JSON path and a comparison, or a regular expression. The relay evaluates them.

use std::time::Duration;

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use signalbox_shared::filter::FILTER_BYTES_MAX;
use signalbox_shared::{Filter, FilterKind};

use crate::control::use_control;

/// How long after the last key the filter is sent.
const TYPING: Duration = Duration::from_millis(400);

/// The filter box.
#[component]
pub fn TailFilter() -> impl IntoView {
    let control = use_control();
    let tail = control.stores.tail.clone();
    let standing = {
        let tail = tail.clone();
        Memo::new(move |_| tail.with(|tail| tail.as_ref().and_then(|tail| tail.filter.clone())))
    };
    let error =
        Memo::new(move |_| tail.with(|tail| tail.as_ref().and_then(|tail| tail.filter_error.clone())));
    let kind = RwSignal::new(standing.get_untracked().map_or(FilterKind::Text, |filter| filter.kind));
    let text = RwSignal::new(standing.get_untracked().map(|filter| filter.text).unwrap_or_default());
    // What the form last set, or was set to: whatever else stands came from elsewhere, as from another address. The form
    // learns of its own filter a frame later, when something else may have been typed.
    let known = StoredValue::new(standing.get_untracked());
    Effect::new(move |_| {
        let now = standing.get();
        if known.get_value() == now {
            return;
        }
        known.set_value(now.clone());
        if let Some(filter) = &now {
            kind.set(filter.kind);
        }
        text.set(now.map(|filter| filter.text).unwrap_or_default());
    });
    let apply = {
        let control = control;
        move || {
            let (Some(kind), Some(text)) = (kind.try_get_untracked(), text.try_get_untracked()) else {
                return;
            };
            let filter = (!text.is_empty()).then_some(Filter { kind, text });
            let words = filter.as_ref().map(Filter::to_string).unwrap_or_default();
            known.try_set_value(filter);
            control.set_filter(&words);
        }
    };
    let typed = RwSignal::new(0_u32);
    let typing = {
        let apply = apply.clone();
        move || {
            typed.update(|n| *n += 1);
            let (n, apply) = (typed.get_untracked(), apply.clone());
            set_timeout(
                move || {
                    if typed.try_get_untracked() == Some(n) {
                        apply();
                    }
                },
                TYPING,
            );
        }
    };
    let placeholder = move || match kind.get() {
        FilterKind::Text => "Show only messages that contain …",
        FilterKind::Json => "$.user.id >= 5",
        FilterKind::Regex => "^error|timeout$",
    };
    let submit = {
        let apply = apply.clone();
        move |event: SubmitEvent| {
            event.prevent_default();
            apply();
        }
    };
    let choose = move |event: web_sys::Event| {
        let word = event_target_value(&event);
        if let Some(chosen) = FilterKind::ALL.into_iter().find(|kind| kind.word() == word) {
            kind.set(chosen);
            apply();
        }
    };
    view! {
        <form class="tail-filter" role="search" on:submit=submit>
            <select
                class="field"
                aria-label="How the filter is meant"
                prop:value=move || kind.get().word()
                on:change=choose
            >
                {FilterKind::ALL.map(|kind| view! { <option value=kind.word()>{title(kind)}</option> }).into_iter().collect_view()}
            </select>
            <input
                class="field"
                type="search"
                name="filter"
                aria-label="Filter"
                placeholder=placeholder
                maxlength=FILTER_BYTES_MAX.to_string()
                autocomplete="off"
                spellcheck="false"
                aria-invalid=move || error.with(Option::is_some).to_string()
                aria-describedby="filter-error"
                prop:value=move || text.get()
                on:input=move |event| {
                    text.set(event_target_value(&event));
                    typing();
                }
            />
        </form>
        <div id="filter-error" role="alert">{move || error.get().map(|(why, at)| fault(&text.get(), &why, at))}</div>
    }
}

fn title(kind: FilterKind) -> &'static str {
    match kind {
        FilterKind::Text => "Text",
        FilterKind::Json => "JSON path",
        FilterKind::Regex => "Regex",
    }
}

/// What is wrong, with a mark below the place.
fn fault(text: &str, why: &str, at: Option<u64>) -> impl IntoView + use<> {
    let place = at.map(|at| {
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        let before: String = text.chars().take(at).collect();
        let here: String = text.chars().skip(at).take(1).collect();
        let after: String = text.chars().skip(at.saturating_add(1)).collect();
        let here = if here.is_empty() { " ".to_owned() } else { here };
        view! { <code class="fault-place">{before}<mark>{here}</mark>{after}</code> }
    });
    view! { <p class="filter-error">{place}<span>{why.to_owned()}</span></p> }
}
