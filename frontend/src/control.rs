//! What the page does: connects, puts what comes into the stores, and carries out what a person asks for.
//!
//! The views call it and watch the stores; it knows no view.

mod changes;
mod chat;
mod chat_news;
mod feed;
pub mod live;
mod metrics;
mod news;
mod patrons;
mod payload;
mod publish;
mod queues;
pub mod rest;
mod saying;
mod socket;
pub mod stores;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use gloo_events::EventListener;
use leptos::prelude::{GetUntracked, Set, Update, expect_context, location, set_timeout, window};
use send_wrapper::SendWrapper;
use signalbox_shared::socket::ClientMessage;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;

use self::rest::{Event, Source};
use self::stores::{AGENTS_BEAT_MS, Stores};
use crate::chart::beat::{self, steady_ms};
use crate::state::chat_recall::Recall;
use crate::state::chat_rooms::Unsaid;
use crate::state::relay_address::RelayAddress;
use crate::state::requests::{Purpose, Requests};
use crate::state::route::{Query, View};
use crate::transport::backoff::Backoff;
use crate::transport::feed::Feed;
use crate::transport::history;
use crate::transport::page_events::{PageEvent, PageEvents};
use crate::transport::socket::{SendError, Socket};

/// How often the links look at the clock, in milliseconds: a retry is at most this late.
const TICK_MS: f64 = 250.0;

/// A stream between page and relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Samples by Server-Sent Events.
    Feed,
    /// Queues and chat by WebSocket.
    Socket,
}

/// The page's hands. Cheap to clone; every clone works on the same stores and streams.
#[derive(Clone)]
pub struct Control {
    /// What the views watch.
    pub stores: Stores,
    inner: SendWrapper<Rc<Inner>>,
}

struct Inner {
    /// Where the page's second piece is.
    rest: Source,
    relay: RefCell<Option<RelayAddress>>,
    /// From when to when every sample is held as it came, in milliseconds by the relay's clock; none before the history.
    recent_ms: Cell<Option<(f64, f64)>>,
    /// Samples put behind the history of the past since it was fetched.
    n_past_appended: Cell<u64>,
    /// When the relay may be asked for the past again, in milliseconds by the page's clock.
    past_again_at_ms: Cell<i64>,
    /// When the relay is asked next what it refused, in milliseconds by the page's clock.
    refusals_at_ms: Cell<i64>,
    feed: RefCell<Option<Feed>>,
    /// The charts' window in seconds before somebody zoomed; none while nobody has.
    window_before_zoom: Cell<Option<f64>>,
    /// When the second piece is fetched, for the first time or again, in milliseconds by the page's clock.
    rest_at_ms: Cell<i64>,
    rest_backoff: RefCell<Backoff>,
    socket: RefCell<Option<Socket>>,
    requests: RefCell<Requests>,
    /// When to try the chat again after a refusal, in milliseconds by the page's clock.
    chat_again_at_ms: Cell<Option<i64>>,
    /// When the first of those refusals came.
    chat_refused_at_ms: Cell<Option<i64>>,
    n_said: Cell<u64>,
    /// What was typed into the chat.
    recall: RefCell<Recall>,
    /// Whether headlines are being asked for.
    is_following_news: Cell<bool>,
    /// When somebody last touched the page, in milliseconds by its clock.
    touched_at_ms: Cell<i64>,
    is_idle_told: Cell<bool>,
    /// When the page's clock was set, on the steady clock.
    clock_at_ms: Cell<f64>,
    /// What was typed in each room and not said yet; bounded by the rooms.
    drafts: RefCell<BTreeMap<String, String>>,
    /// What the tab's storage holds of the lines that no room shows yet.
    unsaid_kept: RefCell<Vec<Unsaid>>,
    /// What is sent again and again, and the clock that does it.
    repeating: RefCell<Option<publish::Repeating>>,
    /// What runs as long as the page: the tab's events, the address.
    running: RefCell<Option<Running>>,
}

