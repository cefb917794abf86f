//! What a person says in the chat: lines, commands, and what becomes of lines that cannot go yet.

use std::collections::BTreeMap;

use signalbox_shared::chat::LINE_BYTES_MAX;
use signalbox_shared::socket::ClientMessage;

use super::Control;
use crate::browser::clock::utc_offset_minutes;
use crate::browser::storage;
use crate::state::chat_command::{self, Command};
use crate::state::chat_room::{ChatRoom, Membership, SENDS_MAX};
use crate::state::chat_rooms::{ChatRooms, Unsaid};
use crate::state::metrics_query::LINKED_KEY;
use crate::state::requests::Purpose;
use crate::state::route::{Query, View};
use crate::state::units;
use crate::transport::now_ms;

/// Most names that `/who` lists.
const WHO_MAX: usize = 50;

impl Control {
    /// Says a line in the room that is shown, or carries out a command.
    ///
    /// # Errors
    /// Why nothing was done; what was typed should stay then.
    pub fn typed(&self, typed: &str) -> Result<(), String> {
        self.do_typed(typed)?;
        self.inner.recall.borrow_mut().note(typed);
        Ok(())
    }

    /// What was typed before, or after what was brought back last, given what stands in the field; none when there is nothing.
    #[must_use]
    pub fn recall(&self, is_older: bool, typed: &str) -> Option<String> {
        let recall = &mut *self.inner.recall.borrow_mut();
        if is_older { recall.older(typed) } else { recall.newer() }
    }

    fn do_typed(&self, typed: &str) -> Result<(), String> {
        let room = self.stores.chat.peek(|chat| chat.shown().room().to_owned());
        match chat_command::parse(typed) {
            Command::Say(line) if line.is_empty() => {}
            Command::Say(line) => return self.say(line),
            Command::Nick(name) => self.rename(&name),
            Command::Who => self.tell(&room, self.who()),
            Command::Help => self.tell(&room, chat_command::HELP.to_owned()),
            Command::Clear => self.stores.chat.update(|chat| chat.shown_mut().clear()),
            Command::Graph { agent, metric } => return self.say(self.graph(&agent, metric.as_deref())?),
            Command::Join(room) => {
                signalbox_shared::chat::check_room(&room).map_err(|why| why.to_string())?;
                self.go_to(Some(room));
            }
            Command::Leave => self.leave(),
            Command::Wrong(why) => return Err(why),
        }
        Ok(())
    }

    /// Says a line in the room that is shown.
    ///
    /// # Errors
    /// Why it cannot be said.
    pub fn say(&self, text: String) -> Result<(), String> {
        if LINE_BYTES_MAX < text.len() {
            let (bytes, max) = (units::bytes(text.len() as u64), units::bytes(LINE_BYTES_MAX as u64));
            return Err(format!("The line has {bytes}, and {max} are the limit"));
        }
        let n = self.inner.n_said.get() + 1;
        self.inner.n_said.set(n);
        // The random bits tell this page from every other one of the same user, the number its lines from each other.
        let key = format!("{:016x}-{n}", js_sys::Math::random().to_bits());
        if !self.stores.chat.update(|chat| chat.shown_mut().say(key, text)) {
            return Err(format!("{SENDS_MAX} lines wait already; they go as soon as the relay answers"));
        }
        self.flush_chat();
        self.keep_unsaid();
        Ok(())
    }

    /// Keeps what no room shows yet for a reload of the tab, when that has changed.
    pub(super) fn keep_unsaid(&self) {
        let unsaid = self.stores.chat.peek(ChatRooms::unsaid);
        if *self.inner.unsaid_kept.borrow() == unsaid {
            return;
        }
        // Texts always encode.
        let memory = if unsaid.is_empty() { None } else { serde_json::to_string(&unsaid).ok() };
        storage::remember_in_tab(&self.unsaid_memory(), memory.as_deref());
        *self.inner.unsaid_kept.borrow_mut() = unsaid;
    }

    /// Takes back what an earlier load of the page in this tab has not seen said.
    pub(super) fn restore_unsaid(&self) {
        let Some(memory) = storage::remembered_in_tab(&self.unsaid_memory()) else { return };
        // What does not decode was not written by this page.
        let Ok(unsaid) = serde_json::from_str::<Vec<Unsaid>>(&memory) else { return };
        *self.inner.unsaid_kept.borrow_mut() = unsaid.clone(); // so that it goes when nothing of it is left
        self.stores.chat.update(|chat| chat.restore(unsaid));
    }

    /// Where that is kept: what was meant for one relay is never said at another.
    fn unsaid_memory(&self) -> String {
        let elsewhere = self.stores.elsewhere.peek(Clone::clone).unwrap_or_default();
        format!("{}@{elsewhere}", storage::CHAT_UNSAID)
    }

    /// Tries a refused line again.
    pub fn retry(&self, key: &str) {
        self.stores.chat.update(|chat| chat.shown_mut().retry(key));
        self.flush_chat();
    }

