//! Answers as text: a table where it fits, else one block per row; and errors with the place they point at.

use std::time::Duration;

use signalbox_shared::chat::neutralise;
use unicode_width::UnicodeWidthStr as _;

use crate::changes::query::{Answer, QueryError, Report};

/// What stands for a value that is NULL.
const NULL: &str = "NULL";
/// Most characters of the text that are shown around an error's place.
const EXCERPT_CHARS: usize = 60;

/// The lines that tell a report, for a terminal of so many columns; as wide as it needs when none are given. The text
/// begins in line `first_line` of what the person wrote.
pub(super) fn report_lines(
    report: &Report,
    text: &str,
    first_line: usize,
    width: Option<usize>,
) -> Vec<String> {
    let mut lines: Vec<String> =
        report.answers.iter().flat_map(|answer| answer_lines(answer, width)).collect();
    if let Some(error) = &report.error {
        lines.extend(error_lines(error, text, first_line));
    }
    if report.is_rolled_back {
        lines.push("A transaction was still open at the end; it was rolled back.".to_owned());
    }
    lines
}

fn answer_lines(answer: &Answer, width: Option<usize>) -> Vec<String> {
    let took = duration(answer.elapsed);
    let Some(columns) = &answer.columns else {
        return vec![match answer.n_rows {
            0 => format!("(done, {took})"),
            n => format!("({} changed, {took})", rows(n)),
        }];
    };
    let cells: Vec<Vec<String>> =
        answer.rows.iter().map(|row| row.iter().map(|value| cell(value.as_deref())).collect()).collect();
    let heads: Vec<String> = columns.iter().map(|name| cell(Some(name))).collect();
    let table = Table::new(&heads, &cells);
    let mut lines = match width {
        Some(width) if width < table.columns() => blocks(&heads, &cells),
        _ => table.lines(&heads, &cells),
    };
    let n_shown = answer.rows.len() as u64;
    lines.push(if n_shown < answer.n_rows {
        format!("({n_shown} of {} shown, {took})", rows(answer.n_rows))
    } else {
        format!("({}, {took})", rows(answer.n_rows))
    });
    lines
}

/// A value in one line, with nothing in it that acts on the terminal.
fn cell(value: Option<&str>) -> String {
    value.map_or_else(|| NULL.to_owned(), |text| neutralise(text).replace('\t', "    "))
}

struct Table {
    widths: Vec<usize>,
    /// Columns of numbers stand to the right.
    is_number: Vec<bool>,
}

impl Table {
    fn new(heads: &[String], rows: &[Vec<String>]) -> Self {
        let column = |i: usize| rows.iter().filter_map(move |row| row.get(i));
        let widest = |i: usize| column(i).map(|cell| cell.width()).max().unwrap_or(0);
        let is_number = |i: usize| {
            let mut values = column(i).filter(|cell| *cell != NULL).peekable();
            values.peek().is_some() && values.all(|cell| cell.parse::<f64>().is_ok())
        };
        Self {
            widths: heads.iter().enumerate().map(|(i, head)| head.width().max(widest(i))).collect(),
            is_number: (0..heads.len()).map(is_number).collect(),
        }
    }

    /// Columns of the terminal that it takes.
    fn columns(&self) -> usize {
        self.widths.iter().map(|width| width + 3).sum::<usize>().saturating_sub(1)
    }

    fn lines(&self, heads: &[String], rows: &[Vec<String>]) -> Vec<String> {
        let rule: Vec<String> = self.widths.iter().map(|width| "─".repeat(width + 2)).collect();
        let head = self.line(heads, &vec![false; heads.len()]);
        let rows = rows.iter().map(|row| self.line(row, &self.is_number));
        [head, rule.join("┼")].into_iter().chain(rows).collect()
    }

    fn line(&self, cells: &[String], is_right: &[bool]) -> String {
        let padded = cells.iter().zip(&self.widths).zip(is_right).map(|((cell, width), is_right)| {
            let space = " ".repeat(width - cell.width());
            if *is_right { format!(" {space}{cell} ") } else { format!(" {cell}{space} ") }
        });
        padded.collect::<Vec<_>>().join("│").trim_end().to_owned()
    }
}

/// One block per row, a line per column, for rows that are wider than the terminal.
fn blocks(heads: &[String], rows: &[Vec<String>]) -> Vec<String> {
    let widest = heads.iter().map(|head| head.width()).max().unwrap_or(0);
    let block = |(i, row): (usize, &Vec<String>)| {
        let pairs = heads.iter().zip(row).map(|(head, cell)| {
            let space = " ".repeat(widest - head.width());
            format!(" {head}{space} │ {cell}")
        });
        std::iter::once(format!("── row {} ──", i + 1)).chain(pairs).collect::<Vec<_>>()
    };
    rows.iter().enumerate().flat_map(block).collect()
}

