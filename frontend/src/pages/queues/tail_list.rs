//! The rows of a tail. Only the rows that can be seen exist, so that a list of thousands costs what a screen costs, at
//! any rate of messages, and at most once per animation frame. Whoever aims at a row finds it where it was.

use std::time::Duration;

use leptos::html::Div;
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use web_sys::{Element, HtmlDivElement, KeyboardEvent};

use super::tail_row::{ROW_PX, Row, Shown};
use crate::browser::clock::utc_offset_minutes;
use crate::components::viewport::use_viewport;
use crate::control::{Control, use_control};
use crate::state::tail::{Hold, Tail, TailItemKind};
use crate::state::units;
use crate::state::virtual_rows::{OVERSCAN, drawn, reveal};

/// How near the end counts as at the end, in CSS pixels.
const END_PX: f64 = 2.0 * ROW_PX;
/// How near is the very end, in CSS pixels: a browser's own rounding.
const STILL_PX: f64 = 1.0;
/// How long the rows stand still after the pointer has moved over them: time to aim and click.
const AIM: Duration = Duration::from_millis(1_500);

/// The list.
#[component]
pub fn TailList(
    /// The row whose message stands beside the list.
    chosen_row: RwSignal<Option<u64>>,
    /// The list itself, once it is there.
    scroller: NodeRef<Div>,
) -> impl IntoView {
    let control = use_control();
    let (viewport, measure) = use_viewport(scroller);
    let tail = control.stores.tail.clone();
    let held = Memo::new({
        let tail = tail.clone();
        move |_| tail.with(|tail| tail.as_ref().and_then(Tail::held))
    });
    let n_rows = Memo::new({
        let tail = tail.clone();
        move |_| tail.with(|tail| tail.as_ref().map_or(0, Tail::len))
    });
    let offset_minutes = utc_offset_minutes();
    let shown = Memo::new({
        let tail = tail;
        move |_| {
            let (view, len, is_held) = (viewport.get(), n_rows.get(), held.get().is_some());
            let slice = drawn(view, len, ROW_PX);
            // While it follows, the end is in view before the scroll position has caught up.
            let first = if is_held { slice.first } else { len - slice.n };
            tail.with(|tail| {
                let rows = tail.as_ref().map(|tail| tail.rows(first, slice.n)).unwrap_or_default();
                rows.iter().map(|(place, item)| Shown::of(*place, item, offset_minutes)).collect::<Vec<_>>()
            })
        }
    });
    // A row's place on the screen is its place in the list modulo the number of places, so that a row that stays in
    // view stays the same element.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a screen's rows")]
    let n_places = Memo::new(move |_| (viewport.get().height_px / ROW_PX) as usize + 2 + 2 * OVERSCAN);
    // Whoever comes to the list reads nothing yet.
    control.update_tail(|tail| tail.resume_from(Hold::Reading));
    // Where the list stood when it was last scrolled, by a person or from here: whoever scrolls moves it from there. How
    // it stood at the last event does not tell that, for the end runs on in the same frame in which a wheel is turned.
    let known_px = StoredValue::new(0.0);
    follow(&control, scroller, held, known_px);
    follow_cursor(&control, scroller, viewport, known_px);
    let scrolled = {
        let control = control.clone();
        move |_| {
            measure();
            let Some(scroller) = scroller.try_get_untracked().flatten() else { return };
            let top_px = f64::from(scroller.scroll_top());
            let moved_px = top_px - known_px.get_value();
            known_px.set_value(top_px);
            let to_end_px = to_end_px(&scroller);
            match held.get_untracked() {
                // Whoever scrolls back wants to read: the rows must not run away, be it by a pixel, for a wheel that is
                // turned moves a list in many small steps. A list that has become shorter stands at its end.
                None | Some(Hold::Aiming) if moved_px < 0.0 && STILL_PX < to_end_px => {
                    control.update_tail(|tail| tail.hold(Hold::Reading));
                }
                Some(Hold::Reading)
                    if 0.0 < moved_px && to_end_px <= END_PX && chosen_row.get_untracked().is_none() =>
                {
                    control.update_tail(|tail| tail.resume_from(Hold::Reading));
                }
                _ => {}
            }
        }
    };
    go_on_when_closed(&control, scroller, chosen_row);
    let choose = {
        let control = control.clone();
        Callback::new(move |serial: u64| {
            control.read_message(serial);
            chosen_row.set(Some(serial));
        })
    };
    let clicked = {
        let control = control.clone();
        move |event: web_sys::MouseEvent| {
            let row = event
                .target()
                .and_then(|target| target.dyn_into::<Element>().ok()?.closest(".tail-row").ok()?);
            let serial = row.and_then(|row| row.get_attribute("data-serial")?.parse().ok());
            if let Some(serial) = serial.filter(|serial| is_message(&control, *serial)) {
                choose.run(serial);
            }
        }
    };
    let keys = Keys { scroller, chosen_row, viewport, known_px, choose };
    let on_keydown = {
        let control = control.clone();
        move |event: KeyboardEvent| keys.pressed(&control, &event)
    };
    let aim = aiming(&control);
    let aimed = aim.clone();
    let places = move || (0..n_places.get()).collect::<Vec<_>>();
    view! {
        <div
            class="tail-list"
            role="listbox"
            aria-label="Messages, oldest first"
            aria-activedescendant=move || chosen_row.get().map(|serial| format!("tail-row-{serial}"))
            tabindex="0"
            node_ref=scroller
            on:scroll=scrolled
            on:keydown=on_keydown
            on:click=clicked
            on:pointermove=move |_| aim()
            on:pointerdown=move |_| aimed()
        >
            <div class="tail-extent" role="presentation" style:height=move || format!("{}px", n_rows.get() as f64 * ROW_PX)>
                <For each=places key=|place| *place let:slot>
                    {
                        let row = Memo::new(move |_| {
                            let n = n_places.get().max(1);
                            shown.with(|rows| rows.iter().find(|row| row.place % n == slot).cloned())
                        });
                        view! { <Show when=move || row.with(Option::is_some)><Row shown=row n_rows chosen_row /></Show> }
                    }
                </For>
            </div>
        </div>
        <Pill chosen_row held />
    }
}

