//! The WebSocket over real sockets: channels and chat as a page sees them (docs/protocol.md §5).

use std::net::SocketAddr;
use std::sync::Arc;

use axum::routing::get;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use signalbox::broker::Router;
use signalbox::changes::Changes;
use signalbox::chat::Chat;
use signalbox::engine::Engine;
use signalbox::limits::Limits;
use signalbox::web::socket::{self, Sockets};
use signalbox_shared::ChannelName;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::chat::ChatHouse;
use crate::support::{DEADLINE, eventually};

/// Pages, channels and a chat on ports of their own, which end when dropped.
pub(crate) struct SocketHouse {
    pub(crate) address: SocketAddr,
    pub(crate) engine: Engine,
    pub(crate) sockets: Arc<Sockets>,
    pub(crate) chat: ChatHouse,
    pub(crate) shutdown: DropGuard,
}

impl SocketHouse {
    pub(crate) async fn start(change: impl FnOnce(&mut Limits)) -> Self {
        let mut limits = Limits::default();
        change(&mut limits);
        let engine = Engine::embedded(Router::new(&limits));
        let (rooms, shutdown) = (Chat::new(&limits), CancellationToken::new());
        let chat = ChatHouse::serve(Arc::clone(&rooms), limits.clone()).await;
        let sockets = {
            let limits = Arc::new(limits);
            let tails = signalbox::tail::Tails::new(engine.clone(), Arc::clone(&limits));
            Sockets::start(engine.clone(), tails, rooms, Changes::default(), limits, shutdown.clone())
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = axum::Router::new().route("/ws", get(socket::socket)).with_state(Arc::clone(&sockets));
        let serving = axum::serve(listener, app).with_graceful_shutdown(shutdown.clone().cancelled_owned());
        tokio::spawn(serving.into_future());
        Self { address, engine, sockets, chat, shutdown: shutdown.drop_guard() }
    }

    pub(crate) async fn page(&self) -> Page {
        let (socket, _) = connect_async(format!("ws://{}/ws", self.address)).await.unwrap();
        let mut page = Page { socket, last_id: 0 };
        assert_eq!(page.next().await["type"], "hello");
        page
    }

    pub(crate) async fn publish(&self, channel: &str, payload: &[u8]) {
        let channel: ChannelName = channel.parse().unwrap();
        self.engine.publish(&channel, payload).await.unwrap();
    }
}

/// A page that waits for what it expects, with a deadline.
pub(crate) struct Page {
    pub(crate) socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    last_id: u64,
}

impl Page {
    pub(crate) async fn send(&mut self, message: Value) {
        self.socket.send(Message::text(message.to_string())).await.unwrap();
    }

    pub(crate) async fn next_message(&mut self) -> Message {
        timeout(DEADLINE, self.socket.next()).await.expect("a message in time").expect("a message").unwrap()
    }

    pub(crate) async fn next(&mut self) -> Value {
        loop {
            if let Message::Text(text) = self.next_message().await {
                return serde_json::from_str(&text).unwrap();
            }
        }
    }

    pub(crate) async fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let message = self.next().await;
            if message["type"] == kind {
                return message;
            }
        }
    }

    /// Sends a request under the next id and gives its answer.
    pub(crate) async fn ask(&mut self, mut request: Value) -> Value {
        self.last_id += 1;
        request["id"] = json!(self.last_id);
        self.send(request).await;
        loop {
            let message = self.next().await;
            if message["id"] == json!(self.last_id) {
                return message;
            }
        }
    }

    /// The close code, whatever comes before it.
    pub(crate) async fn close_code(&mut self) -> u16 {
        loop {
            if let Message::Close(frame) = self.next_message().await {
                return frame.expect("a close code").code.into();
            }
        }
    }

    async fn subscribe(&mut self, channel: &str, mode: &str) {
        let answer = self.ask(json!({"type": "subscribe", "channel": channel, "mode": mode})).await;
        assert_eq!(answer["type"], "subscribed", "{answer}");
    }

    async fn publish(&mut self, channel: &str, payload: Value) -> Value {
        self.ask(json!({"type": "publish", "channel": channel, "payload": payload})).await
    }

    pub(crate) async fn join(&mut self, room: &str, name: &str) -> Value {
        self.ask(json!({"type": "chat_join", "room": room, "name": name})).await
    }

    async fn say(&mut self, room: &str, text: &str, key: &str) -> Value {
        self.ask(json!({"type": "chat_say", "room": room, "text": text, "key": key})).await
    }

    /// The next line somebody said, as `name: text`.
    async fn said(&mut self) -> String {
        loop {
            let line = self.next_of("chat_line").await["line"].take();
            if line["kind"] == "said" {
                return format!("{}: {}", line["name"].as_str().unwrap(), line["text"].as_str().unwrap());
            }
        }
    }
}

