//! One comparison: what stands at a path, an operator, and a value.
//!
//! Where nothing stands, or where two kinds of values meet that have no order, nothing holds but `!=` between existing
//! values: a filter finds what it names, and never what is missing.

use std::cmp::Ordering;

use serde_json::{Number, Value};

use super::json_path::{Step, value_at};

/// One comparison.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Comparison {
    pub(super) path: Vec<Step>,
    /// Without one it is asked only whether there is anything, `null` not counted.
    pub(super) wanted: Option<(Operator, Value)>,
}

/// How what stands there is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Contains,
}

impl Operator {
    /// Each with the way it is written, so that no way begins with an earlier one.
    pub(super) const ALL: [(&'static str, Self); 7] = [
        ("==", Self::Equal),
        ("!=", Self::NotEqual),
        ("<=", Self::LessOrEqual),
        (">=", Self::GreaterOrEqual),
        ("<", Self::Less),
        (">", Self::Greater),
        ("contains", Self::Contains),
    ];
}

impl Comparison {
    /// Whether it holds for a JSON text; it never does for what is no JSON.
    pub(super) fn holds(&self, json: &[u8]) -> bool {
        let Some(there) = value_at(json, &self.path) else { return false };
        match &self.wanted {
            None => !there.is_null(),
            Some((operator, wanted)) => compare(&there, *operator, wanted),
        }
    }
}

fn compare(there: &Value, operator: Operator, wanted: &Value) -> bool {
    let order = || order(there, wanted);
    match operator {
        Operator::Equal => is_equal(there, wanted),
        Operator::NotEqual => !is_equal(there, wanted),
        Operator::Less => order() == Some(Ordering::Less),
        Operator::LessOrEqual => matches!(order(), Some(Ordering::Less | Ordering::Equal)),
        Operator::Greater => order() == Some(Ordering::Greater),
        Operator::GreaterOrEqual => matches!(order(), Some(Ordering::Greater | Ordering::Equal)),
        Operator::Contains => contains(there, wanted),
    }
}

fn is_equal(there: &Value, wanted: &Value) -> bool {
    match (there, wanted) {
        (Value::Number(_), Value::Number(_)) => order(there, wanted) == Some(Ordering::Equal),
        _ => there == wanted,
    }
}

/// The order of two numbers or two texts.
fn order(there: &Value, wanted: &Value) -> Option<Ordering> {
    match (there, wanted) {
        (Value::Number(a), Value::Number(b)) => match (integer(a), integer(b)) {
            (Some(a), Some(b)) => Some(a.cmp(&b)),
            _ => a.as_f64()?.partial_cmp(&b.as_f64()?),
        },
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

/// Whole numbers are compared exactly, also those that no f64 holds.
fn integer(number: &Number) -> Option<i128> {
    number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
}

/// A part of a text, an item of an array, or a name in an object.
fn contains(there: &Value, wanted: &Value) -> bool {
    match (there, wanted) {
        (Value::String(text), Value::String(part)) => text.contains(part.as_str()),
        (Value::Array(items), wanted) => items.iter().any(|item| is_equal(item, wanted)),
        (Value::Object(object), Value::String(name)) => object.contains_key(name),
        _ => false,
    }
}
