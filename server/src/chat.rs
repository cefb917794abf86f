//! The chat: rooms, who is in them, and what was said. Knows no transport: line clients stand in [`listener`], pages
//! in `web/socket`, and both are members of the same rooms.
//!
//! A room is one bounded log. Nothing is queued per user: a member reads the log through a cursor, so everybody sees
//! the same lines in the same order, memory does not grow with the number of readers, and nobody waits for a slow one.

use std::borrow::Cow;
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;

use parking_lot::Mutex;
use signalbox_shared::EventId;
use signalbox_shared::chat::{
    ChatUser, ChatVia, LINE_BYTES_MAX, LOBBY, NameError, RoomError, check_name, check_room, neutralise,
};
use signalbox_shared::socket::ChatGap;
use thiserror::Error;
use tokio::sync::watch;

use crate::limits::Limits;
use room::Room;
use rooms::Rooms;
use store::Store;
use users::suggest;

pub mod bridge;
mod entry;
pub(crate) mod lines;
pub mod listener;
mod log;
mod member;
mod outgoing;
mod pace;
pub(crate) mod rate;
mod room;
mod rooms;
mod seat;
mod session;
pub mod stats;
mod store;
mod users;

pub use entry::Entry;
pub use member::{Lagged, Member, Reader, SayError};
pub(crate) use seat::Encoding;
pub use stats::Stats;

/// Every room of a relay.
pub struct Chat {
    rooms: Mutex<Rooms>,
    /// Moves when a room is opened or forgotten.
    opened: watch::Sender<()>,
    pub(crate) counters: Arc<stats::Counters>,
    /// Held while this chat writes into its folder, so that no other one does.
    _folder: Option<File>,
}

/// What somebody gets who enters a room, all of it of one moment: `lines` followed by what `reader` gives is the
/// room's log without hole or overlap.
pub struct Joined {
    /// Gives what happens from now on, beginning with this member's own arrival.
    pub reader: Reader,
    /// Says lines; leaves the room when dropped.
    pub member: Member,
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
    /// There is no such room, and none can be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
}

/// Why a room was not opened. Its text is shown to the user.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OpenError {
    /// No room name.
    #[error(transparent)]
    Name(#[from] RoomError),
    /// No room for another room.
    #[error("there are already {limit} rooms with somebody in them (chat_rooms)")]
    TooMany {
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
            Self::Open(_) => None,
        }
    }
}

impl Chat {
    /// A chat with an empty `lobby`, in memory only.
    #[must_use]
    pub fn new(limits: &Limits) -> Arc<Self> {
        let counters = Arc::new(stats::Counters::default());
        let mut rooms = Rooms::new(limits, Arc::clone(&counters), None);
        rooms.add(LOBBY);
        Arc::new(Self { rooms: Mutex::new(rooms), opened: watch::Sender::new(()), counters, _folder: None })
    }

    /// A chat that goes on with the rooms kept in `folder`, which is made when it is not there, and keeps them there.
    ///
    /// # Errors
    /// The file system's, and that another chat uses this folder.
    pub fn open(limits: &Limits, folder: &Path) -> anyhow::Result<Arc<Self>> {
        let name = folder.display();
        fs::create_dir_all(folder).with_context(|| format!("{name} cannot be made"))?;
        let lock =
            File::create(folder.join("lock")).with_context(|| format!("{name} cannot be written to"))?;
        lock.try_lock().with_context(|| format!("{name} is in use by another relay"))?;
        let counters = Arc::new(stats::Counters::default());
        let mut rooms = Rooms::new(limits, Arc::clone(&counters), Some(folder.to_owned()));
        rooms.revive().with_context(|| format!("the chat's history in {name} cannot be read"))?;
        if rooms.find(LOBBY).is_none() {
            rooms.add(LOBBY);
        }
        let opened = watch::Sender::new(());
        Ok(Arc::new(Self { rooms: Mutex::new(rooms), opened, counters, _folder: Some(lock) }))
    }

