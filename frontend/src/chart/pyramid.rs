//! Beginning, minimum and maximum of every aligned block of 8, 16, 32 ... points of a ring, kept up to date while
//! points are pushed, so that the extremes of any stretch cost a few dozen steps however long it is.
//!
//! Blocks live in slots of a ring themselves. A block that is only partly held may share its slot with a newer one,
//! and is therefore never read: the ends of a stretch are read point by point.

use super::ring::Ring;

/// Points in the smallest block, as a power of two. Eight: all blocks take three eighths of the points' own memory.
const BLOCK_SHIFT: u32 = 3;

/// How many points a block of `level` holds, as a power of two.
#[must_use]
pub const fn points_shift(level: usize) -> u32 {
    BLOCK_SHIFT + level as u32
}

/// Smallest and largest value of a stretch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extremes {
    /// The smallest value.
    pub min: f64,
    /// The largest value.
    pub max: f64,
}

impl Extremes {
    /// Of nothing: any value merged in becomes both.
    pub const NONE: Self = Self { min: f64::INFINITY, max: f64::NEG_INFINITY };

    /// Takes one more value in; NaN changes nothing.
    #[inline]
    pub fn merge(&mut self, value: f64) {
        if value < self.min {
            self.min = value;
        }
        if self.max < value {
            self.max = value;
        }
    }

    /// Takes another stretch in.
    #[inline]
    pub fn merge_all(&mut self, other: Self) {
        if other.min < self.min {
            self.min = other.min;
        }
        if self.max < other.max {
            self.max = other.max;
        }
    }

    /// Whether there was no number at all.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.max < self.min
    }
}

/// What is known of a block's points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Block {
    /// The time of the first one, in milliseconds. Beside the extremes, so that who goes from block to block reads
    /// memory in its order.
    pub first_ms: f64,
    /// Their extremes.
    pub extremes: Extremes,
}

impl Block {
    const NONE: Self = Self { first_ms: 0.0, extremes: Extremes::NONE };
}

/// Extremes per power-of-two block of a [`Ring`].
#[derive(Clone, Debug, Default)]
pub struct Pyramid {
    /// `levels[n]` holds blocks of `1 << points_shift(n)` points; the last one a single block.
    levels: Vec<Vec<Block>>,
}

impl Pyramid {
    /// Takes in the point that was pushed last.
    pub fn push(&mut self, ring: &Ring) {
        if self.levels.first().map_or(0, |blocks| blocks.len() << BLOCK_SHIFT) != ring.capacity() {
            self.rebuild(ring);
            return;
        }
        let index = ring.end() - 1;
        let value = ring.value(index);
        for (level, blocks) in self.levels.iter_mut().enumerate() {
            let shift = BLOCK_SHIFT + level as u32;
            let slot = (index >> shift) as usize & (blocks.len() - 1);
            let block = &mut blocks[slot];
            if index & ((1 << shift) - 1) == 0 {
                *block = Block { first_ms: ring.timestamp_ms(index), ..Block::NONE };
            } else if block.extremes.min <= value && value <= block.extremes.max {
                // Every wider block was begun no later and holds this one.
                return;
            }
            block.extremes.merge(value);
        }
    }

    /// Computes the blocks from the point `index` on anew, after points were changed or removed.
    pub fn rebuild_from(&mut self, ring: &Ring, index: u64) {
        let index = index.max(ring.first());
        for level in 0..self.levels.len() {
            let shift = BLOCK_SHIFT + level as u32;
            let block_first = index >> shift;
            let block_last = ring.end().saturating_sub(1).max(index) >> shift;
            for block in block_first..=block_last {
                let from = (block << shift).max(ring.first());
                let to = ((block + 1) << shift).min(ring.end());
                let first_ms = if from < to { ring.timestamp_ms(from) } else { 0.0 };
                let extremes = self.below(level, ring, from, to);
                let n_blocks = self.levels[level].len();
                self.levels[level][block as usize & (n_blocks - 1)] = Block { first_ms, extremes };
            }
        }
    }

    /// Extremes of the values of the points `from..to`, which must be held; gaps do not count.
    #[must_use]
    pub fn extremes(&self, ring: &Ring, from: u64, to: u64) -> Extremes {
        self.below(self.levels.len(), ring, from, to)
    }

    /// How many levels there are; none before the first point.
    #[must_use]
    pub fn n_levels(&self) -> usize {
        self.levels.len()
    }

