//! One metrics reading (docs/protocol.md §2): what an agent sends, checked once, where it enters.
//!
//! Knows nothing of ZeroMQ or of the feed.

use std::borrow::Cow;

use jiff::Timestamp;
use thiserror::Error;

use self::object::{Field, Message, Object};
use crate::chat::is_control;

mod object;

/// Largest sample, in bytes, as it comes and as the feed encodes it. Source: docs/protocol.md §2.
pub const SAMPLE_BYTES_MAX: usize = 64 * 1024;
/// Longest agent name and longest charted metric's name, in characters: what a legend can show, and a bound on what
/// is kept per agent.
pub const NAME_CHARS_MAX: usize = 128;
/// How much of a sender's text an error repeats, in characters: enough to recognise it, too little to flood a log.
pub const ERROR_TEXT_CHARS_MAX: usize = 160;

/// Room for the name of an agent where it is told under a second key, in bytes; most samples are no longer than they came.
const NAME_ROOM_BYTES: usize = 32;

/// A checked reading of one agent.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The agent's name.
    pub color: String,
    /// When the agent took it, in milliseconds since the Unix epoch.
    pub timestamp_ms: i64,
    /// The agent's object as the feed carries it, on one line: holds `color`, `timestamp`, `cpu` and `mem`, and whatever
    /// else it sent, in its order.
    pub json: Vec<u8>,
    metrics: Vec<(Box<str>, f64)>,
}

/// Why bytes are no sample. [`SampleError::reason`] is the label under which it is counted.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum SampleError {
    /// Over [`SAMPLE_BYTES_MAX`].
    #[error("sample of {bytes} bytes is over the limit of {SAMPLE_BYTES_MAX} bytes")]
    TooLarge {
        /// Its size in bytes.
        bytes: usize,
    },
    /// More than one ZeroMQ part.
    #[error("a sample is one part, this message has {n_parts}")]
    Multipart {
        /// How many parts it has.
        n_parts: usize,
    },
    /// Does not parse.
    #[error("not JSON: {0}")]
    NotJson(String),
    /// JSON, but an array or a bare value: watched on `/topic/collector/other`.
    #[error("JSON, but not an object")]
    NotObject,
    /// Neither `color` nor `name` nor `service`.
    #[error("no agent name: one of \"color\", \"name\", \"service\" must be a non-empty string")]
    NoName,
    /// Over [`NAME_CHARS_MAX`].
    #[error("an agent name of {chars} characters is over the limit of {NAME_CHARS_MAX} characters")]
    NameTooLong {
        /// Its length in characters.
        chars: usize,
    },
    /// A name with an escape, a line break or another control or direction-changing character.
    #[error("an agent name must not contain the control character U+{code_point:04X}")]
    NameControlCharacter {
        /// The first one found.
        code_point: u32,
    },
    /// `timestamp` is missing, no string, or not ISO 8601 with offset.
    #[error("\"timestamp\" is not an ISO 8601 time with offset, such as 2026-11-20T12:03:07+01:00: {0}")]
    BadTimestamp(String),
    /// `cpu` or `mem` is missing or no finite number.
    #[error("\"{key}\" is not a finite number")]
    BadMetric {
        /// Its key.
        key: String,
    },
    /// `NaN`, `Infinity` or a number that only infinity could hold, anywhere in the object.
    #[error("{what} at column {column} is no finite number: leave a metric out when it has no value")]
    NotFinite {
        /// The literal, or what stands for a number out of range.
        what: &'static str,
        /// Where, in bytes from 1, on its line.
        column: usize,
    },
}

impl SampleError {
    /// Every label that [`Self::reason`] can give, in a fixed order.
    pub const REASONS: [&'static str; 8] = [
        "too_large",
        "multipart",
        "not_json",
        "not_object",
        "no_name",
        "bad_name",
        "bad_timestamp",
        "bad_metric",
    ];

    /// Short label for counting.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too_large",
            Self::Multipart { .. } => "multipart",
            Self::NotJson(_) => "not_json",
            Self::NotObject => "not_object",
            Self::NoName => "no_name",
            Self::NameTooLong { .. } | Self::NameControlCharacter { .. } => "bad_name",
            Self::BadTimestamp(_) => "bad_timestamp",
            Self::BadMetric { .. } | Self::NotFinite { .. } => "bad_metric",
        }
    }
}

