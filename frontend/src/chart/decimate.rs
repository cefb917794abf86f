//! From points to what pixels can show: at most two vertices per pixel column, the column's minimum and maximum.
//!
//! Columns that hold one or two points pass them on as they are. The work grows with columns, not with points
//! ([`super::pyramid`]), and because columns are numbered from the Unix epoch on, a strip of the picture gets exactly
//! the vertices that the whole picture has there.

use std::ops::Range;

use super::pyramid::{Block, Extremes, points_shift};
use super::scale::TimeScale;
use super::series::Series;

/// From so many points per column on, going from block to block of the pyramid is quicker than reading them all.
const READ_PER_COLUMN_MAX: f64 = 64.0;
/// A block counts as a whole for the column in which it begins. It is at most this part of a column, so that nothing
/// stands farther off: less than an eye can see, and less than a screen can show.
const BLOCK_PER_COLUMN: f64 = 1.0 / 4.0;

/// Gives `sink` the line of `series` over `columns`, from at least two points before (so that joins are drawn alike)
/// to one column after: each vertex as pixels since the Unix epoch and the value, which is NaN where the line ends
/// and what follows begins a new one.
pub fn decimate(series: &Series, scale: &TimeScale, columns: Range<i64>, sink: impl FnMut(f64, f64)) {
    let ring = series.points();
    let column_start = columns.start as f64;
    let inside = ring.partition_point(ring.first(), ring.end(), |t| scale.x_px_from_ms(t) < column_start);
    let lead = inside.saturating_sub(2).max(ring.first());
    if ring.end() <= lead {
        return;
    }
    let mut tracer = Tracer { scale, columns, column: Column::NOTHING, n_taken: 0, sink };
    match level_of(series, scale) {
        None => tracer.read(series, lead),
        Some(level) => tracer.leap(series, level, lead),
    }
    tracer.finish();
}

/// The first column that points to come may still change.
#[must_use]
pub fn open_column(series: &Series, scale: &TimeScale) -> Option<i64> {
    let ring = series.points();
    let (last_ms, _) = ring.last()?;
    let open_ms = match level_of(series, scale) {
        None => last_ms,
        Some(level) => {
            let shift = points_shift(level);
            ring.timestamp_ms(((ring.end() - 1) >> shift << shift).max(ring.first()))
        }
    };
    Some(scale.column_from_ms(open_ms))
}

/// The pyramid's level by which a line is read; none where its points are read one by one.
///
/// By the usual interval alone, so that every strip of a picture is read alike.
fn level_of(series: &Series, scale: &TimeScale) -> Option<usize> {
    let per_column = scale.ms_per_px() / series.interval_ms()?;
    if per_column < READ_PER_COLUMN_MAX {
        return None;
    }
    let shift = (per_column * BLOCK_PER_COLUMN).log2() as u32;
    let level = shift.checked_sub(points_shift(0))? as usize;
    Some(level.min(series.pyramid().n_levels().checked_sub(1)?))
}

/// What is known of the points of one column.
#[derive(Clone, Copy)]
struct Column {
    /// The first place that is not in it.
    end_x_px: f64,
    n_points: u64,
    /// Place and value of the first and of the last point. A block's are not known, only whether they are gaps.
    first: (f64, f64),
    last: (f64, f64),
    extremes: Extremes,
    /// When the extremes were met.
    low_at: u64,
    high_at: u64,
}

impl Column {
    const NOTHING: Self = Self {
        end_x_px: f64::NEG_INFINITY,
        n_points: 0,
        first: (0.0, 0.0),
        last: (0.0, 0.0),
        extremes: Extremes::NONE,
        low_at: 0,
        high_at: 0,
    };
}

/// Takes points and blocks in the order of time and gives each column's vertices when the next column begins.
struct Tracer<'a, S> {
    scale: &'a TimeScale,
    columns: Range<i64>,
    column: Column,
    n_taken: u64,
    sink: S,
}

