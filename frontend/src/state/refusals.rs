//! What the collector did not take, and why: who writes an agent wants to see what was wrong with what it sent.

use std::collections::BTreeMap;

use signalbox_shared::api::{CollectorInfo, Refused};

use super::units;

/// One reason for which messages were refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What the messages were meant to be: `sample` or `mark`.
    pub what: &'static str,
    /// The reason's label, as in the relay's own figures.
    pub reason: String,
    /// How many, and what was wrong with the last one.
    pub refused: Refused,
}

impl Refusal {
    /// When the last message came; `relay_now_ms` is the relay's clock.
    #[must_use]
    pub fn when(&self, relay_now_ms: i64) -> String {
        match relay_now_ms - self.refused.last_at_ms {
            ..1_000 => "just now".to_owned(),
            age_ms => format!("{} ago", units::age(age_ms)),
        }
    }
}

/// All that the collector did not take since the relay started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusals {
    /// By reason, the one whose last message is newest first.
    pub rows: Vec<Refusal>,
    /// Numbers that stayed in their samples and have no chart.
    pub n_left_out: u64,
}

impl Refusals {
    /// Reads the collector's accounts.
    #[must_use]
    pub fn read(info: &CollectorInfo) -> Self {
        let of = |what: &'static str, refused: &BTreeMap<String, Refused>| {
            let row = |(reason, refused): (&String, &Refused)| Refusal {
                what,
                reason: reason.clone(),
                refused: refused.clone(),
            };
            refused.iter().filter(|(_, refused)| 0 < refused.count).map(row).collect::<Vec<_>>()
        };
        let mut rows = of("sample", &info.refused);
        rows.extend(of("mark", &info.marks_refused));
        rows.sort_by_key(|row| std::cmp::Reverse(row.refused.last_at_ms));
        Self { rows, n_left_out: info.metrics_left_out }
    }

    /// Whether everything was taken.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.n_left_out == 0
    }

    /// In a few words; `relay_now_ms` is the relay's clock.
    #[must_use]
    pub fn summary(&self, relay_now_ms: i64) -> String {
        let mut parts = Vec::new();
        if let Some(newest) = self.rows.first() {
            let n = units::counted(self.n_refused(), "message refused", "messages refused");
            parts.push(format!("{n}, the last one {}", newest.when(relay_now_ms)));
        }
        if 0 < self.n_left_out {
            parts.push(units::counted(self.n_left_out, "number without a chart", "numbers without a chart"));
        }
        parts.join("; ")
    }

    /// How many messages were refused, as short as can be; empty when there is none.
    #[must_use]
    pub fn note(&self) -> String {
        match self.n_refused() {
            0 => String::new(),
            n => format!("{} refused", units::count(n)),
        }
    }

    fn n_refused(&self) -> u64 {
        self.rows.iter().map(|row| row.refused.count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(count: u64, last_at_ms: i64) -> Refused {
        Refused { count, last_error: "not JSON".into(), last_excerpt: "{".into(), last_at_ms }
    }

    #[test]
    fn the_newest_reason_stands_first_and_all_are_counted() {
        let mut info = CollectorInfo::default();
        assert!(Refusals::read(&info).is_empty());
        info.refused.insert("not_json".into(), refused(1_200, 10_000));
        info.refused.insert("bad_metric".into(), refused(0, 90_000));
        info.marks_refused.insert("no_text".into(), refused(1, 40_000));
        let refusals = Refusals::read(&info);
        let labels: Vec<_> = refusals.rows.iter().map(|row| (row.what, row.reason.as_str())).collect();
        assert_eq!(labels, [("mark", "no_text"), ("sample", "not_json")]);
        assert_eq!(refusals.note(), "1,201 refused");
        assert_eq!(refusals.summary(43_000), "1,201 messages refused, the last one 3\u{202f}s ago");
        assert_eq!(refusals.summary(40_000), "1,201 messages refused, the last one just now");
    }

    #[test]
    fn numbers_without_a_chart_are_said() {
        let info = CollectorInfo { metrics_left_out: 1, ..CollectorInfo::default() };
        let refusals = Refusals::read(&info);
        assert!(!refusals.is_empty());
        assert_eq!(
            (refusals.note(), refusals.summary(0)),
            (String::new(), "1 number without a chart".into())
        );
    }
}
