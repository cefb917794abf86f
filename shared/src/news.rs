//! Headlines of many sites, `GET /api/news` (docs/protocol.md §8).

use serde::{Deserialize, Serialize};

/// Longest title of a headline, in characters; a longer one ends in an ellipsis.
pub const TITLE_CHARS_MAX: usize = 300;
/// Longest time that `GET /api/news?since=..&wait=..` waits for something new, in seconds.
pub const WAIT_SECS_MAX: u64 = 60;

/// Answer of `GET /api/news`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct News {
    /// Rises whenever a source brings something, or fails: give it back as `since`.
    pub revision: u64,
    /// The relay's clock, in milliseconds since the Unix epoch.
    pub now_ms: i64,
    /// Every source, in the order of the settings.
    pub sources: Vec<NewsSource>,
}

/// One source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewsSource {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub url: String,
    /// Its colour, `#rrggbb`.
    pub color: String,
    /// Whether it is being fetched just now.
    pub is_fetching: bool,
    /// When it last brought its headlines, in milliseconds since the Unix epoch; none before the first time.
    pub fetched_at_ms: Option<i64>,
    /// How long that took, in milliseconds.
    pub took_ms: Option<u64>,
    /// Why the last try failed; its headlines are then older ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<NewsFailure>,
    /// What it brought, in its own order.
    pub headlines: Vec<Headline>,
    /// Headlines that matched and are not there: without a title or a link that can be followed, there twice, or over
    /// the bound.
    pub n_left_out: u64,
}

/// Why a source brought nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewsFailure {
    /// What went wrong, for a person to read.
    pub reason: String,
    /// When the first of the tries that failed in a row did, in milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// One headline. Both are data, never markup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Headline {
    /// Its text.
    pub title: String,
    /// Where it leads: `http` or `https`.
    pub link: String,
    /// When this relay saw it first, in milliseconds since the Unix epoch.
    pub first_seen_ms: i64,
}
