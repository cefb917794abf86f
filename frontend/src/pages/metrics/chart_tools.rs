//! A chart's menu: its range of values, its table, and what it shows as a file.

use leptos::html;
use leptos::prelude::*;
use send_wrapper::SendWrapper;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::HtmlElement;

use crate::browser::clock::utc_offset_minutes;
use crate::chart::draw::ChartContext;
use crate::chart::export::{Caption, save_png, save_text};
use crate::chart::palette::Theme;
use crate::chart::pointer::is_plain;
use crate::chart::readout::csv;
use crate::chart::view::ChartHandle;
use crate::components::focus::leaves;
use crate::control::use_control;
use crate::state::alerts::Threshold;
use crate::state::metrics_query::{FixedRange, range_from_fields};
use crate::state::units;

/// What hands can do with a chart.
const HINTS: &str = "Drag to zoom, with Shift to move through time; Ctrl and the wheel zoom, too. A click locks a moment. \
    Arrow keys go from sample to sample, M from mark to mark, + and − zoom. 0 or a double click returns to the present, and to the window before zooming.";
/// Lines that a picture names; the others are counted.
const PNG_NAMES_MAX: usize = 60;

/// The menu.
#[component]
pub fn ChartTools(
    /// The metric's key.
    metric: String,
    /// What it is called.
    title: String,
    /// Its unit; empty when unknown.
    unit: &'static str,
    /// What the charts share.
    context: ChartContext,
    /// The fixed range of values.
    fixed: Signal<Option<FixedRange>>,
    /// Bounds that are drawn.
    thresholds: Signal<Vec<Threshold>>,
    /// The picture.
    handle: RwSignal<Option<ChartHandle>, LocalStorage>,
    /// Whether the values are shown as a table.
    is_table: RwSignal<bool>,
) -> impl IntoView {
    let note = RwSignal::new(String::new());
    let menu = NodeRef::<html::Details>::new();
    let close = move || {
        if let Some(menu) = menu.get_untracked() {
            menu.set_open(false);
        }
    };
    // Escape gives the keyboard back to where it came from; going elsewhere closes it, too.
    let on_key = move |event: leptos::ev::KeyboardEvent| {
        let open = menu.get_untracked().filter(|menu| menu.open());
        if let (true, "Escape", Some(menu)) = (is_plain(&event), &*event.key(), open) {
            event.stop_propagation();
            menu.set_open(false);
            let summary = menu.query_selector("summary").ok().flatten();
            if let Some(summary) = summary.and_then(|summary| summary.dyn_into::<HtmlElement>().ok()) {
                // A focus that is refused leaves the person where they were.
                let _ = summary.focus();
            }
        }
    };
    let step_secs = {
        let past = use_control().stores.past_state;
        move || past.peek(|past| past.held.filter(|_| past.is_shown).map_or(0, |held| held.step_secs))
    };
    let on_csv = {
        let metric = metric.clone();
        move |_| {
            note.set(save_csv(&metric, step_secs(), context));
            close();
        }
    };
    let on_png = {
        let (metric, title) = (metric.clone(), title.clone());
        move |_| {
            let thresholds = thresholds.get_untracked();
            note.set(save_picture(&metric, &title, unit, context, handle, thresholds));
            close();
        }
    };
    let label = format!("{title}: range, table, files");
    view! {
        <details class="chart-menu" node_ref=menu on:keydown=on_key on:focusout=move |event| if leaves(&event) { close() }>
            <summary aria-label=label.clone() title=label>
                <svg viewBox="0 0 20 20" aria-hidden="true">
                    <circle cx="4" cy="10" r="1.600" /><circle cx="10" cy="10" r="1.600" /><circle cx="16" cy="10" r="1.600" />
                </svg>
            </summary>
            <div class="chart-menu-body panel" tabindex="-1">
                <RangeForm metric unit fixed />
                <div class="chart-menu-row">
                    <button class="button quiet" type="button" on:click=move |_| { is_table.update(|is| *is = !*is); close(); }>
                        {move || if is_table.get() { "Hide the table" } else { "Show as a table" }}
                    </button>
                    <button class="button quiet" type="button" on:click=on_png>"Save PNG"</button>
                    <button class="button quiet" type="button" on:click=on_csv>"Save CSV"</button>
                </div>
                <p class="chart-hints">{HINTS}</p>
            </div>
        </details>
        <span class="chart-note" role="status">{note}</span>
    }
}

