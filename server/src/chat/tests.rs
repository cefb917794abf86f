//! Rooms and members without any transport.

use futures_util::FutureExt as _;
use signalbox_shared::chat::ChatLineKind;
use signalbox_shared::socket::ServerMessage;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;
use crate::outlet::{connected, read_text_frame};

fn chat(change: impl FnOnce(&mut Limits)) -> Arc<Chat> {
    let mut limits = Limits::default();
    change(&mut limits);
    Chat::new(&limits)
}

fn join(chat: &Chat, room: &str, name: &str) -> Joined {
    chat.join(room, name, ChatVia::Browser, History::Newest(200)).unwrap()
}

fn plain(entries: &[Arc<Entry>]) -> String {
    entries.iter().map(|entry| std::str::from_utf8(entry.plain()).unwrap()).collect()
}

async fn read(reader: &mut Reader) -> String {
    plain(&reader.next().await.unwrap())
}

#[tokio::test]
async fn everyone_sees_the_same_from_their_own_arrival_on() {
    let chat = chat(|_| {});
    let mut ada = join(&chat, LOBBY, "ada");
    assert_eq!(ada.snapshot.n_users, 1);
    let mut bob = join(&chat, LOBBY, " bob ");
    assert_eq!(bob.snapshot.n_users, 2);
    assert_eq!(plain(&bob.snapshot.lines), "ada connected!\n");
    bob.member.say("hi\u{1b}[2J", None).unwrap();
    drop(bob.member);
    assert_eq!(read(&mut bob.reader).await, "bob connected!\nbob: hi␛[2J\nbob has left the chat\n");
    let seen = "ada connected!\nbob connected!\nbob: hi␛[2J\nbob has left the chat\n";
    assert_eq!(read(&mut ada.reader).await, seen);
    assert_eq!(plain(&chat.look(LOBBY, 9).unwrap().lines), seen);
    assert_eq!(chat.stats().n_users_browser, 1);
}

#[tokio::test]
async fn a_name_is_free_again_when_its_member_is_gone() {
    let chat = chat(|_| {});
    let ada = join(&chat, LOBBY, "ada");
    let refused = chat.join(LOBBY, "ada", ChatVia::Line, History::Newest(0)).err().unwrap();
    assert_eq!(refused.to_string(), "the name \"ada\" is in use");
    assert_eq!(refused.suggestion(), Some("ada2"));
    let elsewhere = join(&chat, "other", "ada");
    drop(ada);
    join(&chat, LOBBY, "ada");
    drop(elsewhere);
    assert_eq!(chat.stats().n_users_browser, 0);
}

#[tokio::test]
async fn bad_names_and_rooms_are_refused_with_a_reason() {
    let chat = chat(|_| {});
    let check = |room: &str, name: &str, expected: &str, suggestion: Option<&str>| {
        let error = chat.join(room, name, ChatVia::Line, History::Newest(0)).err().unwrap();
        assert_eq!((error.to_string().as_str(), error.suggestion()), (expected, suggestion));
    };
    check(LOBBY, " ", "a name must not be empty", Some("guest"));
    check(LOBBY, "a\u{1b}b", "a name must not contain the control character U+001B", Some("ab"));
    check("a b", "ada", "a room name consists of letters, digits, \"-\", \"_\" and \".\", not ' '", None);
    assert_eq!(chat.rooms(), [(LOBBY.to_owned(), 0)]);
}

#[tokio::test]
async fn rooms_are_bounded_and_empty_ones_make_place() {
    let chat = chat(|limits| limits.chat_rooms = 2);
    let ada = join(&chat, "one", "ada");
    let refused = chat.join("two", "ada", ChatVia::Browser, History::Newest(0)).err().unwrap();
    assert_eq!(refused, JoinError::Open(OpenError::TooMany { limit: 2 }));
    drop(ada);
    let _ada = join(&chat, "two", "ada");
    assert_eq!(chat.rooms(), [(LOBBY.to_owned(), 0), ("two".to_owned(), 1)]);
}

