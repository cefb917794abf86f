//! A chart's picture: decides what of it must be drawn for a frame, draws that, and lets the rest move.
//!
//! The value axis is drawn when its range or labels change, the time labels when one comes or goes, the lines only
//! where something is new ([`super::tiles`]). Knows neither Leptos nor the store: lines come in, pixels go out.

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::JsValue;
use web_sys::HtmlElement;

use super::axis_range::{AxisRange, ValueRange};
use super::backend::CommandBackend;
use super::format::tick_label;
use super::kept_columns::KeptColumns;
use super::layout::Layout;
use super::paint::{self, Inks, Line, Strip, ValueTick};
use super::pyramid::Extremes;
use super::scale::{TimeScale, ValueScale};
use super::surface::{AXIS, LABELS, Motion, Surface, TILE};
use super::ticks::value_ticks;
use super::tiles::{Mark, Tiles, View};
use super::time_ticks::TimeTicks;

/// How much wider than the plot a tile is, in CSS pixels: so much can be painted before it is seen.
const TILE_MARGIN: f64 = 96.0;
/// From so many milliseconds per column on, the picture is moved step by step: a compositor that has something to move
/// works sixty times a second, also when it moves by one pixel in that second.
const STEP_MS_MIN: f64 = 100.0;
/// The gutter for value labels is a multiple of this, in CSS pixels, so that a digit more does not move the plot.
const GUTTER_STEP: f64 = 8.0;
/// The least gutter, in CSS pixels; charts below each other then have one left edge most of the time.
const GUTTER_LEAST: f64 = 48.0;
/// Between a value label and the box's edge, and between label and plot, together; CSS pixels.
const GUTTER_GAPS: f64 = 10.0;

/// What one frame shows.
pub struct Frame<'a> {
    /// The lines, in the order of drawing.
    pub lines: &'a [Line<'a>],
    /// Milliseconds from the left to the right edge.
    pub window_ms: f64,
    /// The moment at the right edge, in milliseconds since the Unix epoch.
    pub edge_ms: f64,
    /// A clock that never goes back, in milliseconds.
    pub steady_ms: f64,
    /// What local time is ahead of UTC, in milliseconds.
    pub utc_offset_ms: i64,
    /// A fixed range of values; without it the axis follows the data.
    pub fixed: Option<ValueRange>,
    /// For how many milliseconds the picture may move on by itself; 0 holds it.
    pub moves_for_ms: f64,
    /// Whether a changed range is taken at once instead of in a glide.
    pub is_calm: bool,
}

/// Where a frame stands in its box.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placed {
    /// The box and its parts.
    pub layout: Layout,
    /// Moments to columns.
    pub time: TimeScale,
    /// Lowest and highest value of the axis.
    pub range: ValueRange,
    /// The column at the left edge of the moving layer.
    pub strip_start: i64,
}

/// What was done for a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Drawn {
    /// Whether the lines were drawn anew in full.
    pub is_full: bool,
    /// Pixel columns in which lines were drawn.
    pub n_columns: i64,
    /// Whether the value axis was drawn.
    pub has_axis: bool,
    /// Whether the next animation frame is needed: the value axis is on its way.
    pub is_gliding: bool,
    /// For how long the picture now moves on by itself, in milliseconds.
    pub moves_for_ms: f64,
    /// Milliseconds per column of a picture that moves so slowly that it is drawn again for it; else 0.
    pub step_ms: f64,
}

/// Which time labels stand on their layer.
#[derive(Clone, Copy, Debug, PartialEq)]
struct DrawnLabels {
    time: TimeScale,
    ticks: TimeTicks,
    /// The moments of the first and of the last one.
    ends_ms: Option<(i64, i64)>,
}

/// One chart's picture in a host element.
pub struct Plot {
    surface: Rc<RefCell<Surface>>,
    backend: Rc<RefCell<CommandBackend>>,
    inks: Inks,
    size: (i32, i32, f64),
    gutter: i32,
    layout: Option<Layout>,
    axis: AxisRange,
    drawn_axis: Option<(ValueRange, Layout, Inks)>,
    drawn_scale: Option<TimeScale>,
    drawn_lines: Vec<(u64, super::palette::Rgb)>,
    tiles: Tiles,
    seats: [Option<i64>; 2],
    /// Column of the strip's left edge; tiles stand right of it.
    strip_start: i64,
    labels_start: i64,
    drawn_labels: Option<DrawnLabels>,
    /// The moment whose label was measured last, and half of its width: each frame asks for the one at the edge.
    measured: Option<(TimeTicks, i64, i64)>,
    /// Bytes of a time of day that was measured, and half of its width.
    clock_half: Option<(usize, i64)>,
    marks: Vec<Mark>,
    kept: KeptColumns,
}