impl Inner {
    fn new(rest: Source) -> Self {
        Self {
            rest,
            relay: RefCell::default(),
            recent_ms: Cell::default(),
            n_past_appended: Cell::default(),
            past_again_at_ms: Cell::default(),
            refusals_at_ms: Cell::default(),
            feed: RefCell::default(),
            window_before_zoom: Cell::default(),
            rest_at_ms: Cell::new(crate::transport::now_ms() + rest::WAIT_MS),
            rest_backoff: RefCell::default(),
            socket: RefCell::default(),
            requests: RefCell::default(),
            chat_again_at_ms: Cell::default(),
            chat_refused_at_ms: Cell::default(),
            n_said: Cell::default(),
            recall: RefCell::default(),
            is_following_news: Cell::default(),
            touched_at_ms: Cell::new(crate::transport::now_ms()),
            is_idle_told: Cell::default(),
            clock_at_ms: Cell::new(f64::NEG_INFINITY),
            drafts: RefCell::default(),
            unsaid_kept: RefCell::default(),
            repeating: RefCell::default(),
            running: RefCell::default(),
        }
    }
}

struct Running {
    _page_events: PageEvents,
    _hash: EventListener,
    _touches: [EventListener; 2],
}

impl Control {
    /// Hands that find the page's second piece there; nothing connects yet.
    #[must_use]
    pub fn new(rest: Source) -> Self {
        Self { stores: Stores::new(rest.arrival()), inner: SendWrapper::new(Rc::new(Inner::new(rest))) }
    }

