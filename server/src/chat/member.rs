//! A user in a room: [`Member`] says and leaves, [`Reader`] follows. Knows no transport.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use signalbox_shared::EventId;
use signalbox_shared::chat::{ChatVia, KEY_BYTES_MAX, LINE_BYTES_MAX, neutralise};
use thiserror::Error;
use tokio::sync::watch;
use tokio::time::Instant;

use super::entry::Entry;
use super::rate::Bucket;
use super::room::Room;
use super::{History, Snapshot};

/// Most entries that one [`Reader::next`] gives.
const READ_LINES_MAX: usize = 256;
/// Most text that one [`Reader::next`] gives, in bytes.
const READ_BYTES_MAX: usize = 64 * 1024;

/// A place in a room under a name. Dropping it leaves the room and frees the name.
pub struct Member {
    room: Arc<Room>,
    ticket: u64,
    name: String,
    via: ChatVia,
    bucket: Bucket,
}

/// Why a line was not said. Its text is shown to the user.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SayError {
    /// Over [`LINE_BYTES_MAX`].
    #[error("a line of {bytes} bytes is over the limit of {LINE_BYTES_MAX} bytes")]
    TooLong {
        /// Its length in bytes.
        bytes: usize,
    },
    /// More than one line.
    #[error("a line must not contain a line break")]
    LineBreak,
    /// Over [`KEY_BYTES_MAX`].
    #[error("a key of {bytes} bytes is over the limit of {KEY_BYTES_MAX} bytes")]
    KeyTooLong {
        /// Its length in bytes.
        bytes: usize,
    },
    /// More lines than the rate limit allows.
    #[error("too fast: at most {per_sec} lines per second (chat_lines_per_sec)")]
    TooFast {
        /// The bound in force, in lines per second.
        per_sec: u64,
        /// When to try again.
        retry_after: Duration,
    },
}

/// Entries that a reader was due are no more: it was too far behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{n_skipped} lines behind: they are no longer kept")]
pub struct Lagged {
    /// How many. The reader goes on after them.
    pub n_skipped: u64,
}

impl Member {
    pub(super) fn new(room: Arc<Room>, ticket: u64, name: String, via: ChatVia) -> Self {
        let bucket = Bucket::new(room.bounds.lines_per_sec, room.bounds.lines_burst, Instant::now());
        Self { room, ticket, name, via, bucket }
    }

    /// The name this member is known by.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The room's name.
    #[must_use]
    pub fn room(&self) -> &str {
        self.room.name()
    }

    /// Says a line to everyone, itself included, and gives its place. Control characters are made visible. With a
    /// `key` that this user has used before for a line that is still kept, nothing is said and that line's place given.
    ///
    /// # Errors
    /// Each variant of [`SayError`]; nothing was said then.
    pub fn say(&mut self, text: &str, key: Option<&str>) -> Result<EventId, SayError> {
        self.try_say(text, key).inspect_err(|error| self.room.counters.refused(error))
    }

    fn try_say(&mut self, text: &str, key: Option<&str>) -> Result<EventId, SayError> {
        if let Some(bytes) = key.map(str::len).filter(|bytes| KEY_BYTES_MAX < *bytes) {
            return Err(SayError::KeyTooLong { bytes });
        }
        if LINE_BYTES_MAX < text.len() {
            return Err(SayError::TooLong { bytes: text.len() });
        }
        if text.contains('\n') {
            return Err(SayError::LineBreak);
        }
        if let Some(id) = key.and_then(|key| self.room.said_with(&self.name, key)) {
            self.room.counters.repeated.add(1);
            return Ok(id);
        }
        let per_sec = self.room.bounds.lines_per_sec;
        self.bucket.take(Instant::now()).map_err(|retry_after| SayError::TooFast { per_sec, retry_after })?;
        self.room.counters.said.add(1);
        Ok(self.room.say(&self.name, &neutralise(text), key))
    }

    /// The newest lines before that one, oldest first, at most `n_lines`, and whether there are older ones still.
    #[must_use]
    pub fn older(&self, before: EventId, n_lines: usize) -> (Vec<Arc<Entry>>, bool) {
        self.room.older(before, n_lines)
    }

    /// Tells the others whether somebody looks at this member's page.
    pub fn set_idle(&self, is_idle: bool) {
        self.room.set_idle(self.ticket, is_idle);
    }

    /// The room at this moment, and a reader of what comes after.
    #[must_use]
    pub fn look(&self, history: History) -> (Snapshot, Reader) {
        self.room.look(history)
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.room.leave(self.ticket, self.via);
    }
}

/// A cursor into a room's log.
pub struct Reader {
    room: Arc<Room>,
    head: watch::Receiver<u64>,
    idleness: watch::Receiver<()>,
    cursor: u64,
}

impl Reader {
    pub(super) fn new(room: Arc<Room>, cursor: u64) -> Self {
        let (head, idleness) = room.watch();
        Self { room, head, idleness, cursor }
    }

    /// Waits until something has happened and gives it, oldest first.
    ///
    /// # Errors
    /// [`Lagged`] when entries are no more that this reader was due. It goes on after them.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped before it is ready.
    pub async fn next(&mut self) -> Result<Vec<Arc<Entry>>, Lagged> {
        let cursor = self.cursor;
        // Never fails: the room, which sends, is held here.
        let _ = self.head.wait_for(|head| cursor < *head).await;
        self.take()
    }

    fn take(&mut self) -> Result<Vec<Arc<Entry>>, Lagged> {
        match self.room.after(self.cursor, READ_LINES_MAX, READ_BYTES_MAX) {
            Ok(entries) => {
                self.cursor += entries.len() as u64;
                Ok(entries)
            }
            Err(n_skipped) => {
                self.cursor += n_skipped;
                self.room.counters.lagged.add(n_skipped);
                Err(Lagged { n_skipped })
            }
        }
    }

    /// Waits until more than `n_lines` lines wait for this reader, and says how many. For a transport that is stuck in
    /// writing and so takes nothing.
    ///
    /// # Cancel safety
    /// Changes nothing.
    pub async fn fell_behind(&mut self, n_lines: u64) -> u64 {
        let cursor = self.cursor;
        let head = self.head.wait_for(|head| n_lines < head.saturating_sub(cursor)).await;
        head.map_or(0, |head| head.saturating_sub(cursor))
    }

    /// The same as [`Self::next`], but also ready, with nothing, when somebody's page was looked at or left alone, which
    /// is no line.
    ///
    /// # Errors
    /// As [`Self::next`].
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped before it is ready.
    pub async fn next_or_idleness(&mut self) -> Result<Vec<Arc<Entry>>, Lagged> {
        let cursor = self.cursor;
        // Neither fails: the room, which sends, is held here.
        tokio::select! {
            biased;
            _ = self.head.wait_for(|head| cursor < *head) => {}
            _ = self.idleness.changed() => return Ok(Vec::new()),
        }
        self.take()
    }

    /// How many users are in the room.
    #[must_use]
    pub fn n_users(&self) -> u64 {
        self.room.n_users()
    }

    /// Who is in the room, as the `chat_presence` message of the WebSocket in JSON.
    #[must_use]
    pub fn presence_json(&self) -> Bytes {
        self.room.presence_json()
    }
}
