//! The chat: rooms, who is in them, and what was said. Knows no transport: line clients stand in [`listener`], pages
//! in `web/socket`, and both are members of the same rooms.
//!
//! A room is one bounded log. Nothing is queued per user: a member reads the log through a cursor, so everybody sees
//! the same lines in the same order, memory does not grow with the number of readers, and nobody waits for a slow one.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use signalbox_shared::EventId;
use signalbox_shared::chat::{ChatUser, ChatVia, LOBBY, NameError, RoomError, check_name, check_room};
use signalbox_shared::socket::ChatGap;
use thiserror::Error;

use crate::clock;
use crate::limits::Limits;
use room::{Room, RoomBounds};
use users::suggest;

mod entry;
pub(crate) mod lines;
pub mod listener;
mod log;
mod member;
mod outgoing;
pub(crate) mod rate;
mod room;
mod session;
pub mod stats;
mod users;

pub use entry::Entry;
pub use member::{Lagged, Member, Reader, SayError};
pub use stats::Stats;

/// Under which name the relay itself speaks; nobody else can have it.
pub const RELAY_NAME: &str = "signalbox";

/// Every room of a relay.
pub struct Chat {
    rooms: Mutex<Rooms>,
    bounds: RoomBounds,
    n_rooms_max: usize,
    pub(crate) counters: Arc<stats::Counters>,
}

struct Rooms {
    by_name: HashMap<Arc<str>, Arc<Room>>,
    last_epoch: u64,
}

/// What somebody gets who enters a room, all of it of one moment: `lines` followed by what `reader` gives is the
/// room's log without hole or overlap.
pub struct Joined {
    /// Says lines; leaves the room when dropped.
    pub member: Member,
    /// Gives what happens from now on, beginning with this member's own arrival.
    pub reader: Reader,
    /// The past that was asked for.
    pub snapshot: Snapshot,
}

/// A room at one moment.
pub struct Snapshot {
    /// Who is there, the newcomer included, in the order in which they came; at most
    /// [`PRESENCE_USERS_MAX`](signalbox_shared::chat::PRESENCE_USERS_MAX).
    pub users: Vec<ChatUser>,
    /// How many are there.
    pub n_users: u64,
    /// Lines, oldest first.
    pub lines: Vec<Arc<Entry>>,
    /// Lines that should have come before those, but are no more.
    pub gap: Option<ChatGap>,
}

/// Which part of the past somebody wants who enters a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum History {
    /// The newest so many lines.
    Newest(usize),
    /// What came after this one.
    Since(EventId),
}

/// Why somebody was not let in. Its text is shown to the user.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum JoinError {
    /// No user name.
    #[error("{reason}")]
    Name {
        /// What is wrong with it.
        reason: NameError,
        /// A similar name that is free.
        suggestion: String,
    },
    /// Somebody else has that name.
    #[error("the name {name:?} is in use")]
    InUse {
        /// The name.
        name: String,
        /// A similar name that is free.
        suggestion: String,
    },
    /// No room name.
    #[error(transparent)]
    Room(#[from] RoomError),
    /// No room for another room.
    #[error("there are already {limit} rooms with somebody in them (chat_rooms)")]
    TooManyRooms {
        /// The bound in force.
        limit: usize,
    },
}

impl JoinError {
    /// A name that is free, when the name was the reason.
    #[must_use]
    pub fn suggestion(&self) -> Option<&str> {
        match self {
            Self::Name { suggestion, .. } | Self::InUse { suggestion, .. } => Some(suggestion),
            Self::Room(_) | Self::TooManyRooms { .. } => None,
        }
    }
}

impl Chat {
    /// A chat with an empty `lobby`.
    #[must_use]
    pub fn new(limits: &Limits) -> Arc<Self> {
        let counters = Arc::new(stats::Counters::default());
        let chat = Self {
            rooms: Mutex::new(Rooms { by_name: HashMap::new(), last_epoch: 0 }),
            bounds: RoomBounds::new(limits),
            n_rooms_max: usize::try_from(limits.chat_rooms).unwrap_or(usize::MAX),
            counters,
        };
        chat.rooms.lock().add(LOBBY, &chat.bounds, &chat.counters);
        Arc::new(chat)
    }

    /// Enters a room, which is opened when there is none of that name. A name is unique within its room.
    ///
    /// # Errors
    /// Each variant of [`JoinError`].
    pub fn join(&self, room: &str, name: &str, via: ChatVia, history: History) -> Result<Joined, JoinError> {
        let room = check_room(room)?;
        // One lock for finding and entering: a room is only ever forgotten under it, and only while it is empty.
        let mut rooms = self.rooms.lock();
        let found = rooms.by_name.get(room).cloned();
        let name = check_name(name).map_err(|reason| JoinError::Name {
            reason,
            suggestion: found.as_ref().map_or_else(|| suggest(name, |_| false), |room| room.suggest(name)),
        })?;
        if name == RELAY_NAME {
            let suggestion = suggest(&format!("{name}2"), |_| false);
            return Err(JoinError::InUse { name: name.to_owned(), suggestion });
        }
        let room = match found {
            Some(room) => room,
            None => {
                if self.n_rooms_max <= rooms.by_name.len() {
                    rooms.forget_one().ok_or(JoinError::TooManyRooms { limit: self.n_rooms_max })?;
                }
                rooms.add(room, &self.bounds, &self.counters)
            }
        };
        room.join(name, via, history)
    }

    /// Says a line as the relay itself. Says nothing where there is no such room, which the lobby always is.
    pub fn announce(&self, room: &str, text: &str) -> Option<EventId> {
        let room = self.rooms.lock().by_name.get(room).cloned()?;
        Some(room.say(RELAY_NAME, text, None))
    }

    /// The newest lines of a room, at most `n_lines`, oldest first, and who is there; none when there is no such room.
    #[must_use]
    pub fn look(&self, room: &str, n_lines: usize) -> Option<Snapshot> {
        let room = self.rooms.lock().by_name.get(room).cloned()?;
        Some(room.look(History::Newest(n_lines)).0)
    }

    /// Every room and how many users are in it, in the order of their names.
    #[must_use]
    pub fn rooms(&self) -> Vec<(String, u64)> {
        let rooms: Vec<_> = self.rooms.lock().by_name.values().cloned().collect();
        let mut rows: Vec<_> = rooms.iter().map(|room| (room.name().to_owned(), room.n_users())).collect();
        rows.sort();
        rows
    }

    /// Everything that was counted.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.counters.snapshot(self.rooms.lock().by_name.len() as u64)
    }
}

impl Rooms {
    fn add(&mut self, name: &str, bounds: &RoomBounds, counters: &Arc<stats::Counters>) -> Arc<Room> {
        self.last_epoch = clock::new_epoch().max(self.last_epoch + 1);
        let name: Arc<str> = name.into();
        let room = Room::new(Arc::clone(&name), self.last_epoch, bounds, Arc::clone(counters));
        self.by_name.insert(name, Arc::clone(&room));
        room
    }

    /// Forgets the empty room in which nothing has happened for the longest time; none when somebody is in each. The
    /// lobby is never forgotten.
    fn forget_one(&mut self) -> Option<()> {
        let empty = self.by_name.values().filter(|room| room.name() != LOBBY && room.n_users() == 0);
        let name: Arc<str> = empty.min_by_key(|room| room.last_at_ms())?.name().into();
        tracing::info!(room = %name, "chat room {name} is empty and makes place for a new one");
        self.by_name.remove(&name);
        Some(())
    }
}

#[cfg(test)]
mod tests;
