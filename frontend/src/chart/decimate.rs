//! From points to what pixels can show: at most two vertices per pixel column, the column's minimum and maximum.
//!
//! Columns that hold one or two points pass them on as they are. The work grows with columns, not with points
//! ([`super::pyramid`]), and because columns are numbered from the Unix epoch on, a strip of the picture gets exactly
//! the vertices that the whole picture has there.

use std::ops::Range;

use super::pyramid::Extremes;
use super::scale::TimeScale;
use super::series::Series;

/// Up to so many points per column, on average, are read one by one; of more, the pyramid knows the extremes sooner.
const WALKED_PER_COLUMN_MAX: f64 = 12.0;

/// Gives `sink` the line of `series` over `columns`, from two points before (so that joins are drawn alike) to one
/// point after: each vertex as pixels since the Unix epoch and the value, which is NaN where the line ends and what
/// follows begins a new one.
pub fn decimate(series: &Series, scale: &TimeScale, columns: Range<i64>, mut sink: impl FnMut(f64, f64)) {
    let ring = series.points();
    let x = |index: u64| scale.x_px_from_ms(ring.timestamp_ms(index));
    let (column_start, column_end) = (columns.start as f64, columns.end as f64);
    let inside = ring.partition_point(ring.first(), ring.end(), |t| scale.x_px_from_ms(t) < column_start);
    let lead = inside.saturating_sub(2).max(ring.first());
    if ring.end() <= lead {
        return;
    }
    // A column is taken whole or not at all.
    let lead_column = x(lead).floor();
    let from = ring.partition_point(ring.first(), lead, |t| scale.x_px_from_ms(t) < lead_column);
    let behind = ring.partition_point(inside, ring.end(), |t| scale.x_px_from_ms(t) < column_end);
    let end = if behind < ring.end() {
        let next_column = x(behind).floor() + 1.0;
        ring.partition_point(behind + 1, behind + 1, |t| scale.x_px_from_ms(t) < next_column)
    } else {
        behind
    };
    let n_columns = x(end - 1) - x(from) + 1.0;
    if (end - from) as f64 <= WALKED_PER_COLUMN_MAX * n_columns {
        walk(series, scale, from..end, &mut sink);
    } else {
        leap(series, scale, from..end, &mut sink);
    }
}

/// Whether columns hold so many points that they are leapt over.
#[must_use]
pub fn is_dense(series: &Series, scale: &TimeScale) -> bool {
    series.interval_ms().is_some_and(|interval_ms| WALKED_PER_COLUMN_MAX * interval_ms < scale.ms_per_px())
}

/// What is known of the points of one column.
#[derive(Clone, Copy)]
struct Column {
    /// The first place that is not in it.
    end_x_px: f64,
    n_points: u64,
    first: f64,
    last: f64,
    extremes: Extremes,
}

/// Reads every point.
fn walk(series: &Series, scale: &TimeScale, points: Range<u64>, sink: &mut impl FnMut(f64, f64)) {
    let nothing =
        Column { end_x_px: f64::NEG_INFINITY, n_points: 0, first: 0.0, last: 0.0, extremes: Extremes::NONE };
    let mut column = nothing;
    let mut first_x_px = 0.0;
    let mut last_x_px = 0.0;
    let mut finish = |column: &Column, first_x_px: f64, last_x_px: f64| match column.n_points {
        0 => {}
        1 => sink(first_x_px, column.first),
        2 => {
            sink(first_x_px, column.first);
            sink(last_x_px, column.last);
        }
        _ => summarise(column, sink),
    };
    for (timestamps_ms, values) in series.points().runs(points.start, points.end) {
        for (timestamp_ms, value) in timestamps_ms.iter().zip(values) {
            let x_px = scale.x_px_from_ms(*timestamp_ms);
            if column.end_x_px <= x_px {
                finish(&column, first_x_px, last_x_px);
                column = Column { end_x_px: x_px.floor() + 1.0, first: *value, ..nothing };
                first_x_px = x_px;
            }
            column.n_points += 1;
            column.last = *value;
            column.extremes.merge(*value);
            last_x_px = x_px;
        }
    }
    finish(&column, first_x_px, last_x_px);
}

