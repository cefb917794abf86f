//! One room: its log and its users under one lock, so that whoever enters sees both at the same moment.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::RwLock;
use signalbox_shared::EventId;
use signalbox_shared::chat::{ChatLineKind, ChatUser, ChatVia};
use signalbox_shared::feed::GapReason;
use signalbox_shared::socket::{ChatGap, ServerMessage};
use tokio::sync::watch;

use super::entry::Entry;
use super::log::{Log, LogBounds, Start};
use super::member::{Member, Reader};
use super::stats::Counters;
use super::users::{Users, suggest};
use super::{History, JoinError, Joined, Snapshot};
use crate::clock;
use crate::limits::Limits;

/// Most lines that one snapshot holds; what is beyond comes through the reader.
const SNAPSHOT_LINES_MAX: usize = 500;
/// Most text that one snapshot holds, in bytes, so that it fits a message that a page takes in one frame.
const SNAPSHOT_BYTES_MAX: usize = 256 * 1024;
/// Newest lines that a page gets whose own place in the history is not known any more.
const FRESH_LINES: usize = 200;

/// The bounds of every room.
#[derive(Clone, Copy, Debug)]
pub(super) struct RoomBounds {
    log: LogBounds,
    pub(super) lines_per_sec: u64,
    pub(super) lines_burst: u64,
}

impl RoomBounds {
    pub(super) fn new(limits: &Limits) -> Self {
        let size = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
        Self {
            log: LogBounds {
                history_lines: size(limits.chat_history_lines),
                reader_lines: size(limits.chat_outbox_lines),
                bytes: size(limits.chat_history_bytes),
                age_ms: i64::try_from(limits.chat_history_secs.saturating_mul(1_000)).unwrap_or(i64::MAX),
            },
            lines_per_sec: limits.chat_lines_per_sec,
            lines_burst: limits.chat_lines_per_sec.saturating_mul(5),
        }
    }
}

/// A room. Its members hold it; it does not hold them.
pub(super) struct Room {
    name: Arc<str>,
    pub(super) bounds: RoomBounds,
    state: RwLock<State>,
    /// Seq of the newest entry: what wakes the readers.
    head: watch::Sender<u64>,
    pub(super) counters: Arc<Counters>,
}

struct State {
    log: Log,
    users: Users,
    /// The `chat_presence` message, while it is true.
    presence_json: Option<Bytes>,
}

impl Room {
    pub(super) fn new(name: Arc<str>, epoch: u64, bounds: &RoomBounds, counters: Arc<Counters>) -> Arc<Self> {
        let log = Log::new(Arc::clone(&name), epoch, bounds.log);
        let state = RwLock::new(State { log, users: Users::default(), presence_json: None });
        Arc::new(Self { name, bounds: *bounds, state, head: watch::Sender::new(0), counters })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn n_users(&self) -> u64 {
        self.state.read().users.len()
    }

    /// When something happened here last; never is as early as can be.
    pub(super) fn last_at_ms(&self) -> i64 {
        self.state.read().log.newest_at_ms().unwrap_or(i64::MIN)
    }

    pub(super) fn suggest(&self, wanted: &str) -> String {
        let state = self.state.read();
        suggest(wanted, |name| state.users.is_taken(name))
    }

    pub(super) fn join(
        self: &Arc<Self>,
        name: &str,
        via: ChatVia,
        history: History,
    ) -> Result<Joined, JoinError> {
        let now_ms = clock::now_ms();
        let mut state = self.state.write();
        let user = ChatUser { name: name.to_owned(), via, since_ms: now_ms };
        let Some(ticket) = state.users.add(user) else {
            let suggestion = suggest(name, |name| state.users.is_taken(name));
            return Err(JoinError::InUse { name: name.to_owned(), suggestion });
        };
        state.presence_json = None;
        let (snapshot, cursor) = state.look(history, now_ms);
        let id = state.log.push(now_ms, name, ChatLineKind::Joined, None);
        drop(state);
        self.wake(id);
        self.counters.user_came(via);
        let member = Member::new(Arc::clone(self), ticket, name.to_owned(), via);
        Ok(Joined { member, reader: Reader::new(Arc::clone(self), self.head.subscribe(), cursor), snapshot })
    }

    /// The room at this moment, and a reader of what comes after.
    pub(super) fn look(self: &Arc<Self>, history: History) -> (Snapshot, Reader) {
        let (snapshot, cursor) = self.state.write().look(history, clock::now_ms());
        (snapshot, Reader::new(Arc::clone(self), self.head.subscribe(), cursor))
    }

    /// Appends a line.
    pub(super) fn say(&self, name: &str, text: &str, key: Option<&str>) -> EventId {
        let kind = ChatLineKind::Said { text: text.to_owned() };
        let id = self.state.write().log.push(clock::now_ms(), name, kind, key.map(Into::into));
        self.wake(id);
        id
    }

    pub(super) fn said_with(&self, name: &str, key: &str) -> Option<EventId> {
        self.state.read().log.said_with(name, key)
    }

    pub(super) fn leave(&self, ticket: u64, via: ChatVia) {
        let mut state = self.state.write();
        let Some(user) = state.users.remove(ticket) else { return };
        state.presence_json = None;
        let id = state.log.push(clock::now_ms(), &user.name, ChatLineKind::Left, None);
        drop(state);
        self.wake(id);
        self.counters.user_went(via);
    }

    /// See [`Log::after`].
    pub(super) fn after(&self, cursor: u64, n_lines: usize, n_bytes: usize) -> Result<Vec<Arc<Entry>>, u64> {
        self.state.read().log.after(cursor, n_lines, n_bytes)
    }

    /// Who is here, as the `chat_presence` message of the WebSocket in JSON, encoded once per change.
    ///
    /// # Panics
    /// Never: texts and numbers always encode.
    pub(super) fn presence_json(&self) -> Bytes {
        if let Some(json) = &self.state.read().presence_json {
            return json.clone();
        }
        let mut state = self.state.write();
        let message = ServerMessage::ChatPresence {
            room: self.name.to_string(),
            users: state.users.list(),
            n_users: state.users.len(),
        };
        let json: Bytes = serde_json::to_vec(&message).expect("texts and numbers encode").into();
        state.presence_json = Some(json.clone());
        json
    }

    /// Wakes every reader: after the lock was given back, for thousands of them want it next.
    fn wake(&self, newest: EventId) {
        self.head.send_if_modified(|head| {
            let is_newer = *head < newest.seq;
            *head = newest.seq.max(*head);
            is_newer
        });
    }
}

impl State {
    fn look(&mut self, history: History, now_ms: i64) -> (Snapshot, u64) {
        self.log.forget_old(now_ms);
        let newest =
            |n_lines: usize| self.log.start_newest(n_lines.min(SNAPSHOT_LINES_MAX), SNAPSHOT_BYTES_MAX);
        let start = match history {
            History::Newest(n_lines) => newest(n_lines),
            History::Since(id) => self.log.start_since(id).unwrap_or_else(|| Start {
                gap: Some(ChatGap { n_lost: None, reason: GapReason::NewEpoch }),
                ..newest(FRESH_LINES)
            }),
        };
        // The start was taken from the same log under the same lock: nothing after it can be missing.
        let lines = self.log.after(start.cursor, SNAPSHOT_LINES_MAX, SNAPSHOT_BYTES_MAX).unwrap_or_default();
        let cursor = start.cursor + lines.len() as u64;
        let snapshot =
            Snapshot { users: self.users.list(), n_users: self.users.len(), lines, gap: start.gap };
        (snapshot, cursor)
    }
}