impl Sample {
    /// Checks one message as it came from an agent.
    ///
    /// The synonyms `name` and `service` are copied to `color`, so that what the feed carries always holds the four
    /// fields that a plain page reads. Of a repeated key the last value counts, as in a browser.
    ///
    /// # Errors
    /// Each variant of [`SampleError`] but `Multipart`, which only a transport can see.
    pub fn from_json(bytes: &[u8]) -> Result<Self, SampleError> {
        if SAMPLE_BYTES_MAX < bytes.len() {
            return Err(SampleError::TooLarge { bytes: bytes.len() });
        }
        let message = serde_json::from_slice(bytes).map_err(|error| error_from_json(bytes, &error))?;
        let Message::Object(mut object) = message else { return Err(SampleError::NotObject) };
        let (key, color) = name(&object).ok_or(SampleError::NoName)?;
        check_name(&color)?;
        let timestamp_ms = timestamp_ms(object.get("timestamp"))?;
        for key in ["cpu", "mem"] {
            if !matches!(object.get(key), Some(Field::Number(_))) {
                return Err(SampleError::BadMetric { key: key.to_owned() });
            }
        }
        if key != "color" {
            object.put(Cow::Borrowed("color"), Field::Text(Cow::Owned(color.clone())));
        }
        let mut json = Vec::with_capacity(bytes.len() + NAME_ROOM_BYTES);
        object.write(&mut json);
        let metrics = object.numbers().map(|(key, value)| (key.into(), value)).collect();
        Ok(Self { color, timestamp_ms, json, metrics })
    }

    /// Every numeric field and its value: `cpu`, `mem`, and whatever further ones the agent sends.
    pub fn metrics(&self) -> impl Iterator<Item = (&str, f64)> {
        self.metrics.iter().map(|(key, value)| (&**key, *value))
    }

    /// One numeric field.
    #[must_use]
    pub fn metric(&self, key: &str) -> Option<f64> {
        self.metrics().find_map(|(known, value)| (known == key).then_some(value))
    }
}

/// The agent's name, and the key under which it stands.
fn name(object: &Object<'_>) -> Option<(&'static str, String)> {
    ["color", "name", "service"].into_iter().find_map(|key| {
        let name = object.get(key)?.as_text().filter(|name| !name.trim().is_empty())?;
        Some((key, name.to_owned()))
    })
}

/// Whether a metric's own name may stand in a chart: at most [`NAME_CHARS_MAX`] characters, no control characters.
/// The metric stays in the sample in either case.
#[must_use]
pub fn is_chartable(metric: &str) -> bool {
    check_name(metric).is_ok()
}

fn check_name(name: &str) -> Result<(), SampleError> {
    let chars = name.chars().count();
    if NAME_CHARS_MAX < chars {
        return Err(SampleError::NameTooLong { chars });
    }
    match name.chars().find(|&c| is_control(c)) {
        Some(c) => Err(SampleError::NameControlCharacter { code_point: c.into() }),
        None => Ok(()),
    }
}

fn timestamp_ms(value: Option<&Field<'_>>) -> Result<i64, SampleError> {
    let bad = |why: &str| SampleError::BadTimestamp(why.chars().take(ERROR_TEXT_CHARS_MAX).collect());
    match value {
        None => Err(bad("it is missing")),
        Some(Field::Text(text)) => {
            let timestamp: Timestamp = text.parse().map_err(|error: jiff::Error| bad(&error.to_string()))?;
            Ok(timestamp.as_millisecond())
        }
        Some(_) => Err(bad("it is no string")),
    }
}

/// Names what JSON has no word for: several languages' encoders write `NaN` and `Infinity` all the same.
fn error_from_json(bytes: &[u8], error: &serde_json::Error) -> SampleError {
    let column = error.column();
    let text = error.to_string();
    if text.starts_with("number out of range") {
        return SampleError::NotFinite { what: "a number out of range", column };
    }
    // The parser stops at the literal's first letter, or at the one behind its sign.
    let line_start =
        bytes.split_inclusive(|&b| b == b'\n').take(error.line().saturating_sub(1)).map(<[u8]>::len);
    let at = line_start.sum::<usize>() + column.saturating_sub(1);
    for what in ["NaN", "Infinity"] {
        if bytes.get(at..).is_some_and(|rest| rest.starts_with(what.as_bytes())) {
            return SampleError::NotFinite { what, column };
        }
    }
    SampleError::NotJson(text.chars().take(ERROR_TEXT_CHARS_MAX).collect())
}

#[cfg(test)]
mod tests;
