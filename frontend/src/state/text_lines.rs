//! Where the lines of a text begin, found piece by piece, so that no text is too long for one task.

/// Most bytes in one line of the view; a longer line goes on below, so that no line is wider than a few screens.
pub const LINE_BYTES_MAX: usize = 512;
/// Most lines that are laid out: 2 MB of places. What follows is told as missing.
pub const LINES_MAX: usize = 500_000;

/// The places of lines in bytes that may still grow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextLines {
    /// Where each finished line ends, its line end excluded or not; the next one begins there.
    ends: Vec<u32>,
    at: usize,
    line_start: usize,
    is_done: bool,
}

impl TextLines {
    /// Looks at up to `budget_bytes` more of `bytes`, which have grown or are as before. `is_end`: no more will come.
    pub fn advance(&mut self, bytes: &[u8], budget_bytes: usize, is_end: bool) {
        let until = bytes.len().min(self.at.saturating_add(budget_bytes));
        while self.at < until && !self.is_full() {
            let window_end = until.min(self.line_start + LINE_BYTES_MAX);
            match bytes[self.at..window_end].iter().position(|&b| b == b'\n') {
                Some(n) => self.end_line(self.at + n + 1),
                None if window_end == self.line_start + LINE_BYTES_MAX => {
                    self.end_line(char_boundary(bytes, self.line_start, window_end));
                }
                None => self.at = window_end,
            }
        }
        if is_end && self.at == bytes.len() && !self.is_done {
            self.is_done = true;
            if self.line_start < self.at {
                self.end_line(self.at);
            }
        }
    }

    /// Whether every line of the bytes that are there has been found, or as many as are laid out.
    #[must_use]
    pub fn is_caught_up(&self, bytes: &[u8], is_end: bool) -> bool {
        self.is_full() || (self.at == bytes.len() && (self.is_done || !is_end))
    }

    /// Whether lines beyond [`LINES_MAX`] are missing.
    #[must_use]
    pub fn is_full(&self) -> bool {
        LINES_MAX <= self.ends.len()
    }

    /// Lines found.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The bytes of one line, without its line end; empty for a line that is not there.
    #[must_use]
    pub fn line<'a>(&self, bytes: &'a [u8], n: usize) -> &'a [u8] {
        let Some(&end) = self.ends.get(n) else { return &[] };
        let start = if n == 0 { 0 } else { self.ends[n - 1] as usize };
        let line = bytes.get(start..end as usize).unwrap_or_default();
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        line.strip_suffix(b"\r").unwrap_or(line)
    }

    fn end_line(&mut self, end: usize) {
        self.ends.push(u32::try_from(end).unwrap_or(u32::MAX));
        self.at = end;
        self.line_start = end;
    }
}

/// The last place at or before `end` where a character of UTF-8 begins; `end` itself where there is none.
fn char_boundary(bytes: &[u8], start: usize, end: usize) -> usize {
    let is_inside = |at: usize| bytes.get(at).is_some_and(|byte| byte & 0b1100_0000 == 0b1000_0000);
    (end.saturating_sub(3).max(start + 1)..=end).rev().find(|&at| !is_inside(at)).unwrap_or(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines, found `budget` bytes at a time while the bytes grow by `grow` at a time.
    fn lines(bytes: &[u8], budget: usize, grow: usize) -> Vec<Vec<u8>> {
        let mut lines = TextLines::default();
        let mut n = 0usize;
        loop {
            n = bytes.len().min(n + grow);
            let is_end = n == bytes.len();
            lines.advance(&bytes[..n], budget, is_end);
            if is_end && lines.is_caught_up(bytes, true) {
                return (0..lines.len()).map(|n| lines.line(bytes, n).to_vec()).collect();
            }
        }
    }

    fn check(bytes: &[u8], expected: &[&[u8]]) {
        for (budget, grow) in [(usize::MAX, usize::MAX), (1, 1), (3, 7), (1_000, 2)] {
            assert_eq!(lines(bytes, budget, grow.min(1 << 20)), expected, "{budget} {grow}");
        }
    }

    #[test]
    fn lines_are_the_same_however_they_come() {
        check(b"", &[]);
        check(b"a", &[b"a"]);
        check(b"a\r\nb\n", &[b"a", b"b"]);
        check(b"\n\nx", &[b"", b"", b"x"]);
        let long = vec![b'x'; LINE_BYTES_MAX * 2 + 5];
        check(&long, &[&long[..LINE_BYTES_MAX], &long[..LINE_BYTES_MAX], b"xxxxx"]);
    }

    #[test]
    fn a_long_line_is_not_cut_inside_a_character() {
        let text = format!("{}ż{}", "x".repeat(LINE_BYTES_MAX - 1), "y".repeat(10));
        let lines = lines(text.as_bytes(), 100, usize::MAX >> 1);
        assert_eq!(lines.len(), 2);
        assert!(lines.iter().all(|line| std::str::from_utf8(line).is_ok()));
    }

    #[test]
    fn bytes_that_are_no_text_end_too() {
        assert_eq!(lines(&[0x80; LINE_BYTES_MAX * 3], 100, 1 << 20).concat().len(), LINE_BYTES_MAX * 3);
    }
}
