//! How the lines of a room are scrolled: who stands at the end follows it, who reads further up is never moved.

use leptos::html::Div;
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use web_sys::HtmlElement;

use crate::components::viewport::use_viewport;
use crate::state::chat_items::Item;
use crate::state::chat_room::Pending;

/// How near the end counts as at the end, in CSS pixels: about two lines.
const END_PX: i32 = 64;
/// How near the beginning asks for older lines, in CSS pixels: before one is there.
const BEGINNING_PX: i32 = 200;
/// How far a line stays where it is, in CSS pixels: a browser's own rounding.
const STILL_PX: f64 = 1.0;

/// The line that stands at the top of what is seen.
#[derive(Clone)]
struct Anchor {
    line: HtmlElement,
    /// How far below that edge it begins, in CSS pixels.
    offset_px: f64,
    /// How far the lines were scrolled then, in CSS pixels.
    top_px: f64,
}

/// The scrolling of one list of lines.
#[derive(Clone, Copy)]
pub struct Scroll {
    scroller: NodeRef<Div>,
    is_at_end: RwSignal<bool>,
    /// What was in sight when the lines were last scrolled, by a person or from here.
    anchor: StoredValue<Option<Anchor>, LocalStorage>,
    /// Width and height of what is seen of the lines then, in CSS pixels.
    size_px: StoredValue<(i32, i32)>,
}

impl Scroll {
    /// Of the lines in this element.
    #[must_use]
    pub fn new(scroller: NodeRef<Div>) -> Self {
        Self {
            scroller,
            is_at_end: RwSignal::new(true),
            anchor: StoredValue::new_local(None),
            size_px: StoredValue::new((0, 0)),
        }
    }

    /// Whether the newest line is in sight; the view that asks is run again when that changes.
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        self.is_at_end.get()
    }

    /// Goes to the newest line.
    pub fn to_end(&self) {
        self.is_at_end.try_set(true);
        if let Some(scroller) = self.scroller.try_get_untracked().flatten() {
            scroller.set_scroll_top(scroller.scroll_height());
            self.note(&scroller);
        }
    }

    /// The lines were scrolled, by a person or by a change of the layout. Returns whether older lines are wanted.
    pub fn moved(&self) -> bool {
        let Some(scroller) = self.scroller.try_get_untracked().flatten() else { return false };
        let back_px = self.scrolled_back_px(&scroller);
        if self.is_at_end.try_get_untracked() == Some(false) {
            self.make_up(&scroller);
        }
        let to_end_px = scroller.scroll_height() - scroller.scroll_top() - scroller.client_height();
        if to_end_px < END_PX {
            self.is_at_end.try_set(true);
            // Small steps back add up until they have left the end.
            if back_px <= 0.0 {
                self.note(&scroller);
            }
            return false;
        }
        if self.is_at_end.try_get_untracked() == Some(true) && back_px <= STILL_PX {
            // The window was turned, something was put above the field, or lines have come.
            self.to_end();
            return false;
        }
        self.is_at_end.try_set(false);
        self.note(&scroller);
        scroller.scroll_top() < BEGINNING_PX
    }

    /// How far a person has scrolled back: by so much does stand lower what was in sight. Lines that come, and lines that
    /// go above it, do not move it; what a window of another size does to it is nobody's wish to read.
    fn scrolled_back_px(&self, scroller: &HtmlElement) -> f64 {
        let is_resized = self.size_px.try_get_value() != Some(size_px(scroller));
        let anchor = self.anchor.try_get_value().flatten();
        if is_resized { 0.0 } else { lowered_px(scroller, &anchor).unwrap_or(0.0) }
    }

    /// Makes up for lines that were put above the one that somebody reads, as far as the browser has not done so: it may
    /// have for some of them, and then says that the lines were scrolled while others have come since.
    fn make_up(&self, scroller: &HtmlElement) {
        let anchor = self.anchor.try_get_value().flatten();
        let Some(lowered_px) = lowered_px(scroller, &anchor) else { return };
        let top_px = f64::from(scroller.scroll_top());
        let scrolled_px = anchor.map_or(0.0, |anchor| top_px - anchor.top_px);
        let missing_px = missing_px(lowered_px, scrolled_px, f64::from(scroller.client_height()));
        if missing_px != 0.0 {
            #[expect(clippy::cast_possible_truncation, reason = "a distance on a screen")]
            scroller.set_scroll_top((top_px + missing_px).round() as i32);
        }
    }

    fn note(&self, scroller: &HtmlElement) {
        self.size_px.try_set_value(size_px(scroller));
        self.anchor.try_set_value(anchor_of(scroller));
    }

    /// Follows what comes: at the end, in another room, and after one's own line, to the newest line.
    pub fn follow(self, rows: Memo<(String, Vec<Item>)>, pending: Memo<Vec<Pending>>) {
        Effect::new(move |old: Option<(String, Option<String>)>| {
            let own = pending.with(|pending| pending.last().map(|pending| pending.key.clone()));
            let room = rows.with(|(room, _)| room.clone());
            let is_other_room = old.as_ref().is_none_or(|(old, _)| *old != room);
            let is_own_news = own.is_some() && old.as_ref().is_some_and(|(_, old)| *old != own);
            if is_other_room || is_own_news {
                self.is_at_end.set(true);
            }
            request_animation_frame(move || self.settle());
            (room, own)
        });
        let (viewport, _) = use_viewport(self.scroller);
        Effect::new(move |_| {
            viewport.track();
            self.settle();
        });
    }

    /// Puts what was seen back into sight: the newest line, or the one that somebody reads.
    fn settle(&self) {
        match self.is_at_end.try_get_untracked() {
            Some(true) => self.to_end(),
            Some(false) => {
                if let Some(scroller) = self.scroller.try_get_untracked().flatten() {
                    let anchor = self.anchor.try_get_value().flatten();
                    hold(&scroller, &anchor);
                }
            }
            None => {}
        }
    }
}

