//! Rows of PostgreSQL that announce themselves (docs/protocol.md §7). SQL stands only here; HTTP and WebSocket are
//! not known.
//!
//! Triggers announce each change ([`mod@setup`], `announce.sql`); one connection listens ([`mod@listener`]); what it
//! hears corrects the cache of patrons ([`mod@patrons`], [`mod@cache`]) and goes into a bounded feed for pages
//! ([`mod@feed`]). Without a database the rest of the relay runs as ever, and this room says which setting turns it on.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::Value;
use signalbox_shared::EventId;
use signalbox_shared::changes::{
    ChangeEvent, ChangeKind, ChangesInfo, LinkState, Patron, PatronId, TableState, WatchedTable,
};
use tokio_util::sync::CancellationToken;

mod cache;
mod commands;
mod database_url;
mod echoes;
mod error;
mod feed;
mod listener;
mod notice;
mod options;
mod patrons;
mod pool;
pub mod query;
mod setup;
mod snapshot;
pub mod statements;
mod timing;
mod tls;

use cache::Correction;
pub use commands::{SetupReport, install, remove, status};
pub use database_url::DatabaseUrl;
pub use error::DatabaseError;
use feed::Feed;
pub use feed::Reader;
use notice::Notice;
pub use options::{DatabaseOptions, WatchRule};
pub use patrons::{Found, Patrons, Read};
use pool::Connections;
use setup::{Look, Target};
use timing::Histogram;

use crate::clock;
use crate::limits::Limits;

/// The channel that carries the changes of all watched tables.
const CHANNEL: &str = "signalbox";
/// Newest changes that a page or an answer gets at first.
pub const FIRST_EVENTS: usize = 200;
/// Most bytes of changes in one answer or one batch for a page.
pub const BATCH_BYTES: u64 = 256 * 1024;

/// The changes of one database, or the place where they would be.
#[derive(Clone, Default)]
pub struct Changes(Option<Arc<Shared>>);

struct Shared {
    url: DatabaseUrl,
    connections: Connections,
    targets: Vec<Target>,
    numbers: HashMap<String, usize>,
    is_installing: bool,
    patrons: Arc<Patrons>,
    feed: Arc<Feed>,
    standing: Mutex<Standing>,
    counts: Counts,
}

/// What changes only when the connection or a table does.
struct Standing {
    link: LinkState,
    reason: Option<String>,
    since_ms: i64,
    n_ups: u64,
    looks: Vec<Look>,
}

struct Counts {
    by_table: Vec<AtomicU64>,
    received: AtomicU64,
    truncated: AtomicU64,
    refused: AtomicU64,
    delay: Histogram,
}

impl Changes {
    /// Begins to listen when a database is configured; what cannot be reached yet is tried again until `shutdown`.
    ///
    /// # Errors
    /// When the bounds of the connections cannot be used.
    pub fn start(
        options: &DatabaseOptions,
        limits: &Limits,
        shutdown: CancellationToken,
    ) -> anyhow::Result<(Self, Option<Listening>)> {
        let Some(url) = options.url.clone() else { return Ok((Self(None), None)) };
        let connections = Connections::new(&url, limits)?;
        let targets = Target::all(&options.watch);
        let unknown = Look { state: TableState::Unknown, reason: None, oid: None };
        let shared = Arc::new(Shared {
            url,
            patrons: Patrons::new(connections.clone(), limits),
            connections,
            numbers: targets.iter().enumerate().map(|(n, target)| (target.full_name(), n)).collect(),
            is_installing: options.is_installing,
            feed: Arc::new(Feed::new(limits)),
            standing: Mutex::new(Standing {
                link: LinkState::Connecting,
                reason: None,
                since_ms: clock::now_ms(),
                n_ups: 0,
                looks: vec![unknown; targets.len()],
            }),
            counts: Counts {
                by_table: targets.iter().map(|_| AtomicU64::new(0)).collect(),
                received: AtomicU64::new(0),
                truncated: AtomicU64::new(0),
                refused: AtomicU64::new(0),
                delay: Histogram::default(),
            },
            targets,
        });
        let listening = Box::pin(listener::run(shared.clone(), shutdown));
        Ok((Self(Some(shared)), Some(listening)))
    }

    /// The patrons.
    ///
    /// # Errors
    /// [`DatabaseError::Off`] when no database is configured.
    pub fn patrons(&self) -> Result<&Arc<Patrons>, DatabaseError> {
        self.0.as_ref().map(|shared| &shared.patrons).ok_or(DatabaseError::Off)
    }

    /// How everything stands.
    #[must_use]
    pub fn info(&self) -> ChangesInfo {
        self.0.as_ref().map(|shared| shared.info()).unwrap_or_default()
    }

    /// The newest changes, oldest first, and how many there were before.
    #[must_use]
    pub fn newest(&self) -> (Vec<Arc<ChangeEvent>>, u64) {
        self.0.as_ref().map(|shared| shared.feed.newest(FIRST_EVENTS, BATCH_BYTES)).unwrap_or_default()
    }

    /// Begins to read changes, after `since` or with the newest; none when no database is configured.
    #[must_use]
    pub fn reader(&self, since: Option<EventId>) -> Option<Reader> {
        Some(self.0.as_ref()?.feed.reader(since, FIRST_EVENTS as u64))
    }
}

/// The work of listening, to be awaited somewhere.
pub type Listening = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

