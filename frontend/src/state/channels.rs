//! The broker's channels and their statistics, from whole lists and deltas.

use std::collections::BTreeMap;

use signalbox_shared::ChannelName;
use signalbox_shared::api::ChannelRow;

/// Most channels kept, well over the relay's default of 4,096; further ones are counted in [`Channels::n_refused`].
pub const CHANNELS_MAX: usize = 10_000;

/// Every channel by its name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Channels {
    rows: BTreeMap<ChannelName, ChannelRow>,
    /// Whether the relay has sent a list yet.
    pub is_known: bool,
    /// Rows of the latest message that did not fit.
    pub n_refused: usize,
}

impl Channels {
    /// Takes one `channels` message. Returns whether a channel came or went, so that the list itself has changed.
    pub fn apply(&mut self, is_full: bool, rows: Vec<ChannelRow>, gone: &[ChannelName]) -> bool {
        let mut has_changed = !self.is_known;
        self.is_known = true;
        self.n_refused = 0;
        if is_full {
            let n_before = self.rows.len();
            self.rows.retain(|name, _| rows.iter().any(|row| row.name == *name));
            has_changed |= self.rows.len() != n_before;
        }
        for name in gone {
            has_changed |= self.rows.remove(name).is_some();
        }
        for row in rows {
            if let Some(slot) = self.rows.get_mut(&row.name) {
                *slot = row;
            } else if self.rows.len() < CHANNELS_MAX {
                self.rows.insert(row.name.clone(), row);
                has_changed = true;
            } else {
                self.n_refused += 1;
            }
        }
        has_changed
    }

    /// The connection is gone: what is known is out of date, and rates are not zero but unknown.
    pub fn forget_rates(&mut self) {
        for row in self.rows.values_mut() {
            row.in_per_sec = None;
            row.out_per_sec = None;
        }
    }

    /// One channel.
    #[must_use]
    pub fn row(&self, name: &ChannelName) -> Option<&ChannelRow> {
        self.rows.get(name)
    }

    /// Every name, in order.
    pub fn names(&self) -> impl Iterator<Item = &ChannelName> {
        self.rows.keys()
    }

    /// Names that contain `needle`, letter case aside, in order.
    #[must_use]
    pub fn matching(&self, needle: &str) -> Vec<ChannelName> {
        let needle = needle.trim().to_lowercase();
        self.names().filter(|name| name.as_str().to_lowercase().contains(&needle)).cloned().collect()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, depth: u64) -> ChannelRow {
        let name: ChannelName = name.parse().unwrap();
        ChannelRow {
            kind: name.kind(),
            name,
            depth: Some(depth),
            depth_bytes: Some(0),
            in_per_sec: Some(1.0),
            out_per_sec: Some(1.0),
            in_total: Some(0),
            out_total: Some(0),
            subscribers: Some(0),
            taps: Some(0),
            dropped: Some(0),
            unrouted: Some(0),
            purged: Some(0),
            last_message_at_ms: None,
            seen: None,
        }
    }

    fn names(channels: &Channels) -> Vec<&str> {
        channels.names().map(ChannelName::as_str).collect()
    }

    #[test]
    fn a_delta_changes_only_what_it_names() {
        let mut channels = Channels::default();
        assert!(channels.apply(true, vec![row("b", 1), row("a", 2)], &[]));
        assert!(!channels.apply(false, vec![row("a", 9)], &[]), "a value is no change of the list");
        assert!(channels.apply(false, vec![row("c", 3)], &["b".parse().unwrap()]));
        assert_eq!(names(&channels), ["a", "c"]);
        assert_eq!(channels.row(&"a".parse().unwrap()).unwrap().depth, Some(9));
        assert!(!channels.apply(false, vec![], &["b".parse().unwrap()]), "it was gone already");
    }

    #[test]
    fn a_whole_list_removes_what_it_does_not_name() {
        let mut channels = Channels::default();
        channels.apply(true, vec![row("a", 1), row("b", 1)], &[]);
        assert!(channels.apply(true, vec![row("b", 1)], &[]));
        assert_eq!(names(&channels), ["b"]);
    }

    #[test]
    fn searches_without_regard_to_case() {
        let mut channels = Channels::default();
        channels.apply(true, vec![row("/topic/Hello", 1), row("/queue/work", 1)], &[]);
        assert_eq!(channels.matching(" HELL ").len(), 1);
        assert_eq!(channels.matching("").len(), 2);
    }

    #[test]
    fn channels_are_bounded_and_the_rest_is_counted() {
        let mut channels = Channels::default();
        let rows = (0..CHANNELS_MAX + 2).map(|i| row(&format!("/topic/{i}"), 0)).collect();
        channels.apply(true, rows, &[]);
        assert_eq!((channels.len(), channels.n_refused), (CHANNELS_MAX, 2));
    }
}
