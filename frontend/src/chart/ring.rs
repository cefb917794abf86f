//! Two columns, time and value, in a ring that grows by doubling up to its bound and then overwrites its oldest points.
//!
//! Points have running numbers that never change while the point is held, so that others ([`super::pyramid`]) may
//! keep sums over them. Knows nothing of order or of meaning.

/// Points that an empty ring makes room for at its first push.
const CAPACITY_FIRST: usize = 64;

/// Points `(timestamp_ms, value)` numbered from [`Ring::first`] to [`Ring::end`], the end excluded.
#[derive(Clone, Debug)]
pub struct Ring {
    timestamps_ms: Vec<f64>,
    values: Vec<f64>,
    first: u64,
    end: u64,
    points_max: usize,
}

impl Ring {
    /// An empty ring that holds at most `points_max` points (at least 1).
    #[must_use]
    pub fn new(points_max: usize) -> Self {
        Self {
            timestamps_ms: Vec::new(),
            values: Vec::new(),
            first: 0,
            end: 0,
            points_max: points_max.max(1),
        }
    }

    /// Number of the oldest point held.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.first
    }

    /// Number that the next point will get.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.end
    }

    /// How many points are held.
    #[must_use]
    pub fn len(&self) -> usize {
        (self.end - self.first) as usize
    }

    /// Whether no point is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.first == self.end
    }

    /// Whether the next push, without growth, overwrites the oldest point.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.capacity() != 0 && self.len() == self.capacity().min(self.points_max)
    }

    /// Points that fit before the next growth; always a power of two or 0.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.values.len()
    }

    /// How many points the next push would add to [`Self::capacity`]; 0 when it has room or is at its bound.
    #[must_use]
    pub fn growth(&self) -> usize {
        if self.len() < self.capacity() || self.points_max <= self.len() {
            0
        } else if self.capacity() == 0 {
            CAPACITY_FIRST
        } else {
            self.capacity()
        }
    }

    /// Doubles the room; the caller has asked [`Self::growth`].
    pub fn grow(&mut self) {
        let capacity = if self.capacity() == 0 { CAPACITY_FIRST } else { self.capacity() * 2 };
        let (mut timestamps_ms, mut values) = (vec![0.0; capacity], vec![0.0; capacity]);
        for index in self.first..self.end {
            let slot = index as usize & (capacity - 1);
            timestamps_ms[slot] = self.timestamp_ms(index);
            values[slot] = self.value(index);
        }
        (self.timestamps_ms, self.values) = (timestamps_ms, values);
    }

    /// Appends a point; when there is no room, the oldest one goes, and the answer is true.
    pub fn push(&mut self, timestamp_ms: f64, value: f64) -> bool {
        if self.capacity() == 0 {
            self.grow();
        }
        let is_full = self.is_full();
        if is_full {
            self.first += 1;
        }
        let slot = self.slot(self.end);
        self.timestamps_ms[slot] = timestamp_ms;
        self.values[slot] = value;
        self.end += 1;
        is_full
    }

    /// Overwrites the point `index`, which must be held.
    pub fn set(&mut self, index: u64, timestamp_ms: f64, value: f64) {
        debug_assert!((self.first..self.end).contains(&index));
        let slot = self.slot(index);
        self.timestamps_ms[slot] = timestamp_ms;
        self.values[slot] = value;
    }

    /// The same ring, room included, without its points.
    #[must_use]
    pub fn cleared(self) -> Self {
        Self { first: 0, end: 0, ..self }
    }

    /// Forgets the points from `index` on.
    pub fn truncate(&mut self, index: u64) {
        self.end = index.clamp(self.first, self.end);
    }

    /// Time of the point `index` in milliseconds since the Unix epoch; `index` must be held.
    #[inline]
    #[must_use]
    pub fn timestamp_ms(&self, index: u64) -> f64 {
        self.timestamps_ms[self.slot(index)]
    }

    /// Value of the point `index`, NaN in a gap; `index` must be held.
    #[inline]
    #[must_use]
    pub fn value(&self, index: u64) -> f64 {
        self.values[self.slot(index)]
    }

    /// The points `from..to`, which must be held, as at most two runs of times and values, the older first: what is
    /// read point by point is read quickest without asking for each one's place.
    #[must_use]
    pub fn runs(&self, from: u64, to: u64) -> [(&[f64], &[f64]); 2] {
        if to <= from {
            return [(&[], &[]); 2];
        }
        let (slot, n) = (self.slot(from), (to - from) as usize);
        let n_first = n.min(self.capacity() - slot);
        [(slot, n_first), (0, n - n_first)]
            .map(|(at, n)| (&self.timestamps_ms[at..at + n], &self.values[at..at + n]))
    }

    /// The last point, time and value.
    #[must_use]
    pub fn last(&self) -> Option<(f64, f64)> {
        (!self.is_empty()).then(|| (self.timestamp_ms(self.end - 1), self.value(self.end - 1)))
    }

    /// The first index from `from` on whose time is not `before`; times must ascend. Looks near `guess` first, so that
    /// walking through evenly spaced points costs a step or two each.
    #[must_use]
    pub fn partition_point(&self, from: u64, guess: u64, before: impl Fn(f64) -> bool) -> u64 {
        let (mut low, mut high) = (from.max(self.first), self.end);
        if high <= low {
            return high;
        }
        // Widen from the guess, then halve what is left.
        let probe = guess.clamp(low, high - 1);
        let mut step = 1;
        if before(self.timestamp_ms(probe)) {
            low = probe + 1;
            while low + step - 1 < high {
                let next = low + step - 1;
                if !before(self.timestamp_ms(next)) {
                    high = next;
                    break;
                }
                low = next + 1;
                step *= 2;
            }
        } else {
            high = probe;
            while low < high {
                let next = high.saturating_sub(step).max(low);
                if before(self.timestamp_ms(next)) {
                    low = next + 1;
                    break;
                }
                high = next;
                step *= 2;
            }
        }
        while low < high {
            let middle = low + (high - low) / 2;
            if before(self.timestamp_ms(middle)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    #[inline]
    fn slot(&self, index: u64) -> usize {
        index as usize & (self.values.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        Push(f64),
        PushTight(f64),
        Set(usize, f64),
        Truncate(usize),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            8 => (-1e3..1e3f64).prop_map(Step::Push),
            4 => (-1e3..1e3f64).prop_map(Step::PushTight),
            1 => (any::<usize>(), -1e3..1e3f64).prop_map(|(at, value)| Step::Set(at, value)),
            1 => (0usize..20).prop_map(Step::Truncate),
        ];
        prop::collection::vec(step, 0..600)
    }

    proptest! {
        #[test]
        fn holds_what_a_queue_would_hold(points_max in 1usize..300, steps in steps()) {
            let mut ring = Ring::new(points_max);
            let mut naive: VecDeque<(f64, f64)> = VecDeque::new();
            for (n, step) in steps.into_iter().enumerate() {
                let t = n as f64;
                match step {
                    Step::Push(value) => {
                        if 0 < ring.growth() { ring.grow(); }
                        let evicted = ring.push(t, value);
                        naive.push_back((t, value));
                        prop_assert_eq!(evicted, points_max < naive.len());
                        if evicted { naive.pop_front(); }
                    }
                    // Without room to grow it evicts early, and says so.
                    Step::PushTight(value) => {
                        if ring.push(t, value) { naive.pop_front(); }
                        naive.push_back((t, value));
                    }
                    Step::Set(at, value) if !naive.is_empty() => {
                        let at = at % naive.len();
                        let t = naive[at].0;
                        ring.set(ring.first() + at as u64, t, value);
                        naive[at].1 = value;
                    }
                    Step::Set(..) => {}
                    Step::Truncate(n) => {
                        let keep = naive.len().saturating_sub(n);
                        ring.truncate(ring.first() + keep as u64);
                        naive.truncate(keep);
                    }
                }
                prop_assert!(ring.len() <= points_max);
                let held: Vec<_> = (ring.first()..ring.end()).map(|i| (ring.timestamp_ms(i), ring.value(i))).collect();
                prop_assert!(held.iter().eq(naive.iter()));
                prop_assert_eq!(ring.last(), naive.back().copied());
            }
        }

        #[test]
        fn finds_the_same_point_from_any_guess(
            mut times in prop::collection::vec(0u32..500, 1..200), from in 0u64..220, guess in 0u64..220, edge in 0u32..520
        ) {
            times.sort_unstable();
            let mut ring = Ring::new(128);
            for t in times {
                if 0 < ring.growth() { ring.grow(); }
                ring.push(f64::from(t), 0.0);
            }
            let from = from.clamp(ring.first(), ring.end());
            let naive = (from..ring.end()).find(|&i| f64::from(edge) <= ring.timestamp_ms(i)).unwrap_or(ring.end());
            prop_assert_eq!(ring.partition_point(from, guess, |t| t < f64::from(edge)), naive);
        }
    }
}
