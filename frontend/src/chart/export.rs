//! What a chart shows, as a file: a PNG picture or CSV.

use signalbox_shared::feed::MarkKind;
use wasm_bindgen::prelude::*;
use web_sys::{
    Blob, BlobPropertyBag, CanvasRenderingContext2d, Document, HtmlAnchorElement, HtmlCanvasElement, Url,
};

use super::overlay::pin_text;
use super::palette::{Rgb, Theme};
use super::plot::Plot;
use super::scale::ValueScale;
use crate::state::alerts::Threshold;
use crate::state::marks::Pin;

/// Height of a line of text in a picture, in CSS pixels.
const LINE_PX: f64 = 22.0;
/// Space around the picture, in CSS pixels.
const PAD_PX: f64 = 14.0;

/// What is written around a picture.
#[derive(Clone, Debug, Default)]
pub struct Caption {
    /// Above: what is shown, and when.
    pub title: String,
    /// Below: each line's name, colour and value.
    pub lines: Vec<(String, Rgb)>,
    /// Bounds that are drawn over it.
    pub thresholds: Vec<Threshold>,
    /// What happened, each at its part of the plot's width, from left to right.
    pub pins: Vec<(f64, Pin)>,
}

/// Saves the picture as `file_name`.
///
/// # Errors
/// When there is no picture yet, or the browser makes no canvas of that size.
pub fn save_png(plot: &Plot, caption: &Caption, file_name: String) -> Result<(), JsValue> {
    let document = document()?;
    let placed = plot.placed().ok_or("nothing is drawn yet")?;
    let ratio = placed.layout.ratio;
    let canvas: HtmlCanvasElement = document.create_element("canvas")?.unchecked_into();
    let (pad, line) = (PAD_PX * ratio, LINE_PX * ratio);
    let (width, top) = (f64::from(placed.layout.width) + 2.0 * pad, pad + line);
    let context = |canvas: &HtmlCanvasElement| -> Result<CanvasRenderingContext2d, JsValue> {
        Ok(canvas.get_context("2d")?.ok_or("no context")?.unchecked_into())
    };
    let font = format!("{}px system-ui, sans-serif", 12.0 * ratio);
    let probe = context(&canvas)?;
    probe.set_font(&font);
    let rows = wrapped(&probe, &caption.lines, width - 2.0 * pad, ratio)?;
    canvas.set_width(width as u32);
    let height = top + f64::from(placed.layout.height) + line * rows.len() as f64 + pad;
    canvas.set_height(height as u32);
    let paper = context(&canvas)?;
    let is_dark = plot.theme() == Theme::Dark;
    paper.set_fill_style_str(if is_dark { "#1c2024" } else { "#ffffff" });
    paper.fill_rect(0.0, 0.0, width, height);
    let ink = if is_dark { "#e9e6e0" } else { "#1d2126" };
    paper.set_fill_style_str(ink);
    paper.set_font(&format!("600 {}px system-ui, sans-serif", 14.0 * ratio));
    paper.fill_text(&caption.title, pad, pad + line * 0.6)?;
    paper.save();
    paper.translate(pad, 0.0)?;
    draw_thresholds(&paper, plot, caption, top)?;
    plot.surface().borrow().copy_to(&paper, &placed.layout, top)?;
    draw_pins(&paper, plot, caption, top, is_dark)?;
    paper.restore();
    paper.set_font(&font);
    for (number, row) in rows.iter().enumerate() {
        let y = top + f64::from(placed.layout.height) + line * (number as f64 + 0.6);
        for (x, name, Rgb(r, g, b)) in row {
            paper.set_fill_style_str(&format!("rgb({r} {g} {b})"));
            paper.fill_rect(pad + x, y - 6.0 * ratio, 14.0 * ratio, 4.0 * ratio);
            paper.set_fill_style_str(ink);
            paper.fill_text(name, pad + x + 20.0 * ratio, y)?;
        }
    }
    let save = Closure::once_into_js(move |blob: Option<Blob>| {
        if let Some(blob) = blob {
            // A browser that refuses the download says so itself.
            let _ = save_blob(&blob, &file_name);
        }
    });
    canvas.to_blob(save.unchecked_ref())
}

type Row<'a> = Vec<(f64, &'a str, Rgb)>;

