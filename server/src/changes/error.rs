//! Why the database did not answer, in words for whoever asked.

use thiserror::Error;

/// Why a read or a write was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DatabaseError {
    /// No database is configured.
    #[error("no database is configured: start with --database-url postgresql://USER@HOST/NAME")]
    Off,
    /// It cannot be reached, or not in time.
    #[error("the database cannot be reached now: {0}")]
    Unreachable(String),
    /// It answered with an error.
    #[error("the database refused: {0}")]
    Refused(String),
}

impl From<tokio_postgres::Error> for DatabaseError {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            // Classes 08, 53, 57: connection, resources, operator. They pass. Source: manual, appendix A.
            Some(db) if ["08", "53", "57"].iter().any(|class| db.code().code().starts_with(class)) => {
                Self::Unreachable(db.message().to_owned())
            }
            Some(db) => Self::Refused(db.message().to_owned()),
            None => Self::Unreachable(words(&error)),
        }
    }
}

impl From<deadpool_postgres::PoolError> for DatabaseError {
    fn from(error: deadpool_postgres::PoolError) -> Self {
        match error {
            // No connection could be made, whatever the reason.
            deadpool_postgres::PoolError::Backend(error) => Self::Unreachable(words(&error)),
            deadpool_postgres::PoolError::Timeout(_) => {
                Self::Unreachable("no connection was free in time".to_owned())
            }
            other => Self::Unreachable(other.to_string()),
        }
    }
}

/// An error and its causes in one line.
pub(super) fn words(error: &tokio_postgres::Error) -> String {
    let mut text = error.as_db_error().map_or_else(|| error.to_string(), |db| db.message().to_owned());
    if error.as_db_error().is_none()
        && let Some(cause) = std::error::Error::source(error)
    {
        text = format!("{text}: {cause}");
    }
    text
}
