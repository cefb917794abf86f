//! *News*.

use leptos::prelude::*;

use crate::components::empty::Empty;

/// The page.
#[component]
pub fn NewsPage() -> impl IntoView {
    view! {
        <div class="page">
            <section class="panel" aria-labelledby="news-title">
                <div class="panel-head"><h1 id="news-title">"News"</h1></div>
                <Empty title="Not configured" text="Headlines of many sites show here side by side." />
            </section>
        </div>
    }
}
