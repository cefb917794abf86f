//! The cache of patrons: truly least recently used, corrected by notifications, never older than what it has shown.
//!
//! Pure: no clock, no database. Three rules keep a read from going back in time. A notification may come late, after a
//! load that has seen its transaction already: it is compared with the load's snapshot and ignored. A load may come
//! late, after a notification: it is not kept (its *flight* was called off). And where an entry that was ahead of the
//! notifications is forgotten, notifications of transactions as old as that do not make a new entry (`floor`).

use std::collections::HashMap;

use bytes::Bytes;
use lru::LruCache;
use signalbox_shared::changes::PatronId;
use tokio::sync::watch;

use super::error::DatabaseError;
use super::snapshot::{Snapshot, Xid};

/// What an entry costs besides its body, in bytes: key, links, hash slot.
const ENTRY_BYTES: u64 = 96;

/// A row in JSON, or none for a row that is known not to exist.
pub(super) type Body = Option<Bytes>;
/// How a load ended.
pub(super) type Loaded = Result<Body, DatabaseError>;

/// Rows by key, and the loads under way.
pub(super) struct Cache {
    entries: LruCache<PatronId, Entry>,
    rows_max: usize,
    bytes_max: u64,
    bytes: u64,
    flights: HashMap<PatronId, Flight>,
    n_flights: u64,
    /// Whether notifications come, so that what is kept stays true.
    is_open: bool,
    /// A notification of a transaction below this makes no new entry.
    floor: Xid,
    /// The newest snapshot of any load ends here.
    loaded_until: Xid,
    pub(super) counts: Counts,
}

/// What the cache counts itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) corrected: u64,
    pub(super) evictions: u64,
    pub(super) clears: u64,
    pub(super) overtaken: u64,
}

struct Entry {
    body: Body,
    basis: Basis,
}

/// What an entry is as new as.
enum Basis {
    Notified(Xid),
    Loaded(Snapshot),
}

/// A load under way that others may wait for.
struct Flight {
    number: u64,
    ended: watch::Receiver<Option<Loaded>>,
}

/// The right to end a load.
#[derive(Debug)]
pub(super) struct Ticket {
    id: PatronId,
    number: u64,
    ended: watch::Sender<Option<Loaded>>,
}

/// What a reader that found nothing does.
pub(super) enum Miss {
    /// Ask the database, then [`Cache::land`].
    Lead(Ticket, watch::Receiver<Option<Loaded>>),
    /// Wait for another's load.
    Follow(watch::Receiver<Option<Loaded>>),
}

/// What a notification says about a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Correction {
    /// It is this now, or is no more.
    Now(Body),
    /// It is different, but how is not said.
    Unknown,
}

impl Cache {
    pub(super) fn new(rows_max: usize, bytes_max: u64) -> Self {
        Self {
            entries: LruCache::unbounded(),
            rows_max,
            bytes_max,
            bytes: 0,
            flights: HashMap::new(),
            n_flights: 0,
            is_open: false,
            floor: 0,
            loaded_until: 0,
            counts: Counts::default(),
        }
    }

    pub(super) fn rows(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn is_open(&self) -> bool {
        self.is_open
    }

    /// What is kept of a row; it counts as used.
    pub(super) fn get(&mut self, id: PatronId) -> Option<Body> {
        self.entries.get(&id).map(|entry| entry.body.clone())
    }

    /// Begins to trust notifications: they come from now on, and what was kept before may be old.
    pub(super) fn open(&mut self) {
        self.clear();
        self.is_open = true;
    }

    /// Notifications may be missing from now on. What is kept stays, for the time without a database.
    pub(super) fn close(&mut self) {
        self.is_open = false;
        self.flights.clear();
    }

    /// Forgets everything, and calls off every load under way.
    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.bytes = 0;
        self.flights.clear();
        self.floor = self.floor.max(self.loaded_until);
        self.counts.clears += 1;
    }