/// Two fields: the lowest and highest value.
#[component]
fn RangeForm(
    /// The metric's key.
    metric: String,
    /// Its unit.
    unit: &'static str,
    /// The range now.
    fixed: Signal<Option<FixedRange>>,
) -> impl IntoView {
    let control = SendWrapper::new(use_control());
    let (low, high) = (NodeRef::<html::Input>::new(), NodeRef::<html::Input>::new());
    let error = RwSignal::new("");
    let submit = {
        let (control, metric) = (control.clone(), metric.clone());
        move |event: leptos::ev::SubmitEvent| {
            event.prevent_default();
            let value =
                |field: NodeRef<html::Input>| field.get_untracked().map(|f| f.value()).unwrap_or_default();
            let (low, high) = (value(low), value(high));
            let range = range_from_fields(&low, &high);
            let is_auto = low.trim().is_empty() && high.trim().is_empty();
            error.set(if range.is_none() && !is_auto { "Two numbers, the lower one first." } else { "" });
            if range.is_some() || is_auto {
                control.set_range(&metric, range);
            }
        }
    };
    let follow = move |_| {
        error.set("");
        control.set_range(&metric, None);
    };
    let text = move |read: fn(FixedRange) -> f64| {
        move || fixed.get().map(|range| read(range).to_string()).unwrap_or_default()
    };
    let unit = if unit.is_empty() { String::new() } else { format!(" ({unit})") };
    view! {
        <form class="range-form" on:submit=submit>
            <label>
                <span>{format!("Lowest{unit}")}</span>
                <input class="field" type="text" inputmode="decimal" autocomplete="off" placeholder="auto" node_ref=low prop:value=text(|r| r.0) />
            </label>
            <label>
                <span>{format!("Highest{unit}")}</span>
                <input class="field" type="text" inputmode="decimal" autocomplete="off" placeholder="auto" node_ref=high prop:value=text(|r| r.1) />
            </label>
            <button class="button" type="submit">"Fix"</button>
            <button class="button quiet" type="button" on:click=follow disabled=move || fixed.get().is_none()>"Auto"</button>
            <p class="range-error" role="alert">{error}</p>
        </form>
    }
}

/// Saves every point in view, and says what became of it.
fn save_csv(metric: &str, step_secs: u32, context: ChartContext) -> String {
    let Some(now) = context.timeline.now() else { return String::new() };
    let text = context.with_tracks(metric, Theme::Light, |tracks| {
        let tracks = tracks.map(|(track, _)| track);
        csv(metric, tracks, (now.view.start_ms(), now.view.end_ms), step_secs, iso)
    });
    let Some((text, n_cut)) = text else { return String::new() };
    let name = file_name(metric, now.view.end_ms, "csv");
    match save_text(&text, "text/csv;charset=utf-8", &name) {
        Ok(()) if n_cut == 0 => format!("Saved {name}"),
        Ok(()) => format!("Saved {name} without {}", units::counted(n_cut as u64, "point", "points")),
        Err(error) => format!("Not saved: {}", words_of(&error)),
    }
}

fn save_picture(
    metric: &str,
    title: &str,
    unit: &str,
    context: ChartContext,
    handle: RwSignal<Option<ChartHandle>, LocalStorage>,
    thresholds: Vec<Threshold>,
) -> String {
    let (Some(now), Some(handle)) = (context.timeline.now(), handle.get_untracked()) else {
        return String::new();
    };
    let clock = |ms: f64| units::clock(ms as i64, utc_offset_minutes());
    let unit = if unit.is_empty() { "no unit" } else { unit };
    let name = file_name(metric, now.view.end_ms, "png");
    let saved = handle.with(|plot| {
        let lines = context.with_tracks(metric, plot.theme(), |tracks| {
            tracks.map(|(track, color)| (track.name.to_owned(), color)).take(PNG_NAMES_MAX).collect()
        });
        let date = iso(now.view.end_ms).get(..10).unwrap_or_default().to_owned();
        let (from, to) = (clock(now.view.start_ms()), clock(now.view.end_ms));
        let title = format!("{title} ({unit}), {from} to {to}, {date}");
        let pins = context.marks.try_with_untracked(|marks| {
            let pins = marks.pins(now.view.start_ms(), now.view.end_ms, 1.0).into_iter();
            pins.map(|pin| (now.view.place_of(pin.at_ms as f64), pin)).collect()
        });
        let caption =
            Caption { title, lines: lines.unwrap_or_default(), thresholds, pins: pins.unwrap_or_default() };
        save_png(plot, &caption, name.clone())
    });
    match saved {
        Some(Ok(())) => format!("Saved {name}"),
        Some(Err(error)) => format!("Not saved: {}", words_of(&error)),
        None => String::new(),
    }
}

fn words_of(error: &JsValue) -> String {
    error.as_string().unwrap_or_else(|| "the browser refused".to_owned())
}

/// ISO 8601 in UTC, to the millisecond.
fn iso(ms: f64) -> String {
    js_sys::Date::new(&JsValue::from_f64(ms)).to_iso_string().into()
}

/// `signalbox-cpu-2026-11-20T12-03-07Z.csv`: a name that every system takes.
fn file_name(metric: &str, at_ms: f64, ending: &str) -> String {
    let metric: String = metric
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' })
        .take(40)
        .collect();
    let time = iso(at_ms).get(..19).unwrap_or_default().replace(':', "-");
    format!("signalbox-{metric}-{time}Z.{ending}")
}
