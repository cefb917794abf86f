//! The headlines of the *News* view: which boxes are shown, in which order, and which are new.

use std::cmp::Reverse;

use signalbox_shared::news::{Headline, News, NewsSource};

/// Most boxes shown at a time: a filter finds the others.
pub const BOXES_MAX: usize = 500;

/// What the view knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewsBoard {
    /// What the relay last told; none before the first time.
    pub news: Option<News>,
    /// Why the last request brought nothing.
    pub failure: Option<String>,
    /// Headlines that this relay saw after this are new, in milliseconds since the Unix epoch by the relay's clock.
    pub seen_until_ms: i64,
}

/// In which order boxes are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// By title.
    #[default]
    Title,
    /// The newest first.
    Time,
    /// By source, and in its own order.
    Source,
}

impl Order {
    /// Reads the word of an address; what it does not know means the first order.
    #[must_use]
    pub fn from_word(word: Option<&str>) -> Self {
        match word {
            Some("time") => Self::Time,
            Some("source") => Self::Source,
            _ => Self::Title,
        }
    }

    /// The word in an address; none for the first order.
    #[must_use]
    pub fn word(self) -> Option<&'static str> {
        match self {
            Self::Title => None,
            Self::Time => Some("time"),
            Self::Source => Some("source"),
        }
    }
}

/// One box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewsBox {
    /// Its title.
    pub title: String,
    /// Where it leads.
    pub link: String,
    /// Its source's name.
    pub source: String,
    /// Its source's colour, `#rrggbb`.
    pub color: String,
    /// When the relay saw it first, in milliseconds since the Unix epoch.
    pub first_seen_ms: i64,
    /// Whether it came after the last visit.
    pub is_new: bool,
}

impl NewsBoard {
    /// The boxes whose title or source contains `needle`, in this order; and how many there are beside the first
    /// [`BOXES_MAX`].
    #[must_use]
    pub fn boxes(&self, needle: &str, order: Order) -> (Vec<NewsBox>, usize) {
        let needle = needle.trim().to_lowercase();
        let sources = self.news.iter().flat_map(|news| &news.sources);
        let pairs =
            sources.flat_map(|source| source.headlines.iter().map(move |headline| (source, headline)));
        let mut boxes: Vec<NewsBox> = pairs
            .filter(|(source, headline)| {
                needle.is_empty()
                    || headline.title.to_lowercase().contains(&needle)
                    || source.name.to_lowercase().contains(&needle)
            })
            .map(|(source, headline)| self.news_box(source, headline))
            .collect();
        match order {
            Order::Title => boxes.sort_by_cached_key(|b| (b.title.to_lowercase(), b.link.clone())),
            Order::Time => boxes.sort_by_key(|b| Reverse(b.first_seen_ms)),
            Order::Source => boxes.sort_by_cached_key(|b| b.source.to_lowercase()),
        }
        let n_further = boxes.len().saturating_sub(BOXES_MAX);
        boxes.truncate(BOXES_MAX);
        (boxes, n_further)
    }

    fn news_box(&self, source: &NewsSource, headline: &Headline) -> NewsBox {
        NewsBox {
            title: headline.title.clone(),
            link: headline.link.clone(),
            source: source.name.clone(),
            color: source.color.clone(),
            first_seen_ms: headline.first_seen_ms,
            is_new: 0 < self.seen_until_ms && self.seen_until_ms < headline.first_seen_ms,
        }
    }

    /// Headlines, and those that are new.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        let headlines = || self.news.iter().flat_map(|n| &n.sources).flat_map(|source| &source.headlines);
        let is_new = |h: &&Headline| 0 < self.seen_until_ms && self.seen_until_ms < h.first_seen_ms;
        (headlines().count() as u64, headlines().filter(is_new).count() as u64)
    }

    /// Whether every source has brought its headlines or failed.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let has_answered = |source: &NewsSource| source.fetched_at_ms.is_some() || source.failure.is_some();
        self.news.as_ref().is_some_and(|news| news.sources.iter().all(has_answered))
    }

    /// When the newest headline was seen, in milliseconds since the Unix epoch: what a visit that ends now has seen.
    #[must_use]
    pub fn newest_ms(&self) -> Option<i64> {
        self.news.iter().flat_map(|n| &n.sources).flat_map(|s| &s.headlines).map(|h| h.first_seen_ms).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(name: &str, headlines: &[(&str, i64)]) -> NewsSource {
        let headline = |&(title, first_seen_ms): &(&str, i64)| Headline {
            title: title.to_owned(),
            link: format!("https://{name}.example/{title}"),
            first_seen_ms,
        };
        NewsSource {
            name: name.to_owned(),
            url: format!("https://{name}.example/"),
            color: "#123456".to_owned(),
            is_fetching: false,
            fetched_at_ms: Some(0),
            took_ms: Some(0),
            failure: None,
            headlines: headlines.iter().map(headline).collect(),
            n_left_out: 0,
        }
    }

    fn board(seen_until_ms: i64) -> NewsBoard {
        let sources = vec![source("Zed", &[("beta", 30), ("Alpha", 10)]), source("ann", &[("gamma", 20)])];
        NewsBoard { news: Some(News { revision: 1, now_ms: 40, sources }), failure: None, seen_until_ms }
    }

    fn check(needle: &str, order: Order, expected: &[&str]) {
        let (boxes, n_further) = board(0).boxes(needle, order);
        let titles: Vec<&str> = boxes.iter().map(|b| b.title.as_str()).collect();
        assert_eq!((titles.as_slice(), n_further), (expected, 0), "{needle:?} {order:?}");
    }

    #[test]
    fn boxes_are_filtered_and_in_order() {
        check("", Order::Title, &["Alpha", "beta", "gamma"]);
        check("", Order::Time, &["beta", "gamma", "Alpha"]);
        check("", Order::Source, &["gamma", "beta", "Alpha"]);
        check(" ZED", Order::Title, &["Alpha", "beta"]);
        check("amm", Order::Title, &["gamma"]);
        check("nothing", Order::Title, &[]);
        assert_eq!(NewsBoard::default().boxes("", Order::Title), (vec![], 0));
    }

    #[test]
    fn what_came_after_the_last_visit_is_new() {
        assert_eq!(board(0).counts(), (3, 0), "a first visit has nothing new");
        assert_eq!(board(15).counts(), (3, 2));
        assert_eq!(board(0).newest_ms(), Some(30));
        assert_eq!(board(30).counts(), (3, 0));
        let mut board = board(0);
        assert!(board.is_whole() && !NewsBoard::default().is_whole());
        board.news.as_mut().unwrap().sources[1].fetched_at_ms = None;
        assert!(!board.is_whole());
    }

    #[test]
    fn only_so_many_are_shown_and_the_rest_is_counted() {
        let titles: Vec<String> = (0..BOXES_MAX + 7).map(|n| n.to_string()).collect();
        let many: Vec<(&str, i64)> = titles.iter().map(|title| (title.as_str(), 1)).collect();
        let news = News { revision: 1, now_ms: 1, sources: vec![source("a", &many)] };
        let board = NewsBoard { news: Some(news), ..NewsBoard::default() };
        let (boxes, n_further) = board.boxes("", Order::Title);
        assert_eq!((boxes.len(), n_further), (BOXES_MAX, 7));
    }

    #[test]
    fn an_order_reads_as_it_is_written() {
        for order in [Order::Title, Order::Time, Order::Source] {
            assert_eq!(Order::from_word(order.word()), order);
        }
        assert_eq!(Order::from_word(Some("?")), Order::Title);
    }
}
