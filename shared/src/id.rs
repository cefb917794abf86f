//! Where an event stands in a history: `<epoch>-<seq>`. Knows nothing of what the event holds.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// The place of one event in a history that can be resumed.
///
/// On the wire it is the text `<epoch>-<seq>`, both decimal, so that it survives JSON numbers' 53 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EventId {
    /// Changes when the history starts anew; ids of different epochs cannot be compared.
    pub epoch: u64,
    /// Plus one per event; 0 stands before the first event.
    pub seq: u64,
}

/// Why a text is no [`EventId`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{text:?} is not an event id of the form <epoch>-<seq>, two decimal numbers")]
pub struct EventIdError {
    /// The text as it came, cut to [`ERROR_TEXT_CHARS_MAX`].
    pub text: String,
}

/// How much of a bad id an error repeats, in characters: enough to recognise it, too little to flood a log.
pub const ERROR_TEXT_CHARS_MAX: usize = 64;

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.seq)
    }
}

impl FromStr for EventId {
    type Err = EventIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (epoch, seq) = text.split_once('-')?;
            Some(Self { epoch: decimal(epoch)?, seq: decimal(seq)? })
        };
        parse().ok_or_else(|| EventIdError { text: text.chars().take(ERROR_TEXT_CHARS_MAX).collect() })
    }
}

/// Digits only: `u64::from_str` would also take a leading plus.
fn decimal(text: &str) -> Option<u64> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

impl Serialize for EventId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EventId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<(u64, u64)>) {
        assert_eq!(text.parse().ok(), expected.map(|(epoch, seq)| EventId { epoch, seq }), "{text}");
    }

    #[test]
    fn parses_two_decimal_numbers_only() {
        check("17-42", Some((17, 42)));
        check("0-0", Some((0, 0)));
        check("18446744073709551615-1", Some((u64::MAX, 1)));
        check("18446744073709551616-1", None);
        check("+1-2", None);
        check("1--2", None);
        check("1-2-3", None);
        check("1-", None);
        check("-", None);
        check("", None);
        check("a-b", None);
    }

    #[test]
    fn displays_what_it_parses() {
        let id = EventId { epoch: 1_763_675_328_123, seq: 7 };
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(serde_json::to_string(&id).unwrap(), r#""1763675328123-7""#);
    }

    #[test]
    fn an_error_repeats_only_the_beginning() {
        let error = "x".repeat(100_000).parse::<EventId>().unwrap_err();
        assert_eq!(error.text.len(), ERROR_TEXT_CHARS_MAX);
    }
}
