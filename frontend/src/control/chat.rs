//! The chat's rooms: entering, leaving, renaming, and coming back after a lost connection.

use leptos::prelude::{location, window};
use signalbox_shared::chat::{ChatLine, ChatRoomRow, ChatUser, LOBBY, check_name};
use signalbox_shared::socket::{ChatGap, ClientMessage};
use wasm_bindgen_futures::spawn_local;

use super::Control;
use super::chat_news::{call_out, note_news};
use crate::browser::storage;
use crate::state::chat_room::{ChatRoom, Membership};
use crate::state::requests::Purpose;
use crate::state::route::View;
use crate::transport::{history, now_ms, page_events};

/// How long to wait before asking again for a name that was ours a moment ago, in milliseconds: the relay may not have
/// noticed yet that the old connection is gone.
const REJOIN_MS: i64 = 2_000;
/// For how long to ask again, in milliseconds: longer than the relay keeps a dead page.
const REJOINS_MS: i64 = 60_000;
/// How long nobody touches a page before it counts as left alone, in milliseconds.
const IDLE_MS: i64 = 5 * 60_000;

impl Control {
    /// Enters the room that is shown, under `name`, which the caller has checked.
    pub fn join(&self, name: &str) {
        storage::remember(storage::CHAT_NAME, Some(name));
        self.inner.chat_refused_at_ms.set(None);
        let room = self.stores.chat.update(|chat| {
            let room = chat.shown_mut();
            room.wants_in(name.to_owned());
            room.room().to_owned()
        });
        self.enter(&room);
    }

    /// Leaves the room that is shown.
    pub fn leave(&self) {
        let room = self.stores.chat.peek(|chat| chat.shown().room().to_owned());
        // Without a connection this page is not in the room anyway.
        let _ = self.send(&ClientMessage::ChatLeave { room: room.clone() });
        self.stores.chat.update(|chat| chat.shown_mut().left());
        self.remember_rooms();
        if room != LOBBY {
            self.go_to(None);
        }
    }

    /// Goes to a room, as a link would.
    pub fn go_to(&self, room: Option<String>) {
        // Where addresses cannot be set (a page in a sandbox), the view stays.
        let _ = location().set_hash(&View::Chat(room).href());
    }

    /// Asks for another name in the room that is shown.
    pub fn rename(&self, name: &str) {
        let (room, since) =
            self.stores.chat.peek(|chat| (chat.shown().room().to_owned(), chat.shown().last_id()));
        let name = match check_name(name) {
            Ok(name) => name.to_owned(),
            Err(why) => return self.tell(&room, why.to_string()),
        };
        let purpose = Purpose::Rename(room.clone());
        let asked =
            self.request(purpose, |id| ClientMessage::ChatJoin { id, room: room.clone(), name, since });
        if let Err(why) = asked {
            self.tell(&room, format!("Your name stays: {why}"));
        }
    }

    /// Tells something in a room, on this page alone.
    pub(super) fn tell(&self, room: &str, text: String) {
        self.stores.chat.update(|chat| chat.room_mut(room).map(|room| room.tell(text)));
    }

    /// The address of the chat shows a room: enters it when this page is known by a name already.
    pub(super) fn show_room(&self, room: Option<&str>) {
        let name = self.stores.chat.peek(|chat| chat.name().map(str::to_owned));
        let room = room.unwrap_or(LOBBY);
        let entered = self.stores.chat.update(|chat| {
            chat.prune();
            if !chat.show(room) {
                let text = format!("\"{room}\" was not opened: this page has as many rooms as it can");
                chat.shown_mut().tell(text);
                return false;
            }
            let shown = chat.shown_mut();
            let enters = shown.membership == Membership::Outside && name.is_some() && room != LOBBY;
            if let (true, Some(name)) = (enters, name) {
                shown.membership = Membership::Entering(name);
            }
            enters
        });
        if entered {
            self.enter(room);
        }
    }

    /// Asks for the lines before the first one of the room that is shown.
    pub fn read_older(&self) {
        let asked = self.stores.chat.update(|chat| {
            let shown = chat.shown_mut();
            shown.ask_older().map(|before| (shown.room().to_owned(), before))
        });
        let Some((room, before)) = asked else { return };
        let sent = self.request(Purpose::Older(room.clone()), |id| ClientMessage::ChatHistory {
            id,
            room: room.clone(),
            before,
        });
        if sent.is_err() {
            self.older_failed(&room);
        }
    }

    pub(super) fn older_failed(&self, room: &str) {
        self.stores.chat.update(|chat| chat.room_mut(room).map(ChatRoom::older_failed));
    }

    /// Asks which rooms there are.
    pub fn list_rooms(&self) {
        // Without a connection the list stays as it is.
        let _ = self.request(Purpose::Rooms, |id| ClientMessage::ChatList { id });
    }

    pub(super) fn rooms_listed(&self, rooms: Vec<ChatRoomRow>) {
        self.stores.rooms.set(rooms);
    }

    /// A reload of the tab goes back in.
    pub(super) fn reenter_chat(&self) {
        self.restore_unsaid();
        let Some(memory) = storage::remembered_in_tab(storage::CHAT_INSIDE) else { return };
        let (name, rooms) = memory.split_once('\n').unwrap_or((&memory, LOBBY));
        self.stores.chat.update(|chat| {
            for room in rooms.split('\n') {
                if let Some(room) = chat.open(room) {
                    room.membership = Membership::Entering(name.to_owned());
                }
            }
        });
    }

