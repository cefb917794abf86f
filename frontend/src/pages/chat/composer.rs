//! Where a line is written.

use leptos::ev::SubmitEvent;
use leptos::html::Input;
use leptos::prelude::*;
use signalbox_shared::chat::LINE_BYTES_MAX;

use crate::app::use_control;
use crate::state::chat_room::SENDS_MAX;
use crate::state::units;

/// The form.
#[component]
pub fn Composer() -> impl IntoView {
    let control = use_control();
    let text = RwSignal::new(String::new());
    let error = RwSignal::new(None::<String>);
    let field: NodeRef<Input> = NodeRef::new();
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let line = text.get_untracked().trim().to_owned();
        match check(&line) {
            Ok(()) if line.is_empty() => {}
            Ok(()) if control.say(line) => {
                error.set(None);
                text.set(String::new());
            }
            Ok(()) => error
                .set(Some(format!("{SENDS_MAX} lines wait already; they go as soon as the relay answers"))),
            Err(why) => error.set(Some(why)),
        }
        if let Some(field) = field.get_untracked() {
            // A focus that is refused leaves the person where they were.
            let _ = field.focus();
        }
    };
    view! {
        <form class="composer" on:submit=submit>
            <label class="visually-hidden" for="say">"Say something"</label>
            <input
                class="field"
                id="say"
                name="line"
                autocomplete="off"
                placeholder="Say something"
                node_ref=field
                bind:value=text
            />
            <button class="button primary" type="submit">"Send"</button>
        </form>
        <p class="form-error" role="alert">{move || error.get()}</p>
    }
}

/// A line that the relay would refuse is not sent.
fn check(line: &str) -> Result<(), String> {
    if LINE_BYTES_MAX < line.len() {
        let (bytes, max) = (units::bytes(line.len() as u64), units::bytes(LINE_BYTES_MAX as u64));
        return Err(format!("The line has {bytes}, and {max} are the limit"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_over_the_limit_are_not_sent() {
        assert!(check(&"x".repeat(LINE_BYTES_MAX)).is_ok());
        assert!(check(&"x".repeat(LINE_BYTES_MAX + 1)).unwrap_err().contains("limit"));
    }
}