/// How far it is to the end, in CSS pixels.
fn to_end_px(scroller: &HtmlDivElement) -> f64 {
    f64::from(scroller.scroll_height() - scroller.scroll_top() - scroller.client_height())
}

/// Scrolls from here, which is nobody's wish to read.
fn scroll_to(scroller: &HtmlDivElement, top_px: i32, known_px: StoredValue<f64>) {
    scroller.set_scroll_top(top_px);
    known_px.try_set_value(f64::from(scroller.scroll_top()));
}

/// Keeps the end in view while the tail runs.
fn follow(control: &Control, scroller: NodeRef<Div>, held: Memo<Option<Hold>>, known_px: StoredValue<f64>) {
    let tail = control.stores.tail.clone();
    let last = Memo::new(move |_| {
        tail.with(|tail| tail.as_ref().map(|tail| (tail.len(), tail.accounts.received, tail.n_forgotten)))
    });
    Effect::new(move |_| {
        last.track();
        if let (None, Some(scroller)) = (held.get(), scroller.get()) {
            scroll_to(&scroller, scroller.scroll_height(), known_px);
        }
    });
}

/// Lets the rows go on when a message is closed with which nobody has left the end. In a list that is not longer than
/// the screen nothing can be scrolled to say so. A moment that is locked stays in view.
fn go_on_when_closed(control: &Control, scroller: NodeRef<Div>, chosen_row: RwSignal<Option<u64>>) {
    let control = control.clone();
    let go_on = move || {
        let Some(scroller) = scroller.try_get_untracked().flatten() else { return };
        let is_open = chosen_row.try_get_untracked().is_none_or(|row| row.is_some());
        let is_locked = control.stores.cursor.peek(|cursor| cursor.moment_ms().is_some());
        if !is_open && !is_locked && to_end_px(&scroller) <= END_PX {
            control.update_tail(|tail| tail.resume_from(Hold::Reading));
        }
    };
    Effect::new(move |was_open: Option<bool>| {
        let is_open = chosen_row.get().is_some();
        if was_open == Some(true) && !is_open {
            // The list has its place for itself again then.
            request_animation_frame(go_on.clone());
        }
        is_open
    });
}

