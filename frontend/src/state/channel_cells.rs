//! What stands in the cells of the channel list beside the names.

use std::collections::BTreeSet;

use signalbox_shared::api::ChannelRow;
use signalbox_shared::{ChannelKind, ChannelName};

use super::channel_list::Column;
use super::channels::{Channels, Direction, Sums};
use super::{spark, units};

/// What stands for a figure that nobody knows.
const UNKNOWN: &str = "unknown";
/// What stands for the figures of a channel that went while the order was held: it keeps its place and says so.
const GONE: &str = "gone";

/// Which cells a row has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// Which columns are shown.
    pub columns: BTreeSet<Column>,
    /// Whether the engine tells statistics of its channels; where it does not, most figures are unknown.
    pub is_told: bool,
    /// Whether the window is narrow.
    pub is_narrow: bool,
}

/// A cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// Its column; the first of them where it stands for several.
    pub column: Column,
    /// What it says.
    pub value: Value,
    /// What can be said besides: bytes beside the depth, and what this relay saw where the engine tells nothing.
    pub note: Option<String>,
    /// The rate in the last minute, as the path of an SVG.
    pub spark: Option<(Direction, String)>,
}

/// What a cell says.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nobody knows.
    Unknown,
    /// Nobody knows any of the figures of these columns: one word for all of them, where each of its own would leave the
    /// screen.
    AllUnknown(Vec<Column>),
    /// The channel is gone.
    Gone,
    /// Nothing is to be said.
    Nothing,
    /// How the channel delivers.
    Kind(ChannelKind),
    /// A number of messages or subscribers.
    Count(u64),
    /// Messages per second.
    Rate(f64),
    /// When something was, in milliseconds since the Unix epoch, if ever.
    Moment(Option<i64>),
}

impl Value {
    /// The whole of it, as it is read at `now_ms`.
    fn text(&self, now_ms: i64) -> String {
        match self {
            Self::Unknown => UNKNOWN.to_owned(),
            Self::AllUnknown(columns) => {
                let titles: Vec<_> = columns.iter().map(|column| column.title()).collect();
                format!("{}: {UNKNOWN}", titles.join(", "))
            }
            Self::Gone => GONE.to_owned(),
            Self::Nothing => String::new(),
            Self::Kind(kind) => kind_words(*kind).0.to_owned(),
            Self::Count(n) => units::count(*n),
            Self::Rate(rate) => units::per_sec(*rate),
            Self::Moment(None) => "never".to_owned(),
            Self::Moment(Some(at_ms)) => units::age(now_ms - at_ms),
        }
    }

    /// Whether its text changes with the time.
    #[must_use]
    pub fn is_aging(&self) -> bool {
        matches!(self, Self::Moment(Some(_)))
    }

    /// Whether there is no figure.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown | Self::AllUnknown(_) | Self::Gone)
    }
}

impl Cell {
    fn new(column: Column, value: Value) -> Self {
        Self { column, value, note: None, spark: None }
    }

    /// As it is read at `now_ms`. A figure too long for its column is cut to three digits, and [`Self::title`] has it whole.
    #[must_use]
    pub fn text(&self, now_ms: i64) -> String {
        match (self.long_figure(), &self.value) {
            (Some(figure), Value::Rate(_)) => format!("{}/s", units::live_value(figure)),
            (Some(figure), _) => units::live_value(figure),
            (None, value) => value.text(now_ms),
        }
    }

    /// What is to be known besides the text: the whole of a figure that was cut, and the note.
    #[must_use]
    pub fn title(&self, now_ms: i64) -> String {
        let whole = self.long_figure().map(|_| self.value.text(now_ms));
        whole.into_iter().chain(self.note.clone()).collect::<Vec<_>>().join("; ")
    }

    /// The figure, if its column has no room for it.
    fn long_figure(&self) -> Option<f64> {
        let figure_max = if self.column == Column::Subscribers { 9_999.0 } else { 999_999.0 };
        #[expect(clippy::cast_precision_loss, reason = "three digits of it are shown")]
        let figure = match self.value {
            Value::Count(n) => n as f64,
            Value::Rate(rate) => rate,
            _ => return None,
        };
        (figure_max < figure && figure.is_finite()).then_some(figure)
    }

