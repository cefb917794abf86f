//! What this page has published lately, and what became of it.

use std::collections::VecDeque;
use std::sync::Arc;

use signalbox_shared::ChannelName;
use signalbox_shared::socket::AckDetail;

use super::{units, visible};

/// How many are remembered: what fits below the form.
pub const PUBLISHES_MAX: usize = 20;
/// Most bytes of data remembered, in memory, so that it can be sent again; older entries keep only their size.
pub const PUBLISHES_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What became of one publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// No answer yet.
    Waiting,
    /// Carried out.
    Done(Option<AckDetail>),
    /// Not carried out; the relay says why.
    Refused(String),
    /// The connection was lost before the answer: it may or may not have been carried out.
    Unknown,
}

/// One publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publish {
    /// Its number on this page, from 1.
    pub number: u64,
    /// Where to.
    pub channel: ChannelName,
    /// Size of the data in bytes.
    pub size_bytes: usize,
    /// The data; none once newer ones took its place.
    pub data: Option<Arc<[u8]>>,
    /// What became of it.
    pub outcome: Outcome,
}

/// The latest publishes, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Publishes {
    last_number: u64,
    entries: VecDeque<Publish>,
}

impl Publishes {
    /// Remembers a publish and gives its number.
    pub fn begin(&mut self, channel: ChannelName, data: &[u8], outcome: Outcome) -> u64 {
        self.last_number += 1;
        let (number, size_bytes) = (self.last_number, data.len());
        self.entries.push_front(Publish { number, channel, size_bytes, data: Some(data.into()), outcome });
        self.entries.truncate(PUBLISHES_MAX);
        let mut n_bytes = 0;
        for entry in &mut self.entries {
            n_bytes += entry.size_bytes;
            if PUBLISHES_BYTES_MAX < n_bytes {
                entry.data = None;
            }
        }
        self.last_number
    }

    /// Says what became of one; one that is forgotten already stays forgotten.
    pub fn end(&mut self, number: u64, outcome: Outcome) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.number == number) {
            entry.outcome = outcome;
        }
    }

    /// The latest ones, newest first.
    pub fn entries(&self) -> impl Iterator<Item = &Publish> {
        self.entries.iter()
    }
}

impl Publish {
    /// A sentence that says where it went and what became of it.
    #[must_use]
    pub fn sentence(&self) -> String {
        let what = format!(
            "{} to {}",
            units::bytes(self.size_bytes as u64),
            visible::line(self.channel.as_str().as_bytes())
        );
        match &self.outcome {
            Outcome::Waiting => format!("{what}: sent, no answer yet"),
            Outcome::Done(None | Some(AckDetail::Purged { .. } | AckDetail::Said { .. })) => {
                format!("{what}: taken")
            }
            Outcome::Done(Some(AckDetail::Queued { n_subscribers })) => {
                format!("{what}: queued for {}", units::counted(*n_subscribers, "subscriber", "subscribers"))
            }
            Outcome::Done(Some(AckDetail::Waiting)) => format!("{what}: waits in the queue for a consumer"),
            Outcome::Done(Some(AckDetail::Sent)) => {
                format!("{what}: sent, this broker does not tell to whom")
            }
            Outcome::Done(Some(AckDetail::Unrouted)) => format!("{what}: nobody was subscribed, discarded"),
            Outcome::Refused(reason) => format!("{what}: refused, {reason}"),
            Outcome::Unknown => format!("{what}: connection lost before the answer, it may have been taken"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_finds_its_publish() {
        let mut publishes = Publishes::default();
        let channel: ChannelName = "/topic/\u{202e}a".parse().unwrap();
        let first = publishes.begin(channel.clone(), b"12345", Outcome::Waiting);
        let second = publishes.begin(channel, b"123456", Outcome::Waiting);
        publishes.end(first, Outcome::Done(Some(AckDetail::Queued { n_subscribers: 1 })));
        publishes.end(second, Outcome::Refused("too large".into()));
        let sentences: Vec<_> = publishes.entries().map(Publish::sentence).collect();
        assert!(sentences[0].ends_with("refused, too large"), "{sentences:?}");
        assert!(sentences[1].ends_with("to /topic/⟨U+202E⟩a: queued for 1 subscriber"), "{sentences:?}");
    }

    #[test]
    fn only_the_latest_are_remembered() {
        let mut publishes = Publishes::default();
        for _ in 0..PUBLISHES_MAX + 5 {
            publishes.begin("/null".parse().unwrap(), b"", Outcome::Waiting);
        }
        publishes.end(1, Outcome::Unknown);
        assert_eq!(publishes.entries().count(), PUBLISHES_MAX);
        assert!(publishes.entries().all(|entry| entry.outcome == Outcome::Waiting));
    }

    #[test]
    fn data_is_kept_within_its_bound() {
        let mut publishes = Publishes::default();
        let large = vec![0; PUBLISHES_BYTES_MAX / 2];
        for _ in 0..3 {
            publishes.begin("/null".parse().unwrap(), &large, Outcome::Waiting);
        }
        let kept: Vec<bool> = publishes.entries().map(|entry| entry.data.is_some()).collect();
        assert_eq!(kept, [true, true, false]);
    }
}
