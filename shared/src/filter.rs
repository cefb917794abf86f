//! What a page asks a tail to show: the words of a filter. What they mean is the relay's affair, which evaluates them.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Longest text of a filter, in bytes: room for any path or pattern that a person writes.
pub const FILTER_BYTES_MAX: usize = 1_024;

/// Which messages a tail shows. Messages that it keeps back are counted as filtered.
///
/// In addresses and on the command line it is one text, `text:`, `json:` or `regex:` before the words; without such a
/// beginning, words that start with `$.` or `$[` are a comparison and all others a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// How the words are meant.
    pub kind: FilterKind,
    /// The words, at most [`FILTER_BYTES_MAX`].
    pub text: String,
}

/// How a filter's words are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FilterKind {
    /// The payload contains them, byte for byte.
    Text,
    /// A JSON path and what stands there, such as `$.user.id >= 5`. Operators are `==`, `!=`, `<`, `<=`, `>`, `>=` and
    /// `contains`; a path alone asks whether there is anything.
    Json,
    /// A regular expression that matches somewhere in the payload.
    Regex,
}

impl FilterKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Text, Self::Json, Self::Regex];

    /// The word before the colon.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Regex => "regex",
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.word(), self.text)
    }
}

impl FromStr for Filter {
    type Err = Infallible;

    fn from_str(words: &str) -> Result<Self, Self::Err> {
        let said = FilterKind::ALL.into_iter().find_map(|kind| {
            let text = words.strip_prefix(kind.word())?.strip_prefix(':')?;
            Some(Self { kind, text: text.to_owned() })
        });
        Ok(said.unwrap_or_else(|| {
            let is_path = words.starts_with("$.") || words.starts_with("$[");
            let kind = if is_path { FilterKind::Json } else { FilterKind::Text };
            Self { kind, text: words.to_owned() }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(words: &str, kind: FilterKind, text: &str) {
        let Ok(filter) = words.parse::<Filter>();
        assert_eq!(filter, Filter { kind, text: text.to_owned() }, "{words}");
        assert_eq!(filter.to_string().parse(), Ok(filter));
    }

    #[test]
    fn one_text_tells_the_kind_and_the_words() {
        check("error", FilterKind::Text, "error");
        check("", FilterKind::Text, "");
        check("price: $5", FilterKind::Text, "price: $5");
        check("text:$.a", FilterKind::Text, "$.a");
        check("text:text:a", FilterKind::Text, "text:a");
        check("$.user.id >= 5", FilterKind::Json, "$.user.id >= 5");
        check("$[0] == 1", FilterKind::Json, "$[0] == 1");
        check("json: $.a", FilterKind::Json, " $.a");
        check("$5", FilterKind::Text, "$5");
        check("regex:^a+$", FilterKind::Regex, "^a+$");
    }
}
