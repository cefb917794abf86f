//! Styled text in cells of a terminal: wrapped at words, or cut where it must stay in its columns.

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthChar as _;

/// Columns from one tabulator stop to the next.
const TAB_COLUMNS: usize = 4;
/// What stands where a line was cut.
const CUT: char = '…';

#[derive(Clone, Copy)]
struct Cell {
    c: char,
    columns: usize,
    style: Style,
}

/// The rows of at most `width` columns that show `line`; broken at spaces where there are some, else anywhere. At least
/// one row.
pub(super) fn wrap(line: &Line<'_>, width: usize) -> Vec<Line<'static>> {
    let cells = cells(line);
    let width = width.max(2); // a wide character needs two columns
    let mut rows = Vec::new();
    let mut start = 0;
    while start < cells.len() || rows.is_empty() {
        let mut end = start;
        let mut columns = 0;
        while let Some(cell) = cells.get(end)
            && columns + cell.columns <= width
        {
            columns += cell.columns;
            end += 1;
        }
        let mut next = end;
        if end < cells.len() {
            // A space at the edge is where the row breaks; it is shown by the break itself.
            let space = cells[start..=end].iter().rposition(|cell| cell.c == ' ');
            if let Some(space) = space.filter(|&at| 0 < at) {
                (end, next) = (start + space, start + space + 1);
            }
        }
        rows.push(line_of(&cells[start..end]));
        start = next;
    }
    rows
}

/// The one row of at most `width` columns that shows the beginning of `line`, with a mark when there is more.
pub(super) fn cut(line: &Line<'_>, width: usize) -> Line<'static> {
    let mut cells = cells(line);
    let total: usize = cells.iter().map(|cell| cell.columns).sum();
    if total <= width {
        return line_of(&cells);
    }
    let mut columns = 0;
    let fits = cells.iter().take_while(|cell| {
        columns += cell.columns;
        columns < width
    });
    let n_cells = fits.count();
    cells.truncate(n_cells);
    cells.push(Cell { c: CUT, columns: 1, style: Style::new() });
    line_of(&cells)
}

fn cells(line: &Line<'_>) -> Vec<Cell> {
    let mut cells = Vec::new();
    let mut column = 0;
    for span in &line.spans {
        let style = line.style.patch(span.style);
        for c in span.content.chars() {
            if c == '\t' {
                let n = TAB_COLUMNS - column % TAB_COLUMNS;
                cells.extend(std::iter::repeat_n(Cell { c: ' ', columns: 1, style }, n));
                column += n;
            } else {
                let columns = c.width().unwrap_or(0);
                cells.push(Cell { c, columns, style });
                column += columns;
            }
        }
    }
    cells
}

fn line_of(cells: &[Cell]) -> Line<'static> {
    let runs = cells.chunk_by(|a, b| a.style == b.style);
    let span = |run: &[Cell]| Span::styled(run.iter().map(|cell| cell.c).collect::<String>(), run[0].style);
    Line::from(runs.map(span).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, width: usize, expected: &[&str]) {
        let rows: Vec<String> = wrap(&Line::from(text), width).iter().map(ToString::to_string).collect();
        assert_eq!(rows, expected, "{text:?} in {width} columns");
    }

    #[test]
    fn text_is_broken_at_words_where_there_are_some() {
        check("", 10, &[""]);
        check("one two", 10, &["one two"]);
        check("one two three", 9, &["one two", "three"]);
        check("one two three", 7, &["one two", "three"]);
        check("onetwothree", 4, &["onet", "woth", "ree"]);
        check("a bcdefghij", 4, &["a", "bcde", "fghi", "j"]);
        check("żółw 日本語", 6, &["żółw", "日本語"]);
        check("日本語", 5, &["日本", "語"]);
        check("日本", 1, &["日", "本"]);
        check("a\tb", 10, &["a   b"]);
    }

    #[test]
    fn a_style_stays_with_its_text() {
        let bold = Style::new().bold();
        let line = Line::from(vec![Span::styled("ada", bold), Span::raw(": hello there")]);
        let rows = wrap(&line, 10);
        assert_eq!(rows[0].spans, [Span::styled("ada", bold), Span::raw(": hello")]);
        assert_eq!(rows[1].spans, [Span::raw("there")]);
    }

    #[test]
    fn a_cut_is_marked_and_fits() {
        for (text, width, expected) in
            [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("日本語", 5, "日本…"), ("日本語", 4, "日…"), ("", 3, "")]
        {
            assert_eq!(cut(&Line::from(text), width).to_string(), expected);
        }
    }
}
