//! Which rows of a long list stand on the screen: only those exist, so that a list of any length costs what a screen costs.

/// Highest extent of a list in CSS pixels; browsers stop at 17 to 33 million. Longer lists scroll in larger steps.
pub const EXTENT_PX_MAX: f64 = 8_000_000.0;
/// Rows drawn beyond each edge, so that scrolling does not show holes.
pub const OVERSCAN: usize = 8;

/// What is drawn of a list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drawn {
    /// The first row that is drawn.
    pub first: usize,
    /// How many are drawn.
    pub n: usize,
    /// Where the first one stands, in CSS pixels from the list's top.
    pub top_px: f64,
    /// Height of the whole list in CSS pixels.
    pub extent_px: f64,
}

impl Drawn {
    /// How far each row stands from where it would stand in a list of its full height, in CSS pixels: not at all unless the
    /// list scrolls in larger steps.
    #[must_use]
    pub fn shift_px(self, row_px: f64) -> f64 {
        self.top_px - self.first as f64 * row_px
    }
}

/// What part of a list is in view, in CSS pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Viewport {
    /// How far it is scrolled.
    pub top_px: f64,
    /// Its height.
    pub height_px: f64,
}

impl Default for Viewport {
    /// Until it has been measured: as high as most screens.
    fn default() -> Self {
        Self { top_px: 0.0, height_px: 800.0 }
    }
}

/// The rows to draw of `n_rows`, each `row_px` high.
#[must_use]
pub fn drawn(view: Viewport, n_rows: usize, row_px: f64) -> Drawn {
    let full_px = n_rows as f64 * row_px;
    let extent_px = full_px.min(EXTENT_PX_MAX);
    let n_visible = rows(view.height_px, row_px) + 2;
    let n = (n_visible + 2 * OVERSCAN).min(n_rows);
    let top_px = view.top_px.clamp(0.0, (extent_px - view.height_px).max(0.0));
    let scale = if extent_px < full_px {
        (full_px - view.height_px) / (extent_px - view.height_px).max(1.0)
    } else {
        1.0
    };
    let at = rows(top_px * scale, row_px);
    let first = at.saturating_sub(OVERSCAN).min(n_rows - n);
    // Row `at` stands where the view's upper edge is; the others follow from it.
    let offset_px = top_px * scale - first as f64 * row_px;
    Drawn { first, n, top_px: top_px - offset_px, extent_px }
}

/// Where to scroll so that row `place` is in view, when it is not.
#[must_use]
pub fn reveal(view: Viewport, place: usize, n_rows: usize, row_px: f64) -> Option<f64> {
    let full_px = n_rows as f64 * row_px;
    let extent_px = full_px.min(EXTENT_PX_MAX);
    let scale = (full_px - view.height_px).max(1.0) / (extent_px - view.height_px).max(1.0);
    let (row_top_px, row_end_px) = (place as f64 * row_px, (place + 1) as f64 * row_px);
    let top_px = view.top_px * scale;
    if row_top_px < top_px {
        Some(row_top_px / scale)
    } else if top_px + view.height_px < row_end_px {
        Some((row_end_px - view.height_px) / scale)
    } else {
        None
    }
}

fn rows(px: f64, row_px: f64) -> usize {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and not negative")]
    let rows = (px / row_px).max(0.0) as usize;
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(top_px: f64, height_px: f64, n_rows: usize, first: usize, n: usize) -> Drawn {
        let drawn = drawn(Viewport { top_px, height_px }, n_rows, 28.0);
        assert_eq!((drawn.first, drawn.n), (first, n), "{drawn:?}");
        drawn
    }

    #[test]
    fn only_what_can_be_seen_is_drawn() {
        check(0.0, 280.0, 5_000, 0, 28);
        check(2_800.0, 280.0, 5_000, 92, 28);
        check(1e9, 280.0, 5_000, 4_972, 28);
        check(0.0, 280.0, 3, 0, 3);
        check(-50.0, 0.0, 0, 0, 0);
    }

    #[test]
    fn rows_stand_at_their_places() {
        let drawn = check(2_800.0, 280.0, 5_000, 92, 28);
        assert_eq!((drawn.top_px, drawn.extent_px), (92.0 * 28.0, 140_000.0));
        assert_eq!(drawn.shift_px(28.0), 0.0);
    }

    #[test]
    fn a_list_beyond_what_a_browser_can_scroll_is_reached_to_its_last_row() {
        let n_rows = 1_000_000;
        let end = check(EXTENT_PX_MAX - 280.0, 280.0, n_rows, n_rows - 28, 28);
        assert_eq!(end.extent_px, EXTENT_PX_MAX);
        assert!((end.top_px + 28.0 * 28.0 - EXTENT_PX_MAX).abs() < 1.0, "{end:?}");
        let last_px = (n_rows - 1) as f64 * 28.0 + end.shift_px(28.0);
        assert!((last_px + 28.0 - EXTENT_PX_MAX).abs() < 1.0, "{last_px}");
        let view = Viewport { top_px: 0.0, height_px: 280.0 };
        let top_px = reveal(view, n_rows - 1, n_rows, 28.0).unwrap();
        assert!((top_px - (EXTENT_PX_MAX - 280.0)).abs() < 1.0, "{top_px}");
    }

    #[test]
    fn a_row_is_revealed_only_when_it_is_out_of_view() {
        let view = Viewport { top_px: 280.0, height_px: 280.0 };
        assert_eq!(reveal(view, 12, 100, 28.0), None);
        assert_eq!(reveal(view, 3, 100, 28.0), Some(84.0));
        assert_eq!(reveal(view, 20, 100, 28.0), Some(21.0 * 28.0 - 280.0));
    }
}
