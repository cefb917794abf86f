//! The beats of one clock on which what changes a few times a second is shown, so that all of it shares the browser's
//! frames: a frame costs a browser the same for one change as for twenty.

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
    if gap_ms <= 0.0 {
        return 0.0;
    }
    let beat = (now_ms / gap_ms).floor();
    if (last_ms / gap_ms).floor() < beat { 0.0 } else { (beat + 1.0) * gap_ms - now_ms }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_beat_shows_once() {
        assert_eq!(wait_ms(f64::NEG_INFINITY, 10.0, 250.0), 0.0, "the first time");
        assert_eq!(wait_ms(10.0, 20.0, 250.0), 230.0);
        assert_eq!(wait_ms(10.0, 249.0, 250.0), 1.0);
        assert_eq!(wait_ms(10.0, 250.0, 250.0), 0.0);
        assert_eq!(wait_ms(250.0, 250.0, 250.0), 250.0);
        assert_eq!(wait_ms(10.0, 5_000.0, 250.0), 0.0, "after a rest");
        assert_eq!(wait_ms(10.0, 10.0, 0.0), 0.0, "no beat at all");
    }
}
