//! Vertices of dense lines, kept from one full redraw to the next: a new colour, a gliding axis or a jump back to live
//! then reads no point again but those that are new.
//!
//! Only lines of many points per column are kept, for the others are read as quickly as they are kept.

use std::ops::Range;

use super::decimate::{decimate, open_column};
use super::scale::TimeScale;
use super::series::Series;

/// Lines that one chart keeps, so that its memory is bounded: some 40 KB each at a plot of 1,200 pixels.
const LINES_MAX: usize = 16;
/// Columns from which on keeping is worth its while, and points per column.
const COLUMNS_MIN: i64 = 64;
const PER_COLUMN_MIN: f64 = 12.0;
/// Vertices kept left of what is shown, for the joins: two columns' worth.
const LEAD_VERTICES: usize = 4;

/// What is kept of a chart's lines.
#[derive(Debug, Default)]
pub struct KeptColumns {
    lines: Vec<(u64, Kept)>,
}

impl KeptColumns {
    /// Gives `sink` what [`decimate`] gives, and perhaps a few vertices more left of `columns`.
    pub fn decimate(
        &mut self,
        id: u64,
        series: &Series,
        scale: &TimeScale,
        columns: Range<i64>,
        sink: impl FnMut(f64, f64),
    ) {
        if columns.end - columns.start < COLUMNS_MIN || !is_dense(series, scale) {
            decimate(series, scale, columns, sink);
            return;
        }
        let at = match self.lines.iter().position(|(known, _)| *known == id) {
            Some(at) => at,
            None if self.lines.len() < LINES_MAX => {
                self.lines.push((id, Kept::default()));
                self.lines.len() - 1
            }
            None => {
                decimate(series, scale, columns, sink);
                return;
            }
        };
        self.lines[at].1.decimate(series, scale, columns, sink);
    }

    /// Forgets every line that `is_shown` does not know.
    pub fn retain(&mut self, mut is_shown: impl FnMut(u64) -> bool) {
        self.lines.retain(|(id, _)| is_shown(*id));
    }
}

/// Whether a line has many points in each column.
#[must_use]
pub fn is_dense(series: &Series, scale: &TimeScale) -> bool {
    series.interval_ms().is_some_and(|interval_ms| PER_COLUMN_MIN * interval_ms < scale.ms_per_px())
}

/// The vertices of one line over whole columns that no new point can change.
#[derive(Debug, Default)]
struct Kept {
    scale: Option<TimeScale>,
    /// Rewrites and evictions of the series when it was read.
    n_changes: (u64, u64),
    columns: Range<i64>,
    vertices: Vec<(f64, f64)>,
}

impl Kept {
    fn decimate(
        &mut self,
        series: &Series,
        scale: &TimeScale,
        columns: Range<i64>,
        mut sink: impl FnMut(f64, f64),
    ) {
        let Some(open) = open_column(series, scale) else { return };
        let complete = open.clamp(columns.start, columns.end);
        if self.is_right(series, scale, &columns, complete) {
            let n_left = self.vertices.partition_point(|(x_px, _)| *x_px < columns.start as f64);
            self.vertices.drain(..n_left.saturating_sub(LEAD_VERTICES));
        } else {
            self.vertices.clear();
            self.columns = columns.start..columns.start;
        }
        let known_x_px = if self.vertices.is_empty() { f64::NEG_INFINITY } else { self.columns.end as f64 };
        let complete_x_px = complete as f64;
        if self.columns.end < complete || self.vertices.is_empty() {
            decimate(series, scale, self.columns.end..complete, |x_px, value| {
                if known_x_px <= x_px && x_px < complete_x_px {
                    self.vertices.push((x_px, value));
                }
            });
        }
        self.scale = Some(*scale);
        self.n_changes = (series.n_rewrites(), series.n_evicted());
        self.columns = columns.start..complete;
        self.vertices.iter().for_each(|(x_px, value)| sink(*x_px, *value));
        decimate(series, scale, complete..columns.end, |x_px, value| {
            if complete_x_px <= x_px {
                sink(x_px, value);
            }
        });
    }

