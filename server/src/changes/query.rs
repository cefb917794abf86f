//! Queries that a person types: each on a connection of a small pool, its rows taken as the server's own text, and
//! bounded in what is kept of them.
//!
//! Without permission to write, every statement runs in a READ ONLY transaction of its own, so that nothing it says can
//! give it more.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod};
use futures_util::TryStreamExt as _;
use parking_lot::Mutex;
use thiserror::Error;
use tokio_postgres::error::ErrorPosition;
use tokio_postgres::{CancelToken, SimpleQueryMessage, SimpleQueryRow};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_util::sync::CancellationToken;

use super::DatabaseUrl;
use super::statements::{self, Statement};

/// Connections at most, and so queries that run at the same time; further ones wait.
pub const CONNECTIONS: usize = 6;
/// Most characters that are kept of one value.
pub const VALUE_CHARS_MAX: usize = 500;
/// Most bytes that are kept of one statement's rows.
const KEPT_BYTES_MAX: usize = 8 * 1024 * 1024;
/// What the connections are called in `pg_stat_activity`.
const APPLICATION_NAME: &str = "signalbox sql";

/// Told of a statement whose query was cancelled first.
const NOT_BEGUN: &str = "cancelled before it began";

/// Whether queries may change anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Every statement runs in a READ ONLY transaction of its own.
    ReadOnly,
    /// Statements run as they are.
    Write,
}

/// A database that queries are sent to.
#[derive(Clone)]
pub struct Database {
    pool: Pool,
    tls: MakeRustlsConnect,
    permission: Permission,
    n_rows_max: usize,
    name: String,
}

/// What one statement brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Names of the columns; none for a statement that gives no rows.
    pub columns: Option<Vec<String>>,
    /// The first rows, as long as they fit; a value that is NULL is none.
    pub rows: Vec<Vec<Option<String>>>,
    /// Rows given, or changed.
    pub n_rows: u64,
    /// How long the statement took, in the server and on the way.
    pub elapsed: Duration,
}

/// What a text of statements brought: the answers up to the first error.
#[derive(Debug, Default)]
pub struct Report {
    /// One for each statement that was carried out.
    pub answers: Vec<Answer>,
    /// Why the next one was not.
    pub error: Option<QueryError>,
    /// A transaction was left open at the end, and was rolled back.
    pub is_rolled_back: bool,
}

/// Why a statement was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct QueryError {
    /// The server's message, or what is wrong with the connection.
    pub message: String,
    /// What the server adds.
    pub detail: Option<String>,
    /// What the server advises.
    pub hint: Option<String>,
    /// Where in the whole text, in characters from 0.
    pub position_chars: Option<usize>,
}

/// How far a query is; shared with whoever waits for it.
#[derive(Default)]
pub struct Progress {
    n_rows: AtomicU64,
    running: Mutex<Option<(CancelToken, MakeRustlsConnect)>>,
    cancelled: CancellationToken,
}

impl Progress {
    /// Rows received so far.
    #[must_use]
    pub fn n_rows(&self) -> u64 {
        self.n_rows.load(Ordering::Relaxed)
    }

    /// Whether it has a connection, and does not wait for one.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.running.lock().is_some()
    }

    /// Asks the server to end it. What runs then fails with the server's own message; what waits ends at once.
    pub async fn cancel(&self) {
        self.cancelled.cancel();
        let running = self.running.lock().clone();
        if let Some((token, tls)) = running {
            // A server that cannot be reached for this will not answer the query either, which tells.
            let _ = token.cancel_query(tls).await;
        }
    }
}

