//! What has come, newest last, and which part of it is shown. Bounded: the oldest entries leave, and their number is
//! told at the top.

use std::collections::VecDeque;

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::wrap::{cut, n_rows, wrap};

/// Most entries that are kept: hours of a lively chat, a few megabytes.
const ENTRIES_MAX: usize = 10_000;
/// A margin may take one of so many columns; in a narrower terminal the text has all of them.
const MARGIN_PARTS_MIN: usize = 4;

/// One line that came.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    /// Text, wrapped where it is too wide.
    Text(Line<'static>),
    /// The same beside a margin that holds something short, a time for instance.
    Noted(Span<'static>, Line<'static>),
    /// Columns, cut where they are too wide.
    Columns(Line<'static>),
}

impl Entry {
    fn rows(&self, width: usize) -> Vec<Line<'static>> {
        match self {
            Self::Text(line) => wrap(line, width),
            Self::Noted(margin, line) => {
                let margin_columns = margin_columns(margin, width);
                let mut rows = wrap(line, width - margin_columns);
                let blank = || vec![Span::raw(" ".repeat(margin_columns))];
                for (n, row) in rows.iter_mut().enumerate().filter(|_| 0 < margin_columns) {
                    let beside = if n == 0 { vec![margin.clone(), Span::raw(" ")] } else { blank() };
                    row.spans.splice(0..0, beside);
                }
                rows
            }
            Self::Columns(line) => vec![cut(line, width)],
        }
    }

    /// How many rows these are.
    fn n_rows(&self, width: usize) -> usize {
        match self {
            Self::Text(line) => n_rows(line, width),
            Self::Noted(margin, line) => n_rows(line, width - margin_columns(margin, width)),
            Self::Columns(_) => 1,
        }
    }
}

/// How many columns a margin takes with the space behind it.
fn margin_columns(margin: &Span<'_>, width: usize) -> usize {
    let columns = margin.width() + 1;
    if MARGIN_PARTS_MIN * columns <= width { columns } else { 0 }
}

/// The entries and the place that is shown.
#[derive(Debug, Default)]
pub(crate) struct Scrollback {
    entries: VecDeque<Entry>,
    n_dropped: u64,
    /// Rows below the shown ones; 0 follows what comes.
    rows_below: usize,
    /// Entries that came while older ones were shown.
    n_unread: usize,
    /// Columns and rows of the last drawing.
    width: usize,
    height: usize,
}

impl Scrollback {
    /// Adds an entry. What is shown stays where it is when somebody reads older entries.
    pub(crate) fn push(&mut self, entry: Entry) {
        if 0 < self.rows_below {
            self.rows_below += entry.n_rows(self.width);
            self.n_unread += 1;
        }
        if self.entries.len() == ENTRIES_MAX {
            self.entries.pop_front();
            self.n_dropped += 1;
        }
        self.entries.push_back(entry);
    }

    /// Entries that came while older ones were shown.
    pub(crate) fn n_unread(&self) -> usize {
        self.n_unread
    }

    /// Whether older entries are shown, and new ones do not move them.
    pub(crate) fn is_scrolled(&self) -> bool {
        0 < self.rows_below
    }

    /// Moves towards older entries by a page and a row of context, or by one row.
    pub(crate) fn up(&mut self, is_page: bool) {
        self.rows_below += if is_page { self.height.saturating_sub(1).max(1) } else { 1 };
        self.clamp();
    }

    /// Moves towards newer entries.
    pub(crate) fn down(&mut self, is_page: bool) {
        let rows = if is_page { self.height.saturating_sub(1).max(1) } else { 1 };
        self.rows_below = self.rows_below.saturating_sub(rows);
        if self.rows_below == 0 {
            self.n_unread = 0;
        }
    }

    /// Shows the newest entries and follows what comes.
    pub(crate) fn follow(&mut self) {
        self.rows_below = 0;
        self.n_unread = 0;
    }

    /// Removes everything.
    pub(crate) fn clear(&mut self) {
        *self = Self { width: self.width, height: self.height, ..Self::default() };
    }

