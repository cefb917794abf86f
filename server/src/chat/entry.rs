//! One entry of a room's log, and its two encodings, each made at most once however many users it goes to.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use signalbox_shared::chat::{ChatLine, ChatLineKind};
use signalbox_shared::socket::ServerMessage;

/// What happened in a room.
#[derive(Debug)]
pub struct Entry {
    /// As pages see it.
    pub line: ChatLine,
    room: Arc<str>,
    /// What makes a repeated line recognisable: see [`super::Member::say`].
    pub(super) key: Option<Box<str>>,
    plain: OnceLock<Bytes>,
    json: OnceLock<Bytes>,
}

/// Memory of an entry beside its texts, in bytes: the struct, its places in the log and in the index of keys.
const OVERHEAD_BYTES: usize = 320;

impl Entry {
    pub(super) fn new(room: Arc<str>, line: ChatLine, key: Option<Box<str>>) -> Self {
        Self { line, room, key, plain: OnceLock::new(), json: OnceLock::new() }
    }

    /// As line clients see it, with its line end (docs/protocol.md §4).
    pub fn plain(&self) -> &Bytes {
        self.plain.get_or_init(|| {
            let name = &self.line.name;
            let text = match &self.line.kind {
                ChatLineKind::Said { text }
                | ChatLineKind::Posted { text }
                | ChatLineKind::Announced { text } => format!("{name}: {text}\n"),
                ChatLineKind::Joined => format!("{name} connected!\n"),
                ChatLineKind::Left => format!("{name} has left the chat\n"),
            };
            text.into()
        })
    }

    /// As the `chat_line` message of the WebSocket, in JSON (docs/protocol.md §5).
    ///
    /// # Panics
    /// Never: the message consists of texts and numbers only, which always encode.
    pub fn json(&self) -> &Bytes {
        self.json.get_or_init(|| {
            let message = ServerMessage::ChatLine { room: self.room.to_string(), line: self.line.clone() };
            serde_json::to_vec(&message).expect("texts and numbers encode").into()
        })
    }

    /// Whether somebody came or went.
    #[must_use]
    pub fn changes_presence(&self) -> bool {
        matches!(self.line.kind, ChatLineKind::Joined | ChatLineKind::Left)
    }

    /// Size of its text alone, in bytes.
    pub(super) fn text_bytes(&self) -> usize {
        self.line.name.len() + self.line.kind.text().map_or(0, str::len)
    }

    /// What it costs to keep, in bytes: its text, the two encodings of it, and what stands around.
    pub(super) fn kept_bytes(&self) -> usize {
        OVERHEAD_BYTES + 3 * self.text_bytes() + self.key.as_ref().map_or(0, |key| 2 * key.len())
    }
}
