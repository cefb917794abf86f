//! The broker over real sockets, in raw bytes, and through the engine.

use signalbox::engine::{Mode, PurgeError, Receipt};
use signalbox::limits::Limits;
use signalbox_shared::ChannelName;

use crate::support::broker::Broker;
use crate::support::eventually;

fn channel(name: &str) -> ChannelName {
    name.parse().unwrap()
}

#[tokio::test]
async fn every_subscriber_of_a_topic_gets_every_message_in_order() {
    let broker = Broker::start(Limits::default()).await;
    let mut ada = broker.join("/topic/a").await;
    let mut bob = broker.join("/topic/a").await;
    let mut other = broker.join("/topic/b").await;
    broker.subscribers("/topic/a", 2).await;
    broker.subscribers("/topic/b", 1).await;
    let mut sender = broker.join("/null").await;
    for n in 0..1_000 {
        sender.publish("/topic/a", format!("message {n}").as_bytes()).await;
    }
    sender.publish("/topic/b", b"").await;
    for peer in [&mut ada, &mut bob] {
        for n in 0..1_000 {
            assert_eq!(peer.next().await, format!("message {n}").as_bytes());
        }
    }
    assert_eq!(other.next().await, b"", "an empty message is one");
    broker.row("/topic/a", |row| (row.in_total == 1_000 && row.out_total == 2_000).then_some(())).await;
}

#[tokio::test]
async fn an_engine_publishes_subscribes_taps_and_purges() {
    let broker = Broker::start(Limits::default()).await;
    let engine = &broker.engine;
    let queue = channel("/queue/jobs");
    let waiting = Receipt { n_queued: 0, n_dropped: 0, is_waiting: true };
    assert_eq!(engine.publish(&queue, b"first").await, Ok(waiting));
    let mut tap = engine.subscribe(&queue, Mode::Tap).unwrap();
    assert_eq!(engine.publish(&queue, b"second").await, Ok(waiting));
    assert_eq!(tap.next().await.payloads().collect::<Vec<_>>(), [b"second"]);

    let mut worker = engine.subscribe(&queue, Mode::Consume).unwrap();
    assert_eq!(worker.next().await.payloads().collect::<Vec<_>>(), [&b"first"[..], b"second"]);
    let handed = Receipt { n_queued: 1, n_dropped: 0, is_waiting: false };
    assert_eq!(engine.publish(&queue, b"third").await, Ok(handed));
    drop(worker); // did not take the third
    assert_eq!(engine.purge(&queue), Ok(1));

    let row = engine.channels().into_iter().find(|row| row.name == queue).unwrap();
    assert_eq!((row.in_total, row.out_total, row.purged, row.depth, row.taps), (3, 2, 1, 0, 1));
    assert_eq!(
        engine.purge(&channel("/topic/a")),
        Err(PurgeError::NotAQueue { channel: channel("/topic/a") })
    );
    assert_eq!(engine.purge(&channel("/queue/b")), Err(PurgeError::Unknown { channel: channel("/queue/b") }));
}

#[tokio::test]
async fn a_subscriber_that_publishes_on_its_own_channel_hears_itself() {
    let broker = Broker::start(Limits::default()).await;
    let mut ada = broker.join("/topic/mirror").await;
    ada.publish("/topic/mirror", b"me").await;
    assert_eq!(ada.next().await, b"me");
}

#[tokio::test]
async fn what_nobody_hears_is_counted() {
    let broker = Broker::start(Limits::default()).await;
    let mut sender = broker.join("/null").await;
    sender.publish("/topic/void", b"1").await;
    sender.publish("/null", b"2").await;
    sender.publish("/null", b"3").await;
    broker.row("/topic/void", |row| (row.unrouted == 1 && row.in_total == 1).then_some(())).await;
    broker.row("/null", |row| (row.unrouted == 0 && row.in_total == 2).then_some(())).await;
    sender.say(&[0, 0, 0, 0]).await;
    assert_eq!(sender.rest().await, b"");
    eventually("the goodbye", async || (broker.engine.broker_stats().closings["ended"] == 1).then_some(()))
        .await;
}
