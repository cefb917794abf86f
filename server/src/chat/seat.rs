//! Where each reader of a room is, and how it hears of what is new: by its own connection, from the room itself, where
//! that has nothing on its way; otherwise by being woken, to read for itself. Knows no user and no rule.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Waker};

use bytes::Bytes;
use parking_lot::Mutex;

use super::entry::Entry;
use crate::outlet::{self, Outlet};

/// Readers that are told of something new at the same moment.
#[derive(Default)]
pub(super) struct Group {
    /// Seq of the newest entry that they were told of.
    head: AtomicU64,
    seats: Mutex<Vec<Arc<Seat>>>,
}

/// One reader's place in the log.
#[derive(Default)]
pub(super) struct Seat(Mutex<State>);

#[derive(Default)]
pub(super) struct State {
    /// Seq of the last entry that it has taken or was sent.
    pub(super) cursor: u64,
    waker: Option<Waker>,
    way: Option<Way>,
}

/// How entries can go out without the reader.
pub(super) struct Way {
    pub(super) outlet: Outlet,
    pub(super) encoding: Encoding,
}

/// How entries look to a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// As plain lines.
    Lines,
    /// As messages of a page's WebSocket. An arrival or a departure is left to the reader, who has a list to tell then.
    Frames,
}

/// Entries for a group, each encoding made at most once.
pub(super) struct Delivery {
    /// For those whose last entry was this one.
    since: u64,
    /// The newest entry.
    newest: u64,
    /// All entries after `since`; none when they are too many for one piece.
    entries: Vec<Arc<Entry>>,
    lines: OnceLock<Bytes>,
    frames: OnceLock<Option<Bytes>>,
}

impl Group {
    pub(super) fn new(head: u64) -> Self {
        Self { head: AtomicU64::new(head), seats: Mutex::default() }
    }

    /// Seq of the newest entry that its readers were told of.
    pub(super) fn head(&self) -> u64 {
        self.head.load(Ordering::Acquire)
    }

    /// Notes what is the newest entry now, and says what it was; none when that is not new.
    pub(super) fn advance(&self, newest: u64) -> Option<u64> {
        let before = self.head.fetch_max(newest, Ordering::AcqRel);
        (before < newest).then_some(before)
    }

    pub(super) fn add(&self, cursor: u64) -> Arc<Seat> {
        let seat = Arc::new(Seat(Mutex::new(State { cursor, ..State::default() })));
        self.seats.lock().push(Arc::clone(&seat));
        seat
    }

    pub(super) fn remove(&self, seat: &Arc<Seat>) {
        let mut seats = self.seats.lock();
        if let Some(index) = seats.iter().position(|other| Arc::ptr_eq(other, seat)) {
            seats.swap_remove(index);
        }
    }

    /// Brings entries to everybody, after [`Self::advance`].
    pub(super) fn deliver(&self, delivery: &Arc<Delivery>) {
        // Not under the lock: a write takes microseconds, and whoever comes or goes must not wait for hundreds of them.
        let (seats, delivery) = (self.seats.lock().clone(), Arc::clone(delivery));
        outlet::for_each(seats, move |seat| seat.deliver(&delivery));
    }

    /// Wakes everybody.
    pub(super) fn wake(&self) {
        self.seats.lock().iter().for_each(|seat| seat.wake(seat.lock()));
    }
}

impl Seat {
    pub(super) fn lock(&self) -> parking_lot::MutexGuard<'_, State> {
        self.0.lock()
    }

    fn deliver(&self, delivery: &Delivery) {
        let mut state = self.lock();
        if let Some(Way { outlet, encoding }) = &state.way
            && state.cursor == delivery.since
            && let Some(bytes) = delivery.encoded(*encoding)
            && outlet.send(bytes)
        {
            state.cursor = delivery.newest;
            return;
        }
        self.wake(state);
    }

    fn wake(&self, mut state: parking_lot::MutexGuard<'_, State>) {
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl State {
    /// Lets entries go out without the reader from now on, whenever the outlet is not held.
    pub(super) fn open(&mut self, way: Way) {
        self.way = Some(way);
    }

    /// Lets nothing go out without the reader any more.
    pub(super) fn close(&mut self) {
        self.way = None;
    }

    /// Before entries are taken: none may overtake them.
    pub(super) fn hold(&self) {
        if let Some(way) = &self.way {
            way.outlet.hold();
        }
    }

    /// Notes whom to wake.
    pub(super) fn note_waker(&mut self, cx: &Context<'_>) {
        outlet::note(&mut self.waker, cx);
    }
}

impl Delivery {
    /// Of the `entries` after `since` up to `newest`; none at all leaves it to the readers.
    pub(super) fn new(since: u64, newest: u64, entries: Vec<Arc<Entry>>) -> Self {
        Self { since, newest, entries, lines: OnceLock::new(), frames: OnceLock::new() }
    }

    /// The entry before the first one, and the last one.
    pub(super) fn span(&self) -> (u64, u64) {
        (self.since, self.newest)
    }

    fn encoded(&self, encoding: Encoding) -> Option<&Bytes> {
        if self.entries.is_empty() {
            return None;
        }
        match encoding {
            Encoding::Lines => Some(self.lines.get_or_init(|| {
                let lines: Vec<&[u8]> = self.entries.iter().map(|entry| &**entry.plain()).collect();
                lines.concat().into()
            })),
            Encoding::Frames => self.frames.get_or_init(|| self.frames()).as_ref(),
        }
    }

    fn frames(&self) -> Option<Bytes> {
        if self.entries.iter().any(|entry| entry.changes_presence()) {
            return None;
        }
        let mut frames = Vec::new();
        self.entries.iter().for_each(|entry| outlet::put_text_frame(entry.json().clone(), &mut frames));
        Some(frames.into())
    }
}
