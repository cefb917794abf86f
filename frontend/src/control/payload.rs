//! Reading one message: its payload, the rest of it piece by piece, and fields of it as charts.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use signalbox_shared::ChannelName;
use signalbox_shared::socket::{ClientMessage, TailMessage};

use super::Control;
use super::stores::Whole;
use crate::state::json_lines::Step;
use crate::state::requests::Purpose;
use crate::state::tail::{Hold, TailItemKind};

/// Most bytes of one payload that the page fetches: the largest frame that the broker takes (docs/protocol.md §1).
const WHOLE_BYTES_MAX: u64 = 16 * 1024 * 1024;

impl Control {
    /// Reads the message of a row: what the tail has of it, at once. The rows stand still meanwhile.
    pub fn read_message(&self, serial: u64) {
        let found = self.stores.tail.update(|tail| {
            let tail = tail.as_mut()?;
            tail.hold(Hold::Reading);
            match &tail.item(serial)?.kind {
                TailItemKind::Message(message) => Some(message.clone()),
                TailItemKind::Mark(_) => None,
            }
        });
        let whole = found.map(|message| {
            let (bytes, failure) = match message.payload.bytes() {
                Ok(bytes) => (bytes.into_owned(), None),
                Err(error) => (Vec::new(), Some(error.to_string())),
            };
            Whole { serial, bytes, size_bytes: message.size_bytes, is_fetching: false, failure }
        });
        self.stores.whole.update(|slot| *slot = whole);
    }

    /// Fetches the rest of the message that is read.
    pub fn fetch_rest(&self) {
        let next = self.stores.whole.update(|whole| {
            let whole = whole.as_mut().filter(|whole| !whole.is_complete() && !whole.is_fetching)?;
            (whole.is_fetching, whole.failure) = (true, None);
            Some((whole.serial, whole.bytes.len() as u64))
        });
        if let Some((serial, offset)) = next {
            self.fetch_from(serial, offset);
        }
    }

    /// Fetches no more of it.
    pub fn stop_fetching(&self) {
        self.stores.whole.update(|whole| whole.iter_mut().for_each(|whole| whole.is_fetching = false));
    }

    pub(super) fn piece(&self, id: u64, offset: u64, size_bytes: u64, base64: String) {
        let purpose = self.inner.requests.borrow_mut().end(id);
        let Some(Purpose::Fetch { serial }) = purpose else { return };
        let Ok(bytes) = STANDARD.decode(base64) else {
            return self.fetch_failed(serial, "the relay sent something else than base64".to_owned());
        };
        let next = self.stores.whole.update(|whole| {
            let whole = whole
                .as_mut()
                .filter(|whole| whole.serial == serial && whole.bytes.len() as u64 == offset)?;
            if whole.bytes.is_empty() || offset == 0 {
                whole.bytes.reserve(usize::try_from(size_bytes.min(WHOLE_BYTES_MAX)).unwrap_or(0));
            }
            whole.size_bytes = size_bytes;
            let is_empty = bytes.is_empty();
            whole.bytes.extend(bytes);
            let n = whole.bytes.len() as u64;
            whole.is_fetching &= !is_empty && n < size_bytes.min(WHOLE_BYTES_MAX);
            if !whole.is_complete() && WHOLE_BYTES_MAX <= n {
                whole.failure = Some(format!("the page reads no more than {WHOLE_BYTES_MAX} bytes"));
            }
            whole.is_fetching.then_some(n)
        });
        if let Some(offset) = next {
            self.fetch_from(serial, offset);
        }
    }

    pub(super) fn fetch_failed(&self, serial: u64, why: String) {
        self.stores.whole.update(|whole| {
            if let Some(whole) = whole.as_mut().filter(|whole| whole.serial == serial) {
                whole.failure = Some(why);
                whole.is_fetching = false;
            }
        });
    }

    fn fetch_from(&self, serial: u64, offset: u64) {
        let found = self.stores.tail.peek(|tail| {
            let tail = tail.as_ref()?;
            match &tail.item(serial)?.kind {
                TailItemKind::Message(message) => Some((tail.channel.clone(), message.seq)),
                TailItemKind::Mark(_) => None,
            }
        });
        let Some((channel, seq)) = found else {
            return self.fetch_failed(serial, "the message is no longer in the list".to_owned());
        };
        let sent =
            self.request(Purpose::Fetch { serial }, |id| ClientMessage::Fetch { id, channel, seq, offset });
        if let Err(why) = sent {
            self.fetch_failed(serial, why);
        }
    }

    /// Draws a field of the channel's messages from now on, what is in the list included.
    pub fn chart_field(&self, steps: Vec<Step>) {
        let is_new = self.stores.fields.update(|fields| {
            let n_before = fields.fields().len();
            fields.add(steps) && n_before < fields.fields().len()
        });
        if !is_new {
            return;
        }
        // The new field begins with what is shown; the others would count it twice, so they are told again from there.
        self.stores.field_series.update(crate::chart::store::SeriesStore::clear);
        self.stores.fields.update(|fields| fields.forget_counts());
        let messages = self.stores.tail.peek(|tail| {
            tail.as_ref().map(|tail| (tail.channel.clone(), tail.messages().cloned().collect::<Vec<_>>()))
        });
        if let Some((_, messages)) = messages {
            messages.iter().for_each(|message| self.chart_message(message));
        }
    }

    /// Draws a field no more.
    pub fn unchart_field(&self, path: &str) {
        self.stores.fields.update(|fields| fields.remove(path));
    }

    pub(super) fn chart_fields(&self, channel: &ChannelName, messages: &[TailMessage]) {
        if self.stores.fields.peek(|fields| fields.is_empty())
            || self.stores.tail_channel().as_ref() != Some(channel)
        {
            return;
        }
        messages.iter().for_each(|message| self.chart_message(message));
    }

    fn chart_message(&self, message: &TailMessage) {
        let series = self.stores.field_series;
        self.stores.fields.update(|fields| {
            fields.take(message, |path, value| {
                series.update(|store| {
                    store.push_point("value", message.at_ms as f64, std::iter::once((path, value)));
                });
            });
        });
    }
}
