//! What the socket brings, into the stores: each message to its place, each answer to its request.

use signalbox_shared::engine::{EngineInfo, EngineState};
use signalbox_shared::socket::{AckDetail, ServerMessage};

use super::Control;
use super::stores::Hello;
use crate::state::publishes::Outcome;
use crate::state::requests::Purpose;
use crate::state::tail::Tail;
use crate::transport::now_ms;
use crate::transport::socket::SocketOutput;

impl Control {
    pub(super) fn socket_output(&self, output: SocketOutput) {
        match output {
            SocketOutput::Message(message) => self.message(message),
            SocketOutput::Lost => self.lost(),
            SocketOutput::Undecodable(why) => self.undecodable("socket", &why),
        }
    }

    /// What was published while the broker could not be reached never came here: the list says so.
    pub fn engine_changed(&self, engine: EngineInfo) {
        let was_down = self.stores.engine.peek(|old| old.state == EngineState::Down);
        if was_down && engine.state == EngineState::Ready {
            let text = "The broker is back: what was published in between is not in this list";
            self.update_tail(|tail| tail.mark(now_ms(), text));
        }
        self.stores.engine.set(engine);
    }

    fn message(&self, message: ServerMessage) {
        let stores = &self.stores;
        match message {
            ServerMessage::Hello { version, features, limits, engine, .. } => {
                stores.engine.set(engine);
                stores.hello.set(Some(Hello { version, features, limits }));
                self.resume_queues();
                self.resume_chat();
                self.resume_changes();
            }
            ServerMessage::Heartbeat { .. } => {}
            ServerMessage::Engine { engine } => self.engine_changed(engine),
            ServerMessage::ChannelDetail { detail, .. } => self.channel_detail(*detail),
            ServerMessage::Subscribed { id, channel, mode } => {
                self.inner.requests.borrow_mut().end(id);
                self.with_tail(&channel, |tail| tail.subscribed(mode, now_ms()));
            }
            ServerMessage::Unsubscribed { .. } => {}
            ServerMessage::Tail { channel, messages, accounts } => {
                self.chart_fields(&channel, &messages);
                let n_skipped = self.with_tail(&channel, |tail| {
                    let n_before = tail.accounts.skipped;
                    tail.apply(messages, accounts);
                    accounts.skipped.saturating_sub(n_before)
                });
                if let (Some(1..), Some(socket)) = (n_skipped, self.socket()) {
                    socket.fell_behind(format!("{} messages of {channel} skipped so far", accounts.skipped));
                }
            }
            ServerMessage::Ack { id, detail } => self.acknowledged(id, detail),
            ServerMessage::Refused { id, reason, suggestion, retry_after_ms, position } => {
                self.refused(id, reason, suggestion, retry_after_ms, position);
            }
            ServerMessage::Piece { id, offset, size_bytes, base64 } => {
                self.piece(id, offset, size_bytes, base64);
            }
            ServerMessage::Channels { now_ms, full, rows, gone } => {
                stores.channels.update(|channels| channels.apply(now_ms, full, rows, &gone));
                self.chart_rates(now_ms);
            }
            ServerMessage::ChatJoined { id, room, name, users, n_users, lines, gap } => {
                self.inner.requests.borrow_mut().end(id);
                self.chat_present(&room, users, n_users);
                self.chat_joined(&room, name, lines, gap.as_ref());
            }
            ServerMessage::ChatOlder { id, room, lines, has_more } => {
                self.inner.requests.borrow_mut().end(id);
                stores.chat.update(|chat| chat.room_mut(&room).map(|room| room.older(lines, has_more)));
            }
            ServerMessage::ChatRooms { id, rooms, .. } => {
                self.inner.requests.borrow_mut().end(id);
                self.rooms_listed(rooms);
            }
            ServerMessage::ChatLine { room, line } => self.chat_line(&room, line),
            ServerMessage::ChatPresence { room, users, n_users } => self.chat_present(&room, users, n_users),
            ServerMessage::ChatLagged { room, n_skipped } => self.chat_lagged(&room, n_skipped),
            ServerMessage::Changes { events, accounts } => self.changes_came(events, accounts),
            ServerMessage::ChangesStatus { info } => self.changes_status(*info),
            ServerMessage::Error { reason } => self.undecodable("relay", &reason),
        }
    }

