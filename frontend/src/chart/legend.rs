//! The legend: which line is whose, and what each shows now. HTML, so that it can be read, selected and styled.

use std::collections::BTreeSet;

use leptos::ev::{KeyboardEvent, MouseEvent};
use leptos::prelude::*;

use super::palette::Rgb;
use super::pointer::is_plain;
use super::readout::nearest;
use super::series::Series;
use super::store::{Agent, SeriesStore};
use crate::state::natural::natural;
use crate::state::series_choice::SeriesChoice;
use crate::state::units;
use crate::state::viewport::Viewport;

/// One row of a legend.
#[derive(Clone, Debug, PartialEq)]
pub struct LegendRow {
    /// The agent.
    pub name: String,
    /// Its line's colour.
    pub color: Rgb,
    /// Its value, ready to read; a dash when there is none.
    pub value: String,
    /// Whether its line is not drawn.
    pub is_hidden: bool,
}

/// Rows of one legend at most, so that 200 agents leave room for the page; the table below has them all. Rows that were
/// chosen one by one are there in any case.
pub const LEGEND_ROWS_MAX: usize = 24;

/// What a person wants of a legend's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pick {
    /// This line alone, or all again.
    Solo(String),
    /// This line in or out.
    Toggle(String),
}

/// The rows of a metric's legend, and how many there are no rows for. Values are those at `at_ms`, else the latest; one
/// that is not in view is not shown: it is not what is now.
#[must_use]
pub fn legend_rows(
    store: &SeriesStore,
    metric: &str,
    choice: &SeriesChoice,
    color: impl Fn(&str) -> Rgb,
    at_ms: Option<f64>,
    view: &Viewport,
) -> (Vec<LegendRow>, usize) {
    let value = |series: &Series| match at_ms {
        Some(at_ms) => nearest(series, at_ms),
        None => last_before(series, view.end_ms).filter(|(t, _)| view.start_ms() <= *t),
    };
    let row = |(name, _, series): (&str, &Agent, &Series)| LegendRow {
        name: name.to_owned(),
        color: color(name),
        value: value(series).map_or_else(|| "\u{2013}".to_owned(), |(_, value)| units::live_value(value)),
        is_hidden: choice.is_hidden(name),
    };
    let chosen: BTreeSet<&str> = choice.chosen().collect();
    let mut n_seen = 0;
    let mut n_more = 0;
    let has_row = |(name, ..): &(&str, &Agent, &Series)| {
        n_seen += 1;
        let has_row = n_seen <= LEGEND_ROWS_MAX || (chosen.len() <= LEGEND_ROWS_MAX && chosen.contains(name));
        n_more += usize::from(!has_row);
        has_row
    };
    let mut all: Vec<_> = store.series_of(metric).collect();
    all.sort_by(|(a, ..), (b, ..)| natural(a, b));
    let rows = all.into_iter().filter(has_row).map(row).collect();
    (rows, n_more)
}

/// The newest sample up to a moment and a little beyond: the edge of a live chart is a little behind its data.
fn last_before(series: &Series, end_ms: f64) -> Option<(f64, f64)> {
    const BEHIND_MS: f64 = 3_000.0;
    let points = series.points();
    let index = series.range(f64::NEG_INFINITY, end_ms + BEHIND_MS).end.checked_sub(1)?;
    let is_sample = points.first() <= index && !points.value(index).is_nan();
    is_sample.then(|| (points.timestamp_ms(index), points.value(index)))
}

/// How many agents' values [`summary`] tells.
const SUMMARY_ROWS_MAX: usize = 8;

