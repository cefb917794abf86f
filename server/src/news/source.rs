//! What a source of headlines is told to be.

use std::time::Duration;

use reqwest::Url;

use super::Matcher;

/// A source of headlines.
#[derive(Clone, Debug)]
pub struct NewsSource {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub url: Url,
    /// Its colour, `#rrggbb`.
    pub color: String,
    /// How headlines are found in what comes.
    pub matcher: Matcher,
    /// Whether a rendering service runs the page's scripts first.
    pub render: bool,
    /// How old its headlines may be before they are fetched again.
    pub interval: Duration,
    /// How long a fetch may take.
    pub deadline: Duration,
    /// The largest page or feed that is taken, in bytes; none means `news_page_bytes`, which bounds every source.
    pub bytes_max: Option<u64>,
}