impl Plot {
    /// A picture in `host`, which must be positioned; nothing is drawn before [`Self::resize`].
    ///
    /// # Errors
    /// When the document cannot make an element.
    pub fn new(host: &HtmlElement, family: &str, inks: Inks) -> Result<Self, JsValue> {
        let surface = Rc::new(RefCell::new(Surface::new(host, family)?));
        let measuring = surface.clone();
        let measure = Rc::new(move |text: &str, size_px: f64| measuring.borrow().measure(text, size_px));
        Ok(Self {
            surface,
            backend: Rc::new(RefCell::new(CommandBackend::new(measure))),
            inks,
            size: (0, 0, 1.0),
            gutter: 0,
            layout: None,
            axis: AxisRange::default(),
            drawn_axis: None,
            drawn_scale: None,
            drawn_lines: Vec::new(),
            tiles: Tiles::new(1),
            seats: [None; 2],
            strip_start: 0,
            labels_start: 0,
            drawn_labels: None,
            measured: None,
            clock_half: None,
            marks: Vec::new(),
            kept: KeptColumns::default(),
        })
    }

    /// Takes the host's size in device pixels; `ratio` is device pixels per CSS pixel.
    pub fn resize(&mut self, width: i32, height: i32, ratio: f64) {
        if self.size != (width, height, ratio) {
            self.size = (width, height, ratio);
            self.gutter = (GUTTER_LEAST * ratio).round() as i32;
            self.lay_out();
        }
    }

    /// Takes new colours.
    pub fn set_inks(&mut self, inks: Inks) {
        if self.inks != inks {
            self.inks = inks;
            self.drawn_labels = None;
            self.forget_lines();
        }
    }

    /// The theme that the colours make.
    #[must_use]
    pub fn theme(&self) -> super::palette::Theme {
        self.inks.theme
    }

    /// The value axis follows at once: the reader has chosen other lines, or another part of time.
    pub fn hurry_range(&mut self) {
        self.axis.hurry();
    }

    /// Where the last frame stands; none before the first.
    #[must_use]
    pub fn placed(&self) -> Option<Placed> {
        let (layout, time, (range, ..)) = (self.layout?, self.drawn_scale?, self.drawn_axis?);
        Some(Placed { layout, time, range, strip_start: self.strip_start })
    }

    /// What the picture is made of.
    #[must_use]
    pub fn surface(&self) -> Rc<RefCell<Surface>> {
        self.surface.clone()
    }

    /// Draws what is new, and sets the picture in motion.
    pub fn draw(&mut self, frame: &Frame<'_>) -> Drawn {
        let range = self.range(frame);
        self.backend.borrow_mut().commands().clear_all();
        let Some((layout, has_axis)) = self.draw_axis(range) else { return Drawn::default() };
        let mut drawn = Drawn { has_axis, ..Drawn::default() };
        let time = TimeScale::new(frame.window_ms, layout.plot_width as u32);
        let lines = frame.lines.iter().map(|line| (line.id, line.color));
        // An agent that is forgotten and comes back may have another colour; the tiles look at its points alone.
        let is_recoloured = frame.lines.len() == self.drawn_lines.len()
            && !lines.clone().eq(self.drawn_lines.iter().copied());
        if drawn.has_axis || is_recoloured || self.drawn_scale != Some(time) {
            self.tiles.reset();
        }
        let n_before = self.drawn_lines.len();
        self.drawn_lines.clear();
        self.drawn_lines.extend(lines);
        if paint::line_width(&layout, n_before) != paint::line_width(&layout, self.drawn_lines.len()) {
            self.tiles.reset();
        }
        self.drawn_scale = Some(time);

        let right = time.column_from_ms(frame.edge_ms);
        let left = right - i64::from(layout.plot_width);
        let n_moves = (frame.moves_for_ms / time.ms_per_px()).min(1e6) as i64;
        let n_moves = n_moves.min(self.ahead_max(&layout));
        let values = ValueScale {
            value_min: range.min,
            value_max: range.max,
            height_px: f64::from(layout.plot_height),
        };
        let ticks = TimeTicks::new(time.ms_per_px(), layout.time_ticks_apart(), frame.utc_offset_ms);
        let strip = Strip {
            layout: &layout,
            inks: self.inks,
            time: &time,
            values: &values,
            ticks,
            lines: frame.lines,
        };
        (drawn.is_full, drawn.n_columns) = self.draw_strip(&strip, left..right, n_moves);
        let n_moves = n_moves.min(self.tiles.end() - right).max(0);
        self.draw_time_labels(&layout, &time, ticks, left..right);

        self.surface.borrow().play(self.backend.borrow_mut().commands().words());
        let column_ms = time.ms_per_px();
        let motion = if n_moves == 0 {
            Motion::Hold
        } else if STEP_MS_MIN <= column_ms {
            drawn.step_ms = column_ms;
            Motion::Hold
        } else {
            drawn.moves_for_ms = n_moves as f64 * column_ms;
            let phase_ms = (frame.edge_ms - time.ms_from_column(right)).clamp(0.0, column_ms);
            Motion::Scroll { n_columns: n_moves as i32, column_ms, phase_ms }
        };
        // The strip is clipped to the plot, the labels to the whole box.
        let strip_px = (self.strip_start - left) as i32;
        let labels_px = (self.labels_start - left) as i32 + layout.plot_left;
        self.surface.borrow().place(strip_px, labels_px, motion);
        drawn.is_gliding = frame.fixed.is_none() && self.axis.is_gliding(frame.steady_ms);
        drawn
    }

