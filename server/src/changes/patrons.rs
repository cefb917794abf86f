//! The patrons: rows of one table, read through a cache that notifications keep true, written straight.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;
use signalbox_shared::changes::{CacheInfo, Patron, PatronFields, PatronId, PatronPage};
use tokio::sync::watch;

use super::cache::{Body, Cache, Loaded, Miss};
use super::echoes::Echoes;
use super::error::DatabaseError;
use super::pool::Connections;
use super::snapshot::{Snapshot, Xid};
use super::timing::Histogram;
use crate::limits::Limits;

/// The row and, in the same statement, which transactions it shows; a row of nulls when there is none.
const LOAD: &str = "SELECT p.id, p.name, p.fav_dish, now.snapshot \
     FROM (SELECT pg_current_snapshot()::text AS snapshot) now LEFT JOIN public.patron p ON p.id = $1";
const CREATE: &str = "INSERT INTO public.patron (name, fav_dish) VALUES ($1, $2) \
     RETURNING id, pg_current_xact_id()::text";
const CHANGE: &str = "UPDATE public.patron SET name = $2, fav_dish = $3 WHERE id = $1 \
     RETURNING id, pg_current_xact_id()::text";
const DELETE: &str = "DELETE FROM public.patron WHERE id = $1 RETURNING id, pg_current_xact_id()::text";
const LIST: &str = "SELECT id, name, fav_dish FROM public.patron WHERE $1 < id ORDER BY id LIMIT $2";

/// The table `patron` behind its cache.
pub struct Patrons {
    connections: Connections,
    pub(super) cache: Mutex<Cache>,
    pub(super) echoes: Echoes,
    echo_at_most: Duration,
    rows_max: u64,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    hits: AtomicU64,
    misses: AtomicU64,
    shared: AtomicU64,
    marked: AtomicU64,
    failed: AtomicU64,
    hit: Histogram,
    miss: Histogram,
}

/// Where an answer came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// From the cache, which is as the database.
    Hit,
    /// From the database.
    Miss,
    /// From the cache while the database is not there: it may be old.
    Stale,
}

impl Found {
    /// The word in headers and logs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Stale => "stale",
        }
    }
}

/// A row in JSON and how it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// The row; none when there is no such row.
    pub body: Option<Bytes>,
    /// Where it came from.
    pub found: Found,
    /// How long that took.
    pub took: Duration,
}

impl Patrons {
    pub(super) fn new(connections: Connections, limits: &Limits) -> Arc<Self> {
        let rows_max = usize::try_from(limits.patron_cache_rows).unwrap_or(usize::MAX);
        Arc::new(Self {
            connections,
            cache: Mutex::new(Cache::new(rows_max, limits.patron_cache_bytes)),
            echoes: Echoes::default(),
            echo_at_most: Duration::from_millis(limits.database_echo_millis),
            rows_max: limits.patron_cache_rows,
            counts: Counts::default(),
        })
    }

    /// Reads a row.
    ///
    /// # Errors
    /// When it is not in the cache and the database does not answer.
    pub async fn read(self: &Arc<Self>, id: PatronId) -> Result<Read, DatabaseError> {
        let begun = Instant::now();
        let (kept, is_open) = {
            let mut cache = self.cache.lock();
            (cache.get(id), cache.is_open())
        };
        let (result, found) = match kept {
            Some(body) if is_open => (Ok(body), Found::Hit),
            kept => match (self.ask(id).await, kept) {
                (Err(DatabaseError::Unreachable(_)), Some(body)) => (Ok(body), Found::Stale),
                (result, _) => (result, Found::Miss),
            },
        };
        let took = begun.elapsed();
        self.count(found, result.is_ok(), took);
        match &result {
            Ok(_) => tracing::info!(
                id,
                found = found.word(),
                took_us = took.as_micros() as u64,
                "patron {id}: {} in {took:?}",
                found.word()
            ),
            Err(error) => tracing::warn!(id, %error, "patron {id}: not read after {took:?}: {error}"),
        }
        result.map(|body| Read { body, found, took })
    }

    fn count(&self, found: Found, is_answered: bool, took: Duration) {
        let (count, histogram) = match found {
            _ if !is_answered => (&self.counts.failed, None),
            Found::Hit => (&self.counts.hits, Some(&self.counts.hit)),
            Found::Miss => (&self.counts.misses, Some(&self.counts.miss)),
            Found::Stale => (&self.counts.marked, None),
        };
        count.fetch_add(1, Ordering::Relaxed);
        if let Some(histogram) = histogram {
            histogram.record(took);
        }
    }

    /// Asks the database, or waits for who asks it already.
    async fn ask(self: &Arc<Self>, id: PatronId) -> Loaded {
        let miss = self.cache.lock().miss(id);
        let ended = match miss {
            Miss::Follow(ended) => {
                self.counts.shared.fetch_add(1, Ordering::Relaxed);
                ended
            }
            Miss::Lead(ticket, ended) => {
                let this = self.clone();
                // On its own, so that a reader who goes away does not end the others' load.
                tokio::spawn(async move {
                    let result = this.load(id).await;
                    this.cache.lock().land(ticket, result);
                });
                ended
            }
        };
        outcome(ended).await
    }

