//! How one stream between page and relay fares, as a person wants to be told.
//!
//! Knows nothing of sockets: `transport::link` says what happened, this says how it reads.

/// The relay gathers a feed's events for so long, in milliseconds, and sends them at once: the charts draw no sooner, and a
/// task of the browser for each sample would cost more than all that is done with it.
pub const GATHER_MS: u32 = 200;

/// The state of one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamState {
    /// The first connection is being made.
    Connecting,
    /// Connected, and up to date.
    Live,
    /// Connected, but behind or quiet; the text says how.
    Lagging(String),
    /// Not connected; the next attempt is due after this many seconds, rounded up.
    Reconnecting {
        /// Seconds until the next attempt; 0 while it is being made.
        in_secs: u32,
    },
    /// Closed on purpose while the tab is hidden; resumes when it is shown.
    Asleep,
    /// Not connected, and no attempt is due; the text says why.
    Offline(String),
}

impl StreamState {
    /// The word that stands in the pill.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::Connecting => "connecting".to_owned(),
            Self::Live => "live".to_owned(),
            Self::Lagging(_) => "lagging".to_owned(),
            Self::Reconnecting { in_secs: 0 } => "reconnecting".to_owned(),
            Self::Reconnecting { in_secs } => format!("reconnecting in {in_secs} s"),
            Self::Asleep => "asleep".to_owned(),
            Self::Offline(_) => "offline".to_owned(),
        }
    }

    /// The name of its look: the value of the pill's `data-state`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Live => "live",
            Self::Lagging(_) => "lagging",
            Self::Reconnecting { .. } => "reconnecting",
            Self::Asleep => "asleep",
            Self::Offline(_) => "offline",
        }
    }

    /// A whole sentence for the pill's title and for screen readers; `stream` is what the pill is called.
    #[must_use]
    pub fn sentence(&self, stream: &str) -> String {
        match self {
            Self::Connecting => format!("{stream}: connecting to the relay."),
            Self::Live => format!("{stream}: live."),
            Self::Lagging(why) => format!("{stream}: lagging, {why}."),
            Self::Reconnecting { in_secs: 0 } => format!("{stream}: connection lost, connecting again."),
            Self::Reconnecting { in_secs } => {
                format!("{stream}: connection lost, next attempt in {in_secs} s. Press to connect now.")
            }
            Self::Asleep => format!("{stream}: asleep while this tab is hidden."),
            Self::Offline(why) => format!("{stream}: offline, {why}. Press to connect."),
        }
    }

    /// What a screen reader is told without being asked: the sentence without the countdown, so that it is not
    /// repeated every second.
    #[must_use]
    pub fn announcement(&self, stream: &str) -> String {
        match self {
            Self::Reconnecting { .. } => format!("{stream}: connection lost, reconnecting."),
            other => other.sentence(stream),
        }
    }

    /// Whether pressing the pill would help.
    #[must_use]
    pub fn can_wake(&self) -> bool {
        matches!(self, Self::Reconnecting { .. } | Self::Offline(_))
    }

    /// Whether data comes.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        matches!(self, Self::Live | Self::Lagging(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_say_when() {
        assert_eq!(StreamState::Reconnecting { in_secs: 7 }.label(), "reconnecting in 7 s");
        assert_eq!(StreamState::Reconnecting { in_secs: 0 }.label(), "reconnecting");
        assert_eq!(StreamState::Live.label(), "live");
    }

    #[test]
    fn the_countdown_is_not_announced_again() {
        let at = |in_secs| StreamState::Reconnecting { in_secs }.announcement("Feed");
        assert_eq!(at(9), at(1));
        assert_ne!(
            StreamState::Reconnecting { in_secs: 9 }.sentence("Feed"),
            StreamState::Reconnecting { in_secs: 8 }.sentence("Feed")
        );
    }
}
