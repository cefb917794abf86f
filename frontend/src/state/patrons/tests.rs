//! Pages, announcements, and the two at the same time.

use serde_json::json;
use signalbox_shared::EventId;
use signalbox_shared::changes::ChangeKind;

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
    let rows: Vec<_> = ids.iter().map(|id| (*id, "Ada")).collect();
    load(&mut patrons, answer(&rows));
    patrons
}

/// What the relay answers: these rows, and no further ones.
fn answer(rows: &[(PatronId, &str)]) -> PatronPage {
    PatronPage { patrons: rows.iter().map(|(id, name)| patron(*id, name)).collect(), has_more: false }
}

/// Loads a page while nothing is announced.
fn load(patrons: &mut Patrons, page: PatronPage) {
    let load = patrons.begin_load();
    assert_eq!(patrons.loaded(load, Ok(page)), Loaded::Taken);
}

fn apply(patrons: &mut Patrons, kind: ChangeKind, id: PatronId, name: Option<&str>) {
    patrons.apply(&[event(kind, id, name)], 0);
}

/// Each row's key and name, a deleted one with a minus before its key; none before they came.
fn shown(patrons: &Patrons) -> Option<String> {
    let text = |row: &Row| {
        let sign = if row.is_gone { "-" } else { "" };
        format!("{sign}{} {}", row.patron.id, row.patron.name.as_deref().unwrap_or("null"))
    };
    patrons.rows.as_ref().map(|rows| rows.iter().map(text).collect::<Vec<_>>().join(", "))
}

#[test]
fn what_is_shown_already_does_not_flash() {
    let mut patrons = Patrons::default();
    load(&mut patrons, answer(&[(1, "Ada")]));
    apply(&mut patrons, ChangeKind::Insert, 1, Some("Ada"));
    assert_eq!(patrons.rows.as_ref().unwrap()[0].n_changes, 0);
    apply(&mut patrons, ChangeKind::Update, 1, Some("Ada L."));
    let changed = patrons.rows.clone();
    load(&mut patrons, answer(&[(1, "Ada L.")]));
    assert_eq!(patrons.rows, changed, "loaded again, it is the same row");
    assert_eq!(changed.unwrap()[0].n_changes, 1);
}

#[test]
fn rows_change_in_place_and_never_move() {
    let mut patrons = page(&[1, 3]);
    apply(&mut patrons, ChangeKind::Update, 1, Some("Bob"));
    apply(&mut patrons, ChangeKind::Delete, 3, None);
    apply(&mut patrons, ChangeKind::Insert, 2, Some("Between"));
    apply(&mut patrons, ChangeKind::Insert, 4, Some("New"));
    let rows = patrons.rows.unwrap();
    let told: Vec<_> = rows.iter().map(|row| (row.patron.id, row.n_changes, row.is_gone)).collect();
    assert_eq!(told, [(1, 1, false), (3, 0, true), (4, 1, false)]);
    assert_eq!(rows[0].patron, patron(1, "Bob"));
}

#[test]
fn an_edit_is_warned_of_what_others_do_and_not_of_itself() {
    let mut patrons = page(&[1]);
    patrons.begin_edit(Some(1));
    apply(&mut patrons, ChangeKind::Update, 2, Some("Other"));
    assert_eq!(patrons.edit.as_ref().unwrap().conflict, None);
    let sent = PatronFields { name: "Mine".to_owned(), fav_dish: "Soup".to_owned() };
    patrons.edit.as_mut().unwrap().sent = Some(sent);
    apply(&mut patrons, ChangeKind::Update, 1, Some("Mine"));
    assert_eq!(patrons.edit.as_ref().unwrap().conflict, None);
    apply(&mut patrons, ChangeKind::Update, 1, Some("Theirs"));
    let theirs = Some(Conflict::Changed(patron(1, "Theirs")));
    assert_eq!(patrons.edit.as_ref().unwrap().conflict, theirs);
    apply(&mut patrons, ChangeKind::Update, 1, None);
    assert_eq!(patrons.edit.as_ref().unwrap().conflict, Some(Conflict::Unknown));
    apply(&mut patrons, ChangeKind::Truncate, 0, None);
    assert_eq!(patrons.edit.as_ref().unwrap().conflict, Some(Conflict::Deleted));
}

