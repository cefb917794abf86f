//! One room: its log and its users under one lock, so that whoever enters sees both at the same moment.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};
use signalbox_shared::EventId;
use signalbox_shared::chat::{ChatLineKind, ChatUser, ChatVia, HOUSE_NAME};
use signalbox_shared::feed::GapReason;
use signalbox_shared::socket::{ChatGap, ServerMessage};
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep_until};

use super::entry::Entry;
use super::log::{Log, LogBounds, Start};
use super::member::{Member, READ_BYTES_MAX, READ_LINES_MAX, Reader};
use super::pace::{GROUPS, Pace, Tell};
use super::seat::{Delivery, Group, Seat};
use super::stats::Counters;
use super::store::{Record, Store};
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

/// How long a change of idleness waits for others, so that many of them are told at once.
const IDLENESS_DELAY: Duration = Duration::from_secs(1);

/// The bounds of every room.
#[derive(Clone, Copy, Debug)]
pub(super) struct RoomBounds {
    pub(super) log: LogBounds,
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
    /// The readers.
    groups: [Group; GROUPS],
    /// Readers there have been: the next one's group.
    n_readers: AtomicUsize,
    pace: Mutex<Pace>,
    /// How often readers were told that somebody's page was looked at or left alone.
    n_idleness: AtomicU64,
    idleness_due: AtomicBool,
    pub(super) counters: Arc<Counters>,
}

struct State {
    log: Log,
    /// Where the log is kept over a restart, if it is.
    store: Option<Store>,
    users: Users,
    /// The `chat_presence` message, while it is true.
    presence_json: Option<Bytes>,
}

