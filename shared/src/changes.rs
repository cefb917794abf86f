//! Changes in PostgreSQL as pages and programs see them (docs/protocol.md §7).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::EventId;

/// Smallest and largest key of a patron: PostgreSQL's `integer`.
pub type PatronId = i32;

/// A row of the table `patron`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patron {
    /// Its key.
    pub id: PatronId,
    /// Name; null only when another program wrote it so.
    pub name: Option<String>,
    /// Favourite dish; null only when another program wrote it so.
    pub fav_dish: Option<String>,
}

/// Body of `POST /patron` and `PUT /patron/N`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PatronFields {
    /// Name.
    pub name: String,
    /// Favourite dish.
    pub fav_dish: String,
}

/// Answer of `GET /api/patrons`: some patrons in the order of their keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatronPage {
    /// The rows.
    pub patrons: Vec<Patron>,
    /// Whether there are further ones after the last.
    pub has_more: bool,
}

/// What happened to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ChangeKind {
    /// It is new.
    Insert,
    /// It is different.
    Update,
    /// It is no more.
    Delete,
    /// All rows of the table are no more.
    Truncate,
}

impl ChangeKind {
    /// The word on the wire.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Insert => "INSERT",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Truncate => "TRUNCATE",
        }
    }
}

/// One change of one row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChangeEvent {
    /// Its place in this relay's history of changes.
    pub id: EventId,
    /// When the relay was told, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// The table with its schema.
    pub table: String,
    /// The row's key, a number or a text; null when the whole table was emptied.
    pub key: Value,
    /// What happened.
    pub kind: ChangeKind,
    /// The row before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<Value>,
    /// The row after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<Value>,
    /// The columns that an update changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<String>,
    /// Whether the row was too large for a notification (8,000 bytes), so that only its key is known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_truncated: bool,
}

/// Where every change went since a page began to watch: `received = shown + skipped`, exactly. What the page itself
/// filters or holds back is part of `shown` here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangesAccounts {
    /// Changes that this page was due.
    pub received: u64,
    /// Changes sent to the page.
    pub shown: u64,
    /// Changes that the page could not follow, or that had left the history when it came back.
    pub skipped: u64,
}

/// How the relay stands to its database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// No database is configured.
    #[default]
    Off,
    /// Not connected yet.
    Connecting,
    /// Connected and listening: the cache is as the database.
    Up,
    /// The listening connection is lost: what is in the cache may be old, and answers from it are marked.
    Lost,
}

/// How a watched table stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TableState {
    /// Not looked at yet.
    Unknown,
    /// Its changes are announced.
    Watched,
    /// It is there, but nothing announces its changes.
    NotInstalled,
    /// There is no such table, or no such key column.
    Missing,
}

/// A watched table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchedTable {
    /// The table with its schema.
    pub table: String,
    /// Its key column.
    pub key: String,
    /// How it stands.
    pub state: TableState,
    /// Why it is not watched, for a person to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Changes announced since the relay's start.
    pub n_changes: u64,
}

/// How long something took, in microseconds; quantiles are exact to an eighth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// How often it was measured.
    pub count: u64,
    /// Half took no longer, in microseconds.
    pub p50_us: u64,
    /// 99 of 100 took no longer, in microseconds.
    pub p99_us: u64,
    /// The longest, in microseconds.
    pub max_us: u64,
}

/// The cache of patrons. Totals count since the relay's start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheInfo {
    /// Rows in it now, those that are known not to exist among them.
    pub rows: u64,
    /// Most rows it holds.
    pub rows_max: u64,
    /// Bytes in it now.
    pub bytes: u64,
    /// Reads answered from it.
    pub hits: u64,
    /// Reads that asked the database.
    pub misses: u64,
    /// Of the misses, those that waited for another's answer instead of asking again.
    pub shared: u64,
    /// Reads answered from it, and marked, while the database was not there.
    pub marked: u64,
    /// Reads that could not be answered.
    pub failed: u64,
    /// Rows corrected by a notification.
    pub corrected: u64,
    /// Rows forgotten because there was no room.
    pub evictions: u64,
    /// How often it was emptied: after the listening connection was lost, or the table emptied or replaced.
    pub clears: u64,
    /// Loads that were not kept, because a newer notification had come.
    pub overtaken: u64,
    /// How long hits took.
    pub hit: Timing,
    /// How long misses took.
    pub miss: Timing,
}

/// What the relay knows about its database: `GET /api/changes` and `changes_status` over the WebSocket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangesInfo {
    /// How the relay stands to it.
    pub link: LinkState,
    /// Which database, without user and password; none when none is configured.
    pub database: Option<String>,
    /// Why it is not connected, for a person to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Since when `link` is what it is, in milliseconds since the Unix epoch.
    pub since_ms: i64,
    /// How often the listening connection was made again.
    pub reconnects: u64,
    /// The watched tables.
    pub tables: Vec<WatchedTable>,
    /// Changes announced since the relay's start.
    pub received: u64,
    /// Of these, those whose row was too large to be announced whole.
    pub truncated: u64,
    /// Notifications that were none of ours: not understood, or of a table that is not watched.
    pub refused: u64,
    /// Time from the change to here, by both machines' clocks.
    pub delay: Timing,
    /// The cache of patrons.
    pub cache: CacheInfo,
}

/// Answer of `GET /api/changes`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Changes {
    /// The relay's clock, in milliseconds since the Unix epoch.
    pub now_ms: i64,
    /// How things stand.
    pub info: ChangesInfo,
    /// The newest changes, oldest first.
    pub events: Vec<ChangeEvent>,
    /// How many changes are older than those and no longer kept.
    pub n_older: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patrons_fields_are_exactly_two_texts() {
        let check = |text: &str, is_good: bool| {
            assert_eq!(serde_json::from_str::<PatronFields>(text).is_ok(), is_good, "{text}");
        };
        check(r#"{"name":"Ada","fav_dish":"Soup"}"#, true);
        check(r#"{"name":"","fav_dish":""}"#, true);
        check(r#"{"name":"Ada"}"#, false);
        check(r#"{"name":"Ada","fav_dish":null}"#, false);
        check(r#"{"name":"Ada","fav_dish":7}"#, false);
        check(r#"{"name":"Ada","fav_dish":"Soup","id":1}"#, false);
        check(r#"{"name":"Ada","name":"Bob","fav_dish":"Soup"}"#, false);
        check(r#"["Ada","Soup"] trailing"#, false);
        check("null", false);
    }

    #[test]
    fn an_event_says_only_what_there_is() {
        let event = ChangeEvent {
            id: EventId { epoch: 1, seq: 2 },
            at_ms: 3,
            table: "public.patron".to_owned(),
            key: 4.into(),
            kind: ChangeKind::Insert,
            old: None,
            new: Some(serde_json::json!({"id": 4})),
            changed: Vec::new(),
            is_truncated: false,
        };
        let json = serde_json::to_string(&event).unwrap();
        let expected =
            r#"{"id":"1-2","at_ms":3,"table":"public.patron","key":4,"kind":"INSERT","new":{"id":4}}"#;
        assert_eq!(json, expected);
        assert_eq!(serde_json::from_str::<ChangeEvent>(&json).unwrap(), event);
    }
}
