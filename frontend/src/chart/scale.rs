//! The two scales of a chart: values to pixels down the page, time to pixel columns.
//!
//! Pixels are device pixels everywhere in the chart; CSS pixels exist only at the edge, in the view.

/// Maps values to pixels, the largest value on top.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ValueScale {
    /// Value at the bottom edge.
    pub value_min: f64,
    /// Value at the top edge.
    pub value_max: f64,
    /// Height of the plot in pixels.
    pub height_px: f64,
}

impl ValueScale {
    /// Distance of `value` from the top edge in pixels; a flat range lies in the middle.
    #[must_use]
    pub fn y_px_from_value(&self, value: f64) -> f64 {
        let span = self.value_max - self.value_min;
        if span == 0.0 {
            return self.height_px / 2.0;
        }
        (self.value_max - value) / span * self.height_px
    }

    /// [`Self::y_px_from_value`] as a straight line: the pixels of the value 0, and pixels per value.
    #[must_use]
    pub fn line(&self) -> (f64, f64) {
        let span = self.value_max - self.value_min;
        if span == 0.0 {
            return (self.height_px / 2.0, 0.0);
        }
        (self.value_max / span * self.height_px, -self.height_px / span)
    }

    /// Value at `y_px` pixels below the top edge.
    #[must_use]
    pub fn value_from_y_px(&self, y_px: f64) -> f64 {
        if self.height_px == 0.0 {
            return self.value_max;
        }
        self.value_max - y_px / self.height_px * (self.value_max - self.value_min)
    }
}

/// Maps time to pixel columns that are numbered from the Unix epoch on.
///
/// A moment belongs to the same column for as long as the scale lives, whatever part of time is in view: that is why
/// a picture may be moved by whole pixels and still be the picture that a full redraw would give.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimeScale {
    px_per_ms: f64,
    ms_per_px: f64,
}

impl TimeScale {
    /// A scale that shows `window_ms` milliseconds on `width_px` pixels; both are taken as at least 1.
    #[must_use]
    pub fn new(window_ms: f64, width_px: u32) -> Self {
        let (window_ms, width_px) = (window_ms.max(1.0), f64::from(width_px.max(1)));
        Self { px_per_ms: width_px / window_ms, ms_per_px: window_ms / width_px }
    }

    /// Milliseconds in one pixel column.
    #[must_use]
    pub fn ms_per_px(&self) -> f64 {
        self.ms_per_px
    }

    /// Place of a moment in pixels since the Unix epoch.
    #[must_use]
    pub fn x_px_from_ms(&self, timestamp_ms: f64) -> f64 {
        timestamp_ms * self.px_per_ms
    }

    /// The column that holds a moment.
    #[must_use]
    pub fn column_from_ms(&self, timestamp_ms: f64) -> i64 {
        self.x_px_from_ms(timestamp_ms).floor() as i64
    }

    /// The moment at which a column begins, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn ms_from_column(&self, column: i64) -> f64 {
        column as f64 * self.ms_per_px
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_run_from_the_top_edge_down() {
        let scale = ValueScale { value_min: -10.0, value_max: 30.0, height_px: 200.0 };
        let check = |value: f64, y_px: f64| assert_eq!(scale.y_px_from_value(value), y_px, "{value}");
        check(30.0, 0.0);
        check(10.0, 100.0);
        check(-10.0, 200.0);
        check(40.0, -50.0);
    }

    #[test]
    fn a_flat_range_lies_in_the_middle() {
        let scale = ValueScale { value_min: 5.0, value_max: 5.0, height_px: 80.0 };
        assert_eq!(scale.y_px_from_value(5.0), 40.0);
        assert_eq!(scale.value_from_y_px(40.0), 5.0);
    }

    proptest! {
        #[test]
        fn the_scale_is_a_straight_line(min in -1e6..1e6f64, span in 1e-3..1e6f64, at in -2.0..2.0f64) {
            let scale = ValueScale { value_min: min, value_max: min + span, height_px: 300.0 };
            let (value, (y_at_0, y_per_value)) = (min + at * span, scale.line());
            let error_px = (y_at_0 + value * y_per_value - scale.y_px_from_value(value)).abs();
            prop_assert!(error_px < 1e-12 * (1.0 + min.abs() / span) * 300.0 + 1e-9, "{}", error_px);
        }

        #[test]
        fn values_come_back(min in -1e6..1e6f64, span in 1e-3..1e6f64, at in 0.0..1.0f64) {
            let scale = ValueScale { value_min: min, value_max: min + span, height_px: 300.0 };
            let value = min + at * span;
            prop_assert!((scale.value_from_y_px(scale.y_px_from_value(value)) - value).abs() < 1e-6 * (1.0 + min.abs()));
        }

        #[test]
        fn columns_are_in_the_order_of_time(a in 0.0..2e12f64, b in 0.0..2e12f64, window in 1.0..1e8f64) {
            let scale = TimeScale::new(window, 1200);
            let (a, b) = (a.min(b), a.max(b));
            prop_assert!(scale.column_from_ms(a) <= scale.column_from_ms(b));
            prop_assert!((scale.ms_from_column(scale.column_from_ms(a)) - a).abs() <= scale.ms_per_px() * 1.001 + 1e-3);
        }
    }
}
