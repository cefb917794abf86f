//! A line as small as a word: the last minute of a series, as the path of an SVG element.

use super::series::Series;

/// Milliseconds that it shows.
pub const SPARK_MS: f64 = 60_000.0;
/// The path's box: one unit across per second, and its height.
pub const SPARK_SIZE: (f64, f64) = (60.0, 18.0);

/// The path up to `end_ms`; empty when there is nothing to draw. Twice as many points as units at most.
#[must_use]
pub fn spark_path(series: &Series, end_ms: f64) -> String {
    let (width, height) = SPARK_SIZE;
    let range = series.range(end_ms - SPARK_MS, f64::INFINITY);
    let extremes = series.extremes(range.start, range.end);
    if extremes.is_none() {
        return String::new();
    }
    // A flat line lies in the middle; noise of a thousandth is flat.
    let size = extremes.min.abs().max(extremes.max.abs());
    let span = (extremes.max - extremes.min).max(size * 1e-3).max(f64::MIN_POSITIVE);
    let middle = extremes.min.midpoint(extremes.max);
    let points = series.points();
    let step_ms = SPARK_MS / width / 2.0;
    let (mut path, mut next_ms, mut is_open) = (String::new(), f64::NEG_INFINITY, false);
    for index in range {
        let (t, value) = (points.timestamp_ms(index), points.value(index));
        if value.is_nan() {
            is_open = false;
            continue;
        }
        if t < next_ms && is_open {
            continue;
        }
        next_ms = t + step_ms;
        let x = (1.0 - (end_ms - t) / SPARK_MS) * width;
        let y = height / 2.0 - (value - middle) / span * (height - 3.0);
        path.push_str(&format!("{}{x:.1} {y:.1}", if is_open { "L" } else { "M" }));
        is_open = true;
    }
    path
}

#[cfg(test)]
mod tests {
    use super::super::series::Room;
    use super::*;

    fn path(points: &[(f64, f64)]) -> String {
        let mut series = Series::new(1_024);
        points.iter().for_each(|(t, v)| {
            series.push(*t, *v, &mut Room::new(10_000));
        });
        spark_path(&series, 60_000.0)
    }

    #[test]
    fn it_shows_the_last_minute_and_its_gaps() {
        assert_eq!(path(&[]), "");
        assert_eq!(path(&[(30_000.0, 5.0)]), "M30.0 9.0");
        assert_eq!(path(&[(0.0, 1.0), (30_000.0, 0.0), (60_000.0, 2.0)]), "M0.0 9.0L30.0 16.5L60.0 1.5");
        let mut points: Vec<(f64, f64)> = (0..10).map(|n| (f64::from(n) * 1e3, 1.0)).collect();
        points.extend((40..50).map(|n| (f64::from(n) * 1e3, 1.0)));
        assert_eq!(path(&points).matches('M').count(), 2);
    }

    #[test]
    fn a_quick_agent_makes_no_longer_path() {
        let points: Vec<(f64, f64)> = (0..1_000).map(|n| (f64::from(n) * 60.0, f64::from(n % 7))).collect();
        let path = path(&points);
        assert!(path.matches(['M', 'L']).count() <= 2 * SPARK_SIZE.0 as usize + 1);
    }
}
