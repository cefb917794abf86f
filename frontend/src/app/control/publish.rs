//! Publishing: one message, or the same one many times at a rate.

use std::sync::Arc;

use gloo_timers::callback::Interval;
use signalbox_shared::socket::ClientMessage;
use signalbox_shared::{ChannelName, Payload};

use super::Control;
use crate::state::publishes::Outcome;
use crate::state::repeat::Repeat;
use crate::state::requests::Purpose;
use crate::state::units;
use crate::transport::now_ms;

/// How often a run looks what is due, in milliseconds: at its highest rate, a few messages at a time.
const REPEAT_TICK_MS: u32 = 50;
/// Room in a socket message for what stands beside the payload, in bytes: a name and a few words.
const ENVELOPE_BYTES: u64 = 2_048;

/// A run that goes on.
pub(super) struct Repeating {
    channel: ChannelName,
    payload: Arc<Payload>,
    _interval: Interval,
}

impl Control {
    /// Publishes `data` and remembers what became of it.
    pub fn publish(&self, channel: &ChannelName, data: &[u8]) {
        let publishes = &self.stores.publishes;
        let number = publishes.update(|publishes| publishes.begin(channel.clone(), data, Outcome::Waiting));
        let sent = self.send_publish(Purpose::Publish(number), channel, Payload::from_bytes(data));
        if let Err(why) = sent {
            publishes.update(|publishes| publishes.end(number, Outcome::Refused(why)));
        }
    }

    /// Publishes `data` many times. A run that goes on is stopped first.
    pub fn publish_repeatedly(&self, channel: &ChannelName, data: &[u8], n_times: u64, per_sec: u64) {
        let this = self.clone();
        self.stores.repeat.update(|repeat| *repeat = Some(Repeat::new(n_times, per_sec, now_ms())));
        *self.inner.repeating.borrow_mut() = Some(Repeating {
            channel: channel.clone(),
            payload: Arc::new(Payload::from_bytes(data)),
            _interval: Interval::new(REPEAT_TICK_MS, move || this.repeat_tick()),
        });
        self.repeat_tick();
    }

    /// Sends no more of it.
    pub fn stop_repeating(&self) {
        self.stores.repeat.update(|repeat| repeat.iter_mut().for_each(Repeat::stop));
        self.inner.repeating.borrow_mut().take();
    }

    fn repeat_tick(&self) {
        let n_due =
            self.stores.repeat.peek(|repeat| repeat.as_ref().map_or(0, |repeat| repeat.due(now_ms())));
        let what = self
            .inner
            .repeating
            .borrow()
            .as_ref()
            .map(|repeating| (repeating.channel.clone(), repeating.payload.clone()));
        let Some((channel, payload)) = what else { return };
        for _ in 0..n_due {
            let sent = self.send_publish(Purpose::Repeat, &channel, (*payload).clone());
            self.stores.repeat.update(|repeat| {
                let Some(repeat) = repeat else { return };
                repeat.n_sent += 1;
                if let Err(why) = sent {
                    repeat.refused(why);
                    // What cannot be sent once cannot be sent again either.
                    repeat.stop();
                }
            });
        }
        if self.stores.repeat.peek(|repeat| repeat.as_ref().is_none_or(Repeat::is_over)) {
            self.inner.repeating.borrow_mut().take();
        }
    }

    pub(super) fn repeat_answered(&self, answer: Result<(), String>) {
        self.stores.repeat.update(|repeat| {
            let Some(repeat) = repeat.as_mut().filter(|repeat| 0 < repeat.n_waiting()) else { return };
            match answer {
                Ok(()) => repeat.n_taken += 1,
                Err(why) => repeat.refused(why),
            }
        });
    }

    pub(super) fn repeat_lost(&self) {
        self.stores.repeat.update(|repeat| repeat.iter_mut().for_each(Repeat::lost));
        self.inner.repeating.borrow_mut().take();
    }

    fn send_publish(&self, purpose: Purpose, channel: &ChannelName, payload: Payload) -> Result<(), String> {
        let limit =
            self.stores.hello.peek(|hello| hello.as_ref().map(|hello| hello.limits.client_message_bytes));
        let (Payload::Text(text) | Payload::Base64(text)) = &payload;
        let limit = limit.unwrap_or(u64::MAX);
        // Text may need escapes; only what could be too large is counted exactly.
        let encoded_bytes =
            |text: &str| serde_json::to_string(text).map_or(usize::MAX, |json| json.len()) as u64;
        if limit < text.len() as u64 * 6 + ENVELOPE_BYTES && limit < encoded_bytes(text) + ENVELOPE_BYTES {
            let limit = units::bytes(limit - ENVELOPE_BYTES.min(limit));
            return Err(format!("too large to publish from the page: at most {limit} as JSON text"));
        }
        self.request(purpose, |id| ClientMessage::Publish { id, channel: channel.clone(), payload })
    }
}
