//! Styled text in cells of a terminal: wrapped at words, or cut where it must stay in its columns.

use ratatui::buffer::CellWidth as _;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation as _;

/// Columns from one tabulator stop to the next.
const TAB_COLUMNS: usize = 4;
/// What stands where a line was cut.
const CUT: &str = "…";

/// What is seen as one character: a letter with its marks, a picture of several joined ones. It is as wide as what draws
/// the rows takes it to be, or a row that is full would lose its end.
#[derive(Clone, Copy)]
struct Cell<'l> {
    text: &'l str,
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
        // What is wider than the row by itself stands alone in it.
        while let Some(cell) = cells.get(end)
            && (columns + cell.columns <= width || end == start)
        {
            columns += cell.columns;
            end += 1;
        }
        let mut next = end;
        if end < cells.len() {
            // A space at the edge is where the row breaks; it is shown by the break itself.
            let space = cells[start..=end].iter().rposition(|cell| cell.text == " ");
            if let Some(space) = space.filter(|&at| 0 < at) {
                (end, next) = (start + space, start + space + 1);
            }
        }
        rows.push(line_of(&cells[start..end]));
        start = next;
    }
    rows
}

/// How many rows [`wrap`] gives, mostly told without making them.
pub(super) fn n_rows(line: &Line<'_>, width: usize) -> usize {
    let is_plain = |text: &str| text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let n_bytes: usize = line.spans.iter().map(|span| span.content.len()).sum();
    match n_bytes <= width && line.spans.iter().all(|span| is_plain(&span.content)) {
        true => 1,
        false => wrap(line, width).len(),
    }
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
    cells.push(Cell { text: CUT, columns: 1, style: Style::new() });
    line_of(&cells)
}

fn cells<'l>(line: &'l Line<'_>) -> Vec<Cell<'l>> {
    let mut cells = Vec::new();
    let mut column = 0;
    for span in &line.spans {
        let style = line.style.patch(span.style);
        for text in span.content.graphemes(true) {
            if text == "\t" {
                let n = TAB_COLUMNS - column % TAB_COLUMNS;
                cells.extend(std::iter::repeat_n(Cell { text: " ", columns: 1, style }, n));
                column += n;
            } else if !text.contains(char::is_control) {
                let columns = text.cell_width().into();
                cells.push(Cell { text, columns, style });
                column += columns;
            }
        }
    }
    cells
}

fn line_of(cells: &[Cell<'_>]) -> Line<'static> {
    let runs = cells.chunk_by(|a, b| a.style == b.style);
    let span =
        |run: &[Cell<'_>]| Span::styled(run.iter().map(|cell| cell.text).collect::<String>(), run[0].style);
    Line::from(runs.map(span).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, width: usize, expected: &[&str]) {
        let rows: Vec<String> = wrap(&Line::from(text), width).iter().map(ToString::to_string).collect();
        assert_eq!(rows, expected, "{text:?} in {width} columns");
        assert_eq!(n_rows(&Line::from(text), width), expected.len(), "{text:?} in {width} columns");
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
        // Wider than its parts, narrower than its parts, and no wider for its marks.
        check("❤\u{fe0f}❤\u{fe0f}❤\u{fe0f}", 4, &["❤\u{fe0f}❤\u{fe0f}", "❤\u{fe0f}"]);
        check("👩\u{200d}🚒👩\u{200d}🚒", 4, &["👩\u{200d}🚒👩\u{200d}🚒"]);
        check("e\u{301}e\u{301}e\u{301}", 2, &["e\u{301}e\u{301}", "e\u{301}"]);
    }

    #[test]
    fn what_is_wider_than_a_row_stands_alone_in_it() {
        let wide = "ﾊ\u{ff9f}\u{ff9f}\u{ff9f}\u{ff9f}";
        assert!(2 < Line::from(wide).spans[0].content.cell_width());
        check(&format!("{wide}b"), 2, &[wide, "b"]);
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
