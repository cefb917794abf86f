//! What has come, newest last, and which part of it is shown. Bounded: the oldest entries leave, and their number is
//! told at the top.

use std::collections::VecDeque;

use ratatui::style::Style;
use ratatui::text::Line;

use super::wrap::{cut, wrap};

/// Most entries that are kept: hours of a lively chat, a few megabytes.
const ENTRIES_MAX: usize = 10_000;

/// One line that came.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    /// Text, wrapped where it is too wide.
    Text(Line<'static>),
    /// Columns, cut where they are too wide.
    Columns(Line<'static>),
}

impl Entry {
    fn rows(&self, width: usize) -> Vec<Line<'static>> {
        match self {
            Self::Text(line) => wrap(line, width),
            Self::Columns(line) => vec![cut(line, width)],
        }
    }
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
            self.rows_below += entry.rows(self.width).len();
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
        let wanted = height + self.rows_below;
        // From the newest entry up, and the rows of each from its last one up.
        let mut rows: Vec<Line<'static>> = Vec::new();
        for entry in self.entries.iter().rev() {
            rows.extend(entry.rows(width).into_iter().rev());
            if wanted <= rows.len() {
                break;
            }
        }
        if rows.len() < wanted && 0 < self.n_dropped {
            let told = format!("({} older lines are no longer kept)", self.n_dropped);
            rows.push(Line::styled(told, Style::new().dim()));
        }
        let shown = rows.into_iter().skip(self.rows_below).take(height);
        let mut shown: Vec<_> = shown.collect();
        shown.reverse();
        shown
    }

    /// Nobody scrolls beyond the oldest row.
    fn clamp(&mut self) {
        if self.rows_below == 0 {
            return;
        }
        let enough = self.rows_below + self.height;
        let mut n_rows = usize::from(0 < self.n_dropped);
        for entry in self.entries.iter().rev() {
            n_rows += entry.rows(self.width).len();
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