/// The chart in a sentence or two, for those who cannot see it.
#[must_use]
pub fn summary(title: &str, unit: &str, rows: &[LegendRow]) -> String {
    let shown: Vec<&LegendRow> = rows.iter().filter(|row| !row.is_hidden).collect();
    if shown.is_empty() {
        return format!("{title}: nothing to show yet.");
    }
    let names: Vec<&str> = shown.iter().take(SUMMARY_ROWS_MAX).map(|row| row.name.as_str()).collect();
    let more = match shown.len() - names.len() {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    let unit = if unit.is_empty() { "no unit" } else { unit };
    format!(
        "{title} ({unit}) of {}{more}. Arrow keys go from sample to sample, M to the mark before, Shift+M to the one after.",
        names.join(", ")
    )
}

/// Shows the rows; each is a button: a click shows its line alone, with Shift (or the key `x`) it takes it out or in.
#[component]
pub fn Legend(
    /// What to show.
    rows: Signal<Vec<LegendRow>>,
    /// How many lines have no row.
    n_more: Signal<usize>,
    /// The values' unit.
    unit: String,
    /// Called when a row is chosen.
    on_pick: Callback<Pick>,
) -> impl IntoView {
    let names =
        Memo::new(move |_| rows.with(|rows| rows.iter().map(|row| row.name.clone()).collect::<Vec<_>>()));
    let row_of = move |name: &str| {
        rows.with(|rows| {
            let at = rows.binary_search_by(|row| natural(&row.name, name)).ok()?;
            rows.get(at).cloned()
        })
    };
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
        let value = move || row.with(|row| row.as_ref().map(|row| row.value.clone()).unwrap_or_default());
        let (text, unit) = if units::takes_letters(&unit) {
            let (of_text, of_unit) = (unit.clone(), unit.clone());
            let text = move || units::lettered(&value(), &of_text).0;
            (text.into_any(), (move || units::lettered(&value(), &of_unit).1).into_any())
        } else {
            (value.into_any(), unit.clone().into_any())
        };
        let is_hidden = move || row.with(|row| row.as_ref().is_some_and(|row| row.is_hidden));
        let (on_click, on_key) = (name.clone(), name.clone());
        let click = move |event: MouseEvent| {
            let name = on_click.clone();
            on_pick.run(if event.shift_key() { Pick::Toggle(name) } else { Pick::Solo(name) });
        };
        let key = move |event: KeyboardEvent| {
            if event.key() == "x" && is_plain(&event) {
                on_pick.run(Pick::Toggle(on_key.clone()));
            }
        };
        view! {
            <li class:is-hidden=is_hidden>
                <button
                    type="button"
                    class="chart-series"
                    title="Click: this line alone. Shift-click or x: in or out."
                    aria-pressed=move || (!is_hidden()).to_string()
                    aria-keyshortcuts="x"
                    on:click=click
                    on:keydown=key
                >
                    <span class="chart-key" aria-hidden="true" style:background-color=css_color></span>
                    <span class="chart-name">{name}</span>
                    <span class="chart-value">{text}</span>
                    <span class="chart-unit">{unit}</span>
                </button>
            </li>
        }
    };
    view! {
        <ul class="chart-legend" aria-label="Lines">
            <For each=move || names.get() key=Clone::clone children=item />
            <Show when=move || 0 < n_more.get()>
                <li class="chart-more">{move || format!("and {} more in the table below", n_more.get())}</li>
            </Show>
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
        let check = |rows: &[LegendRow], expected: &str| {
            assert!(
                summary("Processor", "%", rows).starts_with(expected),
                "{}",
                summary("Processor", "%", rows)
            );
        };
        check(&[], "Processor: nothing to show yet.");
        check(&[row("red", "3.17")], "Processor (%) of red. Arrow keys");
        let many: Vec<_> = (0..10).map(|n| row(&n.to_string(), "1")).collect();
        assert!(summary("x", "", &many).starts_with("x (no unit) of 0, 1, 2, 3, 4, 5, 6, 7 and 2 more."));
    }

    fn rows_of(
        store: &SeriesStore,
        choice: &SeriesChoice,
        at_ms: Option<f64>,
        end_ms: f64,
    ) -> (Vec<LegendRow>, usize) {
        let view = Viewport { window_ms: 10_000.0, end_ms };
        legend_rows(store, "cpu", choice, |_| Rgb(0, 0, 0), at_ms, &view)
    }

    #[test]
    fn values_are_those_at_the_cursor_and_old_ones_are_not_shown_as_live() {
        let mut store = SeriesStore::default();
        store.push_point("red", 1_000.0, [("cpu", 3.0)].into_iter());
        store.push_point("red", 2_000.0, [("cpu", 4.0)].into_iter());
        let value =
            |at_ms, end_ms| rows_of(&store, &SeriesChoice::default(), at_ms, end_ms).0[0].value.clone();
        assert_eq!(value(None, 2_000.0), "4.00");
        assert_eq!(value(None, 12_001.0), "\u{2013}");
        assert_eq!(value(Some(1_100.0), 2_000.0), "3.00");
        assert_eq!(value(Some(9_000.0), 2_000.0), "\u{2013}");
    }

    #[test]
    fn a_legend_is_bounded_and_what_was_chosen_is_in_it() {
        let mut store = SeriesStore::default();
        for n in 0..60 {
            store.push_point(&format!("a{n}"), 1_000.0, [("cpu", 3.0)].into_iter());
        }
        let mut choice = SeriesChoice::default();
        let (rows, n_more) = rows_of(&store, &choice, None, 1_000.0);
        assert_eq!((rows.len(), n_more), (LEGEND_ROWS_MAX, 60 - LEGEND_ROWS_MAX));
        assert_eq!((rows[2].name.as_str(), rows[10].name.as_str()), ("a2", "a10"));
        choice.solo("a59");
        let (rows, n_more) = rows_of(&store, &choice, None, 1_000.0);
        assert_eq!((rows.len(), n_more), (LEGEND_ROWS_MAX + 1, 59 - LEGEND_ROWS_MAX));
        assert!(rows.last().is_some_and(|row| row.name == "a59" && !row.is_hidden) && rows[0].is_hidden);
    }
}
