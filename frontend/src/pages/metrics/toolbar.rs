//! Above the charts: how much time they show, whether they go on, and what state that is.

use leptos::prelude::*;

use crate::browser::clock::utc_offset_minutes;
use crate::chart::draw::ChartContext;
use crate::chart::pointer::ChartAct;
use crate::control::use_control;
use crate::state::stream::StreamState;
use crate::state::units;

/// The windows to choose from, in seconds, and their names: up to all that a relay keeps.
const WINDOWS: [(u32, &str); 6] =
    [(60, "1 min"), (300, "5 min"), (900, "15 min"), (3_600, "60 min"), (86_400, "24 h"), (604_800, "7 d")];

/// The toolbar. It is always there and always as high, so that nothing moves when a pause begins.
#[component]
pub fn Toolbar(
    /// What the charts share.
    context: ChartContext,
) -> impl IntoView {
    let control = use_control();
    let stores = control.stores.clone();
    let is_live = move || context.cursor.with(|cursor| cursor.is_live());
    let locked_ms = Memo::new(move |_| context.cursor.with(|cursor| cursor.locked_ms()));
    let is_connected = Memo::new({
        let feed = stores.feed.clone();
        move |_| feed.with(StreamState::is_connected)
    });
    let state = {
        let (agents, n_before) = (stores.agents.clone(), stores.n_samples_at_pause.clone());
        let (window, past) = (stores.window_secs.clone(), stores.past_state.clone());
        move || {
            let mut parts = match context.cursor.with(|cursor| cursor.paused_at_ms()) {
                None => {
                    // What does not come is not live, whatever the clock does.
                    let state = if is_connected.get() { "Live" } else { "No connection" };
                    vec![format!("{state}, {}", span(window.get()))]
                }
                Some(at_ms) => {
                    let n_new = agents.with(|agents| agents.n_samples).saturating_sub(n_before.get());
                    vec![
                        format!(
                            "Paused at {}, {}",
                            units::clock(at_ms, utc_offset_minutes()),
                            span(window.get())
                        ),
                        units::counted(n_new, "new sample", "new samples"),
                    ]
                }
            };
            past.with(|past| {
                let step = past.held.filter(|held| past.is_shown && 0 < held.step_secs);
                if let Some(held) = step {
                    parts.push(format!("lowest and highest of every {} s", held.step_secs));
                }
                if past.is_loading {
                    parts.push("older samples are on their way".to_owned());
                }
                if let Some(why) = &past.failure {
                    parts.push(format!("older samples could not be had: {why}"));
                }
            });
            parts.join(" · ")
        }
    };
    let button = |(secs, name): (u32, &'static str)| {
        let (window, control) = (control.stores.window_secs.clone(), control.clone());
        view! {
            <button
                class="button segment"
                type="button"
                aria-pressed=move || (window.get() == f64::from(secs)).to_string()
                on:click=move |_| control.show_window(secs)
            >
                {name}
            </button>
        }
    };
    let choice = stores.choice;
    let show_all = {
        let choice = choice.clone();
        move |_| choice.set(Default::default())
    };
    let has_hidden = move || !choice.with(|choice| choice.is_all());
    view! {
        <div class="metrics-bar">
            <button
                class="button pause-charts"
                type="button"
                aria-keyshortcuts="Space"
                title="Space pauses and goes on; 0 or a double click returns to the present"
                on:click=move |_| context.on_act.run(ChartAct::TogglePause)
            >
                <span class="pause-mark" class:is-paused=move || !is_live() aria-hidden="true"></span>
                {move || if is_live() { "Pause" } else { "Go live" }}
            </button>
            <p class="metrics-state" class:is-paused=move || !(is_live() && is_connected.get())>{state}</p>
            <div class="metrics-undo">
                <Show when=move || locked_ms.get().is_some()>
                    <button
                        class="button quiet"
                        type="button"
                        aria-keyshortcuts="Escape"
                        title="Lets the locked moment go, as Escape on a chart does"
                        on:click=move |_| context.on_act.run(ChartAct::Unlock)
                    >
                        {move || locked_ms.get().map(|at_ms| format!("Unlock {}", units::clock(at_ms, utc_offset_minutes())))}
                    </button>
                </Show>
                <Show when=has_hidden>
                    <button class="button quiet" type="button" on:click=show_all.clone()>
                        "Show all lines"
                    </button>
                </Show>
            </div>
            <div class="segments" role="group" aria-label="Time shown">
                {WINDOWS.map(button)}
            </div>
        </div>
    }
}

/// `the last 5 min` or so, as exact as it needs to be.
fn span(secs: f64) -> String {
    let (value, unit) = match secs {
        s if s < 120.0 => (s, "s"),
        s if s < 7_200.0 => (s / 60.0, "min"),
        s if s < 172_800.0 => (s / 3_600.0, "h"),
        s => (s / 86_400.0, "d"),
    };
    let text = format!("{value:.1}");
    format!("{}\u{202f}{unit}", text.trim_end_matches(".0"))
}

#[cfg(test)]
mod tests {
    use super::span;

    #[test]
    fn spans_are_short() {
        let check = |secs: f64, text: &str| assert_eq!(span(secs), text);
        check(60.0, "60\u{202f}s");
        check(300.0, "5\u{202f}min");
        check(12.345, "12.3\u{202f}s");
        check(7_200.0, "2\u{202f}h");
        check(604_800.0, "7\u{202f}d");
    }
}