    /// Joins the load of a row, or begins one.
    pub(super) fn miss(&mut self, id: PatronId) -> Miss {
        if let Some(flight) = self.flights.get(&id) {
            return Miss::Follow(flight.ended.clone());
        }
        self.n_flights += 1;
        let (ended, receiver) = watch::channel(None);
        let ticket = Ticket { id, number: self.n_flights, ended };
        // While it is closed everybody asks for themselves: a load could have begun before the follower's own write.
        if self.is_open {
            self.flights.insert(id, Flight { number: ticket.number, ended: receiver.clone() });
        }
        Miss::Lead(ticket, receiver)
    }

    /// Nobody joins the load of a row from now on, and it is not kept: the row was just written.
    pub(super) fn call_off(&mut self, id: PatronId) {
        self.flights.remove(&id);
    }

    /// Ends a load: tells those who wait, and keeps what it found unless something newer is known.
    pub(super) fn land(&mut self, ticket: Ticket, result: Result<(Body, Snapshot), DatabaseError>) {
        let Ticket { id, number, ended } = ticket;
        let is_current = self.flights.get(&id).is_some_and(|flight| flight.number == number);
        if is_current {
            self.flights.remove(&id);
        }
        let loaded = result.map(|(body, snapshot)| {
            self.keep(id, body.clone(), snapshot, is_current);
            body
        });
        ended.send_replace(Some(loaded));
    }

    fn keep(&mut self, id: PatronId, body: Body, snapshot: Snapshot, is_current: bool) {
        self.loaded_until = self.loaded_until.max(snapshot.xmax);
        let is_newer_than_kept = match self.entries.peek(&id).map(|entry| &entry.basis) {
            None => true,
            Some(Basis::Notified(xid)) => snapshot.sees(*xid),
            Some(Basis::Loaded(kept)) => kept.xmax < snapshot.xmax,
        };
        if !is_newer_than_kept {
            self.counts.overtaken += 1;
        } else if is_current && self.is_open {
            self.put(id, Entry { body, basis: Basis::Loaded(snapshot) });
        } else {
            // It may be older than a correction that was not kept, and it is newer than what is kept.
            self.counts.overtaken += 1;
            self.remove(id);
            self.floor = self.floor.max(snapshot.xmax);
        }
    }

    /// Takes a notification.
    pub(super) fn correct(&mut self, id: PatronId, xid: Xid, correction: Correction) {
        if !self.is_open {
            return;
        }
        match self.entries.peek(&id).map(|entry| &entry.basis) {
            Some(Basis::Loaded(snapshot)) if snapshot.sees(xid) => return,
            // A load under way may have seen this or not; it is told apart when it lands.
            _ => self.flights.remove(&id),
        };
        self.counts.corrected += 1;
        match correction {
            Correction::Now(body) if self.entries.contains(&id) || self.floor <= xid => {
                self.put(id, Entry { body, basis: Basis::Notified(xid) });
            }
            _ => self.remove(id),
        }
    }

    fn put(&mut self, id: PatronId, entry: Entry) {
        self.bytes += entry.bytes();
        if let Some(old) = self.entries.put(id, entry) {
            self.bytes -= old.bytes();
        }
        while self.rows_max < self.entries.len() || self.bytes_max < self.bytes {
            let Some((_, evicted)) = self.entries.pop_lru() else { break };
            self.counts.evictions += 1;
            self.forget(&evicted);
        }
    }

    fn remove(&mut self, id: PatronId) {
        if let Some(entry) = self.entries.pop(&id) {
            self.forget(&entry);
        }
    }

    fn forget(&mut self, entry: &Entry) {
        self.bytes -= entry.bytes();
        if let Basis::Loaded(snapshot) = &entry.basis {
            self.floor = self.floor.max(snapshot.xmax);
        }
    }
}

impl Entry {
    fn bytes(&self) -> u64 {
        ENTRY_BYTES + self.body.as_ref().map_or(0, Bytes::len) as u64
    }
}

#[cfg(test)]
mod tests;
