//! The chat, as both halves see it (docs/protocol.md §4 and §5): the rules of names and lines, and what a room holds.

mod completion;
mod mention;
mod visible;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::EventId;

pub use completion::Completion;
pub use mention::{may_begin_after, mention, mentions};
pub use visible::{is_control, neutralise, seen};

/// The room of the line clients; browsers join it by default.
pub const LOBBY: &str = "lobby";
/// What stands before a room's name in the name of its channel. Source: docs/protocol.md §4.
pub const CHANNEL_PREFIX: &str = "/topic/chat/";
/// Longest user name, in characters. Source: docs/protocol.md §4.
pub const NAME_CHARS_MAX: usize = 32;
/// Longest line, in bytes of UTF-8 without its end. Source: docs/protocol.md §4.
pub const LINE_BYTES_MAX: usize = 4 * 1024;

/// Longest room name, in characters. Source: docs/protocol.md §5.
pub const ROOM_CHARS_MAX: usize = 32;
/// Longest key of a line said by a page, in bytes: two UUIDs fit.
pub const KEY_BYTES_MAX: usize = 80;
/// Most users that one message lists, longest there first; how many there are is told beside it. A room of thousands
/// would else send hundreds of kilobytes to everyone whenever somebody comes or goes.
pub const PRESENCE_USERS_MAX: usize = 500;
/// Most rooms that one answer lists; how many there are is told beside it.
pub const ROOM_ROWS_MAX: usize = 500;
/// Under whose name the relay itself speaks in a room. Nobody can take it: what the relay says to one line client
/// begins in the same way.
pub const HOUSE_NAME: &str = "Notice";
/// Names that line clients see before a colon when the relay speaks, upper and lower case alike.
const HOUSE_NAMES: [&str; 2] = [HOUSE_NAME, "Error"];
/// A line that says nothing but "still here" (ASCII SYN, "synchronous idle"): it counts against the idle timeout and
/// goes to nobody. Source: docs/protocol.md §4.
pub const KEEP_ALIVE_LINE: &str = "\u{16}";

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
    /// An escape, a line break or another control, invisible or direction-changing character.
    #[error("a name must not contain the control character U+{code_point:04X}")]
    ControlCharacter {
        /// The first one found.
        code_point: u32,
    },
    /// A mark that stands on what comes before it, at the beginning: it would stand on something else's end.
    #[error("a name must not begin with a mark that stands on another character")]
    Mark,
    /// What the relay calls itself.
    #[error("the name {name:?} is in use by the relay itself")]
    House {
        /// The name.
        name: String,
    },
    /// A colon before white space: line clients could not tell `ada: hi` under the name `ada` from a name `ada: hi`.
    #[error("a name must not contain a colon before a space: it would read as another's line")]
    Ambiguous,
}

/// Checks a user name, white space around it trimmed, and gives it back.
///
/// # Errors
/// Each variant of [`NameError`].
pub fn check_name(text: &str) -> Result<&str, NameError> {
    let name = text.trim();
    let seen = seen(name);
    if seen.trim().is_empty() {
        return Err(NameError::Empty);
    }
    let chars = name.chars().count();
    if NAME_CHARS_MAX < chars {
        return Err(NameError::TooLong { chars });
    }
    if let Some(c) = name.chars().find(|&c| is_control(c) || visible::is_invisible(c)) {
        return Err(NameError::ControlCharacter { code_point: c.into() });
    }
    if name.starts_with(visible::stands_on_another) {
        return Err(NameError::Mark);
    }
    if HOUSE_NAMES.iter().any(|house| house.eq_ignore_ascii_case(&seen)) {
        return Err(NameError::House { name: name.to_owned() });
    }
    if name.split(':').skip(1).any(|rest| rest.starts_with(char::is_whitespace)) {
        return Err(NameError::Ambiguous);
    }
    Ok(name)
}

/// Why a text is no room name. Its text is shown to the user.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RoomError {
    /// Nothing there.
    #[error("a room name must not be empty")]
    Empty,
    /// Over [`ROOM_CHARS_MAX`].
    #[error("a room name of {chars} characters is over the limit of {ROOM_CHARS_MAX} characters")]
    TooLong {
        /// Its length in characters.
        chars: usize,
    },
    /// Something other than a letter, a digit, `-`, `_` or `.`.
    #[error("a room name consists of letters, digits, \"-\", \"_\" and \".\", not {character:?}")]
    BadCharacter {
        /// The first one found.
        character: char,
    },
}

