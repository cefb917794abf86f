//! The legend: which line is whose, and what each shows now. HTML, so that it can be read, selected and styled.

use std::collections::BTreeSet;

use leptos::prelude::*;

use super::format::live_value;
use super::palette::{Rgb, Theme, color_of};
use super::store::SeriesStore;

/// One row of a legend.
#[derive(Clone, Debug, PartialEq)]
pub struct LegendRow {
    /// The agent.
    pub name: String,
    /// Its line's colour.
    pub color: Rgb,
    /// Its latest value, ready to read; a dash when there is none in view.
    pub value: String,
    /// Whether its line is not drawn.
    pub is_hidden: bool,
}

/// The rows of a metric's legend. A value older than `live_from_ms` is not shown: it is not what is now.
#[must_use]
pub fn legend_rows(
    store: &SeriesStore,
    metric: &str,
    hidden: &BTreeSet<String>,
    theme: Theme,
    live_from_ms: f64,
) -> Vec<LegendRow> {
    let row = |(name, agent, series): (&str, &super::store::Agent, &super::series::Series)| LegendRow {
        name: name.to_owned(),
        color: color_of(name, agent.slot(), theme),
        value: match series.last() {
            Some((t, value)) if live_from_ms <= t && !value.is_nan() => live_value(value),
            _ => "\u{2013}".to_owned(),
        },
        is_hidden: hidden.contains(name),
    };
    store.series_of(metric).map(row).collect()
}

/// How many agents' values [`summary`] tells.
const SUMMARY_ROWS_MAX: usize = 8;

/// The chart in a sentence or two, for those who cannot see it.
#[must_use]
pub fn summary(title: &str, unit: &str, window_secs: f64, rows: &[LegendRow]) -> String {
    let shown: Vec<&LegendRow> = rows.iter().filter(|row| !row.is_hidden).collect();
    if shown.is_empty() {
        return format!("{title}: nothing to show yet.");
    }
    let unit = if unit.is_empty() { String::new() } else { format!(" {unit}") };
    let values: Vec<String> =
        shown.iter().take(SUMMARY_ROWS_MAX).map(|row| format!("{} {}{unit}", row.name, row.value)).collect();
    let more = match shown.len() - values.len() {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    let agents = if shown.len() == 1 { "1 agent" } else { &format!("{} agents", shown.len()) };
    format!("{title}, {agents}, the last {window_secs} seconds. Now: {}{more}.", values.join(", "))
}

/// Shows the rows; with `on_pick` each is a button that calls it with the agent's name.
#[component]
pub fn Legend(
    /// What to show.
    rows: Signal<Vec<LegendRow>>,
    /// The values' unit.
    unit: String,
    /// Called with the name of a row that is clicked.
    #[prop(optional_no_strip)]
    on_pick: Option<Callback<String>>,
) -> impl IntoView {
    let names =
        Memo::new(move |_| rows.with(|rows| rows.iter().map(|row| row.name.clone()).collect::<Vec<_>>()));
    let row_of = move |name: &str| rows.with(|rows| rows.iter().find(|row| row.name == name).cloned());
    let item = move |name: String| {
        let row = {
            let name = name.clone();
            Memo::new(move |_| row_of(&name))
        };
        let css_color = move || {
            row.with(|row| {
                row.as_ref().map(|LegendRow { color: Rgb(r, g, b), .. }| format!("rgb({r} {g} {b})"))
            })
        };
        let value = move || row.with(|row| row.as_ref().map(|row| row.value.clone()));
        let is_hidden = move || row.with(|row| row.as_ref().is_some_and(|row| row.is_hidden));
        let inside = view! {
            <span class="chart-key" aria-hidden="true" style:background-color=css_color></span>
            <span class="chart-name">{name.clone()}</span>
            <span class="chart-value">{value}</span>
            <span class="chart-unit">{unit.clone()}</span>
        };
        let inside = match on_pick {
            Some(on_pick) => view! {
                <button
                    type="button"
                    class="chart-series"
                    aria-pressed=move || (!is_hidden()).to_string()
                    on:click=move |_| on_pick.run(name.clone())
                >
                    {inside}
                </button>
            }
            .into_any(),
            None => view! { <span class="chart-series">{inside}</span> }.into_any(),
        };
        view! { <li class:is-hidden=is_hidden>{inside}</li> }
    };
    view! {
        <ul class="chart-legend">
            <For each=move || names.get() key=Clone::clone children=item />
        </ul>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, value: &str) -> LegendRow {
        LegendRow { name: name.to_owned(), color: Rgb(0, 0, 0), value: value.to_owned(), is_hidden: false }
    }

    #[test]
    fn a_chart_can_be_told() {
        let check =
            |rows: &[LegendRow], expected: &str| assert_eq!(summary("Processor", "%", 60.0, rows), expected);
        check(&[], "Processor: nothing to show yet.");
        check(&[row("red", "3.17")], "Processor, 1 agent, the last 60 seconds. Now: red 3.17 %.");
        let many: Vec<_> = (0..10).map(|n| row(&n.to_string(), "1")).collect();
        assert!(summary("x", "", 60.0, &many).ends_with("6 1, 7 1 and 2 more."));
    }

    #[test]
    fn old_values_are_not_shown_as_live() {
        let mut store = SeriesStore::default();
        store.push_point("red", 1_000.0, [("cpu", 3.0)].into_iter());
        let value = |live_from_ms: f64| {
            legend_rows(&store, "cpu", &BTreeSet::new(), Theme::Light, live_from_ms)[0].value.clone()
        };
        assert_eq!((value(1_000.0).as_str(), value(1_001.0).as_str()), ("3.00", "\u{2013}"));
    }
}
