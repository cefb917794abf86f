//! What a page sees of one channel: batches of 16 ms, bounded in messages and bytes, with exact accounts.
//!
//! A tap shows the newest messages of a batch and skips the rest. A consumer never skips: it takes from the queue only
//! what it shows, so that the rest stays where another consumer can have it.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, stream};
use signalbox_shared::socket::{ServerMessage, TAIL_PAYLOAD_BYTES_MAX, TailAccounts, TailMessage, TailMode};
use signalbox_shared::{ChannelName, Payload};
use tokio::time::{Instant, sleep_until};

use crate::clock;
use crate::engine::{Batch, Subscription};
use crate::limits::Limits;

/// A browser's frame: more often nobody could see it.
pub(super) const BATCH_INTERVAL: Duration = Duration::from_millis(16);
/// What a message costs in a batch beside its payload, in bytes of JSON.
const MESSAGE_OVERHEAD_BYTES: usize = 100;
/// How much longer a payload can become as JSON: a control character takes six bytes.
const JSON_GROWTH: usize = 6;

/// How much one batch holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct BatchBounds {
    n_messages: usize,
    n_bytes: usize,
}

impl BatchBounds {
    pub(super) fn new(limits: &Limits) -> Self {
        let size = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
        Self { n_messages: size(limits.socket_batch_messages), n_bytes: size(limits.socket_batch_bytes) }
    }
}

/// One batch on its way to a page.
pub(super) struct TailBatch {
    /// The `tail` message.
    pub(super) message: ServerMessage,
    /// How many messages this batch shows and skips.
    pub(super) n_shown: u64,
    pub(super) n_skipped: u64,
    /// The wholes of payloads that were cut, with their numbers.
    pub(super) cut: Vec<(u64, Bytes)>,
}

/// The batches of a subscription, at most one per [`BATCH_INTERVAL`]; none is made before the one before it was taken.
pub(super) fn batches(
    channel: ChannelName,
    subscription: Subscription,
    mode: TailMode,
    bounds: BatchBounds,
) -> impl Stream<Item = TailBatch> + Send {
    let tail = Tail { channel, bounds, accounts: TailAccounts::default() };
    stream::unfold(
        (tail, subscription, Instant::now()),
        move |(mut tail, mut subscription, not_before)| async move {
            sleep_until(not_before).await;
            let batch = match mode {
                TailMode::Tap => subscription.next().await,
                TailMode::Consume => {
                    // Never so much that some of it could not be shown.
                    subscription.next_at_most(bounds.n_messages, bounds.n_bytes / JSON_GROWTH).await
                }
            };
            let not_before = Instant::now() + BATCH_INTERVAL;
            let shown = tail.show(&batch, mode);
            Some((shown, (tail, subscription, not_before)))
        },
    )
}

struct Tail {
    channel: ChannelName,
    bounds: BatchBounds,
    accounts: TailAccounts,
}

impl Tail {
    fn show(&mut self, batch: &Batch, mode: TailMode) -> TailBatch {
        let payloads: Vec<&[u8]> = batch.payloads().collect();
        let at_ms = clock::now_ms();
        // Newest first, until the batch is full; the newest one always fits.
        let mut bytes_left = self.bounds.n_bytes;
        let mut messages = Vec::new();
        let mut cut = Vec::new();
        let last_seq = self.accounts.received + payloads.len() as u64;
        let newest_first = payloads.iter().rev().zip((1..=last_seq).rev());
        for (payload, seq) in newest_first.take(self.bounds.n_messages) {
            let (shown, is_cut) = beginning(payload);
            let cost = json_bytes(&shown) + MESSAGE_OVERHEAD_BYTES;
            if mode == TailMode::Tap && bytes_left < cost && !messages.is_empty() {
                break;
            }
            bytes_left = bytes_left.saturating_sub(cost);
            if is_cut {
                cut.push((seq, Bytes::copy_from_slice(payload)));
            }
            let size_bytes = payload.len() as u64;
            messages.push(TailMessage { seq, at_ms, size_bytes, payload: shown, is_cut });
        }
        messages.reverse();
        cut.reverse();
        let n_shown = messages.len() as u64;
        let n_received = batch.n_messages() + batch.n_dropped();
        self.accounts.received += n_received;
        self.accounts.shown += n_shown;
        self.accounts.skipped += n_received - n_shown;
        let message =
            ServerMessage::Tail { channel: self.channel.clone(), messages, accounts: self.accounts };
        TailBatch { message, n_shown, n_skipped: n_received - n_shown, cut }
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

/// At least the size of a payload as a JSON string, in bytes.
fn json_bytes(payload: &Payload) -> usize {
    match payload {
        Payload::Base64(text) => text.len(),
        Payload::Text(text) => text
            .bytes()
            .map(|byte| match byte {
                b'"' | b'\\' => 2,
                0..=0x1f => JSON_GROWTH,
                _ => 1,
            })
            .sum(),
    }
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

    #[test]
    fn the_cost_is_no_less_than_what_serde_writes() {
        for text in ["plain", "\"\\\n\u{1}\u{7f}", "żółw 🚦", &"\0".repeat(500)] {
            let payload = Payload::Text(text.to_owned());
            let written = serde_json::to_string(text).unwrap().len() - 2;
            assert!(
                written <= json_bytes(&payload) && json_bytes(&payload) <= JSON_GROWTH * text.len(),
                "{text:?}"
            );
        }
    }
}
