//! Channels, the tail of one of them, and publishing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use signalbox_shared::socket::{ClientMessage, TailMode};
use signalbox_shared::{ChannelName, Payload};

use super::Control;
use crate::app::stores::Whole;
use crate::state::publishes::Outcome;
use crate::state::requests::Purpose;
use crate::state::route::View;
use crate::state::tail::{Tail, TailItemKind};
use crate::transport::now_ms;

/// Most bytes of one payload that the page fetches whole: more than anybody reads, and what a tab can show.
const WHOLE_BYTES_MAX: u64 = 8 * 1024 * 1024;

impl Control {
    /// The address names another view: what it shows must come, what it no longer shows may stop.
    pub(super) fn view_changed(&self, old: &View, new: &View) {
        let (was_queues, is_queues) = (matches!(old, View::Queues(_)), matches!(new, View::Queues(_)));
        if is_queues && !was_queues {
            self.send_or_later(&ClientMessage::WatchChannels);
        }
        if was_queues && !is_queues {
            self.send_or_later(&ClientMessage::UnwatchChannels);
            // Messages are not eaten where nobody looks.
            self.set_tail_mode(TailMode::Tap);
        }
        if let View::Queues(Some(channel)) = new {
            self.open_tail(channel);
        }
    }

    /// Takes up again what the connection before this one did.
    pub(super) fn resume_queues(&self) {
        if matches!(leptos::prelude::GetUntracked::get_untracked(&self.stores.view), View::Queues(_)) {
            self.send_or_later(&ClientMessage::WatchChannels);
        }
        let tail = self.stores.tail.peek(|tail| tail.as_ref().map(|tail| (tail.channel.clone(), tail.mode)));
        if let Some((channel, mode)) = tail {
            self.subscribe(channel, mode);
        }
    }

    /// Shows the messages of `channel`; they are tapped, not consumed.
    pub fn open_tail(&self, channel: &ChannelName) {
        let old = self.stores.tail_channel();
        if old.as_ref() == Some(channel) {
            return;
        }
        if let Some(channel) = old {
            self.send_or_later(&ClientMessage::Unsubscribe { channel });
        }
        self.stores.tail.update(|tail| *tail = Some(Tail::new(channel.clone(), TailMode::Tap)));
        self.stores.whole.set(None);
        self.subscribe(channel.clone(), TailMode::Tap);
    }

    /// Changes how the page takes part in the channel that it shows.
    pub fn set_tail_mode(&self, mode: TailMode) {
        let changed = self
            .stores
            .tail
            .peek(|tail| tail.as_ref().filter(|tail| tail.mode != mode).map(|tail| tail.channel.clone()));
        let Some(channel) = changed else { return };
        self.stores.tail.update(|tail| {
            if let Some(tail) = tail {
                tail.mode = mode;
                tail.interrupted();
            }
        });
        self.send_or_later(&ClientMessage::Unsubscribe { channel: channel.clone() });
        self.subscribe(channel, mode);
    }

    /// Changes the tail, when there is one.
    pub fn update_tail(&self, change: impl FnOnce(&mut Tail)) {
        self.stores.tail.update(|tail| tail.as_mut().map(change));
    }

    /// Publishes `text` and remembers what became of it.
    pub fn publish(&self, channel: &ChannelName, text: String) {
        let size_bytes = text.len();
        let publishes = &self.stores.publishes;
        let number =
            publishes.update(|publishes| publishes.begin(channel.clone(), size_bytes, Outcome::Waiting));
        let sent = self.request(Purpose::Publish(number), |id| ClientMessage::Publish {
            id,
            channel: channel.clone(),
            payload: Payload::Text(text),
        });
        if let Err(why) = sent {
            publishes.update(|publishes| publishes.end(number, Outcome::Refused(why)));
        }
    }

    /// Empties the backlog of `channel`.
    pub fn purge(&self, channel: &ChannelName) {
        let sent = self.request(Purpose::Purge(channel.clone()), |id| ClientMessage::Purge {
            id,
            channel: channel.clone(),
        });
        if let Err(why) = sent {
            self.with_tail(channel, |tail| tail.mark(now_ms(), &format!("Not purged: {why}")));
        }
    }

    /// Fetches the whole payload of a row that was cut.
    pub fn fetch_whole(&self, serial: u64) {
        self.stores.whole.set(Some(Whole { serial, ..Whole::default() }));
        self.fetch_from(serial, 0);
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
            whole.size_bytes = size_bytes;
            let is_empty = bytes.is_empty();
            whole.bytes.extend(bytes);
            let n = whole.bytes.len() as u64;
            (!is_empty && n < size_bytes.min(WHOLE_BYTES_MAX)).then_some(n)
        });
        if let Some(offset) = next {
            self.fetch_from(serial, offset);
        }
    }

    pub(super) fn fetch_failed(&self, serial: u64, why: String) {
        self.stores.whole.update(|whole| {
            if let Some(whole) = whole.as_mut().filter(|whole| whole.serial == serial) {
                whole.failure = Some(why);
            }
        });
    }

    /// Changes the tail if it is the one of `channel`; answers to an old one find nothing.
    pub(super) fn with_tail<R>(
        &self,
        channel: &ChannelName,
        change: impl FnOnce(&mut Tail) -> R,
    ) -> Option<R> {
        self.stores.tail.update(|tail| tail.as_mut().filter(|tail| tail.channel == *channel).map(change))
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

    fn subscribe(&self, channel: ChannelName, mode: TailMode) {
        let purpose = Purpose::Subscribe(channel.clone());
        // Without a connection it is asked for again as soon as there is one.
        let _ = self.request(purpose, |id| ClientMessage::Subscribe { id, channel, mode, filter: None });
    }

    /// Sends what `resume_queues` will say again by itself if there is no connection now.
    fn send_or_later(&self, message: &ClientMessage) {
        let _ = self.send(message);
    }
}
