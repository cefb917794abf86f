//! Channels, the tail of one of them, and the figures that are charted.

use leptos::prelude::GetUntracked as _;
use signalbox_shared::detail::ChannelDetail;
use signalbox_shared::socket::{ClientMessage, TailMode};
use signalbox_shared::{ChannelName, Filter};

use super::Control;
use crate::chart::store::SeriesStore;
use crate::state::channels::{Direction, RATES_SECS};
use crate::state::requests::Purpose;
use crate::state::route::View;
use crate::state::tail::{Hold, Tail};
use crate::transport::now_ms;

/// What the address calls the filter.
const QUERY_FILTER: &str = "filter";
/// What it calls a tail that stands still, and how it says so.
const QUERY_TAIL: (&str, &str) = ("tail", "paused");

impl Control {
    /// The address names another view: what it shows must come, what it no longer shows may stop.
    pub(super) fn view_changed(&self, old: &View, new: &View) {
        let (was_queues, is_queues) = (matches!(old, View::Queues(_)), matches!(new, View::Queues(_)));
        if is_queues && !was_queues {
            self.send_or_later(&ClientMessage::WatchChannels);
        }
        if was_queues && !is_queues {
            self.send_or_later(&ClientMessage::UnwatchChannels);
            self.send_or_later(&ClientMessage::UnwatchChannel);
            // Messages are not eaten where nobody looks.
            self.set_tail_mode(TailMode::Tap);
        }
        if let View::Queues(Some(channel)) = new {
            self.open_tail(channel);
            if !was_queues {
                self.send_or_later(&ClientMessage::WatchChannel { channel: channel.clone() });
            }
        }
    }

    /// The address says how the tail is set: its filter, and whether it stands still.
    pub(super) fn tail_query_changed(&self) {
        if !matches!(self.stores.view.get_untracked(), View::Queues(Some(_))) {
            return;
        }
        let query = self.stores.query.get_untracked();
        self.set_filter(query.get(QUERY_FILTER).unwrap_or_default());
        let is_paused = query.get(QUERY_TAIL.0) == Some(QUERY_TAIL.1);
        self.update_tail(
            |tail| if is_paused { tail.hold(Hold::Asked) } else { tail.resume_from(Hold::Asked) },
        );
    }

