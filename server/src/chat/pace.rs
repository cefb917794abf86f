//! When a room wakes its readers: at once while they are few; in a crowd, at most once in an interval that grows with it,
//! so that one wake-up, one write and one packet per reader carry several lines. Pure: the caller tells the time.

use std::time::Duration;

use tokio::time::Instant;

/// How much longer each reader makes the interval: about what waking one and writing to it costs on a small machine, so that
/// the wake-ups of a crowd leave time for everything else.
const INTERVAL_PER_USER: Duration = Duration::from_micros(10);
/// Below this there is no interval: a few dozen readers are woken at once.
const INTERVAL_MIN: Duration = Duration::from_millis(1);
/// Longest interval, so that a line reaches every one of thousands while it still feels immediate.
const INTERVAL_MAX: Duration = Duration::from_millis(30);

/// The wake-ups of one room.
#[derive(Debug, Default)]
pub(super) struct Pace {
    last: Option<Instant>,
    is_pending: bool,
}

/// What to do about something new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wake {
    /// Wake the readers now.
    Now,
    /// Wake them then, and call [`Pace::woken`].
    At(Instant),
    /// Somebody does already.
    Pending,
}

impl Pace {
    /// Something is new for `n_users` readers.
    pub(super) fn request(&mut self, n_users: u64, now: Instant) -> Wake {
        if self.is_pending {
            return Wake::Pending;
        }
        let due = self.last.map(|last| last + interval(n_users)).filter(|due| now < *due);
        match due {
            None => {
                self.last = Some(now);
                Wake::Now
            }
            Some(due) => {
                self.is_pending = true;
                Wake::At(due)
            }
        }
    }

    /// The readers are woken now, as was promised.
    pub(super) fn woken(&mut self, now: Instant) {
        self.is_pending = false;
        self.last = Some(now);
    }
}

fn interval(n_users: u64) -> Duration {
    let wanted = INTERVAL_PER_USER.saturating_mul(u32::try_from(n_users).unwrap_or(u32::MAX));
    if wanted < INTERVAL_MIN { Duration::ZERO } else { wanted.min(INTERVAL_MAX) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_room_never_waits() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        assert!((0..10).all(|_| pace.request(50, now) == Wake::Now));
    }

    #[test]
    fn a_crowd_is_woken_at_once_and_then_once_per_interval() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        let at = |millis| start + Duration::from_millis(millis);
        assert_eq!(pace.request(2_000, at(0)), Wake::Now);
        assert_eq!(pace.request(2_000, at(5)), Wake::At(at(20)));
        assert_eq!(pace.request(2_000, at(6)), Wake::Pending);
        pace.woken(at(20));
        assert_eq!(pace.request(1_000_000, at(21)), Wake::At(at(50)));
        pace.woken(at(50));
        assert_eq!(pace.request(2_000, at(70)), Wake::Now);
    }
}
