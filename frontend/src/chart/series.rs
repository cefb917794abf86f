//! One line of a chart: points in the order of time, with their extremes, and what became of every point offered.
//!
//! Decides about gaps, late points, equal timestamps and clocks that jump backward. Knows no agent and no metric.

use super::pyramid::{Extremes, Pyramid};
use super::ring::Ring;

/// Points are missing when the time between two is more than this many usual intervals.
pub const GAP_INTERVALS: f64 = 3.0;

/// A point may be older than at most this many newer ones; beyond that it is counted as late and dropped. Enough for
/// the reordering of a busy agent's messages, and small enough that moving the newer ones up costs nothing.
pub const LATE_POINTS_MAX: u64 = 64;

/// After this many late points in a row, each newer than the one before, the agent's clock was set back.
const LATE_RUN_MAX: u32 = 5;

/// The usual interval is the median of this many.
const N_INTERVALS: usize = 9;

/// Points that all series together may still make room for: the bound on the memory of many.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    n_points: usize,
}

impl Room {
    /// Room for `n_points` points.
    #[must_use]
    pub fn new(n_points: usize) -> Self {
        Self { n_points }
    }

    /// Takes room for `n_points` points if there is that much.
    pub fn take(&mut self, n_points: usize) -> bool {
        let is_enough = n_points <= self.n_points;
        if is_enough {
            self.n_points -= n_points;
        }
        is_enough
    }

    /// Gives back what a series took that is no more.
    pub fn give_back(&mut self, series: &Series) {
        self.n_points += series.ring.capacity();
    }
}

/// What became of a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// It is the newest now.
    Appended,
    /// It was a little late and stands in its place.
    Inserted,
    /// It has the timestamp of another point and replaced it.
    Replaced,
    /// It was too late and is not held.
    Late,
    /// The agent's clock was set back: the points after it were forgotten, and it is the newest now.
    Rewound,
}

/// Points of one metric of one agent.
#[derive(Clone, Debug)]
pub struct Series {
    ring: Ring,
    pyramid: Pyramid,
    intervals_ms: [f64; N_INTERVALS],
    n_intervals: usize,
    interval_ms: Option<f64>,
    late_run: u32,
    late_last_ms: f64,
    n_rewrites: u64,
    n_evicted: u64,
}

impl Series {
    /// An empty series of at most `points_max` points.
    #[must_use]
    pub fn new(points_max: usize) -> Self {
        Self {
            ring: Ring::new(points_max),
            pyramid: Pyramid::default(),
            intervals_ms: [0.0; N_INTERVALS],
            n_intervals: 0,
            interval_ms: None,
            late_run: 0,
            late_last_ms: f64::NEG_INFINITY,
            n_rewrites: 0,
            n_evicted: 0,
        }
    }

    /// Its points; a NaN value is a gap.
    #[must_use]
    pub fn points(&self) -> &Ring {
        &self.ring
    }

    /// What is known of its points by blocks.
    #[must_use]
    pub fn pyramid(&self) -> &Pyramid {
        &self.pyramid
    }

    /// Usual milliseconds between points; none before there are three.
    #[must_use]
    pub fn interval_ms(&self) -> Option<f64> {
        self.interval_ms
    }

    /// How often points other than the newest were changed: what was drawn of them is wrong since.
    #[must_use]
    pub fn n_rewrites(&self) -> u64 {
        self.n_rewrites
    }

    /// How many points were overwritten for want of room.
    #[must_use]
    pub fn n_evicted(&self) -> u64 {
        self.n_evicted
    }

    /// The newest point, time and value.
    #[must_use]
    pub fn last(&self) -> Option<(f64, f64)> {
        self.ring.last()
    }

    /// Extremes of the points `from..to`, by their numbers.
    #[must_use]
    pub fn extremes(&self, from: u64, to: u64) -> Extremes {
        self.pyramid.extremes(&self.ring, from, to)
    }

