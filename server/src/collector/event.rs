//! The exact text of the feed's events (docs/protocol.md §3). Source: WHATWG HTML, server-sent events.
//!
//! An event of the history has an id. What is said to one client alone (`ping`, `gap`) takes no place in the history;
//! where it carries an id, it is that of the client's own position, so that the browser goes on from there.

use std::io::Write as _;

use bytes::{Bytes, BytesMut};
use serde::Serialize;
use signalbox_shared::EventId;
use signalbox_shared::feed::{EVENT_GAP, EVENT_PING, EVENT_SAMPLES, Gap, Ping};

/// How an event ends. Its data are JSON on one line, so this stands nowhere else.
pub const END: &[u8] = b"\n\n";

/// Appends one event of the history: `json` must be one line. Without a name it is a sample.
pub fn append(to: &mut Vec<u8>, id: EventId, name: Option<&str>, json: &[u8]) {
    to.extend_from_slice(b"id: ");
    // Writing to a vector cannot fail.
    let _ = write!(to, "{id}");
    if let Some(name) = name {
        to.extend_from_slice(b"\nevent: ");
        to.extend_from_slice(name.as_bytes());
    }
    to.extend_from_slice(b"\ndata: ");
    to.extend_from_slice(json);
    to.extend_from_slice(END);
}

/// What opens a client's stream: its reconnection time, the gap if there is one, and a ping with its position, so
/// that a client which loses its connection before the first sample resumes without a hole.
#[must_use]
pub fn opening(retry_millis: u64, position: EventId, gap: Option<&Gap>, now_ms: i64) -> Bytes {
    let mut text = Vec::with_capacity(128);
    let _ = write!(text, "retry: {retry_millis}\n\n");
    if let Some(gap) = gap {
        append(&mut text, gap.resumed_at, Some(EVENT_GAP), &json(gap));
    }
    append(&mut text, position, Some(EVENT_PING), &json(&Ping { now_ms }));
    text.into()
}

/// A ping between samples, the same for every client and therefore without id.
#[must_use]
pub fn ping(now_ms: i64) -> Bytes {
    let mut text = Vec::with_capacity(64);
    let _ = write!(text, "event: {EVENT_PING}\ndata: ");
    text.extend_from_slice(&json(&Ping { now_ms }));
    text.extend_from_slice(END);
    text.into()
}

/// Whole events of the history, with samples that follow each other in one event ([`EVENT_SAMPLES`]): a browser spends more
/// on an event than on what a sample says.
#[must_use]
pub fn gathered(events: &Bytes) -> Bytes {
    let mut text = BytesMut::with_capacity(events.len());
    let (mut rest, mut run) = (&events[..], Vec::new());
    while !rest.is_empty() {
        run.clear();
        let mut behind = rest;
        while let Some(sample) = Sample::first_of(behind) {
            behind = &behind[sample.len..];
            run.push(sample);
        }
        match run.last() {
            Some(last) if 1 < run.len() => {
                text.extend_from_slice(last.id);
                text.extend_from_slice(b"\nevent: ");
                text.extend_from_slice(EVENT_SAMPLES.as_bytes());
                for sample in &run {
                    text.extend_from_slice(b"\n");
                    text.extend_from_slice(sample.data);
                }
                text.extend_from_slice(END);
            }
            _ => {
                let len = offset_after(rest, 1);
                text.extend_from_slice(&rest[..len]);
                behind = &rest[len..];
            }
        }
        rest = behind;
    }
    text.freeze()
}

/// A sample's event as it stands in the history.
struct Sample<'a> {
    /// Its first line.
    id: &'a [u8],
    /// Its second and last line.
    data: &'a [u8],
    /// Bytes of the whole event.
    len: usize,
}

impl<'a> Sample<'a> {
    /// The event with which `events` begin, if that is a sample.
    fn first_of(events: &'a [u8]) -> Option<Self> {
        let line = |from: usize| {
            let len = events.get(from..)?.iter().position(|byte| *byte == b'\n')?;
            Some(&events[from..from + len])
        };
        let id = line(0).filter(|id| id.starts_with(b"id: "))?;
        let data = line(id.len() + 1).filter(|data| data.starts_with(b"data: "))?;
        Some(Self { id, data, len: id.len() + 1 + data.len() + END.len() })
    }
}