#[tokio::test]
async fn a_resume_gives_exactly_what_was_missed() {
    let chat = chat(|limits| limits.chat_history_lines = 600);
    let mut ada = join(&chat, LOBBY, "ada");
    let last = ada.member.say("seen", None).unwrap();
    let mut bob = join(&chat, LOBBY, "bob");
    drop(ada);
    for n in 0..50 {
        bob.member.say(&n.to_string(), None).unwrap();
    }
    let mut ada = chat.join(LOBBY, "ada", ChatVia::Browser, History::Since(last)).unwrap();
    let expected: String = (0..50).map(|n| format!("bob: {n}\n")).collect();
    assert_eq!(plain(&ada.snapshot.lines), format!("bob connected!\nada has left the chat\n{expected}"));
    assert_eq!(ada.snapshot.gap, None);
    assert_eq!(read(&mut ada.reader).await, "ada connected!\n");

    let other = EventId { epoch: last.epoch + 1, seq: 1 };
    let (snapshot, _) = ada.member.look(History::Since(other));
    assert_eq!(snapshot.gap.unwrap().n_lost, None);
    assert_eq!(snapshot.lines.len(), 55);
}

#[tokio::test]
async fn a_long_resume_goes_on_through_the_reader() {
    let chat = chat(|limits| limits.chat_lines_per_sec = 100_000);
    let mut bob = join(&chat, LOBBY, "bob");
    let first = bob.member.say("first", None).unwrap();
    for n in 0..1_500 {
        bob.member.say(&n.to_string(), None).unwrap();
    }
    let (snapshot, mut reader) = bob.member.look(History::Since(first));
    let mut texts: Vec<ChatLineKind> = snapshot.lines.iter().map(|entry| entry.line.kind.clone()).collect();
    while texts.len() < 1_500 {
        texts.extend(reader.next().await.unwrap().iter().map(|entry| entry.line.kind.clone()));
    }
    let expected: Vec<_> = (0..1_500).map(|n| ChatLineKind::Said { text: n.to_string() }).collect();
    assert_eq!(texts, expected);
}

