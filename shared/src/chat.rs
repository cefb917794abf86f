//! The chat, as both halves see it (docs/protocol.md §4 and §5): the rules of names and lines, and what a room holds.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::EventId;

/// The room of the line clients; browsers join it by default.
pub const LOBBY: &str = "lobby";
/// Longest user name, in characters. Source: docs/protocol.md §4.
pub const NAME_CHARS_MAX: usize = 32;
/// Longest line, in bytes of UTF-8 without its end. Source: docs/protocol.md §4.
pub const LINE_BYTES_MAX: usize = 4 * 1024;

/// Why a text is no user name. Its text is shown to the user.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NameError {
    /// Nothing but white space.
    #[error("a name must not be empty")]
    Empty,
    /// Over [`NAME_CHARS_MAX`].
    #[error("a name of {chars} characters is over the limit of {NAME_CHARS_MAX} characters")]
    TooLong {
        /// Its length in characters.
        chars: usize,
    },
    /// An escape, a line break or another control or direction-changing character.
    #[error("a name must not contain the control character U+{code_point:04X}")]
    ControlCharacter {
        /// The first one found.
        code_point: u32,
    },
}

/// Checks a user name, white space around it trimmed, and gives it back.
///
/// # Errors
/// Each variant of [`NameError`].
pub fn check_name(text: &str) -> Result<&str, NameError> {
    let name = text.trim();
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    let chars = name.chars().count();
    if NAME_CHARS_MAX < chars {
        return Err(NameError::TooLong { chars });
    }
    match name.chars().find(|&c| is_control(c)) {
        Some(c) => Err(NameError::ControlCharacter { code_point: c.into() }),
        None => Ok(name),
    }
}

/// Characters that could act on a terminal or reorder the text around them (Unicode's bidi controls, UAX #9).
pub(crate) fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// One entry of a room's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatLine {
    /// Its place in the room's history.
    pub id: EventId,
    /// When the relay took it, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Who.
    pub name: String,
    /// What happened.
    #[serde(flatten)]
    pub kind: ChatLineKind,
}

/// What happened in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ChatLineKind {
    /// Somebody said something.
    Said {
        /// The line.
        text: String,
    },
    /// Somebody came.
    Joined,
    /// Somebody went.
    Left,
}

/// Somebody in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatUser {
    /// The name.
    pub name: String,
    /// How they take part.
    pub via: ChatVia,
    /// Since when, in milliseconds since the Unix epoch.
    pub since_ms: i64,
}

/// How a user takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChatVia {
    /// The line protocol over TCP.
    Line,
    /// A page.
    Browser,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, NameError>) {
        assert_eq!(check_name(text), expected, "{text:?}");
    }

    #[test]
    fn names_are_short_visible_text() {
        check("ada", Ok("ada"));
        check(" ada lovelace ", Ok("ada lovelace"));
        check("żółw", Ok("żółw"));
        check("", Err(NameError::Empty));
        check(" \t ", Err(NameError::Empty));
        check(&"a".repeat(32), Ok(&"a".repeat(32)));
        check(&"ż".repeat(33), Err(NameError::TooLong { chars: 33 }));
        check("a\u{1b}[2Jb", Err(NameError::ControlCharacter { code_point: 0x1b }));
        check("a\u{202e}b", Err(NameError::ControlCharacter { code_point: 0x202e }));
    }
}
