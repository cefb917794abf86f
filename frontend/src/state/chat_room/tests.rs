//! A room must show each line once and in order, whatever the connection does.

use signalbox_shared::feed::GapReason;

use super::*;

fn id(seq: u64) -> EventId {
    EventId { epoch: 1, seq }
}

fn said(seq: u64, name: &str, text: &str) -> ChatLine {
    ChatLine { id: id(seq), at_ms: 0, name: name.into(), kind: ChatLineKind::Said { text: text.into() } }
}

fn inside() -> ChatRoom {
    let mut room = ChatRoom { membership: Membership::Entering("ada".into()), ..ChatRoom::named("lobby") };
    room.joined("ada".into(), vec![], None);
    room
}

fn texts(room: &ChatRoom) -> Vec<String> {
    room.rows()
        .map(|row| match row {
            RoomRow::Line(line) => match &line.kind {
                ChatLineKind::Said { text } => text.clone(),
                other => format!("{other:?}"),
            },
            RoomRow::Gap { text, .. } => format!("[{text}]"),
        })
        .collect()
}

#[test]
fn no_line_stands_twice() {
    let mut room = inside();
    assert!(room.apply_line(said(1, "bob", "a")));
    assert!(!room.apply_line(said(1, "bob", "a")));
    assert!(room.apply_line(said(2, "bob", "b")));
    room.interrupted();
    assert_eq!(room.membership, Membership::Entering("ada".into()));
    assert_eq!(room.last_id(), Some(id(2)));
    let missed = room.joined("ada".into(), vec![said(2, "bob", "b"), said(3, "bob", "c")], None);
    assert_eq!(texts(&room), ["a", "b", "c"]);
    assert_eq!(missed, [said(3, "bob", "c")]);
}

#[test]
fn who_is_held_up_is_told_until_it_is_over() {
    let mut room = inside();
    room.interrupted();
    assert_eq!(room.hold_up(), None);
    room.held_up("in use".into(), Some("ada2".into()));
    assert_eq!(room.hold_up().map(|hold_up| &*hold_up.reason), Some("in use"));
    assert_eq!(room.membership, Membership::Entering("ada".into()), "it asks again");
    room.joined("ada".into(), vec![], None);
    assert_eq!(room.hold_up(), None);
    room.interrupted();
    room.held_up("in use".into(), None);
    room.refused("in use".into(), None);
    assert_eq!(room.hold_up(), None);
}

#[test]
fn what_is_missing_is_said() {
    let mut room = inside();
    let gap = |n_lost| ChatGap { n_lost, reason: GapReason::TooOld };
    let missed = room.joined("ada".into(), vec![said(9, "bob", "first")], Some(&gap(Some(8))));
    assert!(missed.is_empty(), "nobody misses what was before");
    assert_eq!(texts(&room), ["first"], "nothing is missing from a room that was just entered");
    room.joined("ada".into(), vec![said(20, "bob", "later")], Some(&gap(Some(10))));
    let anew = ChatLine { id: EventId { epoch: 2, seq: 1 }, ..said(1, "bob", "anew") };
    room.joined("ada".into(), vec![anew], Some(&gap(None)));
    assert_eq!(
        texts(&room),
        [
            "first",
            "[10 lines are missing]",
            "later",
            "[The relay was started anew: lines may be missing]",
            "anew"
        ]
    );
}

#[test]
fn a_line_is_settled_by_the_answer_or_by_itself_whichever_comes_first() {
    let mut room = inside();
    room.say("k1".into(), "hi".into());
    room.say("k2".into(), "hi".into());
    assert_eq!(room.take_unsent(), Some(("k1".into(), "hi".into())));
    assert_eq!(room.take_unsent(), None, "one after the other");
    room.apply_line(said(1, "ada", "hi"));
    assert_eq!(room.pending().len(), 1, "the line came first");
    room.confirmed("k1", Some(id(1)));
    assert_eq!(room.take_unsent(), Some(("k2".into(), "hi".into())));
    room.confirmed("k2", Some(id(2)));
    assert_eq!(room.pending().len(), 1, "the answer came first, the line is still to come");
    room.apply_line(said(2, "ada", "hi"));
    assert!(room.pending().is_empty());
    assert_eq!(texts(&room), ["hi", "hi"]);
}

#[test]
fn lines_without_an_answer_are_sent_again_with_the_same_key() {
    let mut room = inside();
    room.say("k1".into(), "hi".into());
    let first = room.take_unsent();
    assert!(first.is_some());
    room.interrupted();
    assert_eq!(room.take_unsent(), first);
    room.failed("k1", "too fast".into());
    room.interrupted();
    assert_eq!(room.take_unsent(), None, "a refused line waits for the person");
    room.retry("k1");
    assert_eq!(room.take_unsent(), first);
    room.discard("k1");
    assert!(room.pending().is_empty());
}