fn error_lines(error: &QueryError, text: &str, first_line: usize) -> Vec<String> {
    let mut lines = vec![neutralise(&error.message).into_owned()];
    if let Some(position) = error.position_chars {
        lines.extend(place(text, position, first_line));
    }
    lines.extend(error.detail.iter().map(|detail| format!("Detail: {}", neutralise(detail))));
    lines.extend(error.hint.iter().map(|hint| format!("Hint: {}", neutralise(hint))));
    lines
}

/// The line of the text that holds the character, and a mark below it.
fn place(text: &str, position: usize, first_line: usize) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let position = position.min(chars.len());
    let start = chars[..position].iter().rposition(|&c| c == '\n').map_or(0, |at| at + 1);
    let end = chars[position..].iter().position(|&c| c == '\n').map_or(chars.len(), |at| position + at);
    let number = first_line + chars[..position].iter().filter(|&&c| c == '\n').count();
    let from = start.max(position.saturating_sub(EXCERPT_CHARS / 2));
    let to = end.min(from + EXCERPT_CHARS);
    let visible = |range: &[char]| neutralise(&range.iter().collect::<String>()).replace('\t', " ");
    let head = format!("line {number}: {}", if start < from { "…" } else { "" });
    let excerpt = visible(&chars[from..to]);
    let before = format!("{head}{}", visible(&chars[from..position]));
    vec![
        format!("{head}{excerpt}{}", if to < end { "…" } else { "" }),
        format!("{}^", " ".repeat(before.width())),
    ]
}

fn rows(n: u64) -> String {
    if n == 1 { "1 row".to_owned() } else { format!("{n} rows") }
}

/// A time as a person reads it.
pub(super) fn duration(duration: Duration) -> String {
    let secs = duration.as_secs_f64();
    if secs < 1.0 { format!("{:.1} ms", secs * 1000.0) } else { format!("{secs:.2} s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(columns: &[&str], rows: &[&[Option<&str>]]) -> Answer {
        let row = |row: &&[Option<&str>]| row.iter().map(|value| value.map(str::to_owned)).collect();
        Answer {
            columns: Some(columns.iter().map(ToString::to_string).collect()),
            rows: rows.iter().map(row).collect(),
            n_rows: rows.len() as u64,
            elapsed: Duration::from_micros(1500),
        }
    }

    fn check(answer: &Answer, width: Option<usize>, expected: &[&str]) {
        assert_eq!(answer_lines(answer, width), expected);
    }

    #[test]
    fn a_table_aligns_its_columns_numbers_to_the_right() {
        let rows: &[&[Option<&str>]] = &[&[Some("7"), Some("żurek")], &[Some("12"), None]];
        check(
            &answer(&["id", "fav_dish"], rows),
            None,
            &[" id │ fav_dish", "────┼──────────", "  7 │ żurek", " 12 │ NULL", "(2 rows, 1.5 ms)"],
        );
        check(&answer(&["a"], &[]), None, &[" a", "───", "(0 rows, 1.5 ms)"]);
        check(&answer(&[], &[&[]]), None, &["", "", "", "(1 row, 1.5 ms)"]);
    }

    #[test]
    fn a_table_too_wide_becomes_a_block_per_row() {
        let wide = answer(&["id", "name"], &[&[Some("7"), Some("a long name")]]);
        check(&wide, Some(10), &["── row 1 ──", " id   │ 7", " name │ a long name", "(1 row, 1.5 ms)"]);
        assert_eq!(answer_lines(&wide, Some(80))[0], " id │ name");
    }

    #[test]
    fn rows_that_are_not_shown_are_told() {
        let mut many = answer(&["n"], &[&[Some("1")]]);
        many.n_rows = 5000;
        assert_eq!(answer_lines(&many, None).last().unwrap(), "(1 of 5000 rows shown, 1.5 ms)");
        let changed = Answer { columns: None, n_rows: 1, ..many };
        check(&changed, None, &["(1 row changed, 1.5 ms)"]);
        check(&Answer { n_rows: 0, ..changed }, None, &["(done, 1.5 ms)"]);
    }

    #[test]
    fn a_value_cannot_act_on_the_terminal() {
        let hostile = answer(&["a\u{1b}[2J"], &[&[Some("b\nc\u{7}\t\u{202e}d")]]);
        for line in answer_lines(&hostile, None) {
            assert!(!line.chars().any(|c| c.is_control() || c == '\u{202e}'), "{line:?}");
        }
    }

    #[test]
    fn an_error_points_at_its_place() {
        assert_eq!(place("select x", 7, 1), ["line 1: select x", "               ^"]);
        assert_eq!(place("select\n  żx, y", 10, 3), ["line 4:   żx, y", "           ^"]);
        assert_eq!(place("ab", 99, 1), ["line 1: ab", "          ^"]);
        let long = format!("{}x{}", "a".repeat(100), "b".repeat(100));
        let lines = place(&long, 100, 1);
        assert_eq!(lines[0].chars().nth(lines[1].chars().count() - 1), Some('x'));
    }
}
