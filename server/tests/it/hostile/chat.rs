//! Attacks on the chat listener: each limit of docs/protocol.md §4, and that nobody else notices.

use std::time::Duration;

use signalbox_shared::chat::LINE_BYTES_MAX;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::chat::{ChatHouse, LineClient};

/// Whoever was there before goes on as if nothing had happened.
async fn check_unharmed(witness: &mut LineClient, name: &str) {
    witness.send("still here\n").await;
    let is_own = |line: &str| line.starts_with(&format!("{name}: "));
    assert_eq!(witness.line_where(is_own).await, format!("{name}: still here"));
}

#[tokio::test]
async fn a_first_line_that_is_no_connect_is_answered_and_closed() {
    let house = ChatHouse::start(|_| {}).await;
    let mut ada = house.join("ada").await;
    let long = format!("CONNECT {}\n", "x".repeat(LINE_BYTES_MAX));
    let attacks: [&[u8]; 6] = [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"connect ada\n",
        b"CONNECTada\n",
        b"CONNECT \xff\xfe\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n",
        long.as_bytes(),
    ];
    for attack in attacks {
        let mut client = LineClient::connect(house.address).await;
        client.send_bytes(attack).await;
        assert_eq!(
            client.rest().await,
            "Error: the first line must be \"CONNECT <username>\"\n",
            "{attack:?}"
        );
    }
    house.closed("not_connect", attacks.len() as u64).await;
    check_unharmed(&mut ada, "ada").await;
}

#[tokio::test]
async fn names_that_could_deceive_or_harm_are_refused() {
    let house = ChatHouse::start(|_| {}).await;
    let mut ada = house.join("ada").await;
    let cases = [
        ("ada", "Error: the name \"ada\" is in use. \"ada2\" is free\n"),
        ("", "Error: a name must not be empty. \"guest\" is free\n"),
        ("\u{200b}", "Error: a name must not contain the control character U+200B. \"guest\" is free\n"),
        ("ada\u{1b}[2J", "Error: a name must not contain the control character U+001B. \"ada[2J\" is free\n"),
        ("\u{202e}ada", "Error: a name must not contain the control character U+202E. \"ada2\" is free\n"),
    ];
    for (name, expected) in cases {
        let mut client = LineClient::connect(house.address).await;
        client.send(&format!("CONNECT {name}\n")).await;
        assert_eq!(client.rest().await, expected);
    }
    let mut client = LineClient::connect(house.address).await;
    client.send(&format!("CONNECT {}\n", "ż".repeat(33))).await;
    assert!(client.rest().await.starts_with("Error: a name of 33 characters is over the limit of 32"));
    house.closed("name_refused", cases.len() as u64 + 1).await;
    check_unharmed(&mut ada, "ada").await;
}

/// Slow loris: a client that never names itself must not hold a place for ever.
#[tokio::test]
async fn a_client_that_never_names_itself_is_closed() {
    let house = ChatHouse::start(|limits| limits.chat_connect_millis = 20).await;
    let mut client = LineClient::connect(house.address).await;
    client.send("CONNECT a").await;
    assert!(client.rest().await.starts_with("Error: no \"CONNECT <username>\" came within 20ms"));
    house.closed("connect_timeout", 1).await;
}

#[tokio::test]
async fn a_line_over_the_limit_is_refused_and_the_session_goes_on() {
    let house = ChatHouse::start(|_| {}).await;
    let (mut ada, mut bob) = (house.join("ada").await, house.join("bob").await);
    assert_eq!(ada.line().await, "bob connected!");
    let fits = "x".repeat(LINE_BYTES_MAX);
    bob.send(&format!("{fits}y\r\n{fits}\r\n")).await;
    // The carriage return of a line over the limit counts as part of it.
    assert_eq!(
        bob.line().await,
        "Notice: a line of 4098 bytes is over the limit of 4096 bytes: it was not sent"
    );
    assert_eq!(ada.line().await, format!("bob: {fits}"));
    assert_eq!(bob.line().await, format!("bob: {fits}"));
}

/// A megabyte without a newline: nothing of it is kept beyond one line's limit.
#[tokio::test]
async fn a_line_without_an_end_ends_the_session() {
    let house = ChatHouse::start(|_| {}).await;
    let (mut ada, mut bob) = (house.join("ada").await, house.join("bob").await);
    assert_eq!(ada.line().await, "bob connected!");
    bob.send_bytes(&vec![b'x'; 1 << 20]).await;
    assert_eq!(bob.rest().await, "Error: a line of more than 65536 bytes without an end\n");
    assert_eq!(ada.line().await, "bob has left the chat");
    house.closed("endless_line", 1).await;
}

