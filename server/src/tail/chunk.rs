//! Messages that came together, each of them encoded once for everybody who is shown it.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use serde::Serialize;
use signalbox_shared::Payload;
use signalbox_shared::socket::TAIL_PAYLOAD_BYTES_MAX;
use tokio::time::Instant;

use crate::clock;
use crate::engine::Batch;

/// Messages that were taken from the engine at one moment, and how many were lost behind them.
pub(crate) struct Chunk {
    frames: Vec<u8>,
    messages: Vec<Place>,
    pub(super) n_lost_behind: u64,
    at_ms: i64,
    /// When it came, for the pace of those who are shown it.
    pub(super) came_at: Instant,
}

struct Place {
    payload: Range<usize>,
    json: OnceLock<Box<str>>,
    whole: OnceLock<Bytes>,
}

/// One message of a chunk.
#[derive(Clone)]
pub(crate) struct Message {
    chunk: Arc<Chunk>,
    place: usize,
}

impl Chunk {
    pub(super) fn new(batch: Batch) -> Self {
        let n_lost_behind = batch.n_dropped();
        let frames = batch.into_frames();
        let mut end = 0;
        let messages = crate::broker::frame::frames(&frames)
            .map(|frame| {
                end += frame.len();
                let payload = end - crate::broker::frame::payload(frame).len()..end;
                Place { payload, json: OnceLock::new(), whole: OnceLock::new() }
            })
            .collect();
        Self { frames, messages, n_lost_behind, at_ms: clock::now_ms(), came_at: Instant::now() }
    }

    pub(super) fn n_messages(&self) -> usize {
        self.messages.len()
    }

    /// How many numbers it takes: its messages and those lost behind them.
    pub(super) fn n_received(&self) -> u64 {
        self.messages.len() as u64 + self.n_lost_behind
    }

    /// What it costs to keep, before anything of it is encoded.
    pub(super) fn n_bytes(&self) -> usize {
        self.frames.len() + self.messages.len() * size_of::<Place>()
    }

    /// Its messages, oldest first.
    pub(super) fn messages(self: &Arc<Self>) -> impl DoubleEndedIterator<Item = Message> + '_ {
        (0..self.messages.len()).map(|place| Message { chunk: Arc::clone(self), place })
    }
}

/// A tail's message without its number.
#[derive(Serialize)]
struct Unnumbered {
    at_ms: i64,
    size_bytes: u64,
    payload: Payload,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_cut: bool,
}

impl Message {
    /// The payload itself.
    #[must_use]
    pub(crate) fn payload(&self) -> &[u8] {
        let place = &self.chunk.messages[self.place];
        &self.chunk.frames[place.payload.clone()]
    }

    /// When the relay took it from the engine, in milliseconds since the Unix epoch.
    #[must_use]
    pub(crate) fn at_ms(&self) -> i64 {
        self.chunk.at_ms
    }

    /// Whether a tail shows only the beginning.
    pub(super) fn is_cut(&self) -> bool {
        TAIL_PAYLOAD_BYTES_MAX < self.payload().len()
    }

    /// The message as a tail shows it, as the inside of a JSON object that lacks its `seq`.
    pub(super) fn json(&self) -> &str {
        self.chunk.messages[self.place].json.get_or_init(|| {
            let payload = self.payload();
            let (shown, is_cut) = beginning(payload);
            let message = Unnumbered {
                at_ms: self.chunk.at_ms,
                size_bytes: payload.len() as u64,
                payload: shown,
                is_cut,
            };
            let json = serde_json::to_string(&message).unwrap_or_default(); // texts and numbers always encode
            json.get(1..json.len().saturating_sub(1)).unwrap_or_default().into() // without its braces
        })
    }

    /// The payload on its own, for those who keep it after the chunk is gone; copied once for all of them.
    pub(super) fn whole(&self) -> Bytes {
        self.chunk.messages[self.place].whole.get_or_init(|| Bytes::copy_from_slice(self.payload())).clone()
    }
}

/// As much of a payload as a tail shows, and whether that is not all. A character is never cut in two.
fn beginning(payload: &[u8]) -> (Payload, bool) {
    let Some(mut shown) = payload.get(..TAIL_PAYLOAD_BYTES_MAX).filter(|shown| shown.len() < payload.len())
    else {
        return (Payload::from_bytes(payload), false);
    };
    if let Err(error) = std::str::from_utf8(shown)
        && error.error_len().is_none()
    {
        shown = &shown[..error.valid_up_to()];
    }
    (Payload::from_bytes(shown), true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_is_text_when_the_payload_is() {
        let check = |payload: &[u8], shown_bytes: usize, is_text: bool, cut: bool| {
            let (shown, is_cut) = beginning(payload);
            assert_eq!(*shown.bytes().unwrap(), payload[..shown_bytes]);
            assert_eq!((matches!(shown, Payload::Text(_)), is_cut), (is_text, cut));
        };
        const MAX: usize = TAIL_PAYLOAD_BYTES_MAX;
        check(b"", 0, true, false);
        check(&vec![b'x'; MAX], MAX, true, false);
        check(&vec![b'x'; MAX + 1], MAX, true, true);
        check(&vec![0xff; MAX + 1], MAX, false, true);
        let turtles = format!("x{}", "ż".repeat(MAX));
        check(turtles.as_bytes(), MAX - 1, true, true);
        let mut broken = turtles.into_bytes();
        broken[100] = 0xff;
        check(&broken, MAX, false, true);
    }
}
