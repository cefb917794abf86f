//! *Changes*.

use leptos::prelude::*;

use crate::components::empty::Empty;

/// The page.
#[component]
pub fn ChangesPage() -> impl IntoView {
    view! {
        <div class="page">
            <section class="panel" aria-labelledby="changes-title">
                <div class="panel-head"><h1 id="changes-title">"Changes"</h1></div>
                <Empty title="Not configured" text="Rows that change in PostgreSQL show here as they change." />
            </section>
        </div>
    }
}