    /// The blocks `from..to` of `level` in their order, in at most two runs. Block `n` holds the points from
    /// `n << points_shift(level)` on; all of them must be held, or lie ahead.
    #[must_use]
    pub fn runs(&self, level: usize, from: u64, to: u64) -> [&[Block]; 2] {
        let blocks = &self.levels[level];
        let (slot, n) = (from as usize & (blocks.len() - 1), to.saturating_sub(from) as usize);
        let n_first = n.min(blocks.len() - slot);
        [&blocks[slot..slot + n_first], &blocks[..n - n_first]]
    }

    fn rebuild(&mut self, ring: &Ring) {
        let n_blocks = ring.capacity() >> BLOCK_SHIFT;
        self.levels = std::iter::successors(Some(n_blocks), |n| Some(n / 2))
            .take_while(|n| 0 < *n)
            .map(|n| vec![Block::NONE; n])
            .collect();
        self.rebuild_from(ring, ring.first());
    }

    /// As [`Self::extremes`], from the levels below `level_end` alone.
    fn below(&self, level_end: usize, ring: &Ring, from: u64, to: u64) -> Extremes {
        const BLOCK_MASK: u64 = (1 << BLOCK_SHIFT) - 1;
        let mut extremes = Extremes::NONE;
        let mut merge_points = |from: u64, to: u64| {
            for (_, values) in ring.runs(from, to) {
                values.iter().for_each(|value| extremes.merge(*value));
            }
        };
        let (mut low, mut high) = (from.next_multiple_of(BLOCK_MASK + 1), to & !BLOCK_MASK);
        if level_end == 0 || high <= low {
            merge_points(from, to);
            return extremes;
        }
        merge_points(from, low);
        merge_points(high, to);
        (low, high) = (low >> BLOCK_SHIFT, high >> BLOCK_SHIFT);
        for (level, blocks) in self.levels[..level_end].iter().enumerate() {
            if high <= low {
                break;
            }
            let mask = blocks.len() - 1;
            let is_top = level + 1 == level_end;
            while low < high && (low & 1 == 1 || is_top) {
                extremes.merge_all(blocks[low as usize & mask].extremes);
                low += 1;
            }
            if low < high && high & 1 == 1 {
                high -= 1;
                extremes.merge_all(blocks[high as usize & mask].extremes);
            }
            (low, high) = (low / 2, high / 2);
        }
        extremes
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value() -> impl Strategy<Value = f64> {
        prop_oneof![9 => -1e3..1e3f64, 1 => Just(f64::NAN)]
    }

    fn naive(ring: &Ring, from: u64, to: u64) -> Extremes {
        let mut extremes = Extremes::NONE;
        (from..to).for_each(|i| extremes.merge(ring.value(i)));
        extremes
    }

    proptest! {
        #[test]
        fn gives_what_reading_every_point_gives(
            points_max in 1usize..400,
            values in prop::collection::vec(value(), 1..900),
            cuts in prop::collection::vec((0usize..900, 1usize..40), 0..4),
            stretches in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..20),
        ) {
            let (mut ring, mut pyramid) = (Ring::new(points_max), Pyramid::default());
            for (n, value) in values.iter().enumerate() {
                if 0 < ring.growth() { ring.grow(); }
                ring.push(n as f64, *value);
                pyramid.push(&ring);
                if let Some((_, n_off)) = cuts.iter().find(|(at, _)| *at == n) {
                    // Some are taken off the end, one in the middle is changed.
                    ring.truncate(ring.end().saturating_sub(*n_off as u64));
                    let changed = ring.first() + ring.len() as u64 / 2;
                    if changed < ring.end() { ring.set(changed, 0.0, 5e3); }
                    pyramid.rebuild_from(&ring, changed);
                }
            }
            for (a, b) in stretches {
                let (a, b) = (a.index(ring.len() + 1) as u64, b.index(ring.len() + 1) as u64);
                let (from, to) = (ring.first() + a.min(b), ring.first() + a.max(b));
                prop_assert_eq!(pyramid.extremes(&ring, from, to), naive(&ring, from, to));
            }
            for level in 0..pyramid.n_levels() {
                let shift = points_shift(level);
                let (from, to) = (ring.first().next_multiple_of(1 << shift) >> shift, ring.end().div_ceil(1 << shift));
                for (n, block) in (from..to).zip(pyramid.runs(level, from, to).concat()) {
                    let points = n << shift..((n + 1) << shift).min(ring.end());
                    prop_assert_eq!(block.first_ms, ring.timestamp_ms(points.start));
                    prop_assert_eq!(block.extremes, naive(&ring, points.start, points.end));
                }
            }
        }
    }

    #[test]
    fn a_gap_has_no_extremes() {
        let (mut ring, mut pyramid) = (Ring::new(16), Pyramid::default());
        ring.push(0.0, f64::NAN);
        pyramid.push(&ring);
        assert!(pyramid.extremes(&ring, 0, 1).is_none());
    }
}
