//! The broker over real sockets, in raw bytes, and through the engine.

mod commands;
mod ends;
mod options;
mod stress;

use std::time::Duration;

use signalbox::broker::Router;
use signalbox::engine::{Engine, Mode, PublishError, PurgeError, Receipt};
use signalbox::limits::Limits;
use signalbox_shared::ChannelName;

use crate::support::broker::{Broker, frame, pair};
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
async fn channels_in_one_stream_do_not_mix() {
    let broker = Broker::start(Limits::default()).await;
    let mut topic = broker.join("/topic/a").await;
    let mut queue = broker.join("/queue/b").await;
    broker.subscribers("/topic/a", 1).await;
    broker.subscribers("/queue/b", 1).await;
    let mut bytes = frame(b"/null");
    for n in 0..500_u32 {
        let name = if n % 3 == 0 { "/queue/b" } else { "/topic/a" };
        bytes.extend(pair(name, &n.to_be_bytes()));
    }
    broker.connect_saying(&bytes).await; // all in one piece, and gone
    for n in 0..500_u32 {
        let peer = if n % 3 == 0 { &mut queue } else { &mut topic };
        assert_eq!(peer.next().await, n.to_be_bytes());
    }
}

#[tokio::test]
async fn a_frame_of_the_largest_size_arrives_whole() {
    let broker = Broker::start(Limits::default()).await;
    let mut ada = broker.join("/topic/large").await;
    let large: Vec<u8> = (0..16_u32 << 20).map(|n| (n % 251) as u8).collect();
    let mut sender = broker.join("/null").await;
    broker.subscribers("/topic/large", 1).await;
    let sending = async {
        sender.publish("/topic/large", b"before").await;
        sender.publish("/topic/large", &large).await;
        sender.publish("/queue/after", b"after").await;
    };
    let reading = async {
        assert_eq!(ada.next().await, b"before");
        assert!(ada.next().await == large);
    };
    tokio::join!(sending, reading);
    broker.row("/queue/after", |row| (row.depth == 1).then_some(())).await;
    eventually("freed input", async || (broker.engine.broker_stats().inbound_bytes == 0).then_some(())).await;
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
    broker.closings("ended", 1).await;
}

/// One connection is one stream: while a queue holds it, its topics wait too. What is queued for it is still written.
#[tokio::test]
async fn a_client_that_mixes_a_full_queue_and_topics_is_held_as_a_whole() {
    let broker = Broker::start(Limits { broker_backlog_messages: 2, ..Limits::default() }).await;
    let mut mixer = broker.join("/topic/mixer").await;
    let mut listener = broker.join("/topic/a").await;
    broker.subscribers("/topic/mixer", 1).await;
    broker.subscribers("/topic/a", 1).await;
    mixer.publish("/topic/a", b"before").await;
    for n in 0..3_u8 {
        mixer.publish("/queue/full", &[n]).await;
    }
    mixer.publish("/topic/a", b"behind").await;
    assert_eq!(listener.next().await, b"before");
    eventually("the hold", async || broker.engine.connections().iter().any(|row| row.is_held).then_some(()))
        .await;
    broker.row("/topic/a", |row| (row.in_total == 1).then_some(())).await;
    listener.publish("/topic/mixer", b"while you wait").await;
    assert_eq!(mixer.next().await, b"while you wait");

    assert_eq!(broker.engine.purge(&channel("/queue/full")), Ok(2));
    assert_eq!(listener.next().await, b"behind");
    broker.row("/queue/full", |row| (row.depth == 1 && row.purged == 2).then_some(())).await;
}

#[tokio::test]
async fn an_engine_publishes_subscribes_taps_and_purges() {
    let engine = Engine::embedded(Router::new(&Limits::default()));
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
    let counts = [row.in_total, row.out_total, row.purged, row.depth, row.taps];
    assert_eq!(counts, [3, 2, 1, 0, 1].map(Some));
    assert_eq!(
        engine.purge(&channel("/topic/a")),
        Err(PurgeError::NotAQueue { channel: channel("/topic/a") })
    );
    assert_eq!(engine.purge(&channel("/queue/b")), Err(PurgeError::Unknown { channel: channel("/queue/b") }));
}

