//! The lobby: entering, saying, and coming back after a lost connection.

use leptos::prelude::GetUntracked;
use signalbox_shared::chat::{ChatLine, LOBBY};
use signalbox_shared::socket::{ChatGap, ClientMessage};

use super::Control;
use crate::app::storage;
use crate::state::chat_room::Membership;
use crate::state::requests::Purpose;
use crate::state::route::View;
use crate::transport::{now_ms, page_events};

/// How long to wait before asking again for a name that was ours a moment ago, in milliseconds: the relay may not have
/// noticed yet that the old connection is gone.
const REJOIN_MS: i64 = 2_000;
/// How often to ask again: a minute in all, longer than the relay keeps a dead page.
const REJOINS_MAX: u32 = 30;

impl Control {
    /// Enters the lobby under `name`, which the caller has checked.
    pub fn join(&self, name: &str) {
        storage::remember(storage::CHAT_NAME, Some(name));
        self.inner.n_chat_refused.set(0);
        self.stores.chat.update(|chat| chat.membership = Membership::Entering(name.to_owned()));
        self.resume_chat();
    }

    /// Leaves the lobby.
    pub fn leave(&self) {
        storage::remember_in_tab(storage::CHAT_INSIDE, None);
        // Without a connection this page is not in the room anyway.
        let _ = self.send(&ClientMessage::ChatLeave { room: LOBBY.to_owned() });
        self.stores.chat.update(crate::state::chat_room::ChatRoom::left);
    }

    /// Says a line. Returns whether there was room for it.
    pub fn say(&self, text: String) -> bool {
        let n = self.inner.n_said.get() + 1;
        self.inner.n_said.set(n);
        // The random bits tell this page from every other one of the same user, the number its lines from each other.
        let key = format!("{:016x}-{n}", js_sys::Math::random().to_bits());
        let has_room = self.stores.chat.update(|chat| chat.say(key, text));
        self.flush_chat();
        has_room
    }

    /// Tries a refused line again.
    pub fn retry(&self, key: &str) {
        self.stores.chat.update(|chat| chat.retry(key));
        self.flush_chat();
    }

    /// Gives a refused line up.
    pub fn discard(&self, key: &str) {
        self.stores.chat.update(|chat| chat.discard(key));
    }

    /// A reload of the tab goes back in.
    pub(super) fn reenter_chat(&self) {
        if let Some(name) = storage::remembered_in_tab(storage::CHAT_INSIDE) {
            self.stores.chat.update(|chat| chat.membership = Membership::Entering(name));
        }
    }

    /// Asks to enter, when the page wants to be in the room.
    pub(super) fn resume_chat(&self) {
        let asked = self.stores.chat.peek(|chat| match &chat.membership {
            Membership::Entering(name) => Some((name.clone(), chat.last_id())),
            _ => None,
        });
        let Some((name, since)) = asked else { return };
        // Without a connection it is asked for again as soon as there is one.
        let _ = self.request(Purpose::Join, |id| ClientMessage::ChatJoin {
            id,
            room: LOBBY.to_owned(),
            name,
            since,
        });
    }

    pub(super) fn chat_joined(&self, name: String, lines: Vec<ChatLine>, gap: Option<&ChatGap>) {
        self.inner.n_chat_refused.set(0);
        self.inner.chat_again_at_ms.set(None);
        storage::remember_in_tab(storage::CHAT_INSIDE, Some(&name));
        self.stores.chat.update(|chat| chat.joined(name, lines, gap));
        self.flush_chat();
    }

    pub(super) fn chat_line(&self, line: ChatLine) {
        let is_said = line.kind.text().is_some();
        let is_unread = is_said && !self.is_chat_read();
        self.stores.chat.update(|chat| {
            if chat.apply_line(line) && is_unread {
                chat.n_unread += 1;
            }
        });
    }

    pub(super) fn chat_lagged(&self, n_skipped: u64) {
        self.stores.chat.update(|chat| {
            chat.lagged(n_skipped);
            chat.interrupted();
        });
        self.resume_chat();
    }

    /// A name that was ours before the connection was lost is asked for again for a while; any other refusal is told.
    pub(super) fn join_refused(&self, reason: String, suggestion: Option<String>) {
        let was_inside = storage::remembered_in_tab(storage::CHAT_INSIDE).is_some();
        let n_refused = self.inner.n_chat_refused.get() + 1;
        self.inner.n_chat_refused.set(n_refused);
        if was_inside && suggestion.is_some() && n_refused < REJOINS_MAX {
            self.inner.chat_again_at_ms.set(Some(now_ms() + REJOIN_MS));
        } else {
            storage::remember_in_tab(storage::CHAT_INSIDE, None);
            self.stores.chat.update(|chat| chat.refused(reason, suggestion));
        }
    }

    /// Haste is forgiven: the line waits and goes again. Every other refusal is for the person to see.
    pub(super) fn say_refused(&self, key: &str, reason: String, retry_after_ms: Option<u64>) {
        match retry_after_ms.and_then(|ms| i64::try_from(ms).ok()) {
            Some(wait_ms) => {
                self.stores.chat.update(|chat| chat.unsent(key));
                self.inner.chat_again_at_ms.set(Some(now_ms().saturating_add(wait_ms)));
            }
            None => self.stores.chat.update(|chat| chat.failed(key, reason)),
        }
    }

    pub(super) fn tick_chat(&self, now_ms: i64) {
        if self.inner.chat_again_at_ms.get().is_some_and(|at_ms| at_ms <= now_ms) {
            self.inner.chat_again_at_ms.set(None);
            self.resume_chat();
            self.flush_chat();
        }
    }

    /// Somebody looks at the chat now.
    pub(super) fn read_chat(&self) {
        if self.is_chat_read() && self.stores.chat.peek(|chat| chat.n_unread > 0) {
            self.stores.chat.update(|chat| chat.n_unread = 0);
        }
    }

    fn is_chat_read(&self) -> bool {
        self.stores.view.get_untracked() == View::Chat && !page_events::is_hidden()
    }

    /// Sends every line that has not been sent, in order; what cannot be sent now waits for the next connection.
    fn flush_chat(&self) {
        if !self.stores.chat.peek(|chat| matches!(chat.membership, Membership::Inside(_))) {
            return;
        }
        for (key, text) in self.stores.chat.update(crate::state::chat_room::ChatRoom::take_unsent) {
            let sent = self.request(Purpose::Say(key.clone()), |id| ClientMessage::ChatSay {
                id,
                room: LOBBY.to_owned(),
                text,
                key: key.clone(),
            });
            if sent.is_err() {
                self.stores.chat.update(|chat| chat.unsent(&key));
            }
        }
    }
}
