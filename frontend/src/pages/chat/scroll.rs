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

/// The line that stands at the top of what is seen, and how far below that edge it begins, in CSS pixels.
type Anchor = Option<(HtmlElement, f64)>;

/// The scrolling of one list of lines.
#[derive(Clone, Copy)]
pub struct Scroll {
    scroller: NodeRef<Div>,
    is_at_end: RwSignal<bool>,
    anchor: StoredValue<Anchor, LocalStorage>,
    /// Height of all lines and of what is seen of them, in CSS pixels, when they last were scrolled.
    shape: StoredValue<(i32, i32)>,
}

impl Scroll {
    /// Of the lines in this element.
    #[must_use]
    pub fn new(scroller: NodeRef<Div>) -> Self {
        Self {
            scroller,
            is_at_end: RwSignal::new(true),
            anchor: StoredValue::new_local(None),
            shape: StoredValue::new((0, 0)),
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
        }
    }

    /// The lines were scrolled, by a person or by a change of the layout. Returns whether older lines are wanted.
    pub fn moved(&self) -> bool {
        let Some(scroller) = self.scroller.try_get_untracked().flatten() else { return false };
        let shape = (scroller.scroll_height(), scroller.client_height());
        let old_shape = self.shape.try_get_value();
        self.shape.try_set_value(shape);
        let to_end_px = shape.0 - scroller.scroll_top() - shape.1;
        if to_end_px < END_PX {
            self.is_at_end.try_set(true);
            return false;
        }
        if self.is_at_end.try_get_untracked() == Some(true) && old_shape != Some(shape) {
            // Nobody has scrolled: the window was turned, or something was put above the field.
            self.to_end();
            return false;
        }
        self.is_at_end.try_set(false);
        self.anchor.try_set_value(anchor_of(&scroller));
        scroller.scroll_top() < BEGINNING_PX
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
                    hold(&scroller, anchor);
                }
            }
            None => {}
        }
    }
}

/// What somebody reads who is not at the end. Marks and gathered arrivals may be other elements in a moment; what was
/// said stays.
fn anchor_of(scroller: &HtmlElement) -> Anchor {
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
    Some((found, offset_px))
}

/// Puts that line back where it was, whatever came or went above and below it.
fn hold(scroller: &HtmlElement, anchor: Anchor) {
    let Some((line, offset_px)) = anchor.filter(|(line, _)| line.is_connected()) else { return };
    let now_px = line.get_bounding_client_rect().top() - scroller.get_bounding_client_rect().top();
    #[expect(clippy::cast_possible_truncation, reason = "a distance on a screen")]
    let moved_px = (now_px - offset_px).round() as i32;
    if moved_px != 0 {
        scroller.set_scroll_top(scroller.scroll_top() + moved_px);
    }
}