    /// The rows to show, top first: at most `height`.
    pub(crate) fn rows(&mut self, width: usize, height: usize) -> Vec<Line<'static>> {
        (self.width, self.height) = (width, height);
        self.clamp();
        // From the newest entry up, and the rows of each from its last one up; what is below is counted, not made.
        let mut n_below = self.rows_below;
        let mut rows: Vec<Line<'static>> = Vec::new();
        for entry in self.entries.iter().rev() {
            let n_hidden = if n_below == 0 { 0 } else { entry.n_rows(width).min(n_below) };
            n_below -= n_hidden;
            if n_below == 0 {
                rows.extend(entry.rows(width).into_iter().rev().skip(n_hidden));
            }
            if height <= rows.len() {
                break;
            }
        }
        if rows.len() < height && 0 < self.n_dropped {
            let told = format!("({} older lines are no longer kept)", self.n_dropped);
            rows.push(Line::styled(told, Style::new().dim()));
        }
        rows.truncate(height);
        rows.reverse();
        rows
    }

    /// Nobody scrolls beyond the oldest row.
    fn clamp(&mut self) {
        if self.rows_below == 0 {
            return;
        }
        let enough = self.rows_below + self.height;
        let mut n_rows = usize::from(0 < self.n_dropped);
        for entry in self.entries.iter().rev() {
            n_rows += entry.n_rows(self.width);
            if enough <= n_rows {
                return;
            }
        }
        self.rows_below = n_rows.saturating_sub(self.height);
        if self.rows_below == 0 {
            self.n_unread = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(n: usize) -> Entry {
        Entry::Text(Line::from(format!("line {n}")))
    }

    fn filled(n_lines: usize) -> Scrollback {
        let mut scrollback = Scrollback::default();
        (0..n_lines).for_each(|n| scrollback.push(text(n)));
        scrollback
    }

    fn check(scrollback: &mut Scrollback, height: usize, expected: &[&str]) {
        let rows: Vec<String> = scrollback.rows(20, height).iter().map(ToString::to_string).collect();
        assert_eq!(rows, expected);
    }

    #[test]
    fn the_newest_rows_are_shown_and_followed() {
        check(&mut filled(0), 3, &[]);
        check(&mut filled(2), 3, &["line 0", "line 1"]);
        let mut four = filled(4);
        check(&mut four, 2, &["line 2", "line 3"]);
        four.push(text(4));
        check(&mut four, 2, &["line 3", "line 4"]);
    }

    #[test]
    fn what_is_read_stays_in_its_place_while_more_comes() {
        let mut scrollback = filled(9);
        check(&mut scrollback, 3, &["line 6", "line 7", "line 8"]);
        scrollback.up(true);
        check(&mut scrollback, 3, &["line 4", "line 5", "line 6"]);
        scrollback.push(text(9));
        check(&mut scrollback, 3, &["line 4", "line 5", "line 6"]);
        assert_eq!((scrollback.n_unread(), scrollback.is_scrolled()), (1, true));
        scrollback.follow();
        check(&mut scrollback, 3, &["line 7", "line 8", "line 9"]);
        assert_eq!((scrollback.n_unread(), scrollback.is_scrolled()), (0, false));
    }

    #[test]
    fn nobody_scrolls_beyond_the_ends() {
        let mut scrollback = filled(5);
        check(&mut scrollback, 3, &["line 2", "line 3", "line 4"]);
        (0..10).for_each(|_| scrollback.up(true));
        check(&mut scrollback, 3, &["line 0", "line 1", "line 2"]);
        scrollback.down(false);
        check(&mut scrollback, 3, &["line 1", "line 2", "line 3"]);
        (0..10).for_each(|_| scrollback.down(true));
        check(&mut scrollback, 3, &["line 2", "line 3", "line 4"]);
    }

    #[test]
    fn a_margin_stands_beside_the_text_where_there_is_room() {
        let mut scrollback = Scrollback::default();
        scrollback.push(Entry::Noted(Span::raw("12:03"), Line::from("bob: one two three")));
        let mut check = |width: usize, expected: &[&str]| {
            let rows: Vec<String> = scrollback.rows(width, 5).iter().map(ToString::to_string).collect();
            assert_eq!(rows, expected, "in {width} columns");
        };
        check(40, &["12:03 bob: one two three"]);
        check(24, &["12:03 bob: one two three"]);
        check(23, &["bob: one two three"]);
        check(12, &["bob: one two", "three"]);
        scrollback.clear();
        scrollback.push(Entry::Noted(Span::raw("12:03"), Line::from("bob: one two three four five")));
        let rows: Vec<String> = scrollback.rows(24, 5).iter().map(ToString::to_string).collect();
        assert_eq!(rows, ["12:03 bob: one two three", "      four five"]);
    }

    #[test]
    fn what_left_at_the_bound_is_counted_at_the_top() {
        let mut scrollback = filled(ENTRIES_MAX + 2);
        check(&mut scrollback, 1, &["line 10001"]);
        (0..ENTRIES_MAX).for_each(|_| scrollback.up(false));
        check(&mut scrollback, 2, &["(2 older lines are no longer kept)", "line 2"]);
    }

    #[test]
    fn a_narrower_terminal_keeps_the_newest_in_sight() {
        let mut scrollback = filled(3);
        scrollback.push(Entry::Columns(Line::from("a | column | and another | one")));
        let rows: Vec<String> = scrollback.rows(6, 3).iter().map(ToString::to_string).collect();
        assert_eq!(rows, ["line 1", "line 2", "a | c…"]);
    }
}
