//! Where the value axis has its ticks: at multiples of 1, 2 or 5 times a power of ten.

/// Ticks of a value axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Ticks {
    /// Distance between two ticks.
    pub step: f64,
    /// The ticks, ascending.
    pub values: Vec<f64>,
}

/// The smallest nice step (1, 2 or 5 times a power of ten) that makes at most `n_max` steps of `span`.
#[must_use]
pub fn nice_step(span: f64, n_max: usize) -> f64 {
    let raw = span.abs() / n_max.max(1) as f64;
    if !raw.is_normal() {
        return f64::MIN_POSITIVE;
    }
    let power = 10f64.powi(raw.log10().floor() as i32);
    // Steps below the smallest normal number cannot be told apart any more.
    let power = if power.is_normal() { power } else { raw };
    // A hair of tolerance, for a span of 0.3 in 3 steps is 0.1 and not 0.2.
    let nice = [1.0, 2.0, 5.0].into_iter().find(|n| raw <= n * power * (1.0 + 1e-9));
    nice.unwrap_or(10.0) * power
}

/// The ticks of an axis from `value_min` to `value_max` with at most `n_max` steps.
#[must_use]
pub fn value_ticks(value_min: f64, value_max: f64, n_max: usize) -> Ticks {
    let step = nice_step(value_max - value_min, n_max);
    let (first, last) = ((value_min / step - 1e-9).ceil(), (value_max / step + 1e-9).floor());
    // Multiples of the step, not sums: errors do not add up. A span too small for its numbers gives no ticks.
    let n = if last - first <= n_max as f64 + 1.0 { (last - first) as i64 + 1 } else { 0 };
    let values = (0..n.max(0)).map(|n| (first + n as f64) * step + 0.0).collect();
    Ticks { step, values }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn steps_are_nice() {
        let check = |span: f64, n: usize, step: f64| {
            let got = nice_step(span, n);
            assert!((got - step).abs() <= step * 1e-9, "{span} in {n}: {got}");
        };
        check(100.0, 5, 20.0);
        check(100.0, 4, 50.0);
        check(0.3, 3, 0.1);
        check(7.0, 10, 1.0);
        check(1e300, 5, 2e299);
        check(3e-300, 5, 1e-300);
    }

    #[test]
    fn ticks_lie_on_multiples() {
        let check = |min: f64, max: f64, n: usize, values: &[f64]| {
            assert_eq!(value_ticks(min, max, n).values, values);
        };
        check(0.0, 100.0, 5, &[0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        check(-1.5, 1.5, 6, &[-1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5]);
        check(3.0, 4.1, 3, &[3.0, 3.5, 4.0]);
        check(1.0, 1.0, 5, &[1.0]);
    }

    proptest! {
        #[test]
        fn ticks_are_few_and_inside(min in -1e9..1e9f64, exponent in -12..12i32, n in 1usize..12) {
            let span = 10f64.powi(exponent);
            let ticks = value_ticks(min, min + span, n);
            prop_assert!(ticks.values.len() <= n + 2);
            let slack = ticks.step * 1e-6 + min.abs() * 1e-12;
            prop_assert!(ticks.values.iter().all(|v| min - slack <= *v && *v <= min + span + slack));
        }
    }
}
