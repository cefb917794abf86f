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

/// The bytes that `text` stands for.
///
/// # Errors
/// What is wrong and where, for a person to read.
pub fn bytes_of(kind: DraftKind, text: &str) -> Result<Vec<u8>, String> {
    match kind {
        DraftKind::Text => Ok(text.as_bytes().to_vec()),
        DraftKind::Json => match json_lines::check(text) {
            Ok(()) => Ok(text.as_bytes().to_vec()),
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

/// How bytes are put back into the form: text as text, JSON as JSON, others in hexadecimal.
#[must_use]
pub fn draft_of(bytes: &[u8]) -> (DraftKind, String) {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.trim_start().starts_with(['{', '[']) && json_lines::check(text).is_ok() => {
            (DraftKind::Json, text.to_owned())
        }
        Ok(text) => (DraftKind::Text, text.to_owned()),
        Err(_) => {
            let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            (DraftKind::Hex, digits.join(" "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: DraftKind, text: &str, expected: Result<&[u8], &str>) {
        assert_eq!(bytes_of(kind, text), expected.map(<[u8]>::to_vec).map_err(str::to_owned));
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
        for bytes in [&b"plain"[..], b"{\"a\":1}", b"{not", b"\xff\0", b""] {
            let (kind, text) = draft_of(bytes);
            assert_eq!(bytes_of(kind, &text).as_deref(), Ok(bytes));
        }
        assert_eq!(draft_of(b"[1]").0, DraftKind::Json);
    }
}
