//! One item of a room's log.

use std::sync::Arc;

use js_sys::{Date, Object, Reflect};
use leptos::prelude::*;
use signalbox_shared::chat::{ChatLine, ChatLineKind};
use wasm_bindgen::JsValue;

use crate::browser::clock::utc_offset_minutes;
use crate::control::use_control;
use crate::state::chat_items::Item;
use crate::state::chat_text::{Piece, mentions, pieces};
use crate::state::units;

/// The item.
#[component]
pub fn ItemView(
    /// What it shows.
    item: Item,
    /// The name of who sits here.
    me: String,
) -> impl IntoView {
    match item {
        Item::Day { noon_ms } => view! { <p class="day" role="separator">{day(noon_ms)}</p> }.into_any(),
        Item::Unread => view! { <p class="unread-mark" role="separator">"New"</p> }.into_any(),
        Item::Note { text, .. } => view! { <p class="line note">{text}</p> }.into_any(),
        Item::Moves { at_ms, text, .. } => view! {
            <p class="line note">
                <Time at_ms />
                {text}
            </p>
        }
        .into_any(),
        Item::Line(line) => view! { <Line line me /> }.into_any(),
    }
}

#[component]
fn Line(
    /// What was said.
    line: Arc<ChatLine>,
    /// The name of who sits here.
    me: String,
) -> impl IntoView {
    let page = use_control().page_address();
    let ChatLine { at_ms, name, kind, .. } = Arc::unwrap_or_clone(line);
    let text = kind.text().unwrap_or_default().to_owned();
    let is_house = matches!(kind, ChatLineKind::Announced { .. });
    let is_program = matches!(kind, ChatLineKind::Posted { .. });
    let by = if is_house { "Signalbox".to_owned() } else { name.clone() };
    let title = by.clone();
    let is_call = name != me && mentions(&text, &me);
    let is_deed = text.starts_with("* ");
    let label = format!("{by}, {}", units::clock(at_ms, utc_offset_minutes()));
    view! {
        <article
            class="line"
            class:house=is_house
            class:call=is_call
            class:own=name == me && !is_house
            class:deed=is_deed
            data-at=at_ms.to_string()
            aria-label=label
        >
            <Time at_ms />
            <span class="line-name" title=title>{by}</span>
            {is_program.then(|| view! { <span class="line-tag">"program"</span> })}
            <span class="line-text">{pieces(&text, &me, &page).into_iter().map(piece).collect_view()}</span>
        </article>
    }
}

fn piece(piece: Piece) -> impl IntoView {
    match piece {
        Piece::Text(text) => text.into_any(),
        Piece::Here { hash, text } => view! { <a href=hash>{text}</a> }.into_any(),
        Piece::Link(url) => {
            let href = url.clone();
            view! { <a href=href target="_blank" rel="noopener noreferrer">{url}</a> }.into_any()
        }
        Piece::Mention { text, is_me } => {
            view! { <span class="mention" class:me=is_me>{text}</span> }.into_any()
        }
    }
}

/// A moment, for people and for programs.
#[component]
fn Time(
    /// Which moment.
    at_ms: i64,
) -> impl IntoView {
    #[expect(clippy::cast_precision_loss, reason = "exact for the next 280,000 years")]
    let date = Date::new(&JsValue::from_f64(at_ms as f64));
    // A time that no calendar knows has no form for programs.
    let machine = if date.get_time().is_nan() { String::new() } else { String::from(date.to_iso_string()) };
    let whole = String::from(date.to_locale_string("default", &JsValue::UNDEFINED));
    let text = units::clock(at_ms, utc_offset_minutes());
    view! { <time class="line-time" datetime=machine title=whole>{text}</time> }
}

fn day(noon_ms: i64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "exact for the next 280,000 years")]
    let date = Date::new(&JsValue::from_f64(noon_ms as f64));
    let options = Object::new();
    for (part, form) in [("weekday", "long"), ("day", "numeric"), ("month", "long"), ("year", "numeric")] {
        // A plain object takes any key.
        let _ = Reflect::set(&options, &part.into(), &form.into());
    }
    String::from(date.to_locale_date_string("en-GB", &options))
}
