//! The part of time that all charts show, and what zooming and panning make of it.
//!
//! Places in a chart are parts of its width, 0 at the left edge and 1 at the right one. Knows no pixels but their
//! number, and no clock: the present is passed in.

/// The shortest time that charts show, in milliseconds: ten samples of the quickest agents.
pub const WINDOW_MS_MIN: f64 = 1_000.0;
/// The longest time that charts show, in milliseconds: a week, all that a relay keeps.
pub const WINDOW_MS_MAX: f64 = 7.0 * 86_400_000.0;
/// How far a step of the keyboard pans, as a part of the window.
pub const PAN_STEP: f64 = 0.25;
/// How much a step of the keyboard zooms.
pub const ZOOM_STEP: f64 = 2.0;
/// Samples of this many milliseconds are kept as they are; older ones, or more of them, come in steps. The relay's
/// tiers, in seconds, coarsest first (docs/protocol.md §3).
const TIERS_SECS: [u32; 2] = [60, 10];

/// A part of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Viewport {
    /// Milliseconds from the left to the right edge.
    pub window_ms: f64,
    /// The moment at the right edge, in milliseconds since the Unix epoch.
    pub end_ms: f64,
}

impl Viewport {
    /// The part from one moment to another, in either order, within the bounds.
    #[must_use]
    pub fn between(a_ms: f64, b_ms: f64) -> Self {
        let window_ms = (a_ms - b_ms).abs().clamp(WINDOW_MS_MIN, WINDOW_MS_MAX);
        // What is too narrow grows on both sides.
        let middle_ms = a_ms.midpoint(b_ms);
        Self { window_ms, end_ms: middle_ms + window_ms / 2.0 }
    }

    /// The moment at the left edge.
    #[must_use]
    pub fn start_ms(&self) -> f64 {
        self.end_ms - self.window_ms
    }

    /// The moment at a place.
    #[must_use]
    pub fn time_at(&self, place: f64) -> f64 {
        self.start_ms() + place * self.window_ms
    }

    /// The place of a moment; outside of 0 to 1 when it is not in view.
    #[must_use]
    pub fn place_of(&self, time_ms: f64) -> f64 {
        (time_ms - self.start_ms()) / self.window_ms
    }

    /// Whether a moment is in it.
    #[must_use]
    pub fn holds(&self, at_ms: i64) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of this age are far below 2^53")]
        let place = self.place_of(at_ms as f64);
        (0.0..=1.0).contains(&place)
    }

    /// `factor` times as much time, with the moment at `place` where it is.
    #[must_use]
    pub fn zoomed(&self, factor: f64, place: f64) -> Self {
        let window_ms = (self.window_ms * factor).clamp(WINDOW_MS_MIN, WINDOW_MS_MAX);
        let held_ms = self.time_at(place);
        Self { window_ms, end_ms: held_ms + (1.0 - place) * window_ms }
    }

    /// As much time, moved by `parts` of the window towards the present.
    #[must_use]
    pub fn panned(&self, parts: f64) -> Self {
        Self { end_ms: self.end_ms + parts * self.window_ms, ..*self }
    }

    /// Two fingers have moved from the places `before` to the places `after`: what was below them still is.
    #[must_use]
    pub fn pinched(&self, before: [f64; 2], after: [f64; 2]) -> Self {
        let (span_before, span_after) = ((before[1] - before[0]).abs(), (after[1] - after[0]).abs());
        let factor = if span_after < 0.01 { 1.0 } else { span_before / span_after };
        let middle = |places: [f64; 2]| places[0].midpoint(places[1]);
        self.zoomed(factor, middle(before)).panned(middle(before) - middle(after))
    }

    /// Seconds per point to ask the relay for so that `width_px` pixels have what they can show; 0 for the samples
    /// themselves.
    #[must_use]
    pub fn step_secs(&self, width_px: f64) -> u32 {
        let secs = self.window_ms / 1e3 / width_px.max(1.0);
        if secs < 1.0 {
            return 0;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most a week")]
        let secs = secs as u32;
        let tier = TIERS_SECS.into_iter().find(|tier| *tier <= secs).unwrap_or(1);
        secs / tier * tier
    }
}

/// What of time is held, and how finely.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coverage {
    /// From this moment on, in milliseconds since the Unix epoch.
    pub from_ms: f64,
    /// Up to this one; none when up to the present, as it comes.
    pub to_ms: Option<f64>,
    /// Seconds between points; 0 for the samples themselves.
    pub step_secs: u32,
}

