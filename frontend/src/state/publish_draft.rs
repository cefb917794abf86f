//! What a person has written into the publish form, and whether it is what they say it is.

use super::json_lines;

/// How the text of the form is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DraftKind {
    /// As it stands.
    #[default]
    Text,
    /// JSON, checked before it is sent.
    Json,
    /// Bytes in hexadecimal, with spaces where one likes.
    Hex,
    /// A file's bytes.
    File,
}

impl DraftKind {
    /// Every kind, in the order in which they are offered.
    pub const ALL: [Self; 4] = [Self::Text, Self::Json, Self::Hex, Self::File];

    /// What it is called on its button.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Text => "Text",
            Self::Json => "JSON",
            Self::Hex => "Hex",
            Self::File => "File",
        }
    }
}

/// How the lines of a text end. A browser's text field knows line feeds only and makes one of every other end (HTML,
/// "API value"), so that the form must remember it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LineEnd {
    /// With a line feed.
    #[default]
    Lf,
    /// With a carriage return and a line feed.
    CrLf,
}

impl LineEnd {
    /// How all lines of `text` end; none when they differ, or when one has a carriage return elsewhere.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let (n_cr, n_lf) = (text.matches('\r').count(), text.matches('\n').count());
        match (n_cr, text.matches("\r\n").count()) {
            (0, _) => Some(Self::Lf),
            (n_cr, n_both) if n_cr == n_both && n_both == n_lf => Some(Self::CrLf),
            _ => None,
        }
    }

    /// `text`, whose lines end with line feeds, as it is sent.
    fn put_into(self, text: &str) -> Vec<u8> {
        match self {
            Self::Lf => text.as_bytes().to_vec(),
            Self::CrLf => text.replace("\r\n", "\n").replace('\n', "\r\n").into_bytes(),
        }
    }
}

/// The bytes that `text` stands for; its lines end as `line_end` says.
///
/// # Errors
/// What is wrong and where, for a person to read.
pub fn bytes_of(kind: DraftKind, text: &str, line_end: LineEnd) -> Result<Vec<u8>, String> {
    match kind {
        DraftKind::Text => Ok(line_end.put_into(text)),
        DraftKind::Json => match json_lines::check(text) {
            Ok(()) => Ok(line_end.put_into(text)),
            Err(error) => {
                let (line, column) = error.place(text.as_bytes());
                Err(format!("not JSON: {error} (line {line}, column {column})"))
            }
        },
        DraftKind::Hex => bytes_of_hex(text),
        DraftKind::File => Err("choose a file".to_owned()),
    }
}

fn bytes_of_hex(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(text.len() / 2);
    let mut high = None;
    for (place, c) in text.chars().enumerate().filter(|(_, c)| !c.is_whitespace()) {
        let Some(digit) = c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()) else {
            return Err(format!("{c:?} is no hexadecimal digit (character {})", place + 1));
        };
        match high.take() {
            None => high = Some(digit),
            Some(high) => bytes.push(high * 16 + digit),
        }
    }
    match high {
        None => Ok(bytes),
        Some(_) => Err("a byte has two hexadecimal digits: the last one is missing".to_owned()),
    }
}

/// How bytes are put back into the form: text as text, JSON as JSON, others in hexadecimal, among them text that a text
/// field would change.
#[must_use]
pub fn draft_of(bytes: &[u8]) -> (DraftKind, String, LineEnd) {
    let text = std::str::from_utf8(bytes).ok();
    let Some((text, line_end)) = text.and_then(|text| Some((text, LineEnd::of(text)?))) else {
        let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        return (DraftKind::Hex, digits.join(" "), LineEnd::Lf);
    };
    let is_json = text.trim_start().starts_with(['{', '[']) && json_lines::check(text).is_ok();
    let kind = if is_json { DraftKind::Json } else { DraftKind::Text };
    (kind, text.replace("\r\n", "\n"), line_end)
}

/// Why a message that is text stands in the form in hexadecimal; nothing where it is no text.
#[must_use]
pub fn why_hex(kind: DraftKind, text: &str) -> Option<&'static str> {
    let bytes = if kind == DraftKind::Hex { bytes_of_hex(text).ok() } else { None }?;
    let is_mixed = std::str::from_utf8(&bytes).is_ok_and(|text| LineEnd::of(text).is_none());
    is_mixed.then_some("Text whose line ends are mixed (CR, LF): in hexadecimal they stay as they are")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: DraftKind, text: &str, expected: Result<&[u8], &str>) {
        let found = bytes_of(kind, text, LineEnd::Lf);
        assert_eq!(found, expected.map(<[u8]>::to_vec).map_err(str::to_owned));
    }

    #[test]
    fn drafts_are_what_they_say() {
        check(DraftKind::Text, "{", Ok(b"{"));
        check(DraftKind::Json, "{\"a\":1}", Ok(b"{\"a\":1}"));
        check(DraftKind::Json, "{\n\"a\":x}", Err("not JSON: a value is expected here (line 2, column 5)"));
        check(DraftKind::Hex, " 00 fF\n10", Ok(b"\0\xff\x10"));
        check(DraftKind::Hex, "", Ok(b""));
        check(DraftKind::Hex, "0g", Err("'g' is no hexadecimal digit (character 2)"));
        check(DraftKind::Hex, "012", Err("a byte has two hexadecimal digits: the last one is missing"));
    }

    #[test]
    fn what_was_sent_comes_back_into_the_form() {
        let plain = [&b"plain"[..], b"{\"a\":1}", b"{not", b"\xff\0", b"", b"a\nb"];
        let with_returns = [&b"a\r\nb\r\n"[..], b"{\r\n\"a\":1}", b"a\r\nb\n", b"a\rb", b"\n\r", b"\r"];
        for bytes in plain.into_iter().chain(with_returns) {
            let (kind, text, line_end) = draft_of(bytes);
            assert!(!text.contains('\r'), "a text field would change {text:?}");
            assert_eq!(bytes_of(kind, &text, line_end).as_deref(), Ok(bytes));
        }
        assert_eq!(draft_of(b"[1]").0, DraftKind::Json);
        assert_eq!(draft_of(b"[1,\r\n2]"), (DraftKind::Json, "[1,\n2]".to_owned(), LineEnd::CrLf));
    }

    #[test]
    fn lines_that_are_added_end_like_the_others() {
        let (kind, text, line_end) = draft_of(b"a\r\nb");
        assert_eq!(bytes_of(kind, &format!("{text}\nc"), line_end).as_deref(), Ok(&b"a\r\nb\r\nc"[..]));
    }

    #[test]
    fn text_in_hexadecimal_says_why() {
        let check = |bytes: &[u8], is_told: bool| {
            let (kind, text, _) = draft_of(bytes);
            assert_eq!(why_hex(kind, &text).is_some(), is_told, "{bytes:?}");
        };
        check(b"a\r\nb\n", true);
        check(b"a\r\nb\r\n", false);
        check(b"\xff\r\n\n", false);
        check(b"plain", false);
    }
}
