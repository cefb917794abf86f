//! Pause, consume, export: what can be done with a tail.

use gloo_timers::future::TimeoutFuture;
use js_sys::Array;
use leptos::prelude::*;
use signalbox_shared::ChannelName;
use signalbox_shared::socket::TailMode;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;

use super::{can, save};
use crate::control::{Control, use_control};
use crate::state::export::Format;
use crate::state::tail::{Hold, Tail};
use crate::state::units;

/// Messages that are written in one task of an export.
const EXPORT_SLICE: usize = 100;

/// The controls.
#[component]
pub fn TailControls(
    /// The channel.
    channel: ChannelName,
) -> impl IntoView {
    let control = use_control();
    let tail = control.stores.tail.clone();
    let pause = Memo::new(move |_| {
        tail.with(|tail| {
            tail.as_ref().map(|tail| (tail.held() == Some(Hold::Asked), tail.n_behind())).unwrap_or_default()
        })
    });
    let toggle_pause = {
        let control = control.clone();
        move |_| if pause.get_untracked().0 { control.resume_tail(true) } else { control.pause_tail() }
    };
    let pause_label = move || match pause.get() {
        (false, _) => "Pause".to_owned(),
        (true, 0) => "Resume".to_owned(),
        (true, n) => format!("Resume ({} new)", units::count(n)),
    };
    let jump = {
        let control = control.clone();
        move |_| control.resume_tail(false)
    };
    let clear = {
        let control = control;
        move |_| control.update_tail(Tail::clear)
    };
    view! {
        <div class="tail-controls">
            <ConsumeSwitch />
            <ExportButtons channel />
            <button class="button quiet" type="button" title="Empty the list; nothing happens to the channel" on:click=clear>"Clear"</button>
            <Show when=move || matches!(pause.get(), (true, 1..))>
                <button class="button quiet" type="button" title="Go on with what comes now; what waits is counted and left out" on:click=jump.clone()>
                    "Jump to live"
                </button>
            </Show>
            <button
                class="button pause"
                type="button"
                aria-pressed=move || pause.get().0.to_string()
                on:click=toggle_pause
            >
                {pause_label}
            </button>
        </div>
    }
}

/// Taking part in the delivery; only where the administrator allows it. A topic's subscriber takes nothing from others.
#[component]
fn ConsumeSwitch() -> impl IntoView {
    let control = use_control();
    let can_consume = can(&control, |permits| permits.consume);
    let tail = control.stores.tail.clone();
    let state = Memo::new(move |_| {
        tail.with(|tail| {
            let tail = tail.as_ref()?;
            let is_queue = tail.channel.kind() == signalbox_shared::ChannelKind::Queue;
            is_queue.then_some(tail.mode == TailMode::Consume)
        })
    });
    let switch_mode = move |_| {
        let is_consuming = state.get_untracked() == Some(true);
        control.set_tail_mode(if is_consuming { TailMode::Tap } else { TailMode::Consume });
    };
    view! {
        <Show when=move || can_consume.get() && state.get().is_some()>
            <button
                class="button switch"
                type="button"
                role="switch"
                aria-checked=move || (state.get() == Some(true)).to_string()
                title="Take part in the delivery: what this page receives, nobody else gets"
                on:click=switch_mode.clone()
            >
                "Consume"
            </button>
        </Show>
    }
}

#[component]
fn ExportButtons(
    /// The channel.
    channel: ChannelName,
) -> impl IntoView {
    let control = use_control();
    let can_export = can(&control, |permits| permits.export);
    let button = move |format: Format, title: &'static str| {
        let (control, channel) = (control.clone(), channel.clone());
        view! {
            <button
                class="button quiet"
                type="button"
                title=format!("Save what is in the list as {title}")
                on:click=move |_| export(&control, &channel, format)
            >
                {title}
            </button>
        }
    };
    view! {
        <Show when=move || can_export.get()>
            <div class="export" role="group" aria-label="Save what is in the list">
                {button(Format::Ndjson, "NDJSON")}
                {button(Format::Csv, "CSV")}
            </div>
        </Show>
    }
}

/// Writes the list as it is now into a file, a piece per task.
fn export(control: &Control, channel: &ChannelName, format: Format) {
    let messages: Vec<_> = control
        .stores
        .tail
        .peek(|tail| tail.as_ref().map(|tail| tail.messages().cloned().collect()).unwrap_or_default());
    let channel = channel.clone();
    spawn_local(async move {
        let parts = Array::of1(&JsValue::from_str(format.head()));
        for slice in messages.chunks(EXPORT_SLICE) {
            let text: String = slice.iter().map(|message| format.line(&channel, message)).collect();
            parts.push(&JsValue::from_str(&text));
            TimeoutFuture::new(0).await;
        }
        save::blob(&parts, format.media_type(), &format.file_name(&channel));
    });
}
