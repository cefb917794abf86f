//! A relay over a broker elsewhere: a plain asyncio one in Python, which dies and comes back.

use std::net::SocketAddr;

use serde_json::{Value, json};
use signalbox::config::{EngineAddress, Settings};
use signalbox_shared::api::{Channels, Info};
use signalbox_shared::engine::EngineState;

use crate::peers::Peer;
use crate::socket::Page;
use crate::support::{TestServer, eventually, http, quiet_settings};

struct House {
    server: TestServer,
    address: SocketAddr,
}

impl House {
    /// A relay whose engine is at this address.
    async fn start(address: SocketAddr) -> Self {
        let engine = EngineAddress::Tcp(address.to_string());
        let server = TestServer::start_with(Settings { engine, broker: None, ..quiet_settings() }).await;
        Self { server, address }
    }

    async fn broker(port: u16) -> (Peer, SocketAddr) {
        let mut broker = Peer::start("broker_asyncio.py", &["127.0.0.1", &port.to_string()]);
        let line = broker.line().await;
        let port = line.strip_prefix("ready ").unwrap().parse().unwrap();
        (broker, SocketAddr::from(([127, 0, 0, 1], port)))
    }

    async fn state(&self, expected: EngineState) -> Info {
        eventually("the engine's state", async || {
            let info: Info = http(self.server.http(), "GET", "/api/info", &[], b"").await.json();
            (info.engine.state == expected).then_some(info)
        })
        .await
    }

    async fn publish(&self, channel: &str, payload: &[u8]) -> (u16, Value) {
        let target = format!("/api/channels/{}/messages", channel.replace('/', "%2F"));
        let answer = http(self.server.http(), "POST", &target, &[], payload).await;
        (answer.status, answer.json())
    }

    /// Publishes until the page is shown something, for the broker tells nobody when a subscription stands.
    async fn until_shown(&self, page: &mut Page, channel: &str) -> Value {
        let mut n = 0;
        loop {
            n += 1;
            let (status, answer) = self.publish(channel, format!("probe {n}").as_bytes()).await;
            assert!(status == 200 || status == 503, "{answer}");
            if let Some(tail) = page.try_next_of("tail", std::time::Duration::from_millis(100)).await {
                return tail;
            }
            assert!(n < 300, "nothing is shown");
        }
    }
}

#[tokio::test]
async fn a_relay_bridges_to_a_plain_broker_and_says_what_it_cannot_know() {
    let (broker, address) = House::broker(0).await;
    let house = House::start(address).await;
    let info = house.state(EngineState::Ready).await;
    assert_eq!(
        (info.engine.name.as_str(), info.engine.address.as_deref()),
        ("tcp", Some(&*address.to_string()))
    );
    assert!(!info.features.tap && !info.features.stats && !info.features.purge);
    assert_eq!(http(house.server.http(), "GET", "/readyz", &[], b"").await.status, 200);

    let mut page = Page::connect(house.server.http()).await;
    let subscribe =
        |channel: &str, mode: &str| json!({"type": "subscribe", "channel": channel, "mode": mode});
    assert_eq!(page.ask(subscribe("/topic/a", "tap")).await["type"], "subscribed");
    house.until_shown(&mut page, "/topic/a").await;
    let refused = page.ask(subscribe("/queue/a", "tap")).await;
    assert!(refused["reason"].as_str().unwrap().contains("cannot show copies of the queue"), "{refused}");
    assert_eq!(page.ask(subscribe("/queue/a", "consume")).await["type"], "subscribed");
    house.until_shown(&mut page, "/queue/a").await;
    let ack = page.ask(json!({"type": "publish", "channel": "/topic/b", "payload": {"text": "x"}})).await;
    assert_eq!((&ack["type"], &ack["detail"]), (&json!("ack"), &json!("sent")));
    let refused = page.ask(json!({"type": "purge", "channel": "/queue/a"})).await;
    assert!(refused["reason"].as_str().unwrap().contains("cannot be told to empty"), "{refused}");

    let channels: Channels = http(house.server.http(), "GET", "/api/channels", &[], b"").await.json();
    let row = channels.channels.iter().find(|row| row.name.as_str() == "/topic/a").unwrap();
    let seen = row.seen.unwrap();
    assert!(0 < seen.received && seen.received <= seen.published && seen.watchers == 1, "{seen:?}");
    assert_eq!([row.depth, row.in_total, row.subscribers, row.dropped], [None; 4], "unknown is not zero");
    assert!(channels.channels.iter().all(|row| !row.name.as_str().starts_with("/topic/signalbox/")));
    drop(page);
    house.server.stop().await;
    broker.kill().await;
}

#[tokio::test]
async fn a_broker_that_dies_is_told_of_and_found_again() {
    let (broker, address) = House::broker(0).await;
    let house = House::start(address).await;
    house.state(EngineState::Ready).await;
    let mut page = Page::connect(house.server.http()).await;
    page.ask(json!({"type": "subscribe", "channel": "/topic/a", "mode": "tap"})).await;
    house.until_shown(&mut page, "/topic/a").await;

    broker.kill().await;
    let down = loop {
        let message = page.next_of("engine").await;
        if message["engine"]["state"] == "down" {
            break message;
        }
    };
    assert!(down["engine"]["reason"].is_string() && down["engine"]["retry_at_ms"].is_i64(), "{down}");
    house.state(EngineState::Down).await;
    let (status, refused) = house.publish("/topic/a", b"into the void").await;
    assert_eq!(status, 503);
    let detail = refused["detail"].as_str().unwrap();
    assert!(detail.starts_with(&format!("the broker at {} cannot be reached", house.address)), "{detail}");
    assert_eq!(http(house.server.http(), "GET", "/readyz", &[], b"").await.status, 503);

    let (broker, _) = House::broker(address.port()).await;
    house.state(EngineState::Ready).await;
    let tail = house.until_shown(&mut page, "/topic/a").await;
    assert!(tail["accounts"]["received"].as_u64().unwrap() >= 2, "the same subscription goes on: {tail}");
    drop(page);
    house.server.stop().await;
    broker.kill().await;
}

#[tokio::test]
async fn a_relay_starts_without_its_broker() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let house = House::start(address).await;
    let info = house.state(EngineState::Down).await;
    assert!(info.engine.reason.is_some());
    assert_eq!(house.publish("/topic/a", b"x").await.0, 503);
    house.server.stop().await;
}
