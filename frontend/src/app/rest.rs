//! The page's second piece: every view but the first one, the WebSocket, and what both do. It comes from the relay when
//! the first charts stand, or at once when it is shown, so that the first load holds only what every visit needs.
//!
//! `cargo xtask` cuts the compiled page at the function marked here, with the feature `pieces`: what nothing but
//! [`Rest`] leads to is then in the second piece. So the first one must call it through [`Rest`] alone. Without the feature
//! (`trunk serve`, tests) the page is one piece, and all of it is here from the beginning.

use leptos::prelude::*;
use leptos::wasm_split::SplitLoaderError;

use super::control::Control;
use crate::pages::changes::ChangesPage;
use crate::pages::chat::ChatPage;
use crate::pages::metrics::MetricsPage;
use crate::pages::news::NewsPage;
use crate::pages::queues::QueuesPage;
use crate::state::route::View;
use crate::transport::page_events::PageEvent;

/// The ways into the second piece.
#[derive(Clone, Copy)]
pub struct Rest {
    build: fn(&View) -> AnyView,
    hear: fn(&Control, Event<'_>),
}

impl Rest {
    /// Builds a view.
    #[must_use]
    pub fn build(&self, view: &View) -> AnyView {
        (self.build)(view)
    }

    /// Tells it what happens.
    pub(super) fn hear(&self, control: &Control, event: Event<'_>) {
        (self.hear)(control, event);
    }
}

/// What the first piece tells the second one.
pub(super) enum Event<'a> {
    /// The relay is known.
    RelayFound,
    /// The address names another view than before, or the same one set in another way.
    Address {
        /// The view before.
        old: &'a View,
        /// The view now.
        new: &'a View,
    },
    /// Time has passed.
    Tick {
        /// By the page's clock.
        now_ms: i64,
    },
    /// The tab or its network changed.
    Page(PageEvent),
    /// A person asks for the socket.
    Wake,
}

/// How the second piece stands.
#[derive(Clone, Copy)]
pub enum Arrival {
    /// Nobody has asked for it.
    Away,
    /// It is on its way.
    Coming,
    /// It is here.
    Here(Rest),
    /// It did not come.
    Failed,
}

impl Default for Arrival {
    fn default() -> Self {
        if cfg!(feature = "pieces") { Self::Away } else { Self::Here(REST) }
    }
}

/// Fetches the second piece, unless it is here already.
///
/// # Errors
/// It did not come; the console says why. Asked again, it is fetched again.
#[cfg(feature = "pieces")]
#[leptos::wasm_split::wasm_split(rest, fallible, wasm_split_path = leptos::wasm_split)]
pub(super) fn fetch() -> Result<Rest, SplitLoaderError> {
    Ok(REST)
}

/// The page is one piece.
#[cfg(not(feature = "pieces"))]
pub(super) async fn fetch() -> Result<Rest, SplitLoaderError> {
    Ok(REST)
}

const REST: Rest = Rest { build, hear: Control::hear };

fn build(view: &View) -> AnyView {
    match view {
        View::Metrics => view! { <MetricsPage /> }.into_any(),
        View::Queues(_) => view! { <QueuesPage /> }.into_any(),
        View::Chat(_) => view! { <ChatPage /> }.into_any(),
        View::Changes => view! { <ChangesPage /> }.into_any(),
        View::News => view! { <NewsPage /> }.into_any(),
    }
}
