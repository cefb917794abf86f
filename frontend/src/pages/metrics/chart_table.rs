//! What a chart shows, as a table: one row per round moment, one column per line.

use leptos::prelude::*;

use crate::browser::clock::utc_offset_minutes;
use crate::chart::draw::ChartContext;
use crate::chart::palette::Theme;
use crate::chart::readout::{nearest, table_times};
use crate::control::use_control;
use crate::state::units;

/// Columns at most: more are for the CSV file.
const COLUMNS_MAX: usize = 12;

#[derive(Clone, Debug, Default, PartialEq)]
struct Values {
    caption: String,
    names: Vec<String>,
    rows: Vec<(String, Vec<String>)>,
}

/// The table; it follows the chart once a second.
#[component]
pub fn ChartTable(
    /// The metric's key.
    metric: String,
    /// What it is called.
    title: String,
    /// Its unit; empty when unknown.
    unit: &'static str,
    /// What the charts share.
    context: ChartContext,
) -> impl IntoView {
    let clock_ms = use_control().stores.clock_ms;
    let values = Memo::new(move |_| {
        clock_ms.track();
        context.timeline.track();
        context.choice.track();
        context.is_past.track();
        read(&metric, &title, unit, context).unwrap_or_default()
    });
    let head = move || {
        values.with(|values| {
            values
                .names
                .iter()
                .map(|name| view! { <th scope="col" class="number">{name.clone()}</th> })
                .collect_view()
        })
    };
    let body = move || {
        let row = |(time, cells): &(String, Vec<String>)| {
            let cells =
                cells.iter().map(|cell| view! { <td class="number">{cell.clone()}</td> }).collect_view();
            view! { <tr><th scope="row">{time.clone()}</th>{cells}</tr> }
        };
        values.with(|values| values.rows.iter().map(row).collect_view())
    };
    view! {
        <div class="chart-table" tabindex="0" role="group" aria-label=move || values.with(|values| values.caption.clone())>
            <table class="table">
                <caption>{move || values.with(|values| values.caption.clone())}</caption>
                <thead>
                    <tr>
                        <th scope="col">"Time"</th>
                        {head}
                    </tr>
                </thead>
                <tbody>{body}</tbody>
            </table>
        </div>
    }
}

fn read(metric: &str, title: &str, unit: &str, context: ChartContext) -> Option<Values> {
    let now = context.timeline.now()?;
    let (step_ms, times) = table_times(now.view.start_ms(), now.view.end_ms);
    context.with_tracks(metric, Theme::Light, |tracks| {
        let tracks: Vec<_> = tracks.map(|(track, _)| track).collect();
        let shown = &tracks[..tracks.len().min(COLUMNS_MAX)];
        let cell = |series, at_ms| {
            nearest(series, at_ms).map_or_else(|| "–".to_owned(), |(_, value)| units::number(value))
        };
        let row = |at_ms: f64| {
            let cells = shown.iter().map(|track| cell(track.series, at_ms)).collect();
            (units::clock_millis_where_needed(at_ms as i64, utc_offset_minutes(), step_ms < 1_000.0), cells)
        };
        let unit = if unit.is_empty() { "no unit" } else { unit };
        let cut = match tracks.len() - shown.len() {
            0 => String::new(),
            n => format!("; {} not in this table", units::counted(n as u64, "line", "lines")),
        };
        Values {
            caption: format!("{title} ({unit}), every {}{cut}", units::interval(step_ms as i64)),
            names: shown.iter().map(|track| track.name.to_owned()).collect(),
            rows: times.into_iter().map(row).collect(),
        }
    })
}
