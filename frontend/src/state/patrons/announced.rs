//! What was announced of patrons, as each of them was told last. Knows nothing of pages of rows.

use std::collections::BTreeMap;

use serde_json::Value;
use signalbox_shared::changes::{ChangeEvent, ChangeKind, Patron, PatronId};

/// Most patrons of which is kept what was announced: twenty of the relay's batches (docs/protocol.md §7), two seconds of
/// ceaseless changes, while a page takes milliseconds.
const PATRONS_MAX: usize = 4_096;

/// What a patron was told to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// This.
    Is(Patron),
    /// Different, and how is not known.
    Different,
    /// No more.
    Gone,
}

/// What was announced since some moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Announced {
    rows: BTreeMap<PatronId, Told>,
    is_emptied: bool,
    is_cut: bool,
}

impl Announced {
    /// Notes one more change of the table.
    pub(super) fn note(&mut self, event: &ChangeEvent) {
        let id = event.key.as_i64().and_then(|id| PatronId::try_from(id).ok());
        match (event.kind, id) {
            (ChangeKind::Truncate, _) | (_, None) => {
                self.rows.clear();
                self.is_emptied = true;
            }
            (ChangeKind::Delete, Some(id)) => self.tell(id, Told::Gone),
            (ChangeKind::Insert | ChangeKind::Update, Some(id)) => {
                if let Some(old) = patron(event.old.as_ref()).filter(|old| old.id != id) {
                    self.tell(old.id, Told::Gone);
                }
                self.tell(id, patron(event.new.as_ref()).map_or(Told::Different, Told::Is));
            }
        }
    }

    /// The patrons it is about, in the order of their keys.
    pub(super) fn rows(&self) -> impl Iterator<Item = (PatronId, &Told)> {
        self.rows.iter().map(|(id, told)| (*id, told))
    }

    /// Whether it is about this patron by name.
    pub(super) fn is_about(&self, id: PatronId) -> bool {
        self.rows.contains_key(&id)
    }

    /// Whether all patrons were removed; what is told of single ones came after that.
    pub(super) fn is_emptied(&self) -> bool {
        self.is_emptied
    }

    /// Whether a page from the time of it can be corrected by it. It cannot when the page may be from before or after
    /// the table was emptied, when a row is told to be different and not how, or when not everything was kept.
    pub(super) fn can_correct(&self) -> bool {
        !self.is_emptied && !self.is_cut && !self.rows.values().any(|told| *told == Told::Different)
    }

    fn tell(&mut self, id: PatronId, told: Told) {
        self.rows.insert(id, told);
        if PATRONS_MAX < self.rows.len() {
            self.rows.pop_last();
            self.is_cut = true;
        }
    }
}

fn patron(row: Option<&Value>) -> Option<Patron> {
    row.and_then(|row| serde_json::from_value(row.clone()).ok())
}