    fn is_right(&self, series: &Series, scale: &TimeScale, columns: &Range<i64>, complete: i64) -> bool {
        let (n_rewrites, n_evicted) = self.n_changes;
        let oldest_ms = series.points().timestamp_ms(series.points().first());
        // What was overwritten counts only where it would be seen, or be the point that a line comes from.
        let is_cut = n_evicted != series.n_evicted() && columns.start - 2 <= scale.column_from_ms(oldest_ms);
        self.scale == Some(*scale)
            && n_rewrites == series.n_rewrites()
            && !is_cut
            && (self.columns.start..=self.columns.end).contains(&columns.start)
            && self.columns.end <= complete
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::series::Room;
    use super::*;

    const WIDTH: i64 = 100;

    proptest! {
        /// Points come, late ones change the past, the window moves both ways: always as if nothing had been kept.
        #[test]
        fn what_is_kept_is_what_would_be_read(
            points_max in 1_500usize..6_000,
            // Points are read one by one, or by blocks.
            window_ms in prop_oneof![Just(2_000.0), Just(9_000.0)],
            steps in prop::collection::vec((0usize..900, -30i64..60, 0u8..10, -1e3..1e3f64), 1..20),
        ) {
            let scale = TimeScale::new(window_ms, WIDTH as u32);
            let mut series = Series::new(points_max);
            let mut room = Room::new(1 << 20);
            let mut kept = KeptColumns::default();
            let (mut now_ms, mut behind) = (1e6, 0);
            for n in 0..2_500 {
                series.push(now_ms, f64::from(n % 97), &mut room);
                now_ms += 1.0;
            }
            for (n_points, moves, what, value) in steps {
                for n in 0..n_points {
                    let value = if what == 0 && n < 40 { f64::NAN } else { value * ((n * 7) % 13) as f64 };
                    series.push(now_ms, value, &mut room);
                    now_ms += 1.0;
                }
                if what == 1 { series.push(now_ms - 20.5, 5e3, &mut room); }
                behind = (behind + moves).max(0);
                let end = scale.column_from_ms(now_ms) + 1 - behind;
                let columns = end - WIDTH..end;
                let (mut got, mut naive) = (Vec::new(), Vec::new());
                kept.decimate(7, &series, &scale, columns.clone(), |x, v| got.push((x.to_bits(), v.to_bits())));
                decimate(&series, &scale, columns.clone(), |x, v| naive.push((x.to_bits(), v.to_bits())));
                let inside = |line: &[(u64, u64)]| -> Vec<(u64, u64)> {
                    let start = columns.start as f64;
                    line.iter().copied().filter(|(x, _)| start <= f64::from_bits(*x)).collect()
                };
                prop_assert_eq!(inside(&got), inside(&naive));
                // The join at the left edge is drawn alike; more than is still held may be kept there.
                let lead = |line: &[(u64, u64)]| line.len() - inside(line).len();
                let (a, b) = (lead(&got), lead(&naive));
                let n_joined = b.min(2);
                prop_assert!(n_joined <= a);
                prop_assert_eq!(&got[a - n_joined..a], &naive[b - n_joined..b]);
            }
        }
    }

    #[test]
    fn memory_is_bounded() {
        let mut series = Series::new(4_000);
        for n in 0..3_000 {
            series.push(f64::from(n), 1.0, &mut Room::new(1 << 20));
        }
        let scale = TimeScale::new(2_000.0, 100);
        let mut kept = KeptColumns::default();
        for id in 0..40 {
            kept.decimate(id, &series, &scale, 0..100, |_, _| {});
        }
        assert_eq!(kept.lines.len(), LINES_MAX);
        kept.retain(|id| id < 3);
        assert_eq!(kept.lines.len(), 3);
    }
}
