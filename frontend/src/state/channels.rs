//! The broker's channels and their statistics, from whole lists and deltas.

use std::collections::{BTreeMap, HashSet, VecDeque};

use signalbox_shared::api::ChannelRow;
use signalbox_shared::channel::{ALERTS_CHANNEL, MARKS_CHANNEL, OTHER_CHANNEL};
use signalbox_shared::{ChannelName, chat};

/// Most channels kept, four times the relay's default; further ones are counted in [`Channels::n_refused`].
pub const CHANNELS_MAX: usize = 16_384;

/// How far back a channel's rates are kept, in seconds: what a sparkline shows.
pub const RATES_SECS: i64 = 60;

/// Every channel by its name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Channels {
    rows: BTreeMap<ChannelName, ChannelRow>,
    /// Rates of the last minute, where they changed; one without a row is forgotten with the next look.
    rates: BTreeMap<ChannelName, VecDeque<Rates>>,
    /// When the relay looked last, in milliseconds since the Unix epoch.
    pub looked_at_ms: i64,
    /// Whether the relay has sent a list yet.
    pub is_known: bool,
    /// Rows of the latest message that did not fit.
    pub n_refused: usize,
    /// How often channels have come or gone.
    pub n_turnovers: u64,
}

/// A channel's rates from one second on, until the next entry.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Rates {
    at_ms: i64,
    in_per_sec: Option<f32>,
    out_per_sec: Option<f32>,
}

/// One of a channel's two rates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Published.
    In,
    /// Handed to subscribers.
    Out,
}

impl Direction {
    /// Both.
    pub const ALL: [Self; 2] = [Self::In, Self::Out];

    /// What its line is called.
    #[must_use]
    pub fn line(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
        }
    }

    /// Its place among the colours of the charts: sky blue and vermilion, which nobody takes for each other and which both
    /// stand out from either ground. The style sheet's `--line-in` and `--line-out` are the same colours.
    #[must_use]
    pub fn slot(self) -> usize {
        match self {
            Self::In => 4,
            Self::Out => 5,
        }
    }
}

/// Whether Signalbox itself reads or writes a channel of that name (docs/protocol.md), so that it is there before
/// anybody has done anything.
fn is_own(name: &ChannelName) -> bool {
    let of_relay = [MARKS_CHANNEL, ALERTS_CHANNEL, OTHER_CHANNEL];
    of_relay.contains(&name.as_str()) || name.as_str().starts_with(chat::CHANNEL_PREFIX)
}

impl Channels {
    /// Takes one `channels` message; a full list may come in several, of which only the first is full.
    pub fn apply(&mut self, now_ms: i64, is_full: bool, rows: Vec<ChannelRow>, gone: &[ChannelName]) {
        let mut has_changed = !self.is_known;
        self.is_known = true;
        if now_ms != self.looked_at_ms {
            self.looked_at_ms = now_ms;
            self.n_refused = 0;
            let known = &self.rows;
            self.rates.retain(|name, _| known.contains_key(name));
        }
        if is_full {
            let n_before = self.rows.len();
            let named: HashSet<&ChannelName> = rows.iter().map(|row| &row.name).collect();
            self.rows.retain(|name, _| named.contains(name));
            has_changed |= self.rows.len() != n_before;
        }
        for name in gone {
            has_changed |= self.rows.remove(name).is_some();
            self.rates.remove(name);
        }
        for row in rows {
            if self.rows.contains_key(&row.name) || self.rows.len() < CHANNELS_MAX {
                self.note_rates(now_ms, &row);
            }
            if let Some(slot) = self.rows.get_mut(&row.name) {
                *slot = row;
            } else if self.rows.len() < CHANNELS_MAX {
                self.rows.insert(row.name.clone(), row);
                has_changed = true;
            } else {
                self.n_refused += 1;
            }
        }
        self.n_turnovers += u64::from(has_changed);
    }

    /// The connection is gone: what is known is out of date, and rates are not zero but unknown.
    pub fn forget_rates(&mut self) {
        let at_ms = self.looked_at_ms;
        for row in self.rows.values_mut() {
            row.in_per_sec = None;
            row.out_per_sec = None;
        }
        for rates in self.rates.values_mut() {
            rates.push_back(Rates { at_ms, in_per_sec: None, out_per_sec: None });
        }
    }

    fn note_rates(&mut self, at_ms: i64, row: &ChannelRow) {
        #[expect(clippy::cast_possible_truncation, reason = "a sparkline has a few pixels")]
        let short = |rate: Option<f64>| rate.map(|rate| rate as f32);
        let new = Rates { at_ms, in_per_sec: short(row.in_per_sec), out_per_sec: short(row.out_per_sec) };
        let rates = self.rates.entry(row.name.clone()).or_default();
        if rates
            .back()
            .is_none_or(|last| (last.in_per_sec, last.out_per_sec) != (new.in_per_sec, new.out_per_sec))
        {
            rates.push_back(new);
        }
        // The last entry before the window still tells what its first second was like.
        while rates.get(1).is_some_and(|next| next.at_ms <= at_ms - RATES_SECS * 1_000) {
            rates.pop_front();
        }
    }