/// JSON on one line.
pub fn json<T: Serialize>(value: &T) -> Vec<u8> {
    // The feed's own types have no map with keys that are no strings, the only thing that cannot be written.
    serde_json::to_vec(value).unwrap_or_default()
}

/// Where the event behind `n` whole events begins, in bytes.
#[must_use]
pub fn offset_after(events: &[u8], n: u64) -> usize {
    let mut offset = 0;
    for _ in 0..n {
        let rest = &events[offset..];
        let Some(end) = rest.windows(END.len()).position(|two| two == END) else { return events.len() };
        offset += end + END.len();
    }
    offset
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use signalbox_shared::feed::GapReason;

    use super::*;

    /// Builds the event that a vector of docs/vectors/feed.json describes.
    fn text(vector: &Value) -> Vec<u8> {
        let (event, data) = (vector["event"].as_str().unwrap(), vector["data"].as_str().unwrap());
        let name = (event != "message").then_some(event);
        match vector["id"].as_str() {
            Some(id) => {
                let mut text = Vec::new();
                append(&mut text, id.parse().unwrap(), name, data.as_bytes());
                text
            }
            None => ping(serde_json::from_str::<Ping>(data).unwrap().now_ms).to_vec(),
        }
    }

    #[test]
    fn events_are_byte_for_byte_those_of_the_vectors() {
        let vectors: Value = serde_json::from_str(include_str!("../../../docs/vectors/feed.json")).unwrap();
        for vector in vectors["events"].as_array().unwrap() {
            assert_eq!(
                String::from_utf8(text(vector)).unwrap(),
                vector["text"].as_str().unwrap(),
                "{}",
                vector["name"]
            );
        }
    }

    #[test]
    fn a_stream_opens_with_retry_then_the_gap_then_a_ping() {
        let id = |seq| EventId { epoch: 7, seq };
        assert_eq!(
            opening(1_500, id(3), None, 9),
            "retry: 1500\n\nid: 7-3\nevent: ping\ndata: {\"now_ms\":9}\n\n"
        );
        let gap = Gap { since: id(1), resumed_at: id(3), n_lost: Some(2), reason: GapReason::TooOld };
        let text = opening(1_500, id(3), Some(&gap), 9);
        let gap = "retry: 1500\n\nid: 7-3\nevent: gap\ndata: {\"since\":\"7-1\",\"resumed_at\":\"7-3\",\"n_lost\":2,\"reason\":\"too_old\"}\n\nid: 7-3\nevent: ping\n";
        assert!(text.starts_with(gap.as_bytes()), "{text:?}");
    }

    #[test]
    fn samples_that_follow_each_other_are_one_event() {
        let check = |events: &[(u64, Option<&str>)], expected: &str| {
            let mut text = Vec::new();
            for (seq, name) in events {
                append(&mut text, EventId { epoch: 7, seq: *seq }, *name, format!("{{{seq}}}").as_bytes());
            }
            assert_eq!(gathered(&text.into()), expected, "{events:?}");
        };
        check(&[], "");
        check(&[(1, None)], "id: 7-1\ndata: {1}\n\n");
        let three = "id: 7-3\nevent: samples\ndata: {1}\ndata: {2}\ndata: {3}\n\n";
        check(&[(1, None), (2, None), (3, None)], three);
        let with_mark = [(1, None), (2, None), (3, Some("mark")), (4, None), (5, Some("agent"))];
        check(
            &with_mark,
            "id: 7-2\nevent: samples\ndata: {1}\ndata: {2}\n\nid: 7-3\nevent: mark\ndata: {3}\n\nid: 7-4\ndata: {4}\n\nid: 7-5\nevent: agent\ndata: {5}\n\n",
        );
        assert_eq!(gathered(&ping(9)), ping(9), "what is no event of the history stays as it is");
    }

    #[test]
    fn events_are_found_by_their_ends() {
        let check = |text: &[u8], n, expected| assert_eq!(offset_after(text, n), expected);
        check(b"a\n\nb\nc\n\n", 0, 0);
        check(b"a\n\nb\nc\n\n", 1, 3);
        check(b"a\n\nb\nc\n\n", 2, 8);
        check(b"a\n\nb\nc\n\n", 3, 8);
    }
}
