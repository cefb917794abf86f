//! The values at the cursor, beside it: the moment, each line's sample, and what happened then.

use leptos::prelude::*;

use super::palette::Rgb;
use super::readout::{Track, nearest};
use crate::state::units;

/// Lines that a tooltip names, those with the largest values; the others are counted.
const ROWS_MAX: usize = 8;

/// One line's sample.
#[derive(Clone, Debug, PartialEq)]
pub struct TipRow {
    /// The agent.
    pub name: String,
    /// Its line's colour.
    pub color: Rgb,
    /// Its value, ready to read.
    pub value: String,
}

/// What stands at the cursor.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tip {
    /// Where it stands, as a part of the plot's width.
    pub place: f64,
    /// The plot's left edge and width in CSS pixels.
    pub plot_px: (f64, f64),
    /// The moment, ready to read.
    pub time: String,
    /// The samples, largest first.
    pub rows: Vec<TipRow>,
    /// Lines beyond [`ROWS_MAX`].
    pub n_more: usize,
    /// What happened there.
    pub marks: Vec<String>,
    /// Whether the cursor is locked.
    pub is_locked: bool,
}

impl Tip {
    /// The samples of `tracks` at `at_ms`.
    pub fn read<'a>(&mut self, tracks: impl Iterator<Item = (Track<'a>, Rgb)>, at_ms: f64) {
        let sample = |(track, color): (Track<'a>, Rgb)| {
            nearest(track.series, at_ms).map(|(_, value)| (track.name, color, value))
        };
        let mut samples: Vec<_> = tracks.filter_map(sample).collect();
        samples.sort_by(|a, b| b.2.total_cmp(&a.2).then_with(|| a.0.cmp(b.0)));
        self.n_more = samples.len().saturating_sub(ROWS_MAX);
        let row = |(name, color, value): (&str, Rgb, f64)| TipRow {
            name: name.to_owned(),
            color,
            value: units::live_value(value),
        };
        self.rows = samples.into_iter().take(ROWS_MAX).map(row).collect();
    }

    /// In words, for those who cannot see it.
    #[must_use]
    pub fn spoken(&self, unit: &str) -> String {
        let rows = self.rows.iter().map(|row| format!("{} {} {unit}", row.name, row.value).trim().to_owned());
        let mut parts: Vec<String> = rows.collect();
        if parts.is_empty() {
            parts.push("no samples here".to_owned());
        }
        if 0 < self.n_more {
            parts.push(format!("{} more", self.n_more));
        }
        parts.extend(self.marks.iter().cloned());
        format!("{}: {}", self.time, parts.join(", "))
    }
}

/// Shows it; `tip` is none while nothing is pointed at.
#[component]
pub fn Tooltip(
    /// What stands at the cursor.
    tip: Signal<Option<Tip>>,
    /// The values' unit.
    unit: String,
) -> impl IntoView {
    let with = move |read: fn(&Tip) -> String| tip.with(|tip| tip.as_ref().map(read).unwrap_or_default());
    // On the side of the cursor where there is more room.
    let is_left = move || tip.with(|tip| tip.as_ref().is_some_and(|tip| 0.5 < tip.place));
    let left = move || with(|tip| format!("{:.0}px", tip.plot_px.0 + tip.place * tip.plot_px.1));
    let rows = move || {
        let row = |row: TipRow| {
            let Rgb(r, g, b) = row.color;
            let (value, unit) = units::lettered(&row.value, &unit);
            view! {
                <li>
                    <span class="chart-key" style:background-color=format!("rgb({r} {g} {b})")></span>
                    <span class="chart-name">{row.name}</span>
                    <span class="chart-value">{value}</span>
                    <span class="chart-unit">{unit}</span>
                </li>
            }
        };
        tip.with(|tip| tip.as_ref().map(|tip| tip.rows.clone()).unwrap_or_default())
            .into_iter()
            .map(row)
            .collect_view()
    };
    let more = move || {
        tip.with(|tip| tip.as_ref().map_or(0, |tip| tip.n_more))
            .checked_sub(1)
            .map(|n| view! { <p class="chart-tip-more">{format!("and {} more", n + 1)}</p> })
    };
    let marks = move || {
        let texts = tip.with(|tip| tip.as_ref().map(|tip| tip.marks.clone()).unwrap_or_default());
        texts.into_iter().map(|text| view! { <p class="chart-tip-mark">{text}</p> }).collect_view()
    };
    view! {
        <div
            class="chart-tip"
            class:is-left=is_left
            aria-hidden="true"
            hidden=move || tip.with(Option::is_none)
            style:left=left
        >
            <p class="chart-tip-time">
                {move || with(|tip| tip.time.clone())}
                <span class="chart-tip-lock">{move || with(|tip| if tip.is_locked { "locked".to_owned() } else { String::new() })}</span>
            </p>
            <ul>{rows}</ul>
            {more}
            {marks}
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::super::series::{Room, Series};
    use super::*;

    #[test]
    fn the_largest_come_first_and_the_rest_is_counted() {
        let series: Vec<Series> = (0..12)
            .map(|n| {
                let mut series = Series::new(16);
                series.push(1_000.0, f64::from(n), &mut Room::new(1_000));
                series
            })
            .collect();
        let names: Vec<String> = (0..12).map(|n| format!("a{n}")).collect();
        let tracks =
            || names.iter().zip(&series).map(|(name, series)| (Track { name, series }, Rgb(0, 0, 0)));
        let mut tip = Tip { time: "12:00:00".into(), ..Tip::default() };
        tip.read(tracks(), 1_000.0);
        assert_eq!((tip.rows[0].name.as_str(), tip.rows.len(), tip.n_more), ("a11", ROWS_MAX, 4));
        tip.marks = vec!["deploy".into()];
        tip.rows.truncate(1);
        assert_eq!(tip.spoken("%"), "12:00:00: a11 11.0 %, 4 more, deploy");
        tip.read(tracks(), 90_000.0);
        assert_eq!(tip.spoken(""), "12:00:00: no samples here, deploy");
    }
}
