//! What a line client can know of its room: how many are there, and the names that it has met. Pure.

use std::collections::BTreeSet;

use signalbox_shared::chat::{HOUSE_NAME, NAME_CHARS_MAX};

/// Most names that are remembered, so that a crowd that comes and goes costs no memory.
const NAMES_MAX: usize = 1_000;
/// Most names that are listed.
const LISTED_MAX: usize = 50;

/// What a line of the chat tells (docs/protocol.md §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told<'l> {
    /// So many are there.
    Welcome(u64),
    /// Somebody said something.
    Said(&'l str, &'l str),
    /// Somebody came.
    Came(&'l str),
    /// Somebody went.
    Went(&'l str),
    /// Anything else, the relay's own lines among it.
    Other(&'l str),
}

/// Reads a line.
pub(super) fn read(line: &str) -> Told<'_> {
    let is_name = |name: &&str| !name.is_empty() && name.chars().count() <= NAME_CHARS_MAX;
    // Nothing else holds a colon before a space: no name may.
    if let Some((name, text)) = line.split_once(": ") {
        return match is_name(&name) && name != HOUSE_NAME {
            true => Told::Said(name, text),
            false => Told::Other(line),
        };
    }
    let welcome = line.strip_prefix("Welcome! ").and_then(|rest| rest.split_once(" user(s)"));
    if let Some(n_users) = welcome.and_then(|(number, _)| number.parse().ok()) {
        return Told::Welcome(n_users);
    }
    let came = line.strip_suffix(" connected!").filter(is_name).map(Told::Came);
    let went = line.strip_suffix(" has left the chat").filter(is_name).map(Told::Went);
    came.or(went).unwrap_or(Told::Other(line))
}

/// Who is in the room, as far as its lines have told.
#[derive(Debug)]
pub(super) struct Company {
    own_name: String,
    n_users: u64,
    names: BTreeSet<String>,
}

impl Company {
    /// Of nobody else, so far.
    pub(super) fn new(own_name: &str) -> Self {
        Self { own_name: own_name.to_owned(), n_users: 0, names: BTreeSet::new() }
    }

    /// Takes what a line tells.
    pub(super) fn note(&mut self, told: Told<'_>) {
        match told {
            Told::Welcome(n_users) => (self.n_users, self.names) = (n_users, BTreeSet::new()),
            // One's own arrival is counted in the welcome.
            Told::Came(name) if name == self.own_name => {}
            Told::Came(name) => {
                self.n_users += 1;
                self.meet(name);
            }
            Told::Went(name) => {
                self.n_users = self.n_users.saturating_sub(1);
                self.names.remove(name);
            }
            Told::Said(name, _) if name != self.own_name => self.meet(name),
            Told::Said(..) | Told::Other(_) => {}
        }
    }

    fn meet(&mut self, name: &str) {
        if self.names.len() < NAMES_MAX && !self.names.contains(name) {
            self.names.insert(name.to_owned());
        }
    }

    /// How many are there.
    pub(super) fn count(&self) -> String {
        match self.n_users {
            1 => "1 person".to_owned(),
            n => format!("{n} people"),
        }
    }

    /// The others' names, as far as they have come or spoken.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// How many are there, and by name who has been met.
    pub(super) fn who(&self) -> String {
        let names: Vec<&str> = self.names().take(LISTED_MAX).collect();
        let met = match names.as_slice() {
            [] => "nobody else has come or spoken since you did".to_owned(),
            names => format!("since you came, these have come or spoken: {}", names.join(", ")),
        };
        format!("{} here; {met}", self.count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_tell_who_comes_goes_and_speaks() {
        let check = |line: &str, expected: Told<'_>| assert_eq!(read(line), expected, "{line:?}");
        check("Welcome! 3 user(s) are online!", Told::Welcome(3));
        check("ada l connected!", Told::Came("ada l"));
        check("ada has left the chat", Told::Went("ada"));
        check("ada: hi: all", Told::Said("ada", "hi: all"));
        check("ada: bob connected!", Told::Said("ada", "bob connected!"));
        check("ada: ", Told::Said("ada", ""));
        check("Notice: too fast", Told::Other("Notice: too fast"));
        check("Notice: bob has left the chat", Told::Other("Notice: bob has left the chat"));
        let long = format!("{} connected!", "x".repeat(33));
        check(&long, Told::Other(&long));
        check(" connected!", Told::Other(" connected!"));
        check("", Told::Other(""));
    }

    #[test]
    fn the_company_is_counted_and_met() {
        let mut company = Company::new("ada");
        let lines = [
            "Welcome! 3 user(s) are online!",
            "ada connected!",
            "cid: hi",
            "dan connected!",
            "cid has left the chat",
        ];
        lines.into_iter().for_each(|line| company.note(read(line)));
        assert_eq!(company.who(), "3 people here; since you came, these have come or spoken: dan");
        ["Welcome! 1 user(s) are online!", "ada connected!"]
            .into_iter()
            .for_each(|line| company.note(read(line)));
        assert_eq!(company.who(), "1 person here; nobody else has come or spoken since you did");
    }
}
