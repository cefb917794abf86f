//! One read of a publisher: its bytes into runs, its runs into channels.
//!
//! Synchronous and without a socket, so that any bytes can be tried in any pieces.

use std::sync::Arc;

use super::channel::{Channel, Forgotten};
use super::frame::{self, FrameError, Known, Name, Next};
use super::hold::Hold;
use super::outbox::Peer;
use super::router::{NoChannel, Router};
use super::run::{Run, Scratch, Span};
use super::senders::{Sender, Sending};
use crate::clock;

/// What one dispatch did with its bytes.
#[derive(Debug)]
pub(crate) struct Dispatched {
    /// How many bytes need not be shown again.
    pub(crate) consumed: usize,
    /// Messages that were published.
    pub(crate) n_messages: u64,
    /// Somebody was woken for them.
    pub(crate) has_woken: bool,
    /// Some subscriber can hardly follow.
    pub(crate) is_pressed: bool,
    pub(crate) then: Then,
}

/// What comes after a dispatch.
#[derive(Debug)]
pub(crate) enum Then {
    /// More bytes: with those that are left over, so many at least before anything new can be known.
    Read { needed_bytes: usize },
    /// The hold, then the bytes that are left over again.
    Hold(Hold),
    /// Nothing: the session is over.
    End,
    /// Nothing: the peer broke a rule.
    Refuse(Refusal),
}

/// What rule a publisher broke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Frame(FrameError),
    TooManyChannels { limit: u64 },
}

/// A publisher's way into its router.
#[derive(Debug)]
pub(crate) struct Publisher {
    router: Arc<Router>,
    /// Where the last message went, for the next one most likely goes there too.
    last: Option<Arc<Channel>>,
    /// The account of what goes there, and all accounts of this publisher.
    sender: Option<Arc<Sender>>,
    sending: Sending,
}

impl Publisher {
    pub(crate) fn new(router: Arc<Router>, peer: Peer) -> Self {
        let sending = router.sending(peer);
        Self { router, last: None, sender: None, sending }
    }

    /// Notes whether it waits for room where its last message should go.
    pub(crate) fn note_held(&self, is_held: bool) {
        if let Some(sender) = &self.sender {
            sender.note_held(is_held);
        }
    }

    /// Publishes the whole pairs at the beginning of `bytes`, in order, until one must wait.
    pub(crate) fn dispatch(&mut self, bytes: &[u8], scratch: &mut Scratch) -> Dispatched {
        let mut pass = Pass { bytes, at: 0, n_messages: 0, is_pressed: false, now_ms: clock::now_ms() };
        let then = loop {
            if let Some(then) = self.next_run(&mut pass, scratch) {
                break then;
            }
        };
        let has_woken = scratch.wakes.wake_all();
        let then = match then {
            Then::Read { needed_bytes } => Then::Read { needed_bytes: needed_bytes - pass.at },
            other => other,
        };
        Dispatched {
            consumed: pass.at,
            n_messages: pass.n_messages,
            has_woken,
            is_pressed: pass.is_pressed,
            then,
        }
    }

    /// Collects one run and publishes it. Gives what is to be done when that is not to go on with the next run.
    fn next_run(&mut self, pass: &mut Pass<'_>, scratch: &mut Scratch) -> Option<Then> {
        let mut spans = std::mem::take(&mut scratch.spans);
        spans.clear();
        let collected = self.collect(pass, &mut spans);
        let then = match (&self.last, spans.is_empty()) {
            (Some(channel), false) => {
                let channel = Arc::clone(channel);
                self.publish(&channel, pass, &spans, collected.n_bytes, scratch)
            }
            _ => None,
        };
        scratch.spans = spans;
        // What stopped the run is seen again after a hold; without one, it decides.
        then.or(match collected.stop {
            Stop::OtherChannel(name) => self.turn_to(name).err().map(Then::Refuse),
            Stop::Then(then) => Some(then),
        })
    }

    /// The pairs from `pass.at` on that go to the last channel.
    #[inline]
    fn collect<'a>(&self, pass: &Pass<'a>, spans: &mut Vec<Span>) -> Collected<'a> {
        let known = self.last.as_ref().map_or(Known::default(), |channel| Known {
            framed_name: channel.framed_name(),
            limit_bytes: channel.bounds().frame_bytes,
        });
        let (mut at, mut n_bytes) = (pass.at, 0);
        let stop = loop {
            match frame::next_pair(pass.bytes, at, known, &self.router.bounds) {
                Ok(Next::Pair { name: Name::Known, frame }) => {
                    at = frame.end;
                    n_bytes += frame.len();
                    spans.push(Span { start: frame.start as u32, end: frame.end as u32 });
                }
                Ok(Next::Pair { name: Name::Other(name), .. }) => break Stop::OtherChannel(name),
                Ok(Next::Partial { needed_bytes }) => break Stop::Then(Then::Read { needed_bytes }),
                Ok(Next::End) => break Stop::Then(Then::End),
                Err(error) => break Stop::Then(Then::Refuse(Refusal::Frame(error))),
            }
        };
        Collected { n_bytes, stop }
    }

    fn turn_to(&mut self, name: &[u8]) -> Result<Arc<Channel>, Refusal> {
        match self.router.channel(name) {
            Ok(channel) => {
                self.sender = self.sending.on(&channel);
                self.last = Some(Arc::clone(&channel));
                Ok(channel)
            }
            Err(NoChannel::Name(error)) => Err(Refusal::Frame(error.into())),
            Err(NoChannel::TooMany { limit }) => Err(Refusal::TooManyChannels { limit }),
        }
    }

    fn publish(
        &mut self,
        channel: &Arc<Channel>,
        pass: &mut Pass<'_>,
        spans: &[Span],
        n_bytes: usize,
        scratch: &mut Scratch,
    ) -> Option<Then> {
        let run = Run::spread(pass.bytes, spans, n_bytes);
        let mut channel = Arc::clone(channel);
        let published = loop {
            match channel.publish(&run, scratch, pass.now_ms) {
                Ok(published) => break published,
                Err(Forgotten) => match self.turn_to(frame::payload(channel.framed_name())) {
                    Ok(anew) => channel = anew,
                    Err(refusal) => return Some(Then::Refuse(refusal)),
                },
            }
        };
        pass.n_messages += published.n_taken;
        if let Some(sender) = self.sender.as_ref().filter(|_| published.n_taken != 0) {
            sender.note(published.n_taken, pass.now_ms);
        }
        pass.is_pressed |= published.is_pressed;
        let n_taken = usize::try_from(published.n_taken).unwrap_or(usize::MAX);
        if let Some(last) = n_taken.checked_sub(1).and_then(|place| spans.get(place)) {
            pass.at = last.end as usize;
        }
        published.hold.map(Then::Hold)
    }
}

/// How far a dispatch has come.
struct Pass<'a> {
    bytes: &'a [u8],
    at: usize,
    n_messages: u64,
    is_pressed: bool,
    now_ms: i64,
}

struct Collected<'a> {
    n_bytes: usize,
    stop: Stop<'a>,
}

/// What ends a run.
enum Stop<'a> {
    OtherChannel(&'a [u8]),
    Then(Then),
}
