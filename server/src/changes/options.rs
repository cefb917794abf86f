//! What this room is told: which database, and which of its tables.

use super::DatabaseUrl;

/// Which database is followed, and how.
#[derive(Clone, Debug)]
pub struct DatabaseOptions {
    /// The database; none when changes are off.
    pub url: Option<DatabaseUrl>,
    /// Whether triggers that are missing are installed at the start.
    pub is_installing: bool,
    /// The tables that are watched besides `patron`.
    pub watch: Vec<WatchRule>,
}

/// A table that is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchRule {
    /// The table, with its schema or in `public`.
    pub table: String,
    /// The column that names a row.
    pub key: String,
}

impl WatchRule {
    /// Schema and name of the table.
    #[must_use]
    pub fn schema_and_name(&self) -> (&str, &str) {
        self.table.split_once('.').unwrap_or(("public", &self.table))
    }
}
