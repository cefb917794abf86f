//! A drawing as a list of numbers, played on canvases by `player.js` in one call per frame.
//!
//! One call across the border between Rust and JavaScript costs as much as several strokes; a frame has hundreds.
//! Knows neither plotters nor a canvas.

use super::palette::Rgb;

/// Coordinates are whole numbers of this part of a device pixel, so that lines lie between pixels, too.
pub const UNITS_PER_PX: i32 = 16;

/// A colour with its opacity, 0 to 255.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ink {
    /// The colour.
    pub rgb: Rgb,
    /// Its opacity.
    pub alpha: u8,
}

impl Ink {
    /// `0xRRGGBBAA`.
    fn word(self) -> i32 {
        i32::from_be_bytes([self.rgb.0, self.rgb.1, self.rgb.2, self.alpha])
    }
}

/// Where a text stands relative to its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// It begins there.
    Start = 0,
    /// Its middle is there.
    Center = 1,
    /// It ends there.
    End = 2,
}

// The first word of each command; player.js has the same numbers.
const TARGET: i32 = 0;
const CLEAR: i32 = 1;
const CLIP: i32 = 2;
const UNCLIP: i32 = 3;
const PEN: i32 = 4;
const LINE: i32 = 5;
const STROKE: i32 = 6;
const FILL: i32 = 7;
const RECT: i32 = 8;
const DISC: i32 = 9;
const TEXT: i32 = 10;

/// A list of commands in the making.
#[derive(Debug, Default)]
pub struct Commands {
    words: Vec<i32>,
    pen: Option<(Ink, i32)>,
    /// Where the points of the line that was begun last are.
    line_at: usize,
}

impl Commands {
    /// What has been said so far, complete.
    pub fn words(&mut self) -> &[i32] {
        self.lift_pen();
        &self.words
    }

    /// Begins an empty list.
    pub fn clear_all(&mut self) {
        self.words.clear();
        self.pen = None;
    }

    /// What follows is drawn on the canvas `target`.
    pub fn target(&mut self, target: usize) {
        self.lift_pen();
        self.words.extend([TARGET, target as i32]);
    }

    /// Wipes a rectangle, in device pixels.
    pub fn clear(&mut self, x_px: i32, y_px: i32, width_px: i32, height_px: i32) {
        self.lift_pen();
        self.words.extend([CLEAR, x_px, y_px, width_px, height_px]);
    }

    /// Until [`Self::unclip`], nothing is drawn outside of a rectangle, in device pixels.
    pub fn clip(&mut self, x_px: i32, y_px: i32, width_px: i32, height_px: i32) {
        self.lift_pen();
        self.words.extend([CLIP, x_px, y_px, width_px, height_px]);
    }

    /// Ends [`Self::clip`].
    pub fn unclip(&mut self) {
        self.lift_pen();
        self.words.push(UNCLIP);
    }

    /// Draws a line through points in units; `width` is in units, too. Lines of one ink and width that follow each
    /// other are stroked together. A line of fewer than two points is none.
    pub fn line(&mut self, ink: Ink, width: i32, points: impl Iterator<Item = (i32, i32)>) {
        if self.pen != Some((ink, width)) {
            self.lift_pen();
            self.words.extend([PEN, ink.word(), width]);
            self.pen = Some((ink, width));
        }
        let begin = self.words.len();
        if self.points(points) < 2 {
            self.words.truncate(begin);
        }
    }

    /// Begins a line of its own points, which [`Self::point`] gives one by one.
    pub fn begin_line(&mut self, ink: Ink, width: i32) {
        self.line(ink, width, std::iter::empty());
        self.words.extend([LINE, 0]);
        self.line_at = self.words.len();
    }

    /// The next point of the line that was begun, in units.
    #[inline]
    pub fn point(&mut self, x: i32, y: i32) {
        self.words.extend_from_slice(&[x, y]);
    }

    /// Ends the line that was begun; gives the point of a line of one, which is not drawn.
    pub fn end_line(&mut self) -> Option<(i32, i32)> {
        let n = (self.words.len() - self.line_at) / 2;
        let only = (n == 1).then(|| (self.words[self.line_at], self.words[self.line_at + 1]));
        if n < 2 {
            self.words.truncate(self.line_at - 2);
        } else {
            self.words[self.line_at - 1] = n as i32;
        }
        only
    }

