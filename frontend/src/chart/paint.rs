//! What a chart's layers show, drawn by plotters on our backend: the value axis and its grid, the moving strip of
//! lines, and the time labels.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use plotters::coord::Shift;
use plotters::element::{Drawable, PointCollection};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::backend::CommandBackend;
use super::commands::{Commands, Ink, UNITS_PER_PX};
use super::kept_columns::{KeptColumns, is_dense};
use super::layout::Layout;
use super::palette::{Rgb, Theme};
use super::scale::{TimeScale, ValueScale};
use super::series::Series;
use super::time_ticks::TimeTicks;

/// The colours of everything but the lines, made from the page's text colour so that they suit any theme.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Inks {
    /// The page's text colour.
    pub text: Rgb,
    /// Which theme that makes.
    pub theme: Theme,
}

impl Inks {
    fn label(self) -> RGBAColor {
        self.with_alpha(0.68)
    }

    fn grid(self) -> RGBAColor {
        self.with_alpha(0.09)
    }

    fn base(self) -> RGBAColor {
        self.with_alpha(0.28)
    }

    fn with_alpha(self, alpha: f64) -> RGBAColor {
        let Rgb(r, g, b) = self.text;
        RGBAColor(r, g, b, alpha)
    }
}

/// One line of a chart.
#[derive(Clone, Copy)]
pub struct Line<'a> {
    /// Who it is; the same number is the same line.
    pub id: u64,
    /// Its colour.
    pub color: Rgb,
    /// Its points.
    pub series: &'a Series,
}

/// Of more lines than these each is drawn thin.
const BROAD_LINES_MAX: usize = 8;

/// A tick of the value axis and what it says.
pub type ValueTick = (f64, String);

type Shared = Rc<RefCell<CommandBackend>>;
type Area = DrawingArea<CommandBackend, Shift>;

/// Draws the value axis: labels, a quiet line per tick, and the line on which the plot stands.
pub fn value_axis(backend: &Shared, layout: &Layout, inks: Inks, scale: &ValueScale, ticks: &[ValueTick]) {
    let area = Area::from(backend);
    let thin = layout.hairline();
    let (left, right) = (units(layout.plot_left), units(layout.plot_left + layout.plot_width));
    let font = label_font(layout, inks, HPos::Right, VPos::Center);
    let gap = units((7.0 * layout.ratio) as i32);
    for (value, label) in ticks {
        // The middle of a line of whole pixels, so that it is sharp.
        let y_px = f64::from(layout.plot_top) + scale.y_px_from_value(*value);
        let y = units((y_px - f64::from(thin) / 2.0).round() as i32) + thin * UNITS_PER_PX / 2;
        let is_base = y_px.round() as i32 == layout.plot_bottom();
        let ink = if is_base { inks.base() } else { inks.grid() };
        draw(&area, &PathElement::new(vec![(left, y), (right, y)], ink.stroke_width(units(thin) as u32)));
        draw(&area, &Text::new(label.as_str(), (left - gap, y), font.clone()));
    }
}

/// What the moving strip is drawn with.
pub struct Strip<'a> {
    /// The chart's parts.
    pub layout: &'a Layout,
    /// Its colours.
    pub inks: Inks,
    /// Time to columns.
    pub time: &'a TimeScale,
    /// Values to pixels.
    pub values: &'a ValueScale,
    /// The upright grid lines.
    pub ticks: TimeTicks,
    /// The lines, in the order of drawing.
    pub lines: &'a [Line<'a>],
}

