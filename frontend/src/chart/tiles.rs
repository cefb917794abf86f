//! Which columns of the picture must be painted, and on which of two tiles.
//!
//! The picture is a strip of pixel columns that moves left under a window. It is painted on two tiles, each a little
//! wider than the window, that stand side by side; when the left one has left the window, it is wiped and stands on
//! the right. So nothing that was painted is ever copied or painted again while neither the scale nor the past
//! changes, and between samples the compositor can move the tiles alone.
//!
//! Knows no canvas: it plans, [`super::plot`] paints.

use std::ops::Range;

use super::scale::TimeScale;
use super::series::Series;

/// A window of which no more than one part of so many can stay is painted anew: on one tile and without a clip that is
/// less work than the rest on two.
const STAYS_PART: i64 = 4;

/// What was known of a series when it was painted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mark {
    /// Who it is.
    pub id: u64,
    /// How often its past was changed.
    pub n_rewrites: u64,
    /// Time of its first point.
    pub first_ms: f64,
    /// Time of its last point.
    pub last_ms: f64,
}

impl Mark {
    /// The mark of `series` now; none while it is empty.
    #[must_use]
    pub fn of(id: u64, series: &Series) -> Option<Self> {
        let points = series.points();
        let (last_ms, _) = points.last()?;
        let first_ms = points.timestamp_ms(points.first());
        Some(Self { id, n_rewrites: series.n_rewrites(), first_ms, last_ms })
    }
}

/// Where a tile stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    /// Which of the two tiles.
    pub tile: usize,
    /// Its first column.
    pub start: i64,
    /// Whether nothing of what is on it stays.
    pub is_fresh: bool,
    /// Whether nothing is on it.
    pub is_blank: bool,
}

/// What is to be done for one frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Columns to wipe and paint; empty when the picture is right as it is.
    pub repaint: Range<i64>,
    /// The tiles, the left one first.
    pub seats: [Seat; 2],
    /// Whether everything is painted anew.
    pub is_full: bool,
}

/// What is in view for one frame.
#[derive(Clone, Debug)]
pub struct View {
    /// The columns in the window.
    pub visible: Range<i64>,
    /// Columns right of the window to be painted in advance.
    pub ahead: i64,
    /// How far, in columns, a line's width and a dot reach beyond their points.
    pub overhang: i64,
}

/// The two tiles and what is on them.
#[derive(Clone, Debug)]
pub struct Tiles {
    tile_columns: i64,
    start: i64,
    left_tile: usize,
    painted_to: Option<i64>,
    /// Which tiles nothing was painted on since they were wiped: to wipe them again costs a browser as much as paint.
    are_blank: [bool; 2],
    marks: Vec<Mark>,
}

impl Tiles {
    /// Two tiles of `tile_columns` columns each, nothing painted.
    #[must_use]
    pub fn new(tile_columns: i64) -> Self {
        Self {
            tile_columns: tile_columns.max(1),
            start: 0,
            left_tile: 0,
            painted_to: None,
            are_blank: [true; 2],
            marks: Vec::new(),
        }
    }

    /// Columns of one tile.
    #[must_use]
    pub fn tile_columns(&self) -> i64 {
        self.tile_columns
    }

    /// Forgets what was painted: scale, colours or size have changed.
    pub fn reset(&mut self) {
        self.painted_to = None;
    }

    /// The first column that stands on no tile.
    #[must_use]
    pub fn end(&self) -> i64 {
        self.start + 2 * self.tile_columns
    }

