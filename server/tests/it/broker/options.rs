//! What can be chosen: bounds by channel prefix, what becomes of slow subscribers, and the Unix socket.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use signalbox::broker::{BoundsRule, BrokerOptions, Router, SlowSubscriber, UnixSocket};
use signalbox::client;
use signalbox::engine::{Engine, PublishError};
use signalbox::limits::Limits;
use signalbox_shared::ChannelName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use crate::support::broker::{Broker, frame, pair};
use crate::support::eventually;

fn channel(name: &str) -> ChannelName {
    name.parse().unwrap()
}

#[tokio::test]
async fn bounds_hold_by_prefix_and_the_longest_wins() {
    let rule = |prefix: &str, frame_bytes| BoundsRule {
        prefix: prefix.to_owned(),
        frame_bytes: Some(frame_bytes),
        ..BoundsRule::default()
    };
    let backlog = BoundsRule { backlog_messages: Some(2), ..rule("/queue/short", 100) };
    let options = BrokerOptions {
        bounds: vec![rule("/topic", 10), rule("/topic/large", 64), backlog],
        ..BrokerOptions::default()
    };
    let broker = Broker::start_with(Limits { broker_frame_bytes: 32, ..Limits::default() }, &options).await;
    let mut listener = broker.join("/topic/large/one").await;
    broker.subscribers("/topic/large/one", 1).await;

    let mut sender = broker.join("/null").await;
    sender.publish("/topic/large/one", &[1; 64]).await; // more than a frame elsewhere
    sender.publish("/other", &[0; 32]).await;
    sender.publish("/topic/large/one", &[2; 64]).await; // the channel of the pair before has other bounds
    assert_eq!((listener.next().await, listener.next().await), (vec![1; 64], vec![2; 64]));
    for (name, n_bytes) in [("/topic/a", 11), ("/other", 33), ("/topic/large", 65)] {
        let mut offender = broker.join("/null").await;
        let beginning = [frame(name.as_bytes()), u32::to_be_bytes(n_bytes).to_vec()].concat();
        offender.say(&beginning).await;
        assert_eq!(offender.rest().await, b"", "{name}: told by the length alone");
    }
    broker.closings("frame_too_large", 3).await;

    let too_large = PublishError::TooLarge { payload_bytes: 11, limit_bytes: 10 };
    assert_eq!(broker.engine.publish(&channel("/topic/a"), &[0; 11]).await, Err(too_large));
    broker.engine.publish(&channel("/topic/large/two"), &[0; 64]).await.unwrap();

    for n in 0..3_u8 {
        sender.publish("/queue/short", &[n]).await;
        sender.publish("/queue/long", &[n]).await;
    }
    broker.row("/queue/short", |row| (row.depth == 2).then_some(())).await;
    eventually("the hold", async || broker.engine.connections().iter().any(|row| row.is_held).then_some(()))
        .await;
    broker.row("/queue/long", |row| (row.depth == 2).then_some(())).await;
}

/// The slow one is told by its connection's end; the fast one notices nothing; every message is accounted for.
#[tokio::test]
async fn a_slow_subscriber_is_disconnected_when_that_is_wanted() {
    const N: u64 = 2_000;
    let limits = Limits {
        broker_outbox_messages: 64,
        broker_outbox_bytes: 256 * 1024,
        broker_hold_millis: 1_000,
        ..Limits::default()
    };
    let options = BrokerOptions { slow_subscriber: SlowSubscriber::Disconnect, ..BrokerOptions::default() };
    let broker = Broker::start_with(limits, &options).await;
    let mut stalled = broker.join("/topic/load").await;
    broker.subscribers("/topic/load", 1).await;
    let mut fast = broker.join("/topic/load").await;
    broker.subscribers("/topic/load", 2).await;
    let mut sender = broker.join("/null").await;
    let sending = tokio::spawn(async move {
        for n in 0..N {
            sender.publish("/topic/load", &[u8::try_from(n % 251).unwrap(); 8 * 1024]).await;
        }
        sender
    });
    for n in 0..N {
        assert_eq!(fast.next().await[0], u8::try_from(n % 251).unwrap());
    }
    let sender = sending.await.unwrap();
    broker.closings("slow_subscriber", 1).await;
    let rows = eventually("two connections", async || {
        let rows = broker.engine.connections();
        (rows.len() == 2).then_some(rows)
    })
    .await;
    assert!(rows.iter().all(|row| row.dropped == 0));
    let row = broker.row("/topic/load", |row| (row.subscribers == 1).then(|| row.clone())).await;
    let n_received = u64::try_from(stalled.rest().await.len()).unwrap() / (8 * 1024 + 4);
    assert_eq!(row.in_total, N);
    assert!(n_received <= row.out_total - N, "{n_received}: a reset connection may lose what its socket had");
    assert!(row.dropped != 0 && row.dropped + row.out_total <= 2 * N);
    drop(sender);
}

