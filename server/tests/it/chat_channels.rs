//! Rooms on the engine: a program reads and posts through the broker's channels (docs/protocol.md §4).

use std::sync::Arc;

use serde_json::{Value, json};
use signalbox::broker::Router;
use signalbox::chat::{Chat, bridge};
use signalbox::engine::{Engine, Mode, Subscription};
use signalbox::limits::Limits;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::chat::ChatHouse;
use crate::support::{DEADLINE, eventually};

struct House {
    chat: ChatHouse,
    rooms: Arc<Chat>,
    engine: Engine,
    _shutdown: DropGuard,
}

impl House {
    async fn start(change: impl FnOnce(&mut Limits)) -> Self {
        let mut limits = Limits::default();
        change(&mut limits);
        let engine = Engine::embedded(Router::new(&limits));
        let (rooms, shutdown) = (Chat::new(&limits), CancellationToken::new());
        let chat = ChatHouse::serve(Arc::clone(&rooms), limits.clone()).await;
        tokio::spawn(bridge::serve(Arc::clone(&rooms), engine.clone(), Arc::new(limits), shutdown.clone()));
        let house = Self { chat, rooms, engine, _shutdown: shutdown.drop_guard() };
        house.open("lobby").await;
        house
    }

    /// Waits until the room's channel is followed.
    async fn open(&self, room: &str) {
        let name = format!("/topic/chat/{room}");
        eventually("a followed channel", async || {
            self.engine
                .channels()
                .iter()
                .any(|row| row.name.as_str() == name && row.subscribers.is_some_and(|n| 0 < n))
                .then_some(())
        })
        .await;
    }

    async fn post(&self, room: &str, payload: &str) {
        let channel = format!("/topic/chat/{room}").parse().unwrap();
        self.engine.publish(&channel, payload.as_bytes()).await.unwrap();
    }

    fn listen(&self, room: &str) -> Subscription {
        self.engine.subscribe(&format!("/topic/chat/{room}").parse().unwrap(), Mode::Consume).unwrap()
    }

    async fn refused(&self, reason: &str, count: u64) {
        eventually(reason, async || {
            let refused = self.rooms.stats().posts_refused;
            refused.contains(&(reason, count)).then_some(())
        })
        .await;
    }
}

async fn next(subscription: &mut Subscription) -> Value {
    let batch = timeout(DEADLINE, subscription.next_at_most(1, 1)).await.expect("a message in time");
    serde_json::from_slice(batch.payloads().next().unwrap()).unwrap()
}

#[tokio::test]
async fn a_program_reads_what_is_said_and_says_something_itself() {
    let house = House::start(|_| {}).await;
    let mut program = house.listen("lobby");
    let mut ada = house.chat.join("ada").await;
    let joined = next(&mut program).await;
    assert_eq!(
        (&joined["kind"], &joined["name"], &joined["room"]),
        (&json!("joined"), &json!("ada"), &json!("lobby"))
    );
    ada.send("hello\n").await;
    assert_eq!(ada.line().await, "ada: hello");
    let said = next(&mut program).await;
    assert_eq!((&said["kind"], &said["text"]), (&json!("said"), &json!("hello")));
    assert!(said["id"].as_str().unwrap().ends_with("-2") && said["at_ms"].is_i64());

    house.post("lobby", r#"{"name":"ci","text":"build 42 is out\u001b[2J","key":"b42"}"#).await;
    assert_eq!(ada.line().await, "ci: build 42 is out␛[2J");
    house.post("lobby", r#"{"name":"ci","text":"build 42 is out","key":"b42"}"#).await;
    house.post("lobby", r#"{"name":"ci","text":"next"}"#).await;
    assert_eq!(ada.line().await, "ci: next", "a known key is not said again");
    let stats = house.rooms.stats();
    assert_eq!((stats.n_posted, stats.n_repeated, stats.n_said), (2, 1, 1));
    assert!(stats.posts_refused.iter().all(|(_, n)| *n == 0), "own lines are no posts: {stats:?}");
}

#[tokio::test]
async fn nobody_is_imitated_and_nonsense_is_counted() {
    let house = House::start(|limits| limits.chat_posts_per_sec = 1).await;
    let mut ada = house.chat.join("ada").await;
    let id = house.rooms.look("lobby", 1).unwrap().lines[0].line.id;
    for (payload, reason) in [
        (r#"{"name":"ada","text":"I owe bob 100"}"#.to_owned(), "name_in_use"),
        (r#"{"name":"Notice","text":"the relay shuts down"}"#.to_owned(), "bad_name"),
        (r#"{"name":"a\u001b","text":"x"}"#.to_owned(), "bad_name"),
        (r#"{"id":"1-1","name":"eve","kind":"said","text":"x"}"#.to_owned(), "foreign_line"),
        (format!(r#"{{"id":"{id}","name":"eve","text":"seen before"}}"#), "foreign_line"),
        (r#"{"name":"eve","text":"a\nb"}"#.to_owned(), "bad_line"),
        (json!({"name": "eve", "text": "x".repeat(4097)}).to_string(), "bad_line"),
        (json!({"name": "eve", "text": "x", "key": "k".repeat(81)}).to_string(), "bad_line"),
        (r#"{"name":"eve"}"#.to_owned(), "not_a_post"),
        ("hello".to_owned(), "not_a_post"),
        ("\u{1b}".to_owned(), "not_a_post"),
    ] {
        let before = house.rooms.stats().posts_refused.iter().find(|(r, _)| *r == reason).unwrap().1;
        house.post("lobby", &payload).await;
        house.refused(reason, before + 1).await;
    }
    // One of the five of the burst went to the name that is in use; however slow this machine, 60 are too many.
    for n in 0..60 {
        house.post("lobby", &format!(r#"{{"name":"bot","text":"{n}"}}"#)).await;
    }
    for n in 0..4 {
        assert_eq!(ada.line().await, format!("bot: {n}"));
    }
    eventually("a post that was too fast", async || {
        house
            .rooms
            .stats()
            .posts_refused
            .iter()
            .any(|(reason, n)| *reason == "too_fast" && 0 < *n)
            .then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_room_that_is_opened_gets_its_channel() {
    let house = House::start(|_| {}).await;
    house.rooms.announce("ops", "open").unwrap();
    house.open("ops").await;
    house.post("ops", r#"{"name":"ci","text":"hi"}"#).await;
    eventually("the line", async || {
        let lines = house.rooms.look("ops", 9)?.lines;
        (lines.last()?.line.kind.text() == Some("hi")).then_some(())
    })
    .await;
}
