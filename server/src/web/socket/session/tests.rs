//! The loop over in-memory halves of a socket, on a clock that is turned by hand.

use std::task::{Context, Poll};

use futures_util::stream;
use serde_json::{Value, json};
use signalbox_shared::socket::close;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::broker::Router;
use crate::changes::Changes;
use crate::chat::Chat;
use crate::engine::Engine;
use crate::limits::Limits;

struct Client {
    to_page: mpsc::Sender<Result<Message, axum::Error>>,
    from_page: mpsc::Receiver<Message>,
    task: JoinHandle<Closing>,
}

/// A socket of two halves.
struct Halves<W, R> {
    write: Pin<Box<W>>,
    read: Pin<Box<R>>,
}

impl<W, R: Stream> Stream for Halves<W, R> {
    type Item = R::Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<R::Item>> {
        self.read.as_mut().poll_next(cx)
    }
}

impl<W: Sink<Message>, R> Sink<Message> for Halves<W, R> {
    type Error = W::Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), W::Error>> {
        self.write.as_mut().poll_ready(cx)
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), W::Error> {
        self.write.as_mut().start_send(message)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), W::Error>> {
        self.write.as_mut().poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), W::Error>> {
        self.write.as_mut().poll_close(cx)
    }
}

struct House {
    sockets: Arc<Sockets>,
    shutdown: CancellationToken,
}

impl House {
    fn new(change: impl FnOnce(&mut Limits)) -> Self {
        let mut limits = Limits::default();
        change(&mut limits);
        let (shutdown, limits) = (CancellationToken::new(), Arc::new(limits));
        let engine = Engine::embedded(Router::new(&limits));
        let tails = crate::tail::Tails::new(engine.clone(), Arc::clone(&limits));
        let sockets =
            Sockets::start(engine, tails, Chat::new(&limits), Changes::default(), limits, shutdown.clone());
        Self { sockets, shutdown }
    }

    /// A page that takes `n_messages` without reading.
    fn page(&self, n_messages: usize) -> Client {
        let (to_page, inbound) = mpsc::channel(64);
        let (outbound, from_page) = mpsc::channel(n_messages);
        let read =
            stream::unfold(inbound, |mut inbound| async move { Some((inbound.recv().await?, inbound)) });
        let write =
            futures_util::sink::unfold(outbound, |outbound: mpsc::Sender<Message>, message| async move {
                outbound.send(message).await.map_err(axum::Error::new)?;
                Ok(outbound)
            });
        let sockets = Arc::clone(&self.sockets);
        let socket = Halves { write: Box::pin(write), read: Box::pin(read) };
        let task = tokio::spawn(async move { serve_page(&sockets, socket, None).await });
        Client { to_page, from_page, task }
    }

    async fn publish(&self, channel: &str, payload: &str) {
        self.sockets.engine.publish(&channel.parse().unwrap(), payload.as_bytes()).await.unwrap();
    }
}

impl Client {
    async fn send(&self, message: Value) {
        self.to_page.send(Ok(Message::text(message.to_string()))).await.unwrap();
    }

    async fn next(&mut self) -> Message {
        self.from_page.recv().await.expect("the page is still served")
    }

    /// The next message of one of these types.
    async fn next_of(&mut self, kinds: &[&str]) -> Value {
        loop {
            if let Message::Text(text) = self.next().await {
                let message: Value = serde_json::from_str(&text).unwrap();
                if kinds.contains(&message["type"].as_str().unwrap()) {
                    return message;
                }
            }
        }
    }

