//! The lines of a payload that are in view, and what can be done with the one that is chosen.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use leptos::html::Div;
use leptos::prelude::*;
use web_sys::KeyboardEvent;

use super::payload_viewer::{Layout, Viewer};
use crate::components::copy_button::CopyButton;
use crate::components::viewport::{use_viewport, use_width};
use crate::control::stores::Whole;
use crate::control::use_control;
use crate::state::json_lines::{Line, LineKind};
use crate::state::line_diff::Change;
use crate::state::payload_form::Form;
use crate::state::units;
use crate::state::virtual_rows::{drawn, reveal};
use crate::state::visible;

/// Height of a line in CSS pixels; `--payload-line` in the style sheet says the same.
const LINE_PX: f64 = 20.0;
/// Most bytes of one value that a line shows; Text shows all of it.
const VALUE_BYTES_MAX: u32 = 400;
/// Most characters of a path that are shown: JSON may be a hundred thousand levels deep. All of it is copied.
const PATH_CHARS_MAX: usize = 1_000;
/// Width of a character in CSS pixels, of the widest fonts that style.css names, in the size that it names.
const CHAR_PX: f64 = 8.1;
/// What stands beside the characters of a line, in characters: its indent and the space at its end.
const MARGIN_CHARS: f64 = 4.0;
/// Deepest that a line is set in, in steps: deeper ones would leave the screen.
const INDENT_MAX: u32 = 30;

/// One line as it is drawn.
#[derive(Clone, Debug, PartialEq)]
struct Shown {
    row: usize,
    /// Its number among the JSON's lines.
    line: usize,
    depth: u32,
    /// Whether it can be folded, and is.
    fold: Option<bool>,
    kind: &'static str,
    key: String,
    value: String,
    tail: &'static str,
}

/// The lines.
#[component]
pub fn PayloadLines(
    /// The viewer.
    viewer: Viewer,
) -> impl IntoView {
    let control = use_control();
    let scroller: NodeRef<Div> = NodeRef::new();
    let (viewport, measure) = use_viewport(scroller);
    let width_px = use_width(scroller);
    let form = viewer.form.get_untracked();
    let chosen = RwSignal::new(None::<usize>);
    let whole = control.stores.whole.clone();
    let n_bytes = Memo::new(move |_| whole.with(|whole| whole.as_ref().map_or(0, |whole| whole.bytes.len())));
    // Bytes in a line, of the forms that have equally many in each.
    let row_bytes = Memo::new(move |_| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a screen's characters")]
        let chars = (width_px.get() / CHAR_PX - MARGIN_CHARS).max(0.0) as usize;
        match form {
            Form::Base64 => visible::base64_line_bytes(chars),
            _ => visible::hex_line_bytes(chars, n_bytes.get()),
        }
    });
    let n_rows = Memo::new(move |_| {
        viewer.revision.track();
        let (n_bytes, row_bytes) = (n_bytes.get(), row_bytes.get());
        viewer.layout.try_with_value(|layout| n_rows(form, layout, n_bytes, row_bytes)).unwrap_or(0)
    });
    let slice = Memo::new(move |_| drawn(viewport.get(), n_rows.get(), LINE_PX));
    let lines = {
        let whole = control.stores.whole;
        Memo::new(move |_| {
            viewer.revision.track();
            n_bytes.track();
            let (slice, row_bytes) = (slice.get(), row_bytes.get());
            whole.peek(|whole| {
                let Some(whole) = whole else { return Vec::new() };
                let read = |layout: &Layout| {
                    shown_lines(form, layout, whole, slice.first..slice.first + slice.n, row_bytes)
                };
                viewer.layout.try_with_value(read).unwrap_or_default()
            })
        })
    };
    let toggle = move |line: usize| {
        viewer.layout.try_update_value(|layout| layout.folds.toggle(&layout.json, line));
        viewer.revision.try_update(|revision| *revision += 1);
    };
    let on_keydown = move |event: KeyboardEvent| {
        let n = n_rows.get_untracked();
        if form != Form::Json || n == 0 || event.ctrl_key() || event.meta_key() || event.alt_key() {
            return;
        }
        let row = chosen.get_untracked().and_then(|line| row_of(viewer, line, n));
        let next = match event.key().as_str() {
            "ArrowDown" => row.map_or(0, |row| (row + 1).min(n - 1)),
            "ArrowUp" => row.map_or(0, |row| row.saturating_sub(1)),
            "Home" => 0,
            "End" => n - 1,
            "ArrowLeft" | "ArrowRight" | "Enter" => {
                event.prevent_default();
                let want_folded = event.key() == "ArrowLeft";
                let Some(line) = chosen.get_untracked() else { return };
                let is_folded = viewer.layout.try_with_value(|layout| layout.folds.is_folded(line));
                if event.key() == "Enter" || is_folded != Some(want_folded) {
                    toggle(line);
                }
                return;
            }
            _ => return,
        };
        event.prevent_default();
        chosen.set(line_of(viewer, next));
        if let (Some(top_px), Some(scroller)) =
            (reveal(viewport.get_untracked(), next, n, LINE_PX), scroller.get_untracked())
        {
            #[expect(clippy::cast_possible_truncation, reason = "within the list's extent")]
            scroller.set_scroll_top(top_px.round() as i32);
        }
    };
    view! {
        {(form == Form::Json).then(|| view! { <FoldButtons viewer /> })}
        <div
            class="payload"
            data-form=form.title()
            tabindex="0"
            role="group"
            aria-label="Payload"
            node_ref=scroller
            on:scroll=move |_| measure()
            on:keydown=on_keydown
        >
            <div class="payload-extent" style:height=move || format!("{}px", slice.get().extent_px)>
                <div class="payload-lines" style:transform=move || format!("translateY({}px)", slice.get().top_px)>
                    <For each=move || lines.get() key=|shown| format!("{shown:?}") let:shown>
                        <LineView shown chosen toggle />
                    </For>
                </div>
            </div>
        </div>
        {(form == Form::Json).then(|| view! { <ChosenLine viewer chosen /> })}
    }
}

