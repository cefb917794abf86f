//! Several lines that were pasted: asked about before they go out one by one.

use leptos::prelude::*;

use crate::control::use_control;
use crate::state::chat_room::SENDS_MAX;
use crate::state::units;

/// Most lines of the paste that are shown.
const SHOWN_MAX: usize = 5;

/// The question, while there is something to ask about.
#[component]
pub fn PasteQuestion(
    /// What was pasted.
    pasted: RwSignal<Option<Vec<String>>>,
    /// What stands in the field.
    text: RwSignal<String>,
    /// What went wrong.
    error: RwSignal<Option<String>>,
) -> impl IntoView {
    let control = use_control();
    let question = move || {
        let lines = pasted.get()?;
        let n_lines = lines.len();
        let is_too_many = SENDS_MAX < n_lines;
        let preview = lines.iter().take(SHOWN_MAX).cloned().collect::<Vec<_>>().join("\n");
        let n_more = n_lines.saturating_sub(SHOWN_MAX);
        let more =
            (n_more > 0).then(|| format!("… and {} more", units::counted(n_more as u64, "line", "lines")));
        let count = units::counted(n_lines as u64, "line", "lines");
        let (one, all) = (lines.clone(), lines);
        let control = control.clone();
        let send_all = move |_| {
            let mut left = all.iter();
            for line in left.by_ref() {
                if let Err(why) = control.say(line.clone()) {
                    error.set(Some(why));
                    break;
                }
            }
            pasted.set(None);
        };
        let join = move |_| {
            text.update(|text| text.push_str(&one.join(" ")));
            pasted.set(None);
        };
        let limit = is_too_many.then(|| format!(" At most {SENDS_MAX} can be sent at once."));
        Some(view! {
            <div class="paste" role="group" aria-label="Pasted lines">
                <p>{format!("You pasted {count}.")} {limit}</p>
                <pre class="paste-preview">{preview}</pre>
                {more.map(|more| view! { <p class="quiet-note">{more}</p> })}
                <div class="paste-choices">
                    {(!is_too_many).then(|| view! {
                        <button class="button primary" type="button" on:click=send_all>
                            {format!("Send {count}")}
                        </button>
                    })}
                    <button class="button" type="button" on:click=join>"Make one line of it"</button>
                    <button class="button quiet" type="button" on:click=move |_| pasted.set(None)>"Cancel"</button>
                </div>
            </div>
        })
    };
    view! { {question} }
}
