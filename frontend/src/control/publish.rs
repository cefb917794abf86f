//! Publishing: one message, or the same one many times at a rate.

use std::rc::Rc;
use std::sync::Arc;

use gloo_timers::callback::Interval;
use signalbox_shared::socket::{AckDetail, ClientMessage};
use signalbox_shared::{ChannelName, Payload};
use wasm_bindgen_futures::spawn_local;

use super::Control;
use crate::state::publishes::Outcome;
use crate::state::repeat::Repeat;
use crate::state::requests::Purpose;
use crate::state::units;
use crate::transport::messages::{self, NotPublished};
use crate::transport::now_ms;

/// How often a run looks what is due, in milliseconds: at its highest rate, a few messages at a time.
const REPEAT_TICK_MS: u32 = 50;
/// Room in a socket message for what stands beside the payload, in bytes: a name and a few words.
const ENVELOPE_BYTES: u64 = 2_048;

/// How a message reaches the relay.
enum Way {
    Socket(Payload),
    Http(Arc<[u8]>),
    /// Not at all.
    TooLarge(String),
}

/// A run that goes on.
pub(super) struct Repeating {
    channel: ChannelName,
    /// Shared with a tick that sends it.
    way: Rc<Way>,
    _interval: Interval,
}

impl Control {
    /// Publishes `data` and remembers what became of it.
    pub fn publish(&self, channel: &ChannelName, data: &Arc<[u8]>) {
        let publishes = &self.stores.publishes;
        let number = publishes.update(|publishes| publishes.begin(channel.clone(), data, Outcome::Waiting));
        let end = |outcome| publishes.update(|publishes| publishes.end(number, outcome));
        match self.way_of(data) {
            Way::Socket(payload) => {
                if let Err(why) = self.send_publish(Purpose::Publish(number), channel, payload) {
                    end(Outcome::Refused(why));
                }
            }
            Way::Http(data) => {
                let (publishes, channel) = (publishes.clone(), channel.clone());
                self.post(channel, data, move |answer| {
                    let outcome = match answer {
                        Ok(detail) => Outcome::Done(Some(detail)),
                        Err(NotPublished::Refused(why)) => Outcome::Refused(why),
                        Err(NotPublished::Unknown) => Outcome::Unknown,
                    };
                    publishes.update(|publishes| publishes.end(number, outcome));
                });
            }
            Way::TooLarge(why) => end(Outcome::Refused(why)),
        }
    }

    /// Publishes `data` many times. A run that goes on is stopped first.
    pub fn publish_repeatedly(&self, channel: &ChannelName, data: &Arc<[u8]>, n_times: u64, per_sec: u64) {
        let this = self.clone();
        let number = self.stores.repeat.peek(|repeat| repeat.as_ref().map_or(0, |repeat| repeat.number)) + 1;
        let (repeat, way) = (Repeat::new(number, n_times, per_sec, now_ms()), self.way_of(data));
        // Large messages wait for each other, or all of them would lie in memory at once.
        let repeat = if matches!(way, Way::Socket(_)) { repeat } else { repeat.one_by_one() };
        self.stores.repeat.update(|slot| *slot = Some(repeat));
        *self.inner.repeating.borrow_mut() = Some(Repeating {
            channel: channel.clone(),
            way: Rc::new(way),
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
        let due = |repeat: &Repeat| (repeat.number, repeat.due(now_ms()));
        let (number, n_due) = self.stores.repeat.peek(|repeat| repeat.as_ref().map_or((0, 0), due));
        let what = self
            .inner
            .repeating
            .borrow()
            .as_ref()
            .map(|repeating| (repeating.channel.clone(), repeating.way.clone()));
        let Some((channel, way)) = what else { return };
        for _ in 0..n_due {
            let sent = match &*way {
                Way::Socket(payload) => self.send_publish(Purpose::Repeat(number), &channel, payload.clone()),
                Way::Http(data) => {
                    let this = self.clone();
                    self.post(channel.clone(), data.clone(), move |answer| match answer {
                        Ok(_) => this.repeat_answered(number, Ok(())),
                        Err(NotPublished::Refused(why)) => this.repeat_answered(number, Err(why)),
                        Err(NotPublished::Unknown) => {
                            this.stores.repeat.update(|repeat| {
                                waiting(repeat, number).into_iter().for_each(Repeat::unknown);
                            });
                        }
                    });
                    Ok(())
                }
                Way::TooLarge(why) => Err(why.clone()),
            };
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

    /// Notes the answer to a message of the run of that number.
    pub(super) fn repeat_answered(&self, number: u64, answer: Result<(), String>) {
        self.stores.repeat.update(|repeat| {
            let Some(repeat) = waiting(repeat, number) else { return };
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

    /// How `data` reaches the relay: as a socket message when it fits, else over HTTP.
    fn way_of(&self, data: &Arc<[u8]>) -> Way {
        let limits = self.stores.hello.peek(|hello| hello.as_ref().map(|hello| hello.limits));
        let socket_bytes = limits.map_or(u64::MAX, |limits| limits.client_message_bytes);
        let room_bytes = socket_bytes.saturating_sub(ENVELOPE_BYTES);
        // What is too large in any form is not encoded to find that out.
        if data.len() as u64 <= room_bytes {
            let payload = Payload::from_bytes(data);
            let (Payload::Text(text) | Payload::Base64(text)) = &payload;
            // Text may need escapes; only what could be too large is counted exactly.
            let encoded_bytes = || serde_json::to_string(text).map_or(usize::MAX, |json| json.len()) as u64;
            if text.len() as u64 * 6 <= room_bytes || encoded_bytes() <= room_bytes {
                return Way::Socket(payload);
            }
        }
        let publish_bytes = limits.map_or(0, |limits| limits.publish_bytes);
        if data.len() as u64 <= publish_bytes {
            Way::Http(data.clone())
        } else {
            let limit = units::bytes(publish_bytes);
            Way::TooLarge(format!("too large to publish from the page: at most {limit} (http_publish_bytes)"))
        }
    }

    fn post(
        &self,
        channel: ChannelName,
        data: Arc<[u8]>,
        answered: impl FnOnce(Result<AckDetail, NotPublished>) + 'static,
    ) {
        let Some(relay) = self.inner.relay.borrow().clone() else {
            return answered(Err(NotPublished::Refused("not connected".to_owned())));
        };
        spawn_local(async move { answered(messages::publish(&relay, &channel, &data).await) });
    }

    fn send_publish(&self, purpose: Purpose, channel: &ChannelName, payload: Payload) -> Result<(), String> {
        self.request(purpose, |id| ClientMessage::Publish { id, channel: channel.clone(), payload })
    }
}

/// The run of that number, if it waits for answers.
fn waiting(repeat: &mut Option<Repeat>, number: u64) -> Option<&mut Repeat> {
    repeat.as_mut().filter(|repeat| repeat.number == number && 0 < repeat.n_waiting())
}
