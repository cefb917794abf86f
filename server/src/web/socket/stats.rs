//! What the sockets count, and why each of them ended.

use signalbox_shared::socket::close;

use crate::chat::stats::Counter;
use crate::tail::TailBatch;

/// Why a socket ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// The page closed it.
    Left,
    /// The network did, or the page broke the protocol.
    Lost,
    /// The page did not read, or gave no sign of life.
    TooSlow,
    /// The page went on far over its rate.
    RateLimit,
    /// A message over the size limit.
    TooLarge,
    /// The relay shut down.
    Shutdown,
}

impl Closing {
    /// All of them, in the order of [`Stats::closed`].
    pub const ALL: [Self; 6] =
        [Self::Left, Self::Lost, Self::TooSlow, Self::RateLimit, Self::TooLarge, Self::Shutdown];

    /// Short label for counting.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Lost => "lost",
            Self::TooSlow => "too_slow",
            Self::RateLimit => "rate_limit",
            Self::TooLarge => "too_large",
            Self::Shutdown => "shutdown",
        }
    }

    /// The close code and reason that the page is told; none when there is nobody left to tell.
    #[must_use]
    pub(super) fn farewell(self) -> Option<(u16, &'static str)> {
        match self {
            Self::Left | Self::Lost => None,
            Self::TooSlow => Some((close::TOO_SLOW, "the page does not read")),
            Self::RateLimit => Some((close::RATE_LIMIT, "far more requests than socket_requests_per_sec")),
            Self::TooLarge => Some((axum::extract::ws::close_code::SIZE, "a message over 64 KiB")),
            Self::Shutdown => Some((close::SHUTDOWN, "the relay shuts down")),
        }
    }
}

/// The sockets' numbers while they run.
#[derive(Debug, Default)]
pub(super) struct Counters {
    open: Counter,
    opened: Counter,
    turned_away: Counter,
    pub(super) requests: Counter,
    pub(super) refused: Counter,
    pub(super) errors: Counter,
    shown: Counter,
    skipped: Counter,
    filtered: Counter,
    closed: [Counter; Closing::ALL.len()],
}

/// The sockets' numbers at one moment. Totals count since the relay's start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stats {
    /// Sockets open now.
    pub n_open: u64,
    /// Sockets opened.
    pub n_opened: u64,
    /// Sockets not opened because `socket_clients` were open.
    pub n_turned_away: u64,
    /// Requests understood.
    pub n_requests: u64,
    /// Requests refused, for any reason that the page was told.
    pub n_refused: u64,
    /// Messages not understood.
    pub n_errors: u64,
    /// Messages of channels shown to pages.
    pub n_shown: u64,
    /// Messages of channels that a page could not follow.
    pub n_skipped: u64,
    /// Messages of channels that a page's filter kept back.
    pub n_filtered: u64,
    /// Sockets that ended, by reason.
    pub closed: [(&'static str, u64); Closing::ALL.len()],
}

impl Counters {
    pub(super) fn opened(&self) {
        self.open.add(1);
        self.opened.add(1);
    }

    pub(super) fn closed(&self, closing: Closing) {
        self.open.sub(1);
        self.closed[closing as usize].add(1);
    }

    /// A page was told of messages.
    pub(super) fn told(&self, batch: &TailBatch) {
        self.shown.add(batch.n_shown);
        self.skipped.add(batch.n_skipped);
        self.filtered.add(batch.n_filtered);
    }

    pub(super) fn turned_away(&self) {
        self.turned_away.add(1);
    }

    pub(super) fn snapshot(&self) -> Stats {
        Stats {
            n_open: self.open.value(),
            n_opened: self.opened.value(),
            n_turned_away: self.turned_away.value(),
            n_requests: self.requests.value(),
            n_refused: self.refused.value(),
            n_errors: self.errors.value(),
            n_shown: self.shown.value(),
            n_skipped: self.skipped.value(),
            n_filtered: self.filtered.value(),
            closed: Closing::ALL.map(|closing| (closing.reason(), self.closed[closing as usize].value())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_closing_has_its_own_count_and_only_the_living_are_told() {
        let counters = Counters::default();
        for closing in Closing::ALL {
            counters.opened();
            counters.closed(closing);
            let is_told = closing.farewell().is_some();
            assert_eq!(is_told, !matches!(closing, Closing::Left | Closing::Lost), "{closing:?}");
        }
        let stats = counters.snapshot();
        assert_eq!((stats.n_open, stats.n_opened), (0, 6));
        assert!(stats.closed.iter().all(|(_, count)| *count == 1));
    }
}
