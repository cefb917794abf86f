//! A user in a room: [`Member`] says and leaves, [`Reader`] follows. Knows no transport.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use signalbox_shared::EventId;
use signalbox_shared::chat::{ChatVia, KEY_BYTES_MAX, LINE_BYTES_MAX, neutralise};
use thiserror::Error;
use tokio::time::Instant;

use super::entry::Entry;
use super::rate::Bucket;
use super::room::Room;
use super::seat::{Encoding, Seat, Way};
use super::{History, Snapshot};
use crate::outlet::Outlet;

/// Most entries that one [`Reader::next`] gives.
pub(super) const READ_LINES_MAX: usize = 256;
/// Most text that one [`Reader::next`] gives, in bytes.
pub(super) const READ_BYTES_MAX: usize = 64 * 1024;

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

/// A cursor into a room's log. Waiting for the next entries says that everything before them was dealt with.
pub struct Reader {
    room: Arc<Room>,
    group: usize,
    seat: Arc<Seat>,
    n_idleness: u64,
}

impl Reader {
    pub(super) fn new(room: Arc<Room>, cursor: u64) -> Self {
        let (n_idleness, (group, seat)) = (room.n_idleness(), room.seat(cursor));
        Self { room, group, seat, n_idleness }
    }

    /// From now on, entries may go out by an outlet without being given here, whenever it is not held; it is held from the
    /// moment when entries are given here.
    pub(crate) fn send_by(&mut self, outlet: Outlet, encoding: Encoding) {
        self.seat.lock().open(Way { outlet, encoding });
    }

    /// Waits until something has happened and gives it, oldest first.
    ///
    /// # Errors
    /// [`Lagged`] when entries are no more that this reader was due. It goes on after them.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped before it is ready.
    pub async fn next(&mut self) -> Result<Vec<Arc<Entry>>, Lagged> {
        self.ready(|_, n_behind| 0 < n_behind).await;
        self.take()
    }

    /// Waits until it `is_ready`, given the room and the number of entries that wait, and gives that number.
    async fn ready(&self, is_ready: impl Fn(&Room, u64) -> bool) -> u64 {
        poll_fn(|cx| {
            let mut seat = self.seat.lock();
            let n_behind = self.room.group(self.group).head().saturating_sub(seat.cursor);
            if is_ready(&self.room, n_behind) {
                return Poll::Ready(n_behind);
            }
            seat.note_waker(cx);
            Poll::Pending
        })
        .await
    }

    fn take(&self) -> Result<Vec<Arc<Entry>>, Lagged> {
        let mut seat = self.seat.lock();
        seat.hold();
        match self.room.after(seat.cursor, READ_LINES_MAX, READ_BYTES_MAX) {
            Ok(entries) => {
                seat.cursor += entries.len() as u64;
                Ok(entries)
            }
            Err(n_skipped) => {
                seat.cursor += n_skipped;
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
        self.ready(|_, n_behind| n_lines < n_behind).await
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
        let n_idleness = self.n_idleness;
        let n_behind = self.ready(|room, n_behind| 0 < n_behind || n_idleness < room.n_idleness()).await;
        if n_behind == 0 {
            self.n_idleness = self.room.n_idleness();
            return Ok(Vec::new());
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

impl Drop for Reader {
    fn drop(&mut self) {
        self.room.group(self.group).remove(&self.seat);
        // Who is told of something at this moment may still have it.
        self.seat.lock().close();
    }
}
