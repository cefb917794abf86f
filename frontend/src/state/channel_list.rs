//! Which rows the list of channels has, and in what order: search, sort, columns, tree.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use signalbox_shared::{ChannelKind, ChannelName};

use super::channels::{Channels, Search, Sums};

/// A column of the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Column {
    /// What the channel is called.
    #[default]
    Name,
    /// How it delivers.
    Kind,
    /// Messages that wait.
    Depth,
    /// Published per second.
    In,
    /// Handed to subscribers per second.
    Out,
    /// Who takes part in the delivery.
    Subscribers,
    /// Lost by slow subscribers.
    Dropped,
    /// Without a subscriber.
    Unrouted,
    /// When the last message came.
    Last,
}

impl Column {
    /// Every column, in the order in which they stand.
    pub const ALL: [Self; 9] = [
        Self::Name,
        Self::Kind,
        Self::Depth,
        Self::In,
        Self::Out,
        Self::Subscribers,
        Self::Dropped,
        Self::Unrouted,
        Self::Last,
    ];

    /// Whether it holds figures, which change while the names stay.
    #[must_use]
    pub fn is_figure(self) -> bool {
        !matches!(self, Self::Name | Self::Kind)
    }

    /// Its name in addresses and in what is remembered.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Kind => "kind",
            Self::Depth => "depth",
            Self::In => "in",
            Self::Out => "out",
            Self::Subscribers => "subscribers",
            Self::Dropped => "dropped",
            Self::Unrouted => "unrouted",
            Self::Last => "last",
        }
    }

    /// What stands above it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Name => "Channel",
            Self::Kind => "Kind",
            Self::Depth => "Depth",
            Self::In => "In",
            Self::Out => "Out",
            Self::Subscribers => "Subs",
            Self::Dropped => "Dropped",
            Self::Unrouted => "Unrouted",
            Self::Last => "Last",
        }
    }

    /// What it means.
    #[must_use]
    pub fn hint(self) -> &'static str {
        match self {
            Self::Name => "The channel's name",
            Self::Kind => {
                "Queue: each message to one subscriber. Topic: to every subscriber. Null: to nobody"
            }
            Self::Depth => "Messages that wait in the backlog",
            Self::In => "Messages published per second, and how that was in the last minute",
            Self::Out => "Messages handed to subscribers per second, and how that was in the last minute",
            Self::Subscribers => "Subscribers, those who only watch not counted",
            Self::Dropped => "Messages lost by slow subscribers",
            Self::Unrouted => "Messages that had no subscriber and were discarded",
            Self::Last => "Time since the last message",
        }
    }

    /// The columns named in `text`, the name always among them; `None` when it names none.
    #[must_use]
    pub fn read_all(text: &str) -> Option<BTreeSet<Self>> {
        let named: BTreeSet<Self> = text
            .split(',')
            .filter_map(|key| Self::ALL.into_iter().find(|column| column.key() == key))
            .collect();
        named.contains(&Self::Name).then_some(named)
    }

    /// The columns as text that [`Self::read_all`] reads.
    #[must_use]
    pub fn write_all(columns: &BTreeSet<Self>) -> String {
        columns.iter().map(|column| column.key()).collect::<Vec<_>>().join(",")
    }
}

/// How the rows are ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sort {
    /// By which column.
    pub column: Column,
    /// Largest first.
    pub is_descending: bool,
}

impl Sort {
    /// What a click on the head of `column` makes of it: figures begin with the largest, names with the first.
    #[must_use]
    pub fn clicked(self, column: Column) -> Self {
        if self.column == column {
            return Self { column, is_descending: !self.is_descending };
        }
        Self { column, is_descending: column.is_figure() }
    }

    /// Reads what [`Self::write`] wrote: `depth` or `-depth`.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (is_descending, key) = text.strip_prefix('-').map_or((false, text), |key| (true, key));
        let column = Column::ALL.into_iter().find(|column| column.key() == key)?;
        Some(Self { column, is_descending })
    }

    /// The order as text.
    #[must_use]
    pub fn write(self) -> String {
        format!("{}{}", if self.is_descending { "-" } else { "" }, self.column.key())
    }
}

