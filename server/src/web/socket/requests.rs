//! What a page asks for, and what it is answered. Every request with an `id` gets exactly one answer with that `id`.

use std::sync::Arc;
use std::time::Duration;

use signalbox_shared::socket::{AckDetail, ClientMessage, DecodeError, ServerMessage, TailMode};
use signalbox_shared::{ChannelName, Filter as Words, Payload};
use tokio::time::Instant;

use super::super::permits::{self, Action};
use super::changes::ChangesWatch;
use super::rooms::list;
use super::session::Page;
use crate::chat::SayError;
use crate::engine::Engine;
use crate::filter::Filter;
use crate::tail::{BatchBounds, Direct, FilterSlot, View, batches};

impl Page<'_> {
    /// Answers one text message. A publish is answered when it is done.
    pub(super) fn handle_text(&mut self, text: &str) {
        let request = match ClientMessage::decode(text) {
            Ok(request) => request,
            Err(error) => return self.handle_malformed(&error),
        };
        self.sockets.counters.requests.add(1);
        if let Err(retry_after) = self.requests.take(Instant::now()) {
            return self.handle_haste(id_of(&request), retry_after);
        }
        self.n_hasty = 0;
        match request {
            ClientMessage::Subscribe { id, channel, mode, filter } => {
                self.subscribe(id, channel, mode, filter.as_ref());
            }
            ClientMessage::SetFilter { id, channel, filter } => {
                self.set_filter(id, &channel, filter.as_ref());
            }
            ClientMessage::Unsubscribe { channel } => {
                self.tails.remove(&channel);
                self.filters.remove(&channel);
                self.say(&ServerMessage::Unsubscribed { channel });
            }
            ClientMessage::Publish { id, channel, payload } => self.publish(id, channel, &payload),
            ClientMessage::Purge { id, .. } if self.forbids(id, Action::Purge) => {}
            ClientMessage::Purge { id, channel } => match self.sockets.engine.purge(&channel) {
                Ok(n_messages) => self.ack(id, AckDetail::Purged { n_messages }),
                Err(error) => self.refuse(id, error.to_string()),
            },
            ClientMessage::Fetch { id, channel, seq, offset } => {
                match self.cut.piece(id, &channel, seq, offset) {
                    Ok(piece) => self.say(&piece),
                    Err(error) => self.refuse(id, error.to_string()),
                }
            }
            ClientMessage::WatchChannels => self.watcher = Some(self.sockets.board.watch()),
            ClientMessage::UnwatchChannels => self.watcher = None,
            ClientMessage::WatchChanges { since } => {
                self.changes = Some(ChangesWatch::new(self.sockets.changes.clone(), since));
            }
            ClientMessage::UnwatchChanges => self.changes = None,
            ClientMessage::WatchChannel { channel } => {
                self.detail = Some(self.sockets.details.watch(channel));
            }
            ClientMessage::UnwatchChannel => self.detail = None,
            ClientMessage::ChatJoin { id, room, name, since } => {
                let outlet = self.outlet.as_ref();
                match self.rooms.join(&self.sockets.chat, id, &room, &name, since, outlet) {
                    Ok(joined) => self.say(&joined),
                    Err(error) => {
                        let suggestion = error.suggestion().map(str::to_owned);
                        self.refuse_with(id, error.to_string(), suggestion, None);
                    }
                }
            }
            ClientMessage::ChatHistory { id, room, before } => match self.rooms.older(id, &room, before) {
                Some(older) => self.say(&older),
                None => self.refuse(id, format!("you are not in the room {room:?}")),
            },
            ClientMessage::ChatIdle { is_idle } => self.rooms.set_idle(is_idle),
            ClientMessage::ChatList { id } => self.say(&list(&self.sockets.chat, id)),
            ClientMessage::ChatLeave { room } => self.rooms.leave(&room),
            ClientMessage::ChatSay { id, room, text, key } => match self.rooms.say(&room, &text, &key) {
                None => self.refuse(id, format!("you are not in the room {room:?}")),
                Some(Ok(line_id)) => self.ack(id, AckDetail::Said { line_id }),
                Some(Err(error)) => {
                    let retry_after = match error {
                        SayError::TooFast { retry_after, .. } => Some(retry_after),
                        _ => None,
                    };
                    self.refuse_with(id, error.to_string(), None, retry_after);
                }
            },
        }
    }

    fn handle_malformed(&mut self, error: &DecodeError) {
        // Counts against the rate too, or nonsense would be free.
        if let Err(retry_after) = self.requests.take(Instant::now()) {
            return self.handle_haste(None, retry_after);
        }
        match error {
            DecodeError::BadField { id: Some(id), .. } => self.refuse(*id, error.to_string()),
            _ => self.complain(error.to_string()),
        }
    }

    /// Notes a request over the rate, and answers it as long as that helps.
    pub(super) fn handle_haste(&mut self, id: Option<u64>, retry_after: Duration) {
        self.n_hasty += 1;
        let per_sec = self.sockets.limits.socket_requests_per_sec;
        let reason = format!("too fast: at most {per_sec} requests per second (socket_requests_per_sec)");
        match id {
            Some(id) => self.refuse_with(id, reason, None, Some(retry_after)),
            None => self.complain(reason),
        }
    }

    fn subscribe(&mut self, id: u64, channel: ChannelName, mode: TailMode, words: Option<&Words>) {
        let n_max = self.sockets.limits.socket_subscriptions;
        if self.tails.contains(&channel) {
            return self.refuse(id, format!("{channel} is subscribed to already: unsubscribe first"));
        }
        if n_max <= self.tails.len() as u64 {
            return self
                .refuse(id, format!("this page already has {n_max} subscriptions (socket_subscriptions)"));
        }
        if mode == TailMode::Consume && self.forbids(id, Action::Consume) {
            return;
        }
        let Some(filter) = self.filter(id, words) else { return };
        match self.sockets.tails.open(&channel, mode) {
            Ok(source) => {
                self.cut.forget(&channel);
                // What was consumed is shown whatever it costs: nobody else will see it.
                let bounds = (mode == TailMode::Tap).then(|| BatchBounds::new(&self.sockets.limits));
                let filter = FilterSlot::new(filter.into());
                self.filters.insert(channel.clone(), Arc::clone(&filter));
                let direct = self.outlet.clone().map(|outlet| {
                    let counters = Arc::clone(&self.sockets.counters);
                    Direct { outlet, on_sent: Box::new(move |batch| counters.told(batch)) }
                });
                let view = View::new(&channel, bounds);
                self.tails.insert(channel.clone(), batches(source, view, filter, direct));
                self.say(&ServerMessage::Subscribed { id, channel, mode });
            }
            Err(error) => self.refuse(id, error.to_string()),
        }
    }

    fn set_filter(&mut self, id: u64, channel: &ChannelName, words: Option<&Words>) {
        let Some(slot) = self.filters.get(channel).cloned() else {
            return self.refuse(id, format!("{channel} is not subscribed to"));
        };
        if let Some(filter) = self.filter(id, words) {
            slot.store(filter);
            self.say(&ServerMessage::Ack { id, detail: None });
        }
    }

    /// Makes a filter of its words; none when they are none, and the page was told why.
    fn filter(&mut self, id: u64, words: Option<&Words>) -> Option<Option<Arc<Filter>>> {
        match words.map(Filter::new).transpose() {
            Ok(filter) => Some(filter.map(Arc::new)),
            Err(error) => {
                self.sockets.counters.refused.add(1);
                self.say(&ServerMessage::Refused {
                    id,
                    reason: format!("the filter is not understood: {}", error.reason),
                    suggestion: None,
                    retry_after_ms: None,
                    position: Some(error.position as u64),
                });
                None
            }
        }
    }

    /// Refuses what the administrator does not allow, and says whether it did.
    fn forbids(&mut self, id: u64, action: Action) -> bool {
        let refusal = permits::refusal(self.sockets.engine.features().permits, action);
        if let Some(reason) = refusal {
            self.refuse(id, reason.to_owned());
        }
        refusal.is_some()
    }

    fn publish(&mut self, id: u64, channel: ChannelName, payload: &Payload) {
        if self.forbids(id, Action::Publish) {
            return;
        }
        match payload.bytes() {
            Ok(bytes) => {
                let (engine, bytes) = (&self.sockets.engine, bytes.into_owned());
                self.publishing =
                    Some(Box::pin(async move { (id, publish(engine, &channel, &bytes).await) }));
            }
            Err(error) => self.refuse(id, error.to_string()),
        }
    }

    /// Answers a publish that is done.
    pub(super) fn handle_published(&mut self, id: u64, result: Result<AckDetail, String>) {
        match result {
            Ok(detail) => self.ack(id, detail),
            Err(reason) => self.refuse(id, reason),
        }
    }

    fn ack(&mut self, id: u64, detail: AckDetail) {
        self.say(&ServerMessage::Ack { id, detail: Some(detail) });
    }

    fn refuse(&mut self, id: u64, reason: String) {
        self.refuse_with(id, reason, None, None);
    }

    fn refuse_with(
        &mut self,
        id: u64,
        reason: String,
        suggestion: Option<String>,
        retry_after: Option<Duration>,
    ) {
        self.sockets.counters.refused.add(1);
        // Rounded up: a page that waits exactly that long must not be too early.
        let retry_after_ms = retry_after.map(|wait| wait.as_micros().div_ceil(1_000) as u64);
        self.say(&ServerMessage::Refused { id, reason, suggestion, retry_after_ms, position: None });
    }

    pub(super) fn complain(&mut self, reason: String) {
        self.sockets.counters.errors.add(1);
        self.say(&ServerMessage::Error { reason });
    }
}