/// The names in rows that fit the width: where each stands, in device pixels.
fn wrapped<'a>(
    context: &CanvasRenderingContext2d,
    lines: &'a [(String, Rgb)],
    width: f64,
    ratio: f64,
) -> Result<Vec<Row<'a>>, JsValue> {
    let mut rows: Vec<Row<'a>> = Vec::new();
    let mut x = f64::INFINITY;
    for (name, color) in lines {
        let needs = context.measure_text(name)?.width() + 36.0 * ratio;
        if width < x + needs {
            rows.push(Vec::new());
            x = 0.0;
        }
        if let Some(row) = rows.last_mut() {
            row.push((x, name, *color));
        }
        x += needs;
    }
    Ok(rows)
}

fn draw_thresholds(
    paper: &CanvasRenderingContext2d,
    plot: &Plot,
    caption: &Caption,
    top: f64,
) -> Result<(), JsValue> {
    let Some(placed) = plot.placed() else { return Ok(()) };
    let layout = &placed.layout;
    let height_px = f64::from(layout.plot_height);
    let scale = ValueScale { value_min: placed.range.min, value_max: placed.range.max, height_px };
    paper.set_font(&format!("{}px system-ui, sans-serif", 11.0 * layout.ratio));
    paper.set_fill_style_str("#d8392f");
    for threshold in &caption.thresholds {
        let y = scale.y_px_from_value(threshold.value);
        if (0.0..=height_px).contains(&y) {
            let (left, y) = (f64::from(layout.plot_left), top + f64::from(layout.plot_top) + y.round());
            paper.fill_rect(left, y, f64::from(layout.plot_width), layout.ratio);
            paper.fill_text(&threshold.text, left + 4.0 * layout.ratio, y - 4.0 * layout.ratio)?;
        }
    }
    Ok(())
}

/// A line for each pin, and its first words where there is room up to the next one.
fn draw_pins(
    paper: &CanvasRenderingContext2d,
    plot: &Plot,
    caption: &Caption,
    top: f64,
    is_dark: bool,
) -> Result<(), JsValue> {
    let Some(placed) = plot.placed() else { return Ok(()) };
    let (layout, ratio) = (&placed.layout, placed.layout.ratio);
    let (left, width) = (f64::from(layout.plot_left), f64::from(layout.plot_width));
    let (top, height) = (top + f64::from(layout.plot_top), f64::from(layout.plot_height));
    paper.set_font(&format!("{}px system-ui, sans-serif", 11.0 * ratio));
    let xs: Vec<f64> = caption.pins.iter().map(|(place, _)| (left + place * width).round()).collect();
    for (number, (_, pin)) in caption.pins.iter().enumerate() {
        let is_alert = pin.marks.iter().any(|mark| mark.kind == MarkKind::Alert);
        paper.set_fill_style_str(match (is_alert, is_dark) {
            (true, _) => "#d8392f",
            (false, true) => "#63c3e0",
            (false, false) => "#0a6482",
        });
        paper.fill_rect(xs[number], top, ratio, height);
        let words = pin_text(pin);
        let words = words.lines().next().unwrap_or_default();
        let x = xs[number] + 4.0 * ratio;
        let room = xs.get(number + 1).copied().unwrap_or(left + width) - x;
        if paper.measure_text(words)?.width() <= room {
            paper.fill_text(words, x, top + 11.0 * ratio)?;
        }
    }
    Ok(())
}

/// Saves a text as `file_name`.
///
/// # Errors
/// When the browser makes no file of it.
pub fn save_text(text: &str, media_type: &str, file_name: &str) -> Result<(), JsValue> {
    let options = BlobPropertyBag::new();
    options.set_type(media_type);
    let parts = js_sys::Array::of1(&JsValue::from_str(text));
    save_blob(&Blob::new_with_str_sequence_and_options(&parts, &options)?, file_name)
}

fn save_blob(blob: &Blob, file_name: &str) -> Result<(), JsValue> {
    let url = Url::create_object_url_with_blob(blob)?;
    let link: HtmlAnchorElement = document()?.create_element("a")?.unchecked_into();
    link.set_href(&url);
    link.set_download(file_name);
    link.click();
    // The download has its own hold on the data by then.
    Url::revoke_object_url(&url)
}

fn document() -> Result<Document, JsValue> {
    Ok(web_sys::window().and_then(|window| window.document()).ok_or("no document")?)
}
