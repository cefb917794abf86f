//! The feed of samples: history first, then Server-Sent Events from exactly there, for as long as the page lives.
//!
//! A browser's EventSource gives up for good on any answer but 200, and a fresh one has no `Last-Event-ID`, so this one is
//! replaced on every failure and resumes by `?since=<last id>`. Source: WHATWG HTML, server-sent events.

use std::cell::RefCell;
use std::rc::Rc;

use gloo_events::EventListener;
use signalbox_shared::EventId;
use signalbox_shared::feed::MetricsHistory;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Event, EventSource, MessageEvent};

use super::decode::{self, EVENTS, FeedEvent, Place};
use super::history::{self, FetchError};
use super::link::{Command, Link, Rules};
use super::page_events::{self, PageEvent};
use crate::state::relay_address::RelayAddress;
use crate::state::stream::StreamState;

/// Pings come every 15 s: a third of another is patience enough; four missed ones are a dead connection.
const RULES: Rules = Rules { quiet_ms: 20_000, watchdog_ms: 60_000, sleeps: true };
/// How much history the first paint asks for, in seconds: what the charts show, and a little that their edge is behind.
pub const HISTORY_WINDOW_SECS: u32 = 315;
/// After a longer interruption than this, in milliseconds, history is fetched anew instead of replaying every event:
/// hours of samples one by one would only delay the present.
const REPLAY_MS_MAX: i64 = 60_000;

/// What comes out of a feed.
#[derive(Clone, Debug)]
pub enum FeedOutput {
    /// Everything known so far; replaces whatever was there.
    History(MetricsHistory),
    /// The relay cannot give what lies between before and now; history follows.
    Gap,
    /// One event, and its id when it has one.
    Event(FeedEvent, Option<EventId>),
    /// An event that does not decode, for the log; counted by whoever listens.
    Undecodable(String),
}

/// A feed. Dropping it closes it.
#[derive(Clone)]
pub struct Feed {
    inner: Rc<Inner>,
}

struct Inner {
    relay: RelayAddress,
    state: RefCell<State>,
    on_output: Box<dyn Fn(FeedOutput)>,
    on_state: Box<dyn Fn(StreamState)>,
}

struct State {
    link: Link,
    connection: Option<Connection>,
    /// Counts attempts, so that an answer to an old one is recognised.
    attempt: u64,
    last_id: Option<EventId>,
    /// When the last event came, in milliseconds by the page's clock.
    heard_at_ms: i64,
    needs_history: bool,
}

/// An open EventSource and its listeners; dropping it removes them and closes it.
struct Connection {
    source: EventSource,
    _listeners: Vec<EventListener>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.source.close();
    }
}

impl Feed {
    /// Opens a feed. Both callbacks may be called at any time until the feed is dropped.
    #[must_use]
    pub fn open(
        relay: RelayAddress,
        on_output: impl Fn(FeedOutput) + 'static,
        on_state: impl Fn(StreamState) + 'static,
    ) -> Self {
        let now_ms = super::now_ms();
        let state = State {
            link: Link::new(RULES, now_ms),
            connection: None,
            attempt: 0,
            last_id: None,
            heard_at_ms: now_ms,
            needs_history: true,
        };
        let inner = Rc::new(Inner {
            relay,
            state: RefCell::new(state),
            on_output: Box::new(on_output),
            on_state: Box::new(on_state),
        });
        if page_events::is_hidden() {
            inner.state.borrow_mut().link.hidden(now_ms);
        }
        inner.obey(Command::Open);
        Self { inner }
    }

    /// Time passes; to be called a few times a second.
    pub fn tick(&self) {
        let command = self.inner.state.borrow_mut().link.tick(super::now_ms(), js_sys::Math::random());
        self.inner.obey(command);
    }

    /// The tab or its network changed.
    pub fn page_event(&self, event: PageEvent) {
        let now_ms = super::now_ms();
        let command = {
            let link = &mut self.inner.state.borrow_mut().link;
            match event {
                PageEvent::Shown => link.shown(now_ms),
                PageEvent::Online => link.hurry(now_ms),
                PageEvent::Hidden => {
                    link.hidden(now_ms);
                    Command::Stay
                }
                PageEvent::Offline => Command::Stay,
            }
        };
        self.inner.obey(command);
    }

    /// A person asks to connect now.
    pub fn wake(&self) {
        let command = self.inner.state.borrow_mut().link.wake(super::now_ms());
        self.inner.obey(command);
    }
}

impl Inner {
    fn obey(self: &Rc<Self>, command: Command) {
        match command {
            Command::Stay => {}
            Command::Open => self.connect(),
            Command::Close => self.disconnect(),
        }
        self.tell_state();
    }

