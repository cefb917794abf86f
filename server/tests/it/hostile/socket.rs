//! Attacks on the WebSocket: each limit of docs/protocol.md §5, and that nobody else notices.

use futures_util::SinkExt as _;
use serde_json::json;
use signalbox_shared::socket::CLIENT_MESSAGE_BYTES_MAX;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::socket::SocketHouse;
use crate::support::eventually;

#[tokio::test]
async fn a_message_over_64_kib_closes_with_1009_and_one_of_64_kib_is_read() {
    let house = SocketHouse::start(|_| {}).await;
    let mut page = house.page().await;
    let fits = format!("\"{}\"", "x".repeat(CLIENT_MESSAGE_BYTES_MAX - 2));
    page.socket.send(Message::text(fits)).await.unwrap();
    assert_eq!(page.next_of("error").await["reason"], "a message is a JSON object");
    page.socket.send(Message::text("x".repeat(CLIENT_MESSAGE_BYTES_MAX + 1))).await.unwrap();
    assert_eq!(page.close_code().await, 1009);
    eventually("its end is counted", async || {
        house.sockets.stats().closed.contains(&("too_large", 1)).then_some(())
    })
    .await;
}

/// A message in many fragments must not grow past the limit either.
#[tokio::test]
async fn fragments_are_bounded_together() {
    use tokio_tungstenite::tungstenite::protocol::frame::Frame;
    use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
    let house = SocketHouse::start(|_| {}).await;
    let mut page = house.page().await;
    for n in 0..3 {
        let code = if n == 0 { Data::Text } else { Data::Continue };
        let frame = Frame::message(vec![b'x'; 30_000], OpCode::Data(code), false);
        page.socket.send(Message::Frame(frame)).await.unwrap();
    }
    assert_eq!(page.close_code().await, 1009);
}

#[tokio::test]
async fn nonsense_is_answered_and_the_page_lives_on() {
    let house = SocketHouse::start(|_| {}).await;
    let mut page = house.page().await;
    let vectors: serde_json::Value =
        serde_json::from_str(include_str!("../../../../docs/vectors/socket.json")).unwrap();
    for vector in vectors["client_errors"].as_array().unwrap() {
        page.socket.send(Message::text(vector["text"].as_str().unwrap())).await.unwrap();
        let answer = page.next().await;
        let kind = if vector["id"].is_u64() { "refused" } else { "error" };
        assert_eq!(
            (&answer["type"], &answer["reason"], &answer["id"]),
            (&json!(kind), &vector["error"], &vector["id"])
        );
    }
    page.socket.send(Message::binary(vec![0, 1, 2])).await.unwrap();
    assert_eq!(
        page.next_of("error").await["reason"],
        "binary messages are not understood: send JSON as text"
    );
    let deep = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
    page.socket.send(Message::text(deep)).await.unwrap();
    assert!(page.next_of("error").await["reason"].as_str().unwrap().starts_with("not JSON: recursion limit"));
    let unrouted = page.ask(json!({"type": "publish", "channel": "/topic/a", "payload": {"text": ""}})).await;
    assert_eq!(unrouted["detail"], "unrouted");
}

#[tokio::test]
async fn refusals_say_which_limit_was_met() {
    let house = SocketHouse::start(|limits| {
        (limits.socket_subscriptions, limits.broker_frame_bytes, limits.chat_rooms) = (1, 10, 1);
    })
    .await;
    let mut page = house.page().await;
    let subscribe = |channel: &str| json!({"type": "subscribe", "channel": channel, "mode": "tap"});
    assert_eq!(page.ask(subscribe("/topic/a")).await["type"], "subscribed");
    let cases = [
        (subscribe("/topic/a"), "/topic/a is subscribed to already: unsubscribe first"),
        (subscribe("/topic/b"), "this page already has 1 subscriptions (socket_subscriptions)"),
        (
            json!({"type": "publish", "channel": "/topic/a", "payload": {"text": "12345678901"}}),
            "payload of 11 bytes is over the limit of 10 bytes (broker_frame_bytes)",
        ),
        (
            json!({"type": "publish", "channel": "/topic/a", "payload": {"base64": "*"}}),
            "payload is not standard base64 with padding: Invalid symbol 42, offset 0.",
        ),
        (
            json!({"type": "chat_join", "room": "dev", "name": "ada"}),
            "there are already 1 rooms with somebody in them (chat_rooms)",
        ),
        (
            json!({"type": "chat_join", "room": "a/b", "name": "ada"}),
            "a room name consists of letters, digits, \"-\", \"_\" and \".\", not '/'",
        ),
        (
            json!({"type": "chat_join", "room": "lobby", "name": "a\u{1b}da"}),
            "a name must not contain the control character U+001B",
        ),
    ];
    for (request, expected) in cases {
        let refused = page.ask(request).await;
        assert_eq!((&refused["type"], &refused["reason"]), (&json!("refused"), &json!(expected)));
    }
    page.join("lobby", "ada").await;
    let say =
        |text: String, key: String| json!({"type": "chat_say", "room": "lobby", "text": text, "key": key});
    let cases = [
        (say("x".repeat(4_097), "1".into()), "a line of 4097 bytes is over the limit of 4096 bytes"),
        (say("a\nb".into(), "2".into()), "a line must not contain a line break"),
        (say("a".into(), "k".repeat(81)), "a key of 81 bytes is over the limit of 80 bytes"),
    ];
    for (request, expected) in cases {
        assert_eq!(page.ask(request).await["reason"], expected);
    }
}

#[tokio::test]
async fn one_socket_too_many_is_answered_503() {
    let house = SocketHouse::start(|limits| limits.socket_clients = 1).await;
    let page = house.page().await;
    match connect_async(format!("ws://{}/ws", house.address)).await {
        Err(Error::Http(answer)) => assert_eq!(answer.status(), 503),
        other => panic!("{other:?}"),
    }
    assert_eq!(house.sockets.stats().n_turned_away, 1);
    drop(page);
    eventually("a free place", async || {
        connect_async(format!("ws://{}/ws", house.address)).await.ok().map(drop)
    })
    .await;
}

/// A page that never reads while everything it follows goes on: it costs bounded memory, and the publisher nothing.
#[tokio::test]
async fn a_page_that_does_not_read_holds_nobody() {
    let house = SocketHouse::start(|limits| {
        (limits.broker_outbox_bytes, limits.socket_stall_secs) = (64 * 1024, 1);
    })
    .await;
    let mut deaf = house.page().await;
    deaf.ask(json!({"type": "subscribe", "channel": "/topic/a", "mode": "tap"})).await;
    deaf.join("lobby", "deaf").await;
    let mut reader = house.page().await;
    reader.ask(json!({"type": "subscribe", "channel": "/topic/a", "mode": "tap"})).await;
    let payload = vec![b'x'; 60_000];
    // Publishes until the deaf page is gone; the one that reads sees everything meanwhile.
    let mut n_published = 0_u64;
    let mut n_seen = 0;
    eventually("the deaf page is dropped", async || {
        for _ in 0..20 {
            house.publish("/topic/a", &payload).await;
            n_published += 1;
            while n_seen < n_published {
                n_seen = reader.next_of("tail").await["accounts"]["received"].as_u64().unwrap();
            }
        }
        house.sockets.stats().closed.contains(&("too_slow", 1)).then_some(())
    })
    .await;
    let n_users = house.chat.chat.stats().n_users_browser;
    assert_eq!(n_users, 0, "the name of a page that is gone is free");
}
