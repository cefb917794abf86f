//! One page's socket: a loop that gathers what happens and lets one match decide. Takes any socket, so that its
//! deadlines are tested without a network.

use std::collections::HashMap;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes};
use bytes::Bytes;
use futures_util::future::{poll_immediate, select};
use futures_util::{Sink, SinkExt as _, Stream, StreamExt as _};
use signalbox_shared::PROTOCOL_VERSION;
use signalbox_shared::chat::LINE_BYTES_MAX;
use signalbox_shared::engine::EngineInfo;
use signalbox_shared::socket::{
    AckDetail, CLIENT_MESSAGE_BYTES_MAX, ServerMessage, SocketLimits, TAIL_PAYLOAD_BYTES_MAX,
};
use signalbox_shared::{ChannelName, api::Features};
use tokio::sync::watch;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, timeout};
use tokio_tungstenite::tungstenite;
use tokio_util::sync::WaitForCancellationFuture;

use super::board::Watcher;
use super::changes::ChangesWatch;
use super::cut::CutPayloads;
use super::details::DetailWatcher;
use super::rooms::{RoomEvent, Rooms};
use super::streams::Streams;
use super::{Closing, Sockets};
use crate::chat::rate::Bucket;
use crate::clock;
use crate::outlet::{self, Outlet};
use crate::tail::{FilterSlot, TailBatch};

/// Time between two signs of life, which the page answers without its script's help (RFC 6455 §5.5.2).
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(15);
/// How long a page that is told to go has to take that in.
const LINGER: Duration = Duration::from_secs(1);

/// Of so many events, one is looked for first where a page seldom has any.
const OTHERS_FIRST_EACH: u32 = 8;

/// What a page has at this relay.
pub(super) struct Page<'s> {
    pub(super) sockets: &'s Sockets,
    pub(super) tails: Streams<ChannelName, TailBatch>,
    pub(super) filters: HashMap<ChannelName, FilterSlot>,
    pub(super) cut: CutPayloads,
    pub(super) rooms: Rooms,
    pub(super) watcher: Option<Watcher>,
    pub(super) detail: Option<DetailWatcher>,
    engine: Option<watch::Receiver<EngineInfo>>,
    pub(super) changes: Option<ChangesWatch>,
    pub(super) requests: Bucket,
    /// Requests over the rate since the last one within it.
    pub(super) n_hasty: u64,
    /// The publish that is under way. Until it is done, the page is not read: its messages keep their order, and a
    /// full queue holds the page as it holds any publisher.
    pub(super) publishing: Option<Publishing<'s>>,
    outgoing: Vec<Message>,
    /// By which rooms and tails write themselves while the page has nothing on its way.
    pub(super) outlet: Option<Outlet>,
    last_heard: Instant,
}

type Publishing<'s> = Pin<Box<dyn Future<Output = (u64, Result<AckDetail, String>)> + Send + 's>>;

enum Event {
    Shutdown,
    Inbound(Option<Result<Message, axum::Error>>),
    Published(u64, Result<AckDetail, String>),
    Tail(ChannelName, TailBatch),
    Room(Arc<str>, RoomEvent),
    Channels(Vec<Bytes>),
    Changes(ServerMessage),
    Heartbeat,
    Engine(EngineInfo),
    /// The end of something that was written by the outlet waits.
    Unsent,
}

/// What a page's messages come from and go to.
pub(super) trait Socket:
    Sink<Message, Error = axum::Error> + Stream<Item = Result<Message, axum::Error>> + Unpin
{
}

impl<S> Socket for S where
    S: Sink<Message, Error = axum::Error> + Stream<Item = Result<Message, axum::Error>> + Unpin
{
}

/// Serves a page until it leaves or must go, and says why that was.
pub(super) async fn serve_page(
    sockets: &Sockets,
    mut socket: impl Socket,
    outlet: Option<Outlet>,
) -> Closing {
    let mut page = Page::new(sockets, outlet);
    let closing = page.run(&mut socket).await;
    // Names are free and subscriptions ended before the farewell, which may take its time.
    drop(page);
    if let Some((code, reason)) = closing.farewell() {
        let frame = CloseFrame { code, reason: reason.into() };
        let goodbye = async {
            if socket.send(Message::Close(Some(frame))).await.is_ok() {
                while let Some(Ok(_)) = socket.next().await {}
            }
            if closing == Closing::TooLarge {
                // Nothing can be read after an oversized message: the page's own end cannot be seen.
                std::future::pending::<()>().await;
            }
        };
        let _ = timeout(LINGER, goodbye).await;
    }
    closing
}

