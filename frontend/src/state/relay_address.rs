//! Where the relay is: beside the page, or where `?relay=` or `config.json` says.
//!
//! Pure: the addresses come in as text. Only `http` and `https` are taken, so that a link cannot smuggle in another
//! scheme; credentials, queries and fragments are refused, for they would leak into every request.

use serde::Deserialize;
use thiserror::Error;

/// What `config.json` beside the page may hold. Unknown fields are ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct PageConfig {
    /// The relay's address; none means beside the page.
    #[serde(default)]
    pub relay: Option<String>,
}

/// The relay's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayAddress {
    /// Begins with `http://` or `https://` and ends with `/`.
    base: String,
    /// Whether it is not where the page came from.
    is_elsewhere: bool,
}

/// Why a text is no relay address.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RelayAddressError {
    /// No `http://` or `https://` in front.
    #[error("the relay's address {0:?} must begin with http:// or https://")]
    Scheme(String),
    /// No host, or something in it that does not belong there.
    #[error("the relay's address {0:?} must be a host and port, and perhaps a path")]
    Host(String),
}

impl RelayAddress {
    /// The relay beside the page; `page_folder` is the page's own address without query and fragment, up to its last `/`.
    #[must_use]
    pub fn beside(page_folder: &str) -> Self {
        Self { base: with_slash(page_folder), is_elsewhere: false }
    }

    /// A relay that was named.
    ///
    /// # Errors
    /// [`RelayAddressError`] when `text` is not `http(s)://host[:port][/path]`.
    pub fn named(text: &str, page_folder: &str) -> Result<Self, RelayAddressError> {
        let text = text.trim();
        let rest = ["http://", "https://"]
            .into_iter()
            .find_map(|scheme| text.strip_prefix(scheme))
            .ok_or_else(|| RelayAddressError::Scheme(short(text)))?;
        let host = rest.split('/').next().unwrap_or_default();
        let is_wrong = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '@' | '?' | '#' | '\\');
        if host.is_empty() || rest.contains(is_wrong) {
            return Err(RelayAddressError::Host(short(text)));
        }
        let base = with_slash(text);
        let is_elsewhere = base != with_slash(page_folder);
        Ok(Self { base, is_elsewhere })
    }

    /// Resolves what was given: the link's `?relay=` goes before `config.json`, which goes before the page's own place.
    ///
    /// # Errors
    /// [`RelayAddressError`] of the first one given.
    pub fn resolve(
        query: Option<&str>,
        config: &PageConfig,
        page_folder: &str,
    ) -> Result<Self, RelayAddressError> {
        let named = query.or(config.relay.as_deref()).filter(|text| !text.trim().is_empty());
        named.map_or_else(|| Ok(Self::beside(page_folder)), |text| Self::named(text, page_folder))
    }

    /// The address of `path` (without a leading slash) over HTTP.
    #[must_use]
    pub fn http(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// The address of `path` (without a leading slash) for a WebSocket.
    #[must_use]
    pub fn web_socket(&self, path: &str) -> String {
        // `http` becomes `ws`, `https` becomes `wss`.
        format!("ws{}{path}", self.base.trim_start_matches("http"))
    }

    /// Host and port, when the relay is not where the page came from: then people should see whom they talk to.
    #[must_use]
    pub fn elsewhere(&self) -> Option<&str> {
        self.is_elsewhere.then(|| self.authority())
    }

    /// Host and port.
    #[must_use]
    pub fn authority(&self) -> &str {
        let rest = self.base.split_once("://").map_or(&*self.base, |(_, rest)| rest);
        rest.split('/').next().unwrap_or_default()
    }

    /// Whether the relay runs on this machine, so that a lost network does not cut it off.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let authority = self.authority();
        let host = match authority.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => authority.split(':').next().unwrap_or_default(),
        };
        host == "localhost" || host.ends_with(".localhost") || host == "::1" || host.starts_with("127.")
    }
}

fn with_slash(text: &str) -> String {
    format!("{}/", text.trim_end_matches('/'))
}

/// The beginning of a bad address: enough to recognise it.
fn short(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: &str = "http://127.0.0.1:8080/box/";

    fn check(text: &str, expected: Result<(&str, &str), RelayAddressError>) {
        let actual =
            RelayAddress::named(text, HERE).map(|relay| (relay.http("feed"), relay.web_socket("ws")));
        assert_eq!(actual, expected.map(|(http, ws)| (http.to_owned(), ws.to_owned())), "{text:?}");
    }

    #[test]
    fn takes_http_addresses_only() {
        check("http://box:8088", Ok(("http://box:8088/feed", "ws://box:8088/ws")));
        check(" https://box/a/b/ ", Ok(("https://box/a/b/feed", "wss://box/a/b/ws")));
        for text in ["box:8088", "javascript:alert(1)", "ws://box", "//box", "file:///etc"] {
            check(text, Err(RelayAddressError::Scheme(text.into())));
        }
        for text in [
            "http://",
            "http:///x",
            "http://u:p@box",
            "http://box?x",
            "http://box/#x",
            "http://a b",
            "http://a\\b",
        ] {
            check(text, Err(RelayAddressError::Host(text.into())));
        }
    }

    #[test]
    fn the_link_goes_before_the_file_and_the_file_before_the_page() {
        let config = PageConfig { relay: Some("http://file:1".into()) };
        let resolve = |query, config: &PageConfig| RelayAddress::resolve(query, config, HERE).unwrap();
        assert_eq!(resolve(Some("http://link:2"), &config).elsewhere(), Some("link:2"));
        assert_eq!(resolve(None, &config).elsewhere(), Some("file:1"));
        assert_eq!(resolve(Some(" "), &PageConfig::default()).elsewhere(), None);
        assert_eq!(resolve(None, &PageConfig::default()).http("feed"), "http://127.0.0.1:8080/box/feed");
        assert_eq!(resolve(Some("http://127.0.0.1:8080/box"), &config).elsewhere(), None);
    }

    #[test]
    fn knows_its_own_machine() {
        let is_loopback = |text| RelayAddress::named(text, HERE).unwrap().is_loopback();
        for text in [
            "http://localhost:1",
            "http://127.0.0.1",
            "http://127.9.9.9:2/x",
            "http://[::1]:8088",
            "http://a.localhost",
        ] {
            assert!(is_loopback(text), "{text}");
        }
        for text in ["http://box", "http://10.0.0.1", "http://localhost.example", "http://[::2]"] {
            assert!(!is_loopback(text), "{text}");
        }
    }

    #[test]
    fn the_file_may_say_nothing() {
        assert_eq!(
            serde_json::from_str::<PageConfig>(r#"{"relay":null,"theme":1}"#).unwrap(),
            PageConfig::default()
        );
        assert_eq!(serde_json::from_str::<PageConfig>("{}").unwrap(), PageConfig::default());
    }
}