/// What somebody reads who is not at the end. Marks and gathered arrivals may be other elements in a moment; what was
/// said stays.
fn anchor_of(scroller: &HtmlElement) -> Option<Anchor> {
    let lines = scroller.query_selector_all("article").ok()?;
    let line = |i: u32| lines.item(i).and_then(|line| line.dyn_into::<HtmlElement>().ok());
    let edge_px = scroller.get_bounding_client_rect().top();
    let is_seen = |line: &HtmlElement| edge_px < line.get_bounding_client_rect().bottom();
    // In the order of the page, so that half of what is left is looked at no further each time.
    let (mut first, mut end) = (0, lines.length());
    while first < end {
        let middle = first.midpoint(end);
        match line(middle).is_some_and(|line| is_seen(&line)) {
            true => end = middle,
            false => first = middle + 1,
        }
    }
    let found = line(first)?;
    let offset_px = found.get_bounding_client_rect().top() - edge_px;
    Some(Anchor { line: found, offset_px, top_px: f64::from(scroller.scroll_top()) })
}

/// How much lower that line stands than it did; nothing when it is no more.
fn lowered_px(scroller: &HtmlElement, anchor: &Option<Anchor>) -> Option<f64> {
    let Anchor { line, offset_px, .. } = anchor.as_ref().filter(|anchor| anchor.line.is_connected())?;
    Some(line.get_bounding_client_rect().top() - scroller.get_bounding_client_rect().top() - offset_px)
}

/// By how much to scroll further so that a line stands where it would without the lines that have come above it. It
/// stands lower by `lowered_px`, and the list was scrolled by `scrolled_px`: by a person, by the browser to make up for
/// those lines, or by both. A person scrolls by less than half of what is seen, `view_px`, from one frame to the next.
fn missing_px(lowered_px: f64, scrolled_px: f64, view_px: f64) -> f64 {
    let come_px = lowered_px + scrolled_px;
    let is_by_person = lowered_px.abs() <= view_px / 2.0;
    if come_px.abs() <= STILL_PX || is_by_person { 0.0 } else { lowered_px }
}

/// Puts that line back where it was, whatever came or went above and below it.
fn hold(scroller: &HtmlElement, anchor: &Option<Anchor>) {
    let Some(lowered_px) = lowered_px(scroller, anchor) else { return };
    #[expect(clippy::cast_possible_truncation, reason = "a distance on a screen")]
    let moved_px = lowered_px.round() as i32;
    if moved_px != 0 {
        scroller.set_scroll_top(scroller.scroll_top() + moved_px);
    }
}

fn size_px(scroller: &HtmlElement) -> (i32, i32) {
    (scroller.client_width(), scroller.client_height())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_come_above_are_told_from_a_hand_that_scrolls() {
        let check = |come_px: f64, scrolled_px: f64, expected_px: f64| {
            let missing_px = missing_px(come_px - scrolled_px, scrolled_px, 600.0);
            assert_eq!(missing_px, expected_px, "{come_px} come, {scrolled_px} scrolled");
        };
        check(0.0, 0.0, 0.0);
        check(0.0, -120.0, 0.0);
        check(0.0, -5_400.0, 0.0);
        check(5_400.0, 5_400.0, 0.0);
        check(5_400.0, 5_400.0 - 120.0, 0.0);
        check(5_400.0, 0.0, 5_400.0);
        check(6_800.0, 5_400.0, 1_400.0);
        check(-40.0, -40.0, 0.0);
    }
}