    /// Numbers of the points from `from_ms` on and before `to_ms`.
    #[must_use]
    pub fn range(&self, from_ms: f64, to_ms: f64) -> std::ops::Range<u64> {
        let ring = &self.ring;
        let from = ring.partition_point(ring.first(), ring.end(), |t| t < from_ms);
        from..ring.partition_point(from, ring.end(), |t| t < to_ms)
    }

    /// Takes a point in; a value that is not finite is a gap. A timestamp that is not finite is late. Where `room` is
    /// used up, the oldest point makes way.
    pub fn push(&mut self, timestamp_ms: f64, value: f64, room: &mut Room) -> Pushed {
        if !timestamp_ms.is_finite() {
            return Pushed::Late;
        }
        self.make_room(room);
        let value = if value.is_finite() { value } else { f64::NAN };
        let Some((last_ms, _)) = self.ring.last() else {
            self.append(timestamp_ms, value);
            return Pushed::Appended;
        };
        if last_ms < timestamp_ms {
            self.late_run = 0;
            if self
                .interval_ms
                .is_some_and(|interval_ms| GAP_INTERVALS * interval_ms < timestamp_ms - last_ms)
            {
                self.append((last_ms + timestamp_ms) / 2.0, f64::NAN);
                self.make_room(room);
            }
            self.note_interval(timestamp_ms - last_ms);
            self.append(timestamp_ms, value);
            return Pushed::Appended;
        }
        self.push_late(timestamp_ms, value)
    }

    /// Puts older points under those that are held, and forgets none of either while there is room.
    ///
    /// `points` must ascend in time; where both have a point for one moment, the one held stays. `interval_ms` is the
    /// agent's usual time between points when that is known already.
    pub fn load(
        &mut self,
        points: impl Iterator<Item = (f64, f64)>,
        interval_ms: Option<f64>,
        room: &mut Room,
    ) {
        // Gaps are found anew, for the older points may fill them.
        let held: Vec<(f64, f64)> = (self.ring.first()..self.ring.end())
            .map(|i| (self.ring.timestamp_ms(i), self.ring.value(i)))
            .filter(|(_, value)| !value.is_nan())
            .collect();
        let anew = Self { n_rewrites: self.n_rewrites + 1, n_evicted: self.n_evicted, ..Self::new(1) };
        let ring = std::mem::replace(self, anew).ring;
        (self.ring, self.interval_ms) = (ring.cleared(), interval_ms);
        let mut held = held.into_iter().peekable();
        for (timestamp_ms, value) in points {
            while let Some((held_ms, held_value)) = held.next_if(|(held_ms, _)| *held_ms <= timestamp_ms) {
                self.push_ascending(held_ms, held_value, room);
            }
            self.push_ascending(timestamp_ms, value, room);
        }
        held.for_each(|(held_ms, held_value)| self.push_ascending(held_ms, held_value, room));
    }

    fn push_ascending(&mut self, timestamp_ms: f64, value: f64, room: &mut Room) {
        if self.ring.last().is_none_or(|(last_ms, _)| last_ms < timestamp_ms) {
            self.push(timestamp_ms, value, room);
        }
    }

    fn make_room(&mut self, room: &mut Room) {
        let growth = self.ring.growth();
        if 0 < growth && room.take(growth) {
            self.ring.grow();
        }
    }

    fn append(&mut self, timestamp_ms: f64, value: f64) {
        if self.ring.push(timestamp_ms, value) {
            self.n_evicted += 1;
        }
        self.pyramid.push(&self.ring);
    }