#[tokio::test]
async fn a_tap_sees_copies_and_a_publish_says_where_it_went() {
    let house = SocketHouse::start(|_| {}).await;
    let (mut watcher, mut consumer, mut publisher) =
        (house.page().await, house.page().await, house.page().await);
    let waiting = publisher.publish("/queue/a", json!({"text": "one"})).await;
    assert_eq!((&waiting["type"], &waiting["detail"]), (&json!("ack"), &json!("waiting")));
    let unrouted = publisher.publish("/topic/a", json!({"text": "one"})).await;
    assert_eq!(unrouted["detail"], "unrouted");

    watcher.subscribe("/queue/a", "tap").await;
    consumer.subscribe("/queue/a", "consume").await;
    let tail = consumer.next_of("tail").await;
    assert_eq!(tail["messages"][0]["payload"], json!({"text": "one"}));
    let queued = publisher.publish("/queue/a", json!({"base64": "/wA="})).await;
    assert_eq!(queued["detail"], json!({"queued": {"n_subscribers": 1}}));
    for page in [&mut watcher, &mut consumer] {
        let tail = page.next_of("tail").await;
        assert_eq!(tail["messages"][0]["payload"], json!({"base64": "/wA="}));
        assert_eq!(tail["messages"][0]["size_bytes"], 2);
    }
    consumer.send(json!({"type": "unsubscribe", "channel": "/queue/a"})).await;
    consumer.next_of("unsubscribed").await;
    publisher.publish("/queue/a", json!({"text": "two"})).await;
    let purged = publisher.ask(json!({"type": "purge", "channel": "/queue/a"})).await;
    assert_eq!(purged["detail"], json!({"purged": {"n_messages": 1}}));
    let refused = publisher.ask(json!({"type": "purge", "channel": "/topic/a"})).await;
    assert_eq!(refused["reason"], "/topic/a is not a queue: it keeps nothing that could be purged");
}

#[tokio::test]
async fn the_accounts_of_a_burst_add_up_exactly() {
    let house = SocketHouse::start(|limits| limits.socket_batch_messages = 16).await;
    let mut page = house.page().await;
    page.subscribe("/topic/burst", "tap").await;
    for n in 0..5_000 {
        house.publish("/topic/burst", n.to_string().as_bytes()).await;
    }
    let mut n_shown = 0;
    let mut last_seq = 0;
    loop {
        let tail = page.next_of("tail").await;
        for message in tail["messages"].as_array().unwrap() {
            let seq = message["seq"].as_u64().unwrap();
            assert!(last_seq < seq);
            assert_eq!(message["payload"]["text"], (seq - 1).to_string());
            (last_seq, n_shown) = (seq, n_shown + 1);
        }
        let number = |field: &str| tail["accounts"][field].as_u64().unwrap();
        assert_eq!(number("shown"), n_shown);
        assert_eq!(number("received"), number("shown") + number("filtered") + number("skipped"));
        if number("received") == 5_000 {
            break;
        }
    }
    assert_eq!(last_seq, 5_000);
}