    /// Columns that may be painted right of the window.
    fn ahead_max(&self, layout: &Layout) -> i64 {
        self.tiles.tile_columns() - i64::from(layout.plot_width)
    }

    fn range(&mut self, frame: &Frame<'_>) -> ValueRange {
        if let Some(fixed) = frame.fixed {
            return fixed;
        }
        let Some(layout) = &self.layout else { return self.axis.target() };
        let mut extremes = Extremes::NONE;
        for line in frame.lines {
            // What waits right of the edge is soon seen, unless the picture stands still; the points left and right of
            // the window have their lines in it.
            let end_ms = if frame.moves_for_ms > 0.0 { f64::INFINITY } else { frame.edge_ms };
            let mut points = line.series.range(frame.edge_ms - frame.window_ms, end_ms);
            points.end = (points.end + 1).min(line.series.points().end());
            let from = points.start.saturating_sub(1).max(line.series.points().first());
            extremes.merge_all(line.series.extremes(from, points.end));
        }
        self.axis.update(extremes, layout.value_steps_max(), frame.steady_ms);
        if frame.is_calm {
            self.axis.settle();
        }
        self.axis.shown(frame.steady_ms)
    }

    fn lay_out(&mut self) {
        let (width, height, ratio) = self.size;
        self.layout = Layout::new(width, height, ratio, self.gutter);
        // Another size wipes every layer.
        self.drawn_axis = None;
        self.drawn_labels = None;
        self.measured = None;
        self.clock_half = None;
        self.seats = [None; 2];
        self.forget_lines();
        let Some(layout) = &self.layout else { return };
        let margin = (TILE_MARGIN * ratio).round() as i32;
        self.tiles = Tiles::new(i64::from(layout.plot_width + margin));
        self.surface.borrow_mut().lay_out(layout, layout.plot_width + margin, self.labels_width(layout));
    }

    /// Forgets the lines that were drawn: the next frame draws them in full. The value axis and the time labels have
    /// layers of their own, which stay for as long as they are right.
    pub fn forget_lines(&mut self) {
        self.tiles.reset();
    }

    /// Makes room for labels that have become wider than the gutter.
    fn widen_gutter(&mut self, ticks: &[ValueTick]) {
        let Some(layout) = self.layout else { return };
        let (ratio, size) = (layout.ratio, layout.label_size());
        let longest = ticks.iter().map(|(_, label)| label).max_by_key(|label| label.chars().count());
        let width = longest.map_or(0.0, |label| self.backend.borrow().text_width_px(label, size));
        let step = GUTTER_STEP * ratio;
        let needed = ((width + GUTTER_GAPS * ratio) / step).ceil() * step;
        if self.gutter < needed as i32 {
            self.gutter = needed.round() as i32;
            self.lay_out();
        }
    }

    /// Draws the value axis unless it is right as it is; says whether it did, and how the box is divided for it.
    fn draw_axis(&mut self, range: ValueRange) -> Option<(Layout, bool)> {
        let layout = self.layout?;
        if self.drawn_axis == Some((range, layout, self.inks)) {
            return Some((layout, false));
        }
        let ticks = value_labels(range, &layout);
        self.widen_gutter(&ticks);
        let layout = self.layout?;
        self.drawn_axis = Some((range, layout, self.inks));
        {
            let mut backend = self.backend.borrow_mut();
            backend.target(AXIS, layout.width, layout.height);
            backend.commands().clear(0, 0, layout.width, layout.height);
        }
        let scale = ValueScale {
            value_min: range.min,
            value_max: range.max,
            height_px: f64::from(layout.plot_height),
        };
        paint::value_axis(&self.backend, &layout, self.inks, &scale, &ticks);
        Some((layout, true))
    }

