//! The rooms that this page is in or looks at, and which of them is shown.

use signalbox_shared::chat::LOBBY;

use super::chat_room::{ChatRoom, Membership, Pending, SendState};

/// Most rooms of one page; one more is not opened.
pub const ROOMS_MAX: usize = 16;

/// A line of this page that its room does not show yet: the room, the line's key, its text, and why it was refused.
pub type Unsaid = (String, String, String, Option<String>);

/// The rooms. The lobby is always there, and so is the one that is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatRooms {
    /// In the order in which they were opened.
    rooms: Vec<ChatRoom>,
    shown: usize,
}

impl Default for ChatRooms {
    fn default() -> Self {
        Self { rooms: vec![ChatRoom::named(LOBBY)], shown: 0 }
    }
}

impl ChatRooms {
    /// The room that is shown.
    #[must_use]
    pub fn shown(&self) -> &ChatRoom {
        &self.rooms[self.shown]
    }

    /// The room that is shown.
    pub fn shown_mut(&mut self) -> &mut ChatRoom {
        &mut self.rooms[self.shown]
    }

    /// Every room.
    pub fn all(&self) -> impl Iterator<Item = &ChatRoom> {
        self.rooms.iter()
    }

    /// Every room.
    pub fn all_mut(&mut self) -> impl Iterator<Item = &mut ChatRoom> {
        self.rooms.iter_mut()
    }

    /// The room of that name.
    #[must_use]
    pub fn room(&self, name: &str) -> Option<&ChatRoom> {
        self.rooms.iter().find(|room| room.room() == name)
    }

    /// The room of that name.
    pub fn room_mut(&mut self, name: &str) -> Option<&mut ChatRoom> {
        self.rooms.iter_mut().find(|room| room.room() == name)
    }

    /// Makes sure that there is a room of that name, if there is place for it.
    pub fn open(&mut self, name: &str) -> Option<&mut ChatRoom> {
        if self.room(name).is_none() {
            if ROOMS_MAX <= self.rooms.len() {
                return None;
            }
            self.rooms.push(ChatRoom::named(name));
        }
        self.room_mut(name)
    }

    /// Shows a room, opening it where needed. Returns whether there was place for it.
    pub fn show(&mut self, name: &str) -> bool {
        let is_open = self.open(name).is_some();
        if let Some(shown) = self.rooms.iter().position(|room| room.room() == name) {
            self.shown = shown;
        }
        is_open
    }

    /// Lets go of rooms that this page is neither in nor shows nor has something to say in; the lobby stays.
    pub fn prune(&mut self) {
        let shown = self.shown().room().to_owned();
        self.rooms.retain(|room| {
            room.room() == LOBBY
                || room.room() == shown
                || room.membership != Membership::Outside
                || !room.pending().is_empty()
        });
        self.show(&shown);
    }

    /// Every line of this page that no room shows yet, oldest first within its room.
    #[must_use]
    pub fn unsaid(&self) -> Vec<Unsaid> {
        let of_room = |room: &ChatRoom| {
            let name = room.room().to_owned();
            let unsaid = |pending: &Pending| {
                let failure = match &pending.state {
                    SendState::Failed(why) => Some(why.clone()),
                    SendState::Waiting | SendState::Sent => None,
                };
                (name.clone(), pending.key.clone(), pending.text.clone(), failure)
            };
            room.pending().iter().map(unsaid).collect::<Vec<_>>()
        };
        self.rooms.iter().flat_map(of_room).collect()
    }

    /// Takes back what [`Self::unsaid`] gave, as far as there is place for it.
    pub fn restore(&mut self, unsaid: Vec<Unsaid>) {
        for (room, key, text, failure) in unsaid {
            if let Some(room) = self.open(&room) {
                room.restore(key, text, failure);
            }
        }
    }

    /// The name that this page is known by in the first room that it is in.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.rooms.iter().find_map(ChatRoom::name)
    }

    /// Lines that nobody has looked at, in all rooms.
    #[must_use]
    pub fn n_unread(&self) -> u64 {
        self.rooms.iter().map(|room| room.n_unread).sum()
    }

    /// Lines among them that speak to who sits here.
    #[must_use]
    pub fn n_mentions(&self) -> u64 {
        self.rooms.iter().map(|room| room.n_mentions).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_are_bounded_and_the_shown_one_stays() {
        let mut rooms = ChatRooms::default();
        assert!((1..ROOMS_MAX).all(|n| rooms.show(&n.to_string())));
        assert!(!rooms.show("one more"));
        assert_eq!(rooms.shown().room(), (ROOMS_MAX - 1).to_string());
        rooms.room_mut("3").unwrap().membership = Membership::Inside("ada".to_owned());
        rooms.prune();
        let names: Vec<&str> = rooms.all().map(ChatRoom::room).collect();
        assert_eq!(names, [LOBBY, "3", &(ROOMS_MAX - 1).to_string()]);
        assert_eq!((rooms.shown().room(), rooms.name()), (names[2], Some("ada")));
        rooms.shown_mut().n_unread = 2;
        rooms.room_mut("3").unwrap().n_unread = 1;
        assert_eq!((rooms.n_unread(), rooms.n_mentions()), (3, 0));
    }

    #[test]
    fn what_was_not_said_outlives_a_load_of_the_page_and_a_leave() {
        let mut rooms = ChatRooms::default();
        let ops = rooms.open("ops").unwrap();
        ops.membership = Membership::Inside("ada".to_owned());
        assert!(ops.say("k1".to_owned(), "sent, not answered".to_owned()));
        assert!(ops.take_unsent().is_some());
        assert!(ops.say("k2".to_owned(), "refused".to_owned()));
        ops.failed("k2", "too long".to_owned());
        let unsaid = rooms.unsaid();

        let mut later = ChatRooms::default();
        later.restore(unsaid.clone());
        later.restore(unsaid.clone());
        assert_eq!(later.unsaid(), unsaid, "each once");
        let states: Vec<&SendState> =
            later.room("ops").unwrap().pending().iter().map(|pending| &pending.state).collect();
        assert_eq!(states, [&SendState::Waiting, &SendState::Failed("too long".to_owned())]);

        rooms.room_mut("ops").unwrap().left();
        rooms.prune();
        assert_eq!(rooms.unsaid(), unsaid);
        rooms.room_mut("ops").unwrap().discard_all();
        rooms.prune();
        assert_eq!((rooms.room("ops"), rooms.unsaid()), (None, vec![]));
    }
}