/// Goes from column to column.
fn leap(series: &Series, scale: &TimeScale, points: Range<u64>, sink: &mut impl FnMut(f64, f64)) {
    let ring = series.points();
    let x = |index: u64| scale.x_px_from_ms(ring.timestamp_ms(index));
    let mut index = points.start;
    let mut n_guess = 1;
    while index < points.end {
        let end_x_px = x(index).floor() + 1.0;
        let guess = index + n_guess;
        // Evenly spaced points fill columns with one more or one less.
        let is_right = guess < points.end && end_x_px <= x(guess) && x(guess - 1) < end_x_px;
        let end = if is_right {
            guess
        } else {
            ring.partition_point(index + 1, guess, |t| scale.x_px_from_ms(t) < end_x_px).min(points.end)
        };
        n_guess = end - index;
        if n_guess <= 2 {
            (index..end).for_each(|i| sink(x(i), ring.value(i)));
        } else {
            let (first, last) = (ring.value(index), ring.value(end - 1));
            let extremes = series.extremes(index, end);
            summarise(&Column { end_x_px, n_points: n_guess, first, last, extremes }, sink);
        }
        index = end;
    }
}

/// The two extremes of a column of three points or more, in the order in which the line meets them.
fn summarise(column: &Column, sink: &mut impl FnMut(f64, f64)) {
    let Column { first, last, extremes, .. } = *column;
    let x_px = column.end_x_px - 0.5;
    if extremes.is_none() {
        sink(x_px, f64::NAN);
        return;
    }
    if first.is_nan() {
        sink(x_px, f64::NAN);
    }
    // Known where an end is an extreme; else the one nearer to where the column begins is taken to come first.
    let is_low_first = if first == extremes.min || last == extremes.max {
        true
    } else if first == extremes.max || last == extremes.min {
        false
    } else {
        first - extremes.min <= extremes.max - first
    };
    let (before, after) =
        if is_low_first { (extremes.min, extremes.max) } else { (extremes.max, extremes.min) };
    sink(x_px, before);
    if before != after {
        sink(x_px, after);
    }
    if last.is_nan() {
        sink(x_px, f64::NAN);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::series::Room;
    use super::*;

    /// A way to turn samples into vertices.
    type Way = fn(&Series, &TimeScale, Range<u64>, &mut dyn FnMut(f64, f64));

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
        check(&[2.0, 9.0, 0.0, 5.0], &[0.0, 9.0]);
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
        /// The naive way: read every point of each column.
        #[test]
        fn each_column_has_its_minimum_and_maximum(
            values in prop::collection::vec(-1e3..1e3f64, 1..600), width in 1u32..300, from in 0i64..200, n in 1i64..200
        ) {
            let series = series_of(&values, 1.0);
            let scale = TimeScale::new(600.0, width);
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

        /// Whether the points are read one by one or leapt over must not be seen.
        #[test]
        fn both_ways_give_the_same_line(
            values in prop::collection::vec(prop_oneof![9 => -1e3..1e3f64, 1 => Just(f64::NAN)], 1..600),
            width in 1u32..900
        ) {
            let series = series_of(&values, 1.0);
            let scale = TimeScale::new(600.0, width);
            let line = |way: Way| {
                let mut out = Vec::new();
                let ring = series.points();
                way(&series, &scale, ring.first()..ring.end(), &mut |x_px: f64, value: f64| {
                    out.push((x_px.to_bits(), value.to_bits()));
                });
                out
            };
            prop_assert_eq!(
                line(|series, scale, points, mut sink| walk(series, scale, points, &mut sink)),
                line(|series, scale, points, mut sink| leap(series, scale, points, &mut sink))
            );
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
