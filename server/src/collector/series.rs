//! One agent's readings in columns, oldest first: what charts begin with, and what Prometheus is told.
//!
//! Bounded from outside: the table of agents drops rows, this only says how much they weigh.

use std::collections::VecDeque;
use std::ops::RangeInclusive;

use signalbox_shared::sample::is_chartable;

use super::points::{Cell, Points};

/// Bytes of one value in a column.
const VALUE_BYTES: u64 = 8;
/// A row's own columns beside its metrics: its time and its seq.
const ROW_COLUMNS: u64 = 2;

/// Columns of equal length. A value that a row lacks is not a number, which no sample holds.
#[derive(Debug, Default)]
pub struct Series {
    timestamps_ms: VecDeque<i64>,
    seqs: VecDeque<u64>,
    columns: Vec<Column>,
}

#[derive(Debug)]
struct Column {
    metric: Box<str>,
    values: VecDeque<f64>,
    /// How many of them are there; a column without any is dropped.
    n_present: usize,
}

impl Series {
    /// Adds one row. Metrics over `columns_max`, and those whose name no chart can show, are left out; gives how many
    /// those were.
    pub fn push<'a>(
        &mut self,
        seq: u64,
        timestamp_ms: i64,
        metrics: impl Iterator<Item = (&'a str, f64)>,
        columns_max: usize,
    ) -> u64 {
        let n_before = self.seqs.len();
        let mut n_left_out = 0;
        for (place, (metric, value)) in metrics.enumerate() {
            // An agent sends the same fields in the same order each time: the guess is nearly always right.
            let is_guess = self.columns.get(place).is_some_and(|column| *column.metric == *metric);
            let found =
                if is_guess { Some(place) } else { self.columns.iter().position(|c| *c.metric == *metric) };
            match found {
                Some(index) => self.columns[index].put(n_before, value),
                None if self.columns.len() < columns_max && is_chartable(metric) => {
                    let values = std::iter::repeat_n(f64::NAN, n_before).chain([value]).collect();
                    self.columns.push(Column { metric: metric.into(), values, n_present: 1 });
                }
                None => n_left_out += 1,
            }
        }
        self.timestamps_ms.push_back(timestamp_ms);
        self.seqs.push_back(seq);
        for column in &mut self.columns {
            if column.values.len() == n_before {
                column.values.push_back(f64::NAN);
            }
        }
        n_left_out
    }

    /// Drops the oldest row, and every column that has no value left.
    pub fn pop(&mut self) {
        self.timestamps_ms.pop_front();
        self.seqs.pop_front();
        self.columns.retain_mut(|column| {
            if column.values.pop_front().is_some_and(|value| !value.is_nan()) {
                column.n_present -= 1;
            }
            0 < column.n_present
        });
    }

    /// Rows held.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        self.seqs.len()
    }

    /// What the rows weigh, in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.seqs.len() as u64 * (ROW_COLUMNS + self.columns.len() as u64) * VALUE_BYTES
    }

    /// Names of the metrics that have a column.
    pub fn metrics(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| &*column.metric)
    }

    /// The newest row: its time and the metrics it has.
    #[must_use]
    pub fn latest(&self) -> Option<(i64, Vec<(String, f64)>)> {
        let timestamp_ms = *self.timestamps_ms.back()?;
        let value = |column: &Column| Some((column.metric.to_string(), column.values.back().copied()?));
        let metrics = self.columns.iter().filter_map(value).filter(|(_, value)| !value.is_nan()).collect();
        Some((timestamp_ms, metrics))
    }

    /// A copy of the rows whose time is in `times_ms` and whose seq is `until_seq` or lower, in order of time.
    #[must_use]
    pub fn points(&self, times_ms: RangeInclusive<i64>, until_seq: u64) -> Points {
        let n_rows = self.seqs.partition_point(|&seq| seq <= until_seq);
        let mut rows: Vec<usize> =
            (0..n_rows).filter(|&row| times_ms.contains(&self.timestamps_ms[row])).collect();
        // An agent's own clock may have been set back; a stable sort keeps the order in which equal times arrived.
        if !rows.is_sorted_by_key(|&row| self.timestamps_ms[row]) {
            rows.sort_by_key(|&row| self.timestamps_ms[row]);
        }
        let columns = self.columns.iter().map(|column| {
            let cells = rows.iter().map(|&row| Cell::one(column.values[row])).collect();
            (column.metric.to_string(), cells)
        });
        Points {
            columns: columns.collect(),
            timestamps_ms: rows.iter().map(|&row| self.timestamps_ms[row]).collect(),
        }
    }
}

