//! The colour of a series: the agent's own when its name is a CSS colour, else one that colour-blind people can tell
//! from its neighbours; always with enough contrast to be seen.

use std::sync::LazyLock;

use super::css_colors::rgb_from_name;

/// A colour, 8 bits each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rgb(pub u8, pub u8, pub u8);

/// What the chart stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// Dark ink on light ground.
    Light,
    /// Light ink on dark ground.
    Dark,
}

/// Contrast that a line must have against its ground. Source: WCAG 2.2, 1.4.11.
const CONTRAST_MIN: f64 = 3.0;

/// Okabe and Ito's colours for all kinds of colour vision, without black, in an order that keeps neighbours apart, and
/// with two of Tol's that stand well beside them.
const PALETTE: [Rgb; 9] = [
    Rgb(0x00, 0x72, 0xb2),
    Rgb(0xe6, 0x9f, 0x00),
    Rgb(0x00, 0x9e, 0x73),
    Rgb(0xcc, 0x79, 0xa7),
    Rgb(0x56, 0xb4, 0xe9),
    Rgb(0xd5, 0x5e, 0x00),
    Rgb(0xaa, 0x44, 0x99),
    Rgb(0x99, 0x99, 0x33),
    Rgb(0x33, 0x22, 0x88),
];

/// How many colours the palette has; slots are numbered from 0 and wrap around.
pub const N_SLOTS: usize = PALETTE.len();

/// The slot that a name would like best, the same at any time and in any tab.
#[must_use]
pub fn slot_of(name: &str) -> usize {
    // FNV-1a: short, and good enough to spread names over nine slots.
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    ((hash ^ (hash >> 32)) % N_SLOTS as u64) as usize
}

/// Colour of the series `name` that has been given `slot`.
#[must_use]
pub fn color_of(name: &str, slot: usize, theme: Theme) -> Rgb {
    with_contrast(rgb_from_name(name).unwrap_or(PALETTE[slot % N_SLOTS]), theme)
}

/// The nearest colour of the same hue that stands out from the theme's ground.
#[must_use]
pub fn with_contrast(color: Rgb, theme: Theme) -> Rgb {
    // The greys that pages use for their ground; a little worse than pure white and black.
    let (ground, ink) = match theme {
        Theme::Light => (Rgb(0xf7, 0xf7, 0xf7), Rgb(0, 0, 0)),
        Theme::Dark => (Rgb(0x1c, 0x1e, 0x22), Rgb(255, 255, 255)),
    };
    (0..=20)
        .map(|n| mix(color, ink, f64::from(n) / 20.0))
        .find(|mixed| CONTRAST_MIN <= contrast(*mixed, ground))
        .unwrap_or(ink)
}

/// Contrast ratio of two colours, 1 to 21. Source: WCAG 2.2, "contrast ratio".
#[must_use]
pub fn contrast(a: Rgb, b: Rgb) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// Relative luminance, 0 to 1. Source: WCAG 2.2, "relative luminance".
#[must_use]
pub fn luminance(Rgb(r, g, b): Rgb) -> f64 {
    let linear = |channel: u8| LINEAR[usize::from(channel)];
    0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
}

/// How much light each value of a channel gives, 0 to 1. A table, for every frame asks for its lines' colours, and the
/// powers of one colour take a browser as long as a stroke.
static LINEAR: LazyLock<[f64; 256]> = LazyLock::new(|| {
    std::array::from_fn(|channel| {
        let c = channel as f64 / 255.0;
        if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    })
});

fn mix(Rgb(r, g, b): Rgb, Rgb(to_r, to_g, to_b): Rgb, part: f64) -> Rgb {
    let mix = |from: u8, to: u8| (f64::from(from) * (1.0 - part) + f64::from(to) * part).round() as u8;
    Rgb(mix(r, to_r), mix(g, to_g), mix(b, to_b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_named_after_a_colour_has_it() {
        assert_eq!(color_of("red", 3, Theme::Light), Rgb(255, 0, 0));
        assert_eq!(color_of("Blue", 3, Theme::Light), Rgb(0, 0, 255));
        assert_ne!(color_of("worker-7", 3, Theme::Light), color_of("worker-7", 4, Theme::Light));
    }

    #[test]
    fn every_line_can_be_seen_in_both_themes() {
        let names = ["white", "black", "yellow", "navy", "blue", "ivory", "lime", "x"];
        for (slot, name) in names.into_iter().chain(["x"; 10]).enumerate() {
            for (theme, ground) in [(Theme::Light, Rgb(255, 255, 255)), (Theme::Dark, Rgb(0x11, 0x13, 0x16))]
            {
                let color = color_of(name, slot, theme);
                assert!(CONTRAST_MIN <= contrast(color, ground), "{name} {slot} {theme:?} {color:?}");
            }
        }
    }

    #[test]
    fn black_on_white_is_21() {
        assert!((contrast(Rgb(0, 0, 0), Rgb(255, 255, 255)) - 21.0).abs() < 1e-9);
    }

    #[test]
    fn names_keep_their_slot() {
        assert_eq!(slot_of("worker-1"), slot_of("worker-1"));
        let slots: std::collections::BTreeSet<_> =
            (0..200).map(|n| slot_of(&format!("worker-{n}"))).collect();
        assert_eq!(slots.len(), N_SLOTS);
    }
}
