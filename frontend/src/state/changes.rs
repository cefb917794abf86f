//! The changes of the database as they come: a bounded list that can be paused and filtered, with exact accounts.
//!
//! `received = shown + filtered + skipped + forgotten`: the relay says what it skipped, the page what it filters and
//! what it keeps no more.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::Value;
use signalbox_shared::EventId;
use signalbox_shared::changes::{ChangeEvent, ChangesAccounts, ChangesInfo};

use super::visible;

/// Most changes kept: more than anybody scrolls through; at 8,000 bytes a row, 8 MB.
pub const EVENTS_MAX: usize = 1_000;
/// Most characters of a value that a row shows; the whole stands in its title.
pub const VALUE_CHARS_MAX: usize = 80;

/// The newest changes, and how the database stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// How everything stands; none before the relay has said so.
    pub info: Option<ChangesInfo>,
    events: VecDeque<Arc<ChangeEvent>>,
    /// What is shown while it is paused.
    frozen: Option<VecDeque<Arc<ChangeEvent>>>,
    n_since_pause: u64,
    n_forgotten: u64,
    /// Accounts of the connections before this one.
    before: ChangesAccounts,
    accounts: ChangesAccounts,
}

/// Where every change went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accounts {
    /// Changes that this page was due.
    pub received: u64,
    /// Changes in the list.
    pub shown: u64,
    /// Changes that the filter keeps out of the list.
    pub filtered: u64,
    /// Changes that the page could not follow.
    pub skipped: u64,
    /// Changes that had to make room for newer ones.
    pub forgotten: u64,
    /// Changes that came while the list is paused.
    pub waiting: u64,
}

/// A column of a changed row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its value before, where there was one and it is not the same.
    pub old: Option<String>,
    /// Its value after, where there is one.
    pub new: Option<String>,
}

impl Changes {
    /// Takes in what came.
    pub fn apply(&mut self, events: Vec<ChangeEvent>, accounts: ChangesAccounts) {
        self.accounts = accounts;
        for event in events {
            self.n_since_pause += u64::from(self.frozen.is_some());
            self.events.push_back(Arc::new(event));
            if EVENTS_MAX < self.events.len() {
                self.events.pop_front();
                self.n_forgotten += 1;
            }
        }
    }

    /// The connection is lost: its accounts are closed, and the next one begins its own.
    pub fn interrupted(&mut self) {
        let now = std::mem::take(&mut self.accounts);
        self.before.received += now.received;
        self.before.shown += now.shown;
        self.before.skipped += now.skipped;
    }

    /// From where to go on.
    #[must_use]
    pub fn last_id(&self) -> Option<EventId> {
        self.events.back().map(|event| event.id)
    }

    /// Whether the list stands still.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.frozen.is_some()
    }

    /// Lets the list stand still, or go on.
    pub fn toggle_pause(&mut self) {
        self.n_since_pause = 0;
        self.frozen = match self.frozen {
            Some(_) => None,
            None => Some(self.events.clone()),
        };
    }

    /// The changes that match `filter`, the newest first.
    pub fn matching(&self, filter: &str) -> impl Iterator<Item = &Arc<ChangeEvent>> {
        let filter = filter.trim().to_lowercase();
        self.listed().iter().rev().filter(move |event| matches(event, &filter))
    }

    /// Whether no change came yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.listed().is_empty()
    }

    /// Where every change went.
    #[must_use]
    pub fn accounts(&self, filter: &str) -> Accounts {
        let shown = self.matching(filter).count() as u64;
        let received = self.before.received + self.accounts.received;
        let skipped = self.before.skipped + self.accounts.skipped;
        let waiting = self.n_since_pause;
        // While it is paused, what the list shows may be forgotten behind it already.
        let listed = self.listed().len() as u64;
        let forgotten = received.saturating_sub(skipped + waiting + listed);
        Accounts { received, shown, filtered: listed - shown, skipped, forgotten, waiting }
    }

    fn listed(&self) -> &VecDeque<Arc<ChangeEvent>> {
        self.frozen.as_ref().unwrap_or(&self.events)
    }
}

fn matches(event: &ChangeEvent, filter: &str) -> bool {
    filter.split_whitespace().all(|word| {
        let holds = |text: &str| text.to_lowercase().contains(word);
        let in_row = |row: &Option<Value>| row.as_ref().is_some_and(|row| holds(&row.to_string()));
        holds(&event.table)
            || holds(event.kind.word())
            || holds(&value_text(&event.key))
            || in_row(&event.old)
            || in_row(&event.new)
    })
}

