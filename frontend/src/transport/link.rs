//! When a stream connects, gives up, sleeps and comes back: the same rules for the feed and the socket.
//!
//! Pure: what happened and what time it is come in, a command comes out. Opens nothing itself.

use crate::state::stream::StreamState;

use super::backoff::Backoff;

/// How long an attempt may take before it counts as failed, in milliseconds: the relay's own limit for a request's head.
pub const CONNECT_MS_MAX: i64 = 10_000;
/// How long a tab may be hidden before a stream that sleeps is closed, in milliseconds: looking something up in another
/// tab should not cost a reconnect.
pub const HIDDEN_MS_MAX: i64 = 30_000;

/// What differs between the streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Silence after which the stream counts as lagging, in milliseconds.
    pub quiet_ms: i64,
    /// Silence after which the connection counts as dead, in milliseconds.
    pub watchdog_ms: i64,
    /// Whether the stream is closed while the tab is hidden.
    pub sleeps: bool,
}

/// What the owner of the connection has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Command {
    /// Nothing.
    Stay,
    /// Open a connection (there is none).
    Open,
    /// Close the connection.
    Close,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    Connecting { since_ms: i64 },
    Open,
    Waiting { until_ms: i64 },
    Asleep,
    Refused { reason: String },
}

/// One stream's connection over its whole life.
#[derive(Clone, Debug)]
pub struct Link {
    rules: Rules,
    phase: Phase,
    backoff: Backoff,
    was_open: bool,
    heard_at_ms: i64,
    hidden_since_ms: Option<i64>,
    /// Why the stream is behind, and until when that is worth saying.
    behind: Option<(String, i64)>,
}

impl Link {
    /// A stream that connects for the first time; its owner opens the connection.
    #[must_use]
    pub fn new(rules: Rules, now_ms: i64) -> Self {
        Self {
            rules,
            phase: Phase::Connecting { since_ms: now_ms },
            backoff: Backoff::default(),
            was_open: false,
            heard_at_ms: now_ms,
            hidden_since_ms: None,
            behind: None,
        }
    }

    /// The connection stands.
    pub fn opened(&mut self, now_ms: i64) {
        self.phase = Phase::Open;
        self.was_open = true;
        self.heard_at_ms = now_ms;
    }

    /// Something came over it: only that proves a connection, for a relay may accept and close at once.
    pub fn heard(&mut self, now_ms: i64) {
        self.heard_at_ms = now_ms;
        self.backoff.reset();
    }

    /// The relay says that this page cannot follow; said for `for_ms` milliseconds.
    pub fn fell_behind(&mut self, why: String, now_ms: i64, for_ms: i64) {
        self.behind = Some((why, now_ms + for_ms));
    }

    /// The attempt failed or the connection broke; it is closed already. `chance` is between 0 and 1.
    pub fn failed(&mut self, now_ms: i64, chance: f64) {
        if matches!(self.phase, Phase::Connecting { .. } | Phase::Open) {
            self.phase = Phase::Waiting { until_ms: self.backoff.next_at_ms(now_ms, chance) };
        }
    }

    /// The relay does not want this page back; it stays away until a person asks for it.
    pub fn refused(&mut self, reason: String) {
        self.phase = Phase::Refused { reason };
    }

    /// Time passes; to be called a few times a second.
    pub fn tick(&mut self, now_ms: i64, chance: f64) -> Command {
        if self.behind.as_ref().is_some_and(|(_, until_ms)| *until_ms <= now_ms) {
            self.behind = None;
        }
        if self.rules.sleeps
            && self.hidden_since_ms.is_some_and(|since_ms| HIDDEN_MS_MAX <= now_ms - since_ms)
            && !matches!(self.phase, Phase::Asleep | Phase::Refused { .. })
        {
            let is_up = matches!(self.phase, Phase::Connecting { .. } | Phase::Open);
            self.phase = Phase::Asleep;
            return if is_up { Command::Close } else { Command::Stay };
        }
        match self.phase {
            Phase::Connecting { since_ms } if CONNECT_MS_MAX <= now_ms - since_ms => {
                self.failed(now_ms, chance);
                Command::Close
            }
            Phase::Open if self.rules.watchdog_ms <= now_ms - self.heard_at_ms => {
                self.failed(now_ms, chance);
                Command::Close
            }
            Phase::Waiting { until_ms } if until_ms <= now_ms => self.connect(now_ms),
            _ => Command::Stay,
        }
    }