    /// One rate of a channel, for each second of the last minute, oldest first; unknown where nobody looked.
    #[must_use]
    pub fn rates(&self, name: &ChannelName, direction: Direction) -> Vec<Option<f32>> {
        let mut points = vec![None; RATES_SECS as usize];
        let Some(rates) = self.rates.get(name) else { return points };
        let from_ms = self.looked_at_ms - RATES_SECS * 1_000;
        let mut rates = rates.iter().peekable();
        let mut current = None;
        for (second, point) in points.iter_mut().enumerate() {
            let at_ms = from_ms + (second as i64 + 1) * 1_000;
            while let Some(next) = rates.next_if(|rates| rates.at_ms < at_ms + 500) {
                current = Some(*next);
            }
            *point = current.and_then(|rates| match direction {
                Direction::In => rates.in_per_sec,
                Direction::Out => rates.out_per_sec,
            });
        }
        points
    }

    /// Whether there is a channel that is not Signalbox's own.
    #[must_use]
    pub fn has_foreign(&self) -> bool {
        self.rows.keys().any(|name| !is_own(name))
    }

    /// The sums of all channels whose name begins with `prefix` and is looked for.
    #[must_use]
    pub fn sums(&self, prefix: &str, search: &Search) -> Sums {
        let Ok(first) = prefix.parse::<ChannelName>() else { return Sums::default() };
        let rows = self.rows.range(first..).take_while(|(name, _)| name.as_str().starts_with(prefix));
        let found = rows.filter(|(name, _)| search.finds(name));
        found.fold(Sums::default(), |sums, (_, row)| sums.plus(&Sums::of(row)))
    }

    /// Every channel's statistics, in the order of their names.
    pub fn rows(&self) -> impl Iterator<Item = &ChannelRow> {
        self.rows.values()
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

/// What a person looks for in the names, letter case aside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    needle: String,
}

impl Search {
    /// As it was typed; nothing but blanks finds every channel.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self { needle: text.trim().to_lowercase() }
    }

    /// Whether anything is looked for.
    #[must_use]
    pub fn is_narrowing(&self) -> bool {
        !self.needle.is_empty()
    }

    /// Whether this is a name that is looked for.
    #[must_use]
    pub fn finds(&self, name: &ChannelName) -> bool {
        self.needle.is_empty() || name.as_str().to_lowercase().contains(&self.needle)
    }
}

/// Figures of several channels together; one that is unknown for any of them is unknown for all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sums {
    /// Channels.
    pub n_channels: usize,
    /// Messages that wait.
    pub depth: Option<u64>,
    /// Published per second.
    pub in_per_sec: Option<f64>,
    /// Handed to subscribers per second.
    pub out_per_sec: Option<f64>,
    /// Who takes part in the delivery.
    pub subscribers: Option<u64>,
    /// Lost by slow subscribers.
    pub dropped: Option<u64>,
    /// Without a subscriber.
    pub unrouted: Option<u64>,
    /// When the latest message came, in milliseconds since the Unix epoch.
    pub last_message_at_ms: Option<i64>,
}

impl Default for Sums {
    fn default() -> Self {
        Self {
            n_channels: 0,
            depth: Some(0),
            in_per_sec: Some(0.0),
            out_per_sec: Some(0.0),
            subscribers: Some(0),
            dropped: Some(0),
            unrouted: Some(0),
            last_message_at_ms: None,
        }
    }
}

impl Sums {
    /// The figures of one channel.
    #[must_use]
    pub fn of(row: &ChannelRow) -> Self {
        Self {
            n_channels: 1,
            depth: row.depth,
            in_per_sec: row.in_per_sec,
            out_per_sec: row.out_per_sec,
            subscribers: row.subscribers,
            dropped: row.dropped,
            unrouted: row.unrouted,
            last_message_at_ms: row.last_message_at_ms,
        }
    }

    /// Both together.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        let count = |a: Option<u64>, b: Option<u64>| a.zip(b).map(|(a, b)| a.saturating_add(b));
        let rate = |a: Option<f64>, b: Option<f64>| a.zip(b).map(|(a, b)| a + b);
        Self {
            n_channels: self.n_channels + other.n_channels,
            depth: count(self.depth, other.depth),
            in_per_sec: rate(self.in_per_sec, other.in_per_sec),
            out_per_sec: rate(self.out_per_sec, other.out_per_sec),
            subscribers: count(self.subscribers, other.subscribers),
            dropped: count(self.dropped, other.dropped),
            unrouted: count(self.unrouted, other.unrouted),
            last_message_at_ms: self.last_message_at_ms.max(other.last_message_at_ms),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A channel with so many messages waiting and one a second coming and going.
    pub(in super::super) fn row(name: &str, depth: u64) -> ChannelRow {
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
            refused: Some(0),
            last_message_at_ms: None,
            seen: None,
        }
    }

    fn names(channels: &Channels) -> Vec<&str> {
        channels.names().map(ChannelName::as_str).collect()
    }