    /// Gives a refused line up.
    pub fn discard(&self, key: &str) {
        self.stores.chat.update(|chat| chat.shown_mut().discard(key));
        self.keep_unsaid();
    }

    /// Gives every line up that was not said in the room that is shown.
    pub fn discard_all(&self) {
        self.stores.chat.update(|chat| chat.shown_mut().discard_all());
        self.keep_unsaid();
    }

    /// What was typed in a room and not said yet.
    #[must_use]
    pub fn draft(&self, room: &str) -> String {
        self.inner.drafts.borrow().get(room).cloned().unwrap_or_default()
    }

    /// Keeps what is typed in a room while another view is shown.
    pub fn keep_draft(&self, room: &str, text: String) {
        let is_known = self.stores.chat.peek(|chat| chat.room(room).is_some());
        let drafts: &mut BTreeMap<String, String> = &mut self.inner.drafts.borrow_mut();
        match is_known && !text.is_empty() {
            true => drafts.insert(room.to_owned(), text),
            false => drafts.remove(room),
        };
    }

    fn who(&self) -> String {
        self.stores.chat.peek(|chat| {
            let room = chat.shown();
            let names: Vec<&str> = room.users.iter().take(WHO_MAX).map(|user| &*user.name).collect();
            let n_more = room.n_users.saturating_sub(names.len() as u64);
            let more = if n_more > 0 { format!(" and {} more", units::count(n_more)) } else { String::new() };
            format!("{} here: {}{more}", units::counted(room.n_users, "person", "people"), names.join(", "))
        })
    }

    /// A line that links to an agent's chart as it is now.
    fn graph(&self, agent: &str, metric: Option<&str>) -> Result<String, String> {
        let known = self.stores.agents.peek(|agents| match agents.agent(agent) {
            Some(_) => Ok(agents.metrics()),
            None => {
                let names: Vec<&str> = agents.names().take(10).collect();
                let names = if names.is_empty() { "none has come yet".to_owned() } else { names.join(", ") };
                Err(format!("There is no agent {agent:?}: {names}"))
            }
        })?;
        if let Some(metric) = metric.filter(|metric| !known.iter().any(|known| known == metric)) {
            return Err(format!("There is no metric {metric:?}: {}", known.join(", ")));
        }
        // The charts go by the relay's clock.
        #[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970")]
        let at_ms = self.stores.series.relay_now_ms() as i64;
        let mut query = Query::default();
        query.set("at", Some(at_ms.to_string()));
        query.set("paused", Some(at_ms.to_string()));
        query.set(LINKED_KEY, metric.map(str::to_owned));
        query.set("only", Some(agent.replace('\\', "\\\\").replace(',', "\\,")));
        let link = format!("{}{}{}", self.page_address(), View::Metrics.href(), query.suffix());
        let what = metric.map_or_else(|| agent.to_owned(), |metric| format!("{agent} {metric}"));
        Ok(format!("{what} at {}: {link}", units::clock(at_ms, utc_offset_minutes())))
    }

    /// Haste is forgiven: the line waits and goes again. Every other refusal is for the person to see.
    pub(super) fn say_refused(&self, room: &str, key: &str, reason: String, retry_after_ms: Option<u64>) {
        let wait_ms = retry_after_ms.and_then(|ms| i64::try_from(ms).ok());
        let again_at_ms = wait_ms.map(|wait_ms| now_ms().saturating_add(wait_ms));
        if again_at_ms.is_some() {
            self.inner.chat_again_at_ms.set(again_at_ms);
        }
        self.stores.chat.update(|chat| {
            let Some(room) = chat.room_mut(room) else { return };
            match again_at_ms {
                Some(_) => {
                    room.patience_until_ms = again_at_ms;
                    room.unsent(key);
                }
                None => room.failed(key, reason),
            }
        });
        self.flush_chat();
    }

    /// Sends each room's next line; the one after it goes when it is answered, and what cannot be sent now waits for the next
    /// connection.
    pub(super) fn flush_chat(&self) {
        let is_ready = |room: &&mut ChatRoom| {
            matches!(room.membership, Membership::Inside(_)) && room.patience_until_ms.is_none()
        };
        let unsent = self.stores.chat.update(|chat| {
            let ready = chat.all_mut().filter(is_ready);
            let lines = ready.filter_map(|room| {
                let (key, text) = room.take_unsent()?;
                Some((room.room().to_owned(), key, text))
            });
            lines.collect::<Vec<_>>()
        });
        for (room, key, text) in unsent {
            let purpose = Purpose::Say { room: room.clone(), key: key.clone() };
            let sent = self.request(purpose, |id| ClientMessage::ChatSay {
                id,
                room: room.clone(),
                text,
                key: key.clone(),
            });
            if sent.is_err() {
                self.stores.chat.update(|chat| chat.room_mut(&room).map(|room| room.unsent(&key)));
            }
        }
    }
}
