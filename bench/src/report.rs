//! Figures of several runs, and the table they make. Knows no protocol.

use std::fmt::Write as _;

use serde::Serialize;

/// One figure over its runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Spread {
    /// Smallest.
    pub(crate) min: f64,
    /// Middle one; of an even number, the mean of both.
    pub(crate) median: f64,
    /// Largest.
    pub(crate) max: f64,
}

impl Spread {
    /// Of at least one value.
    pub(crate) fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let n = values.len();
        let median = if n == 0 { f64::NAN } else { f64::midpoint(values[(n - 1) / 2], values[n / 2]) };
        let end = |value: Option<&f64>| value.copied().unwrap_or(f64::NAN);
        Self { min: end(values.first()), median, max: end(values.last()) }
    }
}

/// A table in Markdown, its columns as wide as their widest cell.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let widths: Vec<usize> = (0..head.len())
        .map(|i| rows.iter().map(|row| row[i].len()).chain([head[i].len()]).max().unwrap_or(0))
        .collect();
    let mut text = String::new();
    let mut line = |cells: &mut dyn Iterator<Item = &str>| {
        for (cell, width) in cells.zip(&widths) {
            let _ = write!(text, "| {cell:<width$} ");
        }
        text.push_str("|\n");
    };
    line(&mut head.iter().copied());
    let dashes: Vec<String> = widths.iter().map(|&width| "-".repeat(width)).collect();
    line(&mut dashes.iter().map(String::as_str));
    for row in rows {
        line(&mut row.iter().map(String::as_str));
    }
    text
}

/// The value below which `percent` of all lie, the nearest one that occurs; NaN of nothing.
pub(crate) fn percentile(values: &[f64], percent: f64) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let rank = (percent / 100.0 * values.len() as f64).ceil() as usize;
    values.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}

/// A line, or a table, on standard output.
#[expect(clippy::print_stdout, reason = "a bench's report belongs on standard output")]
pub(crate) fn say(text: &str) {
    println!("{text}");
}

/// Cores of this machine.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// A count in thousands or millions.
pub(crate) fn quantity(value: f64) -> String {
    match value {
        v if 1e6 <= v => format!("{:.2} M", v / 1e6),
        v if 1e3 <= v => format!("{:.1} k", v / 1e3),
        v => format!("{v:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_the_middle() {
        assert_eq!(Spread::of(vec![3.0, 1.0, 2.0]), Spread { min: 1.0, median: 2.0, max: 3.0 });
        assert_eq!(Spread::of(vec![4.0, 1.0, 2.0, 3.0]).median, 2.5);
        assert_eq!(Spread::of(vec![7.0]), Spread { min: 7.0, median: 7.0, max: 7.0 });
    }

    #[test]
    fn a_percentile_occurs() {
        let values: Vec<f64> = (1..=200).rev().map(f64::from).collect();
        assert_eq!([50.0, 99.0, 100.0].map(|percent| percentile(&values, percent)), [100.0, 198.0, 200.0]);
        assert_eq!(percentile(&[7.0], 99.0), 7.0);
        assert!(percentile(&[], 50.0).is_nan());
    }

    #[test]
    fn columns_are_aligned() {
        let text = table(&["case", "n"], &[vec!["a".into(), "1000".into()]]);
        assert_eq!(text, "| case | n    |\n| ---- | ---- |\n| a    | 1000 |\n");
    }
}