    /// Fills the polygon through points in units.
    pub fn polygon(&mut self, ink: Ink, points: impl Iterator<Item = (i32, i32)>) {
        self.lift_pen();
        self.words.extend([PEN, ink.word(), 0]);
        self.points(points);
        self.words.extend([FILL, ink.word()]);
    }

    /// Fills a rectangle, in units.
    pub fn rect(&mut self, ink: Ink, x: i32, y: i32, width: i32, height: i32) {
        self.lift_pen();
        self.words.extend([RECT, ink.word(), x, y, width, height]);
    }

    /// Fills a disc, in units.
    pub fn disc(&mut self, ink: Ink, x: i32, y: i32, radius: i32) {
        self.lift_pen();
        self.words.extend([DISC, ink.word(), x, y, radius]);
    }

    /// Writes a text, its vertical middle at `y`; all in units.
    pub fn text(&mut self, ink: Ink, x: i32, y: i32, align: Align, size: i32, text: &str) {
        self.lift_pen();
        self.words.extend([TEXT, ink.word(), x, y, align as i32, size, text.encode_utf16().count() as i32]);
        self.words.extend(text.encode_utf16().map(i32::from));
    }

    /// A line's points with their number; says how many there were.
    fn points(&mut self, points: impl Iterator<Item = (i32, i32)>) -> usize {
        self.words.extend([LINE, 0]);
        let begin = self.words.len();
        self.words.extend(points.flat_map(|(x, y)| [x, y]));
        let n = (self.words.len() - begin) / 2;
        self.words[begin - 1] = n as i32;
        n
    }

    fn lift_pen(&mut self) {
        if self.pen.take().is_some() {
            self.words.push(STROKE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RED: Ink = Ink { rgb: Rgb(255, 0, 0), alpha: 255 };
    const RED_WORD: i32 = 0xff00_00ff_u32 as i32;
    const BLUE: Ink = Ink { rgb: Rgb(0, 0, 255), alpha: 127 };

    fn check(say: impl FnOnce(&mut Commands), expected: &[i32]) {
        let mut commands = Commands::default();
        say(&mut commands);
        assert_eq!(commands.words(), expected);
    }

    #[test]
    fn lines_of_one_pen_are_one_stroke() {
        let points = [(1, 2), (3, 4)];
        check(
            |c| {
                c.line(RED, 16, points.into_iter());
                c.line(RED, 16, points.into_iter());
            },
            &[PEN, RED_WORD, 16, LINE, 2, 1, 2, 3, 4, LINE, 2, 1, 2, 3, 4, STROKE],
        );
        check(
            |c| {
                c.line(RED, 16, points.into_iter());
                c.line(BLUE, 16, points.into_iter());
            },
            &[
                PEN,
                RED_WORD,
                16,
                LINE,
                2,
                1,
                2,
                3,
                4,
                STROKE,
                PEN,
                0x0000_ff7f,
                16,
                LINE,
                2,
                1,
                2,
                3,
                4,
                STROKE,
            ],
        );
    }

    #[test]
    fn a_line_can_be_given_point_by_point() {
        check(
            |c| {
                c.begin_line(RED, 16);
                c.point(1, 2);
                c.point(3, 4);
                assert_eq!(c.end_line(), None);
                c.begin_line(RED, 16);
                assert_eq!(c.end_line(), None);
                c.begin_line(RED, 16);
                c.point(5, 6);
                assert_eq!(c.end_line(), Some((5, 6)));
            },
            &[PEN, RED_WORD, 16, LINE, 2, 1, 2, 3, 4, STROKE],
        );
    }

    #[test]
    fn a_line_of_one_point_is_none() {
        check(|c| c.line(RED, 16, [(1, 2)].into_iter()), &[PEN, RED_WORD, 16, STROKE]);
        check(|c| c.line(RED, 16, [].into_iter()), &[PEN, RED_WORD, 16, STROKE]);
        check(
            |c| {
                c.line(RED, 16, [(LINE, 0)].into_iter());
                c.clip(0, 0, 1, 1);
            },
            &[PEN, RED_WORD, 16, STROKE, CLIP, 0, 0, 1, 1],
        );
    }

    #[test]
    fn texts_travel_as_utf16() {
        check(
            |c| c.text(RED, 1, 2, Align::End, 176, "\u{2212}5"),
            &[TEXT, RED_WORD, 1, 2, 2, 176, 2, 0x2212, 0x35],
        );
    }
}
