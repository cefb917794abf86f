//! The elements that a chart's picture is made of, and the few lines of JavaScript that draw on them.
//!
//! From below: a canvas for the value axis and its grid, two tiles in a moving strip, and the time labels, which move
//! alike. Styles are set by property, never by attribute: a strict Content-Security-Policy allows only that.

use std::cell::Cell;

use wasm_bindgen::prelude::*;
use web_sys::{CanvasRenderingContext2d, Document, HtmlCanvasElement, HtmlElement};

use super::layout::Layout;

#[wasm_bindgen(module = "/src/chart/player.js")]
extern "C" {
    type Player;

    #[wasm_bindgen(constructor)]
    fn new(canvases: Vec<HtmlCanvasElement>, movers: Vec<HtmlElement>, family: &str) -> Player;

    #[wasm_bindgen(method)]
    fn resize(this: &Player, index: usize, width: i32, height: i32);

    #[wasm_bindgen(method)]
    fn measure(this: &Player, text: &str, size: f64) -> f64;

    #[wasm_bindgen(method)]
    fn play(this: &Player, words: &[i32]);

    #[wasm_bindgen(method)]
    fn hold(this: &Player, index: usize, x: f64);

    #[wasm_bindgen(method)]
    fn scroll(this: &Player, index: usize, x: f64, n: i32, step: f64, step_ms: f64, phase_ms: f64);

    #[wasm_bindgen(method)]
    fn end(this: &Player);
}

/// Canvas of the value axis.
pub const AXIS: usize = 0;
/// The first of the two tiles' canvases.
pub const TILE: usize = 1;
/// Canvas of the time labels.
pub const LABELS: usize = 3;

const STRIP_MOVER: usize = 0;
const LABELS_MOVER: usize = 1;

/// How the picture moves after a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Motion {
    /// Not at all.
    Hold,
    /// To the left by `n_columns` columns, each after `column_ms`; of the first one `phase_ms` have passed.
    Scroll {
        /// How many columns at most.
        n_columns: i32,
        /// Milliseconds per column.
        column_ms: f64,
        /// Milliseconds since the last whole column.
        phase_ms: f64,
    },
}

/// The layers of one chart inside a host element, which must be positioned.
pub struct Surface {
    player: Player,
    plot_clip: HtmlElement,
    labels_clip: HtmlElement,
    strip: HtmlElement,
    canvases: [HtmlCanvasElement; 4],
    ratio: f64,
    /// Where the movers rest, in CSS pixels: to say it again in each frame is not free.
    held: [Cell<Option<f64>>; 2],
}

impl Surface {
    /// Builds the layers in `host`; `family` is the labels' font family.
    ///
    /// # Errors
    /// When the document cannot make an element, which no browser does.
    pub fn new(host: &HtmlElement, family: &str) -> Result<Self, JsValue> {
        let document = host.owner_document().ok_or("a host belongs to a document")?;
        let canvas = || -> Result<HtmlCanvasElement, JsValue> {
            let canvas: HtmlCanvasElement = document.create_element("canvas")?.unchecked_into();
            // A canvas is 300 by 150 pixels large by itself: nobody should see it take its size and place.
            canvas.set_width(0);
            canvas.set_height(0);
            set(&canvas, &[("position", "absolute"), ("left", "0"), ("top", "0"), ("display", "block")]);
            Ok(canvas)
        };
        let canvases = [canvas()?, canvas()?, canvas()?, canvas()?];
        let [axis, tile_a, tile_b, labels] = &canvases;
        let plot_clip = block(&document, &[("overflow", "hidden")])?;
        let labels_clip =
            block(&document, &[("overflow", "hidden"), ("left", "0"), ("right", "0"), ("bottom", "0")])?;
        let movers = [
            block(&document, &[("will-change", "transform"), ("inset", "0")])?,
            block(&document, &[("will-change", "transform"), ("inset", "0")])?,
        ];
        for tile in [tile_a, tile_b] {
            movers[STRIP_MOVER].append_child(tile)?;
        }
        movers[LABELS_MOVER].append_child(labels)?;
        plot_clip.append_child(&movers[STRIP_MOVER])?;
        labels_clip.append_child(&movers[LABELS_MOVER])?;
        for layer in [axis.unchecked_ref(), &plot_clip, &labels_clip] {
            host.append_child(layer)?;
        }
        let player = Player::new(canvases.to_vec(), movers.to_vec(), family);
        let [strip, _] = movers;
        Ok(Self { player, plot_clip, labels_clip, strip, canvases, ratio: 1.0, held: Default::default() })
    }

