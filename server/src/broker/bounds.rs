//! Which bounds are in force on a channel: the global ones, or those of the longest prefix that its name begins with.

use super::frame::FrameLimits;
use super::options::BoundsRule;
use super::outbox::Bounds;
use crate::limits::Limits;

/// The bounds in force on one channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ChannelBounds {
    /// What may wait in it, when it is a queue.
    pub(crate) backlog: Bounds,
    /// What may wait for each of its subscribers.
    pub(crate) outbox: Bounds,
    /// Largest data published on it.
    pub(crate) frame_bytes: usize,
}

/// Every rule, and what holds where there is none.
#[derive(Debug)]
pub(crate) struct BoundsTable {
    global: ChannelBounds,
    /// Longest prefix first.
    by_prefix: Vec<(Box<[u8]>, ChannelBounds)>,
}

impl BoundsTable {
    pub(crate) fn new(limits: &Limits, rules: &[BoundsRule]) -> Self {
        let global = ChannelBounds {
            backlog: Bounds {
                n_messages: limits.broker_backlog_messages,
                n_bytes: saturate(limits.broker_backlog_bytes),
            },
            outbox: Bounds {
                n_messages: limits.broker_outbox_messages,
                n_bytes: saturate(limits.broker_outbox_bytes),
            },
            frame_bytes: saturate(limits.broker_frame_bytes),
        };
        let mut table = Self { global, by_prefix: Vec::new() };
        let mut rules: Vec<&BoundsRule> = rules.iter().collect();
        rules.sort_by_key(|rule| rule.prefix.len());
        for rule in rules {
            let prefix = rule.prefix.as_bytes();
            let bounds = table.of(prefix).with(rule); // shorter prefixes are there already
            table.by_prefix.insert(0, (prefix.into(), bounds));
        }
        table
    }

    /// The bounds of the channel of that name.
    pub(crate) fn of(&self, name: &[u8]) -> ChannelBounds {
        let rule = self.by_prefix.iter().find(|(prefix, _)| name.starts_with(prefix));
        rule.map_or(self.global, |(_, bounds)| *bounds)
    }

    /// The largest frame that some channel takes.
    pub(crate) fn frame_bytes_max(&self) -> usize {
        let frames = self.by_prefix.iter().map(|(_, bounds)| bounds.frame_bytes);
        frames.fold(self.global.frame_bytes, usize::max)
    }
}

impl FrameLimits for BoundsTable {
    fn of_names(&self) -> usize {
        self.global.frame_bytes
    }

    fn of_data(&self, channel: &[u8]) -> usize {
        self.of(channel).frame_bytes
    }
}

impl ChannelBounds {
    fn with(mut self, rule: &BoundsRule) -> Self {
        let put = |place: &mut usize, said: Option<u64>| *place = said.map_or(*place, saturate);
        self.backlog.n_messages = rule.backlog_messages.unwrap_or(self.backlog.n_messages);
        self.outbox.n_messages = rule.outbox_messages.unwrap_or(self.outbox.n_messages);
        put(&mut self.backlog.n_bytes, rule.backlog_bytes);
        put(&mut self.outbox.n_bytes, rule.outbox_bytes);
        put(&mut self.frame_bytes, rule.frame_bytes);
        self
    }
}

/// A bound in bytes as a size in memory.
pub(crate) fn saturate(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_wins_and_inherits_what_it_leaves_open() {
        let rule = |prefix: &str, frame_bytes, outbox_messages| BoundsRule {
            prefix: prefix.to_owned(),
            frame_bytes,
            outbox_messages,
            ..BoundsRule::default()
        };
        let rules = [
            rule("/topic/a/b", Some(9), None),
            rule("/topic/a", None, Some(20)),
            rule("/topic", Some(30), Some(40)),
        ];
        let table = BoundsTable::new(&Limits { broker_frame_bytes: 10, ..Limits::default() }, &rules);
        let check = |name: &str, frame_bytes: usize, outbox_messages: u64| {
            let found = table.of(name.as_bytes());
            assert_eq!(
                (found.frame_bytes, found.outbox.n_messages),
                (frame_bytes, outbox_messages),
                "{name}"
            );
            assert_eq!(found.backlog, table.global.backlog);
        };
        check("/queue/a", 10, Limits::default().broker_outbox_messages);
        check("/topic", 30, 40);
        check("/topic/other", 30, 40);
        check("/topic/a", 30, 20);
        check("/topic/able", 30, 20);
        check("/topic/a/b/c", 9, 20);
        assert_eq!(table.frame_bytes_max(), 30);
    }
}