    fn tell_state(&self) {
        let has_network = self.relay.is_loopback() || page_events::has_network();
        let state = self.state.borrow().link.stream_state(super::now_ms(), has_network);
        (self.on_state)(state);
    }

    fn disconnect(&self) {
        let mut state = self.state.borrow_mut();
        state.attempt += 1;
        state.connection = None;
    }

    fn fail(&self) {
        self.disconnect();
        self.state.borrow_mut().link.failed(super::now_ms(), js_sys::Math::random());
        self.tell_state();
    }

    fn connect(self: &Rc<Self>) {
        self.disconnect();
        let (attempt, needs_history) = {
            let state = self.state.borrow();
            let is_long_ago = REPLAY_MS_MAX < super::now_ms() - state.heard_at_ms;
            (state.attempt, state.needs_history || state.last_id.is_none() || is_long_ago)
        };
        if !needs_history {
            return self.open_source();
        }
        let weak = Rc::downgrade(self);
        let relay = self.relay.clone();
        spawn_local(async move {
            let answer = history::metrics(&relay, HISTORY_WINDOW_SECS).await;
            let Some(this) = weak.upgrade() else { return };
            if this.state.borrow().attempt == attempt {
                this.take_history(answer);
            }
        });
    }

    fn take_history(self: &Rc<Self>, answer: Result<MetricsHistory, FetchError>) {
        match answer {
            Ok(history) => {
                {
                    let mut state = self.state.borrow_mut();
                    state.last_id = Some(history.id);
                    state.needs_history = false;
                }
                (self.on_output)(FeedOutput::History(history));
                self.open_source();
            }
            // A relay without history (404) still has a feed to look at.
            Err(FetchError::Status(404)) => {
                self.state.borrow_mut().needs_history = false;
                self.open_source();
            }
            Err(error) => {
                leptos::logging::warn!("feed: history could not be had: {error}");
                self.fail();
            }
        }
    }

    fn open_source(self: &Rc<Self>) {
        let since = self.state.borrow().last_id;
        let path = since.map_or_else(|| "feed".to_owned(), |id| format!("feed?since={id}"));
        let Ok(source) = EventSource::new(&self.relay.http(&path)) else { return self.fail() };
        let mut listeners = vec![
            self.listener(&source, "open", Self::opened),
            self.listener(&source, "error", |this, _| this.fail()),
        ];
        listeners.extend(
            EVENTS.map(|name| self.listener(&source, name, move |this, event| this.received(name, event))),
        );
        self.state.borrow_mut().connection = Some(Connection { source, _listeners: listeners });
    }

    /// A listener that does nothing once its connection has been replaced or the feed dropped.
    fn listener(
        self: &Rc<Self>,
        source: &EventSource,
        name: &'static str,
        handle: impl Fn(&Rc<Self>, &Event) + 'static,
    ) -> EventListener {
        let (weak, attempt) = (Rc::downgrade(self), self.state.borrow().attempt);
        EventListener::new(source, name, move |event| {
            if let Some(this) = weak.upgrade()
                && this.state.borrow().attempt == attempt
            {
                handle(&this, event);
            }
        })
    }

    fn opened(self: &Rc<Self>, _: &Event) {
        self.state.borrow_mut().link.opened(super::now_ms());
        self.tell_state();
    }

    fn received(self: &Rc<Self>, name: &str, event: &Event) {
        let Some(event) = event.dyn_ref::<MessageEvent>() else { return };
        let id: Option<EventId> = event.last_event_id().parse().ok();
        {
            let mut state = self.state.borrow_mut();
            let now_ms = super::now_ms();
            state.link.heard(now_ms);
            state.heard_at_ms = now_ms;
            // Only samples are numbered anew each time; a ping repeats the id before it.
            if name == decode::EVENT_SAMPLE && decode::place(state.last_id, id) == Place::Seen {
                return;
            }
            state.last_id = id.or(state.last_id);
        }
        let data = event.data().as_string().unwrap_or_default();
        match decode::feed_event(name, &data) {
            Ok(FeedEvent::Gap(gap)) => {
                leptos::logging::warn!(
                    "feed: gap after {}: {:?}, {:?} lost",
                    gap.since,
                    gap.reason,
                    gap.n_lost
                );
                (self.on_output)(FeedOutput::Gap);
                self.state.borrow_mut().needs_history = true;
                self.fail();
            }
            Ok(event) => (self.on_output)(FeedOutput::Event(event, id)),
            Err(why) => (self.on_output)(FeedOutput::Undecodable(why)),
        }
    }
}
