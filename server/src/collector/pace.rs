//! How often the feed's clients are told: a sample at once while samples are few, many samples together when writing to
//! everybody for each of them would be too much. Pure: the caller tells the time.

use std::time::Duration;

use tokio::time::Instant;

/// Shortest interval on average: a browser draws once in 16 ms anyway.
const INTERVAL_MIN: Duration = Duration::from_millis(10);
/// What one more client adds to it, which is what a write costs: telling everybody takes one processor at most.
const INTERVAL_PER_CLIENT: Duration = Duration::from_micros(7);
/// Longest interval.
const INTERVAL_MAX: Duration = Duration::from_millis(250);
/// The part of an interval by which the next time may be early, once: else samples that come as often as clients may be told
/// would wait for almost an interval, whenever one of them had been a little late.
const EARLY_PARTS: u32 = 2;

/// When clients may be told again.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Until when the intervals of everything that was told last.
    spent_until: Option<Instant>,
}

impl Pace {
    /// Notes that `n_clients` are told at `now`, and says when they may be told again.
    pub(super) fn told(&mut self, n_clients: usize, now: Instant) -> Instant {
        let interval = interval(n_clients);
        let spent_until = self.spent_until.map_or(now, |until| until.max(now)) + interval;
        self.spent_until = Some(spent_until);
        spent_until - interval / EARLY_PARTS
    }
}

fn interval(n_clients: usize) -> Duration {
    let n_clients = u32::try_from(n_clients).unwrap_or(u32::MAX);
    INTERVAL_PER_CLIENT.saturating_mul(n_clients).clamp(INTERVAL_MIN, INTERVAL_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_grows_with_the_crowd() {
        let check =
            |n_clients, millis| assert_eq!(interval(n_clients), Duration::from_millis(millis), "{n_clients}");
        check(0, 10);
        check(1_000, 10);
        check(10_000, 70);
        check(1_000_000, 250);
        check(usize::MAX, 250);
    }

    /// Samples come at these milliseconds to 10,000 clients, who are then told at those.
    fn check(samples: &[u64], told: &[u64]) {
        let (mut pace, start) = (Pace::default(), Instant::now());
        let mut next_at = start;
        let mut found = Vec::new();
        for came_at in samples.iter().map(|millis| start + Duration::from_millis(*millis)) {
            // One that came while they could not be told goes with the one before it.
            if found.last().is_some_and(|last| came_at <= *last) {
                continue;
            }
            let at = came_at.max(next_at);
            found.push(at);
            next_at = pace.told(10_000, at);
        }
        let found: Vec<u64> = found.iter().map(|at| (*at - start).as_millis().try_into().unwrap()).collect();
        assert_eq!(found, told, "{samples:?}");
    }

    #[test]
    fn few_samples_never_wait() {
        check(&[0, 100, 200, 300], &[0, 100, 200, 300]);
        // As many as there may be, one of them late and the next one not.
        check(&[0, 70, 160, 210, 280, 350], &[0, 70, 160, 210, 280, 350]);
    }

    #[test]
    fn many_wait_for_each_other() {
        // Each takes along what came until then.
        check(&[0, 1, 2, 50, 60, 100, 120], &[0, 35, 105, 175]);
        // A standstill is not made up for.
        check(&[0, 1_000, 1_001, 1_002, 1_040], &[0, 1_000, 1_035, 1_105]);
    }
}
