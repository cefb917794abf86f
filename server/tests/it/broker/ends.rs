//! How sessions and the broker end.

use signalbox::limits::Limits;

use crate::support::broker::{Broker, Client};
use crate::support::eventually;

fn bytes_from_hex(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

#[tokio::test]
async fn the_documented_sessions_end_as_documented() {
    let document: serde_json::Value =
        serde_json::from_str(include_str!("../../../../docs/vectors/frames.json")).unwrap();
    let broker = Broker::start(Limits::default()).await;
    let mut counts = std::collections::BTreeMap::<&str, u64>::new();
    for case in document["sessions"].as_array().unwrap() {
        let mut client = broker.connect().await;
        client.say(&bytes_from_hex(case["client_hex"].as_str().unwrap())).await;
        client.half_close().await;
        client.rest().await;
        let closing = case["closing"].as_str().unwrap();
        let count = counts.entry(closing).or_default();
        *count += 1;
        broker.closings(closing, *count).await;
    }
}

#[tokio::test]
async fn what_is_queued_is_written_before_the_broker_ends() {
    const N: u64 = 300; // more than sockets hold, less than an outbox
    let broker = Broker::start(Limits::default()).await;
    let mut listener = broker.join("/topic/last").await;
    broker.subscribers("/topic/last", 1).await;
    let mut sender = broker.join("/null").await;
    let message = vec![b'.'; 24 * 1024];
    for _ in 0..N {
        sender.publish("/topic/last", &message).await;
    }
    broker.row("/topic/last", |row| (row.in_total == N).then_some(())).await;
    let reading = tokio::spawn(async move {
        let mut n = 0;
        while let Ok(payload) = listener.try_next().await {
            n += u64::from(payload == message);
        }
        n
    });
    broker.end().await;
    assert_eq!(reading.await.unwrap(), N);
}

#[tokio::test]
async fn a_peer_that_does_not_read_cannot_keep_the_broker_from_ending() {
    let limits = Limits { broker_drain_millis: 100, broker_hold_millis: 0, ..Limits::default() };
    let broker = Broker::start(limits).await;
    let stalled = broker.join("/topic/last").await;
    broker.subscribers("/topic/last", 1).await;
    let mut sender = broker.join("/null").await;
    for _ in 0..2_000 {
        sender.publish("/topic/last", &[0; 8 * 1024]).await;
    }
    broker.row("/topic/last", |row| (row.in_total == 2_000).then_some(())).await;
    let router = broker.router.clone();
    broker.end().await;
    let row = &router.channels()[1];
    assert_eq!((row.name.as_str(), row.out_total + row.dropped), ("/topic/last", 2_000), "to the message");
    assert_eq!(router.stats().buffered_bytes, 0);
    drop(stalled);
}

#[tokio::test]
async fn a_leaver_is_noticed_while_nothing_happens() {
    let broker = Broker::start(Limits::default()).await;
    let topic = broker.join("/topic/a").await;
    let queue = broker.join("/queue/a").await;
    broker.subscribers("/topic/a", 1).await;
    broker.subscribers("/queue/a", 1).await;
    drop((topic, queue));
    broker.subscribers("/topic/a", 0).await;
    broker.subscribers("/queue/a", 0).await;
    broker.closings("left", 2).await;
    eventually("no connection", async || broker.engine.connections().is_empty().then_some(())).await;
}

/// A clean goodbye is no reason to lose what was queued before it.
#[tokio::test]
async fn who_says_goodbye_still_gets_what_a_topic_had_for_it() {
    let broker = Broker::start(Limits::default()).await;
    let mut client: Client = broker.join("/topic/own").await;
    for n in 0..100_u8 {
        client.publish("/topic/own", &[n]).await;
    }
    client.say(&[0, 0, 0, 0]).await;
    for n in 0..100_u8 {
        assert_eq!(client.next().await, [n]);
    }
    assert_eq!(client.rest().await, b"");
    broker.row("/topic/own", |row| (row.out_total == 100 && row.dropped == 0).then_some(())).await;
}
