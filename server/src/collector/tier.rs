//! One agent's readings in buckets of ten or sixty seconds: what remains when the samples themselves have gone.
//!
//! Buckets begin at multiples of their length since 1970 by the agent's own clock; a late reading finds its bucket. Per
//! bucket 10 bytes, and per metric in it 28: at 24 hours of 10 s and 7 days of 60 s, 526 KB per agent and metric.

use std::collections::VecDeque;

use signalbox_shared::sample::is_chartable;

use super::points::{Cell, Points};

/// Bytes of one bucket beside its metrics: its number, and the place of its last reading.
const ROW_BYTES: u64 = 10;
/// Bytes of one metric in one bucket.
const CELL_BYTES: u64 = 28;
/// Columns grow by this fraction of what they hold, so that a week's column is never half empty.
const GROWTH_FRACTION: usize = 8;
/// The smallest growth, in buckets.
const GROWTH_MIN: usize = 16;

/// Buckets of one length, oldest first.
#[derive(Debug)]
pub struct Tier {
    step_ms: i64,
    n_max: usize,
    numbers: VecDeque<i64>,
    /// Where in its bucket the last reading stands, in milliseconds: a bucket is at most a minute.
    last_ms: VecDeque<u16>,
    columns: Vec<Column>,
    /// Number of the newest bucket that has been saved.
    saved: Option<i64>,
}

#[derive(Debug)]
struct Column {
    metric: Box<str>,
    /// Minimum, maximum and mean.
    values: VecDeque<[f64; 3]>,
    counts: VecDeque<u32>,
    n_present: usize,
}

/// One bucket as it is saved.
#[derive(Clone, Debug, PartialEq)]
pub struct Bucket {
    /// How many of its length stand between 1970 and its beginning.
    pub number: i64,
    /// Where in it the last reading stands, in milliseconds.
    pub last_ms: u16,
    /// Each metric that has readings in it.
    pub cells: Vec<(String, Cell)>,
}

impl Tier {
    /// No bucket yet. Buckets are `step_secs` long, at most a minute, and are kept for `keep_secs`.
    #[must_use]
    pub fn new(step_secs: u32, keep_secs: u64) -> Self {
        let n_max = keep_secs.div_ceil(u64::from(step_secs.max(1)));
        Self {
            step_ms: i64::from(step_secs) * 1_000,
            n_max: usize::try_from(n_max).unwrap_or(usize::MAX),
            numbers: VecDeque::new(),
            last_ms: VecDeque::new(),
            columns: Vec::new(),
            saved: None,
        }
    }

    /// A reading arrives. Metrics over `columns_max` are left out, as they are of the series.
    pub fn push<'a>(
        &mut self,
        timestamp_ms: i64,
        metrics: impl Iterator<Item = (&'a str, f64)>,
        columns_max: usize,
    ) {
        let number = timestamp_ms.div_euclid(self.step_ms);
        let last_ms = u16::try_from(timestamp_ms.rem_euclid(self.step_ms)).unwrap_or(u16::MAX);
        let Some(row) = self.row(number, last_ms) else { return };
        for (place, (metric, value)) in metrics.enumerate() {
            self.put(row, place, metric, Cell::one(value), columns_max);
        }
    }

    /// Puts back a bucket that was saved; those that come later are not saved again.
    pub fn restore(&mut self, bucket: Bucket, columns_max: usize) {
        self.saved = self.saved.max(Some(bucket.number));
        let Some(row) = self.row(bucket.number, bucket.last_ms) else { return };
        for (place, (metric, cell)) in bucket.cells.into_iter().enumerate() {
            self.put(row, place, &metric, cell, columns_max);
        }
    }

    /// Whether the bucket of this moment has been saved, so that it needs no reading any more.
    #[must_use]
    pub fn is_saved(&self, timestamp_ms: i64) -> bool {
        self.saved.is_some_and(|saved| timestamp_ms.div_euclid(self.step_ms) <= saved)
    }

    /// The buckets that have ended and have not been saved.
    pub fn take_unsaved(&mut self, now_ms: i64) -> Vec<Bucket> {
        let from = self.saved.map_or(0, |saved| self.numbers.partition_point(|&number| number <= saved));
        // A bucket has ended when its time and, as a grace for readings on their way, that of the next one are over.
        let until =
            self.numbers.partition_point(|&number| (number + 2).saturating_mul(self.step_ms) <= now_ms);
        let buckets: Vec<Bucket> = (from..until.max(from)).map(|row| self.bucket(row)).collect();
        self.saved = self.saved.max(buckets.last().map(|bucket| bucket.number));
        buckets
    }

    /// Drops buckets that are too old. Gives the moment up to which some were dropped.
    pub fn evict(&mut self, before_ms: i64) -> Option<i64> {
        let mut until_ms = None;
        while let Some(&number) = self.numbers.front() {
            let end_ms = (number + 1).saturating_mul(self.step_ms);
            if before_ms < end_ms {
                break;
            }
            until_ms = Some(end_ms);
            self.pop();
        }
        until_ms
    }

