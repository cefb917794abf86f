//! Which lines are folded away, and which line stands in which row then.

use super::JsonLines;

/// The folded objects and lists: from the line that opens to the one that closes, in order, none inside another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folds {
    spans: Vec<(usize, usize)>,
}

impl Folds {
    /// Folds what line `n` opens, or unfolds it. What is still coming cannot be folded.
    pub fn toggle(&mut self, lines: &JsonLines, n: usize) {
        match self.spans.binary_search_by_key(&n, |span| span.0) {
            Ok(at) => {
                self.spans.remove(at);
            }
            Err(_) => {
                let Some(end) = lines.closing(n) else { return };
                self.spans.retain(|span| span.0 < n || end < span.0);
                let at = self.spans.partition_point(|span| span.0 < n);
                self.spans.insert(at, (n, end));
            }
        }
    }

    /// Folds everything that stands directly in the outermost object or list.
    pub fn fold_all(&mut self, lines: &JsonLines) {
        self.spans.clear();
        let mut at = 1;
        while at < lines.len() {
            if let Some(end) = lines.closing(at) {
                self.spans.push((at, end));
                at = end;
            }
            at += 1;
        }
    }

    /// Unfolds everything.
    pub fn clear(&mut self) {
        self.spans.clear();
    }

    /// Whether line `n` is one that stands for what it opens.
    #[must_use]
    pub fn is_folded(&self, n: usize) -> bool {
        self.spans.binary_search_by_key(&n, |span| span.0).is_ok()
    }

    /// Rows, when there are `n_lines` lines.
    #[must_use]
    pub fn n_rows(&self, n_lines: usize) -> usize {
        n_lines - self.spans.iter().map(|(start, end)| end - start).sum::<usize>()
    }

    /// The lines of the rows from `first` on, at most `n`.
    #[must_use]
    pub fn rows(&self, first: usize, n: usize, n_lines: usize) -> Vec<usize> {
        let (mut line, mut row, mut next) = (0, 0, 0);
        // Whole spans before the first row are stepped over at once.
        while let Some(&(start, end)) = self.spans.get(next) {
            let row_of_start = row + (start - line);
            if first <= row_of_start {
                break;
            }
            (row, line, next) = (row_of_start + 1, end + 1, next + 1);
        }
        line += first - row;
        let mut rows = Vec::with_capacity(n);
        while rows.len() < n && line < n_lines {
            rows.push(line);
            line = match self.spans.get(next) {
                Some(&(start, end)) if start == line => {
                    next += 1;
                    end + 1
                }
                _ => line + 1,
            };
        }
        rows
    }
}