impl Column {
    /// Sets this row's value; of a repeated metric the last one counts.
    fn put(&mut self, row: usize, value: f64) {
        if row < self.values.len() {
            self.values[row] = value;
        } else {
            self.values.push_back(value);
            self.n_present += 1;
        }
    }
}

impl Series {
    /// Times of the rows whose seq is higher than `seq`, in the order in which they came.
    pub fn times_after(&self, seq: u64) -> impl Iterator<Item = i64> {
        let from = self.seqs.partition_point(|&known| known <= seq);
        self.timestamps_ms.range(from..).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(series: &mut Series, seq: u64, timestamp_ms: i64, metrics: &[(&str, f64)]) -> u64 {
        series.push(seq, timestamp_ms, metrics.iter().copied(), 3)
    }

    /// Columns with the missing values as `None`, for comparing.
    fn columns(window: &Points) -> Vec<(&str, Vec<Option<f64>>)> {
        let present = |cell: &Cell| (0 < cell.count).then_some(cell.mean);
        window
            .columns
            .iter()
            .map(|(metric, values)| (metric.as_str(), values.iter().map(present).collect()))
            .collect()
    }

    #[test]
    fn columns_stay_as_long_as_the_rows_whatever_comes() {
        let mut series = Series::default();
        assert_eq!(row(&mut series, 1, 10, &[("cpu", 1.0), ("mem", 2.0)]), 0);
        assert_eq!(row(&mut series, 2, 20, &[("mem", 3.0), ("fds", 4.0)]), 0);
        assert_eq!(row(&mut series, 3, 30, &[("cpu", 5.0), ("mem", 6.0), ("x", 7.0), ("y", 8.0)]), 2);
        let window = series.points(i64::MIN..=i64::MAX, u64::MAX);
        assert_eq!(window.timestamps_ms, [10, 20, 30]);
        assert_eq!(
            columns(&window),
            [
                ("cpu", vec![Some(1.0), None, Some(5.0)]),
                ("mem", vec![Some(2.0), Some(3.0), Some(6.0)]),
                ("fds", vec![None, Some(4.0), None]),
            ]
        );
        assert_eq!(series.bytes(), 3 * 5 * 8);
    }

    #[test]
    fn a_column_without_values_makes_room_for_another() {
        let mut series = Series::default();
        row(&mut series, 1, 10, &[("cpu", 1.0), ("old", 2.0), ("mem", 3.0)]);
        row(&mut series, 2, 20, &[("cpu", 4.0), ("mem", 5.0)]);
        series.pop();
        assert_eq!(series.metrics().collect::<Vec<_>>(), ["cpu", "mem"]);
        assert_eq!(row(&mut series, 3, 30, &[("cpu", 6.0), ("mem", 7.0), ("new", 8.0)]), 0);
        assert_eq!(series.latest().unwrap().1.len(), 3);
        series.pop();
        series.pop();
        assert_eq!((series.n_rows(), series.bytes(), series.latest()), (0, 0, None));
    }

    #[test]
    fn a_window_is_cut_by_time_and_seq_and_is_in_order_of_time() {
        let mut series = Series::default();
        for (seq, timestamp_ms) in [(1, 10), (2, 40), (3, 20), (4, 40), (5, 50)] {
            row(&mut series, seq, timestamp_ms, &[("cpu", seq as f64)]);
        }
        let window = series.points(20..=50, 4);
        assert_eq!(window.timestamps_ms, [20, 40, 40]);
        assert_eq!(columns(&window), [("cpu", vec![Some(3.0), Some(2.0), Some(4.0)])]);
        assert_eq!(
            series.points(60..=i64::MAX, 9),
            Points { timestamps_ms: vec![], columns: vec![("cpu".into(), vec![])] }
        );
    }
}
