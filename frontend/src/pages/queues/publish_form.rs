//! Publishes a message: text, JSON, bytes in hexadecimal or a file; once or many times; and says what became of it.

use std::sync::Arc;

use leptos::prelude::*;
use signalbox_shared::ChannelName;
use signalbox_shared::channel::CHANNEL_NAME_BYTES_MAX;
use wasm_bindgen::JsCast as _;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::HtmlInputElement;

use super::publish_draft::Draft;
use super::publish_history::History;
use super::publish_repeat::RepeatForm;
use crate::control::use_control;
use crate::state::publish_draft::{DraftKind, LineEnd, bytes_of, why_hex};
use crate::state::units;

/// Largest file that is read, in bytes: the largest frame that the broker takes (docs/protocol.md §1).
const FILE_BYTES_MAX: f64 = 16.0 * 1024.0 * 1024.0;

/// The form.
#[component]
pub fn PublishForm(
    /// The channel whose messages are shown: where a message most likely should go.
    chosen: Memo<Option<ChannelName>>,
    /// What it holds.
    draft: Draft,
) -> impl IntoView {
    let control = use_control();
    let error = RwSignal::new(None::<String>);
    Effect::new(move |_| {
        if let Some(name) = chosen.get() {
            draft.channel.set(name.to_string());
        }
    });
    // JSON is checked while it is written; nothing is said about a form that is still empty.
    let fault = Memo::new(move |_| {
        let kind = draft.kind.get();
        let is_checked = matches!(kind, DraftKind::Json | DraftKind::Hex);
        let fault = |text: &String| bytes_of(kind, text, LineEnd::Lf).err();
        draft.text.with(|text| (is_checked && !text.is_empty()).then(|| fault(text)).flatten())
    });
    let publish = {
        let control = control;
        move || match draft.read() {
            Ok((channel, bytes)) => {
                error.set(None);
                control.publish(&channel, &bytes);
            }
            Err(why) => error.set(Some(why)),
        }
    };
    let on_submit = publish.clone();
    let on_keydown = move |event: web_sys::KeyboardEvent| {
        if event.key() == "Enter" && (event.ctrl_key() || event.meta_key()) {
            event.prevent_default();
            publish();
        }
    };
    let kinds = DraftKind::ALL.map(|kind| {
        view! {
            <button
                class="button segment"
                type="button"
                aria-pressed=move || (draft.kind.get() == kind).to_string()
                on:click=move |_| draft.kind.set(kind)
            >
                {kind.title()}
            </button>
        }
    });
    view! {
        <section class="publish" aria-labelledby="publish-title">
            <h2 id="publish-title">"Publish"</h2>
            <form on:submit=move |event| {
                event.prevent_default();
                on_submit();
            }>
                <label>
                    <span>"Channel"</span>
                    <input
                        class="field"
                        name="channel"
                        required
                        maxlength=CHANNEL_NAME_BYTES_MAX.to_string()
                        placeholder="/topic/hello"
                        autocomplete="off"
                        spellcheck="false"
                        bind:value=draft.channel
                    />
                </label>
                <div class="segments" role="group" aria-label="The message is">{kinds.into_iter().collect_view()}</div>
                {move || match draft.kind.get() {
                    DraftKind::File => view! { <FileField draft error /> }.into_any(),
                    _ => view! {
                        <label>
                            <span>"Message (Ctrl+Enter publishes)"</span>
                            <textarea
                                class="field"
                                name="message"
                                rows="5"
                                spellcheck="false"
                                aria-invalid=move || fault.with(Option::is_some).to_string()
                                aria-describedby="publish-fault"
                                bind:value=draft.text
                                on:keydown=on_keydown.clone()
                            ></textarea>
                        </label>
                    }.into_any(),
                }}
                <LineEnds draft />
                <p class="form-error" id="publish-fault" role="status">{move || fault.get()}</p>
                <button class="button primary" type="submit">"Publish"</button>
            </form>
            <p class="form-error" role="alert">{move || error.get()}</p>
            <RepeatForm draft error />
            <History draft />
        </section>
    }
}

/// How the lines of what is written end, where there is more than one, and what a text field cannot hold.
#[component]
fn LineEnds(
    /// What the form holds.
    draft: Draft,
) -> impl IntoView {
    let is_crlf = move || draft.line_end.get() == LineEnd::CrLf;
    let is_offered = Memo::new(move |_| {
        let is_written = matches!(draft.kind.get(), DraftKind::Text | DraftKind::Json);
        is_written && (is_crlf() || draft.text.with(|text| text.contains('\n')))
    });
    let why_hex = Memo::new(move |_| draft.text.with(|text| why_hex(draft.kind.get(), text)));
    let choose = move |event| {
        draft.line_end.set(if event_target_checked(&event) { LineEnd::CrLf } else { LineEnd::Lf });
    };
    view! {
        <Show when=move || is_offered.get()>
            <label class="choice">
                <input type="checkbox" name="crlf" prop:checked=is_crlf on:change=choose />
                "Lines end with CR LF"
            </label>
        </Show>
        {move || why_hex.get().map(|why| view! { <p class="quiet-note">{why}</p> })}
    }
}

#[component]
fn FileField(
    /// What the form holds.
    draft: Draft,
    /// What is wrong.
    error: RwSignal<Option<String>>,
) -> impl IntoView {
    let chosen = move |event: web_sys::Event| {
        let input = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok());
        let Some(file) = input.and_then(|input| input.files()?.get(0)) else { return };
        if FILE_BYTES_MAX < file.size() {
            error.set(Some(format!(
                "{} is larger than {}",
                file.name(),
                units::bytes(FILE_BYTES_MAX as u64)
            )));
            return;
        }
        spawn_local(async move {
            match JsFuture::from(file.array_buffer()).await {
                Ok(buffer) => {
                    let bytes: Arc<[u8]> = js_sys::Uint8Array::new(&buffer).to_vec().into();
                    draft.file.try_set(Some((file.name(), bytes)));
                    error.try_set(None);
                }
                Err(_) => {
                    error.try_set(Some(format!("{} cannot be read", file.name())));
                }
            }
        });
    };
    let note = move || {
        draft.file.with(|file| {
            file.as_ref().map(|(name, bytes)| format!("{name}, {}", units::bytes(bytes.len() as u64)))
        })
    };
    view! {
        <label>
            <span>"File"</span>
            <input class="field" type="file" name="file" on:change=chosen />
        </label>
        <p class="quiet-note">{note}</p>
    }
}
