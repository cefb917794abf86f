//! Numeric fields of a channel's messages that are drawn as charts.

use signalbox_shared::Payload;
use signalbox_shared::socket::TailMessage;

use super::json_lines::{Step, number_at, path_text};

/// Most fields charted at a time: what fits above the messages.
pub const FIELDS_MAX: usize = 4;

/// One field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Where it stands, in words.
    pub path: String,
    steps: Vec<Step>,
    /// Messages in which it was a number.
    pub n_points: u64,
    /// Messages in which it was not, or that were cut.
    pub n_without: u64,
}

/// The fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldCharts {
    fields: Vec<Field>,
}

impl FieldCharts {
    /// Charts one more field; says whether it is charted now. Of more than [`FIELDS_MAX`], none is added.
    pub fn add(&mut self, steps: Vec<Step>) -> bool {
        let path = path_text(&steps);
        if self.fields.iter().any(|field| field.path == path) {
            return true;
        }
        if FIELDS_MAX <= self.fields.len() {
            return false;
        }
        self.fields.push(Field { path, steps, n_points: 0, n_without: 0 });
        true
    }

    /// Charts a field no more.
    pub fn remove(&mut self, path: &str) {
        self.fields.retain(|field| field.path != path);
    }

    /// Charts nothing.
    pub fn clear(&mut self) {
        self.fields.clear();
    }

    /// Counts from now on.
    pub fn forget_counts(&mut self) {
        self.fields.iter_mut().for_each(|field| (field.n_points, field.n_without) = (0, 0));
    }

    /// The fields.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Whether nothing is charted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Takes one message, and gives each point to `push`: the field's path and its value.
    pub fn take(&mut self, message: &TailMessage, mut push: impl FnMut(&str, f64)) {
        for field in &mut self.fields {
            let value = match &message.payload {
                Payload::Text(text) if !message.is_cut => number_at(text, &field.steps),
                _ => None,
            };
            match value {
                Some(value) => {
                    field.n_points += 1;
                    push(&field.path, value);
                }
                None => field.n_without += 1,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_points_and_the_rest_is_counted() {
        let mut charts = FieldCharts::default();
        assert!(charts.add(vec![Step::Key("a".into())]));
        assert!(charts.add(vec![Step::Key("a".into())]), "it is charted already");
        assert_eq!(charts.fields().len(), 1);
        let mut points = Vec::new();
        for (text, is_cut) in
            [("{\"a\":1.5}", false), ("{\"a\":\"x\"}", false), ("no", false), ("{\"a\":1}", true)]
        {
            let payload = Payload::Text(text.into());
            let message = TailMessage { seq: 1, at_ms: 0, size_bytes: 9, payload, is_cut };
            charts.take(&message, |path, value| points.push((path.to_owned(), value)));
        }
        assert_eq!(points, [("$.a".to_owned(), 1.5)]);
        assert_eq!((charts.fields()[0].n_points, charts.fields()[0].n_without), (1, 3));
        let n_added = (0..10).filter(|n| charts.add(vec![Step::Index(*n)])).count();
        assert_eq!(n_added, FIELDS_MAX - 1);
    }
}