    /// Drops the oldest bucket and gives the moment at which it ended.
    pub fn pop(&mut self) -> Option<i64> {
        let number = self.numbers.pop_front()?;
        self.last_ms.pop_front();
        self.columns.retain_mut(|column| {
            column.values.pop_front();
            if column.counts.pop_front().is_some_and(|count| 0 < count) {
                column.n_present -= 1;
            }
            0 < column.n_present
        });
        Some((number + 1).saturating_mul(self.step_ms))
    }

    /// Gives back the room of buckets that have gone.
    pub fn shrink(&mut self) {
        let room = self.numbers.len() + GROWTH_MIN;
        self.numbers.shrink_to(room);
        self.last_ms.shrink_to(room);
        for column in &mut self.columns {
            column.values.shrink_to(room);
            column.counts.shrink_to(room);
        }
    }

    /// When the oldest bucket began, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn oldest_ms(&self) -> Option<i64> {
        Some(self.numbers.front()?.saturating_mul(self.step_ms))
    }

    /// Buckets held, and metrics in them.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        (self.numbers.len(), self.columns.len())
    }

    /// What the buckets weigh, in bytes, with the room in which they grow.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.numbers.capacity() as u64 * (ROW_BYTES + CELL_BYTES * self.columns.len() as u64)
    }

    /// A copy of the buckets that have a part of the time from `since_ms` to `until_ms`.
    #[must_use]
    pub fn points(&self, since_ms: i64, until_ms: i64) -> Points {
        let place = |at_ms: i64| at_ms.div_euclid(self.step_ms);
        let from = self.numbers.partition_point(|&number| number < place(since_ms));
        let until = self.numbers.partition_point(|&number| number <= place(until_ms)).max(from);
        let time = |row: usize| self.numbers[row] * self.step_ms + i64::from(self.last_ms[row]);
        let columns = self
            .columns
            .iter()
            .map(|column| (column.metric.to_string(), (from..until).map(|row| column.cell(row)).collect()));
        Points { columns: columns.collect(), timestamps_ms: (from..until).map(time).collect() }
    }

    /// The row of this bucket, which is made when there is none; `None` when it is older than all that are kept.
    fn row(&mut self, number: i64, last_ms: u16) -> Option<usize> {
        if self.n_max == 0 {
            return None;
        }
        let row = self.numbers.partition_point(|&known| known < number);
        if self.numbers.get(row) == Some(&number) {
            self.last_ms[row] = self.last_ms[row].max(last_ms);
            return Some(row);
        }
        let is_full = self.n_max <= self.numbers.len();
        if is_full && row == 0 {
            return None;
        }
        self.grow();
        self.numbers.insert(row, number);
        self.last_ms.insert(row, last_ms);
        for column in &mut self.columns {
            column.insert(row, Cell::NONE);
        }
        if is_full {
            self.pop();
            return Some(row - 1);
        }
        Some(row)
    }

    fn put(&mut self, row: usize, place: usize, metric: &str, cell: Cell, columns_max: usize) {
        let is_guess = self.columns.get(place).is_some_and(|column| *column.metric == *metric);
        let found =
            if is_guess { Some(place) } else { self.columns.iter().position(|c| *c.metric == *metric) };
        let index = match found {
            Some(index) => index,
            None if self.columns.len() < columns_max && is_chartable(metric) => {
                let mut column = Column {
                    metric: metric.into(),
                    values: VecDeque::with_capacity(self.numbers.capacity()),
                    counts: VecDeque::with_capacity(self.numbers.capacity()),
                    n_present: 0,
                };
                for at in 0..self.numbers.len() {
                    column.insert(at, Cell::NONE);
                }
                self.columns.push(column);
                self.columns.len() - 1
            }
            None => return,
        };
        self.columns[index].add(row, cell);
    }

    fn grow(&mut self) {
        let n = self.numbers.len();
        if n < self.numbers.capacity() {
            return;
        }
        let more = (n / GROWTH_FRACTION).max(GROWTH_MIN);
        self.numbers.reserve_exact(more);
        self.last_ms.reserve_exact(more);
        for column in &mut self.columns {
            column.values.reserve_exact(more);
            column.counts.reserve_exact(more);
        }
    }

    fn bucket(&self, row: usize) -> Bucket {
        let cells = self.columns.iter().map(|column| (column.metric.to_string(), column.cell(row)));
        Bucket {
            number: self.numbers[row],
            last_ms: self.last_ms[row],
            cells: cells.filter(|(_, cell)| 0 < cell.count).collect(),
        }
    }
}

impl Column {
    fn cell(&self, row: usize) -> Cell {
        let [min, max, mean] = self.values[row];
        Cell { min, max, mean, count: self.counts[row] }
    }

    fn insert(&mut self, row: usize, cell: Cell) {
        self.values.insert(row, [cell.min, cell.max, cell.mean]);
        self.counts.insert(row, cell.count);
    }

    fn add(&mut self, row: usize, cell: Cell) {
        let before = self.cell(row);
        let after = before.and(cell);
        self.n_present += usize::from(before.count == 0 && 0 < after.count);
        self.values[row] = [after.min, after.max, after.mean];
        self.counts[row] = after.count;
    }
}

#[cfg(test)]
mod tests;
