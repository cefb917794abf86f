//! What a chart's layers show: the value axis and its grid, drawn by plotters on our backend, the moving strip of lines,
//! and the time labels.
//!
//! What most frames draw goes past plotters: between two frames a browser forgets much of the code that it ran, and the
//! less of it a frame needs, the sooner it is done.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use plotters::coord::Shift;
use plotters::element::{Drawable, PointCollection};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::backend::CommandBackend;
use super::commands::{Align, Commands, Ink, UNITS_PER_PX};
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
    fn label(self) -> Ink {
        self.with_alpha(0.68)
    }

    fn grid(self) -> Ink {
        self.with_alpha(0.09)
    }

    fn base(self) -> Ink {
        self.with_alpha(0.28)
    }

    fn with_alpha(self, alpha: f64) -> Ink {
        Ink { rgb: self.text, alpha: (alpha * 255.0).round() as u8 }
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
    let size = layout.label_size() * f64::from(UNITS_PER_PX);
    let anchor = Pos::new(HPos::Right, VPos::Center);
    let font = ("sans-serif", size).into_font().color(&rgba(inks.label())).pos(anchor);
    let gap = units((7.0 * layout.ratio) as i32);
    for (value, label) in ticks {
        // The middle of a line of whole pixels, so that it is sharp.
        let y_px = f64::from(layout.plot_top) + scale.y_px_from_value(*value);
        let y = units((y_px - f64::from(thin) / 2.0).round() as i32) + thin * UNITS_PER_PX / 2;
        let is_base = y_px.round() as i32 == layout.plot_bottom();
        let ink = rgba(if is_base { inks.base() } else { inks.grid() });
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
        let mut backend = backend.borrow_mut();
        let commands = backend.commands();
        let thin = self.layout.hairline() * UNITS_PER_PX;
        let bottom = units(self.layout.plot_height);
        let ms_from = |column: i64| self.time.ms_from_column(column);
        // A few columns more on either side: a grid line is as wide as its pixels.
        for tick_ms in self.ticks.between(ms_from(columns.start - 4), ms_from(columns.end + 4)) {
            let x = units((self.time.column_from_ms(tick_ms as f64) - start) as i32) + thin / 2;
            commands.line(self.inks.grid(), thin, [(x, 0), (x, bottom)].into_iter());
        }
        let width = self.line_width();
        for line in in_order(self.lines) {
            self.draw_line(commands, line, width, start, columns.clone(), kept);
        }
    }

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

/// The lines in the order of drawing. Many lines share a few colours, and those of one colour that follow each other are
/// one stroke; by the colour itself, so that a line that comes or goes does not change which others lie on top.
fn in_order<'a>(lines: &'a [Line<'a>]) -> Vec<&'a Line<'a>> {
    let mut ordered: Vec<&Line<'_>> = lines.iter().collect();
    if BROAD_LINES_MAX < lines.len() {
        ordered.sort_by_key(|line| line.color);
    }
    ordered
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
pub fn time_labels(
    commands: &mut Commands,
    layout: &Layout,
    inks: Inks,
    start: i64,
    labels: impl Iterator<Item = TimeLabel>,
) {
    let (y, size) = (units_f64(13.0 * layout.ratio), units_f64(layout.label_size()));
    for (column, label) in labels {
        let x = units((column - start) as i32) + layout.hairline() * UNITS_PER_PX / 2;
        commands.text(inks.label(), x, y, Align::Center, size, &label);
    }
}

fn rgba(Ink { rgb: Rgb(r, g, b), alpha }: Ink) -> RGBAColor {
    RGBAColor(r, g, b, f64::from(alpha) / 255.0)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_lines_are_drawn_by_colour_and_few_as_they_are_given() {
        let series = Series::new(1);
        let check = |n_lines: u64, expected: &[u64]| {
            let color = |id| Rgb((id % 3) as u8, 0, 0);
            let lines: Vec<Line<'_>> =
                (0..n_lines).map(|id| Line { id, color: color(id), series: &series }).collect();
            let ids: Vec<u64> = in_order(&lines).iter().map(|line| line.id).collect();
            assert_eq!(ids, expected);
        };
        check(0, &[]);
        check(4, &[0, 1, 2, 3]);
        check(10, &[0, 3, 6, 9, 1, 4, 7, 2, 5, 8]);
    }
}