    /// Gives every layer its size and place; wipes them all.
    pub fn lay_out(&mut self, layout: &Layout, tile_width: i32, labels_width: i32) {
        self.ratio = layout.ratio;
        let tile = (tile_width, layout.plot_height);
        let labels = (labels_width, layout.height - layout.plot_bottom());
        for (index, (width, height)) in
            [(layout.width, layout.height), tile, tile, labels].into_iter().enumerate()
        {
            self.player.resize(index, width, height);
            set(&self.canvases[index], &[("width", &self.css(width)), ("height", &self.css(height))]);
        }
        set(
            &self.plot_clip,
            &[
                ("left", &self.css(layout.plot_left)),
                ("top", &self.css(layout.plot_top)),
                ("width", &self.css(layout.plot_width)),
                ("height", &self.css(layout.plot_height)),
            ],
        );
        set(&self.labels_clip, &[("height", &self.css(labels.1))]);
    }

    /// Width of a text in device pixels.
    #[must_use]
    pub fn measure(&self, text: &str, size_px: f64) -> f64 {
        self.player.measure(text, size_px)
    }

    /// Plays a list of commands.
    pub fn play(&self, words: &[i32]) {
        if !words.is_empty() {
            self.player.play(words);
        }
    }

    /// Puts a tile (0 or 1) at `x_px` device pixels in the strip.
    pub fn seat(&self, tile: usize, x_px: i32) {
        // A transform, not `left`: that would be a layout for what only changes places out of sight.
        let moved = format!("translateX({})", self.css(x_px));
        set(&self.canvases[TILE + tile], &[("transform", &moved)]);
    }

    /// Puts the strip and the labels at device pixels from their clip's left edge, and moves them on from there.
    pub fn place(&self, strip_px: i32, labels_px: i32, motion: Motion) {
        for (mover, x_px) in [(STRIP_MOVER, strip_px), (LABELS_MOVER, labels_px)] {
            let x = f64::from(x_px) / self.ratio;
            match motion {
                Motion::Scroll { n_columns, column_ms, phase_ms } if 0 < n_columns => {
                    self.player.scroll(mover, x, n_columns, 1.0 / self.ratio, column_ms, phase_ms);
                }
                _ if self.held[mover].get() == Some(x) => continue,
                _ => self.player.hold(mover, x),
            }
            self.held[mover].set(matches!(motion, Motion::Hold).then_some(x));
        }
    }

    /// The layer that moves with the lines, for what stands at a moment.
    #[must_use]
    pub fn strip(&self) -> &HtmlElement {
        &self.strip
    }

    /// The plot's part of the box, for what stands at a place.
    #[must_use]
    pub fn clip(&self) -> &HtmlElement {
        &self.plot_clip
    }

    /// Draws all layers as they stand now on another canvas, `top` device pixels from its upper edge.
    ///
    /// # Errors
    /// When the canvas takes nothing, which no browser does.
    pub fn copy_to(
        &self,
        context: &CanvasRenderingContext2d,
        layout: &Layout,
        top: f64,
    ) -> Result<(), JsValue> {
        context.draw_image_with_html_canvas_element(&self.canvases[AXIS], 0.0, top)?;
        let (plot_left, plot_top) = (f64::from(layout.plot_left), f64::from(layout.plot_top));
        let [_, tile_a, tile_b, labels] = &self.canvases;
        let left_of = |layer: &HtmlElement, clip: &HtmlElement| {
            let left = layer.get_bounding_client_rect().left() - clip.get_bounding_client_rect().left();
            (left * self.ratio).round()
        };
        context.save();
        context.begin_path();
        let (width, height) = (f64::from(layout.plot_width), f64::from(layout.plot_height));
        context.rect(plot_left, top + plot_top, width, height);
        context.clip();
        for tile in [tile_a, tile_b] {
            let left = plot_left + left_of(tile, &self.plot_clip);
            context.draw_image_with_html_canvas_element(tile, left, top + plot_top)?;
        }
        context.restore();
        let left = left_of(labels, &self.labels_clip);
        context.draw_image_with_html_canvas_element(labels, left, top + f64::from(layout.plot_bottom()))
    }

    fn css(&self, px: i32) -> String {
        format!("{}px", f64::from(px) / self.ratio)
    }
}

impl Drop for Surface {
    fn drop(&mut self) {
        self.player.end();
        self.canvases[AXIS].remove();
        self.plot_clip.remove();
        self.labels_clip.remove();
    }
}

fn block(document: &Document, style: &[(&str, &str)]) -> Result<HtmlElement, JsValue> {
    let block: HtmlElement = document.create_element("div")?.unchecked_into();
    set(&block, &[("position", "absolute"), ("pointer-events", "none")]);
    set(&block, style);
    Ok(block)
}

fn set(element: &HtmlElement, style: &[(&str, &str)]) {
    for (name, value) in style {
        // Fails only for a rule that is read-only, and an element's own is not.
        let _ = element.style().set_property(name, value);
    }
}
