//! The table of patrons: one page of rows that changes made elsewhere correct in place, and the row that is edited.
//!
//! Rows never move: a deleted one stays, marked, and a new one comes only at the end, until the page is loaded again.

use serde_json::Value;
use signalbox_shared::changes::{ChangeEvent, ChangeKind, Patron, PatronFields, PatronId, PatronPage};

/// The table whose changes concern the rows.
const TABLE: &str = "public.patron";
/// Rows of a page.
pub const ROWS_MAX: usize = 50;

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What it holds.
    pub patron: Patron,
    /// How often it was changed since it was loaded; each time it flashes.
    pub n_changes: u64,
    /// Whether it was deleted since.
    pub is_gone: bool,
}

/// What happened elsewhere to the row that is edited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// It is this now.
    Changed(Patron),
    /// It is different, and how is not known.
    Unknown,
    /// It is no more.
    Deleted,
}

/// The row that is edited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Which; none for a new one.
    pub id: Option<PatronId>,
    /// What was sent and is not answered yet.
    pub sent: Option<PatronFields>,
    /// Why it was not saved.
    pub problem: Option<String>,
    /// What happened to it meanwhile.
    pub conflict: Option<Conflict>,
}

/// The table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patrons {
    /// The rows of this page; none before they came.
    pub rows: Option<Vec<Row>>,
    /// Whether there are rows after them.
    pub has_more: bool,
    /// The keys after which this page and those before it begin.
    pub path: Vec<PatronId>,
    /// Why they could not be had.
    pub problem: Option<String>,
    /// The row that is edited.
    pub edit: Option<Edit>,
}

impl Patrons {
    /// The key after which the page begins; none for the first one.
    #[must_use]
    pub fn after(&self) -> Option<PatronId> {
        self.path.last().copied()
    }

    /// Takes in a page that was asked for. A row that is shown as it is stays what it is.
    pub fn loaded(&mut self, page: PatronPage) {
        let mut shown = self.rows.take().unwrap_or_default();
        let row = |patron: Patron| match shown.iter().position(|row| row.patron == patron && !row.is_gone) {
            Some(place) => shown.swap_remove(place),
            None => Row { patron, n_changes: 0, is_gone: false },
        };
        self.rows = Some(page.patrons.into_iter().map(row).collect());
        self.has_more = page.has_more;
        self.problem = None;
    }

    /// Begins to edit a row, or a new one.
    pub fn begin_edit(&mut self, id: Option<PatronId>) {
        self.edit = Some(Edit { id, sent: None, problem: None, conflict: None });
    }

    /// Takes in a change that was announced.
    pub fn apply(&mut self, event: &ChangeEvent) {
        if event.table != TABLE {
            return;
        }
        let id_of = |key: &Value| key.as_i64().and_then(|id| PatronId::try_from(id).ok());
        let patron_of =
            |row: &Option<Value>| row.clone().and_then(|row| serde_json::from_value::<Patron>(row).ok());
        let (old, new) = (patron_of(&event.old), patron_of(&event.new));
        match (event.kind, id_of(&event.key)) {
            (ChangeKind::Truncate, _) | (_, None) => self.all_gone(),
            (ChangeKind::Delete, Some(id)) => self.gone(id),
            (_, Some(id)) => {
                if let Some(old) = old.filter(|old| old.id != id) {
                    self.gone(old.id);
                }
                self.now(id, new);
            }
        }
    }

    fn now(&mut self, id: PatronId, patron: Option<Patron>) {
        if let Some(edit) = self.edit.as_mut().filter(|edit| edit.id == Some(id)) {
            let is_own =
                edit.sent.as_ref().is_some_and(|sent| patron.as_ref().is_some_and(|now| is_same(sent, now)));
            if !is_own {
                edit.conflict = Some(patron.clone().map_or(Conflict::Unknown, Conflict::Changed));
            }
        }
        let (has_more, Some(rows)) = (self.has_more, &mut self.rows) else { return };
        match (rows.iter_mut().find(|row| row.patron.id == id), patron) {
            // Told again, as after a connection: nothing has changed.
            (Some(row), Some(patron)) if row.patron == patron && !row.is_gone => {}
            (Some(row), Some(patron)) => *row = Row { patron, n_changes: row.n_changes + 1, is_gone: false },
            (Some(row), None) => row.n_changes += 1,
            (None, Some(patron)) => {
                let is_last = rows.last().is_none_or(|last| last.patron.id < id);
                if is_last && !has_more && rows.len() < ROWS_MAX {
                    rows.push(Row { patron, n_changes: 1, is_gone: false });
                } else if is_last {
                    self.has_more = true;
                }
            }
            (None, None) => {}
        }
    }

