//! Who is in a room, and which names are free. Pure: no lock, no clock, no lines.

use std::collections::{BTreeMap, HashMap};

use signalbox_shared::chat::{ChatUser, NAME_CHARS_MAX, NameError, PRESENCE_USERS_MAX, check_name, seen};
use unicode_normalization::UnicodeNormalization as _;

/// The users of one room. A ticket tells two visits under one name apart.
#[derive(Default)]
pub(super) struct Users {
    by_ticket: BTreeMap<u64, ChatUser>,
    /// By [`looks`].
    tickets: HashMap<String, u64>,
    last_ticket: u64,
}

impl Users {
    /// Adds a user; none when the name is taken.
    pub(super) fn add(&mut self, user: ChatUser) -> Option<u64> {
        if self.is_taken(&user.name) {
            return None;
        }
        self.last_ticket += 1;
        self.tickets.insert(looks(&user.name), self.last_ticket);
        self.by_ticket.insert(self.last_ticket, user);
        Some(self.last_ticket)
    }

    /// Removes the user with this ticket.
    pub(super) fn remove(&mut self, ticket: u64) -> Option<ChatUser> {
        let user = self.by_ticket.remove(&ticket)?;
        self.tickets.remove(&looks(&user.name));
        Some(user)
    }

    /// Notes whether somebody looks at this user's page, and says whether that is new.
    pub(super) fn set_idle(&mut self, ticket: u64, is_idle: bool) -> bool {
        let Some(user) = self.by_ticket.get_mut(&ticket) else { return false };
        std::mem::replace(&mut user.is_idle, is_idle) != is_idle
    }

    pub(super) fn is_taken(&self, name: &str) -> bool {
        self.tickets.contains_key(&looks(name))
    }

    pub(super) fn len(&self) -> u64 {
        self.by_ticket.len() as u64
    }

    /// The first ones who came, at most [`PRESENCE_USERS_MAX`].
    pub(super) fn list(&self) -> Vec<ChatUser> {
        self.by_ticket.values().take(PRESENCE_USERS_MAX).cloned().collect()
    }
}

/// What a name looks like: `é` in one character or in two, a joiner that joins nothing, and the kind and number of spaces
/// make no other name.
fn looks(name: &str) -> String {
    let seen: String = seen(name).nfc().collect();
    seen.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A valid name near `wanted` that is not taken: without what names must not contain, cut to length, and with a
/// number behind it where needed.
pub(super) fn suggest(wanted: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let visible: String =
        wanted.chars().filter(|c| check_name(c.encode_utf8(&mut [0; 4])).is_ok() || *c == ' ').collect();
    let visible = match check_name(&visible) {
        Err(NameError::Ambiguous) => visible.replace(':', ""),
        _ => visible,
    };
    let base = match visible.trim() {
        "" => "guest",
        name => name,
    };
    let numbered = |n: u64| {
        let suffix = if n < 2 { String::new() } else { n.to_string() };
        let room = NAME_CHARS_MAX - suffix.len();
        let stem: String = base.chars().take(room).collect();
        format!("{}{suffix}", stem.trim_end())
    };
    // Ends: there are fewer users than numbers, and a number makes every base a name.
    (1..).map(numbered).find(|name| !is_taken(name) && check_name(name).is_ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use signalbox_shared::chat::ChatVia;

    use super::*;

    fn user(name: &str) -> ChatUser {
        ChatUser { name: name.to_owned(), via: ChatVia::Line, since_ms: 0, is_idle: false }
    }

    #[test]
    fn a_name_is_taken_until_its_own_visit_ends() {
        let mut users = Users::default();
        let first = users.add(user("ada")).unwrap();
        assert_eq!(users.add(user("ada")), None);
        assert_eq!(users.remove(first).map(|u| u.name), Some("ada".to_owned()));
        let second = users.add(user("ada")).unwrap();
        assert_eq!(users.remove(first), None);
        assert!(users.is_taken("ada"));
        users.remove(second);
        assert_eq!(users.len(), 0);
    }

    #[test]
    fn a_name_that_looks_the_same_is_the_same() {
        let mut users = Users::default();
        let ticket = users.add(user("jos\u{e9} a")).unwrap();
        for other in ["jose\u{301} a", "jos\u{e9}\u{200d} a", "jos\u{e9}\u{a0}a", "jos\u{e9}  a"] {
            assert_eq!(users.add(user(other)), None, "{other:?}");
        }
        assert!(!users.is_taken("jose a"));
        users.remove(ticket);
        assert!(!users.is_taken("jose\u{301} a"));
    }

    #[test]
    fn the_list_is_bounded_and_in_the_order_of_arrival() {
        let mut users = Users::default();
        for n in (0..PRESENCE_USERS_MAX + 10).rev() {
            users.add(user(&format!("u{n}")));
        }
        let list = users.list();
        assert_eq!((list.len(), users.len()), (PRESENCE_USERS_MAX, PRESENCE_USERS_MAX as u64 + 10));
        assert_eq!(list[0].name, format!("u{}", PRESENCE_USERS_MAX + 9));
    }

    #[test]
    fn suggestions_are_valid_and_free() {
        let check = |wanted: &str, taken: &[&str], expected: &str| {
            let name = suggest(wanted, |name| taken.contains(&name));
            assert_eq!(name, expected, "{wanted:?}");
            assert_eq!(check_name(&name), Ok(&*name));
        };
        check("ada", &["ada"], "ada2");
        check("ada", &["ada", "ada2", "ada3"], "ada4");
        check("", &[], "guest");
        check(" \u{1b} ", &["guest"], "guest2");
        check("a\u{1b}[2Jda b", &[], "a[2Jda b");
        check("ada: hi", &[], "ada hi");
        check("a:: b: c", &[], "a b c");
        check("Error", &[], "Error2");
        check(&"ż".repeat(40), &[], &"ż".repeat(32));
        check(&"ż".repeat(32), &[&"ż".repeat(32)], &format!("{}2", "ż".repeat(31)));
    }
}