impl<'s> Page<'s> {
    fn new(sockets: &'s Sockets, outlet: Option<Outlet>) -> Self {
        let limits = &sockets.limits;
        let (per_sec, now) = (limits.socket_requests_per_sec, Instant::now());
        Self {
            sockets,
            tails: Streams::new(),
            filters: HashMap::new(),
            cut: CutPayloads::new(limits.socket_fetch_bytes),
            rooms: Rooms::new(),
            watcher: None,
            detail: None,
            engine: sockets.engine.watch(),
            changes: None,
            requests: Bucket::new(per_sec, per_sec.saturating_mul(2), now),
            n_hasty: 0,
            publishing: None,
            outgoing: Vec::new(),
            outlet,
            last_heard: now,
        }
    }

    async fn run(&mut self, socket: &mut impl Socket) -> Closing {
        let stall = Duration::from_secs(self.sockets.limits.socket_stall_secs);
        let mut heartbeats = interval_at(Instant::now() + HEARTBEAT_INTERVAL, HEARTBEAT_INTERVAL);
        heartbeats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut shutdown = pin!(self.sockets.shutdown.cancelled());
        let mut n_events = 0_u32;
        self.greet();
        loop {
            // Rooms and tails may write from when the page has nothing on its way until something happens.
            if !self.outgoing.is_empty() || !self.outlet.as_ref().is_none_or(Outlet::release) {
                let written = tokio::select! {
                    biased;
                    written = write_out(&mut self.outgoing, socket, stall) => written,
                    () = &mut shutdown => Err(Closing::Shutdown),
                };
                if let Err(closing) = written {
                    return closing;
                }
            }
            n_events = n_events.wrapping_add(1);
            let are_others_first = n_events.is_multiple_of(OTHERS_FIRST_EACH);
            let event = self.next(socket, shutdown.as_mut(), &mut heartbeats, are_others_first).await;
            if let Some(outlet) = &self.outlet {
                outlet.hold();
            }
            if let Some(closing) = self.handle(event, stall) {
                return closing;
            }
        }
    }

    /// Waits for what happens next. What a page mostly wakes for is looked at first, but not when `are_others_first`.
    async fn next(
        &mut self,
        socket: &mut impl Socket,
        shutdown: Pin<&mut WaitForCancellationFuture<'_>>,
        heartbeats: &mut Interval,
        are_others_first: bool,
    ) -> Event {
        let Self { tails, rooms, watcher, detail, engine, changes, publishing, outlet, .. } = self;
        let streams = pin!(async {
            tokio::select! {
                (channel, batch) = tails.next() => Event::Tail(channel, batch),
                (room, event) = rooms.next() => Event::Room(room, event),
            }
        });
        let others = pin!(async {
            tokio::select! {
                () = shutdown => Event::Shutdown,
                message = socket.next(), if publishing.is_none() => Event::Inbound(message),
                (id, result) = finish(publishing) => Event::Published(id, result),
                messages = news(watcher) => Event::Channels(messages),
                json = detail_news(detail) => Event::Channels(vec![json]),
                message = super::changes::next(changes) => Event::Changes(message),
                _ = heartbeats.tick() => Event::Heartbeat,
                info = engine_news(engine) => Event::Engine(info),
                () = outlet::unsent(outlet.as_ref()) => Event::Unsent,
            }
        });
        match are_others_first {
            true => select(others, streams).await.factor_first().0,
            false => select(streams, others).await.factor_first().0,
        }
    }

    fn handle(&mut self, event: Event, stall: Duration) -> Option<Closing> {
        match event {
            Event::Shutdown => return Some(Closing::Shutdown),
            Event::Inbound(message) => return self.handle_inbound(message),
            Event::Published(id, result) => {
                self.publishing = None;
                self.handle_published(id, result);
            }
            Event::Tail(channel, batch) => self.show(&channel, batch),
            Event::Room(room, event) => self.tell(&room, event),
            Event::Changes(message) => self.say(&message),
            Event::Channels(messages) => messages.into_iter().for_each(|json| self.say_json(json)),
            Event::Engine(engine) => self.say(&ServerMessage::Engine { engine }),
            // What is unsent goes out as if it was the page's own.
            Event::Unsent => {}
            Event::Heartbeat if HEARTBEAT_INTERVAL + stall <= self.last_heard.elapsed() => {
                return Some(Closing::TooSlow);
            }
            Event::Heartbeat => {
                self.say(&ServerMessage::Heartbeat { now_ms: clock::now_ms() });
                self.outgoing.push(Message::Ping(Bytes::new()));
            }
        }
        None
    }

    fn handle_inbound(&mut self, message: Option<Result<Message, axum::Error>>) -> Option<Closing> {
        self.last_heard = Instant::now();
        match message {
            None | Some(Ok(Message::Close(_))) => return Some(Closing::Left),
            Some(Err(error)) => return Some(closing_of(error)),
            Some(Ok(Message::Text(text))) => self.handle_text(&text),
            Some(Ok(Message::Binary(_))) => {
                self.handle_other("binary messages are not understood: send JSON as text");
            }
            // A pong answers our own ping; a ping was answered already, and costs as much as a request.
            Some(Ok(Message::Pong(_))) => {}
            Some(Ok(Message::Ping(_))) => {
                if let Err(retry_after) = self.requests.take(Instant::now()) {
                    self.handle_haste(None, retry_after);
                }
            }
        }
        let n_hasty_max = self.sockets.limits.socket_requests_per_sec.saturating_mul(2);
        (n_hasty_max < self.n_hasty).then_some(Closing::RateLimit)
    }

