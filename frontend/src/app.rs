//! The page as a whole: mounts, and shows the view that the address names inside the shell.

pub mod crash;
pub mod rest;

use leptos::prelude::*;

use crate::components::later::Later;
use crate::components::shell::Shell;
use crate::control::Control;
use crate::pages::metrics::MetricsPage;
use crate::state::route::View;

/// Puts the page in place of the boot message and connects it.
pub fn mount() {
    let control = Control::new(rest::SOURCE);
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