/// What is shown in the end when a load begins, `events` are announced, and the answer is `page`.
#[track_caller]
fn check_load(
    before: Patrons,
    events: &[(ChangeKind, PatronId, Option<&str>)],
    page: &[(PatronId, &str)],
    expected: &str,
) {
    let mut patrons = before;
    let load = patrons.begin_load();
    for (kind, id, name) in events {
        apply(&mut patrons, *kind, *id, *name);
    }
    assert_eq!(patrons.loaded(load, Ok(answer(page))), Loaded::Taken);
    assert_eq!(shown(&patrons).as_deref(), Some(expected));
}

#[test]
fn what_is_announced_during_a_load_is_newer_than_its_page() {
    use ChangeKind::{Delete, Insert, Update};
    for before in [Patrons::default(), page(&[1, 2, 3])] {
        let check = |events: &[_], page: &[_], expected| check_load(before.clone(), events, page, expected);
        let old = [(1, "Ada"), (2, "Ada"), (3, "Ada")];
        check(&[], &old, "1 Ada, 2 Ada, 3 Ada");
        check(&[(Insert, 4, Some("New"))], &old, "1 Ada, 2 Ada, 3 Ada, 4 New");
        check(&[(Insert, 2, Some("Between"))], &[(1, "Ada"), (3, "Ada")], "1 Ada, 2 Between, 3 Ada");
        check(&[(Update, 2, Some("Bob"))], &old, "1 Ada, 2 Bob, 3 Ada");
        check(&[(Delete, 2, None)], &old, "1 Ada, 3 Ada");
        check(&[(Insert, 4, Some("New")), (Delete, 4, None)], &old, "1 Ada, 2 Ada, 3 Ada");
        check(&[(Delete, 2, None), (Insert, 2, Some("Again"))], &old, "1 Ada, 2 Again, 3 Ada");
        // The page is the newer one, and says the same.
        check(&[(Update, 2, Some("Bob"))], &[(1, "Ada"), (2, "Bob")], "1 Ada, 2 Bob");
    }
}

#[test]
fn a_row_that_is_shown_already_does_not_flash_again_when_its_page_comes() {
    let mut patrons = page(&[1, 2]);
    let load = patrons.begin_load();
    apply(&mut patrons, ChangeKind::Update, 2, Some("Bob"));
    apply(&mut patrons, ChangeKind::Insert, 3, Some("New"));
    let before = patrons.rows.clone();
    assert_eq!(patrons.loaded(load, Ok(answer(&[(1, "Ada"), (2, "Ada")]))), Loaded::Taken);
    assert_eq!(patrons.rows, before);
}

#[test]
fn of_two_loads_the_later_one_counts() {
    let mut patrons = Patrons::default();
    let (first, second) = (patrons.begin_load(), patrons.begin_load());
    apply(&mut patrons, ChangeKind::Update, 1, Some("Bob"));
    assert_eq!(patrons.loaded(second, Ok(answer(&[(1, "Ada"), (2, "Ada")]))), Loaded::Taken);
    assert_eq!(patrons.loaded(first, Ok(answer(&[(1, "Old")]))), Loaded::TooLate);
    assert_eq!(patrons.loaded(first, Err("no answer".to_owned())), Loaded::TooLate);
    assert_eq!((shown(&patrons).as_deref(), &patrons.problem), (Some("1 Bob, 2 Ada"), &None));
    // The other way round, the first is not waited for.
    let (first, second) = (patrons.begin_load(), patrons.begin_load());
    assert_eq!(patrons.loaded(first, Ok(answer(&[(1, "Old")]))), Loaded::TooLate);
    assert_eq!(patrons.loaded(second, Err("no answer".to_owned())), Loaded::Taken);
    assert_eq!(shown(&patrons).as_deref(), Some("1 Bob, 2 Ada"), "what is shown stays");
    assert_eq!(patrons.problem.as_deref(), Some("no answer"));
}

