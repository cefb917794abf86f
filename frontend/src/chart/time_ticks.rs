//! Where the time axis has its ticks, in local time, and what they say.
//!
//! Local time is the Unix time moved by an offset that the caller knows; within one picture the offset is one.

/// Steps at which people read a clock, in milliseconds, from a millisecond to a week.
const STEPS_MS: [i64; 29] = [
    1,
    2,
    5,
    10,
    20,
    50,
    100,
    200,
    500,
    1_000,
    2_000,
    5_000,
    10_000,
    15_000,
    30_000,
    60_000,
    120_000,
    300_000,
    600_000,
    900_000,
    1_800_000,
    3_600_000,
    7_200_000,
    10_800_000,
    21_600_000,
    43_200_000,
    DAY_MS,
    2 * DAY_MS,
    7 * DAY_MS,
];

const DAY_MS: i64 = 86_400_000;

/// The time axis' ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeTicks {
    /// Milliseconds between ticks.
    pub step_ms: i64,
    /// What local time is ahead of UTC, in milliseconds.
    pub utc_offset_ms: i64,
}

impl TimeTicks {
    /// Ticks at least `distance_min_px` pixels apart at `ms_per_px`.
    #[must_use]
    pub fn new(ms_per_px: f64, distance_min_px: f64, utc_offset_ms: i64) -> Self {
        let wanted_ms = ms_per_px * distance_min_px;
        let step_ms = STEPS_MS.into_iter().find(|step_ms| wanted_ms <= *step_ms as f64);
        // Beyond a week: as many weeks as it takes.
        let step_ms = step_ms.unwrap_or_else(|| (wanted_ms / (7 * DAY_MS) as f64).ceil() as i64 * 7 * DAY_MS);
        Self { step_ms, utc_offset_ms }
    }

    /// The ticks from `from_ms` to `to_ms`, milliseconds since the Unix epoch.
    pub fn between(self, from_ms: f64, to_ms: f64) -> impl DoubleEndedIterator<Item = i64> + Clone + use<> {
        let offset_ms = self.utc_offset_ms;
        let first = (from_ms.ceil() as i64 + offset_ms + self.step_ms - 1).div_euclid(self.step_ms);
        let last = (to_ms.floor() as i64 + offset_ms).div_euclid(self.step_ms);
        (first..=last).map(move |n| n * self.step_ms - offset_ms)
    }

    /// What a tick says: the time of day as finely as the step needs it, or the date at midnight and beyond.
    #[must_use]
    pub fn label(self, tick_ms: i64) -> String {
        let local_ms = tick_ms + self.utc_offset_ms;
        let of_day_ms = local_ms.rem_euclid(DAY_MS);
        let (hour, minute) = (of_day_ms / 3_600_000, of_day_ms / 60_000 % 60);
        let (second, milli) = (of_day_ms / 1_000 % 60, of_day_ms % 1_000);
        if DAY_MS <= self.step_ms || (of_day_ms == 0 && 60_000 <= self.step_ms) {
            date_label(local_ms.div_euclid(DAY_MS))
        } else if self.step_ms < 1_000 {
            digits(&[("", minute, 2), (":", second, 2), (".", milli, 3)])
        } else if self.step_ms < 60_000 {
            digits(&[("", hour, 2), (":", minute, 2), (":", second, 2)])
        } else {
            digits(&[("", hour, 2), (":", minute, 2)])
        }
    }
}

/// Numbers of so many digits, each after its separator. A window that jumps asks for a dozen in one frame, and `format!`
/// takes several times as long.
fn digits(parts: &[(&str, i64, u32)]) -> String {
    let mut text = String::with_capacity(12);
    for (separator, number, n_digits) in parts {
        text.push_str(separator);
        let digit = |n: u32| (number / 10_i64.pow(n) % 10) as u8;
        text.extend((0..*n_digits).rev().map(|n| char::from(b'0' + digit(n))));
    }
    text
}

/// `20 Nov`, from days since the Unix epoch.
fn date_label(day: i64) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let date = jiff::Timestamp::from_millisecond(day.saturating_mul(DAY_MS))
        .map(|t| t.to_zoned(jiff::tz::TimeZone::UTC).date());
    date.map_or_else(|_| String::new(), |d| format!("{} {}", d.day(), MONTHS[(d.month() - 1) as usize]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 2026-11-20T22:14:03Z
    const NOW_MS: i64 = 1_795_212_843_000;

    #[test]
    fn ticks_are_where_people_look_for_them() {
        let check = |window_secs: i64, offset_hours: i64, expected: &[&str]| {
            let ticks = TimeTicks::new(window_secs as f64 * 1e3 / 900.0, 200.0, offset_hours * 3_600_000);
            let labels: Vec<_> = ticks
                .between((NOW_MS - window_secs * 1_000) as f64, NOW_MS as f64)
                .map(|t| ticks.label(t))
                .collect();
            assert_eq!(labels, expected, "{window_secs} s");
        };
        check(60, 0, &["22:13:15", "22:13:30", "22:13:45", "22:14:00"]);
        check(60, 2, &["00:13:15", "00:13:30", "00:13:45", "00:14:00"]);
        check(300, 0, &["22:10", "22:12", "22:14"]);
        check(3_600, 2, &["23:15", "23:30", "23:45", "21 Nov"]);
        check(2, 0, &["14:01.000", "14:01.500", "14:02.000", "14:02.500", "14:03.000"]);
        check(30 * 86_400, 0, &["22 Oct", "29 Oct", "5 Nov", "12 Nov", "19 Nov"]);
    }

    #[test]
    fn half_hour_zones_are_aligned_too() {
        let ticks = TimeTicks::new(3_600e3 / 900.0, 200.0, 5 * 3_600_000 + 1_800_000);
        let tick = ticks.between(NOW_MS as f64, NOW_MS as f64 + 3.6e6).next();
        assert_eq!(tick.map(|t| ticks.label(t)).as_deref(), Some("03:45"));
    }

    proptest! {
        #[test]
        fn ticks_keep_their_distance(
            window_ms in 10.0..1e9f64, px in 100.0..3000.0f64, from in 0.0..2e12f64, offset in -14i64..14
        ) {
            let ticks = TimeTicks::new(window_ms / px, 90.0, offset * 3_600_000);
            let got: Vec<_> = ticks.between(from, from + window_ms).collect();
            prop_assert!(got.len() as f64 <= px / 90.0 + 1.0);
            prop_assert!(got.iter().all(|t| from <= *t as f64 && *t as f64 <= from + window_ms));
            prop_assert!(got.windows(2).all(|pair| pair[1] - pair[0] == ticks.step_ms));
        }
    }
}
