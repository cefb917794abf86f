//! The beats of one clock on which what changes a few times a second is shown, so that all of it shares the browser's
//! frames: a frame costs a browser the same for one change as for twenty.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use leptos::prelude::window;

/// Milliseconds on a clock that never goes back; its beginning means nothing.
#[must_use]
pub fn steady_ms() -> f64 {
    window().performance().map_or_else(js_sys::Date::now, |performance| performance.now())
}

/// How long to wait at `now_ms` before something is shown that was shown last at `last_ms` and follows a beat of `gap_ms`,
/// all in milliseconds: not at all when there was a beat since.
#[must_use]
pub fn wait_ms(last_ms: f64, now_ms: f64, gap_ms: f64) -> f64 {
    if gap_ms <= 0.0 || (last_ms / gap_ms).floor() < (now_ms / gap_ms).floor() {
        return 0.0;
    }
    to_next_ms(now_ms, gap_ms)
}

/// How long it is at `now_ms` to the next beat of `gap_ms`, all in milliseconds: whole ones, as a browser's timers count,
/// and never too few, for a timer that ends before its beat ends on the one before it.
#[must_use]
pub fn to_next_ms(now_ms: f64, gap_ms: f64) -> f64 {
    (((now_ms / gap_ms).floor() + 1.0) * gap_ms - now_ms).ceil()
}

/// When to tell of something that changes at any rate, so that it is told on a beat.
#[derive(Debug)]
pub struct Telling {
    /// The beat: the bits of a number of milliseconds, as below.
    gap_ms: AtomicU64,
    is_due: AtomicBool,
    /// When it was told, on the steady clock: the bits of a number of milliseconds.
    told_at_ms: AtomicU64,
}

impl Telling {
    /// Not told yet; 0 is no beat at all.
    #[must_use]
    pub fn every(gap_ms: f64) -> Self {
        let never = f64::NEG_INFINITY.to_bits();
        Self {
            gap_ms: AtomicU64::new(gap_ms.to_bits()),
            is_due: AtomicBool::new(false),
            told_at_ms: AtomicU64::new(never),
        }
    }

    /// From now on it is told on another beat; 0 is no beat at all.
    pub fn set_gap_ms(&self, gap_ms: f64) {
        self.gap_ms.store(gap_ms.to_bits(), Ordering::Relaxed);
    }

    /// There was a change: in how many milliseconds to tell of it; none when that is to be done anyway.
    #[must_use]
    pub fn ask(&self) -> Option<f64> {
        let last_ms = f64::from_bits(self.told_at_ms.load(Ordering::Relaxed));
        let is_due = self.is_due.swap(true, Ordering::Relaxed);
        (!is_due).then(|| wait_ms(last_ms, steady_ms(), f64::from_bits(self.gap_ms.load(Ordering::Relaxed))))
    }

    /// It is told now: what changes from now on is to be told again.
    pub fn told(&self) {
        self.is_due.store(false, Ordering::Relaxed);
        self.told_at_ms.store(steady_ms().to_bits(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_beat_shows_once() {
        assert_eq!(wait_ms(f64::NEG_INFINITY, 10.0, 250.0), 0.0, "the first time");
        assert_eq!(wait_ms(10.0, 20.0, 250.0), 230.0);
        assert_eq!(wait_ms(10.0, 249.0, 250.0), 1.0);
        assert_eq!(wait_ms(10.0, 189.1, 250.0), 61.0, "no timer ends before its beat");
        assert_eq!(wait_ms(10.0, 250.0, 250.0), 0.0);
        assert_eq!(wait_ms(250.0, 250.0, 250.0), 250.0);
        assert_eq!(wait_ms(10.0, 5_000.0, 250.0), 0.0, "after a rest");
        assert_eq!(wait_ms(10.0, 10.0, 0.0), 0.0, "no beat at all");
    }
}
