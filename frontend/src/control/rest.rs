//! The page's second piece as the first one knows it: it is brought, told what happens, and acts on that.

use std::pin::Pin;

use leptos::prelude::{AnyView, GetUntracked as _, Set as _};
use leptos::wasm_split::SplitLoaderError;
use wasm_bindgen_futures::spawn_local;

use super::Control;
use crate::state::route::View;
use crate::state::stream::StreamState;
use crate::transport::now_ms;
use crate::transport::page_events::PageEvent;
use crate::transport::socket::Socket;

/// How long the second piece waits for the first charts, in milliseconds: where there are none it comes anyway.
pub(super) const WAIT_MS: i64 = 2_000;

/// The ways into the second piece.
#[derive(Clone, Copy)]
pub struct Rest {
    build: fn(&View) -> AnyView,
    hear: fn(&Control, Event<'_>),
}

impl Rest {
    /// The second piece, whose views are built so.
    #[must_use]
    pub const fn new(build: fn(&View) -> AnyView) -> Self {
        Self { build, hear: Control::hear }
    }

    /// Builds a view.
    #[must_use]
    pub fn build(&self, view: &View) -> AnyView {
        (self.build)(view)
    }

    /// Tells it what happens.
    fn hear(&self, control: &Control, event: Event<'_>) {
        (self.hear)(control, event);
    }
}

/// What the first piece tells the second one.
pub enum Event<'a> {
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

/// The second piece on its way.
pub type Fetching = Pin<Box<dyn Future<Output = Result<Rest, SplitLoaderError>>>>;

/// Where the second piece is.
#[derive(Clone, Copy)]
pub enum Source {
    /// The page is one piece.
    Here(Rest),
    /// At the relay. Asked again after it failed, it is fetched again.
    Apart(fn() -> Fetching),
}

impl Source {
    pub(super) fn arrival(self) -> Arrival {
        match self {
            Self::Here(rest) => Arrival::Here(rest),
            Self::Apart(_) => Arrival::Away,
        }
    }
}

impl Control {
    /// Sees to it that the second piece comes, unless it is here or on its way.
    pub fn bring_rest(&self) {
        let rest = &self.stores.rest;
        if matches!(rest.get_untracked(), Arrival::Here(_) | Arrival::Coming) {
            return;
        }
        let Source::Apart(fetch) = self.inner.rest else { return };
        rest.set(Arrival::Coming);
        let this = self.clone();
        spawn_local(async move {
            match fetch().await {
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

    /// What the first piece of the page tells, goes to what it concerns.
    fn hear(&self, event: Event<'_>) {
        match event {
            Event::RelayFound => self.open_socket(),
            Event::Address { old, new } => self.address_changed(old, new),
            Event::Tick { now_ms } => {
                self.socket().iter().for_each(Socket::tick);
                self.tick_chat(now_ms);
            }
            Event::Page(event) => {
                self.socket().iter().for_each(|socket| socket.page_event(event));
                if event == PageEvent::Shown {
                    self.read_chat();
                    self.follow_news();
                }
            }
            Event::Wake => self.socket().iter().for_each(Socket::wake),
        }
    }

    fn open_socket(&self) {
        let Some(relay) = self.inner.relay.borrow().clone() else { return };
        self.reenter_chat();
        if matches!(self.stores.view.get_untracked(), View::Chat(_)) {
            self.find_line_chat();
        }
        let (output, state) = (self.clone(), self.stores.socket.clone());
        let socket = Socket::open(relay, move |o| output.socket_output(o), move |s| state.set(s));
        *self.inner.socket.borrow_mut() = Some(socket);
    }

    fn address_changed(&self, old: &View, new: &View) {
        if let View::Chat(room) = new {
            self.show_room(room.as_deref());
        }
        self.view_changed(old, new);
        self.news_view_changed(old, new);
        self.tail_query_changed();
        self.changes_view_changed(old, new);
        self.read_chat();
    }
}