    fn handle_other(&mut self, reason: &str) {
        match self.requests.take(Instant::now()) {
            Ok(()) => self.complain(reason.to_owned()),
            Err(retry_after) => self.handle_haste(None, retry_after),
        }
    }

    fn greet(&mut self) {
        let features: Features = self.sockets.engine.features();
        let limits = SocketLimits {
            client_message_bytes: CLIENT_MESSAGE_BYTES_MAX as u64,
            publish_bytes: self.sockets.limits.http_publish_bytes,
            tail_payload_bytes: TAIL_PAYLOAD_BYTES_MAX as u64,
            subscriptions: self.sockets.limits.socket_subscriptions,
            chat_line_bytes: LINE_BYTES_MAX as u64,
        };
        self.say(&ServerMessage::Hello {
            protocol: PROTOCOL_VERSION,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            now_ms: clock::now_ms(),
            features,
            engine: self.sockets.engine.info(),
            limits,
        });
    }

    fn show(&mut self, channel: &ChannelName, batch: TailBatch) {
        self.sockets.counters.told(&batch);
        for (seq, payload) in batch.cut {
            self.cut.keep(channel.clone(), seq, payload);
        }
        self.outgoing.push(Message::text(batch.json));
    }

    fn tell(&mut self, room: &str, event: RoomEvent) {
        match event {
            RoomEvent::Lines(entries) => entries.iter().for_each(|entry| self.say_json(entry.json().clone())),
            RoomEvent::Presence(json) => self.say_json(json),
            RoomEvent::Lagged(lagged) => {
                self.say(&ServerMessage::ChatLagged { room: room.to_owned(), n_skipped: lagged.n_skipped });
            }
        }
    }

    /// Queues a message.
    pub(super) fn say(&mut self, message: &ServerMessage) {
        match serde_json::to_string(message) {
            Ok(json) => self.outgoing.push(Message::text(json)),
            // Only a number that is none would not encode, and none stands in what is said here.
            Err(error) => tracing::error!(%error, "a message to a page does not encode: {error}"),
        }
    }

    /// Queues a message that was encoded for many.
    fn say_json(&mut self, json: Bytes) {
        match Utf8Bytes::try_from(json) {
            Ok(text) => self.outgoing.push(Message::Text(text)),
            Err(error) => tracing::error!(%error, "a message to a page is no text: {error}"),
        }
    }
}

/// Writes everything queued. A page that takes none of it for as long as `stall` must go.
async fn write_out(
    outgoing: &mut Vec<Message>,
    socket: &mut impl Socket,
    stall: Duration,
) -> Result<(), Closing> {
    for message in outgoing.drain(..) {
        in_time(stall, socket.feed(message)).await?;
    }
    in_time(stall, socket.flush()).await
}

async fn in_time(
    stall: Duration,
    writing: impl Future<Output = Result<(), axum::Error>>,
) -> Result<(), Closing> {
    let mut writing = pin!(writing);
    // Mostly there is room for it, and no timer is needed.
    let written = match poll_immediate(&mut writing).await {
        Some(written) => written,
        None => timeout(stall, writing).await.map_err(|_| Closing::TooSlow)?,
    };
    written.map_err(|_| Closing::Lost)
}

async fn finish(publishing: &mut Option<Publishing<'_>>) -> (u64, Result<AckDetail, String>) {
    match publishing {
        Some(publishing) => publishing.await,
        None => std::future::pending().await,
    }
}

async fn engine_news(engine: &mut Option<watch::Receiver<EngineInfo>>) -> EngineInfo {
    if let Some(engine) = engine
        && engine.changed().await.is_ok()
    {
        return engine.borrow_and_update().clone();
    }
    std::future::pending().await
}

async fn detail_news(detail: &mut Option<DetailWatcher>) -> Bytes {
    match detail {
        Some(detail) => detail.next().await,
        None => std::future::pending().await,
    }
}

async fn news(watcher: &mut Option<Watcher>) -> Vec<Bytes> {
    match watcher {
        Some(watcher) => watcher.next().await,
        None => std::future::pending().await,
    }
}

fn closing_of(error: axum::Error) -> Closing {
    match error.into_inner().downcast_ref() {
        Some(tungstenite::Error::Capacity(_)) => Closing::TooLarge,
        _ => Closing::Lost,
    }
}

#[cfg(test)]
mod tests;
