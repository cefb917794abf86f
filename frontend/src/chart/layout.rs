//! Where things stand in a chart's box, in device pixels.

/// Free space above the plot, for half a label; CSS pixels.
const TOP: f64 = 9.0;
/// Free space right of the plot, so that a line's end does not touch the edge; CSS pixels.
const RIGHT: f64 = 14.0;
/// Below the plot: the time labels; CSS pixels.
const BOTTOM: f64 = 22.0;
/// A plot smaller than this, in CSS pixels either way, shows nothing worth drawing.
const PLOT_LEAST: f64 = 24.0;
/// Size of the labels' letters; CSS pixels.
const LABEL_SIZE: f64 = 11.0;
/// Time ticks are at least this far apart, in CSS pixels: a label with seconds takes some 48, and as much room beside it.
const TIME_TICKS_APART: f64 = 100.0;
/// Value ticks are at least this far apart; CSS pixels.
const VALUE_TICKS_APART: f64 = 40.0;
/// In a low chart this is enough: a single label tells nothing of the scale.
const VALUE_TICKS_APART_LOW: f64 = 26.0;

/// The parts of a chart's box. All lengths are device pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Layout {
    /// Width of the box.
    pub width: i32,
    /// Height of the box.
    pub height: i32,
    /// Device pixels per CSS pixel.
    pub ratio: f64,
    /// Left edge of the plot.
    pub plot_left: i32,
    /// Top edge of the plot.
    pub plot_top: i32,
    /// Width of the plot.
    pub plot_width: i32,
    /// Height of the plot.
    pub plot_height: i32,
}

impl Layout {
    /// Divides a box, keeping `gutter` device pixels at the left for the value labels; `None` when nothing would be left
    /// for the plot.
    #[must_use]
    pub fn new(width: i32, height: i32, ratio: f64, gutter: i32) -> Option<Self> {
        let px = |css: f64| (css * ratio).round() as i32;
        let layout = Self {
            width,
            height,
            ratio,
            plot_left: gutter,
            plot_top: px(TOP),
            plot_width: width - gutter - px(RIGHT),
            plot_height: height - px(TOP) - px(BOTTOM),
        };
        let least = px(PLOT_LEAST);
        (0.0 < ratio && least <= layout.plot_width && least <= layout.plot_height).then_some(layout)
    }

    /// Letters of the labels.
    #[must_use]
    pub fn label_size(&self) -> f64 {
        LABEL_SIZE * self.ratio
    }

    /// Width of the thinnest lines: one CSS pixel, in whole device pixels.
    #[must_use]
    pub fn hairline(&self) -> i32 {
        (self.ratio.floor() as i32).max(1)
    }

    /// Least distance of two time ticks.
    #[must_use]
    pub fn time_ticks_apart(&self) -> f64 {
        TIME_TICKS_APART * self.ratio
    }

    /// How many steps the value axis has room for.
    #[must_use]
    pub fn value_steps_max(&self) -> usize {
        let css_px = f64::from(self.plot_height) / self.ratio;
        let n_low = ((css_px / VALUE_TICKS_APART_LOW) as usize).min(3);
        ((css_px / VALUE_TICKS_APART) as usize).max(n_low).clamp(2, 8)
    }

    /// Lower edge of the plot.
    #[must_use]
    pub fn plot_bottom(&self) -> i32 {
        self.plot_top + self.plot_height
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_is_divided_without_rest() {
        let layout = Layout::new(1200, 300, 1.0, 48).expect("large enough");
        assert_eq!((layout.plot_width, layout.plot_height), (1138, 269));
        assert_eq!(layout.value_steps_max(), 6);
    }

    #[test]
    fn a_low_chart_has_more_than_one_value_label() {
        let check = |height: i32, n_steps: usize| {
            let layout = Layout::new(600, height, 1.0, 48).expect("large enough");
            assert_eq!(layout.value_steps_max(), n_steps, "{height}");
        };
        check(150, 3);
        check(100, 2);
        check(190, 3);
        check(220, 4);
    }

    #[test]
    fn lengths_follow_the_device() {
        let layout = Layout::new(2400, 600, 2.0, 96).expect("large enough");
        assert_eq!((layout.plot_width, layout.plot_height, layout.hairline()), (2276, 538, 2));
        assert_eq!(Layout::new(1800, 450, 1.5, 72).map(|l| l.hairline()), Some(1));
    }

    #[test]
    fn a_box_too_small_has_no_plot() {
        assert_eq!(Layout::new(80, 300, 1.0, 48), None);
        assert_eq!(Layout::new(0, 0, 1.0, 0), None);
    }
}