/// What decides about the rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListSettings {
    /// Only channels whose names contain this, letter case aside.
    pub search: String,
    /// In what order.
    pub sort: Sort,
    /// By the parts of their names between the slashes.
    pub is_tree: bool,
    /// Groups of the tree whose rows are folded away, by prefix.
    pub folded: BTreeSet<String>,
}

/// A row of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListRow {
    /// A channel.
    Channel {
        /// Which one.
        name: ChannelName,
        /// How deep it stands in the tree, from 0.
        level: usize,
    },
    /// Channels with a common beginning of their names.
    Group {
        /// That beginning, with the slash at its end.
        prefix: String,
        /// How deep it stands in the tree, from 0.
        level: usize,
        /// Whether its rows are shown.
        is_open: bool,
    },
}

impl ListRow {
    /// Distinguishes it from all other rows; a group is no channel of the same name.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Channel { name, .. } => format!("c{name}"),
            Self::Group { prefix, .. } => format!("g{prefix}"),
        }
    }

    /// How deep it stands in the tree, from 0.
    #[must_use]
    pub fn level(&self) -> usize {
        let (Self::Channel { level, .. } | Self::Group { level, .. }) = self;
        *level
    }

    /// The channel, where it is one.
    #[must_use]
    pub fn channel(&self) -> Option<&ChannelName> {
        match self {
            Self::Channel { name, .. } => Some(name),
            Self::Group { .. } => None,
        }
    }
}

/// The rows.
#[must_use]
pub fn rows(channels: &Channels, settings: &ListSettings) -> Vec<ListRow> {
    let search = Search::new(&settings.search);
    let found = channels.rows().filter(|row| search.finds(&row.name));
    let leaves = found.map(|row| (row.name.clone(), Sums::of(row)));
    if settings.is_tree {
        return tree_rows(leaves, settings);
    }
    let mut leaves: Vec<_> = leaves.collect();
    if settings.sort != Sort::default() {
        leaves.sort_by(|a, b| compare(settings.sort, (&a.0, &a.1), (&b.0, &b.1)));
    }
    leaves.into_iter().map(|(name, _)| ListRow::Channel { name, level: 0 }).collect()
}

fn compare(sort: Sort, a: (&ChannelName, &Sums), b: (&ChannelName, &Sums)) -> Ordering {
    let by_name = a.0.cmp(b.0);
    let directed = |order: Ordering| if sort.is_descending { order.reverse() } else { order };
    let order = match sort.column {
        Column::Name => return directed(by_name),
        Column::Kind => directed(kind_rank(a.0.kind()).cmp(&kind_rank(b.0.kind()))),
        column => compare_figures(figure(a.1, column), figure(b.1, column), directed),
    };
    order.then(by_name)
}

/// What is unknown stands last, whichever way.
fn compare_figures(a: Option<f64>, b: Option<f64>, directed: impl Fn(Ordering) -> Ordering) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => directed(a.total_cmp(&b)),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    }
}

fn kind_rank(kind: ChannelKind) -> u8 {
    match kind {
        ChannelKind::Queue => 0,
        ChannelKind::Topic => 1,
        ChannelKind::Null => 2,
    }
}

#[expect(clippy::cast_precision_loss, reason = "only the order matters")]
fn figure(sums: &Sums, column: Column) -> Option<f64> {
    match column {
        Column::Name | Column::Kind => None,
        Column::Depth => sums.depth.map(|n| n as f64),
        Column::In => sums.in_per_sec,
        Column::Out => sums.out_per_sec,
        Column::Subscribers => sums.subscribers.map(|n| n as f64),
        Column::Dropped => sums.dropped.map(|n| n as f64),
        Column::Unrouted => sums.unrouted.map(|n| n as f64),
        Column::Last => sums.last_message_at_ms.map(|n| n as f64),
    }
}

