//! Connections for reads and writes: a bounded number, each call with a deadline.

use std::future::Future;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use tokio::time::timeout;

use super::database_url::DatabaseUrl;
use super::error::DatabaseError;
use crate::limits::Limits;

/// Connections to one database.
#[derive(Clone)]
pub(super) struct Connections {
    pool: Pool,
    deadline: Duration,
}

impl Connections {
    /// Opens none yet.
    pub(super) fn new(url: &DatabaseUrl, limits: &Limits) -> anyhow::Result<Self> {
        let deadline = Duration::from_millis(limits.database_millis);
        // What is closed is seen without asking; what is only silent runs into the deadline.
        let config = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(url.config().clone(), url.tls(), config);
        let pool = Pool::builder(manager)
            .max_size(usize::try_from(limits.database_connections).unwrap_or(usize::MAX))
            .wait_timeout(Some(deadline))
            .create_timeout(Some(deadline))
            .recycle_timeout(Some(deadline))
            .runtime(Runtime::Tokio1)
            .build()?;
        Ok(Self { pool, deadline })
    }

    /// Runs `work` on a connection. One that misses the deadline is closed, for its answer may still come.
    pub(super) async fn run<T>(
        &self,
        work: impl AsyncFnOnce(&mut Object) -> Result<T, DatabaseError>,
    ) -> Result<T, DatabaseError> {
        let mut client = timeout(self.deadline, self.pool.get())
            .await
            .map_err(|_| DatabaseError::Unreachable("no connection was free in time".to_owned()))??;
        match within(self.deadline, work(&mut client)).await {
            Some(result) => result,
            None => {
                drop(Object::take(client));
                let millis = self.deadline.as_millis();
                Err(DatabaseError::Unreachable(format!("no answer within {millis} ms (database_millis)")))
            }
        }
    }
}

async fn within<T>(deadline: Duration, work: impl Future<Output = T>) -> Option<T> {
    timeout(deadline, work).await.ok()
}