    /// Whether somebody has lost something.
    #[must_use]
    pub fn is_bad(&self) -> bool {
        self.column == Column::Dropped && matches!(self.value, Value::Count(1..))
    }
}

/// How a channel delivers: the word for it, and what that means.
#[must_use]
pub fn kind_words(kind: ChannelKind) -> (&'static str, &'static str) {
    match kind {
        ChannelKind::Queue => ("queue", "each message to one subscriber"),
        ChannelKind::Topic => ("topic", "each message to every subscriber"),
        ChannelKind::Null => ("null", "counted and discarded"),
    }
}

/// The cells of a channel.
#[must_use]
pub fn of_channel(channels: &Channels, name: &ChannelName, layout: &Layout) -> Vec<Cell> {
    let (word, columns) = layout.parted();
    let row = channels.row(name);
    let sums = row.map(Sums::of);
    let cells = columns.into_iter().map(|column| {
        if column == Column::Kind {
            let note = Some(kind_words(name.kind()).1.to_owned());
            return Cell { note, ..Cell::new(column, Value::Kind(name.kind())) };
        }
        // Where nobody tells, the word has the place for itself.
        let direction = direction_of(column).filter(|_| layout.is_told);
        Cell {
            note: row.and_then(|row| note(row, column)),
            spark: direction.map(|direction| (direction, spark::path(&channels.rates(name, direction)))),
            ..Cell::new(column, sums.map_or(Value::Gone, |sums| value(&sums, column)))
        }
    });
    cells.chain(word).collect()
}

/// The cells of a group of channels.
#[must_use]
pub fn of_group(sums: &Sums, layout: &Layout) -> Vec<Cell> {
    let (word, columns) = layout.parted();
    columns.into_iter().map(|column| Cell::new(column, value(sums, column))).chain(word).collect()
}

impl Layout {
    /// One cell for what is unknown of every channel, if that is how it is said, and the columns that have their own.
    fn parted(&self) -> (Option<Cell>, Vec<Column>) {
        let columns = self.columns.iter().copied().filter(|column| *column != Column::Name);
        if self.is_told || !self.is_narrow {
            return (None, columns.collect());
        }
        let (known, unknown): (Vec<_>, Vec<_>) =
            columns.partition(|column| matches!(column, Column::Kind | Column::Last));
        let word = unknown.first().map(|first| Cell::new(*first, Value::AllUnknown(unknown.clone())));
        (word, known)
    }
}

fn value(sums: &Sums, column: Column) -> Value {
    let count = |n: Option<u64>| n.map_or(Value::Unknown, Value::Count);
    let rate = |rate: Option<f64>| rate.map_or(Value::Unknown, Value::Rate);
    match column {
        Column::Name | Column::Kind => Value::Nothing,
        Column::Depth => count(sums.depth),
        Column::In => rate(sums.in_per_sec),
        Column::Out => rate(sums.out_per_sec),
        Column::Subscribers => count(sums.subscribers),
        Column::Dropped => count(sums.dropped),
        Column::Unrouted => count(sums.unrouted),
        Column::Last => Value::Moment(sums.last_message_at_ms),
    }
}

fn direction_of(column: Column) -> Option<Direction> {
    match column {
        Column::In => Some(Direction::In),
        Column::Out => Some(Direction::Out),
        _ => None,
    }
}

