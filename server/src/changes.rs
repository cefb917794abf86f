//! Rows of PostgreSQL that announce themselves (docs/protocol.md §7). SQL stands only here; HTTP and WebSocket are
//! not known.

mod database_url;

pub use database_url::DatabaseUrl;