    /// Takes up again what the connection before this one did.
    pub(super) fn resume_queues(&self) {
        if let View::Queues(chosen) = self.stores.view.get_untracked() {
            self.send_or_later(&ClientMessage::WatchChannels);
            if let Some(channel) = chosen {
                self.send_or_later(&ClientMessage::WatchChannel { channel });
            }
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
        let filter = filter_of(self.stores.query.get_untracked().get(QUERY_FILTER).unwrap_or_default());
        let mut tail = Tail::new(channel.clone(), TailMode::Tap);
        tail.filter = filter;
        self.stores.tail.update(|slot| *slot = Some(tail));
        self.stores.whole.update(|whole| *whole = None);
        self.stores.detail.update(|detail| *detail = None);
        self.stores.fields.update(|fields| fields.clear());
        self.stores.field_series.update(SeriesStore::clear);
        self.send_or_later(&ClientMessage::WatchChannel { channel: channel.clone() });
        self.begin_rates(channel);
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

    /// Shows only the messages that the words ask for, and says so in the address; all of them without words.
    pub fn set_filter(&self, words: &str) {
        let filter = filter_of(words);
        let changed = self.stores.tail.update(|tail| {
            let tail = tail.as_mut()?;
            let is_other = tail.filter != filter || tail.filter_error.is_some();
            tail.filter = filter.clone();
            is_other.then(|| (tail.channel.clone(), tail.is_subscribed))
        });
        self.set_query(QUERY_FILTER, filter.as_ref().map(|_| words.to_owned()));
        let Some((channel, is_subscribed)) = changed else { return };
        if !is_subscribed {
            self.with_tail(&channel, |tail| (tail.refusal, tail.filter_error) = (None, None));
            let mode = self.with_tail(&channel, |tail| tail.mode).unwrap_or(TailMode::Tap);
            self.send_or_later(&ClientMessage::Unsubscribe { channel: channel.clone() });
            return self.subscribe(channel, mode);
        }
        let purpose = Purpose::Filter(channel.clone());
        let for_request = channel.clone();
        let sent = self.request(purpose, |id| ClientMessage::SetFilter { id, channel: for_request, filter });
        if let Err(why) = sent {
            self.with_tail(&channel, |tail| tail.filter_error = Some((why, None)));
        }
    }

    /// Stops the rows until [`Self::resume_tail`], and says so in the address.
    pub fn pause_tail(&self) {
        self.update_tail(|tail| tail.hold(Hold::Asked));
        self.set_query(QUERY_TAIL.0, Some(QUERY_TAIL.1.to_owned()));
    }

    /// Goes on, with what waits or without it.
    pub fn resume_tail(&self, with_what_waits: bool) {
        let at_ms = now_ms();
        self.update_tail(|tail| if with_what_waits { tail.resume() } else { tail.jump_to_live(at_ms) });
        self.set_query(QUERY_TAIL.0, None);
    }

    /// Changes the tail, when there is one.
    pub fn update_tail(&self, change: impl FnOnce(&mut Tail)) {
        self.stores.tail.update(|tail| tail.as_mut().map(change));
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

    /// Changes the tail if it is the one of `channel`; answers to an old one find nothing.
    pub(super) fn with_tail<R>(
        &self,
        channel: &ChannelName,
        change: impl FnOnce(&mut Tail) -> R,
    ) -> Option<R> {
        self.stores.tail.update(|tail| tail.as_mut().filter(|tail| tail.channel == *channel).map(change))
    }

    /// A filter that the relay does not understand must not leave the tail without a word: it says where the fault is.
    pub(super) fn subscribe_refused(&self, channel: &ChannelName, reason: String, position: Option<u64>) {
        self.with_tail(channel, |tail| {
            if position.is_some() {
                tail.filter_error = Some((reason, position));
            } else {
                tail.refusal = Some(reason);
            }
        });
    }

    pub(super) fn channel_detail(&self, detail: ChannelDetail) {
        if self.stores.tail_channel().as_ref() == Some(&detail.name) {
            self.stores.detail.set(Some(detail));
        }
    }

    /// The chosen channel's rates begin with what the list remembers of them.
    fn begin_rates(&self, channel: &ChannelName) {
        let rates = self.stores.rates;
        self.stores.channels.peek(|channels| {
            let columns = Direction::ALL.map(|direction| (direction, channels.rates(channel, direction)));
            rates.update(|store| {
                store.clear();
                for (direction, points) in columns {
                    let line = direction.line();
                    store.give_slot(line, direction.slot());
                    for (second, rate) in points.into_iter().enumerate() {
                        let at_ms = channels.looked_at_ms - (RATES_SECS - 1 - second as i64) * 1_000;
                        let point = rate.map(|rate| ("rate", f64::from(rate)));
                        store.push_point(line, at_ms as f64, point.into_iter());
                    }
                }
            });
        });
    }

    /// A channel that is quiet is in no delta: its rates are as they were.
    pub(super) fn chart_rates(&self, now_ms: i64) {
        let Some(channel) = self.stores.tail_channel() else { return };
        let rates = self.stores.rates;
        let row = self
            .stores
            .channels
            .peek(|channels| channels.row(&channel).map(|row| (row.in_per_sec, row.out_per_sec)));
        let Some((in_per_sec, out_per_sec)) = row else { return };
        rates.set_relay_now_ms(now_ms as f64);
        self.stores.field_series.set_relay_now_ms(now_ms as f64);
        rates.update(|store| {
            for (direction, rate) in [(Direction::In, in_per_sec), (Direction::Out, out_per_sec)] {
                let point = rate.map(|rate| ("rate", rate));
                store.push_point(direction.line(), now_ms as f64, point.into_iter());
            }
        });
    }

    fn subscribe(&self, channel: ChannelName, mode: TailMode) {
        let purpose = Purpose::Subscribe(channel.clone());
        let filter = self.stores.tail.peek(|tail| tail.as_ref().and_then(|tail| tail.filter.clone()));
        // Without a connection it is asked for again as soon as there is one.
        let _ = self.request(purpose, |id| ClientMessage::Subscribe { id, channel, mode, filter });
    }

    /// Sends what `resume_queues` will say again by itself if there is no connection now.
    fn send_or_later(&self, message: &ClientMessage) {
        let _ = self.send(message);
    }
}

fn filter_of(words: &str) -> Option<Filter> {
    let Ok(filter) = words.parse::<Filter>();
    (!filter.text.is_empty()).then_some(filter)
}

#[cfg(test)]
mod tests {
    use crate::chart::palette::{Rgb, Theme, color_of};
    use crate::state::channels::Direction;

    #[test]
    fn the_small_lines_of_the_list_have_the_colours_of_the_chart() {
        let tokens = include_str!("../../style/tokens.css");
        for direction in Direction::ALL {
            let name = direction.line();
            // The dark theme stands twice in the style sheet: as the system's wish, and as the reader's.
            for (theme, n_times) in [(Theme::Light, 1), (Theme::Dark, 2)] {
                let Rgb(r, g, b) = color_of(name, direction.slot(), theme);
                let token = format!("--line-{name}: #{r:02x}{g:02x}{b:02x};");
                assert!(n_times <= tokens.matches(&token).count(), "{theme:?} {token}");
            }
        }
    }
}