    #[test]
    fn what_signalbox_has_for_itself_is_not_foreign() {
        let mut channels = Channels::default();
        channels.apply(0, true, vec![row("/topic/marks", 0), row("/topic/chat/lobby", 0)], &[]);
        assert!(!channels.has_foreign());
        channels.apply(0, false, vec![row("/topic/chats", 0)], &[]);
        assert!(channels.has_foreign());
    }

    #[test]
    fn a_delta_changes_only_what_it_names() {
        let mut channels = Channels::default();
        channels.apply(0, true, vec![row("b", 1), row("a", 2)], &[]);
        let n_turnovers = channels.n_turnovers;
        channels.apply(0, false, vec![row("a", 9)], &[]);
        assert_eq!(channels.n_turnovers, n_turnovers, "a value is no change of the list");
        channels.apply(0, false, vec![row("c", 3)], &["b".parse().unwrap()]);
        assert_eq!(channels.n_turnovers, n_turnovers + 1);
        assert_eq!(names(&channels), ["a", "c"]);
        assert_eq!(channels.row(&"a".parse().unwrap()).unwrap().depth, Some(9));
        channels.apply(0, false, vec![], &["b".parse().unwrap()]);
        assert_eq!(channels.n_turnovers, n_turnovers + 1, "it was gone already");
    }

    #[test]
    fn a_whole_list_removes_what_it_does_not_name() {
        let mut channels = Channels::default();
        channels.apply(0, true, vec![row("a", 1), row("b", 1)], &[]);
        let n_turnovers = channels.n_turnovers;
        channels.apply(0, true, vec![row("b", 1)], &[]);
        assert_eq!(channels.n_turnovers, n_turnovers + 1);
        assert_eq!(names(&channels), ["b"]);
    }

    #[test]
    fn channels_are_bounded_and_the_rest_is_counted() {
        let mut channels = Channels::default();
        let rows = (0..CHANNELS_MAX + 2).map(|i| row(&format!("/topic/{i}"), 0)).collect();
        channels.apply(0, true, rows, &[]);
        assert_eq!((channels.len(), channels.n_refused), (CHANNELS_MAX, 2));
    }

    #[test]
    fn a_full_list_in_several_messages_keeps_the_rates() {
        let mut channels = Channels::default();
        channels.apply(1_000, true, vec![row("a", 1), row("b", 1)], &[]);
        channels.apply(2_000, true, vec![row("a", 1)], &[]);
        channels.apply(2_000, false, vec![row("b", 1)], &[]);
        let known = channels.rates(&"b".parse().unwrap(), Direction::In).iter().flatten().count();
        assert_eq!((channels.len(), known), (2, 2));
        channels.apply(3_000, true, vec![row("a", 1)], &[]);
        channels.apply(4_000, false, vec![], &[]);
        assert_eq!(channels.rates.len(), 1);
    }

    #[test]
    fn rates_hold_until_they_change_and_are_unknown_where_nobody_looked() {
        let mut channels = Channels::default();
        let at = |rate: Option<f64>| ChannelRow { in_per_sec: rate, ..row("a", 0) };
        let name = "a".parse().unwrap();
        channels.apply(100_000, true, vec![at(Some(5.0))], &[]);
        channels.apply(103_000, false, vec![at(Some(7.0))], &[]);
        channels.apply(105_000, false, vec![], &[]);
        let points = channels.rates(&name, Direction::In);
        assert_eq!(points.len(), 60);
        assert_eq!(points[53..], [None, Some(5.0), Some(5.0), Some(5.0), Some(7.0), Some(7.0), Some(7.0)]);
        channels.forget_rates();
        assert_eq!(channels.rates(&name, Direction::In)[59], None);
        for second in 0..1_000 {
            channels.apply(200_000 + second * 1_000, false, vec![at(Some(second as f64))], &[]);
        }
        assert!(channels.rates[&name].len() <= RATES_SECS as usize + 2);
    }

    #[test]
    fn sums_are_unknown_when_a_part_is() {
        let mut channels = Channels::default();
        channels.apply(0, true, vec![row("/a/1", 2), row("/a/2", 3), row("/ab", 9)], &[]);
        let sums = |channels: &Channels| channels.sums("/a/", &Search::default());
        assert_eq!((sums(&channels).n_channels, sums(&channels).depth), (2, Some(5)));
        let unknown = ChannelRow { depth: None, ..row("/a/3", 0) };
        channels.apply(0, false, vec![unknown], &[]);
        assert_eq!((sums(&channels).depth, sums(&channels).subscribers), (None, Some(0)));
    }

    #[test]
    fn sums_are_of_what_is_looked_for() {
        let mut channels = Channels::default();
        channels.apply(0, true, vec![row("/a/News", 2), row("/a/old", 3), row("/b/news", 9)], &[]);
        let sums = channels.sums("/a/", &Search::new(" news "));
        assert_eq!((sums.n_channels, sums.depth), (1, Some(2)));
        assert_eq!(channels.sums("/a/", &Search::new("none")).n_channels, 0);
    }
}
