//! Which messages of a channel a watcher wants: a text, a comparison at a JSON path, or a regular expression, made
//! ready once and asked for every message. Pure; knows no channel and no socket.
//!
//! Whatever the words and the payload are, an answer takes a time that grows with their lengths only: expressions are
//! matched without backtracking (crate `regex`), JSON is walked without building it, and both only up to
//! [`JUDGED_BYTES_MAX`].

use regex::bytes::{Regex, RegexBuilder};
use signalbox_shared::filter::FILTER_BYTES_MAX;
use signalbox_shared::{Filter as Words, FilterKind};
use thiserror::Error;

mod comparison;
mod json_path;
mod words;

use comparison::Comparison;

/// Largest payload that a comparison or an expression looks at, in bytes: some milliseconds of work. Larger ones are
/// kept back and counted as unjudged.
pub const JUDGED_BYTES_MAX: usize = 1024 * 1024;
/// Memory of one compiled expression, and of the table it grows while it matches, in bytes each.
const REGEX_BYTES_MAX: usize = 1024 * 1024;
/// How deep the groups of an expression may be nested.
const REGEX_NEST_MAX: u32 = 50;

/// A filter that is ready to be asked.
#[derive(Clone, Debug)]
pub struct Filter(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Text(Regex),
    Json(Vec<Comparison>),
    Regex(Regex),
}

/// What a filter says about a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is wanted.
    Shown,
    /// It is not.
    Filtered,
    /// It is over [`JUDGED_BYTES_MAX`] and was not looked at.
    Unjudged,
}

/// Why words are no filter, for a person to read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{reason} (at character {})", position + 1)]
pub struct FilterError {
    /// What is wrong.
    pub reason: String,
    /// Where, in characters from 0.
    pub position: usize,
}

impl Filter {
    /// Makes a filter of its words.
    ///
    /// # Errors
    /// What is wrong with them, and where.
    pub fn new(words: &Words) -> Result<Self, FilterError> {
        let text = words.text.as_str();
        if FILTER_BYTES_MAX < text.len() {
            let fitting = text.char_indices().take_while(|(at, c)| at + c.len_utf8() <= FILTER_BYTES_MAX);
            return Err(FilterError {
                reason: format!(
                    "the filter has {} bytes, of which {FILTER_BYTES_MAX} are allowed",
                    text.len()
                ),
                position: fitting.count(),
            });
        }
        if text.trim().is_empty() {
            return Err(FilterError { reason: "the filter is empty".to_owned(), position: 0 });
        }
        Ok(Self(match words.kind {
            FilterKind::Text => Kind::Text(compile(&regex::escape(text), text)?),
            FilterKind::Json => Kind::Json(words::comparisons(text)?),
            FilterKind::Regex => Kind::Regex(compile(text, text)?),
        }))
    }

    /// Whether a payload is wanted.
    #[must_use]
    pub fn judge(&self, payload: &[u8]) -> Verdict {
        let is_wanted = match &self.0 {
            // A text is searched for at memory's speed, however long the payload is.
            Kind::Text(text) => text.is_match(payload),
            _ if JUDGED_BYTES_MAX < payload.len() => return Verdict::Unjudged,
            Kind::Regex(regex) => regex.is_match(payload),
            Kind::Json(comparisons) => comparisons.iter().all(|comparison| comparison.holds(payload)),
        };
        if is_wanted { Verdict::Shown } else { Verdict::Filtered }
    }
}

fn compile(pattern: &str, typed: &str) -> Result<Regex, FilterError> {
    let built = RegexBuilder::new(pattern)
        .size_limit(REGEX_BYTES_MAX)
        .dfa_size_limit(REGEX_BYTES_MAX)
        .nest_limit(REGEX_NEST_MAX)
        .build();
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => FilterError {
            reason: "the expression is too large once its repetitions are written out".to_owned(),
            position: 0,
        },
        _ => fault(typed),
    })
}

/// The place of the fault, for which the expression is parsed again: the crate that compiles tells it only as text.
fn fault(pattern: &str) -> FilterError {
    use regex_syntax::Error;

    let parsed =
        regex_syntax::ParserBuilder::new().nest_limit(REGEX_NEST_MAX).utf8(false).build().parse(pattern);
    let (reason, at_byte) = match parsed {
        Err(Error::Parse(error)) => (error.kind().to_string(), error.span().start.offset),
        Err(Error::Translate(error)) => (error.kind().to_string(), error.span().start.offset),
        Err(error) => (error.to_string(), 0),
        Ok(_) => ("the expression cannot be compiled".to_owned(), 0),
    };
    FilterError { reason, position: characters_before(pattern, at_byte) }
}

/// How many characters stand before a byte.
fn characters_before(text: &str, at_byte: usize) -> usize {
    text.char_indices().take_while(|(at, _)| *at < at_byte).count()
}

#[cfg(test)]
mod tests;
