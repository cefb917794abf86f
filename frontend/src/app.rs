//! The page as a whole: mounts, and shows the view that the address names inside the shell.

pub mod clipboard;
pub mod control;
pub mod crash;
pub mod live;
pub mod rest;
pub mod storage;
pub mod stores;
pub mod theme;

use leptos::prelude::*;

use crate::components::later::Later;
use crate::components::shell::Shell;
use crate::pages::metrics::MetricsPage;
use crate::state::route::View;
use control::Control;

/// Puts the page in place of the boot message and connects it.
pub fn mount() {
    let control = Control::default();
    if let Some(boot) = document().get_element_by_id("boot") {
        boot.remove();
    }
    mount_to_body({
        let control = control.clone();
        move || view! { <App control /> }
    });
    control.start();
}

/// The page.
#[component]
pub fn App(
    /// What it shows and does; lives longer than the page.
    control: Control,
) -> impl IntoView {
    let view = control.stores.view.clone();
    provide_context(control);
    // Choosing a channel or a room must not build the page anew.
    let page = Memo::new(move |_| match view.get() {
        View::Queues(_) => View::Queues(None),
        View::Chat(_) => View::Chat(None),
        other => other,
    });
    view! {
        <Shell>
            {move || match page.get() {
                View::Metrics => view! { <MetricsPage /> }.into_any(),
                other => view! { <Later view=other /> }.into_any(),
            }}
        </Shell>
    }
}

/// The page's hands, for a view.
///
/// # Panics
/// Outside [`App`], which is a mistake in the code.
#[must_use]
pub fn use_control() -> Control {
    expect_context()
}

/// Minutes that this computer's clock is east of UTC, now.
#[must_use]
pub fn utc_offset_minutes() -> i32 {
    #[expect(clippy::cast_possible_truncation, reason = "at most a day of minutes")]
    let west = js_sys::Date::new_0().get_timezone_offset() as i32;
    -west
}
