//! A payload in the form that suits it or that was chosen: JSON, text, hexadecimal, base64, a picture, or what differs
//! from the message before.
//!
//! However large it is, each task looks at a piece of it, and only the lines in view exist.

use std::sync::Arc;

use js_sys::{Array, Uint8Array};
use leptos::prelude::*;
use signalbox_shared::socket::TailMessage;

use super::payload_lines::PayloadLines;
use super::payload_viewer::{FIRST_BYTES, Layout, Viewer};
use super::save;
use crate::control::use_control;
use crate::state::json_lines::JsonLines;
use crate::state::line_diff::Diff;
use crate::state::payload_form::{Form, image_type};
use crate::state::text_lines::TextLines;
use crate::state::visible::HEX_LINE_BYTES;
use crate::state::{units, visible};

/// Bytes of each message that a difference looks at: what the tail carries of one.
const DIFFERENCE_BYTES_MAX: usize = 64 * 1024;
/// Most lines of each that it looks at, so that it is told within a frame or two whatever they are.
const DIFFERENCE_LINES_MAX: usize = 4_000;

/// The viewer.
#[component]
pub fn PayloadView(
    /// The row of the message.
    serial: u64,
    /// The message before it.
    before: Option<Arc<TailMessage>>,
) -> impl IntoView {
    let control = use_control();
    let (best, is_image) = control.stores.whole.peek(|whole| match whole {
        Some(whole) => (Form::of(&whole.bytes, whole.is_complete()), image_type(&whole.bytes).is_some()),
        None => (Form::Text, false),
    });
    let viewer = Viewer {
        serial,
        form: RwSignal::new(best),
        layout: StoredValue::new_local(Layout::default()),
        revision: RwSignal::new(0),
    };
    viewer.advance(&control, FIRST_BYTES);
    let whole = control.stores.whole.clone();
    let size = Memo::new(move |_| {
        whole.with(|whole| whole.as_ref().map(|whole| (whole.bytes.len(), whole.size_bytes)))
    });
    Effect::new({
        let control = control.clone();
        move |old: Option<()>| {
            // Read, not only tracked: a memo that nobody has read does not tell of its changes.
            let _ = size.get();
            viewer.form.track();
            if old.is_some() {
                viewer.advance(&control, FIRST_BYTES);
            } else {
                viewer.advance(&control, 0);
            }
        }
    });
    let choose = {
        let (control, before) = (control, before.clone());
        move |form: Form| {
            if form == Form::Difference {
                let found = before.as_ref().map(|before| difference(&control, before));
                viewer.layout.try_update_value(|layout| {
                    layout.is_difference_of_parts =
                        found.as_ref().is_some_and(|(_, is_of_parts)| *is_of_parts);
                    layout.difference = found.map(|(diff, _)| diff);
                });
            }
            viewer.form.set(form);
        }
    };
    let has_before = before.is_some();
    let is_offered = move |form: &Form| match form {
        Form::Image => is_image,
        Form::Difference => has_before,
        _ => true,
    };
    let buttons = Form::ALL.into_iter().filter(is_offered).map(|form| {
        let choose = choose.clone();
        view! {
            <button
                class="button segment"
                type="button"
                aria-pressed=move || (viewer.form.get() == form).to_string()
                on:click=move |_| choose(form)
            >
                {form.title()}
            </button>
        }
    });
    view! {
        <div class="segments forms" role="group" aria-label="Show the payload as">{buttons.collect_view()}</div>
        <Notes viewer best />
        {move || match viewer.form.get() {
            Form::Image => view! { <Picture serial /> }.into_any(),
            _ => view! { <PayloadLines viewer /> }.into_any(),
        }}
    }
}

/// What must be known about what is seen.
#[component]
fn Notes(
    /// The viewer.
    viewer: Viewer,
    /// The form that suits the payload.
    best: Form,
) -> impl IntoView {
    let control = use_control();
    let note = move || {
        viewer.revision.track();
        let form = viewer.form.get();
        viewer.layout.try_with_value(|layout| match form {
            Form::Json => {
                if let Some(error) = layout.json.error() {
                    let place = control
                        .stores
                        .whole
                        .peek(|whole| whole.as_ref().map_or((0, 0), |whole| error.place(&whole.bytes)));
                    return Some(format!("Not JSON from line {}, column {} on: {error}", place.0, place.1));
                }
                let n = units::count(layout.json.len() as u64);
                layout
                    .json
                    .is_full()
                    .then(|| format!("Only the first {n} lines are laid out; Text shows more"))
            }
            Form::Text => {
                let n = units::count(layout.text.len() as u64);
                let cut = layout
                    .text
                    .is_full()
                    .then(|| format!("Only the first {n} lines are laid out; Hex shows all"));
                cut.or_else(|| {
                    (best == Form::Hex).then(|| "Not text: what is no UTF-8 stands as ⟨FF⟩".to_owned())
                })
            }
            Form::Difference => {
                let diff = layout.difference.as_ref()?;
                let (n_gone, n_new) = diff.counts();
                let coarse = if diff.is_coarse { "; too much differs to compare line by line" } else { "" };
                let same = if n_gone + n_new == 0 {
                    "Nothing differs from the message before".to_owned()
                } else {
                    format!(
                        "{} gone, {} new since the message before",
                        units::counted(n_gone as u64, "line", "lines"),
                        units::counted(n_new as u64, "line", "lines")
                    )
                };
                let part = if layout.is_difference_of_parts {
                    let (n_bytes, n_lines) = (DIFFERENCE_BYTES_MAX as u64, DIFFERENCE_LINES_MAX as u64);
                    let (bytes, lines) = (units::bytes(n_bytes), units::count(n_lines));
                    format!("; only their beginnings are compared ({bytes}, {lines} lines)")
                } else {
                    String::new()
                };
                Some(format!("{same}{coarse}{part}"))
            }
            _ => None,
        })
    };
    move || note().flatten().map(|text| view! { <p class="form-note">{text}</p> })
}