#[component]
fn LineView(
    /// The line.
    shown: Shown,
    /// Which JSON line is chosen.
    chosen: RwSignal<Option<usize>>,
    /// Folds a line, or unfolds it.
    toggle: impl Fn(usize) + Copy + 'static,
) -> impl IntoView {
    let line = shown.line;
    let fold = shown.fold.map(|is_folded| {
        view! {
            <button
                class="fold"
                type="button"
                tabindex="-1"
                aria-label=if is_folded { "Unfold" } else { "Fold" }
                on:click=move |_| toggle(line)
            >
                {if is_folded { "▸" } else { "▾" }}
            </button>
        }
    });
    let indent = format!("{}ch", 2 + shown.depth.min(INDENT_MAX) * 2);
    let key = (!shown.key.is_empty()).then(|| view! { <span class="json-key">{shown.key}": "</span> });
    view! {
        <div
            class="payload-line"
            class:chosen=move || chosen.get() == Some(line)
            style:padding-left=indent
            on:click=move |_| chosen.set(Some(line))
        >
            {fold}
            {key}
            <span data-kind=shown.kind>{shown.value}</span>
            {shown.tail}
        </div>
    }
}

#[component]
fn FoldButtons(
    /// The viewer.
    viewer: Viewer,
) -> impl IntoView {
    let change = move |is_folding: bool| {
        viewer.layout.try_update_value(|layout| {
            if is_folding { layout.folds.fold_all(&layout.json) } else { layout.folds.clear() }
        });
        viewer.revision.try_update(|revision| *revision += 1);
    };
    view! {
        <div class="fold-buttons">
            <button class="button quiet" type="button" on:click=move |_| change(true)>"Fold all"</button>
            <button class="button quiet" type="button" on:click=move |_| change(false)>"Unfold all"</button>
        </div>
    }
}

/// The path of the chosen line, and what can be done with it.
#[component]
fn ChosenLine(
    /// The viewer.
    viewer: Viewer,
    /// Which line is chosen.
    chosen: RwSignal<Option<usize>>,
) -> impl IntoView {
    let control = use_control();
    let found = {
        let control = control.clone();
        Memo::new(move |_| {
            let n = chosen.get()?;
            control.stores.whole.peek(|whole| {
                let whole = whole.as_ref()?;
                viewer.layout.try_with_value(|layout| {
                    let line = layout.json.line(n)?;
                    let is_number = line.kind == LineKind::Number;
                    let is_all = viewer.serial == whole.serial;
                    is_all.then_some(())?;
                    Some((layout.json.path(&whole.bytes, n)?, is_number))
                })?
            })
        })
    };
    let chart = {
        let control = control;
        move |_| {
            let steps = control.stores.whole.peek(|whole| {
                let (whole, n) = (whole.as_ref()?, chosen.get_untracked()?);
                viewer.layout.try_with_value(|layout| layout.json.steps(&whole.bytes, n))?
            });
            if let Some(steps) = steps {
                control.chart_field(steps);
            }
        }
    };
    let copied = move || found.get_untracked().map(|(path, _)| path);
    view! {
        <div class="chosen-line">
            {move || match found.get() {
                None => view! { <span class="unit">"Click a line to see its path"</span> }.into_any(),
                Some((path, is_number)) => view! {
                    <code class="ellipsis" title=visible::ends(&path, PATH_CHARS_MAX)>{visible::ends(&path, PATH_CHARS_MAX)}</code>
                    <CopyButton label="Copy path" text=copied />
                    {is_number.then(|| view! {
                        <button class="button quiet" type="button" title="Draw this number of every message as a live chart" on:click=chart.clone()>"Chart"</button>
                    })}
                }.into_any(),
            }}
        </div>
    }
}