    fn draw_strip(&mut self, strip: &Strip<'_>, visible: std::ops::Range<i64>, ahead: i64) -> (bool, i64) {
        let mut marks = std::mem::take(&mut self.marks);
        marks.clear();
        marks.extend(strip.lines.iter().filter_map(|line| Mark::of(line.id, line.series)));
        let overhang = i64::from(strip.line_width() / super::commands::UNITS_PER_PX) + 2;
        let plan = self.tiles.plan(&View { visible, ahead, overhang }, strip.time, &marks);
        self.marks = marks;
        if plan.is_full {
            self.kept.retain(|id| strip.lines.iter().any(|line| line.id == id));
        }
        let width = self.tiles.tile_columns() as i32;
        let height = strip.layout.plot_height;
        self.strip_start = plan.seats[0].start;
        for seat in plan.seats {
            let left = plan.repaint.start.max(seat.start);
            let right = plan.repaint.end.min(seat.start + i64::from(width));
            let is_wiped = seat.is_fresh && !seat.is_blank;
            if is_wiped || left < right {
                self.backend.borrow_mut().target(TILE + seat.tile, width, height);
            }
            if is_wiped {
                self.backend.borrow_mut().commands().clear(0, 0, width, height);
            }
            if left < right {
                if !seat.is_fresh {
                    let (x, n) = ((left - seat.start) as i32, (right - left) as i32);
                    let mut backend = self.backend.borrow_mut();
                    backend.commands().clip(x, 0, n, height);
                    backend.commands().clear(x, 0, n, height);
                }
                strip.draw(&self.backend, seat.start, left..right, &mut self.kept);
                if !seat.is_fresh {
                    self.backend.borrow_mut().commands().unclip();
                }
            }
            let offset = seat.start - self.strip_start;
            if self.seats[seat.tile] != Some(offset) {
                self.seats[seat.tile] = Some(offset);
                self.surface.borrow().seat(seat.tile, offset as i32);
            }
        }
        (plan.is_full, plan.repaint.end - plan.repaint.start)
    }

    fn labels_width(&self, layout: &Layout) -> i32 {
        layout.width + (TILE_MARGIN * layout.ratio).round() as i32
    }

    fn draw_time_labels(
        &mut self,
        layout: &Layout,
        time: &TimeScale,
        ticks: TimeTicks,
        visible: std::ops::Range<i64>,
    ) {
        let column = |tick_ms: i64| time.column_from_ms(tick_ms as f64);
        let box_end = visible.start - i64::from(layout.plot_left) + i64::from(layout.width);
        let mut shown = ticks.between(time.ms_from_column(visible.start), time.ms_from_column(visible.end));
        // Only the last can be too near to the edge, and no label comes before all of it fits.
        if let Some(last_ms) = shown.clone().next_back()
            && box_end < column(last_ms) + self.half_label(layout, ticks, last_ms)
        {
            shown.next_back();
        }
        let ends_ms = shown.clone().next().zip(shown.clone().next_back());
        let labels = Some(DrawnLabels { time: *time, ticks, ends_ms });
        let moved = visible.start - i64::from(layout.plot_left) - self.labels_start;
        let is_in_reach = (0..i64::from(self.labels_width(layout) - layout.width)).contains(&moved);
        if labels == self.drawn_labels && is_in_reach {
            return;
        }
        self.drawn_labels = labels;
        self.labels_start = visible.start - i64::from(layout.plot_left);
        let (width, height) = (self.labels_width(layout), layout.height - layout.plot_bottom());
        let mut backend = self.backend.borrow_mut();
        backend.target(LABELS, width, height);
        backend.commands().clear(0, 0, width, height);
        let texts = shown.map(|tick_ms| (column(tick_ms), ticks.label(tick_ms)));
        paint::time_labels(backend.commands(), layout, self.inks, self.labels_start, texts);
    }

    /// Columns that a label takes on either side of its tick.
    fn half_label(&mut self, layout: &Layout, ticks: TimeTicks, tick_ms: i64) -> i64 {
        if let Some((_, _, half)) = self.measured.filter(|(of, at_ms, _)| (*of, *at_ms) == (ticks, tick_ms)) {
            return half;
        }
        let label = ticks.label(tick_ms);
        // Times of day are as wide as each other where they are as long; to ask the canvas is a way there and back.
        let is_clock = label.bytes().all(|byte| byte.is_ascii_digit() || byte == b':');
        let half = match self.clock_half.filter(|(length, _)| is_clock && *length == label.len()) {
            Some((_, half)) => half,
            None => {
                let width_px = self.backend.borrow().text_width_px(&label, layout.label_size());
                (width_px / 2.0).ceil() as i64 + 1
            }
        };
        if is_clock {
            self.clock_half = Some((label.len(), half));
        }
        self.measured = Some((ticks, tick_ms, half));
        half
    }
}

fn value_labels(range: ValueRange, layout: &Layout) -> Vec<ValueTick> {
    let ticks = value_ticks(range.min, range.max, layout.value_steps_max());
    ticks.values.into_iter().map(|value| (value, tick_label(value, ticks.step))).collect()
}
