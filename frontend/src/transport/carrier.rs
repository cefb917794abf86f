//! What carries a stream, whatever it is made of: a connection of the browser that is opened and closed as [`Link`] says,
//! its events, and who is told. Knows neither Server-Sent Events nor WebSockets.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use gloo_events::EventListener;
use web_sys::{Event, EventTarget};

use super::link::{Command, Link, Rules};
use super::page_events;
use crate::state::relay_address::RelayAddress;
use crate::state::stream::StreamState;

/// A connection as the browser makes it.
pub(super) trait Wire: AsRef<EventTarget> {
    /// Ends it, also one that is ending already.
    fn close(&self);
}

/// What a stream is beside its connection: what it keeps over all of them, and how it connects.
pub(super) trait Stream: Sized + 'static {
    /// What it is carried by.
    type Wire: Wire;
    /// What comes out of it.
    type Output;
    /// When it counts as lagging, dead, or asleep.
    const RULES: Rules;

    /// Begins to connect; there is no connection now.
    fn connect(carrier: &Rc<Carrier<Self>>);

    /// The connection, if there was one, is no more.
    fn closed(_carrier: &Carrier<Self>) {}
}

/// One stream's connections, one after the other.
pub(super) struct Carrier<S: Stream> {
    /// Where it connects to.
    pub(super) relay: RelayAddress,
    /// What the stream keeps.
    pub(super) stream: RefCell<S>,
    link: RefCell<Link>,
    connection: RefCell<Option<Connection<S::Wire>>>,
    /// Counts attempts, so that an answer or an event of an old one is recognised.
    attempt: Cell<u64>,
    on_output: Box<dyn Fn(S::Output)>,
    on_state: Box<dyn Fn(StreamState)>,
}

/// An open connection and its listeners; dropping it removes them and closes it.
struct Connection<W: Wire> {
    wire: W,
    _listeners: Vec<EventListener>,
}

impl<W: Wire> Drop for Connection<W> {
    fn drop(&mut self) {
        self.wire.close();
    }
}

impl<S: Stream> Carrier<S> {
    /// One that does not connect yet. Both callbacks may be called at any time until it is dropped.
    pub(super) fn new(
        relay: RelayAddress,
        stream: S,
        on_output: impl Fn(S::Output) + 'static,
        on_state: impl Fn(StreamState) + 'static,
    ) -> Rc<Self> {
        Rc::new(Self {
            relay,
            stream: RefCell::new(stream),
            link: RefCell::new(Link::new(S::RULES, super::now_ms())),
            connection: RefCell::new(None),
            attempt: Cell::new(0),
            on_output: Box::new(on_output),
            on_state: Box::new(on_state),
        })
    }

    /// Does to the link what `change` does, at this moment, and what follows from it.
    pub(super) fn drive(self: &Rc<Self>, change: impl FnOnce(&mut Link, i64) -> Command) {
        let command = change(&mut self.link.borrow_mut(), super::now_ms());
        match command {
            Command::Stay => {}
            Command::Open => self.connect(),
            Command::Close => self.disconnect(),
        }
        self.tell_state();
    }

    /// Time passes; to be called a few times a second.
    pub(super) fn tick(self: &Rc<Self>) {
        self.drive(|link, now_ms| link.tick(now_ms, js_sys::Math::random()));
    }

    /// Connects, in place of whatever connection there is.
    pub(super) fn connect(self: &Rc<Self>) {
        self.disconnect();
        S::connect(self);
    }

    /// Keeps a connection that was opened, and listens to it.
    pub(super) fn keep(&self, wire: S::Wire, listeners: Vec<EventListener>) {
        *self.connection.borrow_mut() = Some(Connection { wire, _listeners: listeners });
    }

    /// Reads from the connection, if there is one.
    pub(super) fn with_wire<R>(&self, read: impl FnOnce(&S::Wire) -> R) -> Option<R> {
        self.connection.borrow().as_ref().map(|connection| read(&connection.wire))
    }

    /// The connection stands.
    pub(super) fn opened(&self) {
        self.link.borrow_mut().opened(super::now_ms());
        self.tell_state();
    }

    /// Something came over it.
    pub(super) fn heard(&self) {
        self.link.borrow_mut().heard(super::now_ms());
    }

    /// The page cannot follow; said for `for_ms` milliseconds.
    pub(super) fn fell_behind(&self, why: String, for_ms: i64) {
        self.link.borrow_mut().fell_behind(why, super::now_ms(), for_ms);
        self.tell_state();
    }

    /// The connection failed or broke: another one follows after a while.
    pub(super) fn fail(&self) {
        self.disconnect();
        self.link.borrow_mut().failed(super::now_ms(), js_sys::Math::random());
        self.tell_state();
    }

    /// The relay does not want this page back.
    pub(super) fn refuse(&self, reason: String) {
        self.disconnect();
        self.link.borrow_mut().refused(reason);
        self.tell_state();
    }

    /// Gives something to whoever listens.
    pub(super) fn put_out(&self, output: S::Output) {
        (self.on_output)(output);
    }

    /// Which attempt to connect this is.
    pub(super) fn attempt(&self) -> u64 {
        self.attempt.get()
    }

    /// A listener that does nothing once its connection has been replaced or the stream dropped.
    pub(super) fn listener(
        self: &Rc<Self>,
        wire: &S::Wire,
        name: &'static str,
        handle: impl Fn(&Rc<Self>, &Event) + 'static,
    ) -> EventListener {
        let (weak, attempt) = (Rc::downgrade(self), self.attempt());
        EventListener::new(wire.as_ref(), name, move |event| {
            if let Some(this) = weak.upgrade().filter(|this| this.attempt() == attempt) {
                handle(&this, event);
            }
        })
    }

    fn disconnect(&self) {
        self.attempt.set(self.attempt() + 1);
        // Dropped outside the borrow: closing may call back.
        let connection = self.connection.borrow_mut().take();
        drop(connection);
        S::closed(self);
    }

    fn tell_state(&self) {
        let has_network = self.relay.is_loopback() || page_events::has_network();
        let state = self.link.borrow().stream_state(super::now_ms(), has_network);
        (self.on_state)(state);
    }
}
