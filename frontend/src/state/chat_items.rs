//! How a room's rows read: days set apart, arrivals and departures gathered, a mark before what is new. Pure.

use std::sync::Arc;

use signalbox_shared::EventId;
use signalbox_shared::chat::{ChatLine, ChatLineKind};

use super::chat_room::RoomRow;

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;
/// Most names that gathered arrivals and departures list; the rest is counted.
const NAMES_MAX: usize = 4;

/// Something that stands in the room's view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A day begins.
    Day {
        /// Noon of it, by this computer's time zone, in milliseconds since the Unix epoch.
        noon_ms: i64,
    },
    /// What follows is new.
    Unread,
    /// A line.
    Line(Arc<ChatLine>),
    /// Who came and who went, one after the other.
    Moves {
        /// The first of them.
        first: EventId,
        /// How many lines these are.
        n_lines: usize,
        /// When the last one was.
        at_ms: i64,
        /// How it reads.
        text: String,
    },
    /// Lines are missing, or this page tells something.
    Note {
        /// Distinguishes notes.
        number: u64,
        /// How it reads.
        text: String,
    },
}

/// What tells an item, as it reads, from every other one. Made of numbers: a full room asks for thousands at each line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ItemKey {
    /// Noon of a day.
    Day(i64),
    /// The mark before what is new.
    Unread,
    /// A line's id: epoch and seq.
    Line(u64, u64),
    /// The first of gathered lines, and how many these are.
    Moves(u64, u64, usize),
    /// A note's number.
    Note(u64),
}

impl Item {
    /// What tells this item from every other one.
    #[must_use]
    pub fn key(&self) -> ItemKey {
        match self {
            Self::Day { noon_ms } => ItemKey::Day(*noon_ms),
            Self::Unread => ItemKey::Unread,
            Self::Line(line) => ItemKey::Line(line.id.epoch, line.id.seq),
            Self::Moves { first, n_lines, .. } => ItemKey::Moves(first.epoch, first.seq, *n_lines),
            Self::Note { number, .. } => ItemKey::Note(*number),
        }
    }
}

/// The items of these rows. Before the line `unread`, a mark says that what follows is new.
#[must_use]
pub fn items<'a>(
    rows: impl Iterator<Item = &'a RoomRow>,
    unread: Option<EventId>,
    offset_minutes: i32,
) -> Vec<Item> {
    let mut items = Vec::new();
    let mut day = None;
    let mut moves: Vec<&ChatLine> = Vec::new();
    for row in rows {
        let line = match row {
            RoomRow::Line(line) => line,
            RoomRow::Gap { number, text } => {
                gather(&mut moves, &mut items);
                items.push(Item::Note { number: *number, text: text.clone() });
                continue;
            }
        };
        let local_ms = line.at_ms + i64::from(offset_minutes) * 60_000;
        let its_day = local_ms.div_euclid(DAY_MS);
        if day != Some(its_day) {
            gather(&mut moves, &mut items);
            day = Some(its_day);
            items.push(Item::Day {
                noon_ms: its_day * DAY_MS + DAY_MS / 2 - i64::from(offset_minutes) * 60_000,
            });
        }
        if unread == Some(line.id) {
            gather(&mut moves, &mut items);
            items.push(Item::Unread);
        }
        if line.kind.text().is_none() {
            moves.push(line);
        } else {
            gather(&mut moves, &mut items);
            items.push(Item::Line(line.clone()));
        }
    }
    gather(&mut moves, &mut items);
    items
}

/// How many lines were said after that one; none when there was none, or when it is of another history.
#[must_use]
pub fn n_after(items: &[Item], id: Option<EventId>) -> u64 {
    let Some(id) = id else { return 0 };
    let is_after = |item: &&Item| match item {
        Item::Line(line) => line.id.epoch == id.epoch && id.seq < line.id.seq,
        _ => true,
    };
    let after = items.iter().rev().take_while(is_after);
    after.filter(|item| matches!(item, Item::Line(_))).count() as u64
}

fn gather(moves: &mut Vec<&ChatLine>, items: &mut Vec<Item>) {
    let (Some(first), Some(last)) = (moves.first(), moves.last()) else { return };
    let text = moves_text(moves);
    items.push(Item::Moves { first: first.id, n_lines: moves.len(), at_ms: last.at_ms, text });
    moves.clear();
}

