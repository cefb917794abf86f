//! An agent's life: joined, stale, gone, by when its samples arrive. Knows no clock (times come in) and no samples.

use signalbox_shared::feed::AgentState;

/// Silence of this many of its intervals makes an agent stale.
const STALE_INTERVALS: i64 = 3;
/// No agent is stale before this, in milliseconds: a scheduler's hiccup is no news.
const STALE_MS_MIN: i64 = 3_000;
/// An agent whose interval is not known yet (one sample so far) is stale after this, in milliseconds.
const STALE_MS_UNKNOWN: i64 = 10_000;
/// An agent is gone after this, in milliseconds, or after twice the time that makes it stale, whichever is longer.
const GONE_MS_MIN: i64 = 60_000;
/// Each new time between samples counts this fraction in the running estimate: ten samples forget an old rate.
const INTERVAL_WEIGHT: f64 = 0.2;

/// When an agent's samples arrived, and what follows from that.
#[derive(Clone, Copy, Debug)]
pub struct Life {
    state: AgentState,
    last_at_ms: i64,
    interval_ms: Option<f64>,
    /// Whether nothing but a past without samples is known of it, which says nothing about its interval.
    is_past: bool,
}

impl Life {
    /// An agent whose first sample arrives now.
    #[must_use]
    pub fn begin(now_ms: i64) -> Self {
        Self { state: AgentState::Joined, last_at_ms: now_ms, interval_ms: None, is_past: false }
    }

    /// An agent that is known from the past alone, its last sample at that time.
    #[must_use]
    pub fn gone(last_at_ms: i64) -> Self {
        Self { state: AgentState::Gone, last_at_ms, interval_ms: None, is_past: true }
    }

    /// What it is now.
    #[must_use]
    pub fn state(&self) -> AgentState {
        self.state
    }

    /// When its last sample arrived, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn last_at_ms(&self) -> i64 {
        self.last_at_ms
    }

    /// Its usual time between samples in milliseconds; none before the second one.
    #[must_use]
    pub fn interval_ms(&self) -> Option<u32> {
        // The cast saturates, and a negative one cannot be.
        self.interval_ms.map(|ms| ms.round() as u32)
    }

    /// A sample arrives. Says whether the agent has come back by it.
    pub fn arrive(&mut self, now_ms: i64) -> bool {
        if self.is_past {
            *self = Self::begin(now_ms);
            return true;
        }
        let gap_ms = (now_ms - self.last_at_ms).max(0) as f64;
        self.last_at_ms = now_ms;
        if self.state != AgentState::Joined {
            // A pause is no interval. Of an agent that is always slower than it was thought to be, it is the first hint.
            if self.interval_ms.is_none() {
                self.interval_ms = Some(gap_ms);
            }
            self.state = AgentState::Joined;
            return true;
        }
        self.interval_ms = Some(match self.interval_ms {
            Some(usual_ms) => usual_ms + INTERVAL_WEIGHT * (gap_ms - usual_ms),
            None => gap_ms,
        });
        false
    }

    /// It is gone, as an earlier run of the relay has seen.
    pub fn leave(&mut self) {
        self.state = AgentState::Gone;
    }

    /// Time passes. Gives the new state if it has changed.
    pub fn pass(&mut self, now_ms: i64) -> Option<AgentState> {
        let silent_ms = now_ms - self.last_at_ms;
        let stale_ms = self.stale_after_ms();
        let state = match self.state {
            AgentState::Joined | AgentState::Stale if GONE_MS_MIN.max(2 * stale_ms) < silent_ms => {
                AgentState::Gone
            }
            AgentState::Joined if stale_ms < silent_ms => AgentState::Stale,
            state => state,
        };
        let is_changed = state != self.state;
        self.state = state;
        is_changed.then_some(state)
    }

    fn stale_after_ms(&self) -> i64 {
        match self.interval_ms {
            Some(usual_ms) => STALE_MS_MIN.max((usual_ms as i64).saturating_mul(STALE_INTERVALS)),
            None => STALE_MS_UNKNOWN,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use AgentState::{Gone, Joined, Stale};

    /// Lets samples arrive at `arrivals`, and then time pass until each of the moments in `expected`.
    fn check(arrivals: &[i64], expected: &[(i64, Option<AgentState>)]) {
        let mut life = Life::begin(arrivals[0]);
        for &at_ms in &arrivals[1..] {
            life.arrive(at_ms);
        }
        for &(now_ms, change) in expected {
            assert_eq!(life.pass(now_ms), change, "at {now_ms} after {arrivals:?}");
        }
    }

    #[test]
    fn silence_makes_stale_and_then_gone_once_each() {
        check(
            &[0, 1_000, 2_000],
            &[
                (5_000, None),
                (5_001, Some(Stale)),
                (9_000, None),
                (62_000, None),
                (62_001, Some(Gone)),
                (999_999, None),
            ],
        );
    }

    #[test]
    fn a_fast_agent_is_not_stale_before_three_seconds() {
        check(&[0, 10, 20, 30], &[(3_030, None), (3_031, Some(Stale))]);
    }

    #[test]
    fn a_slow_agent_has_three_of_its_intervals_and_six_until_it_is_gone() {
        check(
            &[0, 60_000, 120_000],
            &[(300_000, None), (300_001, Some(Stale)), (480_000, None), (480_001, Some(Gone))],
        );
    }

    #[test]
    fn after_one_sample_the_interval_is_not_known() {
        assert_eq!(Life::begin(0).interval_ms(), None);
        check(&[0], &[(10_000, None), (10_001, Some(Stale)), (60_001, Some(Gone))]);
    }

    #[test]
    fn a_long_sleep_goes_straight_to_gone() {
        check(&[0, 1_000], &[(1_000_000, Some(Gone))]);
    }

    #[test]
    fn a_clock_that_goes_back_is_no_silence() {
        check(&[1_000_000, 1_001_000], &[(5, None)]);
    }

    #[test]
    fn coming_back_is_told_and_does_not_spoil_the_estimate() {
        let mut life = Life::begin(0);
        assert!(!life.arrive(1_000));
        assert_eq!(life.pass(30_000), Some(Stale));
        assert!(life.arrive(30_000));
        assert_eq!((life.state(), life.interval_ms()), (Joined, Some(1_000)));
        assert!(!life.arrive(31_000));
        assert_eq!(life.interval_ms(), Some(1_000));
    }

    #[test]
    fn a_past_without_samples_says_nothing_about_the_interval() {
        let mut life = Life::gone(0);
        assert_eq!(life.pass(1_000_000), None);
        assert!(life.arrive(7_200_000));
        assert_eq!((life.state(), life.interval_ms()), (Joined, None));
        life.arrive(7_201_000);
        assert_eq!(life.interval_ms(), Some(1_000));
    }

    #[test]
    fn the_estimate_follows_a_new_rate() {
        let mut life = Life::begin(0);
        life.arrive(1_000);
        for n in 1..=20 {
            life.arrive(1_000 + n * 250);
        }
        let interval_ms = life.interval_ms().unwrap();
        assert!((250..270).contains(&interval_ms), "{interval_ms}");
    }
}