impl<S: FnMut(f64, f64)> Tracer<'_, S> {
    /// Reads every point from the column of the point `lead` on.
    fn read(&mut self, series: &Series, lead: u64) {
        let (ring, scale) = (series.points(), self.scale);
        // A column is taken whole or not at all.
        let lead_column = scale.x_px_from_ms(ring.timestamp_ms(lead)).floor();
        let from = ring.partition_point(ring.first(), lead, |t| scale.x_px_from_ms(t) < lead_column);
        self.points(series, from..ring.end());
    }

    /// Goes from block to block, from the block of the point `lead` on.
    fn leap(&mut self, series: &Series, level: usize, lead: u64) {
        let (ring, scale, shift) = (series.points(), self.scale, points_shift(level));
        let column_at = |point: u64| scale.x_px_from_ms(ring.timestamp_ms(point)).floor();
        let (first, end) =
            (ring.first().next_multiple_of(1 << shift) >> shift, ((ring.end() - 1) >> shift) + 1);
        if end <= first {
            self.points(series, ring.first()..ring.end());
            return;
        }
        let mut from = lead >> shift;
        // Back to where a column begins, within a block whose points are read or between two that are not.
        while first < from {
            let column = column_at(from << shift);
            let before = (from - 1) << shift;
            if column_at(before) + 1.0 < column {
                self.points(
                    series,
                    ring.partition_point(before, from << shift, |t| scale.x_px_from_ms(t) < column)
                        ..from << shift,
                );
                break;
            }
            if column_at(before) < column {
                break;
            }
            from -= 1;
        }
        if from <= first {
            // Of the oldest block a part was overwritten, and what is known of it is wrong.
            self.points(series, ring.first()..first << shift);
            from = first;
        }
        let mut held: Option<(f64, Block)> = None;
        let mut number = from;
        for run in series.pyramid().runs(level, from, end) {
            for block in run {
                let x_px = scale.x_px_from_ms(block.first_ms);
                if let Some((held_x_px, held)) = held {
                    if x_px < self.column.end_x_px {
                        // Most blocks begin and end in the column that was begun before them.
                        self.merge_few();
                        self.column.n_points += 3;
                        self.merge(held.extremes);
                    } else if self.is_past(held_x_px) {
                        return;
                    } else {
                        self.block(series, (number - 1) << shift..number << shift, held_x_px, &held, x_px);
                    }
                }
                held = Some((x_px, *block));
                number += 1;
            }
        }
        if let Some((x_px, block)) = held.filter(|(x_px, _)| !self.is_past(*x_px)) {
            let last_x_px = scale.x_px_from_ms(ring.timestamp_ms(ring.end() - 1));
            self.block(series, (number - 1) << shift..ring.end(), x_px, &block, last_x_px);
        }
    }

    /// Takes a block that begins at `x_px` and ends before `next_x_px`: as a whole, or, where points are so rare that
    /// it reaches beyond the next column, by its points.
    #[inline]
    fn block(&mut self, series: &Series, points: Range<u64>, x_px: f64, block: &Block, next_x_px: f64) {
        if x_px.floor() + 2.0 <= next_x_px {
            self.points(series, points);
            return;
        }
        self.begin(x_px);
        self.merge_few();
        let known = if block.extremes.is_none() { f64::NAN } else { 0.0 };
        if self.column.n_points == 0 {
            self.column.first = (x_px, known);
        }
        self.column.last = (x_px, known);
        // More than two, whatever comes: a block's points cannot be passed on.
        self.column.n_points += 3;
        self.merge(block.extremes);
    }

    /// Reads points, up to the end of the first column behind those that are wanted.
    fn points(&mut self, series: &Series, points: Range<u64>) {
        for (timestamps_ms, values) in series.points().runs(points.start, points.end) {
            for (timestamp_ms, value) in timestamps_ms.iter().zip(values) {
                let x_px = self.scale.x_px_from_ms(*timestamp_ms);
                if self.column.end_x_px <= x_px {
                    if self.is_past(x_px) {
                        return;
                    }
                    self.begin(x_px);
                    self.column.n_points = 1;
                    (self.column.first, self.column.last) = ((x_px, *value), (x_px, *value));
                } else {
                    self.another(x_px, *value);
                }
            }
        }
    }

    /// One more point of a column that has something already.
    #[inline]
    fn another(&mut self, x_px: f64, value: f64) {
        if self.column.n_points != 1 {
            self.merge_few();
            self.merge(Extremes { min: value, max: value });
        }
        self.column.n_points += 1;
        self.column.last = (x_px, value);
    }

    /// Looks for the extremes of one or two points: where no more come, as in most lines, they are not needed.
    #[inline]
    fn merge_few(&mut self) {
        let Column { n_points, first, last, .. } = self.column;
        if n_points == 1 || n_points == 2 {
            self.merge(Extremes { min: first.1, max: first.1 });
            self.merge(Extremes { min: last.1, max: last.1 });
        }
    }

    /// Whether what stands at `x_px` is in a column of which nothing is wanted any more.
    fn is_past(&self, x_px: f64) -> bool {
        (self.columns.end as f64) < self.column.end_x_px && self.column.end_x_px <= x_px
    }

    /// Begins another column unless `x_px` is in this one.
    #[inline]
    fn begin(&mut self, x_px: f64) {
        if self.column.end_x_px <= x_px {
            self.finish();
            // What else is known of a column is set by its first point, or by whoever sets the extremes.
            self.column.end_x_px = x_px.floor() + 1.0;
            self.column.n_points = 0;
            self.column.extremes = Extremes::NONE;
        }
    }

    #[inline]
    fn merge(&mut self, extremes: Extremes) {
        self.n_taken += 1;
        if extremes.min < self.column.extremes.min {
            self.column.extremes.min = extremes.min;
            self.column.low_at = self.n_taken;
        }
        if self.column.extremes.max < extremes.max {
            self.column.extremes.max = extremes.max;
            self.column.high_at = self.n_taken;
        }
    }

    /// Gives the vertices of the column: its points where they are one or two, else its extremes in the order in which
    /// the line meets them.
    fn finish(&mut self) {
        let (sink, column) = (&mut self.sink, &self.column);
        match column.n_points {
            0 => return,
            1 => return sink(column.first.0, column.first.1),
            2 => {
                sink(column.first.0, column.first.1);
                return sink(column.last.0, column.last.1);
            }
            _ => {}
        }
        let Column { end_x_px, first, last, extremes, low_at, high_at, .. } = *column;
        let x_px = end_x_px - 0.5;
        if extremes.is_none() {
            return sink(x_px, f64::NAN);
        }
        if first.1.is_nan() {
            sink(x_px, f64::NAN);
        }
        let (before, after) =
            if low_at <= high_at { (extremes.min, extremes.max) } else { (extremes.max, extremes.min) };
        sink(x_px, before);
        if before != after {
            sink(x_px, after);
        }
        if last.1.is_nan() {
            sink(x_px, f64::NAN);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::series::Room;
    use super::*;

    /// One step of a line.
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Vertex {
        At { x_px: f64, value: f64 },
        Break,
    }

    fn series_of(values: &[f64], interval_ms: f64) -> Series {
        let mut series = Series::new(1 << 12);
        for (n, value) in values.iter().enumerate() {
            series.push(n as f64 * interval_ms, *value, &mut Room::new(1 << 20));
        }
        series
    }

    fn vertices(series: &Series, scale: &TimeScale, columns: Range<i64>) -> Vec<Vertex> {
        let mut out = Vec::new();
        decimate(series, scale, columns, |x_px, value| {
            out.push(if value.is_nan() { Vertex::Break } else { Vertex::At { x_px, value } });
        });
        out
    }

    fn values(vertices: &[Vertex]) -> Vec<f64> {
        vertices.iter().map(|v| if let Vertex::At { value, .. } = v { *value } else { f64::NAN }).collect()
    }

    /// Ten points in each of two columns.
    fn check(points: &[f64], expected: &[f64]) {
        let got = values(&vertices(&series_of(points, 1.0), &TimeScale::new(100.0, 10), 0..2));
        assert!(
            got.iter().map(|v| v.to_bits()).eq(expected.iter().map(|v| v.to_bits())),
            "{points:?}: {got:?}"
        );
    }

    #[test]
    fn few_points_pass_as_they_are() {
        check(&[3.0, 1.0], &[3.0, 1.0]);
        check(&[3.0], &[3.0]);
        check(&[], &[]);
    }

    #[test]
    fn many_points_become_extremes_in_their_order() {
        check(&[1.0, 2.0, 3.0, 4.0], &[1.0, 4.0]);
        check(&[4.0, 3.0, 2.0, 1.0], &[4.0, 1.0]);
        check(&[2.0, 9.0, 0.0, 5.0], &[9.0, 0.0]);
        check(&[2.0, 0.0, 9.0, 5.0], &[0.0, 9.0]);
        check(&[6.0, 9.0, 0.0, 5.0], &[9.0, 0.0]);
        check(&[7.0, 7.0, 7.0], &[7.0]);
    }

    #[test]
    fn gaps_break_the_line() {
        check(&[f64::NAN, 2.0, 3.0, 4.0], &[f64::NAN, 2.0, 4.0]);
        check(&[1.0, 2.0, 3.0, f64::NAN], &[1.0, 3.0, f64::NAN]);
        check(&[f64::NAN, f64::NAN, f64::NAN], &[f64::NAN]);
    }

    proptest! {
        /// The naive way: read every point of each column. Up to 60 in one, which are not leapt over.
        #[test]
        fn each_column_has_its_minimum_and_maximum(
            values in prop::collection::vec(-1e3..1e3f64, 1..600), width in 10u32..300, from in 0i64..200, n in 1i64..200
        ) {
            let series = series_of(&values, 1.0);
            let scale = TimeScale::new(600.0, width);
            prop_assert_eq!(level_of(&series, &scale), None);
            let got = vertices(&series, &scale, from..from + n);
            for column in from..from + n {
                let naive: Vec<f64> = values.iter().enumerate()
                    .filter(|(t, _)| scale.column_from_ms(*t as f64) == column).map(|(_, v)| *v).collect();
                let shown: Vec<f64> = got.iter().filter_map(|v| match v {
                    Vertex::At { x_px, value } if x_px.floor() as i64 == column => Some(*value),
                    _ => None,
                }).collect();
                let fold = |values: &[f64]| values.iter().fold((f64::MAX, f64::MIN), |(a, b), v| (a.min(*v), b.max(*v)));
                prop_assert_eq!(fold(&naive), fold(&shown));
                prop_assert!(shown.len() <= 2);
                if naive.len() <= 2 { prop_assert_eq!(naive, shown); }
            }
        }

        /// Blocks against the naive way: each point counts for the column in which its block begins, but where points
        /// are so rare that a block reaches beyond the next column. Bursts, gaps and evicted points included.
        #[test]
        fn leaping_over_blocks_misses_nothing(
            points_max in 3_000usize..9_000,
            stretches in prop::collection::vec((1usize..3_000, prop_oneof![6 => Just(1.0), 1 => 2.0..400.0f64], 0u8..4), 1..6),
            from in 0i64..60, n in 1i64..80,
        ) {
            let (mut series, mut now_ms, mut room) = (Series::new(points_max), 0.0, Room::new(1 << 20));
            for (n_points, interval_ms, what) in stretches {
                for n in 0..n_points {
                    let value = if what == 0 && n % 50 < 20 { f64::NAN } else { ((n * 7919) % 1_000) as f64 };
                    series.push(now_ms, value, &mut room);
                    now_ms += interval_ms;
                }
            }
            // Dense at its end, or it would not be leapt over.
            (0..40).for_each(|_| { series.push(now_ms, 1.0, &mut room); now_ms += 1.0; });
            let scale = TimeScale::new(10_000.0, 100);
            let level = level_of(&series, &scale).expect("dense enough");
            let (ring, shift) = (series.points(), points_shift(level));
            let mut naive: std::collections::BTreeMap<i64, Extremes> = Default::default();
            for index in ring.first()..ring.end() {
                let begin = index >> shift << shift;
                let next = (begin + (1 << shift)).min(ring.end() - 1);
                let column = |index: u64| scale.column_from_ms(ring.timestamp_ms(index));
                let is_whole = ring.first() <= begin && column(next) < column(begin) + 2;
                let at = if is_whole { column(begin) } else { column(index) };
                naive.entry(at).or_insert(Extremes::NONE).merge(ring.value(index));
            }
            let last = scale.column_from_ms(now_ms) - from;
            let columns = last - n..last;
            let mut shown: std::collections::BTreeMap<i64, Extremes> = Default::default();
            for vertex in vertices(&series, &scale, columns.clone()) {
                if let Vertex::At { x_px, value } = vertex {
                    shown.entry(x_px.floor() as i64).or_insert(Extremes::NONE).merge(value);
                }
            }
            for column in columns {
                let known = naive.get(&column).filter(|extremes| !extremes.is_none());
                prop_assert_eq!(shown.get(&column), known, "column {}", column);
            }
            let whole = vertices(&series, &scale, 0..scale.column_from_ms(now_ms) + 2);
            let strip = vertices(&series, &scale, last - n..last);
            prop_assert!(strip.is_empty() || whole.windows(strip.len()).any(|part| part == strip));
        }

        #[test]
        fn what_is_before_the_open_column_stays(
            n_before in 1_000usize..4_000, n_after in 1usize..600, interval_ms in 0.5..3.0f64
        ) {
            let (mut series, mut room) = (Series::new(8_000), Room::new(1 << 20));
            let mut push = |series: &mut Series, n: usize| {
                series.push(n as f64 * interval_ms, ((n * 7919) % 1_000) as f64, &mut room);
            };
            (0..n_before).for_each(|n| push(&mut series, n));
            let scale = TimeScale::new(10_000.0, 60);
            let open = open_column(&series, &scale).unwrap_or(0);
            let closed = |series: &Series| -> Vec<Vertex> {
                let is_closed = |v: &Vertex| matches!(v, Vertex::At { x_px, .. } if *x_px < open as f64);
                vertices(series, &scale, 0..open).into_iter().filter(is_closed).collect()
            };
            let before = closed(&series);
            (n_before..n_before + n_after).for_each(|n| push(&mut series, n));
            prop_assert_eq!(before, closed(&series));
        }

        #[test]
        fn a_strip_is_a_part_of_the_whole(
            values in prop::collection::vec(prop_oneof![9 => -1e3..1e3f64, 1 => Just(f64::NAN)], 1..400),
            width in 1u32..500, from in 0i64..500, n in 1i64..80
        ) {
            let series = series_of(&values, 1.0);
            let scale = TimeScale::new(400.0, width);
            let whole = vertices(&series, &scale, 0..500);
            let strip = vertices(&series, &scale, from..from + n);
            prop_assert!(strip.is_empty() || whole.windows(strip.len()).any(|part| part == strip));
            // Nothing of the strip is missing, and the line does not begin or end inside of it.
            let inside = |v: &&Vertex| matches!(v, Vertex::At { x_px, .. } if (from..from + n).contains(&(x_px.floor() as i64)));
            prop_assert_eq!(whole.iter().filter(inside).count(), strip.iter().filter(inside).count());
        }

        #[test]
        fn time_never_runs_backward(values in prop::collection::vec(-1e3..1e3f64, 1..400), width in 1u32..900) {
            let series = series_of(&values, 1.0);
            let xs: Vec<f64> = vertices(&series, &TimeScale::new(400.0, width), 0..900).iter()
                .filter_map(|v| if let Vertex::At { x_px, .. } = v { Some(*x_px) } else { None }).collect();
            prop_assert!(xs.windows(2).all(|pair| pair[0] <= pair[1]));
        }
    }
}
