//! The range of the value axis: follows the data, calmly.
//!
//! It widens at once when data would leave the picture, narrows only when the data has needed much less for a while,
//! lies on half ticks, and moves from one range to the next in a short glide instead of a jump.

use super::pyramid::Extremes;
use super::ticks::nice_step;

/// Free space above and below the data, as a part of its span.
const PADDING: f64 = 0.05;

/// The axis narrows when the data needs less than this part of it ...
const NARROW_BELOW: f64 = 0.6;

/// ... for this long, in milliseconds.
const NARROW_AFTER_MS: f64 = 3_000.0;

/// Length of a glide, in milliseconds: long enough to be followed by the eye, short enough not to be waited for.
pub const GLIDE_MS: f64 = 240.0;

/// Least span as a part of the values' size, so that the noise of an almost flat line does not fill the picture.
const SPAN_LEAST: f64 = 0.1;

/// Values beyond this are drawn at the edge: their span would not be a number.
const VALUE_SIZE_MAX: f64 = 1e300;

/// A range of values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ValueRange {
    /// Lowest value.
    pub min: f64,
    /// Highest value.
    pub max: f64,
}

impl ValueRange {
    fn span(self) -> f64 {
        self.max - self.min
    }

    fn holds(self, other: Self) -> bool {
        self.min <= other.min && other.max <= self.max
    }
}

/// The value axis' range over time.
#[derive(Clone, Copy, Debug)]
pub struct AxisRange {
    from: ValueRange,
    target: ValueRange,
    glide_began_ms: f64,
    narrow_since_ms: Option<f64>,
    is_empty: bool,
}

impl Default for AxisRange {
    fn default() -> Self {
        let range = ValueRange { min: 0.0, max: 1.0 };
        Self {
            from: range,
            target: range,
            glide_began_ms: f64::NEG_INFINITY,
            narrow_since_ms: None,
            is_empty: true,
        }
    }
}

impl AxisRange {
    /// Takes in what is in view at `now_ms` (any steady clock), and says whether the target has changed.
    pub fn update(&mut self, data: Extremes, n_steps_max: usize, now_ms: f64) -> bool {
        if data.is_none() {
            return false;
        }
        let data = ValueRange {
            min: data.min.clamp(-VALUE_SIZE_MAX, VALUE_SIZE_MAX),
            max: data.max.clamp(-VALUE_SIZE_MAX, VALUE_SIZE_MAX),
        };
        let wanted = wanted_range(data, n_steps_max);
        let is_too_small = !self.target.holds(data);
        let is_too_large = wanted.span() < NARROW_BELOW * self.target.span();
        let is_ripe = is_too_large && NARROW_AFTER_MS <= now_ms - *self.narrow_since_ms.get_or_insert(now_ms);
        if !is_too_large {
            self.narrow_since_ms = None;
        }
        if !(self.is_empty || is_too_small || is_ripe) || wanted == self.target {
            return false;
        }
        // The first data is no change that the eye would follow.
        let (from, began_ms) =
            if self.is_empty { (wanted, f64::NEG_INFINITY) } else { (self.shown(now_ms), now_ms) };
        *self =
            Self { from, target: wanted, glide_began_ms: began_ms, narrow_since_ms: None, is_empty: false };
        true
    }

    /// The next data narrows the range without a wait: the reader has chosen what to look at.
    pub fn hurry(&mut self) {
        self.narrow_since_ms = Some(f64::NEG_INFINITY);
    }

    /// Forgets the data, so that the next range is taken without a glide.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// Ends a glide where it leads to.
    pub fn settle(&mut self) {
        self.glide_began_ms = f64::NEG_INFINITY;
    }

    /// Whether the shown range still moves.
    #[must_use]
    pub fn is_gliding(&self, now_ms: f64) -> bool {
        now_ms - self.glide_began_ms < GLIDE_MS
    }

    /// Where the axis is going.
    #[must_use]
    pub fn target(&self) -> ValueRange {
        self.target
    }

    /// The range to draw at `now_ms`.
    #[must_use]
    pub fn shown(&self, now_ms: f64) -> ValueRange {
        if !self.is_gliding(now_ms) {
            return self.target;
        }
        let left = 1.0 - ((now_ms - self.glide_began_ms) / GLIDE_MS).max(0.0);
        let way = 1.0 - left * left * left;
        let mix = |from: f64, to: f64| from * (1.0 - way) + to * way;
        ValueRange { min: mix(self.from.min, self.target.min), max: mix(self.from.max, self.target.max) }
    }
}