/// The columns of a change in the row's order: for an update those that changed, else all.
#[must_use]
pub fn fields(event: &ChangeEvent) -> Vec<Field> {
    let column = |row: &Option<Value>, name: &str| row.as_ref()?.get(name).map(value_text);
    let row = event.new.as_ref().or(event.old.as_ref()).and_then(Value::as_object);
    let is_update = event.new.is_some() && event.old.is_some();
    let names = row.into_iter().flat_map(|row| row.keys());
    names
        .filter(|name| !is_update || event.changed.contains(name))
        .map(|name| Field {
            name: name.clone(),
            old: column(&event.old, name),
            new: column(&event.new, name),
        })
        .collect()
}

/// A value as it is shown: a text without quotes, everything else as JSON.
#[must_use]
pub fn value_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "null".to_owned(),
        other => other.to_string(),
    }
}

/// The beginning of a text, with all that hides written out.
#[must_use]
pub fn cut(text: &str) -> String {
    match text.char_indices().nth(VALUE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", visible::line(&text.as_bytes()[..end])),
        None => visible::line(text.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use signalbox_shared::changes::ChangeKind;

    use super::*;

    fn event(seq: u64, key: Value) -> ChangeEvent {
        ChangeEvent {
            id: EventId { epoch: 1, seq },
            at_ms: 0,
            table: "public.orders".to_owned(),
            key,
            kind: ChangeKind::Update,
            old: Some(json!({"id": 1, "what": "tea", "n": 1})),
            new: Some(json!({"id": 1, "what": "coffee", "n": 1})),
            changed: vec!["what".to_owned()],
            is_truncated: false,
        }
    }

    fn accounts(received: u64, shown: u64) -> ChangesAccounts {
        ChangesAccounts { received, shown, skipped: received - shown }
    }

    fn check(changes: &Changes, filter: &str, expected: [u64; 5]) {
        let Accounts { received, shown, filtered, skipped, forgotten, waiting } = changes.accounts(filter);
        assert_eq!([received, shown, filtered, skipped, forgotten], expected);
        assert_eq!(received, shown + filtered + skipped + forgotten + waiting);
    }

    #[test]
    fn every_change_is_accounted_for() {
        let mut changes = Changes::default();
        changes.apply((1..=3).map(|n| event(n, json!(n))).collect(), accounts(5, 3));
        check(&changes, "", [5, 3, 0, 2, 0]);
        check(&changes, "ORDERS coffee", [5, 3, 0, 2, 0]);
        check(&changes, "orders nothing", [5, 0, 3, 2, 0]);
        changes.interrupted();
        changes.apply((4..=1_100).map(|n| event(n, json!("k"))).collect(), accounts(1_097, 1_097));
        check(&changes, "", [1_102, 1_000, 0, 2, 100]);
        assert_eq!(changes.last_id(), Some(EventId { epoch: 1, seq: 1_100 }));
    }

    #[test]
    fn a_paused_list_stands_still_and_counts_what_waits() {
        let mut changes = Changes::default();
        changes.apply(vec![event(1, json!(1))], accounts(1, 1));
        changes.toggle_pause();
        changes.apply((2..=1_200).map(|n| event(n, json!(n))).collect(), accounts(1_200, 1_200));
        assert_eq!(changes.matching("").count(), 1);
        assert_eq!(changes.accounts("").waiting, 1_199);
        check(&changes, "", [1_200, 1, 0, 0, 0]);
        changes.toggle_pause();
        check(&changes, "", [1_200, 1_000, 0, 0, 200]);
    }

    #[test]
    fn an_update_shows_what_changed_and_others_everything() {
        let update = event(1, json!(1));
        let what =
            Field { name: "what".to_owned(), old: Some("tea".to_owned()), new: Some("coffee".to_owned()) };
        assert_eq!(fields(&update), [what]);
        let insert = ChangeEvent { old: None, changed: Vec::new(), ..update.clone() };
        assert_eq!(fields(&insert).len(), 3);
        assert!(fields(&insert).iter().all(|field| field.old.is_none() && field.new.is_some()));
        let truncated = ChangeEvent { old: None, new: None, ..update };
        assert!(fields(&truncated).is_empty());
    }

    #[test]
    fn long_values_are_cut_at_a_character() {
        assert_eq!(cut("short"), "short");
        assert_eq!(cut("\u{202e}a"), "⟨U+202E⟩a");
        assert_eq!(cut(&"ä".repeat(100)).chars().count(), VALUE_CHARS_MAX + 1);
    }
}
