//! The cache's rules, one story each.

use super::*;

fn cache(rows_max: usize) -> Cache {
    let mut cache = Cache::new(rows_max, 1 << 20);
    cache.open();
    cache
}

fn body(text: &str) -> Body {
    Some(Bytes::copy_from_slice(text.as_bytes()))
}

fn now(text: &str) -> Correction {
    Correction::Now(body(text))
}

/// A snapshot that sees everything below `xmax`.
fn snapshot(xmax: Xid) -> Snapshot {
    Snapshot::parse(&format!("{xmax}:{xmax}:")).unwrap()
}

fn lead(cache: &mut Cache, id: PatronId) -> Ticket {
    match cache.miss(id) {
        Miss::Lead(ticket, _) => ticket,
        Miss::Follow(_) => panic!("{id} is being loaded"),
    }
}

fn load(cache: &mut Cache, id: PatronId, text: &str, xmax: Xid) {
    let ticket = lead(cache, id);
    cache.land(ticket, Ok((body(text), snapshot(xmax))));
}

#[test]
fn a_row_is_loaded_once_for_all_who_wait() {
    let mut cache = cache(10);
    let ticket = lead(&mut cache, 1);
    let Miss::Follow(follower) = cache.miss(1) else { panic!("a second load") };
    cache.land(ticket, Ok((body("a"), snapshot(5))));
    assert_eq!(*follower.borrow(), Some(Ok(body("a"))));
    assert_eq!(cache.get(1), Some(body("a")));
}

#[test]
fn a_failed_load_keeps_nothing_and_the_next_reader_asks_again() {
    let mut cache = cache(10);
    let ticket = lead(&mut cache, 1);
    cache.land(ticket, Err(DatabaseError::Off));
    assert_eq!(cache.get(1), None);
    lead(&mut cache, 1);
}

#[test]
fn a_load_that_began_before_a_notification_does_not_overwrite_it() {
    let mut cache = cache(10);
    let ticket = lead(&mut cache, 1);
    cache.correct(1, 7, now("new"));
    lead(&mut cache, 1); // nobody joins the old load any more
    cache.land(ticket, Ok((body("old"), snapshot(7))));
    assert_eq!(cache.get(1), Some(body("new")));
}

#[test]
fn a_load_before_a_notification_without_row_is_not_kept() {
    let mut cache = cache(10);
    let ticket = lead(&mut cache, 1);
    cache.correct(1, 7, Correction::Unknown);
    cache.land(ticket, Ok((body("old"), snapshot(7))));
    assert_eq!(cache.get(1), None);
}

#[test]
fn a_late_notification_does_not_undo_a_newer_load() {
    let mut cache = cache(10);
    load(&mut cache, 1, "v2", 9); // sees 7 and 8
    cache.correct(1, 7, now("v1"));
    assert_eq!(cache.get(1), Some(body("v2")));
    cache.correct(1, 9, now("v3"));
    assert_eq!(cache.get(1), Some(body("v3")));
}

#[test]
fn a_load_that_is_ahead_of_the_notifications_takes_their_entry_away() {
    let mut cache = cache(10);
    let ticket = lead(&mut cache, 1);
    cache.correct(1, 5, now("v1"));
    cache.land(ticket, Ok((body("v2"), snapshot(8)))); // its reader has seen v2 now
    assert_eq!(cache.get(1), None);
    cache.correct(1, 6, now("v1.5"));
    assert_eq!(cache.get(1), None);
    cache.correct(1, 8, now("v3"));
    assert_eq!(cache.get(1), Some(body("v3")));
}

#[test]
fn what_was_forgotten_does_not_come_back_older() {
    let mut cache = cache(1);
    load(&mut cache, 1, "v2", 9);
    load(&mut cache, 2, "x", 9); // row 1 is evicted
    cache.correct(1, 7, now("v1"));
    assert_eq!((cache.get(1), cache.counts.evictions), (None, 1));
}

#[test]
fn a_clear_calls_off_every_load_and_keeps_old_notifications_out() {
    let mut cache = cache(10);
    load(&mut cache, 1, "v2", 9);
    let ticket = lead(&mut cache, 2);
    cache.close();
    cache.open();
    cache.land(ticket, Ok((body("old"), snapshot(9))));
    assert_eq!((cache.get(1), cache.get(2)), (None, None));
    cache.correct(1, 7, now("v1"));
    assert_eq!(cache.get(1), None);
    cache.correct(1, 10, now("v3"));
    assert_eq!(cache.get(1), Some(body("v3")));
}

