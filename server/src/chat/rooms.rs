//! The rooms of a chat by their names: opened, bounded, forgotten. Pure but for the clock; the lock is the chat's.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use signalbox_shared::chat::LOBBY;

use super::OpenError;
use super::log::Log;
use super::room::{Room, RoomBounds};
use super::stats::Counters;
use super::store::{SegmentBounds, Store, load};
use crate::clock;
use crate::limits::Limits;

/// Every room.
pub(super) struct Rooms {
    by_name: HashMap<Arc<str>, Arc<Room>>,
    last_epoch: u64,
    bounds: RoomBounds,
    n_rooms_max: usize,
    counters: Arc<Counters>,
    /// Where they are kept over a restart, if they are.
    folder: Option<PathBuf>,
    segment_bounds: SegmentBounds,
}

impl Rooms {
    pub(super) fn new(limits: &Limits, counters: Arc<Counters>, folder: Option<PathBuf>) -> Self {
        let size = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
        Self {
            by_name: HashMap::new(),
            last_epoch: 0,
            bounds: RoomBounds::new(limits),
            n_rooms_max: size(limits.chat_rooms),
            counters,
            folder,
            segment_bounds: SegmentBounds {
                lines: size(limits.chat_history_lines),
                bytes: size(limits.chat_history_bytes),
            },
        }
    }

    /// Takes back every room that the folder holds.
    pub(super) fn revive(&mut self) -> io::Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let mut last_epoch = self.last_epoch;
        let new_epoch = |old: u64| {
            last_epoch = clock::new_epoch().max(last_epoch + 1).max(old + 1);
            last_epoch
        };
        let now_ms = clock::now_ms();
        for stored in load(folder, self.segment_bounds, self.n_rooms_max, new_epoch)? {
            let name: Arc<str> = stored.room.into();
            self.last_epoch = self.last_epoch.max(stored.epoch);
            let mut log = Log::new(Arc::clone(&name), stored.epoch, self.bounds.log);
            let lines = stored.records.into_iter().map(|record| (record.line, record.key.map(Into::into)));
            log.restore(stored.before, lines.collect(), now_ms);
            self.insert(name, log, Some(stored.store));
        }
        Ok(())
    }

    pub(super) fn find(&self, name: &str) -> Option<Arc<Room>> {
        self.by_name.get(name).cloned()
    }

    pub(super) fn all(&self) -> Vec<Arc<Room>> {
        self.by_name.values().cloned().collect()
    }

    pub(super) fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Adds a room, in place of an empty one where there are as many as may be.
    pub(super) fn open(&mut self, name: &str) -> Result<Arc<Room>, OpenError> {
        if self.n_rooms_max <= self.by_name.len() {
            self.forget_one().ok_or(OpenError::TooMany { limit: self.n_rooms_max })?;
        }
        Ok(self.add(name))
    }

    pub(super) fn add(&mut self, name: &str) -> Arc<Room> {
        self.last_epoch = clock::new_epoch().max(self.last_epoch + 1);
        let name: Arc<str> = name.into();
        let log = Log::new(Arc::clone(&name), self.last_epoch, self.bounds.log);
        let store = self.folder.as_ref().and_then(|folder| {
            Store::create(folder, &name, self.last_epoch, 0, &[], self.segment_bounds)
                .inspect_err(|error| {
                    self.counters.stores_failed.add(1);
                    tracing::error!(%error, room = %name, "chat room {name} cannot be kept on disk: {error}");
                })
                .ok()
        });
        self.insert(name, log, store)
    }

    fn insert(&mut self, name: Arc<str>, log: Log, store: Option<Store>) -> Arc<Room> {
        let room = Room::new(Arc::clone(&name), log, store, &self.bounds, Arc::clone(&self.counters));
        self.by_name.insert(name, Arc::clone(&room));
        room
    }

    /// Forgets the empty room in which nothing has happened for the longest time; none when somebody is in each. The
    /// lobby is never forgotten.
    fn forget_one(&mut self) -> Option<()> {
        let empty = self.by_name.values().filter(|room| room.name() != LOBBY && room.n_users() == 0);
        let name: Arc<str> = empty.min_by_key(|room| room.last_at_ms())?.name().into();
        tracing::info!(room = %name, "chat room {name} is empty and makes place for a new one");
        self.remove(&name);
        Some(())
    }

    /// Forgets every room but the lobby that is empty and of which nothing is left that was said. Returns whether there
    /// was one.
    pub(super) fn forget_expired(&mut self) -> bool {
        let now_ms = clock::now_ms();
        let expired =
            self.by_name.values().filter(|room| room.name() != LOBBY && room.is_forgettable(now_ms));
        let names: Vec<Arc<str>> = expired.map(|room| room.name().into()).collect();
        names.iter().for_each(|name| self.remove(name));
        !names.is_empty()
    }

    fn remove(&mut self, name: &str) {
        if let Some(store) = self.by_name.remove(name).and_then(|room| room.take_store()) {
            store.remove();
        }
    }
}
