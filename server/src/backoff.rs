//! Times to wait between tries to connect: twice as long each time, and never quite the same, so that programs which lost
//! the same peer do not all come back at once. Pure but for chance.

use std::time::Duration;

/// The waits of one connection, from the first failed try on.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    next: Duration,
    longest: Duration,
}

impl Backoff {
    /// The first wait, at most, where nothing else is said.
    const FIRST: Duration = Duration::from_millis(250);
    /// The longest wait where nothing else is said: a peer that comes back is found within this time.
    const LONGEST: Duration = Duration::from_secs(10);

    /// One whose first wait is at most `first`, and no wait over `longest`.
    #[must_use]
    pub fn new(first: Duration, longest: Duration) -> Self {
        Self { next: first, longest }
    }

    /// How long to wait before the next try: between half and all of the present step.
    pub fn wait(&mut self) -> Duration {
        let step = self.next;
        self.next = (2 * step).min(self.longest);
        step / 2 + step.mul_f64(jitter() / 2.0)
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new(Self::FIRST, Self::LONGEST)
    }
}

/// Somewhere between 0 and 1, different in each process and at each call.
fn jitter() -> f64 {
    use std::hash::{BuildHasher as _, RandomState};

    let random = RandomState::new().hash_one(0_u8) >> 11; // 53 bits, what an f64 holds exactly
    random as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_longest_and_differ() {
        let mut backoff = Backoff::default();
        for step in [250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000] {
            let wait = backoff.wait();
            let step = Duration::from_millis(step);
            assert!(step / 2 <= wait && wait <= step, "{wait:?} of {step:?}");
        }
        assert_ne!(jitter().to_bits(), jitter().to_bits());
    }
}