/// One branch of the tree.
#[derive(Default)]
struct Branch {
    branches: BTreeMap<String, Branch>,
    leaves: Vec<(ChannelName, Sums)>,
    /// Of all that hangs on it.
    sums: Sums,
}

/// Deepest branch; names have at most 255 bytes, so that only senseless ones are deeper. Their rest stands in one label.
const LEVELS_MAX: usize = 16;

fn tree_rows(leaves: impl Iterator<Item = (ChannelName, Sums)>, settings: &ListSettings) -> Vec<ListRow> {
    let mut root = Branch::default();
    for (name, sums) in leaves {
        let mut branch = &mut root;
        for prefix in prefixes(name.as_str()).take(LEVELS_MAX) {
            branch = branch.branches.entry(prefix.to_owned()).or_default();
            branch.sums = branch.sums.plus(&sums);
        }
        branch.leaves.push((name, sums));
    }
    let mut rows = Vec::new();
    push_branch(&root, 0, settings, &mut rows);
    rows
}

/// The beginnings of a name that end with a slash, the shortest first: `/topic/`, `/topic/news/`.
fn prefixes(name: &str) -> impl Iterator<Item = &str> {
    name.match_indices('/').map(|(at, _)| at).filter(|&at| 0 < at).map(|at| &name[..=at])
}

fn push_branch(branch: &Branch, level: usize, settings: &ListSettings, rows: &mut Vec<ListRow>) {
    // Groups stand before channels, each in the chosen order.
    let mut groups: Vec<_> = branch
        .branches
        .iter()
        .filter_map(|(prefix, branch)| Some((prefix.parse::<ChannelName>().ok()?, branch)))
        .collect();
    groups.sort_by(|a, b| compare(settings.sort, (&a.0, &a.1.sums), (&b.0, &b.1.sums)));
    for (prefix, branch) in groups {
        let is_open = !settings.folded.contains(prefix.as_str());
        rows.push(ListRow::Group { prefix: prefix.to_string(), level, is_open });
        if is_open {
            push_branch(branch, level + 1, settings, rows);
        }
    }
    let mut leaves: Vec<_> = branch.leaves.iter().collect();
    leaves.sort_by(|a, b| compare(settings.sort, (&a.0, &a.1), (&b.0, &b.1)));
    rows.extend(leaves.into_iter().map(|(name, _)| ListRow::Channel { name: name.clone(), level }));
}

#[cfg(test)]
pub(super) mod tests {
    use signalbox_shared::api::ChannelRow;

    use super::*;

    /// Channels with so many messages waiting.
    pub(in super::super) fn channels(rows: &[(&str, Option<u64>)]) -> Channels {
        let mut channels = Channels::default();
        apply(&mut channels, rows);
        channels
    }

    /// The whole list anew.
    pub(in super::super) fn apply(channels: &mut Channels, rows: &[(&str, Option<u64>)]) {
        let row = |&(name, depth): &(&str, Option<u64>)| {
            let name: ChannelName = name.parse().unwrap();
            ChannelRow { depth, ..ChannelRow::unknown(name) }
        };
        channels.apply(0, true, rows.iter().map(row).collect(), &[]);
    }

    fn check(settings: &ListSettings, expected: &[&str]) {
        let channels = channels(&[
            ("/queue/b", Some(5)),
            ("/queue/a", Some(9)),
            ("/topic/News/uk", None),
            ("/topic/news/de", Some(1)),
            ("plain", Some(7)),
        ]);
        let shown: Vec<String> = rows(&channels, settings)
            .iter()
            .map(|row| match row {
                ListRow::Channel { name, level } => format!("{}{name}", " ".repeat(*level)),
                ListRow::Group { prefix, level, is_open } => {
                    format!("{}{}{prefix}", " ".repeat(*level), if *is_open { "-" } else { "+" })
                }
            })
            .collect();
        assert_eq!(shown, expected, "{settings:?}");
    }

