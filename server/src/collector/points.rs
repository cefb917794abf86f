//! What one point of a chart stands for: a value, or the minimum, maximum, mean and count of several. Pure arithmetic.

use std::ops::Range;

/// The readings of one metric that one point stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    /// The lowest; not a number when there is none.
    pub min: f64,
    /// The highest; not a number when there is none.
    pub max: f64,
    /// Their mean; not a number when there is none.
    pub mean: f64,
    /// How many.
    pub count: u32,
}

impl Cell {
    /// No reading.
    pub const NONE: Self = Self { min: f64::NAN, max: f64::NAN, mean: f64::NAN, count: 0 };

    /// One reading; none when it is not a number.
    #[must_use]
    pub fn one(value: f64) -> Self {
        if value.is_nan() { Self::NONE } else { Self { min: value, max: value, mean: value, count: 1 } }
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self.count, other.count) {
            (_, 0) => self,
            (0, _) => other,
            (n, n_other) => {
                let count = n.saturating_add(n_other);
                let share = f64::from(n_other) / (f64::from(n) + f64::from(n_other));
                // Each part by its share: no sum is ever larger than the values are.
                let mean = self.mean * (1.0 - share) + other.mean * share;
                Self { min: self.min.min(other.min), max: self.max.max(other.max), mean, count }
            }
        }
    }
}

/// A copy of a part of one agent's history, to be answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Points {
    /// Each point's time, in milliseconds since the Unix epoch, ascending.
    pub timestamps_ms: Vec<i64>,
    /// Metrics and their readings, as long as the times.
    pub columns: Vec<(String, Vec<Cell>)>,
}

impl Points {
    /// Puts `part` in the place of the points whose times are in `times_ms`, all of which its own are too.
    pub fn replace(&mut self, times_ms: Range<i64>, part: &Self) {
        let from = self.timestamps_ms.partition_point(|&at_ms| at_ms < times_ms.start);
        let until = self.timestamps_ms.partition_point(|&at_ms| at_ms < times_ms.end);
        if from == until {
            // Outside of what is told.
            return;
        }
        self.timestamps_ms.splice(from..until, part.timestamps_ms.iter().copied());
        for (metric, cells) in &mut self.columns {
            let found = part.columns.iter().find(|(name, _)| name == metric);
            let none = || vec![Cell::NONE; part.timestamps_ms.len()];
            cells.splice(from..until, found.map_or_else(none, |(_, cells)| cells.clone()));
        }
    }

    /// One point per step of `step_ms`, steps counted from the Unix epoch, each at the time of the last one in it.
    #[must_use]
    pub fn stepped(&self, step_ms: i64) -> Self {
        let times = &self.timestamps_ms;
        let mut ends: Vec<usize> = Vec::new();
        for (row, time_ms) in times.iter().enumerate() {
            let is_last =
                times.get(row + 1).is_none_or(|next| next.div_euclid(step_ms) != time_ms.div_euclid(step_ms));
            if is_last {
                ends.push(row + 1);
            }
        }
        let columns = self.columns.iter().map(|(metric, cells)| {
            let mut start = 0;
            let group = |&end: &usize| {
                let cells = cells[start..end].iter().copied();
                start = end;
                cells.fold(Cell::NONE, Cell::and)
            };
            (metric.clone(), ends.iter().map(group).collect())
        });
        Self { columns: columns.collect(), timestamps_ms: ends.iter().map(|&end| times[end - 1]).collect() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_point_is_everything_in_its_step_at_the_time_of_the_last() {
        let cells = |values: &[f64]| values.iter().copied().map(Cell::one).collect();
        let points = Points {
            timestamps_ms: vec![-1, 0, 999, 1_000, 3_500],
            columns: vec![
                ("cpu".into(), cells(&[9.0, 1.0, 3.0, 5.0, f64::NAN])),
                ("mem".into(), cells(&[f64::NAN, f64::NAN, 4.0, 6.0, 8.0])),
            ],
        };
        let stepped = points.stepped(1_000);
        assert_eq!(stepped.timestamps_ms, [-1, 999, 1_000, 3_500]);
        let column = |index: usize| -> Vec<(u32, f64, f64, f64)> {
            stepped.columns[index].1.iter().map(|cell| (cell.count, cell.min, cell.mean, cell.max)).collect()
        };
        assert_eq!(column(0)[..3], [(1, 9.0, 9.0, 9.0), (2, 1.0, 2.0, 3.0), (1, 5.0, 5.0, 5.0)]);
        assert_eq!(column(0)[3].0, 0);
        assert_eq!(column(1)[0].0, 0);
        assert_eq!(column(1)[1..], [(1, 4.0, 4.0, 4.0), (1, 6.0, 6.0, 6.0), (1, 8.0, 8.0, 8.0)]);
    }

    #[test]
    fn the_largest_numbers_have_a_mean() {
        let both = Cell::one(f64::MAX).and(Cell::one(f64::MAX));
        assert_eq!((both.mean, both.count), (f64::MAX, 2));
        assert_eq!(Cell::one(f64::MAX).and(Cell::one(-f64::MAX)).mean, 0.0);
    }

    proptest! {
        /// However readings are grouped on the way, the whole is the same.
        #[test]
        fn grouping_does_not_matter(values in proptest::collection::vec(-1e6_f64..1e6, 1..50), split in 0_usize..50) {
            let split = split.min(values.len());
            let fold = |values: &[f64]| values.iter().copied().map(Cell::one).fold(Cell::NONE, Cell::and);
            let whole = fold(&values[..split]).and(fold(&values[split..]));
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            prop_assert_eq!(whole.count as usize, values.len());
            prop_assert_eq!(whole.min, values.iter().copied().fold(f64::INFINITY, f64::min));
            prop_assert_eq!(whole.max, values.iter().copied().fold(f64::NEG_INFINITY, f64::max));
            prop_assert!((whole.mean - mean).abs() < 1e-6, "{} {mean}", whole.mean);
        }
    }
}