fn socket_path(test: &str) -> PathBuf {
    std::env::temp_dir().join(format!("signalbox-{test}-{}.sock", std::process::id()))
}

#[tokio::test]
async fn a_unix_socket_is_a_door_like_any_other() {
    let path = socket_path("door");
    let listeners = signalbox::broker::Listeners {
        unix: Some(UnixSocket::bind(&path, 0o600).unwrap()),
        ..Broker::free_port().await
    };
    let broker = Broker::start_on(listeners, Router::new(&Limits::default()));
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(UnixSocket::bind(&path, 0o600).is_err(), "somebody lives there");

    let mut local = UnixStream::connect(&path).await.unwrap();
    local.write_all(&frame(b"/topic/a")).await.unwrap();
    broker.subscribers("/topic/a", 1).await;
    let row = broker.engine.connections().remove(0);
    assert!(row.peer.ends_with(&format!("pid={}", std::process::id())), "{}", row.peer);
    let mut remote = broker.join("/topic/a").await;
    broker.subscribers("/topic/a", 2).await;
    local.write_all(&pair("/topic/a", b"over here")).await.unwrap();
    assert_eq!(remote.next().await, b"over here");
    let mut found = [0; 13];
    local.read_exact(&mut found).await.unwrap();
    assert_eq!(found[..], frame(b"over here"));

    let address = format!("unix:{}", path.display());
    let (_listener, mut sender) = client::connect(&address, &channel("/null")).await.unwrap();
    sender.queue(&channel("/topic/a"), b"by the client");
    sender.flush().await.unwrap();
    assert_eq!(remote.next().await, b"by the client");
    broker.end().await;
    assert!(!path.exists(), "the file goes with the broker");
}

#[tokio::test]
async fn only_a_dead_socket_is_replaced() {
    let path = socket_path("dead");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap()); // its file stays
    assert!(path.exists());
    let socket = UnixSocket::bind(&path, 0o660).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);

    // Whoever took the place meanwhile keeps it.
    std::fs::remove_file(&path).unwrap();
    let other = UnixSocket::bind(&path, 0o600).unwrap();
    drop(socket);
    assert!(path.exists());
    drop(other);
    assert!(!path.exists());

    std::fs::write(&path, "precious").unwrap();
    let error = UnixSocket::bind(&path, 0o600).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists);
    assert_eq!(std::fs::read(&path).unwrap(), b"precious");
    std::fs::remove_file(&path).unwrap();
}

#[tokio::test]
async fn an_engine_without_a_listener_has_the_same_rules() {
    let rule = BoundsRule { prefix: "/queue".to_owned(), backlog_messages: Some(1), ..BoundsRule::default() };
    let options = BrokerOptions { bounds: vec![rule], ..BrokerOptions::default() };
    let engine = Engine::embedded(Router::with_options(&Limits::default(), &options));
    let queue = channel("/queue/a");
    engine.publish(&queue, b"1").await.unwrap();
    tokio::time::pause();
    assert_eq!(engine.publish(&queue, b"2").await, Err(PublishError::BacklogFull { channel: queue }));
}