impl Coverage {
    /// Whether it holds all of a part of time, finely enough for steps of `step_secs` and no more than four times finer.
    #[must_use]
    pub fn suits(&self, view: &Viewport, step_secs: u32) -> bool {
        let is_fine = self.step_secs <= step_secs.max(1);
        let is_coarse = step_secs <= 4 * self.step_secs.max(1);
        // A second of slack at the left edge: the present moves on while one asks.
        let has_start = self.from_ms <= view.start_ms() + 1_000.0;
        is_fine && is_coarse && has_start && self.to_ms.is_none_or(|to_ms| view.end_ms <= to_ms + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const VIEW: Viewport = Viewport { window_ms: 60_000.0, end_ms: 1_000_000.0 };

    #[test]
    fn zooming_holds_the_moment_below_the_pointer() {
        let zoomed = VIEW.zoomed(0.5, 0.25);
        assert_eq!((zoomed.window_ms, zoomed.time_at(0.25)), (30_000.0, VIEW.time_at(0.25)));
        assert_eq!(VIEW.zoomed(1e-9, 0.5).window_ms, WINDOW_MS_MIN);
        assert_eq!(VIEW.zoomed(1e9, 0.5).window_ms, WINDOW_MS_MAX);
        assert_eq!(VIEW.panned(-0.5).end_ms, 970_000.0);
    }

    #[test]
    fn a_selection_is_never_too_narrow() {
        assert_eq!(Viewport::between(20_000.0, 10_000.0), Viewport { window_ms: 10_000.0, end_ms: 20_000.0 });
        assert_eq!(Viewport::between(10_000.0, 10_000.0), Viewport { window_ms: 1_000.0, end_ms: 10_500.0 });
    }

    #[test]
    fn what_two_fingers_hold_they_keep() {
        let pinched = VIEW.pinched([0.4, 0.6], [0.2, 0.8]);
        assert!((pinched.window_ms - 20_000.0).abs() < 1e-6);
        assert!((pinched.time_at(0.2) - VIEW.time_at(0.4)).abs() < 1e-6);
        assert!((pinched.time_at(0.8) - VIEW.time_at(0.6)).abs() < 1e-6);
        let moved = VIEW.pinched([0.4, 0.6], [0.5, 0.7]);
        assert!((moved.end_ms - (VIEW.end_ms - 6_000.0)).abs() < 1e-6);
        assert_eq!(VIEW.pinched([0.5, 0.5], [0.5, 0.5]), VIEW);
    }

    #[test]
    fn steps_are_what_pixels_can_show_and_fit_the_tiers() {
        let check = |window_secs: f64, width_px: f64, expected: u32| {
            let view = Viewport { window_ms: window_secs * 1e3, end_ms: 0.0 };
            assert_eq!(view.step_secs(width_px), expected, "{window_secs} s on {width_px} px");
        };
        check(300.0, 600.0, 0);
        check(900.0, 600.0, 1);
        check(3_600.0, 600.0, 6);
        check(3_600.0, 250.0, 10);
        check(86_400.0, 600.0, 120);
        check(14_000.0, 600.0, 20);
        check(3_600.0, 0.0, 3_600);
    }

    #[test]
    fn what_is_held_suits_or_does_not() {
        let held = Coverage { from_ms: 940_000.0, to_ms: None, step_secs: 0 };
        assert!(held.suits(&VIEW, 0));
        assert!(!held.suits(&VIEW.zoomed(2.0, 1.0), 0), "too short");
        assert!(!held.suits(&VIEW, 6), "far too fine: the ring is not made for that");
        let held = Coverage { from_ms: 0.0, to_ms: Some(1_000_000.0), step_secs: 10 };
        assert!(held.suits(&VIEW, 20) && !held.suits(&VIEW, 6) && !held.suits(&VIEW.panned(0.1), 20));
    }

    proptest! {
        #[test]
        fn places_and_times_are_the_same(place in -1.0..2.0f64, factor in 0.01..100.0f64, parts in -5.0..5.0f64) {
            let view = VIEW.zoomed(factor, place).panned(parts);
            prop_assert!((WINDOW_MS_MIN..=WINDOW_MS_MAX).contains(&view.window_ms));
            prop_assert!((view.place_of(view.time_at(place)) - place).abs() < 1e-6);
        }
    }
}
