//! A small line of a channel's rate in the last minute, as the path of an SVG; gaps where it is unknown.

use std::fmt::Write as _;

/// Width of the picture that the path is made for.
pub const WIDTH: f32 = 60.0;
/// Its height.
pub const HEIGHT: f32 = 16.0;

/// The path, from zero at the bottom to the largest value at the top.
#[must_use]
pub fn path(points: &[Option<f32>]) -> String {
    let max = points.iter().flatten().copied().fold(0.0_f32, f32::max);
    let step = WIDTH / points.len().saturating_sub(1).max(1) as f32;
    let mut out = String::new();
    let mut is_open = false;
    for (n, point) in points.iter().enumerate() {
        let Some(value) = point else {
            is_open = false;
            continue;
        };
        let share = if max > 0.0 { value / max } else { 0.0 };
        // Half a pixel of room for the stroke above and below.
        let (x, y) = (n as f32 * step, HEIGHT - 0.5 - share * (HEIGHT - 1.0));
        let _ = write!(out, "{}{x:.1} {y:.1}", if is_open { "L" } else { "M" });
        is_open = true;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_seconds_are_gaps() {
        assert_eq!(path(&[Some(0.0), Some(2.0), None, Some(1.0)]), "M0.0 15.5L20.0 0.5M60.0 8.0");
        assert_eq!(path(&[None, None]), "");
        assert_eq!(path(&[]), "");
        assert_eq!(path(&[Some(0.0), Some(0.0)]), "M0.0 15.5L60.0 15.5");
    }
}