fn note(row: &ChannelRow, column: Column) -> Option<String> {
    match (column, &row.seen) {
        (Column::Depth, _) => row.depth_bytes.map(|bytes| format!("{} wait", units::bytes(bytes))),
        (Column::In, Some(seen)) => Some(format!(
            "The engine does not tell. Published through this relay: {}",
            units::per_sec(seen.published_per_sec)
        )),
        (Column::Out, Some(seen)) => Some(format!(
            "The engine does not tell. Came to this relay: {}",
            units::per_sec(seen.received_per_sec)
        )),
        (Column::Dropped, Some(seen)) => {
            Some(format!("The engine does not tell. Lost by this relay: {}", units::count(seen.dropped)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::channels::tests::row;
    use super::*;

    fn layout(columns: &[Column]) -> Layout {
        Layout { columns: columns.iter().copied().collect(), is_told: true, is_narrow: false }
    }

    fn texts(cells: &[Cell]) -> Vec<String> {
        cells.iter().map(|cell| cell.text(60_000)).collect()
    }

    fn channels(rows: Vec<ChannelRow>) -> Channels {
        let mut channels = Channels::default();
        channels.apply(60_000, true, rows, &[]);
        channels
    }

    #[test]
    fn a_channel_has_a_cell_for_each_column_but_its_name() {
        let lost = ChannelRow { dropped: Some(2), last_message_at_ms: Some(48_000), ..row("/queue/a", 7) };
        let channels = channels(vec![lost]);
        let cells = of_channel(&channels, &"/queue/a".parse().unwrap(), &layout(&Column::ALL));
        assert_eq!(
            texts(&cells),
            ["queue", "7", "1.0/s", "1.0/s", "0", "2", "0", units::age(12_000).as_str()]
        );
        let bad: Vec<_> = cells.iter().filter(|cell| cell.is_bad()).map(|cell| cell.column).collect();
        assert_eq!(bad, [Column::Dropped]);
        let sparks = cells.iter().filter_map(|cell| cell.spark.as_ref());
        assert_eq!(sparks.map(|(direction, _)| *direction).collect::<Vec<_>>(), Direction::ALL);
        assert_eq!(cells[1].note.as_deref(), Some("0\u{202f}B wait"));
    }

    #[test]
    fn a_figure_too_long_for_its_column_is_cut_and_its_title_has_it_whole() {
        let check = |column: Column, value: Value, text: &str, title: &str| {
            let cell = Cell::new(column, value);
            assert_eq!((cell.text(0).as_str(), cell.title(0).as_str()), (text, title));
        };
        check(Column::Depth, Value::Count(999_999), "999,999", "");
        check(Column::Depth, Value::Count(1_000_000), "1.00M", "1,000,000");
        check(Column::Dropped, Value::Count(u64::MAX), "1.84e19", "18,446,744,073,709,551,615");
        check(Column::Subscribers, Value::Count(9_999), "9,999", "");
        check(Column::Subscribers, Value::Count(10_000), "10.0k", "10,000");
        check(Column::In, Value::Rate(123_456.0), "123,456/s", "");
        check(Column::In, Value::Rate(2_345_678.0), "2.35M/s", "2,345,678/s");
        check(Column::In, Value::Rate(f64::INFINITY), "0/s", "");
        let noted =
            Cell { note: Some("2.0 GiB wait".into()), ..Cell::new(Column::Depth, Value::Count(20_000_000)) };
        assert_eq!(noted.title(0), "20,000,000; 2.0 GiB wait");
    }

    #[test]
    fn a_channel_that_went_says_so() {
        let cells = of_channel(&Channels::default(), &"/topic/a".parse().unwrap(), &layout(&Column::ALL));
        assert_eq!(texts(&cells)[..3], ["topic", GONE, GONE]);
        assert!(cells[1].value.is_unknown());
    }

    #[test]
    fn a_group_has_sums_and_no_kind() {
        let channels = channels(vec![row("/a/1", 2), row("/a/2", 3)]);
        let sums = channels.sums("/a/", &super::super::channels::Search::default());
        let cells = of_group(&sums, &layout(&[Column::Name, Column::Kind, Column::Depth]));
        assert_eq!(texts(&cells), ["", "5"]);
    }

    #[test]
    fn what_is_unknown_of_all_is_said_once_where_it_is_narrow() {
        let channels = channels(vec![ChannelRow { depth: None, ..row("a", 0) }]);
        let mut layout = layout(&[Column::Name, Column::Kind, Column::Depth, Column::In, Column::Last]);
        let name = "a".parse().unwrap();
        layout.is_told = false;
        let cells = of_channel(&channels, &name, &layout);
        assert_eq!(texts(&cells), ["topic", UNKNOWN, "1.0/s", "never"]);
        assert!(cells.iter().all(|cell| cell.spark.is_none()));
        layout.is_narrow = true;
        let cells = of_channel(&channels, &name, &layout);
        assert_eq!(texts(&cells), ["topic", "never", "Depth, In: unknown"]);
    }
}