    fn gone(&mut self, id: PatronId) {
        if let Some(edit) = self.edit.as_mut().filter(|edit| edit.id == Some(id)) {
            edit.conflict = Some(Conflict::Deleted);
        }
        for row in self.rows.iter_mut().flatten().filter(|row| row.patron.id == id) {
            row.is_gone = true;
        }
    }

    fn all_gone(&mut self) {
        let ids: Vec<PatronId> = self.rows.iter().flatten().map(|row| row.patron.id).collect();
        ids.into_iter().for_each(|id| self.gone(id));
    }
}

fn is_same(sent: &PatronFields, now: &Patron) -> bool {
    now.name.as_ref() == Some(&sent.name) && now.fav_dish.as_ref() == Some(&sent.fav_dish)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use signalbox_shared::EventId;

    use super::*;

    fn patron(id: PatronId, name: &str) -> Patron {
        Patron { id, name: Some(name.to_owned()), fav_dish: Some("Soup".to_owned()) }
    }

    fn event(kind: ChangeKind, id: PatronId, name: Option<&str>) -> ChangeEvent {
        let row = name.map(|name| json!({"id": id, "name": name, "fav_dish": "Soup"}));
        ChangeEvent {
            id: EventId { epoch: 1, seq: 1 },
            at_ms: 0,
            table: TABLE.to_owned(),
            key: json!(id),
            kind,
            old: None,
            new: row,
            changed: Vec::new(),
            is_truncated: false,
        }
    }

    fn page(ids: &[PatronId]) -> Patrons {
        let mut patrons = Patrons::default();
        let rows = ids.iter().map(|id| patron(*id, "Ada")).collect();
        patrons.loaded(PatronPage { patrons: rows, has_more: false });
        patrons
    }

    #[test]
    fn what_is_shown_already_does_not_flash() {
        let mut patrons = Patrons::default();
        patrons.loaded(PatronPage { patrons: vec![patron(1, "Ada")], has_more: false });
        patrons.apply(&event(ChangeKind::Insert, 1, Some("Ada")));
        assert_eq!(patrons.rows.as_ref().unwrap()[0].n_changes, 0);
        patrons.apply(&event(ChangeKind::Update, 1, Some("Ada L.")));
        let changed = patrons.rows.clone();
        patrons.loaded(PatronPage { patrons: vec![patron(1, "Ada L.")], has_more: false });
        assert_eq!(patrons.rows, changed, "loaded again, it is the same row");
        assert_eq!(changed.unwrap()[0].n_changes, 1);
    }

    #[test]
    fn rows_change_in_place_and_never_move() {
        let mut patrons = page(&[1, 3]);
        patrons.apply(&event(ChangeKind::Update, 1, Some("Bob")));
        patrons.apply(&event(ChangeKind::Delete, 3, None));
        patrons.apply(&event(ChangeKind::Insert, 2, Some("Between")));
        patrons.apply(&event(ChangeKind::Insert, 4, Some("New")));
        let rows = patrons.rows.unwrap();
        let told: Vec<_> = rows.iter().map(|row| (row.patron.id, row.n_changes, row.is_gone)).collect();
        assert_eq!(told, [(1, 1, false), (3, 0, true), (4, 1, false)]);
        assert_eq!(rows[0].patron, patron(1, "Bob"));
    }

    #[test]
    fn an_edit_is_warned_of_what_others_do_and_not_of_itself() {
        let mut patrons = page(&[1]);
        patrons.begin_edit(Some(1));
        patrons.apply(&event(ChangeKind::Update, 2, Some("Other")));
        assert_eq!(patrons.edit.as_ref().unwrap().conflict, None);
        let sent = PatronFields { name: "Mine".to_owned(), fav_dish: "Soup".to_owned() };
        patrons.edit.as_mut().unwrap().sent = Some(sent);
        patrons.apply(&event(ChangeKind::Update, 1, Some("Mine")));
        assert_eq!(patrons.edit.as_ref().unwrap().conflict, None);
        patrons.apply(&event(ChangeKind::Update, 1, Some("Theirs")));
        let theirs = Some(Conflict::Changed(patron(1, "Theirs")));
        assert_eq!(patrons.edit.as_ref().unwrap().conflict, theirs);
        patrons.apply(&event(ChangeKind::Update, 1, None));
        assert_eq!(patrons.edit.as_ref().unwrap().conflict, Some(Conflict::Unknown));
        patrons.apply(&event(ChangeKind::Truncate, 0, None));
        assert_eq!(patrons.edit.as_ref().unwrap().conflict, Some(Conflict::Deleted));
    }
}
