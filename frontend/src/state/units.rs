//! Numbers as people read them: always with a unit, never jumping in width more than they must.

pub use signalbox_shared::unit::{unit_of, without_unit};

/// A space that neither breaks nor is wide: between a number and its unit (Unicode U+202F).
const THIN: char = '\u{202f}';

/// A whole number with its thousands set apart: `12,345`.
#[must_use]
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `n` of something, in the singular when it is one: `1 message`, `2 messages`.
#[must_use]
pub fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

/// A rate: `0/s`, `3.4/s`, `1,250/s`.
#[must_use]
pub fn per_sec(rate: f64) -> String {
    if !rate.is_finite() || rate <= 0.0 {
        return "0/s".to_owned();
    }
    if rate < 9.95 {
        return format!("{rate:.1}/s");
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a positive rate; it saturates"
    )]
    let whole = rate.round() as u64;
    format!("{}/s", count(whole))
}

/// A size: `17 B`, `64.0 KiB`, `3.2 MiB`.
#[must_use]
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if n < 1024 {
        return format!("{n}{THIN}B");
    }
    #[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
    let mut size = n as f64 / 1024.0;
    let mut unit = 0;
    while size >= 1023.95 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    format!("{size:.1}{THIN}{}", UNITS[unit])
}

/// How long ago, coarse: `now`, `3 s`, `12 min`, `2 h`, `3 d`. A time in the future (clocks differ) is `now`.
#[must_use]
pub fn age(millis: i64) -> String {
    match millis / 1000 {
        ..=0 => "now".to_owned(),
        secs @ 1..=119 => format!("{secs}{THIN}s"),
        secs @ 120..=7199 => format!("{}{THIN}min", secs / 60),
        secs @ 7200..=172_799 => format!("{}{THIN}h", secs / 3600),
        secs => format!("{}{THIN}d", secs / 86_400),
    }
}

/// A time between two samples, to two significant digits so that it stands still: `250 ms`, `1 s`, `1.5 s`, `30 s`.
#[must_use]
pub fn interval(ms: i64) -> String {
    let ms = ms.max(0);
    let digits = ms.checked_ilog10().unwrap_or(0);
    let step = 10_i64.pow(digits.saturating_sub(1));
    let rounded = (ms + step / 2) / step * step;
    match rounded {
        ..1_000 => format!("{rounded}{THIN}ms"),
        1_000..10_000 if rounded % 1_000 != 0 => {
            format!("{}.{}{THIN}s", rounded / 1_000, rounded % 1_000 / 100)
        }
        _ => format!("{}{THIN}s", rounded / 1_000),
    }
}

/// The value of a metric with the unit that its name stands for ([`unit_of`]).
#[must_use]
pub fn metric(name: &str, value: f64) -> String {
    match unit_of(name) {
        "" => number(value),
        unit if takes_letters(unit) && 1e4 <= value.abs() => {
            let (value, unit) = lettered(&live_value(value), unit);
            format!("{value}{THIN}{unit}")
        }
        unit => format!("{}{THIN}{unit}", number(value)),
    }
}

/// What a metric's chart is called: its key in words, without the ending that its unit tells.
#[must_use]
pub fn metric_title(metric: &str) -> String {
    let name = match metric {
        "cpu" => return "Processor".to_owned(),
        "mem" => return "Memory".to_owned(),
        _ => {
            let bare = without_unit(metric);
            if bare.is_empty() { metric } else { bare }
        }
    };
    let words = name.replace(['_', '.'], " ");
    let words = words.trim();
    let mut chars = words.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => metric.to_owned(),
    }
}

/// A number with as many decimals as its size deserves.
#[must_use]
pub fn number(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        "–".to_owned()
    } else if size >= 1e15 || (size > 0.0 && size < 1e-3) {
        format!("{value:e}")
    } else if size < 10.0 && value.fract() != 0.0 {
        format!("{value:.2}")
    } else if size < 10_000.0 {
        format!("{value:.1}")
    } else {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below 1e15")]
        let whole = count(size.round() as u64);
        if value < 0.0 { format!("-{whole}") } else { whole }
    }
}

/// A live value with three significant digits or more, always as long as its neighbours in size.
#[must_use]
pub fn live_value(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-3..1e15).contains(&size) {
        return format!("{value:.2e}").replace('-', "\u{2212}");
    }
    let (unit, letter) = thousands(value);
    let decimals = match size / unit {
        s if s < 10.0 => 2,
        s if s < 100.0 => 1,
        _ => 0,
    };
    minus(format!("{:.decimals$}{letter}", value / unit))
}

/// By what a large value is divided, and the letter that says so.
#[must_use]
pub fn thousands(value: f64) -> (f64, &'static str) {
    match value.abs() {
        v if v < 1e4 => (1.0, ""),
        v if v < 1e6 => (1e3, "k"),
        v if v < 1e9 => (1e6, "M"),
        v if v < 1e12 => (1e9, "G"),
        _ => (1e12, "T"),
    }
}

/// A number with its true sign: the minus sign is as wide as a digit; the hyphen is not.
#[must_use]
pub fn minus(label: String) -> String {
    if label.starts_with('-') { label.replacen('-', "\u{2212}", 1) } else { label }
}

/// Whether a unit is written with the letters of thousands, as in kB: most are not, or have one already.
#[must_use]
pub fn takes_letters(unit: &str) -> bool {
    matches!(unit, "B" | "Hz" | "W" | "V")
}

