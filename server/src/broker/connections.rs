//! Who is connected, for statistics and for the bound on connections.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use super::outbox::{Outbox, Peer};
use super::stats::ConnectionRow;
use crate::clock;

/// Every open connection.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    open: Mutex<BTreeMap<u64, Arc<Connection>>>,
    n_accepted: AtomicU64,
}

/// One open connection's accounts.
#[derive(Debug)]
pub(crate) struct Connection {
    id: u64,
    pub(crate) peer: Peer,
    connected_at_ms: i64,
    /// Set when it has said what it subscribes to.
    pub(crate) outbox: OnceLock<Arc<Outbox>>,
    published: AtomicU64,
    consumed_bytes: AtomicU64,
    pub(crate) is_held: AtomicBool,
}

impl Connections {
    /// Notes a connection, unless `limit` are open already.
    pub(crate) fn try_open(&self, peer: Peer, limit: u64) -> Option<Arc<Connection>> {
        let mut open = self.open.lock();
        if limit <= open.len() as u64 {
            return None;
        }
        let connection = Arc::new(Connection {
            id: self.n_accepted.fetch_add(1, Ordering::Relaxed) + 1,
            peer,
            connected_at_ms: clock::now_ms(),
            outbox: OnceLock::new(),
            published: AtomicU64::new(0),
            consumed_bytes: AtomicU64::new(0),
            is_held: AtomicBool::new(false),
        });
        open.insert(connection.id, Arc::clone(&connection));
        Some(connection)
    }

    pub(crate) fn close(&self, connection: &Connection) {
        self.open.lock().remove(&connection.id);
    }

    pub(crate) fn len(&self) -> usize {
        self.open.lock().len()
    }

    pub(crate) fn n_accepted(&self) -> u64 {
        self.n_accepted.load(Ordering::Relaxed)
    }

    pub(crate) fn rows(&self) -> Vec<ConnectionRow> {
        let open: Vec<Arc<Connection>> = self.open.lock().values().cloned().collect();
        open.iter().map(|connection| connection.row()).collect()
    }
}

impl Connection {
    /// Notes that `n_messages` of it were published, which took `n_bytes` of what it sent.
    pub(crate) fn note_read(&self, n_messages: u64, n_bytes: usize) {
        self.published.fetch_add(n_messages, Ordering::Relaxed);
        self.consumed_bytes.fetch_add(n_bytes as u64, Ordering::Relaxed);
    }

    fn row(&self) -> ConnectionRow {
        let outbox = self.outbox.get();
        let account = outbox.map(|outbox| outbox.account()).unwrap_or_default();
        ConnectionRow {
            id: self.id,
            peer: self.peer.to_string(),
            channel: outbox.map(|outbox| outbox.channel().clone()),
            connected_at_ms: self.connected_at_ms,
            published: self.published.load(Ordering::Relaxed),
            consumed_bytes: self.consumed_bytes.load(Ordering::Relaxed),
            is_held: self.is_held.load(Ordering::Relaxed),
            outbox_messages: account.queued_messages,
            outbox_bytes: account.queued_bytes,
            delivered: account.delivered,
            dropped: account.dropped,
            slow_since_ms: account.slow_since_ms,
            last_delivery_at_ms: account.last_delivery_ms,
        }
    }
}
