//! One message sent many times at a rate: how many are due, and what became of them. The time is passed in.

/// Most messages of one run.
pub const TIMES_MAX: u64 = 1_000_000;
/// Most messages a second: half of what the relay takes from one page by default (`socket_requests_per_sec`), so that
/// everything else on the page still gets through.
pub const PER_SEC_MAX: u64 = 100;
/// Most messages that wait for their answers; then the run waits too.
const WAITING_MAX: u64 = 64;

/// A run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// Its number on this page, from 1: a late answer to a run before is none to this one.
    pub number: u64,
    /// How many messages are to be sent.
    pub n_times: u64,
    /// How many a second.
    pub per_sec: u64,
    /// Handed to the socket.
    pub n_sent: u64,
    /// Acknowledged.
    pub n_taken: u64,
    /// Refused by the relay, or not sent at all.
    pub n_refused: u64,
    /// Without an answer, because the connection was lost: they may have been taken.
    pub n_unknown: u64,
    /// Why the last refused one was.
    pub last_refusal: Option<String>,
    started_ms: i64,
    waiting_max: u64,
    is_stopped: bool,
}

impl Repeat {
    /// A run that begins now; the figures are brought within their bounds.
    #[must_use]
    pub fn new(number: u64, n_times: u64, per_sec: u64, now_ms: i64) -> Self {
        Self {
            number,
            waiting_max: WAITING_MAX,
            n_times: n_times.clamp(1, TIMES_MAX),
            per_sec: per_sec.clamp(1, PER_SEC_MAX),
            n_sent: 0,
            n_taken: 0,
            n_refused: 0,
            n_unknown: 0,
            last_refusal: None,
            started_ms: now_ms,
            is_stopped: false,
        }
    }

    /// The same, but each message waits for the answer to the one before it.
    #[must_use]
    pub fn one_by_one(self) -> Self {
        Self { waiting_max: 1, ..self }
    }

    /// How many to send now. The first one is due at once.
    #[must_use]
    pub fn due(&self, now_ms: i64) -> u64 {
        if self.is_stopped {
            return 0;
        }
        let passed_ms = u64::try_from(now_ms - self.started_ms).unwrap_or(0);
        let n_due = (passed_ms.saturating_mul(self.per_sec) / 1_000 + 1).min(self.n_times);
        n_due.saturating_sub(self.n_sent).min(self.waiting_max.saturating_sub(self.n_waiting()))
    }

    /// Messages without an answer so far.
    #[must_use]
    pub fn n_waiting(&self) -> u64 {
        self.n_sent - self.n_taken - self.n_refused - self.n_unknown
    }

    /// No more are sent; answers still come.
    pub fn stop(&mut self) {
        self.is_stopped = true;
    }

    /// Notes a refusal.
    pub fn refused(&mut self, reason: String) {
        self.n_refused += 1;
        self.last_refusal = Some(reason);
    }

    /// Notes that one will have no answer.
    pub fn unknown(&mut self) {
        self.n_unknown += 1;
    }

    /// The connection is gone: what waits will have no answer, and nothing more is sent.
    pub fn lost(&mut self) {
        self.n_unknown += self.n_waiting();
        self.stop();
    }

    /// Whether nothing more will be sent.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.is_stopped || self.n_sent == self.n_times
    }

    /// How it fares, as a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let count = super::units::count;
        let mut text = format!("{} of {} sent", count(self.n_sent), count(self.n_times));
        for (n, what) in [
            (self.n_taken, "acknowledged"),
            (self.n_waiting(), "waiting for an answer"),
            (self.n_refused, "refused"),
            (self.n_unknown, "unknown, connection lost"),
        ] {
            if n > 0 {
                text.push_str(&format!(", {} {what}", count(n)));
            }
        }
        if let Some(why) = &self.last_refusal {
            text.push_str(&format!(" (last: {why})"));
        }
        if self.is_stopped && self.n_sent < self.n_times {
            text.push_str(", stopped");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_due_at_their_rate() {
        let mut repeat = Repeat::new(1, 25, 10, 1_000);
        let mut sent = Vec::new();
        for now_ms in [1_000, 1_050, 1_100, 1_500, 900, 10_000, 10_001] {
            let n = repeat.due(now_ms);
            repeat.n_sent += n;
            repeat.n_taken += n;
            sent.push(n);
        }
        assert_eq!(sent, [1, 0, 1, 4, 0, 19, 0]);
        assert!(repeat.is_over());
        assert_eq!(repeat.sentence(), "25 of 25 sent, 25 acknowledged");
    }

    #[test]
    fn answers_are_waited_for_and_accounts_are_exact() {
        let mut repeat = Repeat::new(1, 1_000, 100, 0);
        assert_eq!(repeat.due(10_000), WAITING_MAX);
        repeat.n_sent += WAITING_MAX;
        assert_eq!(repeat.due(20_000), 0);
        repeat.n_taken += 3;
        repeat.refused("no".into());
        assert_eq!(repeat.due(20_000), 4);
        repeat.lost();
        assert_eq!(repeat.n_sent, repeat.n_taken + repeat.n_refused + repeat.n_unknown);
        assert_eq!(repeat.due(99_000), 0);
        assert_eq!(
            repeat.sentence(),
            "64 of 1,000 sent, 3 acknowledged, 1 refused, 60 unknown, connection lost (last: no), stopped"
        );
    }

    #[test]
    fn figures_stay_within_their_bounds() {
        let repeat = Repeat::new(1, u64::MAX, u64::MAX, 0);
        assert_eq!((repeat.n_times, repeat.per_sec), (TIMES_MAX, PER_SEC_MAX));
        let repeat = Repeat::new(1, 0, 0, 0);
        assert_eq!((repeat.n_times, repeat.per_sec, repeat.due(i64::MAX)), (1, 1, 1));
    }

    #[test]
    fn large_ones_go_one_by_one() {
        let mut repeat = Repeat::new(1, 3, 100, 0).one_by_one();
        assert_eq!(repeat.due(10_000), 1);
        repeat.n_sent += 1;
        assert_eq!(repeat.due(10_000), 0);
        repeat.unknown();
        assert_eq!(repeat.due(10_000), 1);
    }
}