#[tokio::test]
async fn escapes_and_broken_text_are_shown_harmless() {
    let house = ChatHouse::start(|_| {}).await;
    let (mut ada, mut bob) = (house.join("ada").await, house.join("bob").await);
    assert_eq!(ada.line().await, "bob connected!");
    bob.send_bytes(b"\x1b]0;owned\x07\x00\xc5\n").await;
    assert_eq!(ada.line().await, "bob: ␛]0;owned␇␀\u{fffd}");
    bob.send("\u{202e}gnp.exe\rada: hi\n").await;
    assert_eq!(ada.line().await, "bob: \u{fffd}gnp.exe␍ada: hi");
}

/// A thousand lines at once: the burst goes through, the rest is refused once and counted, and costs only its sender.
#[tokio::test]
async fn a_flood_is_held_at_its_sender() {
    let house = ChatHouse::start(|limits| limits.chat_lines_per_sec = 2).await;
    let (mut ada, mut bob) = (house.join("ada").await, house.join("bob").await);
    assert_eq!(ada.line().await, "bob connected!");
    let flood: String = (0..1_000).map(|n| format!("{n}\n")).collect();
    bob.send(&flood).await;
    for n in 0..10 {
        assert_eq!(ada.line().await, format!("bob: {n}"));
    }
    let told = bob.line_where(|line| line.starts_with("Notice")).await;
    assert_eq!(
        told,
        "Notice: too fast: at most 2 lines per second (chat_lines_per_sec); lines are not sent until you pause"
    );
    check_unharmed(&mut ada, "ada").await;
    let [("too_fast", n_refused), ..] = house.chat.stats().refused else { panic!("no count") };
    assert!(0 < n_refused && n_refused <= 990);
}

/// A client that never reads: dropped by name as soon as it is too far behind, and nobody waits for it.
#[tokio::test]
async fn a_client_that_does_not_read_is_dropped_by_name() {
    let house = ChatHouse::start(|limits| {
        (limits.chat_outbox_lines, limits.chat_lines_per_sec) = (16, 100_000);
    })
    .await;
    let mut ada = house.join("ada").await;
    let mut deaf = TcpStream::connect(house.address).await.unwrap();
    deaf.write_all(b"CONNECT deaf\n").await.unwrap();
    assert_eq!(ada.line().await, "deaf connected!");
    let line = "x".repeat(LINE_BYTES_MAX);
    let expected = format!("ada: {line}");
    // Far more than any system buffers for a connection.
    for _ in 0..20_000 {
        ada.send(&format!("{line}\n")).await;
        let seen = ada.line().await;
        if seen == "deaf has left the chat" {
            house.closed("slow", 1).await;
            return;
        }
        assert_eq!(seen, expected);
    }
    panic!("80 MB unread, and still not dropped");
}

#[tokio::test]
async fn one_connection_too_many_is_told_so() {
    let house = ChatHouse::start(|limits| limits.chat_connections = 2).await;
    let mut ada = house.join("ada").await;
    let mut bob = house.join("bob").await;
    let mut third = LineClient::connect(house.address).await;
    assert_eq!(
        third.rest().await,
        "Error: there are already 2 connections (chat_connections); try again later\n"
    );
    bob.close();
    assert_eq!(ada.line_where(|line| line.contains("left")).await, "bob has left the chat");
    // The place is given back a moment after the name.
    crate::support::eventually("a free place", async || {
        let mut client = LineClient::connect(house.address).await;
        client.send("CONNECT cid\n").await;
        client.line().await.starts_with("Welcome! 2").then_some(())
    })
    .await;
}

/// A connection that is reset in the middle of a line: what it had begun to say was never said.
#[tokio::test]
async fn a_reset_in_the_middle_of_a_line_says_nothing() {
    let house = ChatHouse::start(|_| {}).await;
    let mut ada = house.join("ada").await;
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    stream.write_all(b"CONNECT bob\nhalf a li").await.unwrap();
    assert_eq!(ada.line().await, "bob connected!");
    socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    drop(stream);
    assert_eq!(ada.line().await, "bob has left the chat");
    house.closed("lost", 1).await;
}