impl Room {
    /// An empty room, or one that goes on where its `store` says.
    pub(super) fn new(
        name: Arc<str>,
        log: Log,
        store: Option<Store>,
        bounds: &RoomBounds,
        counters: Arc<Counters>,
    ) -> Arc<Self> {
        let head = log.head();
        let state = RwLock::new(State { log, store, users: Users::default(), presence_json: None });
        Arc::new(Self {
            name,
            bounds: *bounds,
            state,
            groups: std::array::from_fn(|_| Group::new(head)),
            n_readers: AtomicUsize::new(0),
            pace: Mutex::default(),
            n_idleness: AtomicU64::new(0),
            idleness_due: AtomicBool::new(false),
            counters,
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Tells this room from every other one, also of the same name.
    pub(super) fn epoch(&self) -> u64 {
        self.state.read().log.epoch()
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
        let user = ChatUser { name: name.to_owned(), via, since_ms: now_ms, is_idle: false };
        let Some(ticket) = state.users.add(user) else {
            let suggestion = suggest(name, |name| state.users.is_taken(name));
            return Err(JoinError::InUse { name: name.to_owned(), suggestion });
        };
        state.presence_json = None;
        let (snapshot, cursor) = state.look(history, now_ms);
        state.push(&self.counters, now_ms, name, ChatLineKind::Joined, None);
        drop(state);
        self.tell();
        self.counters.user_came(via);
        let member = Member::new(Arc::clone(self), ticket, name.to_owned(), via);
        Ok(Joined { member, reader: Reader::new(Arc::clone(self), cursor), snapshot })
    }

    /// The room at this moment, and a reader of what comes after.
    pub(super) fn look(self: &Arc<Self>, history: History) -> (Snapshot, Reader) {
        let (snapshot, cursor) = self.state.write().look(history, clock::now_ms());
        (snapshot, Reader::new(Arc::clone(self), cursor))
    }

    /// Appends a line.
    pub(super) fn say(self: &Arc<Self>, name: &str, text: &str, key: Option<&str>) -> EventId {
        let kind = ChatLineKind::Said { text: text.to_owned() };
        self.push(name, kind, key)
    }

    /// Appends a line by the relay itself.
    pub(super) fn announce(self: &Arc<Self>, text: &str) -> EventId {
        let kind = ChatLineKind::Announced { text: text.to_owned() };
        self.push(HOUSE_NAME, kind, None)
    }

    /// Appends a line that a program says; none when somebody here has that name.
    pub(super) fn post(self: &Arc<Self>, name: &str, text: &str, key: Option<&str>) -> Option<EventId> {
        let kind = ChatLineKind::Posted { text: text.to_owned() };
        let mut state = self.state.write();
        if state.users.is_taken(name) {
            return None;
        }
        let id = state.push(&self.counters, clock::now_ms(), name, kind, key);
        drop(state);
        self.tell();
        Some(id)
    }

    fn push(self: &Arc<Self>, name: &str, kind: ChatLineKind, key: Option<&str>) -> EventId {
        let id = self.state.write().push(&self.counters, clock::now_ms(), name, kind, key);
        self.tell();
        id
    }

    /// Whether nobody is here and nothing is left of what was said.
    pub(super) fn is_forgettable(&self, now_ms: i64) -> bool {
        let mut state = self.state.write();
        state.log.forget_old(now_ms);
        state.users.len() == 0 && state.log.is_empty()
    }

    /// Takes the files away from the room: nothing that comes is kept over a restart any more.
    pub(super) fn take_store(&self) -> Option<Store> {
        self.state.write().store.take()
    }

    pub(super) fn said_with(&self, name: &str, key: &str) -> Option<EventId> {
        self.state.read().log.said_with(name, key)
    }

    pub(super) fn leave(self: &Arc<Self>, ticket: u64, via: ChatVia) {
        let mut state = self.state.write();
        let Some(user) = state.users.remove(ticket) else { return };
        state.presence_json = None;
        state.push(&self.counters, clock::now_ms(), &user.name, ChatLineKind::Left, None);
        drop(state);
        self.tell();
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

    /// A place for one more reader, and its group.
    pub(super) fn seat(&self, cursor: u64) -> (usize, Arc<Seat>) {
        let group = self.n_readers.fetch_add(1, Ordering::Relaxed) % GROUPS;
        (group, self.groups[group].add(cursor))
    }

    pub(super) fn group(&self, group: usize) -> &Group {
        &self.groups[group]
    }

    /// How often somebody's page was looked at or left alone, as far as readers were told.
    pub(super) fn n_idleness(&self) -> u64 {
        self.n_idleness.load(Ordering::Acquire)
    }

    /// See [`Log::before`].
    pub(super) fn older(&self, before: EventId, n_lines: usize) -> (Vec<Arc<Entry>>, bool) {
        self.state.read().log.before(before, n_lines.min(SNAPSHOT_LINES_MAX), SNAPSHOT_BYTES_MAX)
    }

    /// Notes whether somebody looks at a user's page.
    pub(super) fn set_idle(self: &Arc<Self>, ticket: u64, is_idle: bool) {
        let mut state = self.state.write();
        if !state.users.set_idle(ticket, is_idle) {
            return;
        }
        state.presence_json = None;
        drop(state);
        // Nobody is in a hurry to learn this, and a page that flickers must not keep thousands awake.
        if !self.idleness_due.swap(true, Ordering::Relaxed) {
            let room = Arc::clone(self);
            later(Instant::now() + IDLENESS_DELAY, move || {
                room.idleness_due.store(false, Ordering::Relaxed);
                room.n_idleness.fetch_add(1, Ordering::AcqRel);
                room.groups.iter().for_each(Group::wake);
            });
        }
    }

    /// Tells the readers what is new, now or a moment later: after the lock was given back, for it is read under it.
    fn tell(self: &Arc<Self>) {
        let n_users = self.n_users();
        let tell = self.pace.lock().request(n_users, Instant::now());
        match tell {
            Tell::All => self.tell_groups(0..GROUPS),
            Tell::WalkAt(at) => self.walk(at),
            Tell::Pending => {}
        }
    }

    /// Tells the readers group by group, until all of them know of the newest entry.
    fn walk(self: &Arc<Self>, at: Instant) {
        let room = Arc::clone(self);
        later(at, move || {
            let n_users = room.n_users();
            let (groups, next_at) = room.pace.lock().step(n_users, Instant::now());
            room.tell_groups(groups);
            if let Some(next_at) = next_at {
                room.walk(next_at);
            }
        });
    }

    fn tell_groups(&self, groups: Range<usize>) {
        // Groups that were told the same before are told the same now.
        let mut last: Option<Arc<Delivery>> = None;
        for group in &self.groups[groups] {
            let delivery = {
                let log = &self.state.read().log;
                let Some(since) = group.advance(log.head()) else { continue };
                let same = last.filter(|last| last.span() == (since, log.head()));
                same.unwrap_or_else(|| {
                    Arc::new(Delivery::new(
                        since,
                        log.head(),
                        log.all_after(since, READ_LINES_MAX, READ_BYTES_MAX),
                    ))
                })
            };
            group.deliver(&delivery);
            last = Some(delivery);
        }
    }
}

/// Runs something then; at once where there is no runtime any more that could wait.
fn later(due: Instant, run: impl FnOnce() + Send + 'static) {
    match Handle::try_current() {
        Ok(runtime) => {
            runtime.spawn(async move {
                sleep_until(due).await;
                run();
            });
        }
        Err(_) => run(),
    }
}

impl State {
    /// Appends an entry. It is in its file before anybody is told of it, or an id could be given twice. That is a
    /// write of one line into the system's memory, microseconds, and so may stand under the lock.
    fn push(
        &mut self,
        counters: &Counters,
        at_ms: i64,
        name: &str,
        kind: ChatLineKind,
        key: Option<&str>,
    ) -> EventId {
        let entry = self.log.push(at_ms, name, kind, key.map(Into::into));
        if let Some(store) = &mut self.store {
            let record = Record { line: entry.line.clone(), key: key.map(str::to_owned) };
            if let Err(error) = store.append(&record) {
                counters.stores_failed.add(1);
                tracing::error!(%error, "chat: a room cannot be kept on disk any more, only in memory: {error}");
                let given_up = self.store.take().map(Store::give_up);
                if let Some(Err(error)) = given_up {
                    tracing::error!(%error, "chat: its files were removed, for they cannot be marked: {error}");
                }
            }
        }
        entry.line.id
    }

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