#[tokio::test]
async fn a_key_says_a_line_once_also_after_coming_back() {
    let chat = chat(|_| {});
    let mut ada = join(&chat, LOBBY, "ada");
    let id = ada.member.say("once", Some("k1")).unwrap();
    assert_eq!(ada.member.say("once", Some("k1")), Ok(id));
    drop(ada);
    let mut ada = join(&chat, LOBBY, "ada");
    assert_eq!(ada.member.say("once", Some("k1")), Ok(id));
    let mut bob = join(&chat, LOBBY, "bob");
    assert_ne!(bob.member.say("once", Some("k1")), Ok(id));
    assert_eq!((chat.stats().n_said, chat.stats().n_repeated), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn lines_are_bounded_in_length_and_rate() {
    let chat = chat(|limits| limits.chat_lines_per_sec = 2);
    let mut ada = join(&chat, LOBBY, "ada");
    assert_eq!(ada.member.say(&"x".repeat(4097), None), Err(SayError::TooLong { bytes: 4097 }));
    assert_eq!(ada.member.say("a\nb", None), Err(SayError::LineBreak));
    assert_eq!(ada.member.say("a", Some(&"k".repeat(81))), Err(SayError::KeyTooLong { bytes: 81 }));
    for _ in 0..10 {
        ada.member.say(&"x".repeat(4096), None).unwrap();
    }
    let retry_after = std::time::Duration::from_millis(500);
    assert_eq!(ada.member.say("a", None), Err(SayError::TooFast { per_sec: 2, retry_after }));
    tokio::time::advance(retry_after).await;
    ada.member.say("a", None).unwrap();
    assert_eq!(chat.stats().refused, [("too_fast", 1), ("too_long", 1), ("malformed", 2)]);
}

#[tokio::test]
async fn a_reader_that_is_too_far_behind_learns_how_much_it_lost_and_goes_on() {
    let chat = chat(|limits| {
        (limits.chat_history_lines, limits.chat_outbox_lines, limits.chat_lines_per_sec) = (1, 16, 1_000);
    });
    let mut ada = join(&chat, LOBBY, "ada");
    for n in 0..20 {
        ada.member.say(&n.to_string(), None).unwrap();
    }
    assert_eq!(ada.reader.fell_behind(16).await, 21);
    assert_eq!(ada.reader.next().await.err(), Some(Lagged { n_skipped: 5 }));
    assert_eq!(ada.reader.next().await.unwrap().len(), 16);
    assert_eq!(chat.stats().n_lagged, 5);
}

#[tokio::test]
async fn the_house_speaks_in_its_own_name_to_everybody() {
    let chat = chat(|limits| limits.chat_rooms = 2);
    let mut ada = join(&chat, LOBBY, "ada");
    let id = chat.announce(LOBBY, "red: mem is above 100 MB\nfor 10 s").unwrap();
    let entries = ada.reader.next().await.unwrap();
    assert_eq!(plain(&entries), "ada connected!\nNotice: red: mem is above 100 MB␊for 10 s\n");
    assert_eq!(entries[1].line.id, id);
    assert!(matches!(entries[1].line.kind, ChatLineKind::Announced { .. }));
    chat.announce("ops", &"ż".repeat(LINE_BYTES_MAX)).unwrap();
    let text = plain(&chat.look("ops", 1).unwrap().lines);
    assert!(text.ends_with("ż…\n") && text.len() <= "Notice: \n".len() + LINE_BYTES_MAX, "{}", text.len());
    assert!(matches!(chat.announce("a b", "x"), Err(OpenError::Name(_))));
    assert_eq!(chat.stats().n_announced, 2);
    let refused = chat.join(LOBBY, "notice", ChatVia::Line, History::Newest(0)).err().unwrap();
    assert_eq!(refused.to_string(), "the name \"notice\" is in use by the relay itself");
    assert_eq!(refused.suggestion(), Some("notice2"));
}

#[tokio::test]
async fn a_restart_goes_on_with_the_same_ids_and_knows_what_was_said() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits::default();
    let first = Chat::open(&limits, folder.path()).unwrap();
    let busy = Chat::open(&limits, folder.path()).err().unwrap();
    assert!(busy.to_string().ends_with("is in use by another relay"), "{busy}");
    let mut killed = join(&first, "ops", "ada");
    let said = killed.member.say("before", Some("k1")).unwrap();
    // As after kill -9: nobody has left, nothing was closed.
    let copy = tempfile::tempdir().unwrap();
    for item in fs::read_dir(folder.path()).unwrap() {
        let path = item.unwrap().path();
        fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
    }
    let second = Chat::open(&limits, copy.path()).unwrap();
    let mut ada = second.join("ops", "ada", ChatVia::Browser, History::Since(said)).unwrap();
    assert_eq!((ada.snapshot.lines.len(), ada.snapshot.gap), (0, None));
    assert_eq!(ada.member.say("before", Some("k1")), Ok(said), "a line is said once, also over a restart");
    let next = ada.member.say("after", None).unwrap();
    assert_eq!((next.epoch, next.seq), (said.epoch, said.seq + 2));
    let seen = "ada connected!\nada: before\nada connected!\nada: after\n";
    assert_eq!(plain(&second.look("ops", 9).unwrap().lines), seen);
    assert_eq!(second.rooms(), [(LOBBY.to_owned(), 0), ("ops".to_owned(), 1)]);
    drop(killed);
}

#[tokio::test]
async fn a_forgotten_room_is_gone_from_the_disk_and_a_lasting_one_stays() {
    let folder = tempfile::tempdir().unwrap();
    let mut limits = Limits::default();
    (limits.chat_rooms, limits.chat_history_secs) = (2, 0);
    let chat = Chat::open(&limits, folder.path()).unwrap();
    let n_files = || fs::read_dir(folder.path()).unwrap().count();
    let ada = join(&chat, "one", "ada");
    assert_eq!(n_files(), 3);
    chat.forget_expired();
    assert_eq!(chat.rooms().len(), 2, "somebody is there");
    drop(ada);
    // Entries of this very millisecond are not too old yet.
    while clock_moves().await {
        chat.forget_expired();
        if chat.rooms().len() == 1 {
            break;
        }
    }
    assert_eq!((chat.rooms(), n_files()), (vec![(LOBBY.to_owned(), 0)], 2));
}

async fn clock_moves() -> bool {
    let start = crate::clock::now_ms();
    while crate::clock::now_ms() == start {
        tokio::task::yield_now().await;
    }
    true
}

/// Reads what a connection was sent up to `end`.
async fn read_to(peer: &mut TcpStream, end: &str) -> String {
    let mut text = Vec::new();
    while !text.ends_with(end.as_bytes()) {
        assert_ne!(peer.read_buf(&mut text).await.unwrap(), 0, "it ended before {end:?}");
    }
    String::from_utf8(text).unwrap()
}

#[tokio::test]
async fn lines_go_out_without_their_reader_unless_it_has_something_on_its_way() {
    let chat = chat(|_| {});
    let mut bob = join(&chat, LOBBY, "bob");
    let mut ada = chat.join(LOBBY, "ada", ChatVia::Line, History::Newest(0)).unwrap();
    let (stream, outlet, mut peer) = connected().await;
    ada.reader.send_by(outlet.clone(), Encoding::Lines);
    assert_eq!(read(&mut ada.reader).await, "ada connected!\n");
    bob.member.say("one", None).unwrap();
    assert_eq!(read(&mut ada.reader).await, "bob: one\n", "what was given is not written yet");
    assert!(outlet.release());
    bob.member.say("two", None).unwrap();
    assert_eq!(read_to(&mut peer, "\n").await, "bob: two\n");
    assert!(ada.reader.next().now_or_never().is_none(), "nothing is given that went out");
    outlet.hold();
    bob.member.say("three", None).unwrap();
    assert_eq!(read(&mut ada.reader).await, "bob: three\n");
    assert!(outlet.release());
    drop(bob);
    assert_eq!(read_to(&mut peer, "\n").await, "bob has left the chat\n");
    drop((ada, stream, outlet));
    assert_eq!(peer.read(&mut [0]).await.unwrap(), 0, "nobody else holds the connection");
}

#[tokio::test]
async fn a_page_gets_lines_as_frames_and_arrivals_by_its_reader() {
    let chat = chat(|_| {});
    let mut ada = join(&chat, LOBBY, "ada");
    let (_stream, outlet, mut peer) = connected().await;
    read(&mut ada.reader).await;
    ada.reader.send_by(outlet.clone(), Encoding::Frames);
    ada.member.say("hi", None).unwrap();
    let json = read_text_frame(&mut peer).await;
    let message: ServerMessage = serde_json::from_str(&json).unwrap();
    let ServerMessage::ChatLine { line, .. } = message else { panic!("{json}") };
    assert_eq!((line.kind, line.id.seq), (ChatLineKind::Said { text: "hi".to_owned() }, 2));
    let bob = join(&chat, LOBBY, "bob");
    assert_eq!(read(&mut ada.reader).await, "bob connected!\n");
    drop(bob);
    assert_eq!(read(&mut ada.reader).await, "bob has left the chat\n");
}

/// However reader and room take turns, everybody is sent every line once and in order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_is_sent_the_same_by_readers_and_room_together() {
    const N_LINES: usize = 200;
    let chat = chat(|limits| limits.chat_lines_per_sec = 100_000);
    let mut speaker = join(&chat, LOBBY, "speaker");
    let mut peers = Vec::new();
    for n in 0..40_u64 {
        let name = format!("user {n}");
        let Joined { member, mut reader, .. } =
            chat.join(LOBBY, &name, ChatVia::Line, History::Newest(0)).unwrap();
        let (mut stream, outlet, peer) = connected().await;
        reader.send_by(outlet.clone(), Encoding::Lines);
        tokio::spawn(async move {
            let _member = member;
            loop {
                tokio::select! {
                    lines = reader.next() => {
                        stream.write_all(plain(&lines.unwrap()).as_bytes()).await.unwrap();
                        stream.flush().await.unwrap();
                    }
                    () = outlet.unsent() => stream.flush().await.unwrap(),
                }
                // Some are busy with something else now and then.
                if n % 3 == 0 {
                    outlet.hold();
                    tokio::task::yield_now().await;
                    if !outlet.release() {
                        stream.flush().await.unwrap();
                    }
                }
            }
        });
        peers.push(peer);
    }
    for n in 0..N_LINES {
        speaker.member.say(&format!("line {n} {}", "x".repeat(n)), None).unwrap();
        if n % 10 == 0 {
            tokio::task::yield_now().await;
        }
    }
    speaker.member.say("end", None).unwrap();
    let expected: String = (0..N_LINES).map(|n| format!("speaker: line {n} {}\n", "x".repeat(n))).collect();
    for peer in &mut peers {
        let text = read_to(peer, "speaker: end\n").await;
        let said: String =
            text.split_inclusive('\n').filter(|line| line.starts_with("speaker: line")).collect();
        assert_eq!(said, expected);
    }
}