/// The range that suits `data` best: padded, from zero where zero is near, its ends on half ticks.
fn wanted_range(data: ValueRange, n_steps_max: usize) -> ValueRange {
    let size = data.min.abs().max(data.max.abs());
    if size < f64::MIN_POSITIVE * 1e10 {
        return ValueRange { min: 0.0, max: 1.0 };
    }
    let lacking = (SPAN_LEAST * size - data.span()).max(0.0) / 2.0;
    let (mut min, mut max) = (data.min - lacking, data.max + lacking);
    let padding = (max - min) * PADDING;
    (min, max) = (min - padding, max + padding);
    if 0.0 <= data.min && data.min < 0.5 * data.max {
        min = 0.0;
    } else if data.max <= 0.0 && 0.5 * data.min < data.max {
        max = 0.0;
    }
    // Half steps are fine enough to waste little room, and coarse enough to keep still.
    let step = nice_step(max - min, 2 * n_steps_max);
    ValueRange { min: (min / step + 1e-9).floor() * step, max: (max / step - 1e-9).ceil() * step }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn extremes(min: f64, max: f64) -> Extremes {
        Extremes { min, max }
    }

    #[test]
    fn ranges_lie_on_ticks_and_near_zero() {
        let check = |min: f64, max: f64, expected: (f64, f64)| {
            let range = wanted_range(ValueRange { min, max }, 5);
            assert_eq!((range.min, range.max), expected, "{min} to {max}");
        };
        check(3.0, 92.0, (0.0, 100.0));
        check(200.0, 230.0, (195.0, 235.0));
        check(100.0, 100.0, (94.0, 106.0));
        check(0.0, 0.0, (0.0, 1.0));
        check(-92.0, -3.0, (-100.0, 0.0));
        check(-1.0, 1.0, (-1.5, 1.5));
    }

    #[test]
    fn widens_at_once_and_glides() {
        let mut axis = AxisRange::default();
        assert!(axis.update(extremes(3.0, 92.0), 5, 0.0));
        assert!(!axis.is_gliding(0.0), "first data does not glide");
        assert!(!axis.update(extremes(3.0, 99.0), 5, 10.0), "still inside");
        assert!(axis.update(extremes(3.0, 120.0), 5, 20.0));
        assert!(axis.is_gliding(20.0));
        assert_eq!(axis.shown(20.0), ValueRange { min: 0.0, max: 100.0 });
        let halfway = axis.shown(20.0 + GLIDE_MS / 2.0).max;
        assert!(100.0 < halfway && halfway < 140.0, "{halfway}");
        assert_eq!(axis.shown(20.0 + GLIDE_MS), ValueRange { min: 0.0, max: 140.0 });
    }

    #[test]
    fn narrows_only_after_a_while() {
        let mut axis = AxisRange::default();
        axis.update(extremes(0.0, 92.0), 5, 0.0);
        assert!(!axis.update(extremes(0.0, 10.0), 5, 1_000.0));
        assert!(!axis.update(extremes(0.0, 80.0), 5, 2_000.0), "needed again: the wait begins anew");
        assert!(!axis.update(extremes(0.0, 10.0), 5, 3_000.0));
        assert!(!axis.update(extremes(0.0, 10.0), 5, 5_900.0));
        assert!(axis.update(extremes(0.0, 10.0), 5, 6_000.0));
        assert_eq!(axis.target().max, 12.0);
    }

    #[test]
    fn who_chooses_what_to_see_need_not_wait() {
        let mut axis = AxisRange::default();
        axis.update(extremes(0.0, 92.0), 5, 0.0);
        axis.hurry();
        assert!(axis.update(extremes(0.0, 10.0), 5, 100.0));
        assert!(axis.is_gliding(100.0), "without a jump all the same");
    }

    #[test]
    fn values_at_the_end_of_numbers_have_a_range() {
        let mut axis = AxisRange::default();
        axis.update(extremes(-f64::MAX, f64::MAX), 5, 0.0);
        assert!(axis.target().span().is_finite());
    }

    proptest! {
        #[test]
        fn data_is_always_inside(
            steps in prop::collection::vec((-1e6..1e6f64, 0.0..1e6f64, 0.0..5e3f64), 1..50), n in 2usize..10
        ) {
            let mut axis = AxisRange::default();
            let mut now_ms = 0.0;
            for (min, span, wait_ms) in steps {
                now_ms += wait_ms;
                axis.update(extremes(min, min + span), n, now_ms);
                let slack = (axis.target().span()) * 1e-6;
                prop_assert!(axis.target().min <= min + slack && min + span <= axis.target().max + slack);
            }
        }
    }
}
