//! When a room tells its readers: all of them at once while they are few; a crowd in groups, one after the other, each at
//! most once in an interval that grows with the crowd. So one write and one packet per reader carry several lines, and no
//! reader waits behind the writes to the whole crowd. Pure: the caller tells the time.

use std::ops::Range;
use std::time::Duration;

use tokio::time::Instant;

/// Groups that a room's readers are spread over.
pub(super) const GROUPS: usize = 16;

/// How much longer each reader makes the interval: twice what writing to one costs on a small machine, so that a crowd leaves
/// time for everything else.
const INTERVAL_PER_USER: Duration = Duration::from_micros(8);
/// Below this there is no interval: a hundred readers are told at once.
const INTERVAL_MIN: Duration = Duration::from_millis(1);
/// Longest interval, so that a line reaches every one of thousands while it still feels immediate.
const INTERVAL_MAX: Duration = Duration::from_millis(100);
/// Shortest time between two steps of a walk: timers are not finer than half of this.
const STEP_MIN: Duration = Duration::from_millis(2);
/// A walk that is later than this part of the interval is late for good, and not in a hurry.
const LATE_PARTS_MAX: u32 = 4;

/// When one room tells what.
#[derive(Debug, Default)]
pub(super) struct Pace {
    is_walking: bool,
    /// The group whose turn it is.
    next: usize,
    /// In a walk, the groups that do not know yet of the last thing that was new.
    n_left: usize,
    /// When the next step may be.
    due: Option<Instant>,
}

/// What to do about something new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tell {
    /// Tell everybody now.
    All,
    /// Begin a walk: call [`Pace::step`] then, and at each moment that it names.
    WalkAt(Instant),
    /// The walk that is under way comes to everybody.
    Pending,
}

impl Pace {
    /// Something is new for `n_users` readers.
    pub(super) fn request(&mut self, n_users: u64, now: Instant) -> Tell {
        self.n_left = GROUPS;
        if self.is_walking {
            return Tell::Pending;
        }
        let due = self.due.filter(|due| now < *due);
        if interval(n_users).is_zero() && due.is_none() {
            return Tell::All;
        }
        self.is_walking = true;
        Tell::WalkAt(due.unwrap_or(now))
    }

    /// The groups to tell now, and when the next step is; none when the walk is over.
    pub(super) fn step(&mut self, n_users: u64, now: Instant) -> (Range<usize>, Option<Instant>) {
        let interval = interval(n_users);
        let n_groups = groups_per_step(interval);
        let groups = self.next..(self.next + n_groups).min(GROUPS);
        self.next = groups.end % GROUPS;
        self.n_left = self.n_left.saturating_sub(groups.len());
        // From when the step was due, not from when it was done: timers are late, and the walk must not be by the sum of it.
        let began = self.due.filter(|due| now <= *due + interval / LATE_PARTS_MAX).unwrap_or(now);
        let next_at = began + interval.mul_f64(groups.len() as f64 / GROUPS as f64);
        self.due = Some(next_at);
        self.is_walking = 0 < self.n_left;
        (groups, self.is_walking.then_some(next_at))
    }
}

fn interval(n_users: u64) -> Duration {
    let wanted = INTERVAL_PER_USER.saturating_mul(u32::try_from(n_users).unwrap_or(u32::MAX));
    if wanted < INTERVAL_MIN { Duration::ZERO } else { wanted.min(INTERVAL_MAX) }
}

/// As few as make a step no shorter than [`STEP_MIN`].
fn groups_per_step(interval: Duration) -> usize {
    let n_steps = (interval.as_micros() / STEP_MIN.as_micros()) as usize;
    GROUPS.div_ceil(n_steps.clamp(1, GROUPS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_room_never_waits() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        assert!((0..10).all(|_| pace.request(50, now) == Tell::All));
    }

    #[test]
    fn a_crowd_is_told_group_by_group_once_per_interval() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        let at = |millis| start + Duration::from_millis(millis);
        assert_eq!(pace.request(4_000, at(0)), Tell::WalkAt(at(0)));
        for n in 0..GROUPS {
            let millis = 2 * n as u64;
            let next = (n + 1 < GROUPS).then_some(at(millis + 2));
            assert_eq!(pace.step(4_000, at(millis)), (n..n + 1, next));
        }
        assert_eq!(pace.request(4_000, at(31)), Tell::WalkAt(at(32)), "the first group rests as long");
        assert_eq!(pace.step(4_000, at(33)), (0..1, Some(at(34))), "lateness does not add up");
        assert_eq!(pace.step(4_000, at(60)), (1..2, Some(at(62))), "nor is a standstill made up for");
    }

    #[test]
    fn what_comes_in_a_walk_makes_it_longer_until_everybody_knows() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        assert_eq!(pace.request(4_000, now), Tell::WalkAt(now));
        let mut told = vec![0; GROUPS];
        for n in 0.. {
            if n == 5 {
                assert_eq!(pace.request(4_000, now), Tell::Pending);
                told.fill(0);
            }
            let (groups, next) = pace.step(4_000, now);
            groups.for_each(|group| told[group] += 1);
            if next.is_none() {
                break;
            }
        }
        assert_eq!(told, [1; GROUPS]);
    }

    #[test]
    fn a_step_is_no_shorter_than_timers_can_tell() {
        assert_eq!(groups_per_step(Duration::ZERO), GROUPS);
        assert_eq!(groups_per_step(Duration::from_millis(3)), GROUPS);
        assert_eq!(groups_per_step(Duration::from_millis(8)), 4);
        assert_eq!(groups_per_step(INTERVAL_MAX), 1);
    }

    #[test]
    fn a_crowd_that_goes_leaves_nobody_waiting() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        assert_eq!(pace.request(4_000, now), Tell::WalkAt(now));
        assert_eq!(pace.step(10, now), (0..GROUPS, None));
        assert_eq!(pace.request(10, now), Tell::All);
    }
}
