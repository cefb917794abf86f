//! The names of channels, and what a name says about delivery (docs/protocol.md §1). Knows nothing of frames.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// Longest channel name, in bytes of UTF-8. Source: docs/protocol.md §1.
pub const CHANNEL_NAME_BYTES_MAX: usize = 255;

/// Where the relay publishes each alert's begin and end. Source: docs/protocol.md §3.
pub const ALERTS_CHANNEL: &str = "/topic/alerts";
/// Where the relay takes marks from. Source: docs/protocol.md §3.
pub const MARKS_CHANNEL: &str = "/topic/marks";
/// Where JSON that came to the collector and is no sample can be watched. Source: docs/protocol.md §2.
pub const OTHER_CHANNEL: &str = "/topic/collector/other";

/// How a channel delivers; its name alone decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelKind {
    /// Each message goes to every subscriber.
    Topic,
    /// Each message goes to exactly one subscriber; the name begins with `/queue`.
    Queue,
    /// `/null`: counted and discarded.
    Null,
}

/// A checked channel name: 1 to 255 bytes of UTF-8 without control characters. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelName(Arc<str>);

/// Why bytes are no channel name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ChannelNameError {
    /// Nothing there.
    #[error("a channel name must not be empty")]
    Empty,
    /// Over the limit.
    #[error("channel name of {bytes} bytes is over the limit of {CHANNEL_NAME_BYTES_MAX} bytes")]
    TooLong {
        /// Its length in bytes.
        bytes: usize,
    },
    /// Not text.
    #[error("channel name is not UTF-8")]
    NotUtf8,
    /// A line break, an escape or another control character.
    #[error("channel name contains the control character U+{code_point:04X}")]
    ControlCharacter {
        /// The first one found.
        code_point: u32,
    },
}

impl ChannelName {
    /// Checks `bytes` as they came from a wire.
    ///
    /// # Errors
    /// Each variant of [`ChannelNameError`], in the order in which they are declared.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ChannelNameError> {
        if CHANNEL_NAME_BYTES_MAX < bytes.len() {
            return Err(ChannelNameError::TooLong { bytes: bytes.len() });
        }
        let name = std::str::from_utf8(bytes).map_err(|_| ChannelNameError::NotUtf8)?;
        if name.is_empty() {
            return Err(ChannelNameError::Empty);
        }
        match name.chars().find(|c| c.is_control()) {
            Some(c) => Err(ChannelNameError::ControlCharacter { code_point: c.into() }),
            None => Ok(Self(name.into())),
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// How this channel delivers.
    #[must_use]
    pub fn kind(&self) -> ChannelKind {
        match &*self.0 {
            "/null" => ChannelKind::Null,
            name if name.starts_with("/queue") => ChannelKind::Queue,
            _ => ChannelKind::Topic,
        }
    }
}

impl std::str::FromStr for ChannelName {
    type Err = ChannelNameError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::from_bytes(name.as_bytes())
    }
}

impl fmt::Display for ChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ChannelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl Serialize for ChannelName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ChannelName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expected: Result<ChannelKind, ChannelNameError>) {
        assert_eq!(ChannelName::from_bytes(bytes).map(|name| name.kind()), expected, "{bytes:?}");
    }

    #[test]
    fn names_are_checked_and_tell_their_kind() {
        check(b"/topic/a", Ok(ChannelKind::Topic));
        check(b"no slash", Ok(ChannelKind::Topic));
        check("/topic/żółw".as_bytes(), Ok(ChannelKind::Topic));
        check(b"/queue", Ok(ChannelKind::Queue));
        check(b"/queue/a", Ok(ChannelKind::Queue));
        check(b"/queues", Ok(ChannelKind::Queue));
        check(b"/null", Ok(ChannelKind::Null));
        check(b"/nullify", Ok(ChannelKind::Topic));
        check(b"", Err(ChannelNameError::Empty));
        check(b"/topic/\n", Err(ChannelNameError::ControlCharacter { code_point: 10 }));
        check("/topic/\u{9b}".as_bytes(), Err(ChannelNameError::ControlCharacter { code_point: 0x9b }));
        check(b"/topic/\xff", Err(ChannelNameError::NotUtf8));
        check(&[b'a'; 255], Ok(ChannelKind::Topic));
        check(&[b'a'; 256], Err(ChannelNameError::TooLong { bytes: 256 }));
    }
}