impl Database {
    /// A database by its address. Connects with the first query; `n_rows_max` rows of each statement are kept.
    ///
    /// # Errors
    /// When no pool can be made of these settings.
    pub fn new(url: &DatabaseUrl, permission: Permission, n_rows_max: usize) -> Result<Self, QueryError> {
        let mut config = url.config().clone();
        config.application_name(APPLICATION_NAME);
        // What a query has set must not meet the next one on its connection.
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Clean };
        let pool =
            Pool::builder(Manager::from_config(config, url.tls(), recycling)).max_size(CONNECTIONS).build();
        let pool = pool.map_err(|error| plain_error(&error))?;
        Ok(Self { pool, tls: url.tls(), permission, n_rows_max, name: url.to_string() })
    }

    /// Where it is and what it is called, without a password.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether queries may change anything.
    #[must_use]
    pub fn permission(&self) -> Permission {
        self.permission
    }

    /// Connects once, to tell early what is wrong with the address.
    ///
    /// # Errors
    /// Why it cannot.
    pub async fn check(&self) -> Result<(), QueryError> {
        self.pool.get().await.map(drop).map_err(|error| plain_error(&error))
    }

    /// Runs the statements of `text` one after the other on one connection, up to the first error.
    pub async fn run(&self, text: &str, progress: &Progress) -> Report {
        let client = tokio::select! {
            client = self.pool.get() => client.map_err(|error| plain_error(&error)),
            () = progress.cancelled.cancelled() => Err(own_error(NOT_BEGUN.to_owned())),
        };
        let client = match client {
            Ok(client) => client,
            Err(error) => return Report { error: Some(error), ..Report::default() },
        };
        *progress.running.lock() = Some((client.cancel_token(), self.tls.clone()));
        let mut report = Report::default();
        for statement in statements::split(text).all() {
            if progress.cancelled.is_cancelled() {
                report.error = Some(own_error(NOT_BEGUN.to_owned()));
                break;
            }
            match self.run_one(&client, statement, progress).await {
                Ok(answer) => report.answers.push(answer),
                Err(error) => {
                    report.error = Some(error);
                    break;
                }
            }
        }
        let ended = self.end(&client, &mut report).await;
        progress.running.lock().take();
        if ended.is_err() {
            // A connection in a state that nobody knows is not used again.
            drop(Object::take(client));
        }
        report
    }

    async fn run_one(
        &self,
        client: &Object,
        statement: Statement<'_>,
        progress: &Progress,
    ) -> Result<Answer, QueryError> {
        let error = |error: tokio_postgres::Error| query_error(&error, statement.offset_chars);
        if self.permission == Permission::Write {
            return self.stream(client, statement.sql, progress).await.map_err(error);
        }
        client.batch_execute("BEGIN READ ONLY").await.map_err(error)?;
        let answer = self.stream(client, statement.sql, progress).await.map_err(error);
        client.batch_execute("ROLLBACK").await.map_err(error)?;
        answer
    }

    async fn stream(
        &self,
        client: &Object,
        sql: &str,
        progress: &Progress,
    ) -> Result<Answer, tokio_postgres::Error> {
        let started = Instant::now();
        let mut answer = Answer::default();
        let mut kept_bytes = 0;
        let stream = client.simple_query_raw(sql).await?;
        let mut stream = std::pin::pin!(stream);
        while let Some(message) = stream.try_next().await? {
            match message {
                SimpleQueryMessage::RowDescription(columns) => {
                    answer.columns = Some(columns.iter().map(|column| column.name().to_owned()).collect());
                }
                SimpleQueryMessage::Row(row) => {
                    answer.n_rows += 1;
                    progress.n_rows.fetch_add(1, Ordering::Relaxed);
                    if answer.rows.len() < self.n_rows_max && kept_bytes < KEPT_BYTES_MAX {
                        let row = values(&row);
                        kept_bytes +=
                            row.iter().map(|v| v.as_ref().map_or(0, String::len) + 32).sum::<usize>();
                        answer.rows.push(row);
                    }
                }
                SimpleQueryMessage::CommandComplete(n) => answer.n_rows = n,
                _ => {}
            }
        }
        answer.elapsed = started.elapsed();
        Ok(answer)
    }

    /// Leaves no transaction behind.
    async fn end(&self, client: &Object, report: &mut Report) -> Result<(), tokio_postgres::Error> {
        if self.permission == Permission::ReadOnly {
            return client.batch_execute("SELECT 1").await;
        }
        // Only inside a transaction is its beginning another moment than the statement's.
        let probe = "SELECT transaction_timestamp() = statement_timestamp()";
        let is_open = match client.simple_query(probe).await {
            Ok(rows) => {
                rows.iter().any(|m| matches!(m, SimpleQueryMessage::Row(row) if row.get(0) == Some("f")))
            }
            // A transaction that has failed answers nothing but errors.
            Err(error) if error.as_db_error().is_some() => true,
            Err(error) => return Err(error),
        };
        if is_open {
            client.batch_execute("ROLLBACK").await?;
            report.is_rolled_back = true;
        }
        Ok(())
    }
}

fn values(row: &SimpleQueryRow) -> Vec<Option<String>> {
    let value = |text: &str| match text.char_indices().nth(VALUE_CHARS_MAX) {
        Some((at, _)) => format!("{}… ({} bytes)", &text[..at], text.len()),
        None => text.to_owned(),
    };
    (0..row.len()).map(|i| row.get(i).map(value)).collect()
}

fn query_error(error: &tokio_postgres::Error, offset_chars: usize) -> QueryError {
    let Some(told) = error.as_db_error() else {
        let hint = "COPY from STDIN or to STDOUT needs a program that carries files, such as psql";
        let is_copy = error.to_string().contains("unexpected message");
        return QueryError { hint: is_copy.then(|| hint.to_owned()), ..plain_error(error) };
    };
    let position_chars = match told.position() {
        Some(ErrorPosition::Original(position)) => {
            Some(offset_chars + (*position as usize).saturating_sub(1))
        }
        _ => None,
    };
    QueryError {
        message: format!("{}: {} ({})", told.severity(), told.message(), told.code().code()),
        detail: told.detail().map(str::to_owned),
        hint: told.hint().map(str::to_owned),
        position_chars,
    }
}

/// An error with its causes, for the first one alone seldom says what is wrong.
fn plain_error(error: &dyn std::error::Error) -> QueryError {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let mut texts: Vec<String> = Vec::new();
    for text in causes.map(ToString::to_string) {
        // Some errors repeat their cause in their own text.
        if !texts.last().is_some_and(|last| last.contains(&text)) {
            texts.push(text);
        }
    }
    own_error(texts.join(": "))
}

fn own_error(message: String) -> QueryError {
    QueryError { message, detail: None, hint: None, position_chars: None }
}
