//! A token bucket: so many a second, in bursts of so many. Pure: the caller tells the time.

use std::time::Duration;

use tokio::time::Instant;

/// Allows `per_sec` takes a second on average, and `burst` at once after a pause.
#[derive(Debug)]
pub(crate) struct Bucket {
    interval: Duration,
    burst: u32,
    /// When the bucket would be full again; each take moves it one interval on.
    full_at: Instant,
}

impl Bucket {
    pub(crate) fn new(per_sec: u64, burst: u64, now: Instant) -> Self {
        Self {
            interval: Duration::from_secs(1) / u32::try_from(per_sec.max(1)).unwrap_or(u32::MAX),
            burst: u32::try_from(burst.max(1)).unwrap_or(u32::MAX),
            full_at: now,
        }
    }

    /// Takes one token.
    ///
    /// # Errors
    /// How long until there is one; nothing was taken then.
    pub(crate) fn take(&mut self, now: Instant) -> Result<(), Duration> {
        let full_at = self.full_at.max(now);
        let room = self.interval * (self.burst - 1);
        let wait = full_at.duration_since(now).saturating_sub(room);
        if wait.is_zero() {
            self.full_at = full_at + self.interval;
            return Ok(());
        }
        Err(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_then_the_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::new(10, 3, start);
        let mut take =
            |at_ms: u64| bucket.take(start + Duration::from_millis(at_ms)).map_err(|d| d.as_millis());
        assert_eq!([take(0), take(0), take(0), take(0)], [Ok(()), Ok(()), Ok(()), Err(100)]);
        assert_eq!([take(99), take(100), take(100)], [Err(1), Ok(()), Err(100)]);
        assert_eq!([take(9_000), take(9_000), take(9_000), take(9_000)], [Ok(()), Ok(()), Ok(()), Err(100)]);
    }

    #[test]
    fn hardly_any_and_very_many() {
        let start = Instant::now();
        let mut slow = Bucket::new(0, 0, start);
        assert_eq!([slow.take(start), slow.take(start)], [Ok(()), Err(Duration::from_secs(1))]);
        let mut fast = Bucket::new(u64::MAX, u64::MAX, start);
        assert!((0..1_000).all(|_| fast.take(start).is_ok()));
    }
}
