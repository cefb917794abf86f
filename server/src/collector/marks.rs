//! Marks: moments worth a line in every chart (docs/protocol.md §3, marks). What makes a message one, and the newest few.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde_json::Value;
use signalbox_shared::chat::is_control;
use signalbox_shared::feed::{Mark, MarkKind};
use thiserror::Error;

/// Largest message that may be a mark, in bytes: its text four times over, with room for fields that nobody reads.
pub const MARK_BYTES_MAX: usize = 4_096;
/// Longest text of a mark, in characters: what a chart can still show.
pub const TEXT_CHARS_MAX: usize = 200;

/// Why a message on `/topic/marks` is no mark. [`MarkError::reason`] is the label under which it is counted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MarkError {
    /// Over [`MARK_BYTES_MAX`].
    #[error("a mark of {bytes} bytes is over the limit of {MARK_BYTES_MAX} bytes")]
    TooLarge {
        /// Its size in bytes.
        bytes: usize,
    },
    /// Does not parse.
    #[error("not JSON: {0}")]
    NotJson(String),
    /// No object with a `text` that is not blank.
    #[error("a mark is an object with a \"text\" that is not blank")]
    NoText,
    /// Too long, or with a control character.
    #[error("a mark's text has at most {TEXT_CHARS_MAX} characters, none of them a control character")]
    BadText,
    /// `timestamp` is there, but no ISO 8601 time with offset.
    #[error("\"timestamp\" is not an ISO 8601 time with offset, such as 2026-11-20T12:03:07+01:00")]
    BadTimestamp,
}

impl MarkError {
    /// Short label for counting.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too_large",
            Self::NotJson(_) => "not_json",
            Self::NoText => "no_text",
            Self::BadText => "bad_text",
            Self::BadTimestamp => "bad_timestamp",
        }
    }
}

/// Checks one message that came at `now_ms`.
///
/// # Errors
/// Each variant of [`MarkError`].
pub fn from_json(bytes: &[u8], now_ms: i64) -> Result<Mark, MarkError> {
    if MARK_BYTES_MAX < bytes.len() {
        return Err(MarkError::TooLarge { bytes: bytes.len() });
    }
    let value: Value =
        serde_json::from_slice(bytes).map_err(|error| MarkError::NotJson(error.to_string()))?;
    let text = value.get("text").and_then(Value::as_str).map(str::trim);
    let text = text.filter(|text| !text.is_empty()).ok_or(MarkError::NoText)?;
    if TEXT_CHARS_MAX < text.chars().count() || text.chars().any(is_control) {
        return Err(MarkError::BadText);
    }
    let at_ms = match value.get("timestamp") {
        None | Some(Value::Null) => now_ms,
        Some(Value::String(time)) => {
            time.parse::<Timestamp>().map_err(|_| MarkError::BadTimestamp)?.as_millisecond()
        }
        Some(_) => return Err(MarkError::BadTimestamp),
    };
    Ok(Mark { text: text.to_owned(), at_ms, kind: MarkKind::Mark, color: None })
}

/// The newest marks.
#[derive(Debug)]
pub struct Marks {
    marks: VecDeque<Mark>,
    n_max: usize,
}

impl Marks {
    /// None yet, and never more than `n_max`.
    #[must_use]
    pub fn new(n_max: usize) -> Self {
        Self { marks: VecDeque::new(), n_max }
    }

    /// Adds one; the oldest makes room.
    pub fn push(&mut self, mark: Mark) {
        if self.n_max <= self.marks.len() {
            self.marks.pop_front();
        }
        self.marks.push_back(mark);
    }

    /// All of them, in the order in which they came.
    #[must_use]
    pub fn to_vec(&self) -> Vec<Mark> {
        self.marks.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, expected: Result<(&str, i64), &str>) {
        let found = from_json(json.as_bytes(), 7);
        let found = found.as_ref().map(|mark| (mark.text.as_str(), mark.at_ms)).map_err(MarkError::reason);
        assert_eq!(found, expected, "{json}");
    }

    #[test]
    fn a_mark_has_a_text_and_perhaps_a_time() {
        check(r#"{"text":"deploy"}"#, Ok(("deploy", 7)));
        check(
            r#"{"text":" deploy ","timestamp":"1970-01-01T00:00:01+00:00","who":"ci"}"#,
            Ok(("deploy", 1_000)),
        );
        check(r#"{"text":"deploy","timestamp":"yesterday"}"#, Err("bad_timestamp"));
        check(r#"{"text":"deploy","timestamp":5}"#, Err("bad_timestamp"));
        check(r#"{"text":"  "}"#, Err("no_text"));
        check(r#"{"text":5}"#, Err("no_text"));
        check("[]", Err("no_text"));
        check("5", Err("no_text"));
        check(r#"{"text":"a\u001bb"}"#, Err("bad_text"));
        check(&format!(r#"{{"text":"{}"}}"#, "é".repeat(TEXT_CHARS_MAX + 1)), Err("bad_text"));
        check(&format!(r#"{{"text":"{}"}}"#, "é".repeat(MARK_BYTES_MAX)), Err("too_large"));
        check("", Err("not_json"));
        check("{", Err("not_json"));
    }

    #[test]
    fn the_oldest_makes_room() {
        let mut marks = Marks::new(2);
        for n in 0..5 {
            marks.push(Mark { text: n.to_string(), at_ms: n, kind: MarkKind::Mark, color: None });
        }
        let texts: Vec<String> = marks.to_vec().into_iter().map(|mark| mark.text).collect();
        assert_eq!(texts, ["3", "4"]);
    }
}