async fn publish(engine: &Engine, channel: &ChannelName, payload: &[u8]) -> Result<AckDetail, String> {
    let receipt = engine.publish(channel, payload).await.map_err(|error| error.to_string())?;
    Ok(receipt.detail())
}

/// The page's own number of a request, where it has one.
fn id_of(request: &ClientMessage) -> Option<u64> {
    match request {
        ClientMessage::Subscribe { id, .. }
        | ClientMessage::SetFilter { id, .. }
        | ClientMessage::Publish { id, .. }
        | ClientMessage::Purge { id, .. }
        | ClientMessage::Fetch { id, .. }
        | ClientMessage::ChatJoin { id, .. }
        | ClientMessage::ChatHistory { id, .. }
        | ClientMessage::ChatList { id }
        | ClientMessage::ChatSay { id, .. } => Some(*id),
        ClientMessage::Unsubscribe { .. }
        | ClientMessage::WatchChannels
        | ClientMessage::UnwatchChannels
        | ClientMessage::WatchChanges { .. }
        | ClientMessage::UnwatchChanges
        | ClientMessage::WatchChannel { .. }
        | ClientMessage::UnwatchChannel
        | ClientMessage::ChatIdle { .. }
        | ClientMessage::ChatLeave { .. } => None,
    }
}
