//! From the words of a comparison, `$.user.id >= 5 && $.tags contains "new"`, to what they mean.

use serde_json::Value;

use super::comparison::{Comparison, Operator};
use super::json_path::Step;
use super::{FilterError, characters_before};

/// Most comparisons joined by `&&`: each walks the payload once.
const COMPARISONS_MAX: usize = 8;

/// What `text` says: one comparison, or several joined by `&&`.
pub(super) fn comparisons(text: &str) -> Result<Vec<Comparison>, FilterError> {
    let mut words = Words { text, at: 0 };
    let mut comparisons = Vec::new();
    loop {
        words.skip_blanks();
        if comparisons.len() == COMPARISONS_MAX {
            return words.fail(format!("at most {COMPARISONS_MAX} comparisons can be joined"));
        }
        comparisons.push(words.comparison()?);
        words.skip_blanks();
        if words.rest().is_empty() {
            return Ok(comparisons);
        }
        if !words.take("&&") {
            return words.fail("nothing can follow here but && and a further comparison");
        }
    }
}

struct Words<'t> {
    text: &'t str,
    /// Next byte.
    at: usize,
}

impl<'t> Words<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn skip_blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn take(&mut self, word: &str) -> bool {
        let is_next = self.rest().starts_with(word);
        if is_next {
            self.at += word.len();
        }
        is_next
    }

    fn fail<T>(&self, reason: impl Into<String>) -> Result<T, FilterError> {
        Err(FilterError { reason: reason.into(), position: characters_before(self.text, self.at) })
    }

    fn comparison(&mut self) -> Result<Comparison, FilterError> {
        let path = self.path()?;
        self.skip_blanks();
        let rest = self.rest();
        if rest.is_empty() || rest.starts_with("&&") {
            return Ok(Comparison { path, wanted: None });
        }
        let Some((_, operator)) = Operator::ALL.into_iter().find(|(written, _)| self.take(written)) else {
            let hint = if rest.starts_with('=') { ": equal is ==" } else { "" };
            return self.fail(format!("one of == != < <= > >= contains is wanted here{hint}"));
        };
        self.skip_blanks();
        let wanted = self.value()?;
        let has_order = wanted.is_number() || wanted.is_string();
        let is_order = !matches!(operator, Operator::Equal | Operator::NotEqual | Operator::Contains);
        if is_order && !has_order {
            return self.fail("only numbers and texts have an order");
        }
        Ok(Comparison { path, wanted: Some((operator, wanted)) })
    }

    fn path(&mut self) -> Result<Vec<Step>, FilterError> {
        if !self.take("$") {
            return self.fail("a path begins with $, such as $.user.id");
        }
        let mut path = Vec::new();
        loop {
            if self.take(".") {
                path.push(Step::Key(self.name()?));
            } else if self.take("[") {
                path.push(self.subscript()?);
            } else {
                return Ok(path);
            }
        }
    }

    fn name(&mut self) -> Result<String, FilterError> {
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-')).unwrap_or(rest.len());
        if end == 0 {
            return self.fail("a name is wanted here; one with other characters is written [\"like this\"]");
        }
        self.at += end;
        Ok(rest[..end].to_owned())
    }

    fn subscript(&mut self) -> Result<Step, FilterError> {
        let step = if self.rest().starts_with(['"', '\'']) {
            Step::Key(self.quoted()?)
        } else {
            let rest = self.rest();
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let Ok(index) = rest[..end].parse() else {
                return self.fail("a place from 0 or a name in quotes is wanted in brackets");
            };
            self.at += end;
            Step::Index(index)
        };
        if !self.take("]") {
            return self.fail("the bracket is not closed");
        }
        Ok(step)
    }

    /// A text in double quotes, as JSON has it, or in single ones, as it stands.
    fn quoted(&mut self) -> Result<String, FilterError> {
        let rest = self.rest();
        if let Some(inside) = rest.strip_prefix('\'') {
            let Some(end) = inside.find('\'') else { return self.fail("the quote is not closed") };
            self.at += end + 2;
            return Ok(inside[..end].to_owned());
        }
        let mut texts = serde_json::Deserializer::from_str(rest).into_iter::<String>();
        match texts.next() {
            Some(Ok(text)) => {
                self.at += texts.byte_offset();
                Ok(text)
            }
            _ => self.fail("the quote is not closed, or what stands in it is no JSON text"),
        }
    }

    fn value(&mut self) -> Result<Value, FilterError> {
        let rest = self.rest();
        if rest.starts_with(['"', '\'']) {
            return self.quoted().map(Value::String);
        }
        let end = rest.find(|c: char| c.is_whitespace() || c == '&').unwrap_or(rest.len());
        match serde_json::from_str(&rest[..end]) {
            Ok(value @ (Value::Number(_) | Value::Bool(_) | Value::Null)) => {
                self.at += end;
                Ok(value)
            }
            _ => self.fail("a number, a text in quotes, true, false or null is wanted here"),
        }
    }
}