    async fn close_code(&mut self) -> u16 {
        loop {
            if let Message::Close(Some(frame)) = self.next().await {
                return frame.code;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn hello_comes_first_and_a_heartbeat_with_a_ping_every_15_seconds() {
    let house = House::new(|_| {});
    let mut page = house.page(64);
    let hello = page.next_of(&["hello", "heartbeat"]).await;
    assert_eq!((&hello["type"], &hello["protocol"]), (&json!("hello"), &json!(1)));
    assert_eq!(hello["limits"]["client_message_bytes"], 65_536);
    let started = Instant::now();
    for n in 1..=10 {
        page.next_of(&["heartbeat"]).await;
        assert_eq!(started.elapsed().as_secs(), 15 * n);
        assert!(matches!(page.next().await, Message::Ping(_)));
        page.to_page.send(Ok(Message::Pong(Bytes::new()))).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_without_a_sign_of_life_is_dropped() {
    let house = House::new(|_| {});
    let mut page = house.page(64);
    let started = Instant::now();
    assert_eq!(page.close_code().await, close::TOO_SLOW);
    assert_eq!(started.elapsed().as_secs(), 45);
    assert_eq!(page.task.await.unwrap(), Closing::TooSlow);
}

#[tokio::test(start_paused = true)]
async fn a_page_that_does_not_read_is_dropped_and_its_name_is_free_again() {
    let house = House::new(|limits| limits.socket_stall_secs = 5);
    let page = house.page(3);
    page.send(json!({"type": "chat_join", "id": 1, "room": "lobby", "name": "ada"})).await;
    page.send(json!({"type": "subscribe", "id": 2, "channel": "/topic/a", "mode": "tap"})).await;
    page.send(json!({"type": "nonsense"})).await;
    let started = Instant::now();
    assert_eq!(page.task.await.unwrap(), Closing::TooSlow);
    assert_eq!(started.elapsed(), Duration::from_secs(5) + LINGER);
    assert_eq!(house.sockets.chat.stats().n_users_browser, 0);
}

#[tokio::test(start_paused = true)]
async fn messages_of_16_ms_come_together() {
    let house = House::new(|_| {});
    let mut page = house.page(64);
    page.send(json!({"type": "subscribe", "id": 1, "channel": "/topic/a", "mode": "tap"})).await;
    page.next_of(&["subscribed"]).await;
    house.publish("/topic/a", "first").await;
    let first = page.next_of(&["tail"]).await;
    assert_eq!(first["messages"].as_array().unwrap().len(), 1);
    let shown_at = Instant::now();
    for n in 0..10 {
        house.publish("/topic/a", &n.to_string()).await;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let second = page.next_of(&["tail"]).await;
    assert_eq!(shown_at.elapsed(), Duration::from_millis(16));
    let seqs: Vec<u64> =
        second["messages"].as_array().unwrap().iter().map(|m| m["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (2..=11).collect::<Vec<_>>());
    assert_eq!(
        second["accounts"],
        json!({"received": 11, "shown": 11, "filtered": 0, "skipped": 0, "unjudged": 0})
    );
}

#[tokio::test(start_paused = true)]
async fn a_tap_shows_the_newest_and_accounts_for_the_rest() {
    let house = House::new(|limits| {
        (limits.socket_batch_messages, limits.broker_outbox_messages) = (10, 50);
    });
    let mut page = house.page(64);
    page.send(json!({"type": "subscribe", "id": 1, "channel": "/topic/a", "mode": "tap"})).await;
    page.next_of(&["subscribed"]).await;
    // More than the engine keeps for a tap: it loses the newest, and the batch shows the newest of what it kept.
    for n in 1..=120 {
        house.publish("/topic/a", &n.to_string()).await;
    }
    let mut accounts = Value::Null;
    let mut shown = Vec::new();
    while accounts["received"] != 120 {
        let tail = page.next_of(&["tail"]).await;
        shown.extend(tail["messages"].as_array().unwrap().iter().map(|m| {
            assert_eq!(m["seq"].to_string(), m["payload"]["text"].as_str().unwrap());
            m["seq"].as_u64().unwrap()
        }));
        accounts = tail["accounts"].clone();
    }
    let number = |field: &str| accounts[field].as_u64().unwrap();
    assert_eq!(number("shown"), shown.len() as u64);
    assert_eq!(number("shown") + number("skipped"), 120);
    assert!(shown.is_sorted());
    assert!(0 < number("skipped"));
}

#[tokio::test(start_paused = true)]
async fn consuming_skips_nothing_and_leaves_the_rest_to_others() {
    let house = House::new(|limits| limits.socket_batch_messages = 10);
    for n in 1..=100 {
        house.publish("/queue/a", &n.to_string()).await;
    }
    // A page that takes hello, subscribed and two batches, and then does not read.
    let mut page = house.page(4);
    page.send(json!({"type": "subscribe", "id": 1, "channel": "/queue/a", "mode": "consume"})).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    page.task.abort();
    let mut seen = Vec::new();
    while let Some(message) = page.from_page.recv().await {
        let message: Value = serde_json::from_str(message.to_text().unwrap()).unwrap();
        seen.extend(
            message["messages"].as_array().into_iter().flatten().map(|m| m["payload"]["text"].clone()),
        );
    }
    assert_eq!(seen.len(), 20);

    let mut page = house.page(64);
    page.send(json!({"type": "subscribe", "id": 1, "channel": "/queue/a", "mode": "consume"})).await;
    // The batch that was on its way when the first page went counts as delivered, as for any consumer.
    let expected = 100 - seen.len() - 10;
    let mut rest = Vec::new();
    while rest.len() < expected {
        let tail = page.next_of(&["tail"]).await;
        assert_eq!(tail["accounts"]["skipped"], 0);
        rest.extend(tail["messages"].as_array().unwrap().iter().map(|m| m["payload"]["text"].clone()));
    }
    let numbers =
        |range: std::ops::RangeInclusive<u64>| range.map(|n| json!(n.to_string())).collect::<Vec<_>>();
    assert_eq!(seen, numbers(1..=20));
    assert_eq!(rest, numbers(31..=100));
}

#[tokio::test(start_paused = true)]
async fn unanswered_channels_come_whole_and_then_only_what_changed() {
    let house = House::new(|_| {});
    house.publish("/topic/a", "1").await;
    let mut page = house.page(64);
    page.send(json!({"type": "watch_channels"})).await;
    let full = page.next_of(&["channels"]).await;
    assert_eq!((&full["full"], &full["rows"][0]["name"]), (&json!(true), &json!("/topic/a")));
    tokio::time::sleep(Duration::from_secs(3)).await;
    house.publish("/topic/b", "1").await;
    loop {
        let delta = page.next_of(&["channels"]).await;
        assert_eq!(delta["full"], false);
        if delta["rows"].as_array().unwrap().iter().any(|row| row["name"] == "/topic/b") {
            break;
        }
    }
    // Whoever comes later gets everything too.
    let mut late = house.page(64);
    late.send(json!({"type": "watch_channels"})).await;
    let full = late.next_of(&["channels"]).await;
    assert_eq!((&full["full"], full["rows"].as_array().unwrap().len()), (&json!(true), 2));
}

#[tokio::test(start_paused = true)]
async fn a_page_that_goes_on_far_over_its_rate_is_closed() {
    let house = House::new(|limits| limits.socket_requests_per_sec = 5);
    let mut page = house.page(64);
    for id in 0..21 {
        page.send(json!({"type": "purge", "id": id, "channel": "/queue/none"})).await;
    }
    for id in 0..10 {
        assert_eq!(page.next_of(&["refused"]).await["reason"], "there is no channel /queue/none", "{id}");
    }
    for id in 10..20 {
        let refused = page.next_of(&["refused"]).await;
        assert_eq!((&refused["id"], &refused["retry_after_ms"]), (&json!(id), &json!(200)));
    }
    assert_eq!(page.close_code().await, close::RATE_LIMIT);
}

#[tokio::test(start_paused = true)]
async fn presence_is_told_at_most_twice_a_second() {
    let house = House::new(|_| {});
    let mut page = house.page(4_096);
    page.send(json!({"type": "chat_join", "id": 1, "room": "lobby", "name": "ada"})).await;
    page.next_of(&["chat_joined"]).await;
    let started = Instant::now();
    let join = |n: usize| {
        house.sockets.chat.join(
            "lobby",
            &n.to_string(),
            signalbox_shared::chat::ChatVia::Line,
            crate::chat::History::Newest(0),
        )
    };
    let mut members = Vec::new();
    for n in 0..100 {
        members.push(join(n).unwrap());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut n_told = 0;
    loop {
        let presence = page.next_of(&["chat_presence"]).await;
        n_told += 1;
        if presence["n_users"] == 101 {
            break;
        }
    }
    assert!(n_told <= 2 + started.elapsed().as_millis() / 500, "{n_told} in {:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_page_that_lost_lines_is_told_and_can_catch_up() {
    let house = House::new(|limits| {
        (limits.chat_history_lines, limits.chat_outbox_lines, limits.chat_lines_per_sec) = (16, 16, 1_000);
    });
    let mut page = house.page(2);
    page.send(json!({"type": "chat_join", "id": 1, "room": "lobby", "name": "ada"})).await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    let mut bob = house
        .sockets
        .chat
        .join("lobby", "bob", signalbox_shared::chat::ChatVia::Line, crate::chat::History::Newest(0))
        .unwrap();
    tokio::time::sleep(Duration::from_millis(1)).await;
    for n in 0..40 {
        bob.member.say(&n.to_string(), None).unwrap();
    }
    let joined = page.next_of(&["chat_joined"]).await;
    assert_eq!(joined["lines"], json!([]));
    let mut n_lines = 0;
    let lagged = loop {
        let message = page.next_of(&["chat_line", "chat_lagged"]).await;
        if message["type"] == "chat_lagged" {
            break message["n_skipped"].as_u64().unwrap();
        }
        n_lines += 1;
    };
    // ada's and bob's arrival and 40 lines, of which 16 are kept.
    assert_eq!(n_lines + lagged + 16, 42);
    page.send(json!({"type": "chat_join", "id": 2, "room": "lobby", "name": "ada", "since": "1-1"})).await;
    let joined = page.next_of(&["chat_joined"]).await;
    assert_eq!(joined["gap"], json!({"n_lost": null, "reason": "new_epoch"}));
    assert_eq!((joined["lines"].as_array().unwrap().len(), &joined["n_users"]), (16, &json!(2)));
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_closes_with_the_code_that_means_reconnect() {
    let house = House::new(|_| {});
    let mut page = house.page(64);
    page.next_of(&["hello"]).await;
    house.shutdown.cancel();
    assert_eq!(page.close_code().await, close::SHUTDOWN);
    assert_eq!(page.task.await.unwrap(), Closing::Shutdown);
}
