//! From points to what pixels can show: at most two vertices per pixel column, the column's minimum and maximum.
//!
//! Columns that hold one or two points pass them on as they are. The work grows with columns, not with points
//! ([`super::pyramid`]), and because columns are numbered from the Unix epoch on, a strip of the picture gets exactly
//! the vertices that the whole picture has there.

use std::ops::Range;

use super::scale::TimeScale;
use super::series::Series;

/// One step of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Vertex {
    /// The line goes on to here.
    At {
        /// Pixels since the Unix epoch, on the scale that was given.
        x_px: f64,
        /// The value, finite.
        value: f64,
    },
    /// The line ends; what follows begins a new one.
    Break,
}

/// Gives `sink` the line of `series` over `columns`, from two points before (so that joins are drawn alike) to one
/// point after.
pub fn decimate(series: &Series, scale: &TimeScale, columns: Range<i64>, mut sink: impl FnMut(Vertex)) {
    let ring = series.points();
    let x = |index: u64| scale.x_px_from_ms(ring.timestamp_ms(index));
    let column_start = columns.start as f64;
    let inside = ring.partition_point(ring.first(), ring.end(), |t| scale.x_px_from_ms(t) < column_start);
    let lead = inside.saturating_sub(2).max(ring.first());
    if ring.end() <= lead {
        return;
    }
    // A column is taken whole or not at all.
    let lead_column = x(lead).floor();
    let mut index = ring.partition_point(ring.first(), lead, |t| scale.x_px_from_ms(t) < lead_column);
    let mut n_guess = 1;
    while index < ring.end() {
        let column = x(index).floor();
        let next_column = column + 1.0;
        let end = if n_guess == 1 && (ring.end() <= index + 1 || next_column <= x(index + 1)) {
            index + 1
        } else {
            ring.partition_point(index + 1, index + n_guess, |t| scale.x_px_from_ms(t) < next_column)
        };
        n_guess = end - index;
        if n_guess <= 2 {
            (index..end).for_each(|i| sink(vertex(x(i), ring.value(i))));
        } else {
            summarise(series, index..end, column + 0.5, &mut sink);
        }
        if columns.end as f64 <= column {
            break;
        }
        index = end;
    }
}

/// The two extremes of a column of three points or more, in the order in which the line meets them.
fn summarise(series: &Series, points: Range<u64>, x_px: f64, sink: &mut impl FnMut(Vertex)) {
    let extremes = series.extremes(points.start, points.end);
    if extremes.is_none() {
        sink(Vertex::Break);
        return;
    }
    let (first, last) = (series.points().value(points.start), series.points().value(points.end - 1));
    if first.is_nan() {
        sink(Vertex::Break);
    }
    let (low, high) = (vertex(x_px, extremes.min), vertex(x_px, extremes.max));
    // Known where an end is an extreme; else the one nearer to where the column begins is taken to come first.
    let is_low_first = if first == extremes.min || last == extremes.max {
        true
    } else if first == extremes.max || last == extremes.min {
        false
    } else {
        first - extremes.min <= extremes.max - first
    };
    if extremes.min == extremes.max {
        sink(low);
    } else if is_low_first {
        sink(low);
        sink(high);
    } else {
        sink(high);
        sink(low);
    }
    if last.is_nan() {
        sink(Vertex::Break);
    }
}

fn vertex(x_px: f64, value: f64) -> Vertex {
    if value.is_nan() { Vertex::Break } else { Vertex::At { x_px, value } }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::series::Room;
    use super::*;

    fn series_of(values: &[f64], interval_ms: f64) -> Series {
        let mut series = Series::new(1 << 12);
        for (n, value) in values.iter().enumerate() {
            series.push(n as f64 * interval_ms, *value, &mut Room::new(1 << 20));
        }
        series
    }

    fn vertices(series: &Series, scale: &TimeScale, columns: Range<i64>) -> Vec<Vertex> {
        let mut out = Vec::new();
        decimate(series, scale, columns, |v| out.push(v));
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