    /// Ends keeping on disk: call it when everybody has left.
    pub fn close(&self) {
        for room in self.rooms.lock().all() {
            if let Some(Err(error)) = room.take_store().map(Store::close) {
                tracing::warn!(%error, room = room.name(), "chat: {} was not closed on disk: {error}", room.name());
            }
        }
    }

    /// Forgets rooms without anybody in them of which nothing is left that was said. The lobby stays.
    pub fn forget_expired(&self) {
        if self.rooms.lock().forget_expired() {
            self.opened.send_replace(());
        }
    }

    /// The rooms now, and what moves when that changes.
    fn follow_rooms(&self) -> (Vec<Arc<Room>>, watch::Receiver<()>) {
        let receiver = self.opened.subscribe();
        (self.rooms.lock().all(), receiver)
    }

    /// Enters a room, which is opened when there is none of that name. A name is unique within its room.
    ///
    /// # Errors
    /// Each variant of [`JoinError`].
    pub fn join(&self, room: &str, name: &str, via: ChatVia, history: History) -> Result<Joined, JoinError> {
        let room = check_room(room).map_err(OpenError::Name)?;
        // One lock for finding and entering: a room is only ever forgotten under it, and only while it is empty.
        let mut rooms = self.rooms.lock();
        let found = rooms.find(room);
        let name = check_name(name).map_err(|reason| JoinError::Name {
            reason,
            suggestion: found.as_ref().map_or_else(|| suggest(name, |_| false), |room| room.suggest(name)),
        })?;
        let room = match found {
            Some(room) => room,
            None => self.opened(rooms.open(room)?),
        };
        room.join(name, via, history)
    }

    /// Says a line by the house itself to everyone in a room, which is opened when there is none of that name, and gives
    /// its place. Pages show it as the relay's own; line clients see `Notice: <text>`. Control characters and line
    /// breaks are made visible, and what is over [`LINE_BYTES_MAX`] is cut, which an ellipsis shows.
    ///
    /// # Errors
    /// Each variant of [`OpenError`]; nothing was said then. `lobby` is always there.
    pub fn announce(&self, room: &str, text: &str) -> Result<EventId, OpenError> {
        let name = check_room(room)?;
        let mut rooms = self.rooms.lock();
        let room = match rooms.find(name) {
            Some(room) => room,
            None => self.opened(rooms.open(name)?),
        };
        self.counters.announced.add(1);
        Ok(room.announce(&fitting(&neutralise(text))))
    }

    /// The newest lines of a room, at most `n_lines`, oldest first, and who is there; none when there is no such room.
    #[must_use]
    pub fn look(&self, room: &str, n_lines: usize) -> Option<Snapshot> {
        let room = self.rooms.lock().find(room)?;
        Some(room.look(History::Newest(n_lines)).0)
    }

    /// Every room and how many users are in it, in the order of their names.
    #[must_use]
    pub fn rooms(&self) -> Vec<(String, u64)> {
        let rooms = self.rooms.lock().all();
        let mut rows: Vec<_> = rooms.iter().map(|room| (room.name().to_owned(), room.n_users())).collect();
        rows.sort();
        rows
    }

    fn opened(&self, room: Arc<Room>) -> Arc<Room> {
        self.opened.send_replace(());
        room
    }

    /// Everything that was counted.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.counters.snapshot(self.rooms.lock().len() as u64)
    }
}

/// The text, cut to [`LINE_BYTES_MAX`] where it is longer.
fn fitting(text: &str) -> Cow<'_, str> {
    const ELLIPSIS: char = '…';
    if text.len() <= LINE_BYTES_MAX {
        return Cow::Borrowed(text);
    }
    let end = text.floor_char_boundary(LINE_BYTES_MAX - ELLIPSIS.len_utf8());
    Cow::Owned(format!("{}{ELLIPSIS}", &text[..end]))
}

#[cfg(test)]
mod tests;
