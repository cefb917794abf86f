//! One metrics reading (docs/protocol.md §2): what an agent sends, checked once, where it enters.
//!
//! Knows nothing of ZeroMQ or of the feed.

use jiff::Timestamp;
use serde_json::{Map, Value};
use thiserror::Error;

/// Largest sample, in bytes. Source: docs/protocol.md §2.
pub const SAMPLE_BYTES_MAX: usize = 64 * 1024;

/// A checked reading of one agent.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The agent's name.
    pub color: String,
    /// When the agent took it, in milliseconds since the Unix epoch.
    pub timestamp_ms: i64,
    /// The agent's object: holds `color`, `timestamp`, `cpu` and `mem`, and whatever else it sent, in its order.
    pub object: Map<String, Value>,
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
    /// `timestamp` is missing, no string, or not ISO 8601 with offset.
    #[error("\"timestamp\" is not an ISO 8601 time with offset: {0}")]
    BadTimestamp(String),
    /// `cpu` or `mem` is missing or no finite number.
    #[error("\"{key}\" is not a finite number")]
    BadMetric {
        /// Its key.
        key: String,
    },
}

impl SampleError {
    /// Every label that [`Self::reason`] can give, in a fixed order.
    pub const REASONS: [&'static str; 7] =
        ["too_large", "multipart", "not_json", "not_object", "no_name", "bad_timestamp", "bad_metric"];

    /// Short label for counting.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => Self::REASONS[0],
            Self::Multipart { .. } => Self::REASONS[1],
            Self::NotJson(_) => Self::REASONS[2],
            Self::NotObject => Self::REASONS[3],
            Self::NoName => Self::REASONS[4],
            Self::BadTimestamp(_) => Self::REASONS[5],
            Self::BadMetric { .. } => Self::REASONS[6],
        }
    }
}

impl Sample {
    /// Checks one message as it came from an agent.
    ///
    /// The synonyms `name` and `service` are copied to `color`, so that what the feed carries always holds the four
    /// fields that a plain page reads.
    ///
    /// # Errors
    /// Each variant of [`SampleError`] but `Multipart`, which only a transport can see.
    pub fn from_json(bytes: &[u8]) -> Result<Self, SampleError> {
        if SAMPLE_BYTES_MAX < bytes.len() {
            return Err(SampleError::TooLarge { bytes: bytes.len() });
        }
        let value: Value = serde_json::from_slice(bytes).map_err(|e| SampleError::NotJson(e.to_string()))?;
        let Value::Object(mut object) = value else { return Err(SampleError::NotObject) };
        let color = ["color", "name", "service"]
            .into_iter()
            .find_map(|key| object.get(key)?.as_str().filter(|name| !name.trim().is_empty()))
            .ok_or(SampleError::NoName)?
            .to_owned();
        let timestamp_ms = timestamp_ms(object.get("timestamp"))?;
        for key in ["cpu", "mem"] {
            if !object.get(key).is_some_and(Value::is_number) {
                return Err(SampleError::BadMetric { key: key.to_owned() });
            }
        }
        object.insert("color".to_owned(), Value::String(color.clone()));
        Ok(Self { color, timestamp_ms, object })
    }

    /// Every numeric field and its value: `cpu`, `mem`, and whatever further ones the agent sends.
    pub fn metrics(&self) -> impl Iterator<Item = (&str, f64)> {
        self.object.iter().filter_map(|(key, value)| Some((key.as_str(), value.as_f64()?)))
    }
}

fn timestamp_ms(value: Option<&Value>) -> Result<i64, SampleError> {
    let text =
        value.and_then(Value::as_str).ok_or_else(|| SampleError::BadTimestamp("no string".to_owned()))?;
    let timestamp: Timestamp =
        text.parse().map_err(|e: jiff::Error| SampleError::BadTimestamp(e.to_string()))?;
    Ok(timestamp.as_millisecond())
}