    /// Asks to enter every room that the page wants to be in.
    pub(super) fn resume_chat(&self) {
        self.inner.is_idle_told.set(false);
        let wants = |room: &&ChatRoom| matches!(room.membership, Membership::Entering(_));
        let rooms: Vec<String> = self
            .stores
            .chat
            .peek(|chat| chat.all().filter(wants).map(|room| room.room().to_owned()).collect());
        rooms.iter().for_each(|room| self.enter(room));
    }

    fn enter(&self, room: &str) {
        let asked = self.stores.chat.peek(|chat| match chat.room(room) {
            Some(room) => match &room.membership {
                Membership::Entering(name) => Some((name.clone(), room.last_id())),
                _ => None,
            },
            None => None,
        });
        let Some((name, since)) = asked else { return };
        // Without a connection it is asked for again as soon as there is one.
        let _ = self.request(Purpose::Join(room.to_owned()), |id| ClientMessage::ChatJoin {
            id,
            room: room.to_owned(),
            name,
            since,
        });
    }

    pub(super) fn chat_present(&self, room: &str, users: Vec<ChatUser>, n_users: u64) {
        self.stores.chat.update(|chat| chat.room_mut(room).map(|room| room.present(users, n_users)));
    }

    pub(super) fn chat_joined(&self, room: &str, name: String, lines: Vec<ChatLine>, gap: Option<&ChatGap>) {
        self.inner.chat_refused_at_ms.set(None);
        self.inner.chat_again_at_ms.set(None);
        storage::remember(storage::CHAT_NAME, Some(&name));
        let is_read = self.is_chat_read(room);
        let call = self.stores.chat.update(|chat| {
            let room = chat.room_mut(room)?;
            let missed = room.joined(name, lines, gap);
            // Of several calls the last one is told.
            let call = missed.iter().fold(None, |call, line| note_news(room, line).or(call));
            if is_read {
                // Who looks has seen them; the mark before the first of them stays.
                room.read();
            }
            call
        });
        call_out(room, call);
        self.remember_rooms();
        self.flush_chat();
    }

    fn remember_rooms(&self) {
        let memory = self.stores.chat.peek(|chat| {
            let inside = chat.all().filter(|room| room.name().is_some()).map(ChatRoom::room);
            let rooms: Vec<&str> = inside.collect();
            chat.name().map(|name| format!("{name}\n{}", rooms.join("\n")))
        });
        storage::remember_in_tab(storage::CHAT_INSIDE, memory.as_deref());
    }

    pub(super) fn chat_lagged(&self, room: &str, n_skipped: u64) {
        self.stores.chat.update(|chat| {
            if let Some(room) = chat.room_mut(room) {
                room.lagged(n_skipped);
                room.interrupted();
            }
        });
        self.enter(room);
    }

    /// A name that was ours before the connection was lost is asked for again for a while; any other refusal is told.
    pub(super) fn join_refused(&self, room: &str, reason: String, suggestion: Option<String>) {
        let inside = storage::remembered_in_tab(storage::CHAT_INSIDE);
        let was_inside = inside.is_some_and(|memory| memory.split('\n').skip(1).any(|known| known == room));
        let now_ms = now_ms();
        let first_at_ms = self.inner.chat_refused_at_ms.get().unwrap_or(now_ms);
        self.inner.chat_refused_at_ms.set(Some(first_at_ms));
        let asks_again = was_inside && suggestion.is_some() && now_ms < first_at_ms + REJOINS_MS;
        self.stores.chat.update(|chat| {
            let Some(room) = chat.room_mut(room) else { return };
            match asks_again {
                true => room.held_up(reason, suggestion),
                false => room.refused(reason, suggestion),
            }
        });
        if asks_again {
            self.inner.chat_again_at_ms.set(Some(now_ms + REJOIN_MS));
        } else {
            self.remember_rooms();
        }
    }

    pub(super) fn tick_chat(&self, now_ms: i64) {
        if self.inner.chat_again_at_ms.get().is_some_and(|at_ms| at_ms <= now_ms) {
            self.inner.chat_again_at_ms.set(None);
            self.stores.chat.update(|chat| chat.all_mut().for_each(|room| room.patience_until_ms = None));
            self.resume_chat();
            self.flush_chat();
        }
        self.tell_idleness(now_ms);
        self.keep_unsaid();
    }

    fn tell_idleness(&self, now_ms: i64) {
        let is_idle = page_events::is_hidden() || IDLE_MS <= now_ms - self.inner.touched_at_ms.get();
        let is_news =
            self.inner.is_idle_told.get() != is_idle && self.stores.chat.peek(|chat| chat.name().is_some());
        if is_news && self.send(&ClientMessage::ChatIdle { is_idle }).is_ok() {
            self.inner.is_idle_told.set(is_idle);
        }
    }

    /// Finds out where line clients find the chat.
    pub fn find_line_chat(&self) {
        let relay = self.inner.relay.borrow().clone();
        let (Some(relay), None) = (relay, self.stores.line_chat.peek(Clone::clone)) else { return };
        let line_chat = self.stores.line_chat.clone();
        spawn_local(async move {
            // Without an answer the hint names no address.
            let Ok(info) = history::info(&relay).await else { return };
            let service = info.services.into_iter().find(|service| service.name == "chat");
            line_chat.set(service.and_then(|service| service.addresses.into_iter().next()));
        });
    }

    /// This page's own address without what stands from its `#` on.
    #[must_use]
    pub fn page_address(&self) -> String {
        let href = window().location().href().unwrap_or_default();
        href.split_once('#').map_or(href.clone(), |(page, _)| page.to_owned())
    }
}
