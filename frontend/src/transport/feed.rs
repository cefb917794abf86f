//! The feed of samples: history first, then Server-Sent Events from exactly there, for as long as the page lives.
//!
//! A browser's EventSource gives up for good on any answer but 200, and a fresh one has no `Last-Event-ID`, so this one is
//! replaced on every failure and resumes by `?since=<last id>`. Source: WHATWG HTML, server-sent events.

use std::rc::Rc;

use signalbox_shared::EventId;
use signalbox_shared::feed::{EVENT_SAMPLES, GapReason, MetricsHistory};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Event, EventSource, MessageEvent};

use super::carrier::{Carrier, Stream, Wire};
use super::decode::{self, EVENTS, FeedEvent, Place};
use super::history::{self, FetchError};
use super::link::{Command, Link, Rules};
use super::page_events::{self, PageEvent};
use crate::state::relay_address::RelayAddress;
use crate::state::stream::{GATHER_MS, StreamState};

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
    /// The history that was just put out begins anew: the relay knows nothing of what it was told before.
    Anew,
    /// One event, and its id when it has one.
    Event(FeedEvent, Option<EventId>),
    /// An event that does not decode, for the log; counted by whoever listens.
    Undecodable(String),
}

/// A feed. Dropping it closes it.
#[derive(Clone)]
pub struct Feed {
    carrier: Rc<Carrier<Samples>>,
}

/// The stream of samples.
struct Samples {
    last_id: Option<EventId>,
    /// When the last event came, in milliseconds by the page's clock.
    heard_at_ms: i64,
    needs_history: bool,
    /// Whether the relay has said that its history is another one than before.
    is_anew: bool,
}

impl Wire for EventSource {
    fn close(&self) {
        Self::close(self);
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
        let samples =
            Samples { last_id: None, heard_at_ms: super::now_ms(), needs_history: true, is_anew: false };
        let carrier = Carrier::new(relay, samples, on_output, on_state);
        carrier.drive(|link, now_ms| {
            if page_events::is_hidden() {
                link.hidden(now_ms);
            }
            Command::Open
        });
        Self { carrier }
    }

    /// Time passes; to be called a few times a second.
    pub fn tick(&self) {
        self.carrier.tick();
    }

    /// The tab or its network changed.
    pub fn page_event(&self, event: PageEvent) {
        self.carrier.drive(|link, now_ms| match event {
            PageEvent::Shown => link.shown(now_ms),
            PageEvent::Online => link.hurry(now_ms),
            PageEvent::Hidden => {
                link.hidden(now_ms);
                Command::Stay
            }
            PageEvent::Offline => Command::Stay,
        });
    }

    /// A person asks to connect now.
    pub fn wake(&self) {
        self.carrier.drive(Link::wake);
    }
}

impl Stream for Samples {
    type Wire = EventSource;
    type Output = FeedOutput;

    /// Pings come every 15 s: a third of another is patience enough; four missed ones are a dead connection.
    const RULES: Rules = Rules { quiet_ms: 20_000, watchdog_ms: 60_000, sleeps: true };

    fn connect(carrier: &Rc<Carrier<Self>>) {
        let needs_history = {
            let samples = carrier.stream.borrow();
            let is_long_ago = REPLAY_MS_MAX < super::now_ms() - samples.heard_at_ms;
            samples.needs_history || samples.last_id.is_none() || is_long_ago
        };
        if !needs_history {
            return open_source(carrier);
        }
        let (weak, attempt) = (Rc::downgrade(carrier), carrier.attempt());
        let relay = carrier.relay.clone();
        spawn_local(async move {
            let answer = history::metrics(&relay, HISTORY_WINDOW_SECS).await;
            if let Some(carrier) = weak.upgrade().filter(|carrier| carrier.attempt() == attempt) {
                take_history(&carrier, answer);
            }
        });
    }
}

fn take_history(carrier: &Rc<Carrier<Samples>>, answer: Result<MetricsHistory, FetchError>) {
    match answer {
        Ok(history) => {
            let is_anew = {
                let mut samples = carrier.stream.borrow_mut();
                let before = samples.last_id.replace(history.id);
                samples.needs_history = false;
                std::mem::take(&mut samples.is_anew) || decode::is_anew(before, history.id)
            };
            carrier.put_out(FeedOutput::History(history));
            if is_anew {
                carrier.put_out(FeedOutput::Anew);
            }
            open_source(carrier);
        }
        // A relay without history (404) still has a feed to look at.
        Err(FetchError::Status(404)) => {
            carrier.stream.borrow_mut().needs_history = false;
            open_source(carrier);
        }
        Err(error) => {
            leptos::logging::warn!("feed: history could not be had: {error}");
            carrier.fail();
        }
    }
}

fn open_source(carrier: &Rc<Carrier<Samples>>) {
    let since = carrier.stream.borrow().last_id;
    let since = since.map(|id| format!("since={id}&")).unwrap_or_default();
    let path = format!("feed?{since}gather={GATHER_MS}");
    let Ok(source) = EventSource::new(&carrier.relay.http(&path)) else { return carrier.fail() };
    let mut listeners = vec![
        carrier.listener(&source, "open", |carrier, _| carrier.opened()),
        carrier.listener(&source, "error", |carrier, _| carrier.fail()),
    ];
    listeners.extend(
        EVENTS.map(|name| {
            carrier.listener(&source, name, move |carrier, event| received(carrier, name, event))
        }),
    );
    carrier.keep(source, listeners);
}

fn received(carrier: &Rc<Carrier<Samples>>, name: &str, event: &Event) {
    let Some(event) = event.dyn_ref::<MessageEvent>() else { return };
    let id: Option<EventId> = event.last_event_id().parse().ok();
    let data = event.data().as_string().unwrap_or_default();
    carrier.heard();
    carrier.stream.borrow_mut().heard_at_ms = super::now_ms();
    if !matches!(name, decode::EVENT_SAMPLE | EVENT_SAMPLES) {
        return put_out(carrier, name, id, &data);
    }
    for (id, sample) in decode::samples(id, &data) {
        // Only samples are numbered anew each time; a ping repeats the id before it.
        if decode::place(carrier.stream.borrow().last_id, id) == Place::Next {
            put_out(carrier, decode::EVENT_SAMPLE, id, sample);
        }
    }
}

fn put_out(carrier: &Rc<Carrier<Samples>>, name: &str, id: Option<EventId>, data: &str) {
    if id.is_some() {
        carrier.stream.borrow_mut().last_id = id;
    }
    match decode::feed_event(name, data) {
        Ok(FeedEvent::Gap(gap)) => {
            leptos::logging::warn!("feed: gap after {}: {:?}, {:?} lost", gap.since, gap.reason, gap.n_lost);
            {
                let mut samples = carrier.stream.borrow_mut();
                samples.needs_history = true;
                samples.is_anew |= gap.reason == GapReason::NewEpoch;
            }
            carrier.fail();
        }
        Ok(event) => carrier.put_out(FeedOutput::Event(event, id)),
        Err(why) => carrier.put_out(FeedOutput::Undecodable(why)),
    }
}