impl Shared {
    /// The connection listens, and notifications come from now on.
    fn up(&self) {
        let mut standing = self.standing.lock();
        standing.link = LinkState::Up;
        standing.reason = None;
        standing.since_ms = clock::now_ms();
        standing.n_ups += 1;
        tracing::info!(database = %self.url, "database {}: listening for changes", self.url);
        self.open_or_close(&standing);
    }

    /// The connection is lost, or was not made.
    fn lost(&self, error: &anyhow::Error) {
        let mut standing = self.standing.lock();
        self.patrons.cache.lock().close();
        self.patrons.echoes.give_up();
        let reason = format!("{error:#}");
        if standing.link == LinkState::Up {
            tracing::warn!(reason, "database {}: the listening connection is lost: {reason}", self.url);
            standing.since_ms = clock::now_ms();
        } else if standing.reason.as_ref() != Some(&reason) {
            tracing::warn!(reason, "database {}: no connection, trying again: {reason}", self.url);
        }
        standing.link = if standing.n_ups == 0 { LinkState::Connecting } else { LinkState::Lost };
        standing.reason = Some(reason);
    }

    /// The tables were looked at.
    fn looked(&self, looks: Vec<Look>) {
        let mut standing = self.standing.lock();
        for ((target, before), now) in self.targets.iter().zip(&standing.looks).zip(&looks) {
            let name = target.full_name();
            match &now.reason {
                _ if before.state == now.state && before.oid == now.oid => {}
                Some(reason) => tracing::warn!(table = name, "table {name} is not watched: {reason}"),
                None => tracing::info!(table = name, "table {name} is watched"),
            }
        }
        let is_same_patron = standing.looks.first() == looks.first();
        standing.looks = looks;
        if standing.link == LinkState::Up && !is_same_patron {
            self.open_or_close(&standing);
        }
    }

    /// The cache may be trusted while the connection listens and the patrons' triggers are there.
    fn open_or_close(&self, standing: &Standing) {
        let is_announced = standing.looks.first().is_some_and(|look| look.state == TableState::Watched);
        let mut cache = self.patrons.cache.lock();
        if is_announced {
            cache.open();
        } else {
            // What was kept is of a table that is no more, or is not announced any longer.
            cache.clear();
            cache.close();
        }
    }

    fn take_in<'a>(&self, payloads: impl Iterator<Item = &'a str>) {
        let now_us = clock::now_us();
        let mut events = Vec::new();
        let mut cache = self.patrons.cache.lock();
        for payload in payloads {
            let known = notice::decode(payload).and_then(|notice| {
                let table = format!("{}.{}", notice.schema, notice.table);
                Some((*self.numbers.get(&table)?, table, notice))
            });
            let Some((number, table, notice)) = known else {
                self.counts.refused.fetch_add(1, Ordering::Relaxed);
                continue;
            };
            self.counts.received.fetch_add(1, Ordering::Relaxed);
            self.counts.by_table[number].fetch_add(1, Ordering::Relaxed);
            self.counts.truncated.fetch_add(u64::from(notice.is_truncated), Ordering::Relaxed);
            let delay_us = u64::try_from(now_us - notice.at_us).unwrap_or(0);
            self.counts.delay.record(Duration::from_micros(delay_us));
            if self.targets[number].is_patron() {
                correct(&mut cache, &notice);
                self.patrons.echoes.heard(notice.xid);
            }
            events.push((event_of(notice, table, now_us / 1_000), payload.len()));
        }
        drop(cache);
        if !events.is_empty() {
            self.feed.push(events);
        }
    }

    fn info(&self) -> ChangesInfo {
        let cache = self.patrons.info();
        let standing = self.standing.lock();
        let value = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let tables = self.targets.iter().zip(&standing.looks).zip(&self.counts.by_table);
        ChangesInfo {
            link: standing.link,
            database: Some(self.url.to_string()),
            reason: standing.reason.clone(),
            since_ms: standing.since_ms,
            reconnects: standing.n_ups.saturating_sub(1),
            tables: tables
                .map(|((target, look), n_changes)| WatchedTable {
                    table: target.full_name(),
                    key: target.key.clone(),
                    state: look.state,
                    reason: look.reason.clone(),
                    n_changes: value(n_changes),
                })
                .collect(),
            received: value(&self.counts.received),
            truncated: value(&self.counts.truncated),
            refused: value(&self.counts.refused),
            delay: self.counts.delay.timing(),
            cache,
        }
    }
}

/// Corrects the cache by a notification of the table `patron`.
fn correct(cache: &mut cache::Cache, notice: &Notice) {
    let id = |key: &Value| key.as_i64().and_then(|id| PatronId::try_from(id).ok());
    if let Some(before) = notice.key_before.as_ref().and_then(id) {
        cache.correct(before, notice.xid, Correction::Now(None));
    }
    let Some(key) = id(&notice.key).filter(|_| notice.kind != ChangeKind::Truncate) else {
        cache.clear();
        return;
    };
    let correction = match (notice.kind, &notice.new) {
        (ChangeKind::Delete, _) => Correction::Now(None),
        (_, Some(row)) => match serde_json::from_value::<Patron>(row.clone()) {
            Ok(patron) => Correction::Now(Some(patrons::body_of(&patron))),
            Err(_) => Correction::Unknown,
        },
        (_, None) => Correction::Unknown,
    };
    cache.correct(key, notice.xid, correction);
}

/// The id is given by the feed.
fn event_of(notice: Notice, table: String, at_ms: i64) -> ChangeEvent {
    let Notice { key, kind, old, new, changed, is_truncated, .. } = notice;
    let id = EventId { epoch: 0, seq: 0 };
    ChangeEvent { id, at_ms, table, key, kind, old, new, changed, is_truncated }
}
