//! Which view the page shows, and how that reads in the address: `#/metrics`, `#/queues/<channel>`, `#/chat`,
//! `#/changes`, `#/news`, each with an optional query, as in `#/metrics?window=300&hidden=red`.
//!
//! The view stands behind the `#` so that a link works from every static host and from any folder, without a server
//! that knows the page's paths. Source of the escaping: RFC 3986 §2.1.

use std::collections::BTreeMap;

use signalbox_shared::ChannelName;
use signalbox_shared::chat::{LOBBY, check_room};

/// A view of the page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// Charts and agents.
    #[default]
    Metrics,
    /// Channels, and the tail of one of them.
    Queues(Option<ChannelName>),
    /// The chat: the lobby, or the room of that name.
    Chat(Option<String>),
    /// Rows that changed in a database.
    Changes,
    /// Headlines.
    News,
}

/// How a view is set: what stands behind the `?` of its address. Keys in alphabetical order, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query(BTreeMap<String, String>);

impl Query {
    /// Reads the query of `location.hash`. What is no UTF-8 or badly escaped is left out; of a key that is there
    /// twice, the last one stands.
    #[must_use]
    pub fn from_hash(hash: &str) -> Self {
        let text = hash.split_once('?').map_or("", |(_, query)| query);
        let pair = |pair: &str| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let text = |escaped| unescape(escaped).and_then(|bytes| String::from_utf8(bytes).ok());
            Some((text(key)?, if value.is_empty() { String::new() } else { text(value)? }))
        };
        Self(text.split('&').filter_map(pair).collect())
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// Every key and its value, in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Sets a key, or takes it out.
    pub fn set(&mut self, key: &str, value: Option<String>) {
        match value {
            Some(value) => self.0.insert(key.to_owned(), value),
            None => self.0.remove(key),
        };
    }

    /// What stands behind a view's address: empty, or beginning with `?`.
    #[must_use]
    pub fn suffix(&self) -> String {
        let pairs: Vec<String> =
            self.0.iter().map(|(key, value)| format!("{}={}", escape(key), escape(value))).collect();
        if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
    }
}

impl View {
    /// Reads `location.hash`, with or without its `#`. What it does not know shows the first view.
    #[must_use]
    pub fn from_hash(hash: &str) -> Self {
        let path = hash.split_once('?').map_or(hash, |(path, _)| path);
        let path = path.trim_start_matches('#').trim_start_matches('/');
        let (head, rest) = path.split_once('/').unwrap_or((path, ""));
        match head {
            "queues" => Self::Queues(unescape(rest).and_then(|name| ChannelName::from_bytes(&name).ok())),
            "chat" => {
                let room = unescape(rest).and_then(|name| String::from_utf8(name).ok());
                Self::Chat(room.filter(|name| name != LOBBY && check_room(name).is_ok()))
            }
            "changes" => Self::Changes,
            "news" => Self::News,
            _ => Self::Metrics,
        }
    }

    /// The address of this view, beginning with `#`.
    #[must_use]
    pub fn href(&self) -> String {
        match self {
            Self::Metrics => "#/metrics".to_owned(),
            Self::Queues(None) => "#/queues".to_owned(),
            Self::Queues(Some(channel)) => format!("#/queues/{}", escape(channel.as_str())),
            Self::Chat(None) => "#/chat".to_owned(),
            Self::Chat(Some(room)) => format!("#/chat/{}", escape(room)),
            Self::Changes => "#/changes".to_owned(),
            Self::News => "#/news".to_owned(),
        }
    }

    /// What the tab is called.
    #[must_use]
    pub fn title(&self) -> String {
        match self {
            Self::Metrics => "Metrics".to_owned(),
            Self::Queues(None) => "Queues".to_owned(),
            Self::Queues(Some(channel)) => channel.to_string(),
            Self::Chat(None) => "Chat".to_owned(),
            Self::Chat(Some(room)) => format!("{room} · Chat"),
            Self::Changes => "Changes".to_owned(),
            Self::News => "News".to_owned(),
        }
    }

    /// Whether both are the same page, whatever is chosen on it.
    #[must_use]
    pub fn is_same_page(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                escaped.push(char::from(byte));
            }
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

/// `None` when an escape is broken or nothing is there.
fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first == b'%' {
            let [high, low, tail @ ..] = rest else { return None };
            let digit = |b: &u8| char::from(*b).to_digit(16).and_then(|d| u8::try_from(d).ok());
            bytes.push(digit(high)? * 16 + digit(low)?);
            rest = tail;
        } else {
            bytes.push(*first);
        }
    }
    (!bytes.is_empty()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queues(name: &str) -> View {
        View::Queues(Some(name.parse().unwrap()))
    }

    fn check(hash: &str, expected: &View) {
        assert_eq!(View::from_hash(hash), *expected, "{hash:?}");
    }

    #[test]
    fn reads_what_it_writes() {
        for view in [
            View::Metrics,
            View::Queues(None),
            View::Chat(None),
            View::Chat(Some("team-1_b.żółw".to_owned())),
            View::Changes,
            View::News,
            queues("/topic/a"),
            queues("a b%#?&\"<żółw"),
            queues("/"),
            queues("//"),
        ] {
            check(&view.href(), &view);
        }
    }

    #[test]
    fn what_it_does_not_know_shows_a_view_all_the_same() {
        check("", &View::Metrics);
        check("#", &View::Metrics);
        check("#/nonsense/x", &View::Metrics);
        check("#/queues/", &View::Queues(None));
        check("#/queues/%", &View::Queues(None));
        check("#/queues/%zz", &View::Queues(None));
        check("#/queues/%0a", &View::Queues(None));
        check("#/queues/%ff", &View::Queues(None));
        check(&format!("#/queues/{}", "a".repeat(256)), &View::Queues(None));
        check("#/queues//topic/a", &queues("/topic/a"));
        check("#chat", &View::Chat(None));
        check("#/chat?at=1", &View::Chat(None));
        check("#/chat/lobby", &View::Chat(None));
        check("#/chat/a%20b", &View::Chat(None));
        check("#/chat/%ff", &View::Chat(None));
    }

    fn check_query(hash: &str, expected: &[(&str, &str)]) {
        let query = Query::from_hash(hash);
        for &(key, value) in expected {
            assert_eq!(query.get(key), Some(value), "{key} of {hash:?}");
        }
        assert_eq!(query.0.len(), expected.len(), "{hash:?}");
        assert_eq!(Query::from_hash(&format!("#/x{}", query.suffix())), query, "{hash:?}");
    }

    #[test]
    fn a_query_is_read_and_written() {
        check_query("", &[]);
        check_query("#/metrics", &[]);
        check_query("#/metrics?", &[]);
        check_query("#/metrics?window=300&hidden=red", &[("window", "300"), ("hidden", "red")]);
        check_query("#/metrics?a=%C5%BC%26%3D%3F%23+b&paused", &[("a", "ż&=?#+b"), ("paused", "")]);
        check_query("#/metrics?a=1&a=2&%=3&b=%ff&=x", &[("a", "2")]);
    }

    #[test]
    fn an_empty_query_adds_nothing_to_the_address() {
        let mut query = Query::from_hash("#/metrics?window=300");
        query.set("window", None);
        assert_eq!(query.suffix(), "");
        query.set("filter", Some("a b&c".to_owned()));
        assert_eq!(query.suffix(), "?filter=a%20b%26c");
    }
}