#[tokio::test]
async fn an_engine_sees_what_clients_publish_and_the_other_way_round() {
    let broker = Broker::start(Limits::default()).await;
    let mut tap = broker.engine.subscribe(&channel("/topic/a"), Mode::Tap).unwrap();
    let mut client = broker.join("/topic/a").await;
    broker.subscribers("/topic/a", 1).await;
    let receipt = broker.engine.publish(&channel("/topic/a"), b"from within").await.unwrap();
    assert_eq!((receipt.n_queued, receipt.n_dropped), (1, 0), "the tap does not count");
    assert_eq!(client.next().await, b"from within");
    client.publish("/topic/a", b"from outside").await;
    let mut seen = Vec::new();
    while seen.len() < 2 {
        seen.extend(tap.next().await.payloads().map(<[u8]>::to_vec));
    }
    assert_eq!(seen, [&b"from within"[..], b"from outside"]);
}

/// A tap that is not read keeps what fits and counts the rest; it holds nobody.
#[tokio::test(start_paused = true)]
async fn a_tap_that_falls_behind_knows_what_it_lost() {
    let engine = Engine::embedded(Router::new(&Limits { broker_outbox_messages: 16, ..Limits::default() }));
    let topic = channel("/topic/a");
    let mut tap = engine.subscribe(&topic, Mode::Tap).unwrap();
    let started = tokio::time::Instant::now();
    for n in 0..50_u8 {
        engine.publish(&topic, &[n]).await.unwrap();
    }
    assert_eq!(started.elapsed(), Duration::ZERO);
    let batch = tap.next().await;
    assert_eq!((batch.n_messages(), batch.n_dropped()), (16, 34));
    assert!(batch.payloads().eq((0..16_u8).map(|n| [n])));
    engine.publish(&topic, &[50]).await.unwrap();
    let batch = tap.next().await;
    assert_eq!((batch.n_messages(), batch.n_dropped()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn an_engine_waits_a_moment_for_room_and_then_refuses() {
    let limits = Limits { broker_backlog_messages: 1, broker_outbox_messages: 16, ..Limits::default() };
    let engine = Engine::embedded(Router::new(&limits));
    let queue = channel("/queue/full");
    engine.publish(&queue, b"1").await.unwrap();
    let started = tokio::time::Instant::now();
    let full = PublishError::BacklogFull { channel: queue.clone() };
    assert_eq!(engine.publish(&queue, b"2").await, Err(full));
    assert_eq!(started.elapsed().as_millis() / 100, 10);
    let (published, purged) = tokio::join!(engine.publish(&queue, b"3"), async { engine.purge(&queue) });
    assert_eq!(purged, Ok(1));
    assert!(published.unwrap().is_waiting, "room came while it waited");

    let mut slow = engine.subscribe(&channel("/topic/a"), Mode::Consume).unwrap();
    for n in 0..16_u8 {
        engine.publish(&channel("/topic/a"), &[n]).await.unwrap();
    }
    let started = tokio::time::Instant::now();
    let receipt = engine.publish(&channel("/topic/a"), &[16]).await.unwrap();
    assert_eq!((receipt.n_queued, receipt.n_dropped), (0, 1));
    assert!(Duration::from_millis(10) <= started.elapsed(), "it was held for a moment");
    let started = tokio::time::Instant::now();
    assert_eq!(engine.publish(&channel("/topic/a"), &[17]).await.unwrap().n_dropped, 1);
    assert_eq!(started.elapsed(), Duration::ZERO, "who is slow holds nobody any more");
    let batch = slow.next().await;
    assert_eq!((batch.n_messages(), batch.n_dropped()), (16, 2));
    assert_eq!(engine.publish(&channel("/topic/a"), &[18]).await.unwrap().n_queued, 1);
}

#[tokio::test]
async fn an_engine_tells_its_bounds() {
    let limits = Limits { broker_frame_bytes: 8, broker_channels: 1, ..Limits::default() };
    let engine = Engine::embedded(Router::new(&limits));
    let too_large = PublishError::TooLarge { payload_bytes: 9, limit_bytes: 8 };
    assert_eq!(engine.publish(&channel("/topic/a"), &[0; 9]).await, Err(too_large));
    engine.publish(&channel("/topic/a"), &[0; 8]).await.unwrap();
    let too_many = PublishError::TooManyChannels { limit: 1 };
    assert_eq!(engine.publish(&channel("/topic/b"), b"").await, Err(too_many));
    assert!(engine.subscribe(&channel("/topic/b"), Mode::Tap).is_err());
}
