//! How long things take: counts by duration, read without a lock, quantiles exact to an eighth.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use signalbox_shared::changes::Timing;

/// Parts of each power of two.
const PARTS: usize = 8;
/// Powers of two of a nanosecond: the last one is over an hour.
const POWERS: usize = 42;

/// Counts by duration.
#[derive(Debug)]
pub(super) struct Histogram {
    counts: Box<[AtomicU64]>,
    max_nanos: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        let counts = (0..POWERS * PARTS).map(|_| AtomicU64::new(0)).collect();
        Self { counts, max_nanos: AtomicU64::new(0) }
    }
}

impl Histogram {
    pub(super) fn record(&self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.counts[bucket(nanos)].fetch_add(1, Ordering::Relaxed);
        self.max_nanos.fetch_max(nanos, Ordering::Relaxed);
    }

    pub(super) fn timing(&self) -> Timing {
        let counts: Vec<u64> = self.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        let count: u64 = counts.iter().sum();
        let max_us = self.max_nanos.load(Ordering::Relaxed).div_ceil(1_000);
        let quantile = |of_100: u64| {
            let wanted = (count * of_100).div_ceil(100);
            let mut seen = 0;
            let found = counts.iter().position(|n| {
                seen += n;
                wanted <= seen
            });
            found.map_or(0, |bucket| upper_nanos(bucket).div_ceil(1_000)).min(max_us)
        };
        if count == 0 {
            return Timing::default();
        }
        Timing { count, p50_us: quantile(50), p99_us: quantile(99), max_us }
    }
}

fn bucket(nanos: u64) -> usize {
    let nanos = nanos.max(PARTS as u64);
    let power = nanos.ilog2() as usize;
    // The three bits below the highest one.
    let part = (nanos >> (power - 3)) as usize & (PARTS - 1);
    ((power - 3) * PARTS + part).min(POWERS * PARTS - 1)
}

/// The largest duration of a bucket, in nanoseconds.
fn upper_nanos(bucket: usize) -> u64 {
    let (power, part) = (bucket / PARTS + 3, bucket % PARTS);
    ((PARTS + part + 1) as u64) << (power - 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_exact_to_an_eighth() {
        let histogram = Histogram::default();
        assert_eq!(histogram.timing(), Timing::default());
        for us in 1..=1_000 {
            histogram.record(Duration::from_micros(us));
        }
        let Timing { count, p50_us, p99_us, max_us } = histogram.timing();
        assert_eq!((count, max_us), (1_000, 1_000));
        assert!((500..=563).contains(&p50_us) && (990..=1_000).contains(&p99_us), "{p50_us} {p99_us}");
    }

    #[test]
    fn every_duration_has_its_bucket() {
        let mut last = 0;
        for nanos in (0..64).map(|power| 1_u64 << power) {
            let bucket = bucket(nanos);
            assert!(last <= bucket && bucket < POWERS * PARTS);
            assert!(nanos < upper_nanos(bucket) || bucket + 1 == POWERS * PARTS, "{nanos}");
            last = bucket;
        }
        Histogram::default().record(Duration::MAX);
    }
}
