//! The tail's accounts must come out even whatever is done to it.

use proptest::prelude::*;

use super::*;

fn tail() -> Tail {
    Tail::new("/topic/a".parse().unwrap(), TailMode::Tap)
}

fn message(seq: u64, text: &str) -> TailMessage {
    let payload = Payload::Text(text.into());
    TailMessage { seq, at_ms: 1_000, size_bytes: text.len() as u64, payload, is_cut: false }
}

/// Messages on the screen's list.
fn n_shown(tail: &Tail) -> u64 {
    tail.rows(0, usize::MAX).iter().filter(|(_, item)| is_message(item)).count() as u64
}

fn accounts(received: u64, skipped: u64) -> TailAccounts {
    TailAccounts { received, shown: received - skipped, filtered: 0, skipped, unjudged: 0 }
}

#[test]
fn keeps_the_newest_and_counts_the_rest() {
    let mut tail = tail();
    let n = ITEMS_MAX as u64 + 7;
    tail.apply((1..=n).map(|seq| message(seq, "x")).collect(), accounts(n, 0));
    assert_eq!((tail.len(), tail.n_forgotten), (ITEMS_MAX, 7));
    assert_eq!(tail.rows(0, 1)[0].1.serial, 8);
    assert_eq!(tail.item(7), None);
    assert_eq!(tail.place(8), Some(0));
}

#[test]
fn bytes_are_bounded_too() {
    let mut tail = tail();
    let large = "x".repeat(64 * 1024);
    tail.apply((1..=300).map(|seq| message(seq, &large)).collect(), accounts(300, 0));
    assert_eq!(tail.len(), BYTES_MAX / large.len());
    assert_eq!(tail.n_forgotten + n_shown(&tail), 300);
}

#[test]
fn a_pause_holds_the_rows_and_counts_what_comes() {
    let mut tail = tail();
    tail.apply(vec![message(1, "a")], accounts(1, 0));
    tail.hold(Hold::Asked);
    tail.apply(vec![message(2, "b"), message(3, "c")], accounts(3, 0));
    assert_eq!((tail.len(), tail.n_behind()), (1, 2));
    tail.hold(Hold::Asked);
    assert_eq!(tail.n_behind(), 2, "pausing twice loses nothing");
    tail.resume();
    assert_eq!((tail.len(), tail.n_behind(), tail.is_paused()), (3, 0, false));
}

#[test]
fn a_long_pause_says_what_it_did_not_keep() {
    let mut tail = tail();
    tail.hold(Hold::Asked);
    let n = ITEMS_MAX as u64 + 5;
    tail.apply((1..=n).map(|seq| message(seq, "x")).collect(), accounts(n, 0));
    tail.resume();
    assert_eq!(n_shown(&tail) + tail.n_forgotten, n);
    assert!(tail.n_forgotten >= 5);
}

#[test]
fn what_the_relay_skipped_is_marked_where_it_happened() {
    let mut tail = tail();
    tail.apply(vec![message(1, "a")], accounts(1, 0));
    tail.apply(vec![message(12, "b")], accounts(12, 10));
    let rows = tail.rows(0, 9);
    assert_eq!(rows.len(), 3);
    let TailItemKind::Mark(text) = &rows[1].1.kind else { panic!("a mark stands between") };
    assert!(text.starts_with("10 messages skipped"), "{text}");
}

#[test]
fn a_new_subscription_begins_new_accounts_and_is_marked() {
    let mut tail = tail();
    tail.subscribed(TailMode::Tap, 0);
    assert!(tail.is_empty(), "the first one needs no mark");
    tail.apply(vec![message(5, "a")], accounts(5, 4));
    tail.interrupted();
    tail.subscribed(TailMode::Consume, 0);
    assert_eq!(tail.accounts, TailAccounts::default());
    tail.apply(vec![message(1, "b")], accounts(1, 0));
    assert_eq!(n_shown(&tail), 2);
}

#[test]
fn previews_are_one_short_line() {
    assert_eq!(
        preview(&Payload::Text("a\nb\t\u{1b}[2J\u{7f}\u{9b}".into())),
        "a¶b→⟨U+001B⟩[2J⟨U+007F⟩⟨U+009B⟩"
    );
    assert_eq!(preview(&Payload::Text("ż".repeat(1_000))).chars().count(), PREVIEW_CHARS_MAX);
    assert_eq!(preview(&Payload::Base64("/wA=".into())), "/wA=");
}