#[test]
fn a_closed_cache_takes_nothing_in_and_loads_alone() {
    let mut cache = cache(10);
    load(&mut cache, 1, "a", 5);
    cache.close();
    cache.correct(1, 6, now("b"));
    assert_eq!(cache.get(1), Some(body("a")));
    let first = lead(&mut cache, 2);
    let _second = lead(&mut cache, 2);
    cache.land(first, Ok((body("x"), snapshot(6))));
    assert_eq!(cache.get(2), None);
}

#[test]
fn a_deleted_row_is_known_not_to_be_there() {
    let mut cache = cache(10);
    cache.correct(1, 5, Correction::Now(None));
    assert_eq!(cache.get(1), Some(None));
}

#[test]
fn the_row_used_longest_ago_goes_first() {
    let mut cache = cache(3);
    (1..=3).for_each(|id| load(&mut cache, id, "x", 5));
    cache.get(1);
    load(&mut cache, 4, "x", 5);
    assert_eq!([1, 2, 3, 4].map(|id| cache.get(id).is_some()), [true, false, true, true]);
    assert_eq!((cache.rows(), cache.counts.evictions), (3, 1));
}

#[test]
fn bytes_are_bounded_and_counted_exactly() {
    let mut cache = Cache::new(1_000, 10 * (ENTRY_BYTES + 100));
    cache.open();
    let text = "x".repeat(100);
    (0..50).for_each(|id| cache.correct(id, 5, now(&text)));
    assert_eq!((cache.rows(), cache.bytes()), (10, 10 * (ENTRY_BYTES + 100)));
    cache.correct(49, 6, now(""));
    cache.correct(48, 6, Correction::Unknown);
    assert_eq!((cache.rows(), cache.bytes()), (9, 8 * (ENTRY_BYTES + 100) + ENTRY_BYTES));
    cache.correct(1, 7, now(&"x".repeat(1 << 20)));
    assert_eq!((cache.rows(), cache.bytes()), (0, 0));
    cache.clear();
    assert_eq!(cache.bytes(), 0);
}

proptest::proptest! {
    /// One row, its history a number that only grows; notifications come late, loads begin and end at any time, the
    /// connection breaks. No reader ever sees a number below one that was answered before its read began.
    #[test]
    fn reads_never_go_back(steps in proptest::collection::vec(0_u8..8, 1..200)) {
        let mut cache = cache(2);
        let mut version: Xid = 100;
        let mut announced = version; // notifications up to here were taken in
        let mut loads: Vec<(Ticket, Xid)> = Vec::new();
        let mut seen = 0;
        let text = |version: Xid| now(&version.to_string());
        for step in steps {
            match step {
                0 => version += 1,
                1 | 2 if announced < version => {
                    announced += 1;
                    let correction = if step == 1 { text(announced) } else { Correction::Unknown };
                    cache.correct(1, announced, correction);
                }
                3 => match cache.get(1) {
                    Some(found) => {
                        let found: Xid = std::str::from_utf8(&found.unwrap()).unwrap().parse().unwrap();
                        proptest::prop_assert!(seen <= found, "{found} after {seen}");
                        seen = found;
                    }
                    None => if let Miss::Lead(ticket, _) = cache.miss(1) { loads.push((ticket, version)); },
                },
                4 if !loads.is_empty() => {
                    let (ticket, read) = loads.remove(0);
                    cache.land(ticket, Ok((body(&read.to_string()), snapshot(read + 1))));
                    seen = seen.max(read);
                }
                5 if !loads.is_empty() => {
                    let (ticket, read) = loads.swap_remove(loads.len() - 1);
                    cache.land(ticket, Ok((body(&read.to_string()), snapshot(read + 1))));
                    seen = seen.max(read);
                }
                6 => load(&mut cache, 2 + (version % 5) as PatronId * 1_000 + version as PatronId, "x", version + 1),
                7 => {
                    cache.close();
                    announced = version; // what was announced meanwhile is gone for good
                    cache.open();
                }
                _ => {}
            }
        }
    }
}