    /// The tab was hidden.
    pub fn hidden(&mut self, now_ms: i64) {
        self.hidden_since_ms.get_or_insert(now_ms);
    }

    /// The tab is shown, or the network is back: no reason to wait any longer.
    pub fn shown(&mut self, now_ms: i64) -> Command {
        self.hidden_since_ms = None;
        self.hurry(now_ms)
    }

    /// The network is back.
    pub fn hurry(&mut self, now_ms: i64) -> Command {
        match self.phase {
            Phase::Waiting { .. } => self.connect(now_ms),
            Phase::Asleep if self.hidden_since_ms.is_none() => self.connect(now_ms),
            _ => Command::Stay,
        }
    }

    /// A person asks for the connection.
    pub fn wake(&mut self, now_ms: i64) -> Command {
        match self.phase {
            Phase::Waiting { .. } | Phase::Refused { .. } | Phase::Asleep => self.connect(now_ms),
            Phase::Connecting { .. } | Phase::Open => Command::Stay,
        }
    }

    /// How that reads. `has_network` is what the browser believes; a relay on this machine does not need one.
    #[must_use]
    pub fn stream_state(&self, now_ms: i64, has_network: bool) -> StreamState {
        match &self.phase {
            Phase::Connecting { .. } if self.was_open => StreamState::Reconnecting { in_secs: 0 },
            Phase::Connecting { .. } => StreamState::Connecting,
            Phase::Open => match &self.behind {
                Some((why, _)) => StreamState::Lagging(why.clone()),
                None if self.rules.quiet_ms <= now_ms - self.heard_at_ms => {
                    StreamState::Lagging(format!("nothing heard for {} s", self.rules.quiet_ms / 1000))
                }
                None => StreamState::Live,
            },
            Phase::Waiting { .. } if !has_network => {
                StreamState::Offline("this browser has no network".to_owned())
            }
            Phase::Waiting { until_ms } => {
                let in_secs = u32::try_from((until_ms - now_ms).max(0).saturating_add(999) / 1000);
                StreamState::Reconnecting { in_secs: in_secs.unwrap_or(u32::MAX) }
            }
            Phase::Asleep => StreamState::Asleep,
            Phase::Refused { reason } => StreamState::Offline(reason.clone()),
        }
    }

