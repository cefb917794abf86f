//! Mouse, fingers, wheel and keyboard on a chart, as what a person wants: an [`ChartAct`].

use leptos::ev::{KeyboardEvent, PointerEvent};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, WheelEvent};

use super::plot::Placed;
use super::timeline::Now;
use crate::state::viewport::{PAN_STEP, Viewport, ZOOM_STEP};

/// How much one pixel of the wheel zooms, as an exponent; a trackpad's pinch comes as small steps with Ctrl.
const ZOOM_PER_PX: f64 = 0.002;
const ZOOM_PER_PINCH_PX: f64 = 0.01;
/// CSS pixels of a line and of a page, where a wheel counts in those.
const LINE_PX: f64 = 16.0;
const PAGE_PX: f64 = 400.0;

/// What a person wants of all charts. Moments are milliseconds since the Unix epoch by the relay's clock.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ChartAct {
    /// Point at a moment, or at none.
    Hover(Option<f64>),
    /// Move what is marked to a moment.
    Move(f64),
    /// Lock a moment, or let the locked one go.
    ToggleLock(f64),
    /// Lock this very moment, or none.
    Lock(Option<i64>),
    /// Let the locked moment go, and point at none.
    Unlock,
    /// Show another part of time.
    Show(Viewport),
    /// Show the present.
    Live,
    /// Pause, or go on.
    TogglePause,
}

/// What a key means on a chart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Key {
    /// To the next sample, or to the one before.
    Step(bool),
    /// To the right or left edge.
    Edge(bool),
    /// To the next mark, or to the one before: reading goes backward, for the newest one is at the right edge.
    Mark(bool),
    /// This at once.
    Act(ChartAct),
    /// Lock what is pointed at.
    Lock,
}

/// What a key means, by its name and whether Shift is down.
#[must_use]
pub fn key_of(key: &str, is_shift: bool, now: &Now, cursor_place: f64) -> Option<Key> {
    let view = &now.view;
    Some(match key {
        "ArrowLeft" if is_shift => Key::Act(ChartAct::Show(view.panned(-PAN_STEP))),
        "ArrowRight" if is_shift => Key::Act(ChartAct::Show(view.panned(PAN_STEP))),
        "ArrowLeft" => Key::Step(false),
        "ArrowRight" => Key::Step(true),
        "Home" => Key::Edge(false),
        "End" => Key::Edge(true),
        "PageUp" => Key::Act(ChartAct::Show(view.panned(-1.0))),
        "PageDown" => Key::Act(ChartAct::Show(view.panned(1.0))),
        "+" | "=" => Key::Act(ChartAct::Show(view.zoomed(1.0 / ZOOM_STEP, cursor_place))),
        "-" | "_" => Key::Act(ChartAct::Show(view.zoomed(ZOOM_STEP, cursor_place))),
        "m" | "M" => Key::Mark(is_shift),
        "Enter" => Key::Lock,
        "Escape" => Key::Act(ChartAct::Unlock),
        "0" => Key::Act(ChartAct::Live),
        " " => Key::Act(ChartAct::TogglePause),
        _ => return None,
    })
}

/// Whether a key event is the chart's: none with Ctrl, Alt or Meta, which belong to the browser.
#[must_use]
pub fn is_plain(event: &KeyboardEvent) -> bool {
    !(event.ctrl_key() || event.alt_key() || event.meta_key())
}

/// The place of a pointer on the plot, as a part of its width, and that width in CSS pixels.
#[must_use]
pub fn place_of(event: &PointerEvent, host: &HtmlElement, placed: &Placed) -> (f64, f64) {
    place_of_x(f64::from(event.client_x()), host, placed)
}

fn place_of_x(client_x: f64, host: &HtmlElement, placed: &Placed) -> (f64, f64) {
    let layout = &placed.layout;
    let width_px = f64::from(layout.plot_width) / layout.ratio;
    let left = host.get_bounding_client_rect().left() + f64::from(layout.plot_left) / layout.ratio;
    ((client_x - left) / width_px, width_px)
}

/// What a turn of the wheel means; none leaves it to the page. Zooming takes Ctrl or the keyboard's focus, so that
/// scrolling the page over a chart only scrolls the page.
#[must_use]
pub fn wheel(event: &WheelEvent, host: &HtmlElement, placed: &Placed, now: &Now) -> Option<ChartAct> {
    let scale = match event.delta_mode() {
        WheelEvent::DOM_DELTA_LINE => LINE_PX,
        WheelEvent::DOM_DELTA_PAGE => PAGE_PX,
        _ => 1.0,
    };
    let (dx, dy) = (event.delta_x() * scale, event.delta_y() * scale);
    let (place, width_px) = place_of_x(f64::from(event.client_x()), host, placed);
    if !event.ctrl_key() && dy.abs() < dx.abs() {
        return Some(ChartAct::Show(now.view.panned(dx / width_px)));
    }
    if !(event.ctrl_key() || is_focused(host)) || dy == 0.0 {
        return None;
    }
    let per_px = if event.ctrl_key() { ZOOM_PER_PINCH_PX } else { ZOOM_PER_PX };
    let factor = (dy * per_px).exp().clamp(0.2, 5.0);
    // Whoever watches the present and zooms out goes on watching it.
    let place = if now.is_live && 1.0 < factor { 1.0 } else { place.clamp(0.0, 1.0) };
    Some(ChartAct::Show(now.view.zoomed(factor, place)))
}

fn is_focused(host: &HtmlElement) -> bool {
    let active = host.owner_document().and_then(|document| document.active_element());
    active.is_some_and(|active| active == *host.unchecked_ref::<Element>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_one_meaning() {
        let view = Viewport { window_ms: 60_000.0, end_ms: 1e6 };
        let now = Now { view, is_live: true, is_gliding: false, interval_ms: None };
        let check = |key: &str, is_shift: bool, expected: Option<Key>| {
            assert_eq!(key_of(key, is_shift, &now, 0.5), expected, "{key}");
        };
        check("ArrowLeft", false, Some(Key::Step(false)));
        check("ArrowLeft", true, Some(Key::Act(ChartAct::Show(view.panned(-0.25)))));
        check("+", true, Some(Key::Act(ChartAct::Show(view.zoomed(0.5, 0.5)))));
        check("m", false, Some(Key::Mark(false)));
        check("M", true, Some(Key::Mark(true)));
        check("0", false, Some(Key::Act(ChartAct::Live)));
        check(" ", false, Some(Key::Act(ChartAct::TogglePause)));
        check("Tab", false, None);
        check("a", false, None);
    }
}
