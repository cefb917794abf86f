//! Durations as people write them in the settings file: `500ms`, `10s`, `5m`, `1h`, `7d`.

use std::time::Duration;

use serde::{Deserialize as _, Deserializer};

/// For `#[serde(deserialize_with)]`.
///
/// # Errors
/// When it is not a whole number and a unit.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    from_text(&text).ok_or_else(|| {
        serde::de::Error::custom(format!(
            "{text:?} is not a duration: write a whole number and ms, s, m, h or d, such as \"10s\""
        ))
    })
}

pub(super) fn from_text(text: &str) -> Option<Duration> {
    let text = text.trim();
    let digits_end = text.find(|c: char| !c.is_ascii_digit())?;
    let (digits, unit) = text.split_at(digits_end);
    let unit_millis = match unit.trim() {
        "ms" => 1,
        "s" => 1000,
        "m" => 60 * 1000,
        "h" => 60 * 60 * 1000,
        "d" => 24 * 60 * 60 * 1000,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit_millis).map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected_millis: Option<u64>) {
        assert_eq!(from_text(text), expected_millis.map(Duration::from_millis), "{text:?}");
    }

    #[test]
    fn a_duration_is_a_whole_number_and_a_unit() {
        check("500ms", Some(500));
        check(" 10 s ", Some(10_000));
        check("5m", Some(300_000));
        check("1h", Some(3_600_000));
        check("7d", Some(604_800_000));
        for wrong in ["", "10", "s", "-1s", "1.5s", "1 fortnight", "18446744073709551615d"] {
            check(wrong, None);
        }
    }
}
