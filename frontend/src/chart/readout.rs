//! What a chart shows, as values: at a moment, sample by sample, as a table and as CSV.

use super::series::{GAP_INTERVALS, Series};

/// Without a known interval, a sample stands for its moment this far around, in milliseconds.
const REACH_MS: f64 = 1_500.0;
/// Rows of a table at most: what a person reads.
pub const TABLE_ROWS_MAX: usize = 60;
/// Lines of a CSV file at most, about 10 MB.
pub const CSV_LINES_MAX: usize = 200_000;

/// One visible line: whose it is, and its points.
#[derive(Clone, Copy)]
pub struct Track<'a> {
    /// The agent.
    pub name: &'a str,
    /// Its points.
    pub series: &'a Series,
}

/// The sample nearest to a moment, time and value; none in a gap and beyond the ends.
#[must_use]
pub fn nearest(series: &Series, at_ms: f64) -> Option<(f64, f64)> {
    let points = series.points();
    let after = series.range(f64::NEG_INFINITY, at_ms).end;
    let point = |index: u64| {
        let is_held = points.first() <= index && index < points.end();
        is_held
            .then(|| (points.timestamp_ms(index), points.value(index)))
            .filter(|(_, value)| !value.is_nan())
    };
    let before = after.checked_sub(1).and_then(point);
    let reach_ms = series.interval_ms().map_or(REACH_MS, |ms| ms * GAP_INTERVALS / 2.0);
    let distance = |point: &(f64, f64)| (point.0 - at_ms).abs();
    let near = [before, point(after)].into_iter().flatten();
    near.filter(|point| distance(point) <= reach_ms).min_by(|a, b| distance(a).total_cmp(&distance(b)))
}

/// The next sample of any line after a moment (or the one before it), at least `apart_ms` away.
#[must_use]
pub fn step<'a>(
    tracks: impl Iterator<Item = Track<'a>>,
    at_ms: f64,
    apart_ms: f64,
    is_forward: bool,
) -> Option<f64> {
    let of_series = |track: Track<'a>| {
        let points = track.series.points();
        if is_forward {
            let mut index = track.series.range(f64::NEG_INFINITY, at_ms + apart_ms).end;
            while index < points.end() && points.value(index).is_nan() {
                index += 1;
            }
            (index < points.end()).then(|| points.timestamp_ms(index))
        } else {
            // At most two gaps follow each other, so this ends soon.
            let mut index = track.series.range(f64::NEG_INFINITY, at_ms - apart_ms + 1e-3).end;
            while points.first() < index && points.value(index - 1).is_nan() {
                index -= 1;
            }
            (points.first() < index).then(|| points.timestamp_ms(index - 1))
        }
    };
    let times = tracks.filter_map(of_series);
    if is_forward { times.reduce(f64::min) } else { times.reduce(f64::max) }
}

/// Moments for the rows of a table from `from_ms` to `to_ms`, newest first, at most [`TABLE_ROWS_MAX`], at whole
/// multiples of a round number of seconds.
#[must_use]
pub fn table_times(from_ms: f64, to_ms: f64) -> (f64, Vec<f64>) {
    const STEPS_SECS: [f64; 16] = [
        0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0, 21_600.0,
    ];
    let n = |step_ms: f64| (to_ms / step_ms).floor() - (from_ms / step_ms).ceil() + 1.0;
    let fits = |step_ms: &f64| n(*step_ms) <= TABLE_ROWS_MAX as f64;
    let step_ms = STEPS_SECS.into_iter().map(|secs| secs * 1e3).find(fits).unwrap_or(86_400e3);
    let last = (to_ms / step_ms).floor();
    let n_rows = (n(step_ms).max(0.0) as usize).min(TABLE_ROWS_MAX);
    (step_ms, (0..n_rows).map(|row| (last - row as f64) * step_ms).collect())
}

/// A CSV file of every point in view, and how many did not fit. Each is a sample where `step_secs` is 0, else the lowest or
/// the highest value of so many seconds. Source: RFC 4180.
#[must_use]
pub fn csv<'a>(
    metric: &str,
    tracks: impl Iterator<Item = Track<'a>>,
    (from_ms, to_ms): (f64, f64),
    step_secs: u32,
    iso: impl Fn(f64) -> String,
) -> (String, usize) {
    let mut text = "time,agent,metric,value,step_seconds\r\n".to_owned();
    let (mut n_lines, mut n_cut) = (0, 0);
    let metric = field(metric);
    for track in tracks {
        let name = field(track.name);
        let points = track.series.points();
        for index in track.series.range(from_ms, to_ms) {
            let value = points.value(index);
            if value.is_nan() {
                continue;
            }
            if n_lines == CSV_LINES_MAX {
                n_cut += 1;
                continue;
            }
            n_lines += 1;
            let time = iso(points.timestamp_ms(index));
            text.push_str(&format!("{time},{name},{metric},{value},{step_secs}\r\n"));
        }
    }
    (text, n_cut)
}

