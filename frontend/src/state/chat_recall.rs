//! What was typed into the chat, to be brought back with the arrow keys as in a terminal. Pure.

use std::collections::VecDeque;

/// Most texts that are remembered.
const TEXTS_MAX: usize = 100;

/// The texts, and which of them is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recall {
    texts: VecDeque<String>,
    /// From the oldest; none while a new one is written.
    shown: Option<usize>,
    /// The new one, kept while older ones are shown.
    draft: String,
}

impl Recall {
    /// Remembers what was sent.
    pub fn note(&mut self, text: &str) {
        (self.shown, self.draft) = (None, String::new());
        if text.trim().is_empty() || self.texts.back().is_some_and(|last| last == text) {
            return;
        }
        if self.texts.len() == TEXTS_MAX {
            self.texts.pop_front();
        }
        self.texts.push_back(text.to_owned());
    }

    /// The text before the one that is shown; none when there is none. What was `typed` meanwhile comes back after the newest.
    pub fn older(&mut self, typed: &str) -> Option<String> {
        let at = self.shown.map_or(self.texts.len().checked_sub(1), |at| at.checked_sub(1))?;
        if self.shown.is_none() {
            typed.clone_into(&mut self.draft);
        }
        self.shown = Some(at);
        self.texts.get(at).cloned()
    }

    /// The text after the one that is shown; none when a new one is.
    pub fn newer(&mut self) -> Option<String> {
        let at = self.shown? + 1;
        self.shown = (at < self.texts.len()).then_some(at);
        Some(self.texts.get(at).unwrap_or(&self.draft).clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_texts_come_back_and_the_draft_is_kept() {
        let mut recall = Recall::default();
        assert_eq!((recall.older("x"), recall.newer()), (None, None));
        ["one", "two", "two", " "].into_iter().for_each(|text| recall.note(text));
        assert_eq!(recall.older("dra").as_deref(), Some("two"));
        assert_eq!(recall.older("two").as_deref(), Some("one"));
        assert_eq!(recall.older("one"), None);
        assert_eq!(recall.newer().as_deref(), Some("two"));
        assert_eq!(recall.newer().as_deref(), Some("dra"));
        assert_eq!(recall.newer(), None);
    }

    #[test]
    fn the_oldest_go_first() {
        let mut recall = Recall::default();
        (0..=TEXTS_MAX).for_each(|n| recall.note(&n.to_string()));
        let oldest = std::iter::from_fn(|| recall.older("")).last();
        assert_eq!(oldest.as_deref(), Some("1"));
    }
}
