//! How bytes of any kind travel inside JSON: as text when they are text, else as base64 (docs/protocol.md §5).

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The data of one message inside JSON: `{"text": "..."}` or `{"base64": "..."}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Payload {
    /// The data, when it is UTF-8.
    Text(String),
    /// The data in standard base64 with padding (RFC 4648 §4), when it is not UTF-8.
    Base64(String),
}

/// A base64 payload that does not decode.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("payload is not standard base64 with padding: {0}")]
pub struct PayloadError(#[from] base64::DecodeError);

impl Payload {
    /// Wraps `bytes` in the form that a person can read, if there is one.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Base64(STANDARD.encode(bytes)),
        }
    }

    /// The bytes themselves.
    ///
    /// # Errors
    /// [`PayloadError`] when the base64 form does not decode.
    pub fn bytes(&self) -> Result<Cow<'_, [u8]>, PayloadError> {
        match self {
            Self::Text(text) => Ok(Cow::Borrowed(text.as_bytes())),
            Self::Base64(text) => Ok(Cow::Owned(STANDARD.decode(text)?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], json: &str) {
        let payload = Payload::from_bytes(bytes);
        assert_eq!(serde_json::to_string(&payload).unwrap(), json);
        assert_eq!(serde_json::from_str::<Payload>(json).unwrap(), payload);
        assert_eq!(*payload.bytes().unwrap(), *bytes);
    }

    #[test]
    fn text_stays_text_and_bytes_become_base64() {
        check(b"", r#"{"text":""}"#);
        check("zażółć".as_bytes(), r#"{"text":"zażółć"}"#);
        check(b"\xff\x00", r#"{"base64":"/wA="}"#);
    }

    #[test]
    fn bad_base64_is_refused() {
        for text in ["*", "/wA", "/wA=\n"] {
            assert!(Payload::Base64(text.into()).bytes().is_err(), "{text:?}");
        }
    }
}
