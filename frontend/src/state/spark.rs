//! A small line of a channel's rate in the last minute, as the path of an SVG; gaps where it is unknown.

use std::fmt::Write as _;

/// Width of the picture that the path is made for.
pub const WIDTH: f32 = 60.0;
/// Its height.
pub const HEIGHT: f32 = 16.0;

/// The path, from zero at the bottom to the largest value at the top. Of a level stretch it has both ends alone: most
/// channels are quiet, and the browser draws what is short sooner.
#[must_use]
pub fn path(points: &[Option<f32>]) -> String {
    let max = points.iter().flatten().copied().fold(0.0_f32, f32::max);
    let step = WIDTH / points.len().saturating_sub(1).max(1) as f32;
    let mut out = String::new();
    for stretch in points.iter().enumerate().collect::<Vec<_>>().chunk_by(|a, b| a.1 == b.1) {
        let (Some(&(first, Some(value))), Some(&(last, _))) = (stretch.first(), stretch.last()) else {
            continue;
        };
        let is_first = first.checked_sub(1).is_none_or(|before| points[before].is_none());
        let share = if max > 0.0 { value / max } else { 0.0 };
        // Half a pixel of room for the stroke above and below.
        let y = HEIGHT - 0.5 - share * (HEIGHT - 1.0);
        let _ = write!(out, "{}{:.1} {y:.1}", if is_first { "M" } else { "L" }, first as f32 * step);
        if first < last {
            let _ = write!(out, "L{:.1} {y:.1}", last as f32 * step);
        }
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

    #[test]
    fn a_level_stretch_has_two_ends() {
        let points = [1.0, 2.0, 2.0, 2.0, 0.0, 0.0, 0.0].map(Some);
        assert_eq!(path(&points), "M0.0 8.0L10.0 0.5L30.0 0.5L40.0 15.5L60.0 15.5");
    }
}
