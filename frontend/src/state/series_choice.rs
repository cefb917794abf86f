//! Which agents' lines are drawn: all but some, or some alone.

use std::collections::BTreeSet;

/// Names that a choice remembers at most; one more forgets nothing and is not taken. As many as the page keeps agents.
const NAMES_MAX: usize = 1_000;

/// The choice of lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SeriesChoice {
    /// Every line but these.
    AllBut(BTreeSet<String>),
    /// These alone; an agent that comes later is not drawn.
    Only(BTreeSet<String>),
}

impl Default for SeriesChoice {
    fn default() -> Self {
        Self::AllBut(BTreeSet::new())
    }
}

impl SeriesChoice {
    /// Whether an agent's line is not drawn.
    #[must_use]
    pub fn is_hidden(&self, name: &str) -> bool {
        match self {
            Self::AllBut(names) => names.contains(name),
            Self::Only(names) => !names.contains(name),
        }
    }

    /// Whether every line is drawn.
    #[must_use]
    pub fn is_all(&self) -> bool {
        *self == Self::default()
    }

    /// The names that were chosen one by one, to be drawn alone; empty when all but some are.
    pub fn chosen(&self) -> impl Iterator<Item = &str> {
        let names = if let Self::Only(names) = self { Some(names) } else { None };
        names.into_iter().flatten().map(String::as_str)
    }

    /// Draws one line alone, or, when it is alone already, all again.
    pub fn solo(&mut self, name: &str) {
        let alone = Self::Only(BTreeSet::from([name.to_owned()]));
        *self = if *self == alone { Self::default() } else { alone };
    }

    /// Draws a line that was not, or the other way round. When no line of the chosen ones is left, all are drawn.
    pub fn toggle(&mut self, name: &str) {
        let (Self::AllBut(names) | Self::Only(names)) = self;
        if !names.remove(name) && names.len() < NAMES_MAX {
            names.insert(name.to_owned());
        }
        if matches!(self, Self::Only(names) if names.is_empty()) {
            *self = Self::default();
        }
    }

    /// What an address says of it, by the keys `hidden` and `only`, each name behind a comma of its own.
    #[must_use]
    pub fn read(hidden: Option<&str>, only: Option<&str>) -> Self {
        let names = |text: &str| names_from_text(text).into_iter().take(NAMES_MAX).collect::<BTreeSet<_>>();
        match (only.map(names).filter(|names| !names.is_empty()), hidden) {
            (Some(names), _) => Self::Only(names),
            (None, hidden) => Self::AllBut(hidden.map(names).unwrap_or_default()),
        }
    }

    /// The values of the keys `hidden` and `only`.
    #[must_use]
    pub fn write(&self) -> [Option<String>; 2] {
        let text = |names: &BTreeSet<String>| {
            let escape = |name: &String| name.replace('\\', "\\\\").replace(',', "\\,");
            (!names.is_empty()).then(|| names.iter().map(escape).collect::<Vec<_>>().join(","))
        };
        match self {
            Self::AllBut(names) => [text(names), None],
            Self::Only(names) => [None, text(names)],
        }
    }
}

fn names_from_text(text: &str) -> Vec<String> {
    let mut names = vec![String::new()];
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            ',' => names.push(String::new()),
            c => {
                let c = if c == '\\' { chars.next().unwrap_or(c) } else { c };
                names.last_mut().into_iter().for_each(|name| name.push(c));
            }
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visible(choice: &SeriesChoice) -> Vec<&'static str> {
        ["red", "green", "blue"].into_iter().filter(|name| !choice.is_hidden(name)).collect()
    }

    #[test]
    fn a_click_shows_one_alone_and_another_all() {
        let mut choice = SeriesChoice::default();
        choice.solo("green");
        assert_eq!(visible(&choice), ["green"]);
        choice.solo("blue");
        assert_eq!(visible(&choice), ["blue"]);
        choice.solo("blue");
        assert!(choice.is_all());
    }

    #[test]
    fn a_toggle_takes_one_out_or_in() {
        let mut choice = SeriesChoice::default();
        choice.toggle("green");
        assert_eq!(visible(&choice), ["red", "blue"]);
        choice.toggle("green");
        assert!(choice.is_all());
        choice.solo("green");
        choice.toggle("red");
        assert_eq!(visible(&choice), ["red", "green"]);
        choice.toggle("red");
        choice.toggle("green");
        assert!(choice.is_all(), "an empty chart is of no use");
    }

    #[test]
    fn an_address_brings_it_back() {
        for names in [vec!["red"], vec!["a,b", "c\\", "\\,", "ż"], vec![]] {
            let names: BTreeSet<String> = names.into_iter().map(str::to_owned).collect();
            for choice in [SeriesChoice::AllBut(names.clone()), SeriesChoice::Only(names.clone())] {
                let [hidden, only] = choice.write();
                let expected = if names.is_empty() { SeriesChoice::default() } else { choice };
                assert_eq!(SeriesChoice::read(hidden.as_deref(), only.as_deref()), expected);
            }
        }
        assert_eq!(SeriesChoice::read(Some(",,"), Some("")), SeriesChoice::default());
    }

    #[test]
    fn a_choice_is_bounded() {
        let mut choice = SeriesChoice::default();
        (0..NAMES_MAX + 5).for_each(|n| choice.toggle(&n.to_string()));
        assert!(matches!(&choice, SeriesChoice::AllBut(names) if names.len() == NAMES_MAX));
    }
}
