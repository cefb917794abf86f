//! Moments worth a line in every chart: deploys, restarts, alerts.

use std::collections::VecDeque;

use signalbox_shared::feed::{Mark, MetricsMarks};

/// Marks kept at most, the newest ones; older ones are counted in [`Marks::n_dropped`]. More than a chart has room for.
pub const MARKS_MAX: usize = 1_000;

/// Marks that stand so near to each other that they share a pin.
#[derive(Clone, Debug, PartialEq)]
pub struct Pin {
    /// When the first of them was, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// The moment and words of each, at most [`PIN_TEXTS_MAX`] of them.
    pub marks: Vec<Mark>,
    /// How many there are in all.
    pub n_marks: usize,
}

/// Texts that one pin shows.
pub const PIN_TEXTS_MAX: usize = 5;

/// Every mark, in the order of their moments.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Marks {
    marks: VecDeque<Mark>,
    /// Marks that made way for newer ones.
    pub n_dropped: u64,
}

impl Marks {
    /// Takes the newest marks as the relay tells them.
    pub fn apply_all(&mut self, told: MetricsMarks) {
        told.marks.into_iter().for_each(|mark| self.apply(mark));
    }

    /// Takes a mark; one that is there already is not there twice.
    pub fn apply(&mut self, mark: Mark) {
        let at = self.marks.partition_point(|held| held.at_ms <= mark.at_ms);
        let same = self.marks.range(..at).rev().take_while(|held| held.at_ms == mark.at_ms);
        if same.into_iter().any(|held| *held == mark) {
            return;
        }
        self.marks.insert(at, mark);
        if MARKS_MAX < self.marks.len() {
            self.marks.pop_front();
            self.n_dropped += 1;
        }
    }

    /// The moment of the first mark later than `at_ms`, or of the last one earlier.
    #[must_use]
    pub fn step(&self, at_ms: i64, is_forward: bool) -> Option<i64> {
        let later = self.marks.partition_point(|mark| mark.at_ms <= at_ms);
        let earlier = self.marks.partition_point(|mark| mark.at_ms < at_ms);
        let next = if is_forward { Some(later) } else { earlier.checked_sub(1) };
        next.and_then(|next| self.marks.get(next)).map(|mark| mark.at_ms)
    }

    /// The marks from one moment to another, by pins that are at least `apart_ms` apart.
    #[must_use]
    pub fn pins(&self, from_ms: f64, to_ms: f64, apart_ms: f64) -> Vec<Pin> {
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of this age are far below 2^53")]
        let at = |mark: &Mark| mark.at_ms as f64;
        let first = self.marks.partition_point(|mark| at(mark) < from_ms);
        let mut pins: Vec<Pin> = Vec::new();
        for mark in self.marks.range(first..).take_while(|mark| at(mark) <= to_ms) {
            #[expect(clippy::cast_precision_loss, reason = "a distance in view")]
            let near = pins.last_mut().filter(|pin| ((mark.at_ms - pin.at_ms) as f64) < apart_ms);
            if let Some(pin) = near {
                pin.n_marks += 1;
                if pin.marks.len() < PIN_TEXTS_MAX {
                    pin.marks.push(mark.clone());
                }
            } else {
                pins.push(Pin { at_ms: mark.at_ms, marks: vec![mark.clone()], n_marks: 1 });
            }
        }
        pins
    }
}

#[cfg(test)]
mod tests {
    use signalbox_shared::feed::MarkKind;

    use super::*;

    fn mark(at_ms: i64, text: &str) -> Mark {
        Mark { text: text.into(), at_ms, kind: MarkKind::Mark, color: None }
    }

    fn texts(marks: &Marks, apart_ms: f64) -> Vec<Vec<String>> {
        let pins = marks.pins(0.0, 1e6, apart_ms);
        pins.iter().map(|pin| pin.marks.iter().map(|mark| mark.text.clone()).collect()).collect()
    }

    #[test]
    fn marks_stand_in_the_order_of_their_moments_each_once() {
        let mut marks = Marks::default();
        for (at_ms, text) in [(30, "c"), (10, "a"), (30, "d"), (20, "b"), (30, "c")] {
            marks.apply(mark(at_ms, text));
        }
        assert_eq!(texts(&marks, 0.0), [["a"], ["b"], ["c"], ["d"]]);
        assert_eq!(texts(&marks, 11.0), [vec!["a", "b"], vec!["c", "d"]]);
        assert_eq!(marks.pins(15.0, 25.0, 1.0).len(), 1);
    }

    #[test]
    fn one_goes_from_mark_to_mark() {
        let mut marks = Marks::default();
        assert_eq!((marks.step(5, true), marks.step(5, false)), (None, None));
        [10, 20, 20, 30].into_iter().for_each(|at_ms| marks.apply(mark(at_ms, &at_ms.to_string())));
        let check = |at_ms, earlier, later| {
            assert_eq!((marks.step(at_ms, false), marks.step(at_ms, true)), (earlier, later), "{at_ms}");
        };
        check(5, None, Some(10));
        check(10, None, Some(20));
        check(20, Some(10), Some(30));
        check(25, Some(20), Some(30));
        check(99, Some(30), None);
    }

    #[test]
    fn old_ones_make_way_and_are_counted() {
        let mut marks = Marks::default();
        (0..MARKS_MAX as i64 + 2).for_each(|at_ms| marks.apply(mark(at_ms, "x")));
        let pins = marks.pins(0.0, 1e6, 1e9);
        assert_eq!((marks.n_dropped, pins[0].n_marks, pins[0].marks.len()), (2, MARKS_MAX, PIN_TEXTS_MAX));
        assert_eq!(pins[0].at_ms, 2);
    }
}