/// Quoted where it must be; what a spreadsheet would run as a formula is made text.
fn field(text: &str) -> String {
    let text =
        if text.starts_with(['=', '+', '-', '@', '\t']) { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::super::series::Room;
    use super::*;

    fn series(points: &[(f64, f64)]) -> Series {
        let mut series = Series::new(256);
        points.iter().for_each(|(t, v)| {
            series.push(*t, *v, &mut Room::new(10_000));
        });
        series
    }

    fn every_second(range: std::ops::Range<u32>) -> Vec<(f64, f64)> {
        range.map(|n| (f64::from(n) * 1e3, f64::from(n))).collect()
    }

    #[test]
    fn the_nearest_sample_counts_and_a_gap_has_none() {
        let mut points = every_second(0..10);
        points.extend(every_second(30..40));
        let line = series(&points);
        let check = |at_ms: f64, value: Option<f64>| {
            assert_eq!(nearest(&line, at_ms).map(|(_, value)| value), value, "{at_ms}");
        };
        check(4_400.0, Some(4.0));
        check(4_600.0, Some(5.0));
        check(9_900.0, Some(9.0));
        check(20_000.0, None);
        check(29_000.0, Some(30.0));
        check(45_000.0, None);
        check(-5_000.0, None);
        assert_eq!(nearest(&series(&[]), 0.0), None);
        assert_eq!(nearest(&series(&[(5.0, 1.0)]), 6.0), Some((5.0, 1.0)));
    }

    #[test]
    fn the_keyboard_goes_from_sample_to_sample_over_gaps() {
        let mut points = every_second(0..10);
        points.extend(every_second(30..40));
        let (a, b) = (series(&points), series(&[(4_500.0, 0.0)]));
        let tracks = || [Track { name: "a", series: &a }, Track { name: "b", series: &b }].into_iter();
        let check = |at_ms: f64, is_forward: bool, expected: Option<f64>| {
            assert_eq!(step(tracks(), at_ms, 1.0, is_forward), expected, "{at_ms} {is_forward}");
        };
        check(4_000.0, true, Some(4_500.0));
        check(4_500.0, true, Some(5_000.0));
        check(4_500.0, false, Some(4_000.0));
        check(9_000.0, true, Some(30_000.0));
        check(30_000.0, false, Some(9_000.0));
        check(39_000.0, true, None);
        check(0.0, false, None);
    }

    #[test]
    fn a_table_has_round_moments_and_few_rows() {
        let (step_ms, times) = table_times(1_000_500.0, 1_060_500.0);
        assert_eq!((step_ms, times.len(), times[0]), (1_000.0, 60, 1_060_000.0));
        let (step_ms, times) = table_times(0.0, 3_600_000.0);
        assert!(times.len() <= TABLE_ROWS_MAX && step_ms == 120_000.0);
        assert!(times.windows(2).all(|pair| pair[0] - pair[1] == step_ms));
        assert!(table_times(0.0, 1e15).1.len() <= TABLE_ROWS_MAX);
        assert!(table_times(10.0, 5.0).1.is_empty());
    }

    #[test]
    fn csv_is_quoted_and_has_the_points_in_view() {
        let (a, b) = (series(&every_second(0..10)), series(&every_second(8..9)));
        let tracks = [Track { name: "a,\"b\"", series: &a }, Track { name: "=cmd()", series: &b }];
        let (text, n_cut) = csv("cpu", tracks.into_iter(), (7_000.0, 9_000.0), 60, |ms| ms.to_string());
        let expected = "time,agent,metric,value,step_seconds\r\n7000,\"a,\"\"b\"\"\",cpu,7,60\r\n8000,\"a,\"\"b\"\"\",cpu,8,60\r\n8000,'=cmd(),cpu,8,60\r\n";
        assert_eq!((text.as_str(), n_cut), (expected, 0));
    }
}