    fn push_late(&mut self, timestamp_ms: f64, value: f64) -> Pushed {
        let end = self.ring.end();
        let oldest = end.saturating_sub(LATE_POINTS_MAX).max(self.ring.first());
        let index = self.ring.partition_point(oldest, end, |t| t < timestamp_ms);
        if index < end && self.ring.timestamp_ms(index) == timestamp_ms {
            self.late_run = 0;
            self.ring.set(index, timestamp_ms, value);
            self.rewrite_from(index);
            return Pushed::Replaced;
        }
        // Before the oldest one of all is in order only while none was overwritten there.
        if oldest < index || (index == 0 && !self.ring.is_full()) {
            self.late_run = 0;
            let (last_ms, last) = (self.ring.timestamp_ms(end - 1), self.ring.value(end - 1));
            self.append(last_ms, last);
            for i in (index + 1..end).rev() {
                self.ring.set(i, self.ring.timestamp_ms(i - 1), self.ring.value(i - 1));
            }
            self.ring.set(index, timestamp_ms, value);
            self.rewrite_from(index);
            return Pushed::Inserted;
        }
        self.late_run =
            if self.late_last_ms < timestamp_ms || self.late_run == 0 { self.late_run + 1 } else { 1 };
        self.late_last_ms = timestamp_ms;
        if self.late_run < LATE_RUN_MAX {
            return Pushed::Late;
        }
        self.late_run = 0;
        let index = self.ring.partition_point(self.ring.first(), end, |t| t < timestamp_ms);
        self.ring.truncate(index);
        self.rewrite_from(index);
        self.append(timestamp_ms, value);
        Pushed::Rewound
    }

    fn rewrite_from(&mut self, index: u64) {
        self.pyramid.rebuild_from(&self.ring, index);
        self.n_rewrites += 1;
    }