    /// Plans the frame that shows `view`, with the series as `marks` says; what it plans counts as painted.
    pub fn plan(&mut self, view: &View, scale: &TimeScale, marks: &[Mark]) -> Plan {
        let from = self.right_to(view, scale, marks);
        let stays_min = (view.visible.end - view.visible.start) / STAYS_PART;
        let is_full = from <= view.visible.start.saturating_add(stays_min);
        let was_left = self.left_tile;
        let mut is_turned = false;
        if is_full {
            self.start = view.visible.start;
        } else if self.start + self.tile_columns <= view.visible.start {
            self.start += self.tile_columns;
            self.left_tile = 1 - was_left;
            is_turned = true;
        }
        let newest = marks.iter().map(|mark| scale.column_from_ms(mark.last_ms)).max();
        let to = newest
            .map_or(i64::MIN, |newest| newest.saturating_add(view.overhang + 1))
            .max(view.visible.end + view.ahead)
            .min(self.end());
        let from = if is_full { view.visible.start } else { from.min(to) };
        // What lies right of `to` was wiped when its tile was turned, or is painted again before it is seen.
        let painted_to = if is_full { to } else { to.max(self.painted_to.unwrap_or(to)) };
        self.painted_to = Some(painted_to);
        self.marks.clear();
        self.marks.extend_from_slice(marks);
        let repaint = from..painted_to;
        let left = self.seat(self.left_tile, self.start, is_full, &repaint);
        let right_start = self.start + self.tile_columns;
        let right = self.seat(1 - self.left_tile, right_start, is_full || is_turned, &repaint);
        Plan { repaint, seats: [left, right], is_full }
    }

    fn seat(&mut self, tile: usize, start: i64, is_fresh: bool, repaint: &Range<i64>) -> Seat {
        let is_painted = start.max(repaint.start) < repaint.end.min(start + self.tile_columns);
        let is_blank = self.are_blank[tile];
        self.are_blank[tile] = !is_painted && (is_fresh || is_blank);
        Seat { tile, start, is_fresh, is_blank }
    }