fn n_rows(form: Form, layout: &Layout, n_bytes: usize, row_bytes: usize) -> usize {
    match form {
        Form::Json => layout.folds.n_rows(layout.json.len()),
        Form::Text => layout.text.len(),
        Form::Hex | Form::Base64 => n_bytes.div_ceil(row_bytes),
        Form::Difference => layout.difference.as_ref().map_or(0, |diff| diff.changes.len()),
        Form::Image => 0,
    }
}

fn row_of(viewer: Viewer, line: usize, n_rows: usize) -> Option<usize> {
    viewer.layout.try_with_value(|layout| {
        let n_lines = layout.json.len();
        // Rows are in the order of their lines, so that the place can be found by halving.
        let (mut low, mut high) = (0, n_rows);
        while low < high {
            let middle = (low + high) / 2;
            match layout.folds.rows(middle, 1, n_lines).first() {
                Some(&found) if found < line => low = middle + 1,
                _ => high = middle,
            }
        }
        (low < n_rows).then_some(low)
    })?
}

fn line_of(viewer: Viewer, row: usize) -> Option<usize> {
    viewer.layout.try_with_value(|layout| layout.folds.rows(row, 1, layout.json.len()).first().copied())?
}

fn shown_lines(
    form: Form,
    layout: &Layout,
    whole: &Whole,
    rows: Range<usize>,
    row_bytes: usize,
) -> Vec<Shown> {
    let bytes = whole.bytes.as_slice();
    let plain = |row: usize, kind: &'static str, value: String| Shown {
        row,
        line: row,
        depth: 0,
        fold: None,
        kind,
        key: String::new(),
        value,
        tail: "",
    };
    match form {
        Form::Json => {
            let lines = layout.folds.rows(rows.start, rows.len(), layout.json.len());
            let shown = rows
                .zip(lines)
                .filter_map(|(row, line)| Some(json_line(row, line, layout.json.line(line)?, layout, bytes)));
            shown.collect()
        }
        Form::Text => {
            rows.map(|row| plain(row, "plain", visible::line(layout.text.line(bytes, row)))).collect()
        }
        Form::Hex => {
            let line = |row: usize| visible::hex_line(bytes, row, row_bytes, bytes.len());
            rows.map(|row| plain(row, "plain", line(row))).collect()
        }
        Form::Base64 => {
            let line = |row: usize| {
                let from = (row * row_bytes).min(bytes.len());
                STANDARD.encode(&bytes[from..bytes.len().min(from + row_bytes)])
            };
            rows.map(|row| plain(row, "plain", line(row))).collect()
        }
        Form::Difference => {
            let changes = layout.difference.as_ref().map(|diff| diff.changes.as_slice()).unwrap_or_default();
            let shown =
                changes.iter().enumerate().skip(rows.start).take(rows.len()).map(
                    |(row, change)| match change {
                        Change::Same(text) => plain(row, "same", format!("  {text}")),
                        Change::Gone(text) => plain(row, "gone", format!("- {text}")),
                        Change::New(text) => plain(row, "new", format!("+ {text}")),
                    },
                );
            shown.collect()
        }
        Form::Image => Vec::new(),
    }
}

fn json_line(row: usize, n: usize, line: &Line, layout: &Layout, bytes: &[u8]) -> Shown {
    let part = |(start, end): (u32, u32)| {
        let until = end.min(start.saturating_add(VALUE_BYTES_MAX));
        let text = visible::line(bytes.get(start as usize..until as usize).unwrap_or_default());
        let cut = units::bytes(u64::from(end - start));
        if until < end { format!("{text}… ({cut}, Text shows all)") } else { text }
    };
    let is_folded = layout.folds.is_folded(n);
    let value = match (is_folded, layout.json.closing(n)) {
        (true, Some(end)) => {
            let closing = layout.json.line(end).map(|line| part(line.value)).unwrap_or_default();
            let n_inside = units::counted((end - n - 1) as u64, "line", "lines");
            format!("{} … {closing}  {n_inside}", part(line.value))
        }
        _ => part(line.value),
    };
    let closing = layout.json.closing(n).and_then(|end| layout.json.line(end));
    let has_comma = if is_folded { closing.is_some_and(|line| line.has_comma) } else { line.has_comma };
    Shown {
        row,
        line: n,
        depth: line.depth,
        fold: (line.kind == LineKind::Open && layout.json.closing(n).is_some()).then_some(is_folded),
        kind: match line.kind {
            LineKind::Text => "text",
            LineKind::Number => "number",
            LineKind::Word => "word",
            LineKind::Open | LineKind::Close | LineKind::Empty => "bracket",
        },
        key: line.key.map(part).unwrap_or_default(),
        value,
        tail: if has_comma { "," } else { "" },
    }
}