    fn note_interval(&mut self, interval_ms: f64) {
        let old_ms = std::mem::replace(&mut self.intervals_ms[self.n_intervals % N_INTERVALS], interval_ms);
        self.n_intervals += 1;
        let n = self.n_intervals.min(N_INTERVALS);
        // One that goes and one that comes on the same side of the median leave it where it is.
        if N_INTERVALS < self.n_intervals
            && let Some(median_ms) = self.interval_ms
            && old_ms.total_cmp(&median_ms) == interval_ms.total_cmp(&median_ms)
        {
            return;
        }
        if 2 <= n {
            let mut sorted = self.intervals_ms;
            sorted[..n].sort_unstable_by(f64::total_cmp);
            self.interval_ms = Some(sorted[(n - 1) / 2]);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn filled(times: impl IntoIterator<Item = u32>) -> Series {
        let mut series = Series::new(256);
        for t in times {
            push(&mut series, f64::from(t), f64::from(t));
        }
        series
    }

    fn push(series: &mut Series, t: f64, value: f64) -> Pushed {
        series.push(t, value, &mut Room::new(1 << 20))
    }

    fn times(series: &Series) -> Vec<f64> {
        let ring = series.points();
        (ring.first()..ring.end())
            .filter(|i| !ring.value(*i).is_nan())
            .map(|i| ring.timestamp_ms(i))
            .collect()
    }

    fn n_gaps(series: &Series) -> usize {
        let ring = series.points();
        (ring.first()..ring.end()).filter(|i| ring.value(*i).is_nan()).count()
    }

    #[test]
    fn a_point_a_little_late_gets_its_place() {
        let mut series = filled([10, 20, 40, 50]);
        assert_eq!(push(&mut series, 30.0, 3.0), Pushed::Inserted);
        assert_eq!(times(&series), [10.0, 20.0, 30.0, 40.0, 50.0]);
        assert_eq!(push(&mut series, 5.0, 3.0), Pushed::Inserted);
        assert_eq!(times(&series)[0], 5.0);
        assert_eq!(series.n_rewrites(), 2);
    }

    #[test]
    fn an_equal_timestamp_replaces() {
        let mut series = filled([10, 20, 30]);
        assert_eq!(push(&mut series, 20.0, 7.0), Pushed::Replaced);
        assert_eq!((series.points().len(), series.points().value(1)), (3, 7.0));
        assert_eq!(series.extremes(0, 3), Extremes { min: 7.0, max: 30.0 });
    }

    #[test]
    fn a_point_far_too_late_is_dropped() {
        let mut series = filled((0..200).map(|n| 1_000 + n));
        assert_eq!(push(&mut series, 1.0, 0.0), Pushed::Late);
        assert_eq!(series.points().len(), 200);
    }

    #[test]
    fn a_clock_set_back_begins_anew_from_there() {
        let mut series = filled((0..200).map(|n| 1_000 + n));
        let outcomes: Vec<_> = (0..5).map(|n| push(&mut series, 1_050.5 + f64::from(n), -1.0)).collect();
        assert_eq!(outcomes[..4], [Pushed::Late; 4]);
        assert_eq!(outcomes[4], Pushed::Rewound);
        assert_eq!(series.last(), Some((1_054.5, -1.0)));
        assert_eq!(series.extremes(0, series.points().end()), Extremes { min: -1.0, max: 1_054.0 });
        assert_eq!(push(&mut series, 1_055.5, 2.0), Pushed::Appended);
    }

    #[test]
    fn missing_points_leave_a_gap_and_jitter_does_not() {
        check(&[0, 10, 20, 30, 59], 0);
        check(&[0, 10, 20, 30, 61], 1);
        check(&[0, 10, 20, 30, 61, 71, 200, 210], 2);
        check(&[0, 500], 0);
        fn check(at: &[u32], n: usize) {
            assert_eq!(n_gaps(&filled(at.iter().copied())), n, "{at:?}");
        }
    }

    #[test]
    fn what_is_no_number_is_a_gap() {
        let mut series = filled([0]);
        assert_eq!(push(&mut series, 10.0, f64::INFINITY), Pushed::Appended);
        assert_eq!(push(&mut series, f64::NAN, 1.0), Pushed::Late);
        assert_eq!(n_gaps(&series), 1);
    }

    #[test]
    fn without_room_the_oldest_points_make_way() {
        let mut room = Room::new(100);
        let mut series = Series::new(1_000);
        (0..200).for_each(|n| {
            series.push(f64::from(n), 1.0, &mut room);
        });
        assert_eq!((series.points().len(), series.n_evicted()), (64, 136));
        room.give_back(&series);
        assert!(room.take(100) && !room.take(1));
    }

    #[test]
    fn history_fills_a_gap() {
        let mut series = filled([0, 10, 20, 100, 110]);
        assert_eq!(n_gaps(&series), 1);
        series.load((0..9).map(|n| (f64::from(n) * 10.0, 1.0)), None, &mut Room::new(0));
        assert_eq!((n_gaps(&series), times(&series).len()), (0, 11));
    }

    #[test]
    fn history_goes_under_what_is_held() {
        let mut series = filled([40, 50, 60]);
        series.load(
            [(20.0, 1.0), (30.0, 1.0), (40.0, 1.0), (55.0, 1.0)].into_iter(),
            Some(10.0),
            &mut Room::new(0),
        );
        assert_eq!(times(&series), [20.0, 30.0, 40.0, 50.0, 55.0, 60.0]);
        assert_eq!(series.points().value(2), 40.0);
    }

    proptest! {
        #[test]
        fn points_are_in_the_order_of_time_whatever_comes(
            points_max in 1usize..200, at in prop::collection::vec(0u32..400, 1..400)
        ) {
            let mut series = Series::new(points_max);
            for t in at {
                push(&mut series, f64::from(t), f64::from(t));
                let ring = series.points();
                prop_assert!(ring.len() <= points_max);
                prop_assert!((ring.first() + 1..ring.end()).all(|i| ring.timestamp_ms(i - 1) < ring.timestamp_ms(i)));
                let mut naive = Extremes::NONE;
                (ring.first()..ring.end()).for_each(|i| naive.merge(ring.value(i)));
                prop_assert_eq!(series.extremes(ring.first(), ring.end()), naive);
            }
        }
    }
}