/// Goes to the moment that is locked, or that the page is paused at.
fn follow_cursor(
    control: &Control,
    scroller: NodeRef<Div>,
    viewport: RwSignal<crate::state::virtual_rows::Viewport>,
    known_px: StoredValue<f64>,
) {
    let cursor = control.stores.cursor.clone();
    let moment = Memo::new(move |_| cursor.with(|cursor| cursor.moment_ms()));
    let control = control.clone();
    Effect::new(move |_| {
        let Some(at_ms) = moment.get() else { return };
        let Some(scroller) = scroller.get() else { return };
        let place = control.stores.tail.update(|tail| {
            let tail = tail.as_mut()?;
            tail.hold(Hold::Reading);
            tail.place_at(at_ms)
        });
        if let Some(place) = place {
            let middle_px = viewport.get_untracked().height_px / 2.0;
            #[expect(clippy::cast_possible_truncation, reason = "within the list's extent")]
            scroll_to(&scroller, (place as f64 * ROW_PX - middle_px).max(0.0) as i32, known_px);
        }
    });
}

/// Holds the rows while somebody aims at one, and lets them go a moment later.
fn aiming(control: &Control) -> impl Fn() + Clone + use<> {
    let control = control.clone();
    let n_moves = StoredValue::new(0_u64);
    let is_waiting = StoredValue::new(false);
    fn wait(control: Control, n_moves: StoredValue<u64>, is_waiting: StoredValue<bool>) {
        let n = n_moves.try_get_value();
        set_timeout(
            move || {
                if n_moves.try_get_value() == n {
                    is_waiting.try_set_value(false);
                    control.update_tail(|tail| tail.resume_from(Hold::Aiming));
                } else {
                    wait(control, n_moves, is_waiting);
                }
            },
            AIM,
        );
    }
    move || {
        n_moves.try_update_value(|n| *n += 1);
        if control.stores.tail.peek(|tail| tail.as_ref().is_some_and(|tail| tail.held().is_none())) {
            control.update_tail(|tail| tail.hold(Hold::Aiming));
        }
        if is_waiting.try_get_value() == Some(false) {
            is_waiting.try_set_value(true);
            wait(control.clone(), n_moves, is_waiting);
        }
    }
}

fn is_message(control: &Control, serial: u64) -> bool {
    control.stores.tail.peek(|tail| {
        let item = tail.as_ref().and_then(|tail| tail.item(serial));
        item.is_some_and(|item| matches!(item.kind, TailItemKind::Message(_)))
    })
}

/// Says that the rows stand still, and what waits.
#[component]
fn Pill(
    /// The row whose message stands beside the list.
    chosen_row: RwSignal<Option<u64>>,
    /// Why they stand still.
    held: Memo<Option<Hold>>,
) -> impl IntoView {
    let control = use_control();
    let tail = control.stores.tail.clone();
    let n_behind = Memo::new(move |_| tail.with(|tail| tail.as_ref().map_or(0, Tail::n_behind)));
    let cursor = control.stores.cursor.clone();
    let is_locked = Memo::new(move |_| cursor.with(|cursor| cursor.moment_ms().is_some()));
    let words = move || match n_behind.get() {
        0 if chosen_row.get().is_some() => "Held at the chosen message · go live".to_owned(),
        0 if is_locked.get() => "Held at the marked moment · go live".to_owned(),
        0 => "Held while you read · go live".to_owned(),
        n => format!("↓ {} new", units::count(n)),
    };
    let go_on = move |_| {
        chosen_row.set(None);
        control.update_tail(|tail| tail.resume_from(Hold::Reading));
    };
    move || {
        match held.get() {
        Some(Hold::Reading) => {
            let go_on = go_on.clone();
            Some(view! {
                <button class="button tail-pill" type="button" on:click=go_on>{words}</button>
            }.into_any())
        }
        Some(Hold::Aiming) if n_behind.get() > 0 => {
            Some(view! { <p class="tail-pill note">{move || format!("held while you aim, {} new", units::count(n_behind.get()))}</p> }.into_any())
        }
        _ => None,
    }
    }
}

