//! The WebSocket's messages, `GET /ws` (docs/protocol.md §5): JSON text, tagged by `"type"`.
//!
//! Unknown fields are ignored. An unknown type is answered with [`ServerMessage::Error`] that names it.

use serde::{Deserialize, Serialize};

use crate::api::{ChannelRow, Features};
use crate::changes::{ChangeEvent, ChangesAccounts, ChangesInfo};
use crate::chat::{ChatLine, ChatRoomRow, ChatUser};
use crate::detail::ChannelDetail;
use crate::engine::EngineInfo;
use crate::feed::GapReason;
use crate::{ChannelName, EventId, Filter, Payload};

mod decode;

pub use decode::DecodeError;

/// Largest message a page may send, in bytes; a larger one closes with 1009.
pub const CLIENT_MESSAGE_BYTES_MAX: usize = 64 * 1024;
/// Most bytes of one payload that the tail shows; the rest is fetched on demand.
pub const TAIL_PAYLOAD_BYTES_MAX: usize = 64 * 1024;
/// Most bytes of one payload that one [`ServerMessage::Piece`] carries.
pub const PIECE_BYTES_MAX: usize = 256 * 1024;

/// What a page says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientMessage {
    /// Begin to receive a channel's messages, answered with `subscribed` or `refused`. One per channel and socket.
    Subscribe {
        /// Chosen by the page, repeated in the answer.
        id: u64,
        /// The channel.
        channel: ChannelName,
        /// How to take part.
        mode: TailMode,
        /// Which messages to show; without it all of them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        filter: Option<Filter>,
    },
    /// Show other messages of a subscription from now on, answered with `ack` or `refused`. Numbers and accounts go on;
    /// when it is refused, the filter from before stays.
    SetFilter {
        /// Chosen by the page, repeated in the answer.
        id: u64,
        /// The channel.
        channel: ChannelName,
        /// Which messages to show; without it all of them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        filter: Option<Filter>,
    },
    /// Stop that, answered with `unsubscribed`.
    Unsubscribe {
        /// The channel.
        channel: ChannelName,
    },
    /// Publish one message, answered with `ack` or `refused`.
    Publish {
        /// Chosen by the page, repeated in the answer.
        id: u64,
        /// The channel.
        channel: ChannelName,
        /// The data.
        payload: Payload,
    },
    /// Empty a queue's backlog, answered with `ack` or `refused`.
    Purge {
        /// Chosen by the page, repeated in the answer.
        id: u64,
        /// The channel.
        channel: ChannelName,
    },
    /// Read on in a payload that the tail cut, answered with `piece` or `refused`.
    Fetch {
        /// Chosen by the page, repeated in the answer.
        id: u64,
        /// The channel.
        channel: ChannelName,
        /// Which message: [`TailMessage::seq`].
        seq: u64,
        /// From which byte on.
        offset: u64,
    },
    /// Begin to receive `channels`, at most one a second.
    WatchChannels,
    /// Stop that.
    UnwatchChannels,
    /// Begin to receive `channel_detail` of one channel, at once and then at most one a second, when something has
    /// changed. One channel per socket: a further one takes its place.
    WatchChannel {
        /// The channel, which nobody need have used yet.
        channel: ChannelName,
    },
    /// Stop that.
    UnwatchChannel,
    /// Begin to receive `changes` and `changes_status`: the newest changes first, or those after `since`.
    WatchChanges {
        /// The last change this page has seen.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<EventId>,
    },
    /// Stop that.
    UnwatchChanges,
    /// Enter a room, answered with `chat_joined` or `refused`. From inside it, under another name: go on under that
    /// one, or stay under the old one when it is refused.
    ChatJoin {
        /// Chosen by the page, repeated in the answer.
        id: u64,
        /// The room.
        room: String,
        /// The name to be known by.
        name: String,
        /// Go on after this line; without it the newest lines are sent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<EventId>,
    },
    /// Leave a room.
    ChatLeave {
        /// The room.
        room: String,
    },
    /// Read on in a room's past, answered with `chat_older` or `refused`; for a page that is in the room.
    ChatHistory {
        /// Chosen by the page, repeated in the answer.
        id: u64,
        /// The room.
        room: String,
        /// The oldest line that the page has.
        before: EventId,
    },
    /// Tell the others in every room of this page whether somebody looks at it.
    ChatIdle {
        /// Whether nobody does.
        is_idle: bool,
    },
    /// Ask which rooms there are, answered with `chat_rooms`.
    ChatList {
        /// Chosen by the page, repeated in the answer.
        id: u64,
    },
    /// Say a line, answered with `ack` or `refused`. A repeated `key` is acknowledged and not said again.
    ChatSay {
        /// Chosen by the page, repeated in the answer.
        id: u64,
        /// The room.
        room: String,
        /// The line.
        text: String,
        /// Chosen by the page, unique per line and user, so that a line sent again after a lost answer is said once.
        key: String,
    },
}

