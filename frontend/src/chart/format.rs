//! Numbers as people read them on an axis and in a legend.

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
    let (unit, letter) = unit_of(value);
    minus(format!("{:.*}{letter}", decimals(step / unit), value / unit))
}

/// A live value with three significant digits or more, always as long as its neighbours in size.
#[must_use]
pub fn live_value(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-3..1e15).contains(&size) {
        return format!("{value:.2e}").replace('-', "\u{2212}");
    }
    let (unit, letter) = if size < 1e4 { (1.0, "") } else { unit_of(value) };
    let decimals = match size / unit {
        s if s < 10.0 => 2,
        s if s < 100.0 => 1,
        _ => 0,
    };
    minus(format!("{:.decimals$}{letter}", value / unit))
}

fn unit_of(value: f64) -> (f64, &'static str) {
    match value.abs() {
        v if v < 1e4 => (1.0, ""),
        v if v < 1e6 => (1e3, "k"),
        v if v < 1e9 => (1e6, "M"),
        v if v < 1e12 => (1e9, "G"),
        _ => (1e12, "T"),
    }
}

fn decimals(step: f64) -> usize {
    (-(step * 1.000_001).log10().floor()).clamp(0.0, 9.0) as usize
}

/// The minus sign is as wide as a digit; the hyphen is not.
fn minus(label: String) -> String {
    if label.starts_with('-') { label.replacen('-', "\u{2212}", 1) } else { label }
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

    #[test]
    fn live_values() {
        let check = |value: f64, label: &str| assert_eq!(live_value(value), label, "{value}");
        check(0.0, "0.00");
        check(3.17159, "3.17");
        check(-31.7159, "\u{2212}31.7");
        check(317.159, "317");
        check(3_171.59, "3172");
        check(31_715.9, "31.7k");
        check(1.5e9, "1.50G");
        check(1e20, "1.00e20");
        check(1e-5, "1.00e\u{2212}5");
    }
}
