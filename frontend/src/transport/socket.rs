//! The WebSocket: requests out, messages in, for as long as the page lives. Source: RFC 6455, docs/protocol.md §5.
//!
//! Queues nothing itself: a message is handed to the browser when the relay has said hello and the browser's own buffer is
//! below its bound, and is refused otherwise. Who wants to be heard after a reconnect says it again (`chat_room`).

use std::rc::Rc;

use signalbox_shared::PROTOCOL_VERSION;
use signalbox_shared::socket::{ClientMessage, ServerMessage, close};
use thiserror::Error;
use wasm_bindgen::JsCast;
use web_sys::{CloseEvent, Event, MessageEvent, WebSocket};

use super::carrier::{Carrier, Stream, Wire};
use super::decode;
use super::link::{Command, Link, Rules};
use super::page_events::PageEvent;
use crate::state::relay_address::RelayAddress;
use crate::state::stream::StreamState;

/// Most bytes that may wait in the browser's send buffer: sixteen of the largest messages.
pub const BUFFERED_BYTES_MAX: u32 = 1024 * 1024;
/// How long a skip is worth saying in the pill, in milliseconds.
const LAGGING_MS: i64 = 5_000;

/// What comes out of a socket.
#[derive(Clone, Debug)]
pub enum SocketOutput {
    /// A message of the relay; the first of a connection is `hello`.
    Message(ServerMessage),
    /// The connection is gone, and with it every answer that was still awaited.
    Lost,
    /// A message that does not decode, for the log; counted by whoever listens.
    Undecodable(String),
}

/// Why a message was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SendError {
    /// There is no connection.
    #[error("not connected")]
    NotConnected,
    /// More than [`BUFFERED_BYTES_MAX`] wait already.
    #[error("the connection is too slow: {buffered_bytes} bytes still wait to be sent")]
    Full {
        /// Bytes waiting in the browser.
        buffered_bytes: u32,
    },
    /// The browser refused.
    #[error("the browser could not send")]
    Browser,
}

/// A socket. Dropping it closes it.
#[derive(Clone)]
pub struct Socket {
    carrier: Rc<Carrier<Messages>>,
}

/// The stream of messages.
#[derive(Default)]
struct Messages {
    /// Whether the relay has said hello on this connection.
    is_ready: bool,
}

impl Wire for WebSocket {
    fn close(&self) {
        // A socket that is closing already says so; there is nothing else to do about it.
        let _ = Self::close(self);
    }
}

impl Socket {
    /// Opens a socket. Both callbacks may be called at any time until the socket is dropped.
    #[must_use]
    pub fn open(
        relay: RelayAddress,
        on_output: impl Fn(SocketOutput) + 'static,
        on_state: impl Fn(StreamState) + 'static,
    ) -> Self {
        let carrier = Carrier::new(relay, Messages::default(), on_output, on_state);
        carrier.drive(|_, _| Command::Open);
        Self { carrier }
    }

    /// Hands one message to the connection.
    ///
    /// # Errors
    /// [`SendError`]; nothing was sent then.
    pub fn send(&self, message: &ClientMessage) -> Result<(), SendError> {
        if !self.carrier.stream.borrow().is_ready {
            return Err(SendError::NotConnected);
        }
        let sent = self.carrier.with_wire(|socket| {
            let buffered_bytes = socket.buffered_amount();
            if BUFFERED_BYTES_MAX < buffered_bytes {
                return Err(SendError::Full { buffered_bytes });
            }
            let text = serde_json::to_string(message).map_err(|_| SendError::Browser)?;
            socket.send_with_str(&text).map_err(|_| SendError::Browser)
        });
        sent.unwrap_or(Err(SendError::NotConnected))
    }

    /// Time passes; to be called a few times a second.
    pub fn tick(&self) {
        self.carrier.tick();
    }

    /// The tab or its network changed.
    pub fn page_event(&self, event: PageEvent) {
        if matches!(event, PageEvent::Shown | PageEvent::Online) {
            self.carrier.drive(Link::hurry);
        }
    }

    /// A person asks to connect now.
    pub fn wake(&self) {
        self.carrier.drive(Link::wake);
    }

    /// The page could not follow; `why` stands in the pill for a few seconds.
    pub fn fell_behind(&self, why: String) {
        self.carrier.fell_behind(why, LAGGING_MS);
    }
}

impl Stream for Messages {
    type Wire = WebSocket;
    type Output = SocketOutput;

    /// Heartbeats come every 15 s.
    const RULES: Rules = Rules { quiet_ms: 20_000, watchdog_ms: 60_000, sleeps: false };

    fn connect(carrier: &Rc<Carrier<Self>>) {
        let Ok(socket) = WebSocket::new(&carrier.relay.web_socket("ws")) else { return carrier.fail() };
        // No listener for `error`: it says nothing, and `close` always follows.
        let listeners =
            vec![carrier.listener(&socket, "message", received), carrier.listener(&socket, "close", closed)];
        carrier.keep(socket, listeners);
    }

    /// Says so once, whoever ended it.
    fn closed(carrier: &Carrier<Self>) {
        let was_ready = std::mem::take(&mut carrier.stream.borrow_mut().is_ready);
        if was_ready {
            carrier.put_out(SocketOutput::Lost);
        }
    }
}

fn received(carrier: &Rc<Carrier<Messages>>, event: &Event) {
    let Some(event) = event.dyn_ref::<MessageEvent>() else { return };
    carrier.heard();
    let decoded = event.data().as_string().ok_or_else(|| "a binary message".to_owned());
    match decoded.and_then(|text| decode::json::<ServerMessage>(&text)) {
        Ok(message) => take(carrier, message),
        Err(why) => carrier.put_out(SocketOutput::Undecodable(why)),
    }
}

fn take(carrier: &Rc<Carrier<Messages>>, message: ServerMessage) {
    if let ServerMessage::Hello { protocol, .. } = message {
        if protocol != PROTOCOL_VERSION {
            return carrier.refuse(format!(
                "the relay speaks protocol {protocol} and this page {PROTOCOL_VERSION}: reload the page"
            ));
        }
        carrier.stream.borrow_mut().is_ready = true;
        carrier.opened();
    }
    carrier.put_out(SocketOutput::Message(message));
}

fn closed(carrier: &Rc<Carrier<Messages>>, event: &Event) {
    let (code, reason) =
        event.dyn_ref::<CloseEvent>().map_or((1006, String::new()), |event| (event.code(), event.reason()));
    if close::is_retryable(code) {
        return carrier.fail();
    }
    let reason = if reason.is_empty() { format!("closed by the relay with code {code}") } else { reason };
    carrier.refuse(reason);
}
