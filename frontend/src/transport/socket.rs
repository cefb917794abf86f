//! The WebSocket: requests out, messages in, for as long as the page lives. Source: RFC 6455, docs/protocol.md §5.
//!
//! Queues nothing itself: a message is handed to the browser when the relay has said hello and the browser's own buffer is
//! below its bound, and is refused otherwise. Who wants to be heard after a reconnect says it again (`chat_room`).

use std::cell::RefCell;
use std::rc::Rc;

use gloo_events::EventListener;
use signalbox_shared::PROTOCOL_VERSION;
use signalbox_shared::socket::{ClientMessage, ServerMessage, close};
use thiserror::Error;
use wasm_bindgen::JsCast;
use web_sys::{CloseEvent, Event, MessageEvent, WebSocket};

use super::decode;
use super::link::{Command, Link, Rules};
use super::page_events::{self, PageEvent};
use crate::state::relay_address::RelayAddress;
use crate::state::stream::StreamState;

/// Heartbeats come every 15 s.
const RULES: Rules = Rules { quiet_ms: 20_000, watchdog_ms: 60_000, sleeps: false };
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
    inner: Rc<Inner>,
}

struct Inner {
    relay: RelayAddress,
    state: RefCell<State>,
    on_output: Box<dyn Fn(SocketOutput)>,
    on_state: Box<dyn Fn(StreamState)>,
}

struct State {
    link: Link,
    connection: Option<Connection>,
    /// Counts attempts, so that an event of an old connection is recognised.
    attempt: u64,
    /// Whether the relay has said hello.
    is_ready: bool,
}

/// An open WebSocket and its listeners; dropping it removes them and closes it.
struct Connection {
    socket: WebSocket,
    _listeners: [EventListener; 2],
}

impl Drop for Connection {
    fn drop(&mut self) {
        // A socket that is closing already says so; there is nothing else to do about it.
        let _ = self.socket.close();
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
        let state =
            State { link: Link::new(RULES, super::now_ms()), connection: None, attempt: 0, is_ready: false };
        let inner = Rc::new(Inner {
            relay,
            state: RefCell::new(state),
            on_output: Box::new(on_output),
            on_state: Box::new(on_state),
        });
        inner.obey(Command::Open);
        Self { inner }
    }

    /// Hands one message to the connection.
    ///
    /// # Errors
    /// [`SendError`]; nothing was sent then.
    pub fn send(&self, message: &ClientMessage) -> Result<(), SendError> {
        let state = self.inner.state.borrow();
        let connection =
            state.connection.as_ref().filter(|_| state.is_ready).ok_or(SendError::NotConnected)?;
        let buffered_bytes = connection.socket.buffered_amount();
        if BUFFERED_BYTES_MAX < buffered_bytes {
            return Err(SendError::Full { buffered_bytes });
        }
        let text = serde_json::to_string(message).map_err(|_| SendError::Browser)?;
        connection.socket.send_with_str(&text).map_err(|_| SendError::Browser)
    }

    /// Time passes; to be called a few times a second.
    pub fn tick(&self) {
        let command = self.inner.state.borrow_mut().link.tick(super::now_ms(), js_sys::Math::random());
        self.inner.obey(command);
    }

    /// The tab or its network changed.
    pub fn page_event(&self, event: PageEvent) {
        if matches!(event, PageEvent::Shown | PageEvent::Online) {
            let command = self.inner.state.borrow_mut().link.hurry(super::now_ms());
            self.inner.obey(command);
        }
    }

    /// A person asks to connect now.
    pub fn wake(&self) {
        let command = self.inner.state.borrow_mut().link.wake(super::now_ms());
        self.inner.obey(command);
    }

    /// The page could not follow; `why` stands in the pill for a few seconds.
    pub fn fell_behind(&self, why: String) {
        self.inner.state.borrow_mut().link.fell_behind(why, super::now_ms(), LAGGING_MS);
        self.inner.tell_state();
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

    /// Drops the connection, if any, and says so once.
    fn disconnect(&self) {
        let was_ready = {
            let mut state = self.state.borrow_mut();
            state.attempt += 1;
            state.connection = None;
            std::mem::take(&mut state.is_ready)
        };
        if was_ready {
            (self.on_output)(SocketOutput::Lost);
        }
    }

    fn connect(self: &Rc<Self>) {
        self.disconnect();
        let Ok(socket) = WebSocket::new(&self.relay.web_socket("ws")) else {
            self.state.borrow_mut().link.failed(super::now_ms(), js_sys::Math::random());
            return;
        };
        // No listener for `error`: it says nothing, and `close` always follows.
        let listeners = [
            self.listener(&socket, "message", Self::received),
            self.listener(&socket, "close", Self::closed),
        ];
        self.state.borrow_mut().connection = Some(Connection { socket, _listeners: listeners });
    }

    /// A listener that does nothing once its connection has been replaced or the socket dropped.
    fn listener(
        self: &Rc<Self>,
        socket: &WebSocket,
        name: &'static str,
        handle: impl Fn(&Rc<Self>, &Event) + 'static,
    ) -> EventListener {
        let (weak, attempt) = (Rc::downgrade(self), self.state.borrow().attempt);
        EventListener::new(socket, name, move |event| {
            if let Some(this) = weak.upgrade()
                && this.state.borrow().attempt == attempt
            {
                handle(&this, event);
            }
        })
    }

    fn received(self: &Rc<Self>, event: &Event) {
        let Some(event) = event.dyn_ref::<MessageEvent>() else { return };
        self.state.borrow_mut().link.heard(super::now_ms());
        let decoded = event.data().as_string().ok_or_else(|| "a binary message".to_owned());
        match decoded.and_then(|text| decode::json::<ServerMessage>(&text)) {
            Ok(message) => self.take(message),
            Err(why) => (self.on_output)(SocketOutput::Undecodable(why)),
        }
    }

    fn take(self: &Rc<Self>, message: ServerMessage) {
        if let ServerMessage::Hello { protocol, .. } = message {
            if protocol != PROTOCOL_VERSION {
                return self.refuse(format!(
                    "the relay speaks protocol {protocol} and this page {PROTOCOL_VERSION}: reload the page"
                ));
            }
            let mut state = self.state.borrow_mut();
            state.link.opened(super::now_ms());
            state.is_ready = true;
            drop(state);
            self.tell_state();
        }
        (self.on_output)(SocketOutput::Message(message));
    }

    fn closed(self: &Rc<Self>, event: &Event) {
        let (code, reason) = event
            .dyn_ref::<CloseEvent>()
            .map_or((1006, String::new()), |event| (event.code(), event.reason()));
        if !close::is_retryable(code) {
            let reason =
                if reason.is_empty() { format!("closed by the relay with code {code}") } else { reason };
            return self.refuse(reason);
        }
        self.disconnect();
        self.state.borrow_mut().link.failed(super::now_ms(), js_sys::Math::random());
        self.tell_state();
    }

    fn refuse(&self, reason: String) {
        self.disconnect();
        self.state.borrow_mut().link.refused(reason);
        self.tell_state();
    }
}
