//! Brings the page's second piece, and tells it what happens from then on.

use leptos::prelude::{GetUntracked as _, Set as _};
use wasm_bindgen_futures::spawn_local;

use super::Control;
use crate::app::rest::{self, Arrival, Event};
use crate::state::route::View;
use crate::state::stream::StreamState;
use crate::transport::now_ms;

/// How long the second piece waits for the first charts, in milliseconds: where there are none it comes anyway.
pub(super) const WAIT_MS: i64 = 2_000;

impl Control {
    /// Sees to it that the second piece comes, unless it is here or on its way.
    pub fn bring_rest(&self) {
        let rest = &self.stores.rest;
        if matches!(rest.get_untracked(), Arrival::Here(_) | Arrival::Coming) {
            return;
        }
        rest.set(Arrival::Coming);
        let this = self.clone();
        spawn_local(async move {
            match rest::fetch().await {
                Ok(rest) => {
                    this.stores.rest.set(Arrival::Here(rest));
                    this.rest_came();
                }
                Err(_) => this.rest_failed(),
            }
        });
    }

    /// Tells the second piece when it is here; when it comes, it learns how everything stands then.
    pub(super) fn tell_rest(&self, event: Event<'_>) {
        if let Arrival::Here(rest) = self.stores.rest.get_untracked() {
            rest.hear(self, event);
        }
    }

    fn rest_came(&self) {
        self.inner.rest_backoff.borrow_mut().reset();
        let new = self.stores.view.get_untracked();
        self.tell_rest(Event::Address { old: &View::default(), new: &new });
        if self.inner.relay.borrow().is_some() {
            self.tell_rest(Event::RelayFound);
        }
    }

    fn rest_failed(&self) {
        let again_at_ms = self.inner.rest_backoff.borrow_mut().next_at_ms(now_ms(), js_sys::Math::random());
        self.inner.rest_at_ms.set(again_at_ms);
        self.stores.rest.set(Arrival::Failed);
        let why =
            "the page's second piece could not be fetched; where the relay was replaced, reload the page";
        self.stores.socket.set(StreamState::Offline(why.to_owned()));
    }

    /// It comes when the first charts stand, after a while without them, and again after it failed.
    pub(super) fn look_after_rest(&self, now_ms: i64) {
        let is_due = match self.stores.rest.get_untracked() {
            Arrival::Away => self.inner.recent_ms.get().is_some() || self.inner.rest_at_ms.get() <= now_ms,
            Arrival::Failed => self.inner.rest_at_ms.get() <= now_ms,
            Arrival::Coming | Arrival::Here(_) => false,
        };
        if is_due {
            self.bring_rest();
        }
    }
}
