//! From pieces of bytes to lines of text (docs/protocol.md §4). Pure: no socket, no clock, no users.

use signalbox_shared::chat::LINE_BYTES_MAX;

/// Splits what a client sends into lines, keeping no more than one line's limit of it.
#[derive(Debug)]
pub(crate) struct Splitter {
    /// Longest line, in bytes without its end.
    bytes_max: usize,
    /// The line that has not ended yet; a byte over the limit may be its carriage return.
    partial: Vec<u8>,
    /// How long the line that has not ended yet really is, in bytes, its carriage return included.
    partial_bytes: usize,
}

/// One line, its end taken off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// Its text; what is not UTF-8 has become U+FFFD.
    Text(String),
    /// Not UTF-8, shown as far as it can be.
    NotUtf8(String),
    /// Over the limit, and not kept.
    TooLong {
        /// Its length in bytes.
        bytes: usize,
    },
}

impl Default for Splitter {
    fn default() -> Self {
        Self::new(LINE_BYTES_MAX)
    }
}

impl Splitter {
    /// One that takes lines of at most so many bytes.
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, partial: Vec::new(), partial_bytes: 0 }
    }

    /// Takes the next bytes and gives every line that ends in them.
    pub(crate) fn split(&mut self, bytes: &[u8]) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.extend(&rest[..end]);
            lines.push(self.end());
            rest = &rest[end + 1..];
        }
        self.extend(rest);
        lines
    }

    /// The line that was not ended when the stream was; none when there is nothing in it.
    pub(crate) fn finish(&mut self) -> Option<Line> {
        (0 < self.partial_bytes).then(|| self.end())
    }

    /// How much of a line has come that has not ended yet, in bytes.
    pub(crate) fn partial_bytes(&self) -> usize {
        self.partial_bytes
    }

    fn extend(&mut self, bytes: &[u8]) {
        self.partial_bytes = self.partial_bytes.saturating_add(bytes.len());
        let space = (self.bytes_max + 1).saturating_sub(self.partial.len());
        self.partial.extend_from_slice(&bytes[..bytes.len().min(space)]);
    }

    fn end(&mut self) -> Line {
        // Taken, not cleared: a client that is quiet keeps no buffer.
        let mut line = std::mem::take(&mut self.partial);
        let mut bytes = std::mem::take(&mut self.partial_bytes);
        if bytes == line.len() && line.last() == Some(&b'\r') {
            line.pop();
            bytes -= 1;
        }
        if self.bytes_max < bytes {
            return Line::TooLong { bytes };
        }
        match String::from_utf8(line) {
            Ok(text) => Line::Text(text),
            Err(error) => Line::NotUtf8(String::from_utf8_lossy(error.as_bytes()).into_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(bytes: &[u8], expected: &[Line], left: usize) {
        let mut splitter = Splitter::default();
        assert_eq!(splitter.split(bytes), expected);
        assert_eq!(splitter.partial_bytes(), left);
    }

    fn text(text: &str) -> Line {
        Line::Text(text.to_owned())
    }

    #[test]
    fn lines_end_with_lf_and_may_have_a_cr_before_it() {
        check(b"", &[], 0);
        check(b"\n\r\n", &[text(""), text("")], 0);
        check(b"a\nb\r\nc", &[text("a"), text("b")], 1);
        check(b"a\rb\r\r\n", &[text("a\rb\r")], 0);
        check("żółw\n".as_bytes(), &[text("żółw")], 0);
        check(b"\xff\xc3\n", &[Line::NotUtf8("\u{fffd}\u{fffd}".into())], 0);
    }

    #[test]
    fn the_limit_is_on_the_line_without_its_end() {
        let line = |n: usize, end: &str| "x".repeat(n) + end;
        check(line(4096, "\n").as_bytes(), &[text(&line(4096, ""))], 0);
        check(line(4096, "\r\n").as_bytes(), &[text(&line(4096, ""))], 0);
        check(line(4097, "\n").as_bytes(), &[Line::TooLong { bytes: 4097 }], 0);
        check(line(4097, "\nok\n").as_bytes(), &[Line::TooLong { bytes: 4097 }, text("ok")], 0);
        check(&[b'x'; 1 << 20], &[], 1 << 20);
    }

    #[test]
    fn what_is_kept_is_bounded_and_given_back() {
        let mut splitter = Splitter::default();
        for _ in 0..256 {
            splitter.split(&[b'x'; 4096]);
        }
        assert_eq!(splitter.partial.len(), LINE_BYTES_MAX + 1);
        assert_eq!(splitter.finish(), Some(Line::TooLong { bytes: 1 << 20 }));
        assert_eq!(splitter.partial.capacity(), 0);
        assert_eq!(splitter.finish(), None);
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_lines(
            pieces in prop::collection::vec(
                prop_oneof![Just(b"\n".to_vec()), Just(b"\r".to_vec()), Just("ż".as_bytes().to_vec()), Just(vec![b'x'; 4090]), prop::collection::vec(any::<u8>(), 0..9)], 0..24),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let bytes = pieces.concat();
            let mut whole = Splitter::default();
            let expected = (whole.split(&bytes), whole.finish());
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let mut splitter = Splitter::default();
            let lines: Vec<Line> = cuts.windows(2).flat_map(|cut| splitter.split(&bytes[cut[0]..cut[1]])).collect();
            prop_assert_eq!((lines, splitter.finish()), expected);
        }
    }
}