    async fn load(&self, id: PatronId) -> Result<(Body, Snapshot), DatabaseError> {
        match self.load_once(id).await {
            // The connection may have been closed since it was used last: reading again does no harm.
            Err(DatabaseError::Unreachable(_)) => self.load_once(id).await,
            result => result,
        }
    }

    async fn load_once(&self, id: PatronId) -> Result<(Body, Snapshot), DatabaseError> {
        let row = self
            .connections
            .run(async |client| {
                let statement = client.prepare_cached(LOAD).await?;
                Ok(client.query_one(&statement, &[&id]).await?)
            })
            .await?;
        let snapshot = Snapshot::parse(row.get(3))
            .ok_or_else(|| DatabaseError::Refused("its snapshot is not understood".to_owned()))?;
        let body = row.get::<_, Option<PatronId>>(0).map(|id| {
            let patron = Patron { id, name: row.get(1), fav_dish: row.get(2) };
            body_of(&patron)
        });
        Ok((body, snapshot))
    }

    /// Adds a row and gives its key.
    ///
    /// # Errors
    /// When the database does not answer, or refuses.
    pub async fn create(&self, fields: &PatronFields) -> Result<PatronId, DatabaseError> {
        let written = self
            .connections
            .run(async |client| {
                let statement = client.prepare_cached(CREATE).await?;
                Ok(client.query_opt(&statement, &[&fields.name, &fields.fav_dish]).await?)
            })
            .await?;
        let id = self.echo(written).await;
        id.ok_or_else(|| DatabaseError::Refused("the row was not added".to_owned()))
    }

    /// Changes a row; false when there is none.
    ///
    /// # Errors
    /// When the database does not answer, or refuses. The change may have been made nevertheless.
    pub async fn change(&self, id: PatronId, fields: &PatronFields) -> Result<bool, DatabaseError> {
        let written = self
            .connections
            .run(async |client| {
                let statement = client.prepare_cached(CHANGE).await?;
                Ok(client.query_opt(&statement, &[&id, &fields.name, &fields.fav_dish]).await?)
            })
            .await;
        self.cache.lock().call_off(id);
        Ok(self.echo(written?).await.is_some())
    }

    /// Removes a row; false when there is none.
    ///
    /// # Errors
    /// When the database does not answer, or refuses. The row may have been removed nevertheless.
    pub async fn delete(&self, id: PatronId) -> Result<bool, DatabaseError> {
        let written = self
            .connections
            .run(async |client| {
                let statement = client.prepare_cached(DELETE).await?;
                Ok(client.query_opt(&statement, &[&id]).await?)
            })
            .await;
        self.cache.lock().call_off(id);
        Ok(self.echo(written?).await.is_some())
    }

    /// Waits until this relay's own cache knows of the write.
    async fn echo(&self, written: Option<tokio_postgres::Row>) -> Option<PatronId> {
        let row = written?;
        if self.cache.lock().is_open()
            && let Ok(xid) = row.get::<_, &str>(1).parse::<Xid>()
        {
            self.echoes.wait(xid, self.echo_at_most).await;
        }
        Some(row.get(0))
    }

    /// Rows after a key, in the order of their keys, straight from the database.
    ///
    /// # Errors
    /// When the database does not answer, or refuses.
    pub async fn list(&self, after: PatronId, limit: u16) -> Result<PatronPage, DatabaseError> {
        let n_wanted = i64::from(limit) + 1;
        let rows = self
            .connections
            .run(async |client| {
                let statement = client.prepare_cached(LIST).await?;
                Ok(client.query(&statement, &[&after, &n_wanted]).await?)
            })
            .await?;
        let patron =
            |row: &tokio_postgres::Row| Patron { id: row.get(0), name: row.get(1), fav_dish: row.get(2) };
        let patrons = rows.iter().take(usize::from(limit)).map(patron).collect();
        Ok(PatronPage { patrons, has_more: usize::from(limit) < rows.len() })
    }

    pub(super) fn info(&self) -> CacheInfo {
        let cache = self.cache.lock();
        let counts = cache.counts;
        let value = |count: &AtomicU64| count.load(Ordering::Relaxed);
        CacheInfo {
            rows: cache.rows() as u64,
            rows_max: self.rows_max,
            bytes: cache.bytes(),
            hits: value(&self.counts.hits),
            misses: value(&self.counts.misses),
            shared: value(&self.counts.shared),
            marked: value(&self.counts.marked),
            failed: value(&self.counts.failed),
            corrected: counts.corrected,
            evictions: counts.evictions,
            clears: counts.clears,
            overtaken: counts.overtaken,
            hit: self.counts.hit.timing(),
            miss: self.counts.miss.timing(),
        }
    }
}

/// The row as it is answered.
pub(super) fn body_of(patron: &Patron) -> Bytes {
    // A struct of texts and a number always encodes.
    serde_json::to_vec(patron).map_or_else(|_| Bytes::from_static(b"null"), Bytes::from)
}

async fn outcome(mut ended: watch::Receiver<Option<Loaded>>) -> Loaded {
    match ended.wait_for(Option::is_some).await {
        Ok(loaded) => loaded.clone().unwrap_or(Ok(None)),
        Err(_) => Err(DatabaseError::Unreachable("the read was given up".to_owned())),
    }
}