/// How a page takes part in a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TailMode {
    /// See copies, consume nothing.
    Tap,
    /// Take part in the delivery: what a queue hands to this page, nobody else gets.
    Consume,
}

/// What the relay says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerMessage {
    /// The first message.
    Hello {
        /// [`crate::PROTOCOL_VERSION`].
        protocol: u32,
        /// Signalbox's version.
        version: String,
        /// The relay's clock, in milliseconds since the Unix epoch.
        now_ms: i64,
        /// What this relay can do.
        features: Features,
        /// What routes the messages, and whether it can be reached.
        #[serde(default)]
        engine: EngineInfo,
        /// The bounds that a page must know.
        limits: SocketLimits,
    },
    /// Nothing to say, but still there: every 15 s.
    Heartbeat {
        /// The relay's clock, in milliseconds since the Unix epoch.
        now_ms: i64,
    },
    /// The engine can or cannot be reached from now on.
    Engine {
        /// Its state.
        engine: EngineInfo,
    },
    /// A subscription stands.
    Subscribed {
        /// From the request.
        id: u64,
        /// The channel.
        channel: ChannelName,
        /// How this page takes part.
        mode: TailMode,
    },
    /// A subscription has ended.
    Unsubscribed {
        /// The channel.
        channel: ChannelName,
    },
    /// Messages of a subscription, oldest first: what came in one batch of 16 ms.
    Tail {
        /// The channel.
        channel: ChannelName,
        /// What the page shows.
        messages: Vec<TailMessage>,
        /// Exact accounts since the subscription began, this batch included.
        accounts: TailAccounts,
    },
    /// A request was carried out.
    Ack {
        /// From the request.
        id: u64,
        /// What it did, in numbers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detail: Option<AckDetail>,
    },
    /// A request was not carried out.
    Refused {
        /// From the request.
        id: u64,
        /// Why, for a person to read.
        reason: String,
        /// A name that is free, when the name was the reason.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        suggestion: Option<String>,
        /// When to try again, in milliseconds, when haste was the reason.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u64>,
        /// Where in the filter's text the fault is, in characters from 0, when a filter was the reason.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        position: Option<u64>,
    },
    /// A part of a payload.
    Piece {
        /// From the request.
        id: u64,
        /// From which byte on.
        offset: u64,
        /// The whole payload's size in bytes.
        size_bytes: u64,
        /// At most [`PIECE_BYTES_MAX`] bytes in base64, for a piece can end inside a character.
        base64: String,
    },
    /// Channel statistics: first all channels, then those that changed.
    Channels {
        /// The relay's clock, in milliseconds since the Unix epoch.
        now_ms: i64,
        /// Whether `rows` are all channels there are.
        full: bool,
        /// New or changed channels, whole.
        rows: Vec<ChannelRow>,
        /// Channels that are no more.
        gone: Vec<ChannelName>,
    },
    /// One channel seen from near.
    ChannelDetail {
        /// The relay's clock, in milliseconds since the Unix epoch.
        now_ms: i64,
        /// The whole of it.
        detail: Box<ChannelDetail>,
    },
    /// Rows of the database that changed, oldest first.
    Changes {
        /// What the page shows.
        events: Vec<ChangeEvent>,
        /// Exact accounts since the page began to watch, this batch included.
        accounts: ChangesAccounts,
    },
    /// How the database, its watched tables and the cache stand: at first, then at most once a second when it changes.
    ChangesStatus {
        /// Everything.
        info: Box<ChangesInfo>,
    },
    /// A room was entered.
    ChatJoined {
        /// From the request.
        id: u64,
        /// The room.
        room: String,
        /// The name this page is known by.
        name: String,
        /// Who is in the room, at most [`crate::chat::PRESENCE_USERS_MAX`], in the order in which they came.
        users: Vec<ChatUser>,
        /// How many are in the room.
        #[serde(default)]
        n_users: u64,
        /// The lines after `since`, or the newest ones, oldest first. Lines that follow come as `chat_line`, without
        /// a hole, also when there are more after `since` than fit here.
        lines: Vec<ChatLine>,
        /// Present when the lines after `since` could not all be given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        gap: Option<ChatGap>,
    },
    /// Lines of a room before those that the page has.
    ChatOlder {
        /// From the request.
        id: u64,
        /// The room.
        room: String,
        /// The lines right before the one that was named, oldest first.
        lines: Vec<ChatLine>,
        /// Whether there are older ones still.
        has_more: bool,
    },
    /// The rooms that there are, in the order of their names.
    ChatRooms {
        /// From the request.
        id: u64,
        /// At most [`crate::chat::ROOM_ROWS_MAX`].
        rooms: Vec<ChatRoomRow>,
        /// How many there are.
        n_rooms: u64,
    },
    /// Something happened in a room.
    ChatLine {
        /// The room.
        room: String,
        /// What.
        line: ChatLine,
    },
    /// Who is in a room; sent when that changes.
    ChatPresence {
        /// The room.
        room: String,
        /// Who, at most [`crate::chat::PRESENCE_USERS_MAX`], in the order in which they came.
        users: Vec<ChatUser>,
        /// How many are in the room.
        #[serde(default)]
        n_users: u64,
    },
    /// This page could not follow a room and lost lines; it should join again with `since`.
    ChatLagged {
        /// The room.
        room: String,
        /// How many lines.
        n_skipped: u64,
    },
    /// A message of the page was not understood.
    Error {
        /// Why, for a person to read: names the unknown type or the field.
        reason: String,
    },
}

