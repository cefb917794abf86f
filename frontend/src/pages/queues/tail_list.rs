//! The rows of a tail. Only the rows that can be seen exist, so that a list of thousands costs what a screen costs, at
//! any rate of messages, and at most once per animation frame.

use leptos::html::Div;
use leptos::prelude::*;

use crate::app::{use_control, utc_offset_minutes};
use crate::state::tail::{self, Tail, TailItem, TailItemKind};
use crate::state::units;

/// Height of a row, in CSS pixels; `--tail-row` in the style sheet says the same.
const ROW_PX: f64 = 28.0;
/// Rows drawn beyond each edge, so that scrolling does not show holes.
const OVERSCAN: usize = 8;
/// How near the end counts as at the end, in CSS pixels.
const END_PX: f64 = ROW_PX;

/// What part of the list is in view, in CSS pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Window {
    top_px: f64,
    height_px: f64,
}

/// The list.
#[component]
pub fn TailList(
    /// The row whose message stands beside the list.
    chosen_row: RwSignal<Option<u64>>,
) -> impl IntoView {
    let control = use_control();
    let scroller: NodeRef<Div> = NodeRef::new();
    let window = RwSignal::new(Window { top_px: 0.0, height_px: 800.0 });
    let tail = control.stores.tail.clone();
    let extent = Memo::new({
        let tail = tail.clone();
        move |_| tail.with(|tail| tail.as_ref().map(|t| (t.len(), t.is_paused())).unwrap_or_default())
    });
    let rows = {
        let tail = tail.clone();
        move || {
            let (len, is_paused) = extent.get();
            let (first, n) = range(window.get(), len, is_paused);
            tail.with(|tail| tail.as_ref().map(|tail| tail.rows(first, n)).unwrap_or_default())
        }
    };
    // Follows the end while the tail runs.
    Effect::new(move |_| {
        tail.with(|_| ());
        let (_, is_paused) = extent.get();
        if let (false, Some(scroller)) = (is_paused, scroller.get()) {
            scroller.set_scroll_top(scroller.scroll_height());
        }
    });
    let on_scroll = {
        let control = control.clone();
        move |_| {
            let Some(scroller) = scroller.try_get_untracked().flatten() else { return };
            let (top_px, height_px) = (f64::from(scroller.scroll_top()), f64::from(scroller.client_height()));
            window.set(Window { top_px, height_px });
            let to_end_px = f64::from(scroller.scroll_height()) - top_px - height_px;
            // Whoever scrolls back wants to read: the rows must not run away.
            if END_PX * 2.0 < to_end_px && !extent.get_untracked().1 {
                control.update_tail(Tail::pause);
            }
        }
    };
    let offset_minutes = utc_offset_minutes();
    let on_keydown = move |event: web_sys::KeyboardEvent| {
        if event.key() == "Escape" {
            chosen_row.set(None);
        }
    };
    let choose = move |serial| {
        chosen_row.set(Some(serial));
        // The message that is being read must stay.
        control.update_tail(Tail::pause);
    };
    view! {
        <div
            class="tail-list"
            role="list"
            aria-label="Messages, oldest first"
            tabindex="0"
            node_ref=scroller
            on:scroll=on_scroll
            on:keydown=on_keydown
        >
            <div class="tail-extent" style:height=move || format!("{}px", extent.get().0 as f64 * ROW_PX)>
                <For each=rows key=|(place, item)| (*place, item.serial) let:((place, item))>
                    <Row place item offset_minutes chosen_row choose=choose.clone() />
                </For>
            </div>
        </div>
    }
}

/// Which rows can be seen: the last ones while the list follows its end, else those in the window.
fn range(window: Window, len: usize, is_paused: bool) -> (usize, usize) {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and not negative")]
    let rows = |px: f64| (px / ROW_PX).max(0.0) as usize;
    let n = rows(window.height_px) + 2 + 2 * OVERSCAN;
    let first = if is_paused { rows(window.top_px).saturating_sub(OVERSCAN) } else { len.saturating_sub(n) };
    (first, n)
}

#[component]
fn Row<C: Fn(u64) + 'static>(
    /// Its place in the list.
    place: usize,
    /// What it shows.
    item: TailItem,
    /// The computer's time zone.
    offset_minutes: i32,
    /// The row whose message stands beside the list.
    chosen_row: RwSignal<Option<u64>>,
    /// Called when it is chosen.
    choose: C,
) -> impl IntoView {
    let top = format!("translateY({}px)", place as f64 * ROW_PX);
    let time = units::clock_millis(item.at_ms, offset_minutes);
    let serial = item.serial;
    match item.kind {
        TailItemKind::Mark(text) => view! {
            <div class="tail-row mark" role="listitem" style:transform=top>
                <span class="tail-time">{time}</span>
                <span class="tail-text">{text.to_string()}</span>
            </div>
        }
        .into_any(),
        TailItemKind::Message(message) => {
            let form = match message.payload {
                signalbox_shared::Payload::Text(_) => "text",
                signalbox_shared::Payload::Base64(_) => "base64",
            };
            view! {
                <div class="tail-row" role="listitem" style:transform=top class:chosen=move || chosen_row.get() == Some(serial)>
                    <button class="tail-button" type="button" on:click=move |_| choose(serial)>
                        <span class="tail-time">{time}</span>
                        <span class="tail-text" data-form=form>{tail::preview(&message.payload)}</span>
                        <span class="tail-size">{units::bytes(message.size_bytes)}</span>
                    </button>
                </div>
            }
            .into_any()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(top_px: f64, height_px: f64, len: usize, is_paused: bool, expected: (usize, usize)) {
        assert_eq!(range(Window { top_px, height_px }, len, is_paused), expected);
    }

    #[test]
    fn only_what_can_be_seen_is_drawn() {
        check(0.0, 280.0, 5_000, false, (5_000 - 28, 28));
        check(0.0, 280.0, 5_000, true, (0, 28));
        check(2_800.0, 280.0, 5_000, true, (92, 28));
        check(0.0, 280.0, 3, false, (0, 28));
        check(-50.0, 0.0, 0, true, (0, 18));
    }
}
