//! What the chat counts. Counters only grow, gauges go up and down; both are read without a lock.

use std::sync::atomic::{AtomicU64, Ordering};

use signalbox_shared::chat::ChatVia;

use super::member::SayError;

/// A number that many tasks change.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, n: u64) {
        // Nothing is added often, and a write would take the number away from the other processors.
        if n != 0 {
            self.0.fetch_add(n, Ordering::Relaxed);
        }
    }

    pub(crate) fn sub(&self, n: u64) {
        self.0.fetch_sub(n, Ordering::Relaxed);
    }

    pub(crate) fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Why a line client's connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// The client ended it.
    Left,
    /// The network did.
    Lost,
    /// Nothing was sent for `chat_idle_secs`.
    Idle,
    /// No CONNECT line within `chat_connect_millis`.
    ConnectTimeout,
    /// The first line was something else.
    NotConnect,
    /// The name was in use or no name.
    NameRefused,
    /// A line went on far over its limit.
    EndlessLine,
    /// The client did not read.
    Slow,
    /// Too many connections.
    Limit,
    /// The relay shut down.
    Shutdown,
}

impl Closing {
    /// All of them, in the order of [`Stats::closed`].
    pub const ALL: [Self; 10] = [
        Self::Left,
        Self::Lost,
        Self::Idle,
        Self::ConnectTimeout,
        Self::NotConnect,
        Self::NameRefused,
        Self::EndlessLine,
        Self::Slow,
        Self::Limit,
        Self::Shutdown,
    ];

    /// Short label for counting.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Lost => "lost",
            Self::Idle => "idle",
            Self::ConnectTimeout => "connect_timeout",
            Self::NotConnect => "not_connect",
            Self::NameRefused => "name_refused",
            Self::EndlessLine => "endless_line",
            Self::Slow => "slow",
            Self::Limit => "limit",
            Self::Shutdown => "shutdown",
        }
    }
}

/// Why what a program sent to a room's channel did not become a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PostRefusal {
    /// No JSON object with a name and a text.
    NotAPost,
    /// It looks like a line of a room, but is none of this one.
    ForeignLine,
    /// The name is none.
    BadName,
    /// Somebody in the room has that name.
    NameInUse,
    /// The line is over its limit, or more than one, or its key too long.
    BadLine,
    /// More than `chat_posts_per_sec`.
    TooFast,
    /// The relay could not follow the channel.
    Missed,
}

impl PostRefusal {
    /// All of them, in the order of [`Stats::posts_refused`].
    pub const ALL: [Self; 7] = [
        Self::NotAPost,
        Self::ForeignLine,
        Self::BadName,
        Self::NameInUse,
        Self::BadLine,
        Self::TooFast,
        Self::Missed,
    ];

    /// Short label for counting.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::NotAPost => "not_a_post",
            Self::ForeignLine => "foreign_line",
            Self::BadName => "bad_name",
            Self::NameInUse => "name_in_use",
            Self::BadLine => "bad_line",
            Self::TooFast => "too_fast",
            Self::Missed => "missed",
        }
    }
}

/// The chat's numbers while it runs.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    users_line: Counter,
    users_browser: Counter,
    pub(super) connections: Counter,
    pub(super) said: Counter,
    pub(super) announced: Counter,
    pub(super) posted: Counter,
    pub(super) posts_refused: [Counter; PostRefusal::ALL.len()],
    pub(super) not_posted: Counter,
    pub(super) stores_failed: Counter,
    pub(super) repeated: Counter,
    pub(super) lagged: Counter,
    too_fast: Counter,
    pub(super) too_long: Counter,
    malformed: Counter,
    closed: [Counter; Closing::ALL.len()],
}

/// The chat's numbers at one moment. Totals count since the relay's start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stats {
    /// Visits by line clients now.
    pub n_users_line: u64,
    /// Visits by pages now.
    pub n_users_browser: u64,
    /// Rooms now.
    pub n_rooms: u64,
    /// Line connections now, those without a name yet among them.
    pub n_connections: u64,
    /// Lines said.
    pub n_said: u64,
    /// Lines by the relay itself.
    pub n_announced: u64,
    /// Lines that programs posted through the broker.
    pub n_posted: u64,
    /// What programs sent to a room's channel and was refused, by reason.
    pub posts_refused: [(&'static str, u64); PostRefusal::ALL.len()],
    /// Lines that could not be given to a room's channel.
    pub n_not_posted: u64,
    /// Rooms whose files could not be written.
    pub n_stores_failed: u64,
    /// Lines said again with a known key, and therefore not repeated.
    pub n_repeated: u64,
    /// Lines that a user who was too far behind did not get.
    pub n_lagged: u64,
    /// Lines refused, by reason.
    pub refused: [(&'static str, u64); 3],
    /// Line connections that ended, by reason.
    pub closed: [(&'static str, u64); Closing::ALL.len()],
}

impl Counters {
    pub(super) fn user_came(&self, via: ChatVia) {
        self.users(via).add(1);
    }

    pub(super) fn user_went(&self, via: ChatVia) {
        self.users(via).sub(1);
    }

    fn users(&self, via: ChatVia) -> &Counter {
        match via {
            ChatVia::Line => &self.users_line,
            ChatVia::Browser => &self.users_browser,
        }
    }

    pub(super) fn refused(&self, error: &SayError) {
        match error {
            SayError::TooFast { .. } => self.too_fast.add(1),
            SayError::TooLong { .. } => self.too_long.add(1),
            SayError::LineBreak | SayError::KeyTooLong { .. } => self.malformed.add(1),
        }
    }

    pub(super) fn closed(&self, closing: Closing) {
        self.closed[closing as usize].add(1);
    }

    pub(super) fn snapshot(&self, n_rooms: u64) -> Stats {
        Stats {
            n_users_line: self.users_line.value(),
            n_users_browser: self.users_browser.value(),
            n_rooms,
            n_connections: self.connections.value(),
            n_said: self.said.value(),
            n_announced: self.announced.value(),
            n_posted: self.posted.value(),
            posts_refused: PostRefusal::ALL
                .map(|refusal| (refusal.reason(), self.posts_refused[refusal as usize].value())),
            n_not_posted: self.not_posted.value(),
            n_stores_failed: self.stores_failed.value(),
            n_repeated: self.repeated.value(),
            n_lagged: self.lagged.value(),
            refused: [
                ("too_fast", self.too_fast.value()),
                ("too_long", self.too_long.value()),
                ("malformed", self.malformed.value()),
            ],
            closed: Closing::ALL.map(|closing| (closing.reason(), self.closed[closing as usize].value())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_closing_is_counted_under_its_own_reason() {
        let counters = Counters::default();
        for (n, closing) in Closing::ALL.into_iter().enumerate() {
            (0..=n).for_each(|_| counters.closed(closing));
        }
        for (n, (reason, count)) in counters.snapshot(0).closed.into_iter().enumerate() {
            assert_eq!((reason, count), (Closing::ALL[n].reason(), n as u64 + 1));
        }
    }
}
