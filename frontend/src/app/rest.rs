//! The page's second piece: every view but the first one, the WebSocket, and what both do. It comes from the relay when
//! the first charts stand, or at once when it is shown, so that the first load holds only what every visit needs.
//!
//! `cargo xtask` cuts the compiled page at the function marked here, with the feature `pieces`: what nothing but
//! [`Rest`] leads to is then in the second piece. So the first one must call it through [`Rest`] alone. Without the feature
//! (`trunk serve`, tests) the page is one piece, and all of it is here from the beginning.

use leptos::prelude::*;

use crate::control::rest::{Rest, Source};
use crate::pages::changes::ChangesPage;
use crate::pages::chat::ChatPage;
use crate::pages::metrics::MetricsPage;
use crate::pages::news::NewsPage;
use crate::pages::queues::QueuesPage;
use crate::state::route::View;

/// Where the second piece is.
#[cfg(feature = "pieces")]
pub const SOURCE: Source = Source::Apart(|| Box::pin(fetch()));

/// Where the second piece is.
#[cfg(not(feature = "pieces"))]
pub const SOURCE: Source = Source::Here(REST);

#[cfg(feature = "pieces")]
#[leptos::wasm_split::wasm_split(rest, fallible, wasm_split_path = leptos::wasm_split)]
fn fetch() -> Result<Rest, leptos::wasm_split::SplitLoaderError> {
    Ok(REST)
}

const REST: Rest = Rest::new(build);

fn build(view: &View) -> AnyView {
    match view {
        View::Metrics => view! { <MetricsPage /> }.into_any(),
        View::Queues(_) => view! { <QueuesPage /> }.into_any(),
        View::Chat(_) => view! { <ChatPage /> }.into_any(),
        View::Changes => view! { <ChangesPage /> }.into_any(),
        View::News => view! { <NewsPage /> }.into_any(),
    }
}