#[test]
fn a_page_that_was_left_is_not_shown() {
    let mut patrons = page(&[1, 2]);
    let load = patrons.begin_load();
    patrons.turn(true);
    assert_eq!(patrons.after(), Some(2));
    assert_eq!(patrons.loaded(load, Ok(answer(&[(1, "Old")]))), Loaded::TooLate);
    let load = patrons.begin_load();
    apply(&mut patrons, ChangeKind::Update, 1, Some("Of the page before"));
    assert_eq!(patrons.loaded(load, Ok(answer(&[(3, "Ada")]))), Loaded::Taken);
    assert_eq!(shown(&patrons).as_deref(), Some("3 Ada"));
    apply(&mut patrons, ChangeKind::Insert, 2, Some("Of the page before"));
    assert_eq!(shown(&patrons).as_deref(), Some("3 Ada"));
}

#[test]
fn a_full_page_takes_in_no_more_than_its_rows() {
    let rows_max = PatronId::try_from(ROWS_MAX).unwrap();
    let full: Vec<_> = (1..=rows_max).map(|n| (2 * n, "Ada")).collect();
    let mut patrons = Patrons::default();
    let load = patrons.begin_load();
    apply(&mut patrons, ChangeKind::Insert, 3, Some("Between"));
    apply(&mut patrons, ChangeKind::Insert, 2 * rows_max + 1, Some("After"));
    let page = PatronPage { has_more: true, ..answer(&full) };
    assert_eq!(patrons.loaded(load, Ok(page)), Loaded::Taken);
    let ids: Vec<_> = patrons.rows.iter().flatten().map(|row| row.patron.id).collect();
    assert_eq!((ids.len(), ids[1], ids.last()), (ROWS_MAX, 3, Some(&(2 * rows_max - 2))));
    assert!(patrons.has_more);
}

#[test]
fn a_page_that_cannot_be_corrected_is_asked_for_again() {
    for (kind, name) in [(ChangeKind::Truncate, None), (ChangeKind::Update, None)] {
        let mut patrons = page(&[1, 2]);
        let load = patrons.begin_load();
        apply(&mut patrons, kind, 1, name);
        let before = patrons.rows.clone();
        assert_eq!(patrons.loaded(load, Ok(answer(&[(1, "Old"), (2, "Old")]))), Loaded::Overtaken);
        assert_eq!(patrons.rows, before, "what is shown knows better");
        load_and_check(&mut patrons, "2 Ada");
    }
    let mut patrons = Patrons::default();
    let load = patrons.begin_load();
    (1..=5_000).for_each(|id| apply(&mut patrons, ChangeKind::Insert, id, Some("One of many")));
    assert_eq!(patrons.loaded(load, Ok(answer(&[]))), Loaded::Overtaken);
}

fn load_and_check(patrons: &mut Patrons, expected: &str) {
    load(patrons, answer(&[(2, "Ada")]));
    assert_eq!(shown(patrons).as_deref(), Some(expected));
}

#[test]
fn what_is_told_once_more_when_a_connection_begins_shows_nothing_of_long_ago() {
    use ChangeKind::{Delete, Insert, Truncate, Update};
    let mut patrons = page(&[1, 2]);
    let before = patrons.rows.clone();
    let mut history = vec![
        event(Insert, 9, Some("Gone again")),
        event(Truncate, 0, None),
        event(Insert, 1, Some("First")),
        event(Insert, 2, Some("Ada")),
        event(Update, 1, Some("Ada")),
        event(Insert, 3, Some("Gone again")),
        event(Delete, 3, None),
    ];
    patrons.apply(&history, 0);
    assert_eq!(patrons.rows, before);
    // Nor what may have changed since without the relay having been told.
    history.push(event(Update, 2, Some("Outdated")));
    patrons.apply(&history, 1);
    assert_eq!(patrons.rows, before);
}