/// Who came and who went: whoever did both within the run is told once, by how it ended.
fn moves_text(moves: &[&ChatLine]) -> String {
    let names = |wanted: &dyn Fn(&ChatLine, &ChatLine) -> bool| {
        let mut names: Vec<&str> = Vec::new();
        for (i, last) in moves.iter().enumerate() {
            let is_last = moves[i + 1..].iter().all(|later| later.name != last.name);
            let first = moves.iter().find(|line| line.name == last.name).unwrap_or(last);
            if is_last && wanted(first, last) {
                names.push(&last.name);
            }
        }
        names
    };
    let joined = |line: &ChatLine| line.kind == ChatLineKind::Joined;
    let came = names(&|first, last| joined(first) && joined(last));
    let went = names(&|first, last| !joined(first) && !joined(last));
    let was = names(&|first, last| joined(first) && !joined(last));
    let back = names(&|first, last| !joined(first) && joined(last));
    let parts = [(came, "connected"), (went, "left"), (back, "reconnected"), (was, "looked in")];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(names, _)| !names.is_empty())
        .map(|(names, verb)| format!("{} {verb}", list(names)))
        .collect();
    parts.join("; ")
}

fn list(names: &[&str]) -> String {
    match names.len().saturating_sub(NAMES_MAX) {
        0 => names.join(", "),
        n_more => format!("{} and {n_more} more", names[..NAMES_MAX].join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(seq: u64, at_ms: i64, name: &str, kind: ChatLineKind) -> RoomRow {
        let line = ChatLine { id: EventId { epoch: 1, seq }, at_ms, name: name.to_owned(), kind };
        RoomRow::Line(Arc::new(line))
    }

    fn said(seq: u64, at_ms: i64) -> RoomRow {
        row(seq, at_ms, "ada", ChatLineKind::Said { text: seq.to_string() })
    }

    fn check(rows: &[RoomRow], unread: Option<u64>, offset_minutes: i32, expected: &[&str]) {
        let unread = unread.map(|seq| EventId { epoch: 1, seq });
        let read: Vec<String> = items(rows.iter(), unread, offset_minutes)
            .into_iter()
            .map(|item| match item {
                Item::Day { noon_ms } => format!("day {}", noon_ms / 3_600_000),
                Item::Unread => "new".to_owned(),
                Item::Line(line) => line.kind.text().unwrap_or_default().to_owned(),
                Item::Moves { text, .. } | Item::Note { text, .. } => text,
            })
            .collect();
        assert_eq!(read, expected);
    }

    #[test]
    fn days_and_news_are_set_apart() {
        let rows = [said(1, 0), said(2, DAY_MS - 1), said(3, DAY_MS)];
        check(&rows, Some(2), 0, &["day 12", "1", "new", "2", "day 36", "3"]);
        check(&rows, None, 60, &["day 11", "1", "day 35", "2", "3"]);
        check(&rows, Some(9), -60, &["day -11", "1", "day 13", "2", "3"]);
    }

    #[test]
    fn what_was_said_since_is_counted() {
        let rows = [said(1, 0), said(2, 0), row(3, 0, "bob", ChatLineKind::Joined), said(4, 0)];
        let items = items(rows.iter(), None, 0);
        let n_after = |epoch, seq| n_after(&items, Some(EventId { epoch, seq }));
        assert_eq!(
            [n_after(1, 0), n_after(1, 1), n_after(1, 2), n_after(1, 3), n_after(1, 4)],
            [3, 2, 1, 1, 0]
        );
        assert_eq!((n_after(2, 0), super::n_after(&items, None)), (0, 0));
    }

    #[test]
    fn arrivals_and_departures_are_gathered() {
        let joined = |seq, name| row(seq, 0, name, ChatLineKind::Joined);
        let left = |seq, name| row(seq, 0, name, ChatLineKind::Left);
        check(
            &[joined(1, "ada"), joined(2, "bob"), left(3, "eve")],
            None,
            0,
            &["day 12", "ada, bob connected; eve left"],
        );
        check(&[left(1, "ada"), joined(2, "ada")], None, 0, &["day 12", "ada reconnected"]);
        check(
            &[joined(1, "ada"), left(2, "ada"), said(3, 0), joined(4, "bob")],
            None,
            0,
            &["day 12", "ada looked in", "3", "bob connected"],
        );
        let crowd: Vec<RoomRow> =
            ["a", "b", "c", "d", "e", "f"].iter().zip(1..).map(|(name, n)| joined(n, name)).collect();
        check(&crowd, None, 0, &["day 12", "a, b, c, d and 2 more connected"]);
    }
}