#[test]
fn a_line_goes_when_the_one_before_it_is_answered_whatever_the_answer() {
    let mut room = inside();
    for key in ["k1", "k2", "k3", "k4"] {
        room.say(key.into(), key.into());
    }
    let next = |room: &mut ChatRoom| room.take_unsent().map(|(key, _)| key);
    assert_eq!(next(&mut room).as_deref(), Some("k1"));
    room.unsent("k1");
    assert_eq!(next(&mut room).as_deref(), Some("k1"), "what was too hasty goes first");
    room.confirmed("k1", Some(id(1)));
    assert_eq!(next(&mut room).as_deref(), Some("k2"), "the line itself may be still to come");
    room.failed("k2", "too long".into());
    assert_eq!(next(&mut room).as_deref(), Some("k3"));
    room.confirmed("k3", None);
    assert_eq!(next(&mut room).as_deref(), Some("k4"));
}

#[test]
fn a_line_of_somebody_else_settles_nothing() {
    let mut room = inside();
    room.say("k1".into(), "hi".into());
    room.take_unsent();
    room.apply_line(said(1, "bob", "hi"));
    assert_eq!(room.pending().len(), 1);
}

#[test]
fn a_refusal_keeps_the_name_and_brings_a_suggestion() {
    let mut room = ChatRoom { membership: Membership::Entering("ada".into()), ..ChatRoom::named("lobby") };
    room.refused("name in use".into(), Some("ada2".into()));
    let Membership::Refused { name, suggestion, .. } = &room.membership else {
        panic!("{:?}", room.membership)
    };
    assert_eq!((name.as_str(), suggestion.as_deref()), ("ada", Some("ada2")));
    assert_eq!(room.name(), None);
}

#[test]
fn lines_and_sends_are_bounded() {
    let mut room = inside();
    for seq in 1..=LINES_MAX as u64 + 10 {
        room.apply_line(said(seq, "bob", &seq.to_string()));
    }
    assert_eq!(room.rows().count(), LINES_MAX);
    assert_eq!(texts(&room)[0], "11");
    for i in 0..SENDS_MAX {
        assert!(room.say(i.to_string(), "x".into()));
    }
    assert!(!room.say("one more".into(), "x".into()));
}

#[test]
fn a_very_full_room_is_counted_even_where_not_everybody_is_named() {
    let mut room = inside();
    let ada = ChatUser {
        name: "ada".into(),
        via: signalbox_shared::chat::ChatVia::Line,
        since_ms: 0,
        is_idle: false,
    };
    room.present(vec![ada.clone()], 2_000);
    assert_eq!((room.users.len(), room.n_users), (1, 2_000));
    room.present(vec![ada], 0);
    assert_eq!(room.n_users, 1);
}

#[test]
fn older_lines_stand_before_the_others_once() {
    let mut room = inside();
    assert_eq!(room.ask_older(), None, "nothing to ask before");
    room.apply_line(said(11, "bob", "k"));
    assert_eq!((room.ask_older(), room.past()), (Some(id(11)), Past::Asked));
    assert_eq!(room.ask_older(), None, "asked once");
    room.older(vec![said(9, "bob", "i"), said(10, "bob", "j")], true);
    assert_eq!(room.ask_older(), Some(id(9)));
    room.interrupted();
    assert_eq!(room.ask_older(), Some(id(9)), "an answer that never comes does not block");
    room.older(vec![said(8, "bob", "h"), said(9, "bob", "i")], false);
    assert_eq!(
        (texts(&room), room.past()),
        (["h", "i", "j", "k"].map(str::to_owned).to_vec(), Past::Beginning)
    );
    assert_eq!(room.ask_older(), None);
}

#[test]
fn news_are_marked_until_somebody_answers() {
    let mut room = inside();
    for seq in 1..=3 {
        room.apply_line(said(seq, "bob", "x"));
        room.note_unread(id(seq), seq == 2);
    }
    assert_eq!((room.n_unread, room.n_mentions, room.unread_from()), (3, 1, Some(id(1))));
    room.read();
    assert_eq!((room.n_unread, room.n_mentions, room.unread_from()), (0, 0, Some(id(1))));
    room.note_unread(id(4), false);
    assert_eq!(room.unread_from(), Some(id(4)));
    room.say("k".into(), "answer".into());
    assert_eq!(room.unread_from(), None);
}