    /// The column up to which the picture is still right.
    fn right_to(&self, view: &View, scale: &TimeScale, marks: &[Mark]) -> i64 {
        let Some(painted_to) = self.painted_to else { return i64::MIN };
        let turned_start = self.start + self.tile_columns;
        if view.visible.start < self.start || turned_start + self.tile_columns <= view.visible.start {
            return i64::MIN;
        }
        let mut right_to = painted_to;
        let mut wrong_from = |timestamp_ms: f64| {
            right_to = right_to.min(scale.column_from_ms(timestamp_ms).saturating_sub(view.overhang));
        };
        let mut known = self.marks.iter().peekable();
        for mark in marks {
            match known.next_if(|known| known.id == mark.id) {
                Some(known) if known.n_rewrites != mark.n_rewrites => return i64::MIN,
                Some(known) if known.last_ms != mark.last_ms => wrong_from(known.last_ms),
                Some(_) => {}
                None => wrong_from(mark.first_ms),
            }
        }
        if known.next().is_some() { i64::MIN } else { right_to }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    const WIDTH: i64 = 100;
    const TILE: i64 = 130;

    type Content = Vec<(u64, f64, f64)>;

    /// Paints by the plan: per tile and column, what the column shows.
    #[derive(Default)]
    struct Picture {
        tiles: [BTreeMap<i64, Content>; 2],
    }

    /// Between which two points of which lines a column lies; outside of a line nothing is drawn.
    fn content(lines: &[(u64, Vec<f64>)], column: i64) -> Content {
        let column = column as f64;
        let neighbours = |(id, points): &(u64, Vec<f64>)| {
            let before = points.iter().copied().filter(|t| *t <= column).reduce(f64::max)?;
            let after = points.iter().copied().filter(|t| column < *t).reduce(f64::min)?;
            Some((*id, before, after))
        };
        lines.iter().filter_map(neighbours).collect()
    }

    impl Picture {
        fn paint(&mut self, plan: &Plan, lines: &[(u64, Vec<f64>)]) {
            for seat in plan.seats {
                if seat.is_fresh && !seat.is_blank {
                    self.tiles[seat.tile].clear();
                }
                assert!(!seat.is_blank || self.tiles[seat.tile].is_empty(), "a blank tile has nothing on it");
                for column in plan.repaint.clone() {
                    if (seat.start..seat.start + TILE).contains(&column) {
                        self.tiles[seat.tile].insert(column, content(lines, column));
                    }
                }
            }
        }

        fn column(&self, plan: &Plan, column: i64) -> Option<&Content> {
            let seat = plan.seats.iter().find(|s| (s.start..s.start + TILE).contains(&column))?;
            self.tiles[seat.tile].get(&column)
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        Scroll(i64),
        Push(usize, f64),
        Add(f64),
        Remove,
        Reset,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            8 => (0i64..40).prop_map(Step::Scroll),
            1 => (-150i64..400).prop_map(Step::Scroll),
            8 => (0usize..4, 0.5..40.0f64).prop_map(|(line, ahead)| Step::Push(line, ahead)),
            1 => (0.0..80.0f64).prop_map(Step::Add),
            1 => Just(Step::Remove),
            1 => Just(Step::Reset),
        ];
        prop::collection::vec(step, 1..80)
    }

    proptest! {
        #[test]
        fn the_window_always_shows_what_a_full_paint_would_show(steps in steps()) {
            let scale = TimeScale::new(WIDTH as f64, WIDTH as u32);
            let mut tiles = Tiles::new(TILE);
            let mut picture = Picture::default();
            let mut lines: Vec<(u64, Vec<f64>)> = vec![(1, vec![10.0]), (2, vec![90.5])];
            let (mut next_id, mut end) = (3, 200i64);
            for step in steps {
                match step {
                    Step::Scroll(n) => end = (end + n).max(WIDTH),
                    Step::Push(line, ahead) => {
                        if let Some((_, points)) = lines.get_mut(line) {
                            let last = points.last().copied().unwrap_or(0.0);
                            points.push(last + ahead);
                        }
                    }
                    Step::Add(back) => { lines.push((next_id, vec![(end as f64 - back).max(0.0)])); next_id += 1; }
                    Step::Remove => { if 1 < lines.len() { lines.remove(0); } }
                    Step::Reset => tiles.reset(),
                }
                let marks: Vec<Mark> = lines.iter().map(|(id, points)| Mark {
                    id: *id, n_rewrites: 0, first_ms: points[0], last_ms: points[points.len() - 1],
                }).collect();
                let view = View { visible: end - WIDTH..end, ahead: 10, overhang: 0 };
                let plan = tiles.plan(&view, &scale, &marks);
                picture.paint(&plan, &lines);
                for column in view.visible.start..(view.visible.end + 10).min(tiles.end()) {
                    prop_assert_eq!(picture.column(&plan, column), Some(&content(&lines, column)), "{}", column);
                }
            }
        }
    }

    #[test]
    fn a_scrolling_frame_paints_only_what_is_new() {
        let scale = TimeScale::new(100.0, 100);
        let mut tiles = Tiles::new(TILE);
        let mark = |last_ms: f64| Mark { id: 1, n_rewrites: 0, first_ms: 0.0, last_ms };
        let mut check = |end: i64, last_ms: f64, repaint: Range<i64>, is_full: bool| {
            let view = View { visible: end - WIDTH..end, ahead: 5, overhang: 2 };
            let plan = tiles.plan(&view, &scale, &[mark(last_ms)]);
            assert_eq!((plan.repaint, plan.is_full), (repaint, is_full), "{end}");
        };
        check(1_000, 1_010.0, 900..1_013, true);
        check(1_001, 1_010.0, 1_013..1_013, false);
        check(1_010, 1_020.0, 1_008..1_023, false);
        check(1_020, 1_020.0, 1_023..1_025, false);
        check(1_090, 1_020.0, 1_025..1_095, false);
        check(1_180, 1_020.0, 1_080..1_185, true);
        check(1_190, 1_020.0, 1_185..1_195, false);
        check(900, 1_020.0, 800..1_023, true);
    }

    #[test]
    fn a_changed_past_is_painted_anew() {
        let scale = TimeScale::new(100.0, 100);
        let mut tiles = Tiles::new(TILE);
        let view = View { visible: 900..1_000, ahead: 5, overhang: 2 };
        let mut mark = Mark { id: 1, n_rewrites: 0, first_ms: 0.0, last_ms: 990.0 };
        assert!(tiles.plan(&view, &scale, &[mark]).is_full);
        assert!(tiles.plan(&view, &scale, &[mark]).repaint.is_empty());
        mark.n_rewrites = 1;
        assert!(tiles.plan(&view, &scale, &[mark]).is_full);
        assert!(tiles.plan(&view, &scale, &[]).is_full);
    }
}
