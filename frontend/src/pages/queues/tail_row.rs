//! One row of a tail. A row is a place on the screen that is filled anew as messages come, which costs far less than
//! making new rows thousands of times a second.

use leptos::prelude::*;

use crate::state::tail::{self, TailItem, TailItemKind};
use crate::state::units;

/// Height of a row, in CSS pixels; `--tail-row` in the style sheet says the same.
pub(super) const ROW_PX: f64 = 28.0;

/// A row as it is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// Its place in the list, from 0.
    pub place: usize,
    /// The number of its item in the tail.
    pub serial: u64,
    time: String,
    text: String,
    size: String,
    form: &'static str,
}

impl Shown {
    /// How an item looks.
    pub(super) fn of(place: usize, item: &TailItem, offset_minutes: i32) -> Self {
        let time = units::clock_millis(item.at_ms, offset_minutes);
        let serial = item.serial;
        match &item.kind {
            TailItemKind::Mark(text) => {
                let (text, size) = (text.to_string(), String::new());
                Self { place, serial, time, text, size, form: "mark" }
            }
            TailItemKind::Message(message) => {
                let form = match message.payload {
                    signalbox_shared::Payload::Text(_) => "text",
                    signalbox_shared::Payload::Base64(_) => "base64",
                };
                let size = units::bytes(message.size_bytes);
                Self { place, serial, time, text: tail::preview(&message.payload), size, form }
            }
        }
    }

    /// Time and text on one line.
    pub(super) fn line(&self) -> String {
        format!("{}  {}", self.time, self.text)
    }

    /// Whether it is a message, which can be read.
    pub(super) fn is_message(&self) -> bool {
        self.form != "mark"
    }
}

/// The row in one place.
#[component]
pub fn Row(
    /// What it shows; nothing when there are fewer rows than places.
    shown: Memo<Option<Shown>>,
    /// How many rows there are.
    n_rows: Memo<usize>,
    /// The row whose message stands beside the list.
    chosen_row: RwSignal<Option<u64>>,
) -> impl IntoView {
    let part = move |read: fn(&Shown) -> String| {
        Memo::new(move |_| shown.with(|shown| shown.as_ref().map(read).unwrap_or_default()))
    };
    let (time, text, size) = (part(|s| s.time.clone()), part(|s| s.text.clone()), part(|s| s.size.clone()));
    let form = Memo::new(move |_| shown.with(|shown| shown.as_ref().map_or("", |shown| shown.form)));
    let serial = Memo::new(move |_| shown.with(|shown| shown.as_ref().map(|shown| shown.serial)));
    let place = Memo::new(move |_| shown.with(|shown| shown.as_ref().map(|shown| shown.place)));
    let is_chosen = Memo::new(move |_| serial.get().is_some() && chosen_row.get() == serial.get());
    view! {
        <div
            class="tail-row"
            class:mark=move || form.get() == "mark"
            class:chosen=is_chosen
            role="option"
            id=move || serial.get().map(|serial| format!("tail-row-{serial}"))
            aria-selected=move || is_chosen.get().to_string()
            aria-posinset=move || place.get().map(|place| (place + 1).to_string())
            aria-setsize=move || n_rows.get().to_string()
            data-serial=move || serial.get().map(|serial| serial.to_string())
            style:transform=move || place.get().map(|place| format!("translateY({}px)", place as f64 * ROW_PX))
        >
            <span class="tail-time">{time}</span>
            <span class="tail-text" data-form=form>{text}</span>
            <span class="tail-size">{size}</span>
        </div>
    }
}
