//! Writes a mention to its end: `@ad` and a key become `@ada `, and the same key once more the next name that begins so.
//! Pure.

use super::mention::may_begin_after;

/// What was completed last, so that the same key goes on to the next name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completion {
    /// The text as it was before, and as it became.
    last: Option<(String, String)>,
    /// Which of the names that fit was taken.
    index: usize,
}

impl Completion {
    /// What becomes of `text`, which ends where one writes, given the names that can be meant in the order in which they
    /// are offered; none when it does not end in the beginning of one of them.
    pub fn complete<'n>(&mut self, text: &str, names: impl Iterator<Item = &'n str>) -> Option<String> {
        let (before, index) = match self.last.take() {
            Some((before, after)) if after == text => (before, self.index + 1),
            _ => (text.to_owned(), 0),
        };
        let at = before.rfind('@')?;
        if !before[..at].chars().next_back().is_none_or(may_begin_after) {
            return None;
        }
        let begun = before[at + 1..].to_lowercase();
        let fitting: Vec<&str> = names.filter(|name| name.to_lowercase().starts_with(&begun)).collect();
        let name = fitting.get(index % fitting.len().max(1))?;
        let after = format!("{}@{name} ", &before[..at]);
        self.index = index;
        self.last = Some((before, after.clone()));
        Some(after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_key_goes_from_name_to_name() {
        let mut completion = Completion::default();
        let mut check = |text: &str, expected: Option<&str>| {
            let names = ["ada", "Ada L", "bob", "żółw"];
            assert_eq!(completion.complete(text, names.into_iter()).as_deref(), expected, "{text:?}");
        };
        check("hi @ad", Some("hi @ada "));
        check("hi @ada ", Some("hi @Ada L "));
        check("hi @Ada L ", Some("hi @ada "));
        check("hi @ada, @b", Some("hi @ada, @bob "));
        check("@Ada l", Some("@Ada L "));
        check("@Ż", Some("@żółw "));
        check("@", Some("@ada "));
        check("hi", None);
        check("@x", None);
        check("mail@ad", None);
        check("", None);
    }
}
