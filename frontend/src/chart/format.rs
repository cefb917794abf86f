//! Numbers as people read them on an axis.

use crate::state::units::{minus, thousands};

/// A tick's label: as many decimals as `step` needs; thousands, millions and so on by letter, the very large and the
/// very small by exponent.
#[must_use]
pub fn tick_label(value: f64, step: f64) -> String {
    let largest = value.abs().max(step);
    if value == 0.0 {
        return "0".to_owned();
    }
    if 1e15 <= largest || step < 1e-6 {
        let digits = (largest / step).log10().ceil().clamp(0.0, 9.0) as usize;
        let label = format!("{value:.digits$e}");
        // 2.00e9 says no more than 2e9.
        return match label.split_once('e') {
            Some((number, exponent)) if number.contains('.') => {
                format!("{}e{exponent}", number.trim_end_matches('0').trim_end_matches('.'))
            }
            _ => label,
        }
        .replace('-', "\u{2212}");
    }
    let (unit, letter) = thousands(value);
    minus(format!("{:.*}{letter}", decimals(step / unit), value / unit))
}

fn decimals(step: f64) -> usize {
    (-(step * 1.000_001).log10().floor()).clamp(0.0, 9.0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tick_labels() {
        let check =
            |value: f64, step: f64, label: &str| assert_eq!(tick_label(value, step), label, "{value}");
        check(0.0, 20.0, "0");
        check(20.0, 20.0, "20");
        check(0.5, 0.25, "0.5");
        check(-1.5, 0.5, "\u{2212}1.5");
        check(1.0, 0.5, "1.0");
        check(2_000.0, 500.0, "2000");
        check(15_000.0, 5_000.0, "15k");
        check(12_500.0, 500.0, "12.5k");
        check(2_500_000.0, 500_000.0, "2.5M");
        check(2e18, 1e18, "2e18");
        check(2e-9, 1e-9, "2e\u{2212}9");
    }
}