    fn acknowledged(&self, id: u64, detail: Option<AckDetail>) {
        let purpose = self.inner.requests.borrow_mut().end(id);
        match purpose {
            Some(Purpose::Publish(number)) => {
                self.stores.publishes.update(|publishes| publishes.end(number, Outcome::Done(detail)));
            }
            Some(Purpose::Repeat(number)) => self.repeat_answered(number, Ok(())),
            Some(Purpose::Say { room, key }) => {
                let line_id = match detail {
                    Some(AckDetail::Said { line_id }) => Some(line_id),
                    _ => None,
                };
                self.stores
                    .chat
                    .update(|chat| chat.room_mut(&room).map(|room| room.confirmed(&key, line_id)));
                self.flush_chat();
            }
            Some(Purpose::Purge(channel)) => {
                let n = match detail {
                    Some(AckDetail::Purged { n_messages }) => n_messages,
                    _ => 0,
                };
                let text = crate::state::units::counted(n, "waiting message", "waiting messages");
                self.with_tail(&channel, |tail| {
                    tail.mark(now_ms(), &format!("Purged: {text} removed from the queue"));
                });
            }
            Some(Purpose::Filter(channel)) => {
                self.with_tail(&channel, |tail| tail.filter_error = None);
            }
            Some(
                Purpose::Subscribe(_)
                | Purpose::Fetch { .. }
                | Purpose::Join(_)
                | Purpose::Rename(_)
                | Purpose::Older(_)
                | Purpose::Rooms,
            )
            | None => {}
        }
    }

    fn refused(
        &self,
        id: u64,
        reason: String,
        suggestion: Option<String>,
        retry_after_ms: Option<u64>,
        position: Option<u64>,
    ) {
        let purpose = self.inner.requests.borrow_mut().end(id);
        match purpose {
            Some(Purpose::Publish(number)) => {
                self.stores.publishes.update(|publishes| publishes.end(number, Outcome::Refused(reason)));
            }
            Some(Purpose::Repeat(number)) => self.repeat_answered(number, Err(reason)),
            Some(Purpose::Subscribe(channel)) => self.subscribe_refused(&channel, reason, position),
            Some(Purpose::Filter(channel)) => {
                self.with_tail(&channel, |tail| tail.filter_error = Some((reason, position)));
            }
            Some(Purpose::Purge(channel)) => {
                self.with_tail(&channel, |tail| tail.mark(now_ms(), &format!("Not purged: {reason}")));
            }
            Some(Purpose::Fetch { serial }) => self.fetch_failed(serial, reason),
            Some(Purpose::Join(room)) => self.join_refused(&room, reason, suggestion),
            Some(Purpose::Rename(room)) => {
                self.stores.chat.update(|chat| {
                    chat.room_mut(&room).map(|room| room.rename_refused(&reason, suggestion.as_deref()))
                });
            }
            Some(Purpose::Older(room)) => self.older_failed(&room),
            Some(Purpose::Rooms) => {}
            Some(Purpose::Say { room, key }) => self.say_refused(&room, &key, reason, retry_after_ms),
            None => {}
        }
    }

    fn lost(&self) {
        let stores = &self.stores;
        let purposes = self.inner.requests.borrow_mut().abandon();
        for purpose in purposes {
            match purpose {
                Purpose::Publish(number) => {
                    stores.publishes.update(|publishes| publishes.end(number, Outcome::Unknown));
                }
                Purpose::Fetch { serial } => self.fetch_failed(serial, "connection lost".to_owned()),
                Purpose::Purge(channel) => {
                    let text = "Perhaps purged: the connection was lost before the answer";
                    self.with_tail(&channel, |tail| tail.mark(now_ms(), text));
                }
                Purpose::Subscribe(_)
                | Purpose::Filter(_)
                | Purpose::Repeat(_)
                | Purpose::Join(_)
                | Purpose::Rename(_)
                | Purpose::Older(_)
                | Purpose::Rooms
                | Purpose::Say { .. } => {}
            }
        }
        self.repeat_lost();
        stores.changes.update(crate::state::changes::Changes::interrupted);
        stores.tail.update(|tail| tail.iter_mut().for_each(Tail::interrupted));
        stores.channels.update(crate::state::channels::Channels::forget_rates);
        stores.chat.update(|chat| chat.all_mut().for_each(crate::state::chat_room::ChatRoom::interrupted));
    }
}