/// What the keys do.
#[derive(Clone, Copy)]
struct Keys {
    scroller: NodeRef<Div>,
    chosen_row: RwSignal<Option<u64>>,
    viewport: RwSignal<crate::state::virtual_rows::Viewport>,
    known_px: StoredValue<f64>,
    choose: Callback<u64>,
}

impl Keys {
    fn pressed(self, control: &Control, event: &KeyboardEvent) {
        if event.ctrl_key() || event.meta_key() || event.alt_key() {
            return;
        }
        let chosen = self.chosen_row.get_untracked();
        match (event.key().as_str(), chosen) {
            ("Escape", _) => return self.chosen_row.set(None),
            ("p", Some(serial)) => {
                return control.update_tail(|tail| {
                    tail.toggle_pin(serial);
                });
            }
            _ => {}
        }
        let (at, n) = control.stores.tail.peek(|tail| {
            let tail = tail.as_ref();
            let at = tail.zip(chosen).and_then(|(tail, serial)| tail.place(serial));
            (at, tail.map_or(0, Tail::len))
        });
        if n == 0 {
            return;
        }
        let (next, is_up) = match event.key().as_str() {
            "ArrowDown" => (at.map_or(n - 1, |at| (at + 1).min(n - 1)), false),
            "ArrowUp" => (at.map_or(n - 1, |at| at.saturating_sub(1)), true),
            "Home" => (0, false),
            "End" => (n - 1, true),
            _ => return,
        };
        event.prevent_default();
        // Rows that are no messages are stepped over.
        let found = control.stores.tail.peek(|tail| {
            let tail = tail.as_ref()?;
            let places: Box<dyn Iterator<Item = usize>> =
                if is_up { Box::new((0..=next).rev()) } else { Box::new(next..n) };
            places.map(|place| tail.rows(place, 1)).find_map(|rows| {
                let (place, item) = rows.into_iter().next()?;
                matches!(item.kind, TailItemKind::Message(_)).then_some((place, item.serial))
            })
        });
        let Some((place, serial)) = found else { return };
        self.choose.run(serial);
        if let (Some(top_px), Some(scroller)) =
            (reveal(self.viewport.get_untracked(), place, n, ROW_PX), self.scroller.get_untracked())
        {
            #[expect(clippy::cast_possible_truncation, reason = "within the list's extent")]
            scroll_to(&scroller, top_px.round() as i32, self.known_px);
        }
    }
}

/// The rows that are kept in view above the list.
#[component]
pub fn Pins(
    /// The row whose message stands beside the list.
    chosen_row: RwSignal<Option<u64>>,
) -> impl IntoView {
    let control = use_control();
    let tail = control.stores.tail.clone();
    let offset_minutes = utc_offset_minutes();
    let pins = Memo::new(move |_| {
        tail.with(|tail| {
            let pins = tail.as_ref().map(|tail| tail.pins()).unwrap_or_default();
            pins.iter()
                .map(|item| Shown::of(0, item, offset_minutes))
                .filter(Shown::is_message)
                .collect::<Vec<_>>()
        })
    });
    let pin = move |shown: Shown| {
        let (for_read, for_unpin, serial) = (control.clone(), control.clone(), shown.serial);
        let read = move |_| {
            for_read.read_message(serial);
            chosen_row.set(Some(serial));
        };
        let unpin = move |_| {
            for_unpin.update_tail(|tail| {
                tail.toggle_pin(serial);
            });
        };
        let text = shown.line();
        view! {
            <li>
                <button class="pin-text" type="button" on:click=read>{text}</button>
                <button class="button quiet" type="button" aria-label="Unpin" on:click=unpin>"×"</button>
            </li>
        }
    };
    view! {
        <Show when=move || !pins.with(Vec::is_empty)>
            <ul class="pins" aria-label="Pinned messages">
                <For each=move || pins.get() key=|shown| shown.serial children=pin.clone() />
            </ul>
        </Show>
    }
}