/// The lines of both messages as they are best read, compared, and whether that is only their beginnings.
fn difference(control: &crate::control::Control, before: &TailMessage) -> (Diff, bool) {
    let old = before.payload.bytes().map(|bytes| lines_of(&bytes)).unwrap_or_default();
    let (new, size_bytes) = control.stores.whole.peek(|whole| {
        whole.as_ref().map(|whole| (lines_of(&whole.bytes), whole.size_bytes)).unwrap_or_default()
    });
    let n_bytes_max = DIFFERENCE_BYTES_MAX as u64;
    let is_long = |size_bytes: u64| n_bytes_max < size_bytes;
    let is_full = |lines: &Vec<String>| DIFFERENCE_LINES_MAX <= lines.len();
    let is_of_parts = is_long(size_bytes) || is_long(before.size_bytes) || is_full(&old) || is_full(&new);
    (Diff::of(&old, &new), is_of_parts)
}

fn lines_of(bytes: &[u8]) -> Vec<String> {
    let bytes = &bytes[..bytes.len().min(DIFFERENCE_BYTES_MAX)];
    match Form::of(bytes, true) {
        Form::Json => {
            let mut json = JsonLines::default();
            json.advance(bytes, usize::MAX, true);
            let part = |(start, end): (u32, u32)| visible::line(&bytes[start as usize..end as usize]);
            let first = (0..json.len().min(DIFFERENCE_LINES_MAX)).filter_map(|n| json.line(n));
            let lines = first.map(|line| {
                let key = line.key.map(|key| format!("{}: ", part(key))).unwrap_or_default();
                // A comma would make the last line of a list differ when one more follows.
                format!("{}{key}{}", "  ".repeat(line.depth.min(40) as usize), part(line.value))
            });
            lines.collect()
        }
        Form::Text => {
            let mut text = TextLines::default();
            text.advance(bytes, usize::MAX, true);
            let n_lines = text.len().min(DIFFERENCE_LINES_MAX);
            (0..n_lines).map(|n| visible::line(text.line(bytes, n))).collect()
        }
        _ => {
            let line = |n| visible::hex_line(bytes, n, HEX_LINE_BYTES, bytes.len());
            (0..bytes.len().div_ceil(HEX_LINE_BYTES)).map(line).collect()
        }
    }
}

/// The picture, from the bytes that are here, once all of them are.
#[component]
fn Picture(
    /// The row of the message.
    serial: u64,
) -> impl IntoView {
    let control = use_control();
    let whole = control.stores.whole.clone();
    let is_complete = Memo::new(move |_| {
        whole.with(|whole| whole.as_ref().is_some_and(|whole| whole.serial == serial && whole.is_complete()))
    });
    let link = StoredValue::new(None::<String>);
    on_cleanup(move || {
        if let Some(Some(link)) = link.try_get_value() {
            let _ = web_sys::Url::revoke_object_url(&link);
        }
    });
    let has_failed = RwSignal::new(false);
    move || {
        if !is_complete.get() {
            return view! { <p class="quiet-note">"The picture appears when all of it is here."</p> }
                .into_any();
        }
        let made = control.stores.whole.peek(|whole| {
            let whole = whole.as_ref()?;
            let parts = Array::of1(&Uint8Array::from(whole.bytes.as_slice()).into());
            save::link(&parts, image_type(&whole.bytes)?).ok()
        });
        link.try_set_value(made.clone());
        if has_failed.get() {
            return view! { <p class="quiet-note">"The browser cannot show this picture; Hex shows its bytes."</p> }.into_any();
        }
        let source = made.unwrap_or_default();
        view! {
            <div class="picture">
                <img src=source alt="The payload as a picture" on:error=move |_| has_failed.set(true) />
            </div>
        }
        .into_any()
    }
}
