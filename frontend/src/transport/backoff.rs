//! How long to wait before connecting again: exponential, capped, with full jitter, so that a thousand pages do not
//! come back to a restarted relay in the same instant.
//!
//! Pure: chance comes in as a number. Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.

use std::time::Duration;

/// Ceiling of the first wait. A relay that restarts is back within about a second.
pub const FIRST_CEILING: Duration = Duration::from_secs(1);
/// Ceiling of every later wait: nobody looks at a dead page longer without pressing something.
pub const LAST_CEILING: Duration = Duration::from_secs(30);
/// Shortest wait, so that even the luckiest page does not connect in a tight loop.
pub const FLOOR: Duration = Duration::from_millis(200);

/// Counts attempts that failed in a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backoff {
    n_failed: u32,
}

impl Backoff {
    /// The wait after one more failure; `chance` is between 0 and 1.
    pub fn next_wait(&mut self, chance: f64) -> Duration {
        let doubled = FIRST_CEILING.saturating_mul(1u32.checked_shl(self.n_failed).unwrap_or(u32::MAX));
        self.n_failed = self.n_failed.saturating_add(1);
        let ceiling = doubled.min(LAST_CEILING);
        FLOOR + (ceiling - FLOOR).mul_f64(chance.clamp(0.0, 1.0))
    }

    /// The same as the moment of the next attempt, in milliseconds by the clock that says `now_ms`.
    pub fn next_at_ms(&mut self, now_ms: i64, chance: f64) -> i64 {
        let wait_ms = i64::try_from(self.next_wait(chance).as_millis()).unwrap_or(i64::MAX);
        now_ms.saturating_add(wait_ms)
    }

    /// A connection has proved itself.
    pub fn reset(&mut self) {
        self.n_failed = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ceilings_double_up_to_the_last() {
        let mut backoff = Backoff::default();
        let waits: Vec<u64> = (0..8).map(|_| backoff.next_wait(1.0).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30, 30]);
        backoff.reset();
        assert_eq!(backoff.next_wait(1.0), FIRST_CEILING);
    }

    #[test]
    fn the_jitter_is_full_and_stays_inside() {
        for n_failed in [0, 5, 31, 32, u32::MAX] {
            let wait = |chance| Backoff { n_failed }.next_wait(chance);
            assert_eq!(wait(0.0), FLOOR);
            assert_eq!(wait(-1.0), FLOOR);
            assert!(wait(0.5) > FLOOR && wait(0.5) < wait(1.0));
            assert!(wait(2.0) <= LAST_CEILING);
        }
    }
}
