//! A view of the page's second piece: what is shown until that is here, and when it does not come.

use leptos::prelude::*;

use crate::control::rest::Arrival;
use crate::control::use_control;
use crate::state::route::View;

/// The view, once its code is here; it is fetched now when it has not been before.
#[component]
pub fn Later(
    /// Which view.
    view: View,
) -> impl IntoView {
    let control = use_control();
    control.bring_rest();
    move || match control.stores.rest.get() {
        Arrival::Here(rest) => rest.build(&view),
        Arrival::Failed => view! { <Failed /> }.into_any(),
        Arrival::Away | Arrival::Coming => {
            view! { <p class="quiet-note" role="status">"Fetching this view …"</p> }.into_any()
        }
    }
}

#[component]
fn Failed() -> impl IntoView {
    let control = use_control();
    view! {
        <section class="panel" role="alert">
            <div class="panel-head"><h1>"This view could not be fetched"</h1></div>
            <p>
                "Either the network is gone, or what serves the page has a newer one by now, which must be loaded anew. "
                "It is tried again by itself."
            </p>
            <p>
                <button class="button" type="button" on:click=move |_| control.bring_rest()>"Try again"</button>
                " "
                <button class="button" type="button" on:click=move |_| reload()>"Reload the page"</button>
            </p>
        </section>
    }
}

fn reload() {
    // A page that may not reload itself is one in a sandbox; the person can.
    let _ = location().reload();
}
