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
    tail.pause();
    tail.apply(vec![message(2, "b"), message(3, "c")], accounts(3, 0));
    assert_eq!((tail.len(), tail.n_behind()), (1, 2));
    tail.pause();
    assert_eq!(tail.n_behind(), 2, "pausing twice loses nothing");
    tail.resume();
    assert_eq!((tail.len(), tail.n_behind(), tail.is_paused()), (3, 0, false));
}

#[test]
fn a_long_pause_says_what_it_did_not_keep() {
    let mut tail = tail();
    tail.pause();
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
        "a¶b→\u{fffd}[2J\u{fffd}\u{fffd}"
    );
    assert_eq!(preview(&Payload::Text("ż".repeat(1_000))).chars().count(), PREVIEW_CHARS_MAX);
    assert_eq!(preview(&Payload::Base64("/wA=".into())), "/wA=");
}

#[derive(Clone, Debug)]
enum Step {
    Batch(u8),
    Pause,
    Resume,
    Clear,
}

proptest! {
    /// Every message that came is on the list, waits behind a pause, or is counted as forgotten.
    #[test]
    fn no_message_is_lost_from_the_accounts(steps in prop::collection::vec(prop_oneof![
        4 => any::<u8>().prop_map(Step::Batch), 1 => Just(Step::Pause), 1 => Just(Step::Resume), 1 => Just(Step::Clear),
    ], 0..60)) {
        let (mut tail, mut n) = (tail(), 0);
        for step in steps {
            match step {
                Step::Batch(size) => {
                    let messages = (0..u64::from(size)).map(|i| message(n + i + 1, "x")).collect();
                    n += u64::from(size);
                    tail.apply(messages, accounts(n, 0));
                }
                Step::Pause => tail.pause(),
                Step::Resume => tail.resume(),
                Step::Clear => {
                    tail.clear();
                    prop_assert!(tail.is_empty());
                }
            }
            prop_assert_eq!(n_shown(&tail) + tail.n_behind() + tail.n_forgotten, n);
        }
    }
}