    /// Begins to live: follows the address, finds the relay and connects. Without this call the stores stay as they
    /// are, which is what tests of the views want.
    pub fn start(&self) {
        self.follow_address();
        let (on_page_event, on_hash) = (self.clone(), self.clone());
        let on_touch = |event: &'static str| {
            let this = self.clone();
            EventListener::new(&window(), event, move |_| this.touched())
        };
        *self.inner.running.borrow_mut() = Some(Running {
            _page_events: PageEvents::listen(move |event| on_page_event.page_event(event)),
            _hash: EventListener::new(&window(), "hashchange", move |_| on_hash.follow_address()),
            _touches: [on_touch("pointerdown"), on_touch("keydown")],
        });
        self.start_clock();
        let this = self.clone();
        spawn_local(async move {
            match find_relay().await {
                Ok(relay) => this.connect(&relay),
                Err(why) => this.stores.trouble.set(Some(why)),
            }
        });
    }

    fn connect(&self, relay: &RelayAddress) {
        self.stores.elsewhere.set(relay.elsewhere().map(str::to_owned));
        *self.inner.relay.borrow_mut() = Some(relay.clone());
        let (output, state) = (self.clone(), self.stores.feed.clone());
        let feed = Feed::open(relay.clone(), move |o| output.feed_output(o), move |s| state.set(s));
        *self.inner.feed.borrow_mut() = Some(feed);
        self.tell_rest(Event::RelayFound);
    }

    /// A person asks for a stream.
    pub fn wake(&self, stream: Stream) {
        match stream {
            Stream::Feed => self.feed().iter().for_each(Feed::wake),
            Stream::Socket => {
                self.bring_rest();
                self.tell_rest(Event::Wake);
            }
        }
    }

    /// Ticks on each beat from the next one on, with the charts and the readings: all of it then changes in the same frame. An
    /// interval would keep whatever it was late by at first.
    fn start_clock(&self) {
        let this = self.clone();
        let on_beat = move || {
            this.start_clock();
            this.tick();
        };
        set_timeout(on_beat, Duration::from_secs_f64(beat::to_next_ms(steady_ms(), TICK_MS) / 1e3));
    }

    fn tick(&self) {
        let now_ms = crate::transport::now_ms();
        self.feed().iter().for_each(Feed::tick);
        self.look_after_rest(now_ms);
        self.tell_rest(Event::Tick { now_ms });
        self.look_after_past(now_ms);
        self.look_after_refusals(now_ms);
        // Ages change once a second, together with the readings.
        let steady = steady_ms();
        if beat::wait_ms(self.inner.clock_at_ms.get(), steady, AGENTS_BEAT_MS) <= 0.0 {
            self.inner.clock_at_ms.set(steady);
            self.stores.clock_ms.set(now_ms);
            if self.stores.agents.peek(|agents| !agents.is_empty()) {
                self.prune_agents(now_ms);
            }
        }
    }

    fn page_event(&self, event: PageEvent) {
        self.feed().iter().for_each(|feed| feed.page_event(event));
        if event == PageEvent::Shown {
            self.touched();
        }
        self.tell_rest(Event::Page(event));
    }

    /// Somebody touches the page.
    fn touched(&self) {
        self.inner.touched_at_ms.set(crate::transport::now_ms());
    }

    fn follow_address(&self) {
        let hash = location().hash().unwrap_or_default();
        let (view, query) = (View::from_hash(&hash), Query::from_hash(&hash));
        let old = self.stores.view.get_untracked();
        if self.stores.query.get_untracked() != query {
            self.stores.query.set(query);
        }
        self.stores.view.set(view.clone());
        self.tell_rest(Event::Address { old: &old, new: &view });
    }

    /// Sets how the view is set, and its address with it; going back in the browser does not undo it.
    pub fn set_query(&self, key: &str, value: Option<String>) {
        if self.stores.query.get_untracked().get(key) == value.as_deref() {
            return;
        }
        self.stores.query.update(|query| query.set(key, value));
        let address = format!(
            "{}{}",
            self.stores.view.get_untracked().href(),
            self.stores.query.get_untracked().suffix()
        );
        // Where the history is forbidden (a page in a sandbox), only the address stays behind.
        let _ = window()
            .history()
            .and_then(|history| history.replace_state_with_url(&JsValue::NULL, "", Some(&address)));
    }

    /// The streams are cloned out, for what is done with them may call back.
    fn feed(&self) -> Option<Feed> {
        self.inner.feed.borrow().clone()
    }

    fn socket(&self) -> Option<Socket> {
        self.inner.socket.borrow().clone()
    }

    fn send(&self, message: &ClientMessage) -> Result<(), SendError> {
        self.socket().ok_or(SendError::NotConnected)?.send(message)
    }

    /// Sends a message that is answered; nothing waits when it could not be sent.
    fn request(&self, purpose: Purpose, message: impl FnOnce(u64) -> ClientMessage) -> Result<(), String> {
        let id = self.inner.requests.borrow_mut().begin(purpose);
        let id = id.ok_or_else(|| "too many requests await their answers".to_owned())?;
        self.send(&message(id)).map_err(|e| {
            self.inner.requests.borrow_mut().end(id);
            e.to_string()
        })
    }
}

/// The page's hands, for a view.
///
/// # Panics
/// Outside [`crate::app::App`], which is a mistake in the code.
#[must_use]
pub fn use_control() -> Control {
    expect_context()
}

/// Where the relay is, from the link, from `config.json`, or beside the page.
async fn find_relay() -> Result<RelayAddress, String> {
    let query =
        location().search().ok().and_then(|search| web_sys::UrlSearchParams::new_with_str(&search).ok());
    let named = query.and_then(|query| query.get("relay"));
    let config = match named {
        Some(_) => Default::default(),
        None => history::config().await.map_err(|e| format!("config.json is not understood: {e}"))?,
    };
    RelayAddress::resolve(named.as_deref(), &config, &page_folder()).map_err(|e| e.to_string())
}

/// The page's own address up to its last slash.
fn page_folder() -> String {
    let origin = location().origin().unwrap_or_default();
    let path = location().pathname().unwrap_or_default();
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    format!("{origin}{folder}/")
}