/// Checks a room name.
///
/// # Errors
/// Each variant of [`RoomError`].
pub fn check_room(name: &str) -> Result<&str, RoomError> {
    if name.is_empty() {
        return Err(RoomError::Empty);
    }
    let chars = name.chars().count();
    if ROOM_CHARS_MAX < chars {
        return Err(RoomError::TooLong { chars });
    }
    match name.chars().find(|c| !c.is_alphanumeric() && !matches!(c, '-' | '_' | '.')) {
        Some(character) => Err(RoomError::BadCharacter { character }),
        None => Ok(name),
    }
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
    /// A program said something through the broker (docs/protocol.md §4, "Rooms on the broker").
    Posted {
        /// The line.
        text: String,
    },
    /// The relay itself tells something; the name is [`HOUSE_NAME`].
    Announced {
        /// The line.
        text: String,
    },
    /// Somebody came.
    Joined,
    /// Somebody went.
    Left,
}

impl ChatLineKind {
    /// What was said, by whomever; none when somebody came or went.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Said { text } | Self::Posted { text } | Self::Announced { text } => Some(text),
            Self::Joined | Self::Left => None,
        }
    }
}

/// A room that one can go to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatRoomRow {
    /// Its name.
    pub name: String,
    /// How many are in it.
    pub n_users: u64,
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
    /// Whether nobody looks at the page, or has touched it for a while; a line client does not tell.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_idle: bool,
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
        check("a\u{200b}da", Err(NameError::ControlCharacter { code_point: 0x200b }));
    }

    #[test]
    fn no_name_differs_from_another_by_what_nobody_sees() {
        for hidden in ['\u{ad}', '\u{2060}', '\u{2800}', '\u{3164}', '\u{fffa}', '\u{e0061}'] {
            check(&format!("ada{hidden}"), Err(NameError::ControlCharacter { code_point: hidden.into() }));
        }
        check("\u{200d}\u{fe0f}", Err(NameError::Empty));
        check("\u{301}", Err(NameError::Mark));
        check("e\u{301}", Ok("e\u{301}"));
        check("👩\u{200d}🚒", Ok("👩\u{200d}🚒"));
        check("می\u{200c}خواهم", Ok("می\u{200c}خواهم"));
        let house = "No\u{200d}tice";
        check(house, Err(NameError::House { name: house.to_owned() }));
        assert_eq!(seen("a\u{200d}da\u{fe0f}"), "ada");
    }

    #[test]
    fn no_name_reads_as_the_line_of_another() {
        check("ada:b", Ok("ada:b"));
        check("ada:", Ok("ada:"));
        check("::1", Ok("::1"));
        check("ada: hi", Err(NameError::Ambiguous));
        check("a:b:\u{a0}c", Err(NameError::Ambiguous));
        check("notice", Err(NameError::House { name: "notice".to_owned() }));
        check("Error", Err(NameError::House { name: "Error".to_owned() }));
        check("Noticed", Ok("Noticed"));
    }

    #[test]
    fn room_names_can_stand_in_an_address_and_in_a_channel_name() {
        let check = |name: &str, expected: Result<(), RoomError>| {
            assert_eq!(check_room(name).map(drop), expected, "{name:?}");
        };
        check(LOBBY, Ok(()));
        check("team-1_b.c", Ok(()));
        check("żółw", Ok(()));
        check("", Err(RoomError::Empty));
        check("a b", Err(RoomError::BadCharacter { character: ' ' }));
        check("a/b", Err(RoomError::BadCharacter { character: '/' }));
        check(&"r".repeat(33), Err(RoomError::TooLong { chars: 33 }));
    }

    #[test]
    fn the_vectors_of_the_reference_hold() {
        let vectors: serde_json::Value =
            serde_json::from_str(include_str!("../../docs/vectors/chat.json")).unwrap();
        let rows = |part: &str| vectors[part].as_array().unwrap().clone();
        for row in rows("names") {
            let found = check_name(row["text"].as_str().unwrap()).map_err(|error| error.to_string());
            assert_eq!(found.as_deref().ok(), row["name"].as_str(), "{row}");
            assert_eq!(found.as_ref().err().map(String::as_str), row["error"].as_str(), "{row}");
        }
        for row in rows("rooms") {
            let error = check_room(row["text"].as_str().unwrap()).err().map(|error| error.to_string());
            assert_eq!(error.as_deref(), row["error"].as_str(), "{row}");
        }
        for row in rows("lines") {
            assert_eq!(neutralise(row["said"].as_str().unwrap()), row["shown"].as_str().unwrap());
        }
    }
}