/// The bounds a page must know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SocketLimits {
    /// Largest message a page may send, in bytes.
    pub client_message_bytes: u64,
    /// Largest message that a page may publish over HTTP, in bytes: those that a socket message does not hold.
    #[serde(default)]
    pub publish_bytes: u64,
    /// Most bytes of one payload in a tail.
    pub tail_payload_bytes: u64,
    /// Most channels one socket may be subscribed to.
    pub subscriptions: u64,
    /// Longest chat line, in bytes.
    pub chat_line_bytes: u64,
}

/// One message of a tail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TailMessage {
    /// Its number in this subscription, from 1, counting what was skipped too.
    pub seq: u64,
    /// When the relay took it from the engine, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// The whole payload's size in bytes.
    pub size_bytes: u64,
    /// The payload, or its beginning: cut when it holds less than `size_bytes`.
    pub payload: Payload,
    /// Whether the payload was cut.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_cut: bool,
}

/// Where every message of a subscription went: `received = shown + filtered + skipped`, exactly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TailAccounts {
    /// Messages of the channel that this subscription was due.
    pub received: u64,
    /// Messages sent to the page.
    pub shown: u64,
    /// Messages that the filter kept back.
    pub filtered: u64,
    /// Messages that the page could not follow.
    pub skipped: u64,
    /// Of the filtered ones, those that were too large for the filter to look at.
    #[serde(default)]
    pub unjudged: u64,
}

/// What a request did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AckDetail {
    /// A publish: how many subscribers it was queued for.
    Queued {
        /// Subscribers, taps not counted.
        n_subscribers: u64,
    },
    /// A publish to a queue without a free subscriber: it waits in the backlog.
    Waiting,
    /// A publish that nobody was there for: discarded and counted.
    Unrouted,
    /// A publish that was handed to a broker elsewhere, which does not tell what became of it.
    Sent,
    /// A purge: how many messages it removed.
    Purged {
        /// Messages.
        n_messages: u64,
    },
    /// A chat line, and its place in the room.
    Said {
        /// Its id.
        line_id: EventId,
    },
}

/// Chat lines that could not be given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatGap {
    /// How many lines are missing; none when the epoch has changed, for then nobody can know.
    pub n_lost: Option<u64>,
    /// Why.
    pub reason: GapReason,
}

/// Close codes of the WebSocket: 4000 to 4499 mean "reconnect", 4500 to 4999 "do not".
pub mod close {
    /// The relay shuts down.
    pub const SHUTDOWN: u16 = 4000;
    /// The page did not read for so long that it was dropped.
    pub const TOO_SLOW: u16 = 4001;
    /// The page sent more than its rate allows.
    pub const RATE_LIMIT: u16 = 4002;
    /// The page speaks another protocol version.
    pub const PROTOCOL_VERSION: u16 = 4500;
    /// Too many sockets from this page.
    pub const LIMIT: u16 = 4003;

    /// Whether a page should connect again after this close code.
    #[must_use]
    pub fn is_retryable(code: u16) -> bool {
        !(4500..=4999).contains(&code)
    }
}
