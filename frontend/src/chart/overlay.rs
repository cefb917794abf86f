//! What stands over the lines, as elements: thresholds and their bands, marks, the cursor, the selection.
//!
//! What stands at a moment is in the layer that moves with the lines, so that the compositor moves it too; what stands
//! at a place or a value is in the plot's box. Elements are made anew only when what they say changes.

use signalbox_shared::feed::{AlertSide, MarkKind};
use wasm_bindgen::prelude::*;
use web_sys::{Document, HtmlElement};

use super::plot::Placed;
use super::scale::ValueScale;
use super::surface::Surface;
use crate::state::alerts::Threshold;
use crate::state::marks::Pin;

/// Pins of one chart at most; [`PIN_APART_PX`] keeps them fewer on most screens.
const PINS_MAX: usize = 200;
/// Pins stand at least this many CSS pixels apart: what a pointer can tell.
pub const PIN_APART_PX: f64 = 14.0;

/// What is to stand over the lines.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Over {
    /// Bounds of the alert rules.
    pub thresholds: Vec<Threshold>,
    /// Marks in reach.
    pub pins: Vec<Pin>,
    /// The locked moment, in milliseconds since the Unix epoch.
    pub locked_ms: Option<i64>,
    /// Where the pointer's moment stands, as a part of the width.
    pub place: Option<f64>,
}

/// The elements of one chart.
pub struct Overlay {
    document: Document,
    moving: HtmlElement,
    still: HtmlElement,
    locked: HtmlElement,
    pointed: HtmlElement,
    selection: HtmlElement,
    pins: Vec<HtmlElement>,
    bounds: Vec<[HtmlElement; 2]>,
    shown: Over,
    placed: Option<Placed>,
}

impl Overlay {
    /// Makes the layers.
    ///
    /// # Errors
    /// When the document cannot make an element, which no browser does.
    pub fn new(surface: &Surface) -> Result<Self, JsValue> {
        let document = surface.clip().owner_document().ok_or("a layer belongs to a document")?;
        let make = |class: &str| element(&document, "div", class);
        let (moving, still) = (make("chart-moving")?, make("chart-still")?);
        let (locked, pointed, selection) =
            (make("chart-cursor is-locked")?, make("chart-cursor")?, make("chart-selection")?);
        for hidden in [&locked, &pointed, &selection] {
            hidden.set_hidden(true);
        }
        moving.append_child(&locked)?;
        still.append_child(&selection)?;
        still.append_child(&pointed)?;
        surface.strip().append_child(&moving)?;
        surface.clip().append_child(&still)?;
        Ok(Self {
            document,
            moving,
            still,
            locked,
            pointed,
            selection,
            pins: Vec::new(),
            bounds: Vec::new(),
            shown: Over::default(),
            placed: None,
        })
    }

    /// Shows all of it for a frame; touches only what has changed.
    pub fn show(&mut self, placed: &Placed, over: Over) {
        let is_moved = self.placed != Some(*placed);
        if over.pins != self.shown.pins {
            self.make_pins(&over.pins);
        }
        if over.thresholds != self.shown.thresholds {
            self.make_bounds(&over.thresholds);
        }
        if is_moved || over.pins != self.shown.pins {
            for (pin, at) in self.pins.iter().zip(&over.pins) {
                put(pin, "left", strip_px(placed, at.at_ms));
            }
        }
        if is_moved || over.thresholds != self.shown.thresholds {
            for ([line, band], threshold) in self.bounds.iter().zip(&over.thresholds) {
                place_bound(placed, threshold, line, band);
            }
        }
        self.locked.set_hidden(over.locked_ms.is_none());
        if let Some(at_ms) = over.locked_ms {
            put(&self.locked, "left", strip_px(placed, at_ms));
        }
        self.point(placed, over.place);
        self.placed = Some(*placed);
        self.shown = over;
    }

    /// Moves the pointer's line alone.
    pub fn point(&self, placed: &Placed, place: Option<f64>) {
        self.pointed.set_hidden(place.is_none());
        if let Some(place) = place {
            let width_px = f64::from(placed.layout.plot_width) / placed.layout.ratio;
            put(&self.pointed, "left", (place * width_px).round());
        }
    }

    /// Shows what would be zoomed to, from one place to another.
    pub fn select(&self, places: Option<(f64, f64)>) {
        self.selection.set_hidden(places.is_none());
        if let Some((a, b)) = places {
            let part = |name, part: f64| set(&self.selection, name, &format!("{}%", part * 100.0));
            part("left", a.min(b));
            part("width", (a - b).abs());
        }
    }