impl Strip<'_> {
    /// Width of the widest line in units: the more there are, the thinner, for they must be told apart.
    #[must_use]
    pub fn line_width(&self) -> i32 {
        line_width(self.layout, self.lines.len())
    }

    /// Draws `columns` on a tile whose first column is `start`; what lies outside of them may be drawn on.
    ///
    /// `kept` spares reading dense lines again.
    pub fn draw(&self, backend: &Shared, start: i64, columns: Range<i64>, kept: &mut KeptColumns) {
        let area = Area::from(backend);
        let thin = self.layout.hairline();
        let style = self.inks.grid().stroke_width(units(thin) as u32);
        let ms_from = |column: i64| self.time.ms_from_column(column);
        // One column more on either side: a grid line is as wide as its pixels.
        for tick_ms in self.ticks.between(ms_from(columns.start - 4), ms_from(columns.end + 4)) {
            let x_px = (self.time.column_from_ms(tick_ms as f64) - start) as i32;
            let x = units(x_px) + thin * UNITS_PER_PX / 2;
            draw(&area, &PathElement::new(vec![(x, 0), (x, units(self.layout.plot_height))], style));
        }
        let width = self.line_width();
        let mut backend = backend.borrow_mut();
        for line in self.lines {
            self.draw_line(backend.commands(), line, width, start, columns.clone(), kept);
        }
    }

    /// Draws a line past plotters, which would take its points twice: as a list of its own, and from that.
    fn draw_line(
        &self,
        commands: &mut Commands,
        line: &Line<'_>,
        width: i32,
        start: i64,
        columns: Range<i64>,
        kept: &mut KeptColumns,
    ) {
        let ink = Ink { rgb: line.color, alpha: u8::MAX };
        // A dense line is one upright stroke per column, and broader ones would run into each other.
        let width = if is_dense(line.series, self.time) { thin_width(self.layout) } else { width };
        let start = start as f64;
        let units_per_px = f64::from(UNITS_PER_PX);
        // A canvas takes any number, but its rasteriser need not go to the moon.
        let far = 8.0 * f64::from(self.layout.plot_height) * units_per_px;
        let (y_at_0, y_per_value) = self.values.line();
        let (y_at_0, y_per_value) = (y_at_0 * units_per_px, y_per_value * units_per_px);
        let end = |commands: &mut Commands| {
            // A point without neighbours is a dot, or nobody would see it.
            if let Some((x, y)) = commands.end_line() {
                commands.disc(ink, x, y, width + UNITS_PER_PX / 2);
            }
        };
        commands.begin_line(ink, width);
        kept.decimate(line.id, line.series, self.time, columns, |x_px, value| {
            if value.is_nan() {
                end(commands);
                commands.begin_line(ink, width);
            } else {
                let y = (y_at_0 + value * y_per_value).clamp(-far, far);
                commands.point(whole((x_px - start) * units_per_px), whole(y));
            }
        });
        end(commands);
    }
}

/// The nearest whole number. Browsers have an instruction for it in this form and none for `round`.
#[inline]
fn whole(value: f64) -> i32 {
    (value + 0.5).floor() as i32
}

/// Width of `n_lines` lines in units.
#[must_use]
pub fn line_width(layout: &Layout, n_lines: usize) -> i32 {
    if n_lines <= BROAD_LINES_MAX { units_f64(1.5 * layout.ratio) } else { thin_width(layout) }
}

/// A single device pixel where a CSS pixel is one: what takes a browser without a GPU a tenth of the time of any other
/// width.
fn thin_width(layout: &Layout) -> i32 {
    units_f64(layout.ratio)
}

/// A time label: the column of its tick, and what it says.
pub type TimeLabel = (i64, String);

/// Draws time labels on a layer whose left edge stands at column `start`.
pub fn time_labels(backend: &Shared, layout: &Layout, inks: Inks, start: i64, labels: &[TimeLabel]) {
    let area = Area::from(backend);
    let font = label_font(layout, inks, HPos::Center, VPos::Center);
    let y = units_f64(13.0 * layout.ratio);
    for (column, label) in labels {
        let x = units((column - start) as i32) + layout.hairline() * UNITS_PER_PX / 2;
        draw(&area, &Text::new(label.as_str(), (x, y), font.clone()));
    }
}

fn label_font<'a>(layout: &Layout, inks: Inks, h_pos: HPos, v_pos: VPos) -> TextStyle<'a> {
    let size = layout.label_size() * f64::from(UNITS_PER_PX);
    ("sans-serif", size).into_font().color(&inks.label()).pos(Pos::new(h_pos, v_pos))
}

fn draw<'a, E>(area: &Area, element: &'a E)
where
    &'a E: PointCollection<'a, (i32, i32)>,
    E: Drawable<CommandBackend>,
{
    let drawn = area.draw(element);
    debug_assert!(drawn.is_ok());
}

fn units(px: i32) -> i32 {
    px * UNITS_PER_PX
}

fn units_f64(px: f64) -> i32 {
    (px * f64::from(UNITS_PER_PX)).round() as i32
}