    #[test]
    fn rows_are_searched_and_sorted() {
        let sorted = |text: &str| ListSettings { sort: Sort::read(text).unwrap(), ..Default::default() };
        let by_name = ["/queue/a", "/queue/b", "/topic/News/uk", "/topic/news/de", "plain"];
        check(&ListSettings::default(), &by_name);
        check(&sorted("-name"), &by_name.map(|n| n).into_iter().rev().collect::<Vec<_>>());
        check(&sorted("depth"), &["/topic/news/de", "/queue/b", "plain", "/queue/a", "/topic/News/uk"]);
        check(&sorted("-depth"), &["/queue/a", "plain", "/queue/b", "/topic/news/de", "/topic/News/uk"]);
        check(&sorted("kind"), &by_name);
        let search = ListSettings { search: " NEWS ".into(), ..Default::default() };
        check(&search, &["/topic/News/uk", "/topic/news/de"]);
    }

    #[test]
    fn a_tree_groups_by_slashes_and_folds() {
        let mut settings = ListSettings { is_tree: true, ..Default::default() };
        let all = [
            "-/queue/",
            " /queue/a",
            " /queue/b",
            "-/topic/",
            " -/topic/News/",
            "  /topic/News/uk",
            " -/topic/news/",
            "  /topic/news/de",
            "plain",
        ];
        check(&settings, &all);
        settings.folded.insert("/topic/".into());
        check(&settings, &["-/queue/", " /queue/a", " /queue/b", "+/topic/", "plain"]);
        settings.sort = Sort::read("-depth").unwrap();
        check(&settings, &["-/queue/", " /queue/a", " /queue/b", "+/topic/", "plain"]);
        settings.sort = Sort::read("depth").unwrap();
        check(&settings, &["-/queue/", " /queue/b", " /queue/a", "+/topic/", "plain"]);
    }

    #[test]
    fn groups_are_ordered_by_the_sums_of_what_is_found() {
        let channels = channels(&[("/a/x", Some(9)), ("/a/yes", Some(1)), ("/b/yes", Some(2))]);
        let groups = |search: &str| -> Vec<String> {
            let sort = Sort::read("-depth").unwrap();
            let settings = ListSettings { is_tree: true, sort, search: search.into(), ..Default::default() };
            let rows = rows(&channels, &settings);
            rows.iter().filter(|row| row.channel().is_none()).map(ListRow::key).collect()
        };
        assert_eq!(groups(""), ["g/a/", "g/b/"]);
        assert_eq!(groups("yes"), ["g/b/", "g/a/"]);
    }

    #[test]
    fn senseless_names_harm_nothing() {
        let channels = channels(&[("/", None), ("//", None), (&"/".repeat(255), None)]);
        let settings = ListSettings { is_tree: true, ..Default::default() };
        let rows = rows(&channels, &settings);
        let names = rows.iter().filter(|row| matches!(row, ListRow::Channel { .. })).count();
        assert_eq!(names, 3);
        assert!(rows.len() <= 3 + LEVELS_MAX);
    }

    #[test]
    fn ten_thousand_channels_have_their_rows() {
        let names: Vec<String> = (0..10_000).map(|n| format!("/topic/{}/{n}", n % 100)).collect();
        let rows_in: Vec<(&str, Option<u64>)> = names.iter().map(|name| (name.as_str(), Some(1))).collect();
        let channels = channels(&rows_in);
        let settings = ListSettings { is_tree: true, ..Default::default() };
        assert_eq!(rows(&channels, &settings).len(), 10_000 + 100 + 1);
        assert_eq!(rows(&channels, &ListSettings::default()).len(), 10_000);
    }

    #[test]
    fn columns_and_order_are_remembered() {
        let columns = Column::read_all("name,depth,nonsense").unwrap();
        assert_eq!(Column::write_all(&columns), "name,depth");
        assert_eq!(Column::read_all("depth"), None);
        for text in ["depth", "-last", "name"] {
            assert_eq!(Sort::read(text).unwrap().write(), text);
        }
        assert_eq!(Sort::default().clicked(Column::Depth).write(), "-depth");
        assert_eq!(Sort::default().clicked(Column::Name).write(), "-name");
    }
}