#[tokio::test]
async fn consuming_shows_every_message_once_and_in_order() {
    let house = SocketHouse::start(|limits| limits.socket_batch_messages = 16).await;
    let mut page = house.page().await;
    for n in 0..1_000 {
        house.publish("/queue/burst", n.to_string().as_bytes()).await;
    }
    page.subscribe("/queue/burst", "consume").await;
    let mut seen = Vec::new();
    while seen.len() < 1_000 {
        let tail = page.next_of("tail").await;
        assert_eq!(tail["accounts"]["skipped"], 0);
        seen.extend(tail["messages"].as_array().unwrap().iter().map(|m| m["payload"]["text"].clone()));
    }
    assert_eq!(seen, (0..1_000).map(|n| json!(n.to_string())).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_cut_payload_is_fetched_whole() {
    let house = SocketHouse::start(|_| {}).await;
    let mut page = house.page().await;
    page.subscribe("/topic/big", "tap").await;
    let text = "żółw ".repeat(100_000);
    house.publish("/topic/big", text.as_bytes()).await;
    let message = page.next_of("tail").await["messages"][0].take();
    assert_eq!((&message["is_cut"], &message["size_bytes"]), (&json!(true), &json!(text.len())));
    let mut whole = message["payload"]["text"].as_str().unwrap().as_bytes().to_vec();
    assert!(text.as_bytes().starts_with(&whole) && whole.len() <= 65_536);
    while whole.len() < text.len() {
        let fetch = json!({"type": "fetch", "channel": "/topic/big", "seq": 1, "offset": whole.len()});
        let piece = page.ask(fetch).await;
        assert_eq!(piece["offset"], whole.len());
        let payload = signalbox_shared::Payload::Base64(piece["base64"].as_str().unwrap().to_owned());
        whole.extend_from_slice(&payload.bytes().unwrap());
    }
    assert_eq!(whole, text.as_bytes());
    let refused = page.ask(json!({"type": "fetch", "channel": "/topic/big", "seq": 2, "offset": 0})).await;
    assert!(refused["reason"].as_str().unwrap().starts_with("message 2 of /topic/big is not kept"));
}

#[tokio::test]
async fn channel_statistics_come_whole_and_then_as_changes() {
    let house = SocketHouse::start(|_| {}).await;
    house.publish("/queue/a", b"1").await;
    let mut page = house.page().await;
    page.send(json!({"type": "watch_channels"})).await;
    let full = page.next_of("channels").await;
    assert_eq!((&full["full"], &full["rows"][0]["name"]), (&json!(true), &json!("/queue/a")));
    assert_eq!(full["rows"][0]["depth"], 1);
    house.publish("/queue/b", b"1").await;
    loop {
        let delta = page.next_of("channels").await;
        assert_eq!(delta["full"], false);
        if delta["rows"].as_array().unwrap().iter().any(|row| row["name"] == "/queue/b") {
            break;
        }
    }
}

#[tokio::test]
async fn line_clients_and_pages_share_a_room_and_see_one_order() {
    let house = SocketHouse::start(|_| {}).await;
    let mut lines = vec![house.chat.join("l0").await, house.chat.join("l1").await];
    let mut pages = Vec::new();
    for n in 0..3 {
        let mut page = house.page().await;
        let joined = page.join("lobby", &format!("p{n}")).await;
        assert_eq!((&joined["type"], &joined["n_users"]), (&json!("chat_joined"), &json!(3 + n)));
        pages.push(page);
    }
    // Everybody is there before the first line is said.
    for line in &mut lines {
        line.line_where(|line| line == "p2 connected!").await;
    }
    for round in 0..20 {
        for line in &mut lines {
            line.send(&format!("{round}\n")).await;
        }
        for page in &mut pages {
            let say = json!({"type": "chat_say", "id": 1_000 + round, "room": "lobby", "text": round.to_string(), "key": round.to_string()});
            page.send(say).await;
        }
    }
    let mut seen = Vec::new();
    for line in &mut lines {
        let mut said = Vec::new();
        while said.len() < 100 {
            said.push(line.line_where(|line| line.contains(": ")).await);
        }
        seen.push(said);
    }
    for page in &mut pages {
        let mut said = Vec::new();
        while said.len() < 100 {
            said.push(page.said().await);
        }
        seen.push(said);
    }
    for said in &seen {
        assert_eq!(said, &seen[0]);
    }
}

#[tokio::test]
async fn presence_follows_and_a_name_is_freed_with_its_socket() {
    let house = SocketHouse::start(|_| {}).await;
    let (mut ada, mut bob) = (house.page().await, house.page().await);
    ada.join("lobby", "ada").await;
    bob.join("lobby", "bob").await;
    let names = |presence: &Value| -> Vec<Value> {
        presence["users"].as_array().unwrap().iter().map(|user| user["name"].clone()).collect()
    };
    while names(&ada.next_of("chat_presence").await) != ["ada", "bob"] {}
    let mut late = house.page().await;
    let refused = late.join("lobby", "ada").await;
    assert_eq!((&refused["type"], &refused["suggestion"]), (&json!("refused"), &json!("ada2")));
    ada.socket.close(None).await.unwrap();
    while names(&bob.next_of("chat_presence").await) != ["bob"] {}
    assert_eq!(late.join("lobby", "ada").await["type"], "chat_joined");
    late.send(json!({"type": "chat_leave", "room": "lobby"})).await;
    while names(&bob.next_of("chat_presence").await) != ["bob"] {}
    assert_eq!(late.say("lobby", "hi", "k").await["reason"], "you are not in the room \"lobby\"");
}

#[tokio::test]
async fn a_page_that_comes_back_gets_what_it_missed_and_says_nothing_twice() {
    let house = SocketHouse::start(|_| {}).await;
    let mut line = house.chat.join("line").await;
    let mut ada = house.page().await;
    ada.join("lobby", "ada").await;
    let said = ada.say("lobby", "before", "k1").await;
    let last = said["detail"]["said"]["line_id"].clone();
    drop(ada);
    line.line_where(|line| line == "ada has left the chat").await;
    for n in 0..30 {
        line.send(&format!("{n}\n")).await;
        assert_eq!(line.line_where(|line| line.contains(": ")).await, format!("line: {n}"));
    }
    let mut ada = house.page().await;
    let joined = ada.ask(json!({"type": "chat_join", "room": "lobby", "name": "ada", "since": last})).await;
    assert_eq!(joined.get("gap"), None);
    let texts: Vec<&str> =
        joined["lines"].as_array().unwrap().iter().filter_map(|line| line["text"].as_str()).collect();
    assert_eq!(texts, (0..30).map(|n| n.to_string()).collect::<Vec<_>>());
    assert_eq!(ada.say("lobby", "before", "k1").await["detail"]["said"]["line_id"], last);
    ada.say("lobby", "after", "k2").await;
    let next_said = line.line_where(|line| line.starts_with("ada: ")).await;
    assert_eq!(next_said, "ada: after");
}

#[tokio::test]
async fn rooms_beside_the_lobby_are_for_pages() {
    let house = SocketHouse::start(|_| {}).await;
    let (mut ada, mut bob) = (house.page().await, house.page().await);
    let mut line = house.chat.join("line").await;
    ada.join("dev", "ada").await;
    let joined = bob.join("dev", "line").await;
    assert_eq!((&joined["type"], &joined["n_users"]), (&json!("chat_joined"), &json!(2)));
    ada.say("dev", "only here", "1").await;
    assert_eq!(bob.said().await, "ada: only here");
    line.send("only there\n").await;
    assert_eq!(line.line().await, "line: only there");
    let rooms = ada.ask(json!({"type": "chat_list"})).await;
    assert_eq!(rooms["rooms"], json!([{"name": "dev", "n_users": 2}, {"name": "lobby", "n_users": 1}]));
}

#[tokio::test]
async fn a_page_changes_its_name_or_keeps_it() {
    let house = SocketHouse::start(|_| {}).await;
    let (mut ada, mut bob) = (house.page().await, house.page().await);
    ada.join("dev", "ada").await;
    bob.join("dev", "bob").await;
    let refused = ada.join("dev", "bob").await;
    assert_eq!((&refused["type"], &refused["suggestion"]), (&json!("refused"), &json!("bob2")));
    ada.say("dev", "still ada", "1").await;
    assert_eq!(bob.said().await, "ada: still ada");
    assert_eq!(ada.join("dev", "ada2").await["type"], "chat_joined");
    ada.say("dev", "renamed", "2").await;
    assert_eq!(bob.said().await, "ada2: renamed");
    assert_eq!(bob.join("dev", "ada").await["type"], "chat_joined", "the old name is free");
}

#[tokio::test]
async fn a_page_reads_the_past_in_pieces_and_sees_who_is_idle() {
    let house = SocketHouse::start(|limits| limits.chat_lines_per_sec = 10_000).await;
    let (mut ada, mut bob) = (house.page().await, house.page().await);
    ada.join("dev", "ada").await;
    for n in 0..450 {
        ada.say("dev", &n.to_string(), &n.to_string()).await;
    }
    let joined = bob.join("dev", "bob").await;
    let mut texts: Vec<Value> = joined["lines"].as_array().unwrap().clone();
    let mut n_asked = 0;
    loop {
        let before = texts[0]["id"].clone();
        let older = bob.ask(json!({"type": "chat_history", "room": "dev", "before": before})).await;
        let mut lines = older["lines"].as_array().unwrap().clone();
        lines.append(&mut texts);
        texts = lines;
        n_asked += 1;
        if older["has_more"] == json!(false) {
            break;
        }
    }
    let said: Vec<&str> = texts.iter().filter_map(|line| line["text"].as_str()).collect();
    assert_eq!(
        (n_asked, said),
        (2, (0..450).map(|n| n.to_string()).collect::<Vec<_>>().iter().map(|s| &**s).collect())
    );
    ada.send(json!({"type": "chat_idle", "is_idle": true})).await;
    loop {
        let presence = bob.next_of("chat_presence").await;
        if presence["users"][0]["is_idle"] == json!(true) {
            assert_eq!(presence["users"][0]["name"], "ada");
            break;
        }
    }
    let elsewhere = bob.ask(json!({"type": "chat_history", "room": "ops", "before": "1-1"})).await;
    assert_eq!(elsewhere["reason"], "you are not in the room \"ops\"");
}

#[tokio::test]
async fn a_shutdown_closes_every_page_with_4000() {
    let house = SocketHouse::start(|_| {}).await;
    let mut pages = vec![house.page().await, house.page().await];
    drop(house.shutdown);
    for page in &mut pages {
        assert_eq!(page.close_code().await, 4000);
    }
    drop(pages);
    timeout(DEADLINE, house.sockets.ended()).await.expect("an end in time");
    eventually("no open socket", async || (house.sockets.stats().n_open == 0).then_some(())).await;
}