/// A live value and its unit, with the letter of thousands where it belongs: `202M` and `B` are `202` and `MB`.
#[must_use]
pub fn lettered(value: &str, unit: &str) -> (String, String) {
    let letter =
        value.chars().next_back().filter(|letter| takes_letters(unit) && letter.is_ascii_alphabetic());
    match letter {
        Some(letter) => (value[..value.len() - letter.len_utf8()].to_owned(), format!("{letter}{unit}")),
        None => (value.to_owned(), unit.to_owned()),
    }
}

/// The clock's hours, minutes and seconds at `at_ms` (since the Unix epoch), `offset_minutes` east of UTC.
#[must_use]
pub fn clock(at_ms: i64, offset_minutes: i32) -> String {
    let secs = at_ms.div_euclid(1000).saturating_add(i64::from(offset_minutes) * 60).rem_euclid(86_400);
    format!("{:02}:{:02}:{:02}", secs / 3600, secs / 60 % 60, secs % 60)
}

/// With milliseconds where steps of less than a second need them.
#[must_use]
pub fn clock_millis_where_needed(at_ms: i64, offset_minutes: i32, is_needed: bool) -> String {
    if is_needed { clock_millis(at_ms, offset_minutes) } else { clock(at_ms, offset_minutes) }
}

/// The same with milliseconds, for a tail, where a second is long.
#[must_use]
pub fn clock_millis(at_ms: i64, offset_minutes: i32) -> String {
    format!("{}.{:03}", clock(at_ms, offset_minutes), at_ms.rem_euclid(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(text.replace(THIN, " "), expected);
    }

    #[test]
    fn counts_have_thousands_set_apart() {
        check(&count(0), "0");
        check(&count(999), "999");
        check(&count(1_000), "1,000");
        check(&count(12_345_678), "12,345,678");
        check(&counted(1, "message", "messages"), "1 message");
        check(&counted(2_000, "message", "messages"), "2,000 messages");
    }

    #[test]
    fn rates_are_short() {
        check(&per_sec(0.0), "0/s");
        check(&per_sec(f64::NAN), "0/s");
        check(&per_sec(0.54), "0.5/s");
        check(&per_sec(9.96), "10/s");
        check(&per_sec(12_345.6), "12,346/s");
    }

    #[test]
    fn sizes_step_by_1024() {
        check(&bytes(0), "0 B");
        check(&bytes(1023), "1023 B");
        check(&bytes(1024), "1.0 KiB");
        check(&bytes(1024 * 1024 - 1), "1.0 MiB");
        check(&bytes(300_000), "293.0 KiB");
        check(&bytes(u64::MAX), "16777216.0 TiB");
    }

    #[test]
    fn ages_are_coarse_and_never_negative() {
        check(&age(-5_000), "now");
        check(&age(999), "now");
        check(&age(3_000), "3 s");
        check(&age(130_000), "2 min");
        check(&age(7_200_000), "2 h");
        check(&age(i64::MAX), "106751991167 d");
    }

    #[test]
    fn intervals_stand_still() {
        check(&interval(0), "0 ms");
        check(&interval(247), "250 ms");
        check(&interval(996), "1 s");
        check(&interval(1_004), "1 s");
        check(&interval(1_460), "1.5 s");
        check(&interval(30_020), "30 s");
        check(&interval(i64::MAX / 2), "4600000000000000 s");
    }

    #[test]
    fn metrics_carry_their_unit() {
        check(&metric("cpu", 12.345), "12.3 %");
        check(&metric("uptime_s", 125.0), "125.0 s");
        check(&metric("requests_per_sec", 4.5), "4.50 /s");
        check(&metric("heap_bytes", 1_024.0), "1024.0 B");
        check(&metric("loss", 0.5), "0.50");
        check(&metric("mem", 0.5), "0.50 MB");
        check(&metric("mem", 12_345.6), "12,346 MB");
        check(&metric("queue_depth", 7.0), "7.0");
        check(&number(-12_345.6), "-12,346");
        check(&number(f64::INFINITY), "–");
        check(&number(1e-9), "1e-9");
    }

    #[test]
    fn charts_are_called_what_their_metric_means() {
        check(&metric_title("cpu"), "Processor");
        check(&metric_title("requests_per_sec"), "Requests");
        check(&metric_title("heap_used_bytes"), "Heap used");
        check(&metric_title("fds"), "Fds");
        check(&metric_title("_ms"), "Ms");
        check(&metric_title("___"), "___");
    }

    #[test]
    fn clocks_wrap_at_midnight() {
        check(&clock(0, 0), "00:00:00");
        check(&clock(0, -60), "23:00:00");
        check(&clock(86_399_999, 60), "00:59:59");
        check(&clock_millis(-1, 0), "23:59:59.999");
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

    #[test]
    fn a_letter_of_thousands_belongs_to_the_unit() {
        let joined = |value, unit| {
            let (value, unit) = lettered(value, unit);
            format!("{value} {unit}")
        };
        check(&joined("202M", "B"), "202 MB");
        check(&joined("31.7k", "Hz"), "31.7 kHz");
        check(&joined("31.7k", "MB"), "31.7k MB");
        check(&joined("3172", "B"), "3172 B");
        check(&joined("\u{2013}", "B"), "\u{2013} B");
        check(&metric("heap_bytes", 202_330_510.0), "202 MB");
        check(&metric("heap_bytes", 999.5), "999.5 B");
        check(&metric("jobs", 202_330_510.0), "202,330,510");
    }
}