    /// A document that makes no element any more leaves the pins out; the lines matter more.
    fn make_pins(&mut self, pins: &[Pin]) {
        self.pins.drain(..).for_each(|pin| pin.remove());
        for pin in pins.iter().take(PINS_MAX) {
            if let Ok(made) = make_pin(&self.document, pin)
                && self.moving.append_child(&made).is_ok()
            {
                self.pins.push(made);
            }
        }
    }

    fn make_bounds(&mut self, thresholds: &[Threshold]) {
        self.bounds.drain(..).flatten().for_each(|part| part.remove());
        for threshold in thresholds {
            let make = |class: &str| element(&self.document, "div", class);
            let (Ok(line), Ok(band)) = (make("chart-threshold"), make("chart-band")) else { continue };
            if let Ok(label) = element(&self.document, "span", "chart-threshold-text") {
                label.set_text_content(Some(&threshold.text));
                // What cannot be appended is not shown.
                let _ = line.append_child(&label);
            }
            let first = self.still.first_child();
            let _ = self.still.insert_before(&band, first.as_ref());
            let _ = self.still.insert_before(&line, first.as_ref());
            self.bounds.push([line, band]);
        }
    }
}

fn make_pin(document: &Document, pin: &Pin) -> Result<HtmlElement, JsValue> {
    let is_alert = pin.marks.iter().any(|mark| mark.kind == MarkKind::Alert);
    let made = element(document, "button", if is_alert { "chart-pin is-alert" } else { "chart-pin" })?;
    made.set_attribute("type", "button")?;
    // The keyboard goes from mark to mark by a key of the chart, which tells their words; a stop at each of them would
    // be a long way.
    made.set_tab_index(-1);
    let words = pin_text(pin);
    made.set_attribute("aria-label", &words)?;
    let text = element(document, "span", "chart-pin-text")?;
    text.set_text_content(Some(&words));
    made.append_child(&text)?;
    Ok(made)
}

/// What a pin says: each mark's words, and how many more there are.
#[must_use]
pub fn pin_text(pin: &Pin) -> String {
    let words = |mark: &signalbox_shared::feed::Mark| match &mark.color {
        Some(color) if !mark.text.contains(color.as_str()) => format!("{color}: {}", mark.text),
        _ => mark.text.clone(),
    };
    let mut texts: Vec<String> = pin.marks.iter().map(words).collect();
    if pin.marks.len() < pin.n_marks {
        texts.push(format!("and {} more", pin.n_marks - pin.marks.len()));
    }
    texts.join("\n")
}

fn place_bound(placed: &Placed, threshold: &Threshold, line: &HtmlElement, band: &HtmlElement) {
    let layout = &placed.layout;
    let scale = ValueScale {
        value_min: placed.range.min,
        value_max: placed.range.max,
        height_px: f64::from(layout.plot_height) / layout.ratio,
    };
    let y = scale.y_px_from_value(threshold.value);
    let is_in_view = (0.0..=scale.height_px).contains(&y);
    line.set_hidden(!is_in_view);
    // The words stand inside the plot, wherever the line is.
    let is_high = y < 20.0;
    let _ = line.class_list().toggle_with_force("is-high", is_high);
    put(line, "top", y.round());
    let y = y.clamp(0.0, scale.height_px);
    let (top, height) = match threshold.side {
        AlertSide::Above => (0.0, y),
        AlertSide::Below => (y, scale.height_px - y),
    };
    band.set_hidden(height <= 0.0);
    put(band, "top", top);
    put(band, "height", height);
}

/// Where a moment stands in the moving layer, in CSS pixels.
fn strip_px(placed: &Placed, at_ms: i64) -> f64 {
    (placed.time.column_from_ms(at_ms as f64) - placed.strip_start) as f64 / placed.layout.ratio
}

fn put(element: &HtmlElement, name: &str, px: f64) {
    set(element, name, &format!("{px}px"));
}

fn set(element: &HtmlElement, name: &str, value: &str) {
    // Fails only for a rule that is read-only, and an element's own is not.
    let _ = element.style().set_property(name, value);
}

fn element(document: &Document, tag: &str, class: &str) -> Result<HtmlElement, JsValue> {
    let element: HtmlElement = document.create_element(tag)?.unchecked_into();
    element.set_class_name(class);
    Ok(element)
}
