//! The table of patrons: one page of rows that changes made elsewhere correct in place, and the row that is edited.
//!
//! Rows never move: a deleted one stays, marked, and a new one comes only at the end, until the page is loaded again.
//! A page and the announcements of changes come by two ways that do not wait for each other, so what was announced while
//! a page was on its way is newer than what the page says.

use std::collections::BTreeMap;

use signalbox_shared::changes::{ChangeEvent, Patron, PatronFields, PatronId, PatronPage};

use announced::{Announced, Told};

mod announced;

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
    /// Pages asked for so far.
    n_loads: u64,
    /// The page that is on its way, and what was announced since it was asked for.
    loading: Option<Announced>,
}

/// What became of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loaded {
    /// It counts no more: another page was asked for since, or this one was left.
    TooLate,
    /// The rows are what it says, corrected by what was announced meanwhile; or why there are none is told.
    Taken,
    /// What was announced meanwhile does not tell how to correct it: it must be asked for again.
    Overtaken,
}

impl Patrons {
    /// The key after which the page begins; none for the first one.
    #[must_use]
    pub fn after(&self) -> Option<PatronId> {
        self.path.last().copied()
    }

    /// Turns to the page after this one, or back to the one before; its rows are then to be loaded.
    pub fn turn(&mut self, is_forward: bool) {
        let last = self.rows.iter().flatten().map(|row| row.patron.id).max();
        match (is_forward, last) {
            (true, Some(last)) => self.path.push(last),
            (false, _) => drop(self.path.pop()),
            (true, None) => {}
        }
        self.loading = None;
    }

    /// The page is asked for now; gives the number of this load. An answer to an earlier one counts no more.
    pub fn begin_load(&mut self) -> u64 {
        self.n_loads += 1;
        self.loading = Some(Announced::default());
        self.n_loads
    }

    /// Takes in the answer to a load: the page, or why there is none. A row that is shown as it is stays what it is.
    pub fn loaded(&mut self, load: u64, answer: Result<PatronPage, String>) -> Loaded {
        if load != self.n_loads {
            return Loaded::TooLate;
        }
        let Some(announced) = self.loading.take() else { return Loaded::TooLate };
        match answer {
            Err(why) => self.problem = Some(why),
            // What is shown was corrected by all of it, the page was not.
            Ok(_) if !announced.can_correct() => return Loaded::Overtaken,
            Ok(page) => self.show(page, &announced),
        }
        Loaded::Taken
    }

    fn show(&mut self, page: PatronPage, announced: &Announced) {
        let last = page.patrons.last().map(|patron| patron.id);
        let mut patrons: BTreeMap<PatronId, Patron> =
            page.patrons.into_iter().map(|patron| (patron.id, patron)).collect();
        let mut has_more = page.has_more;
        for (id, told) in announced.rows().filter(|(id, _)| self.after().is_none_or(|after| after < *id)) {
            match told {
                // It belongs to a page after this one.
                Told::Is(_) if page.has_more && last.is_none_or(|last| last < id) => {}
                Told::Is(patron) => drop(patrons.insert(id, patron.clone())),
                Told::Gone => drop(patrons.remove(&id)),
                // Such a page is not taken.
                Told::Different => {}
            }
        }
        while ROWS_MAX < patrons.len() {
            patrons.pop_last();
            has_more = true;
        }
        let mut shown = self.rows.take().unwrap_or_default();
        let row = |patron: Patron| match shown.iter().position(|row| row.patron == patron && !row.is_gone) {
            Some(place) => shown.swap_remove(place),
            None => Row { patron, n_changes: 0, is_gone: false },
        };
        self.rows = Some(patrons.into_values().map(row).collect());
        self.has_more = has_more;
        self.problem = None;
    }

    /// Begins to edit a row, or a new one.
    pub fn begin_edit(&mut self, id: Option<PatronId>) {
        self.edit = Some(Edit { id, sent: None, problem: None, conflict: None });
    }

    /// Takes in changes that were announced together. Of each row only the last one counts: when a connection begins,
    /// the newest changes are told once more, and a row that came and went long ago is nothing to show. Those from
    /// before `listening_since_ms`, when the relay began to be told of everything, may be outdated by what it was not
    /// told: a page loaded since then knows better.
    pub fn apply(&mut self, events: &[ChangeEvent], listening_since_ms: i64) {
        let mut announced = Announced::default();
        for event in events.iter().filter(|e| e.table == TABLE && listening_since_ms <= e.at_ms) {
            announced.note(event);
            if let Some(loading) = &mut self.loading {
                loading.note(event);
            }
        }
        if announced.is_emptied() {
            let was_there = |id: &PatronId| !announced.is_about(*id);
            let shown = self.rows.iter().flatten().map(|row| row.patron.id);
            let edited = self.edit.iter().filter_map(|edit| edit.id);
            let gone: Vec<PatronId> = shown.chain(edited).filter(was_there).collect();
            gone.into_iter().for_each(|id| self.gone(id));
        }
        for (id, told) in announced.rows() {
            match told {
                Told::Is(patron) => self.now(id, Some(patron.clone())),
                Told::Different => self.now(id, None),
                Told::Gone => self.gone(id),
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
        let is_after = self.after().is_none_or(|after| after < id);
        let (has_more, Some(rows)) = (self.has_more, &mut self.rows) else { return };
        match (rows.iter_mut().find(|row| row.patron.id == id), patron) {
            // Told again, as after a connection: nothing has changed.
            (Some(row), Some(patron)) if row.patron == patron && !row.is_gone => {}
            (Some(row), Some(patron)) => *row = Row { patron, n_changes: row.n_changes + 1, is_gone: false },
            (Some(row), None) => row.n_changes += 1,
            (None, Some(patron)) => {
                let is_last = is_after && rows.last().is_none_or(|last| last.patron.id < id);
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
}

fn is_same(sent: &PatronFields, now: &Patron) -> bool {
    now.name.as_ref() == Some(&sent.name) && now.fav_dish.as_ref() == Some(&sent.fav_dish)
}

#[cfg(test)]
mod tests;