    fn connect(&mut self, now_ms: i64) -> Command {
        self.phase = Phase::Connecting { since_ms: now_ms };
        Command::Open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules = Rules { quiet_ms: 20_000, watchdog_ms: 60_000, sleeps: true };

    fn open(rules: Rules) -> Link {
        let mut link = Link::new(rules, 0);
        link.opened(0);
        link.heard(0);
        link
    }

    fn check(link: &Link, now_ms: i64, expected: &StreamState) {
        assert_eq!(link.stream_state(now_ms, true), *expected, "{link:?}");
    }

    #[test]
    fn a_lost_connection_is_tried_again_when_its_wait_is_over() {
        let mut link = open(RULES);
        check(&link, 0, &StreamState::Live);
        link.failed(1_000, 1.0);
        check(&link, 1_000, &StreamState::Reconnecting { in_secs: 1 });
        assert_eq!(link.tick(1_999, 1.0), Command::Stay);
        assert_eq!(link.tick(2_000, 1.0), Command::Open);
        check(&link, 2_000, &StreamState::Reconnecting { in_secs: 0 });
        link.failed(2_000, 1.0);
        check(&link, 2_000, &StreamState::Reconnecting { in_secs: 2 });
        assert_eq!(
            link.stream_state(2_000, false),
            StreamState::Offline("this browser has no network".into())
        );
    }

    #[test]
    fn accepting_and_closing_at_once_does_not_reset_the_wait() {
        let mut link = Link::new(RULES, 0);
        for in_secs in [1, 2, 4] {
            link.opened(0);
            link.failed(0, 1.0);
            check(&link, 0, &StreamState::Reconnecting { in_secs });
            assert_eq!(link.hurry(0), Command::Open);
        }
        link.opened(0);
        link.heard(0);
        link.failed(0, 1.0);
        check(&link, 0, &StreamState::Reconnecting { in_secs: 1 });
    }

    #[test]
    fn silence_is_told_first_and_then_ends_the_connection() {
        let mut link = open(RULES);
        check(&link, 19_999, &StreamState::Live);
        check(&link, 20_000, &StreamState::Lagging("nothing heard for 20 s".into()));
        assert_eq!(link.tick(59_999, 1.0), Command::Stay);
        assert_eq!(link.tick(60_000, 1.0), Command::Close);
        check(&link, 60_000, &StreamState::Reconnecting { in_secs: 1 });
    }

    #[test]
    fn an_attempt_that_hangs_is_given_up() {
        let mut link = Link::new(RULES, 0);
        check(&link, 0, &StreamState::Connecting);
        assert_eq!(link.tick(CONNECT_MS_MAX - 1, 0.0), Command::Stay);
        assert_eq!(link.tick(CONNECT_MS_MAX, 0.0), Command::Close);
    }

    #[test]
    fn a_hidden_tab_sleeps_and_wakes_when_shown() {
        let mut link = open(RULES);
        link.hidden(0);
        link.hidden(20_000);
        assert_eq!(link.tick(HIDDEN_MS_MAX - 1, 0.0), Command::Stay);
        assert_eq!(link.tick(HIDDEN_MS_MAX, 0.0), Command::Close);
        assert_eq!(link.tick(HIDDEN_MS_MAX + 1, 0.0), Command::Stay);
        check(&link, HIDDEN_MS_MAX, &StreamState::Asleep);
        link.failed(HIDDEN_MS_MAX, 0.0);
        check(&link, HIDDEN_MS_MAX, &StreamState::Asleep);
        assert_eq!(link.hurry(40_000), Command::Stay, "the network is back, but nobody looks");
        assert_eq!(link.shown(50_000), Command::Open);
    }

    #[test]
    fn a_hidden_tab_does_not_keep_trying_either() {
        let mut link = open(RULES);
        link.failed(0, 1.0);
        link.hidden(0);
        assert_eq!(link.tick(HIDDEN_MS_MAX, 0.0), Command::Stay);
        check(&link, HIDDEN_MS_MAX, &StreamState::Asleep);
        let mut socket = open(Rules { sleeps: false, ..RULES });
        socket.hidden(0);
        socket.heard(HIDDEN_MS_MAX);
        assert_eq!(socket.tick(HIDDEN_MS_MAX, 0.0), Command::Stay);
        check(&socket, HIDDEN_MS_MAX, &StreamState::Live);
    }

    #[test]
    fn a_refusal_stands_until_a_person_asks() {
        let mut link = open(RULES);
        link.refused("the relay speaks protocol 2".into());
        check(&link, 0, &StreamState::Offline("the relay speaks protocol 2".into()));
        assert_eq!(link.tick(1_000_000, 0.0), Command::Stay);
        assert_eq!(link.shown(0), Command::Stay);
        link.failed(0, 0.0);
        assert_eq!(link.wake(0), Command::Open);
    }

    #[test]
    fn falling_behind_is_said_for_a_while() {
        let mut link = open(RULES);
        link.fell_behind("12 skipped".into(), 0, 5_000);
        assert_eq!(link.tick(4_999, 0.0), Command::Stay);
        check(&link, 4_999, &StreamState::Lagging("12 skipped".into()));
        assert_eq!(link.tick(5_000, 0.0), Command::Stay);
        check(&link, 5_000, &StreamState::Live);
    }
}
