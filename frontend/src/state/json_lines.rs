//! JSON laid out one value to a line, found piece by piece and without recursion, so that neither size nor depth harms.
//!
//! The lines are places in the source, never copies. Source of the grammar: RFC 8259.

use std::fmt;

mod fold;
mod scan;

pub use fold::Folds;
use scan::Scan;

/// Most lines that are laid out: 20 MB of places. What follows is told as missing and can be read as text.
pub const LINES_MAX: usize = 500_000;
/// Stands for "no line".
const NONE: u32 = u32::MAX;

/// What a line holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineKind {
    /// A string.
    Text,
    /// A number.
    Number,
    /// `true`, `false` or `null`.
    Word,
    /// An object or list begins.
    Open,
    /// It ends.
    Close,
    /// `{}` or `[]`.
    Empty,
}

/// One line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// What it holds.
    pub kind: LineKind,
    /// How deep it stands, from 0.
    pub depth: u32,
    /// Where its value, or bracket, stands in the source.
    pub value: (u32, u32),
    /// Where its key with its quotes stands; nothing in a list.
    pub key: Option<(u32, u32)>,
    /// Whether a comma follows.
    pub has_comma: bool,
    /// The line that opens what it stands in.
    parent: u32,
    /// The line that closes what this one opens, or the other way round.
    partner: u32,
}

/// Why a text is no JSON, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError {
    /// What was expected.
    pub what: &'static str,
    /// Where, in bytes from the beginning.
    pub offset: usize,
}

impl JsonError {
    /// Line and column, both from 1, as editors count them: columns in characters.
    #[must_use]
    pub fn place(&self, bytes: &[u8]) -> (usize, usize) {
        let before = &bytes[..self.offset.min(bytes.len())];
        let n_lines = before.iter().filter(|&&b| b == b'\n').count();
        let line_start = before.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
        (n_lines + 1, String::from_utf8_lossy(&before[line_start..]).chars().count() + 1)
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)
    }
}

/// The lines of a JSON text that may still grow.
#[derive(Clone, Debug, Default)]
pub struct JsonLines {
    lines: Vec<Line>,
    scan: Scan,
}

impl JsonLines {
    /// Looks at up to `budget_bytes` more of `bytes`, which have grown or are as before. `is_end`: no more will come.
    pub fn advance(&mut self, bytes: &[u8], budget_bytes: usize, is_end: bool) {
        self.scan.advance(bytes, budget_bytes, is_end, &mut self.lines, LINES_MAX);
    }

    /// Whether there is nothing to do until more bytes come.
    #[must_use]
    pub fn is_caught_up(&self, bytes: &[u8], is_end: bool) -> bool {
        self.is_full() || self.scan.error.is_some() || self.scan.is_caught_up(bytes, is_end)
    }

    /// Whether lines beyond [`LINES_MAX`] are missing.
    #[must_use]
    pub fn is_full(&self) -> bool {
        LINES_MAX <= self.lines.len()
    }

    /// Why it is no JSON; the lines before that place stand.
    #[must_use]
    pub fn error(&self) -> Option<&JsonError> {
        self.scan.error.as_ref()
    }

    /// Lines found.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// One line.
    #[must_use]
    pub fn line(&self, n: usize) -> Option<&Line> {
        self.lines.get(n)
    }

    /// The line that closes what line `n` opens, once it has come.
    #[must_use]
    pub fn closing(&self, n: usize) -> Option<usize> {
        let line = self.line(n)?;
        (line.kind == LineKind::Open && line.partner != NONE).then_some(line.partner as usize)
    }

    /// Where line `n` stands, as a filter's path: `$.user.tags[3]`. A closing line stands where its opening one does.
    #[must_use]
    pub fn path(&self, bytes: &[u8], n: usize) -> Option<String> {
        Some(path_text(&self.steps(bytes, n)?))
    }

    /// The same as steps from the root.
    #[must_use]
    pub fn steps(&self, bytes: &[u8], n: usize) -> Option<Vec<Step>> {
        let line = self.line(n)?;
        let mut at = if line.kind == LineKind::Close { line.partner as usize } else { n };
        let mut steps = Vec::new();
        loop {
            let line = self.line(at)?;
            let Some(parent) = self.line(line.parent as usize) else { break };
            debug_assert_eq!(parent.kind, LineKind::Open);
            steps.push(match line.key {
                Some(key) => {
                    let key = bytes.get(key.0 as usize..key.1 as usize)?;
                    Step::Key(serde_json::from_slice(key).ok()?)
                }
                None => Step::Index(self.index_of(at, line.parent as usize)),
            });
            at = line.parent as usize;
        }
        steps.reverse();
        Some(steps)
    }

    /// How many siblings stand before line `n` in the list that `parent` opens.
    fn index_of(&self, n: usize, parent: usize) -> usize {
        let (mut at, mut index) = (parent + 1, 0);
        while at < n {
            at = self.closing(at).unwrap_or(at) + 1;
            index += 1;
        }
        index
    }
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Into an object.
    Key(String),
    /// Into a list.
    Index(usize),
}

/// The path as a filter of the tail writes it.
#[must_use]
pub fn path_text(steps: &[Step]) -> String {
    let mut path = "$".to_owned();
    for step in steps {
        match step {
            Step::Index(index) => path.push_str(&format!("[{index}]")),
            Step::Key(key) if is_plain(key) => path.push_str(&format!(".{key}")),
            Step::Key(key) => path.push_str(&format!("[{}]", serde_json::Value::from(key.as_str()))),
        }
    }
    path
}

fn is_plain(key: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !key.is_empty() && !key.starts_with(|c: char| c.is_ascii_digit()) && key.chars().all(is_word)
}

/// The number at the end of a path, if there is one.
#[must_use]
pub fn number_at(text: &str, steps: &[Step]) -> Option<f64> {
    let root: serde_json::Value = serde_json::from_str(text).ok()?;
    let value = steps.iter().try_fold(&root, |value, step| match step {
        Step::Key(key) => value.get(key),
        Step::Index(index) => value.get(index),
    })?;
    value.as_f64().filter(|number| number.is_finite())
}

/// Checks a whole text.
///
/// # Errors
/// [`JsonError`] with the first place that is wrong.
pub fn check(text: &str) -> Result<(), JsonError> {
    let mut scan = Scan::default();
    scan.advance(text.as_bytes(), usize::MAX, true, &mut Vec::new(), 0);
    scan.error.map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests;
