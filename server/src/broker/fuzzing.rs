//! What the fuzzer runs, without a socket: any bytes as frames, and any bytes as a session in any pieces.
//!
//! Plain functions that panic where a promise is broken, so that an ordinary test can drive them too. Built for tests
//! and for the fuzzer alone.

use std::sync::Arc;
use std::task::{Context, Waker};

use signalbox_shared::ChannelName;

use super::batch::Batch;
use super::frame::{self, FrameError, HEADER_BYTES, Known, Name, NameFrame, Next};
use super::membership::Membership;
use super::outbox::Peer;
use super::publisher::{Publisher, Refusal, Then};
use super::router::{NoChannel, Router};
use super::run::Scratch;
use super::session::End;
use crate::limits::Limits;

/// Longer inputs show nothing new, and might name more channels than there may be.
const INPUT_BYTES_MAX: usize = 16 * 1024;
/// Limit of frames in [`frames`], in bytes: small, so that it is met.
const LIMIT_BYTES: usize = 300;

/// Any bytes as pairs. What is found at the beginning of some bytes stays the same when more come, unless it was that
/// more are needed; every place that is given lies within the bytes, and the walk comes to an end.
pub fn frames(bytes: &[u8]) {
    if INPUT_BYTES_MAX < bytes.len() {
        return;
    }
    let (mut at, mut framed_name) = (0, Vec::new());
    loop {
        let known = Known { framed_name: &framed_name, limit_bytes: LIMIT_BYTES };
        let found = checked(frame::next_pair(bytes, at, known, &LIMIT_BYTES));
        if let Ok(Next::Partial { needed_bytes }) = found {
            assert!(bytes.len() < needed_bytes, "what is needed is not there");
        }
        // Any cut of what follows; close to the beginning, where headers are, every one.
        for end in (at..bytes.len()).take(48).chain([bytes.len().saturating_sub(1)]) {
            let cut = checked(frame::next_pair(&bytes[..end], at, known, &LIMIT_BYTES));
            let needs_more = matches!(cut, Ok(Next::Partial { needed_bytes }) if end < needed_bytes && needed_bytes <= end + LIMIT_BYTES + HEADER_BYTES);
            assert!(needs_more || cut == found, "{cut:?} became {found:?}");
        }
        match found {
            Ok(Next::Pair { name, frame }) => {
                assert!(at < frame.start && frame.end <= bytes.len() && HEADER_BYTES <= frame.len());
                let whole = &bytes[frame.clone()];
                assert_eq!(frame::frames(whole).collect::<Vec<_>>(), [whole]);
                assert!(frame::payload(whole).len() <= LIMIT_BYTES);
                if let Name::Other(name) = name {
                    framed_name.clear();
                    frame::append(&mut framed_name, name);
                }
                at = frame.end;
            }
            Ok(Next::Partial { .. } | Next::End) | Err(_) => break,
        }
    }
    let walked: usize = frame::frames(bytes).map(<[u8]>::len).sum();
    assert!(walked <= bytes.len());
}

/// A name that stands before whole data is checked by whoever looks up the channel; here, as early as any other.
fn checked(found: Result<Next<'_>, FrameError>) -> Result<Next<'_>, FrameError> {
    match found {
        Ok(Next::Pair { name: Name::Other(name), frame }) => {
            ChannelName::from_bytes(name)?;
            Ok(Next::Pair { name: Name::Other(name), frame })
        }
        other => other,
    }
}

/// The first byte says into how many pieces the rest is cut, two bytes for each cut where, and what follows is a
/// session: it must mean the same in pieces as in one.
pub fn session(input: &[u8]) {
    let Some((&n_cuts, rest)) = input.split_first() else { return };
    let Some((cuts, bytes)) = rest.split_at_checked(2 * usize::from(n_cuts % 32)) else { return };
    if INPUT_BYTES_MAX < bytes.len() {
        return;
    }
    let places =
        cuts.chunks_exact(2).map(|cut| usize::from(u16::from_be_bytes([cut[0], cut[1]])) % (bytes.len() + 1));
    let mut places: Vec<usize> = places.chain([0, bytes.len()]).collect();
    places.sort_unstable();
    let pieces: Vec<&[u8]> = places.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
    let channels = ["/topic/a", "/queue/b"];
    assert_eq!(play(&pieces, &channels), play(&[bytes], &channels), "in pieces and whole");
}

/// What the broker made of a client's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) subscribes: Option<String>,
    pub(super) publishes: Vec<(String, Vec<u8>)>,
    pub(super) closing: &'static str,
}

/// Plays a session whose bytes come in `pieces`, and watches `channels`.
pub(super) fn play(pieces: &[&[u8]], channels: &[&str]) -> Outcome {
    let router = Router::new(&Limits::default());
    let taps: Vec<Membership> = channels
        .iter()
        .map(|name| router.join(name.as_bytes(), Peer::Relay, true).expect("a name and a bound of our own"))
        .collect();
    let limit_bytes =
        usize::try_from(router.limits.broker_frame_bytes).expect("a name and a bound of our own");
    let mut outcome = Outcome { subscribes: None, publishes: Vec::new(), closing: "left" };
    let mut publisher = Publisher::new(Arc::clone(&router), Peer::Relay);
    let mut scratch = Scratch::default();
    let mut carry = Vec::new();
    for piece in pieces {
        carry.extend_from_slice(piece);
        let end = loop {
            if outcome.subscribes.is_some() {
                let dispatched = publisher.dispatch(&carry, &mut scratch);
                carry.drain(..dispatched.consumed);
                break match dispatched.then {
                    Then::Read { needed_bytes } => {
                        assert!(carry.len() < needed_bytes);
                        None
                    }
                    Then::Hold(hold) => panic!("nothing is near a bound: {hold:?}"),
                    Then::End => Some("ended"),
                    Then::Refuse(Refusal::Frame(error)) => Some(End::from(error).closing.name()),
                    Then::Refuse(Refusal::TooManyChannels { limit }) => panic!("over {limit} channels"),
                };
            }
            match frame::name_frame(&carry, limit_bytes) {
                Ok(NameFrame::Partial { needed_bytes }) => {
                    assert!(carry.len() < needed_bytes);
                    break None;
                }
                Ok(NameFrame::Whole([])) => break Some("ended"),
                Ok(NameFrame::Whole(name)) => match router.channel(name) {
                    Ok(channel) => {
                        outcome.subscribes = Some(channel.name().to_string());
                        carry.drain(..HEADER_BYTES + channel.name().as_str().len());
                    }
                    Err(NoChannel::Name(error)) => {
                        break Some(End::from(NoChannel::Name(error)).closing.name());
                    }
                    Err(NoChannel::TooMany { limit }) => panic!("over {limit} channels"),
                },
                Err(error) => break Some(End::from(error).closing.name()),
            }
        };
        if let Some(closing) = end {
            outcome.closing = closing;
            carry.clear();
            break;
        }
    }
    if !carry.is_empty() {
        outcome.closing = "truncated";
    }
    for tap in &taps {
        let mut batch = Batch::default();
        let _ = tap.outbox().poll_take(&mut Context::from_waker(Waker::noop()), &mut batch);
        let name = tap.outbox().channel().to_string();
        let payloads =
            frame::frames(&batch.bytes).map(|frame| (name.clone(), frame::payload(frame).to_vec()));
        outcome.publishes.extend(payloads);
        tap.note_written(batch.bytes.len(), batch.n_messages);
    }
    outcome
}