#[test]
fn the_stronger_reason_to_hold_stands() {
    let mut tail = tail();
    tail.hold(Hold::Aiming);
    tail.hold(Hold::Reading);
    tail.hold(Hold::Aiming);
    assert_eq!(tail.held(), Some(Hold::Reading));
    tail.resume_from(Hold::Aiming);
    assert!(tail.is_paused(), "who reads is not disturbed");
    tail.hold(Hold::Asked);
    tail.hold(Hold::Reading);
    tail.resume_from(Hold::Reading);
    assert_eq!(tail.held(), Some(Hold::Asked));
}

#[test]
fn a_jump_to_live_counts_what_it_leaves_out() {
    let mut tail = tail();
    tail.hold(Hold::Asked);
    tail.apply(vec![message(1, "a"), message(2, "b")], accounts(2, 0));
    tail.jump_to_live(5);
    tail.apply(vec![message(3, "c")], accounts(3, 0));
    assert_eq!((tail.n_forgotten, n_shown(&tail), tail.len()), (2, 1, 2));
}

#[test]
fn a_pinned_row_outlives_the_list() {
    let mut tail = tail();
    tail.apply(vec![message(1, "keep me")], accounts(1, 0));
    assert!(tail.toggle_pin(1));
    tail.clear();
    assert_eq!(tail.item(1).map(|item| item.serial), Some(1));
    assert!(!tail.toggle_pin(1));
    assert_eq!(tail.item(1), None);
    tail.apply((2..=60).map(|seq| message(seq, "x")).collect(), accounts(60, 0));
    let n_pinned = (2..=60).filter(|serial| tail.toggle_pin(*serial)).count();
    assert_eq!(n_pinned, PINS_MAX);
}

#[test]
fn a_moment_has_its_place() {
    let mut tail = tail();
    assert_eq!(tail.place_at(5), None);
    let at = |seq, at_ms| TailMessage { at_ms, ..message(seq, "x") };
    tail.apply(vec![at(1, 10), at(2, 20), at(3, 20), at(4, 30)], accounts(4, 0));
    assert_eq!([0, 10, 15, 20, 30, 99].map(|ms| tail.place_at(ms).unwrap()), [0, 0, 1, 1, 3, 3]);
    assert_eq!(tail.message_before(3).map(|message| message.seq), Some(2));
    assert_eq!(tail.message_before(1), None);
}

#[derive(Clone, Debug)]
enum Step {
    Batch(u8),
    Hold(Hold),
    Resume,
    ResumeFrom(Hold),
    Jump,
    Clear,
    Pin(u8),
}

fn hold() -> impl Strategy<Value = Hold> {
    prop_oneof![Just(Hold::Asked), Just(Hold::Reading), Just(Hold::Aiming)]
}

proptest! {
    /// Every message that came is on the list, waits behind a pause, or is counted as forgotten.
    #[test]
    fn no_message_is_lost_from_the_accounts(steps in prop::collection::vec(prop_oneof![
        6 => any::<u8>().prop_map(Step::Batch), 2 => hold().prop_map(Step::Hold), 1 => Just(Step::Resume),
        1 => hold().prop_map(Step::ResumeFrom), 1 => Just(Step::Jump), 1 => Just(Step::Clear),
        1 => any::<u8>().prop_map(Step::Pin),
    ], 0..60)) {
        let (mut tail, mut n) = (tail(), 0);
        for step in steps {
            match step {
                Step::Batch(size) => {
                    let messages = (0..u64::from(size)).map(|i| message(n + i + 1, "x")).collect();
                    n += u64::from(size);
                    tail.apply(messages, accounts(n, 0));
                }
                Step::Hold(why) => tail.hold(why),
                Step::Resume => tail.resume(),
                Step::ResumeFrom(why) => tail.resume_from(why),
                Step::Jump => tail.jump_to_live(0),
                Step::Pin(serial) => {
                    tail.toggle_pin(serial.into());
                    prop_assert!(tail.pins().len() <= PINS_MAX);
                }
                Step::Clear => {
                    tail.clear();
                    prop_assert!(tail.is_empty());
                }
            }
            prop_assert_eq!(n_shown(&tail) + tail.n_behind() + tail.n_forgotten, n);
        }
    }
}
