//! Says when what routes the messages cannot be reached.

use leptos::prelude::*;
use signalbox_shared::engine::EngineState;

use crate::control::use_control;
use crate::state::units;

/// The notice; nothing while all is well.
#[component]
pub fn EngineNotice() -> impl IntoView {
    let stores = use_control().stores;
    let (engine, clock) = (stores.engine, stores.clock_ms);
    let notice = Memo::new(move |_| {
        engine.with(|engine| {
            let at = engine.address.as_deref().map(|address| format!(" at {address}")).unwrap_or_default();
            let state = match engine.state {
                EngineState::Ready => return None,
                EngineState::Connecting => "is being connected",
                EngineState::Down => "cannot be reached; publishing is refused until it is back",
            };
            let now_ms = clock.get();
            let why = engine.reason.as_deref().map(|why| format!(" ({why})")).unwrap_or_default();
            let retry = engine
                .retry_at_ms
                .filter(|at_ms| now_ms < *at_ms)
                .map(|at_ms| format!(" Next try in {}.", units::age(at_ms - now_ms + 999)));
            Some(format!("The {} engine{at} {state}{why}.{}", engine.name, retry.unwrap_or_default()))
        })
    });
    move || notice.get().map(|text| view! { <p class="notice bad engine-notice" role="status">{text}</p> })
}
