//! Whole sessions without a socket: the vectors of docs/protocol.md §1, and any bytes in any pieces.

use std::sync::Arc;
use std::task::{Context, Waker};

use proptest::prelude::*;

use super::batch::Batch;
use super::frame::{self, HEADER_BYTES, NameFrame};
use super::membership::Membership;
use super::outbox::Peer;
use super::publisher::{Publisher, Refusal, Then};
use super::router::{NoChannel, Router};
use super::run::Scratch;
use super::session::End;
use crate::limits::Limits;

/// What the broker made of a client's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Outcome {
    subscribes: Option<String>,
    publishes: Vec<(String, Vec<u8>)>,
    closing: &'static str,
}

/// Plays a session whose bytes come in `pieces`, and watches `channels`.
fn play(pieces: &[&[u8]], channels: &[&str]) -> Outcome {
    let router = Router::new(&Limits::default());
    let taps: Vec<Membership> =
        channels.iter().map(|name| router.join(name.as_bytes(), Peer::Relay, true).unwrap()).collect();
    let limit_bytes = usize::try_from(router.limits.broker_frame_bytes).unwrap();
    let mut outcome = Outcome { subscribes: None, publishes: Vec::new(), closing: "left" };
    let mut publisher = Publisher::new(Arc::clone(&router));
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

fn bytes_from_hex(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

#[test]
fn the_documented_sessions_mean_what_is_documented() {
    let document: serde_json::Value =
        serde_json::from_str(include_str!("../../../docs/vectors/frames.json")).unwrap();
    for case in document["sessions"].as_array().unwrap() {
        let bytes = bytes_from_hex(case["client_hex"].as_str().unwrap());
        let publishes: Vec<(String, Vec<u8>)> = case["publishes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|message| {
                let data = bytes_from_hex(message["data_hex"].as_str().unwrap());
                (message["channel"].as_str().unwrap().to_owned(), data)
            })
            .collect();
        let mut channels: Vec<&str> = publishes.iter().map(|(name, _)| name.as_str()).collect();
        channels.dedup();
        let found = play(&[&bytes], &channels);
        assert_eq!(found.subscribes.as_deref(), case["subscribes"].as_str(), "{}", case["title"]);
        assert_eq!(found.publishes, publishes, "{}", case["title"]);
        assert_eq!(found.closing, case["closing"], "{}", case["title"]);
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(play(&single, &channels), found, "{}, byte by byte", case["title"]);
    }
}

/// Bytes that are a session, nearly one, or nothing of the sort.
fn session_bytes() -> impl Strategy<Value = Vec<u8>> {
    let name = prop_oneof![
        4 => Just(b"/topic/a".to_vec()),
        2 => Just(b"/queue/b".to_vec()),
        1 => Just(b"/null".to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..12),
    ];
    let data = prop_oneof![
        8 => proptest::collection::vec(any::<u8>(), 0..40),
        1 => proptest::collection::vec(any::<u8>(), 3_000..4_000),
    ];
    let pairs = proptest::collection::vec((name, data), 0..20);
    (pairs, proptest::option::of((any::<prop::sample::Index>(), any::<u8>())), any::<prop::sample::Index>())
        .prop_map(|(pairs, change, cut)| {
            let mut bytes = Vec::new();
            frame::append(&mut bytes, b"/topic/a");
            for (name, data) in &pairs {
                frame::append(&mut bytes, name);
                frame::append(&mut bytes, data);
            }
            if let Some((place, value)) = change {
                let place = place.index(bytes.len());
                bytes[place] = value;
                bytes.truncate(bytes.len() - cut.index(bytes.len()) / 4);
            }
            bytes
        })
}

proptest! {
    #[test]
    fn any_bytes_in_any_pieces_mean_the_same_as_the_whole(
        bytes in session_bytes(),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..30),
    ) {
        let channels = ["/topic/a", "/queue/b"];
        let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        places.extend([0, bytes.len()]);
        places.sort_unstable();
        let pieces: Vec<&[u8]> = places.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        prop_assert_eq!(play(&pieces, &channels), play(&[&bytes], &channels));
    }
}
