//! Attacks on the broker listener.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signalbox::broker::stats::ChannelStats;
use signalbox::limits::Limits;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::ChildStderr;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::support::broker::{Broker, Client, frame, pair};
use crate::support::{DEADLINE, eventually};

/// A bystander: whatever happens, it goes on.
async fn is_alive(broker: &Broker) {
    let mut bystander = broker.join("/topic/alive").await;
    bystander.publish("/topic/alive", b"yes").await;
    assert_eq!(bystander.next().await, b"yes");
}

/// A length costs its sender nothing, so it must cost the broker nothing.
#[tokio::test]
async fn a_length_alone_allocates_nothing() {
    let broker = Broker::start(Limits::default()).await;
    let mut claims = Vec::new();
    for _ in 0..50 {
        let mut claimant = broker.join("/null").await;
        let beginning = [frame(b"/topic/a"), (16_u32 << 20).to_be_bytes().to_vec(), b"x".to_vec()].concat();
        claimant.say(&beginning).await;
        claims.push(claimant);
    }
    let inbound = eventually("the claims", async || {
        let stats = broker.engine.broker_stats();
        (stats.connections == 50 && 50 * 17 <= stats.inbound_bytes).then_some(stats.inbound_bytes)
    })
    .await;
    assert!(inbound <= 50 * 132 * 1024, "{inbound} bytes for one byte of each frame");
    is_alive(&broker).await;
    drop(claims);
    broker.closings("truncated", 50).await;
    assert_eq!(broker.engine.broker_stats().inbound_bytes, 0);
}

/// Frames that come half and stay so may hold no more memory than was granted to all of them.
#[tokio::test]
async fn unfinished_frames_are_bounded_together() {
    let limits = Limits { broker_frame_bytes: 1 << 20, broker_buffered_bytes: 4 << 20, ..Limits::default() };
    let broker = Broker::start(limits).await;
    let mut hoarders = Vec::new();
    let beginning = [frame(b"/topic/a"), (1_u32 << 20).to_be_bytes().to_vec(), vec![0; 900_000]].concat();
    for _ in 0..8 {
        let mut hoarder = broker.join("/null").await;
        let _ = hoarder.stream.write_all(&beginning).await; // may be cut off
        hoarders.push(hoarder);
    }
    eventually("refusals", async || {
        (1 <= broker.engine.broker_stats().closings["memory_limit"]).then_some(())
    })
    .await;
    assert!(broker.engine.broker_stats().inbound_bytes <= 2 << 20);
    is_alive(&broker).await;
}

/// Connections that never say what they want would use up the table.
#[tokio::test]
async fn who_names_no_channel_in_time_is_closed() {
    let broker = Broker::start(Limits { broker_handshake_millis: 50, ..Limits::default() }).await;
    let mut silent = broker.connect().await;
    let mut slow = broker.connect().await;
    slow.say(&frame(b"/topic/a")[..7]).await; // all but the last bytes, which never come
    assert_eq!(silent.rest().await, b"");
    assert_eq!(slow.rest().await, b"");
    broker.closings("handshake_timeout", 2).await;
    is_alive(&broker).await;
}

/// One connection too many must not cost those who are there.
#[tokio::test]
async fn the_connection_limit_refuses_the_newest() {
    let broker = Broker::start(Limits { broker_connections: 3, ..Limits::default() }).await;
    let mut first = broker.join("/topic/a").await;
    let second = broker.join("/null").await;
    let _third = broker.join("/null").await;
    eventually("three", async || (broker.engine.broker_stats().connections == 3).then_some(())).await;
    assert_eq!(broker.connect().await.rest().await, b"");
    broker.closings("connection_limit", 1).await;
    drop(second);
    eventually("two", async || (broker.engine.broker_stats().connections == 2).then_some(())).await;
    let mut next = broker.join("/null").await;
    next.publish("/topic/a", b"room again").await;
    assert_eq!(first.next().await, b"room again");
}

/// Names are cheap to make up; channels are not.
#[tokio::test]
async fn the_channel_limit_closes_who_names_one_more() {
    let broker = Broker::start(Limits { broker_channels: 4, ..Limits::default() }).await;
    let mut listener = broker.join("/topic/0").await;
    broker.subscribers("/topic/0", 1).await;
    let mut namer = broker.join("/null").await; // the second channel
    let pairs: Vec<u8> = (0..10).flat_map(|n| pair(&format!("/topic/{n}"), b"x")).collect();
    namer.say(&pairs).await;
    namer.rest().await;
    assert_eq!(listener.next().await, b"x", "what came before the violation is delivered");
    assert_eq!(broker.join("/topic/one more").await.rest().await, b"");
    broker.closings("channel_limit", 2).await;
    // The fourth is /null, which is not listed before something is published on it.
    assert_eq!(broker.engine.channels().len(), 3);
    listener.publish("/topic/0", b"still here").await;
    assert_eq!(listener.next().await, b"still here");
}

/// Half a message must never be delivered, wherever the stream ends.
#[tokio::test]
async fn a_session_may_be_cut_anywhere() {
    let broker = Broker::start(Limits::default()).await;
    let mut listener = broker.join("/topic/cut").await;
    broker.subscribers("/topic/cut", 1).await;
    let whole = [frame(b"/null"), pair("/topic/cut", b"first"), pair("/topic/cut", b"second")].concat();
    let hello = frame(b"/null").len();
    let boundaries = [0, hello, hello + pair("/topic/cut", b"first").len(), whole.len()];
    let mut n_truncated = 0;
    let mut expected = Vec::new();
    for end in 0..=whole.len() {
        let mut client = broker.connect().await;
        client.say(&whole[..end]).await;
        client.half_close().await;
        assert_eq!(client.rest().await, b"");
        n_truncated += u64::from(!boundaries.contains(&end));
        expected.extend((boundaries[2] <= end).then_some(&b"first"[..]));
        expected.extend((boundaries[3] <= end).then_some(&b"second"[..]));
    }
    broker.closings("truncated", n_truncated).await;
    for message in expected {
        assert_eq!(listener.next().await, message);
    }
    broker.row("/topic/cut", |row| (row.in_total == row.out_total).then_some(())).await;
}

/// Control characters in a name would forge log lines; other bytes would not be text.
#[tokio::test]
async fn names_that_are_none_close_only_their_connection() {
    let broker = Broker::start(Limits::default()).await;
    let subscriptions: [(&[u8], &str); 3] = [
        (b"/topic/\r\nfake line", "name_control_character"),
        (b"/topic/\xc3\x28", "name_not_utf8"),
        (&[b'n'; 256], "name_too_long"),
    ];
    for (name, reason) in subscriptions {
        assert_eq!(broker.connect_saying(&frame(name)).await.rest().await, b"");
        broker.closings(reason, 1).await;
        let mut sender = broker.join("/null").await;
        sender.say(&[frame(name), frame(b"x")].concat()).await;
        assert_eq!(sender.rest().await, b"");
        broker.closings(reason, 2).await;
    }
    is_alive(&broker).await;
}

/// Someone who subscribes and never reads must cost the others nothing, and its own loss must be known exactly.
#[tokio::test]
async fn a_stalled_subscriber_loses_alone_and_to_the_message() {
    const N: u64 = 3_000;
    let limits = Limits {
        broker_outbox_messages: 64,
        broker_outbox_bytes: 256 * 1024,
        broker_hold_millis: 1_000, // far over what the reader of this test needs on a busy machine
        ..Limits::default()
    };
    let broker = Broker::start(limits).await;
    let mut stalled = broker.join("/topic/load").await;
    broker.subscribers("/topic/load", 1).await;
    let mut fast = broker.join("/topic/load").await;
    broker.subscribers("/topic/load", 2).await;
    let mut sender = broker.join("/null").await;
    let sending = tokio::spawn(async move {
        for n in 0..N {
            sender.publish("/topic/load", &numbered(n)).await;
        }
        sender
    });
    for n in 0..N {
        assert_eq!(fast.next().await, numbered(n), "the fast one loses nothing");
    }
    sending.await.unwrap();
    let slow = broker.engine.connections().into_iter().find(|row| row.dropped != 0).unwrap();
    assert!(slow.slow_since_ms.is_some() && slow.outbox_messages <= 64 && slow.outbox_bytes <= 256 * 1024);
    assert_eq!(slow.delivered + slow.outbox_messages + slow.dropped, N);

    let mut n_received = 0;
    while n_received + slow.dropped < N {
        let message = stalled.next().await;
        assert_eq!(message, numbered(n_received), "it loses the newest, not the oldest");
        n_received += 1;
    }
    let row =
        broker.row("/topic/load", |row| (row.out_total + row.dropped == 2 * N).then(|| row.clone())).await;
    assert_eq!((row.in_total, row.dropped, row.out_total), (N, slow.dropped, N + n_received));
    let is_caught_up =
        |row: &signalbox::broker::stats::ConnectionRow| row.id == slow.id && row.slow_since_ms.is_none();
    assert!(broker.engine.connections().iter().any(is_caught_up));
}

fn numbered(n: u64) -> Vec<u8> {
    let mut message = n.to_be_bytes().to_vec();
    message.resize(8 * 1024, b'.');
    message
}

/// A publisher that outruns a queue's consumers is held; memory is bounded, nothing is lost, order is kept.
#[tokio::test]
async fn a_queue_holds_a_publisher_that_is_too_fast() {
    const N: u64 = 4_000;
    let limits = Limits {
        broker_outbox_messages: 16,
        broker_outbox_bytes: 128 * 1024,
        broker_backlog_messages: 100,
        broker_backlog_bytes: 512 * 1024,
        ..Limits::default()
    };
    let broker = Broker::start(limits).await;
    let mut sender = broker.join("/null").await;
    let sending = tokio::spawn(async move {
        for n in 0..N {
            sender.publish("/queue/load", &numbered(n)).await;
        }
        sender
    });
    eventually("the hold", async || broker.engine.connections().iter().any(|row| row.is_held).then_some(()))
        .await;
    let mut consumer = broker.join("/queue/load").await;
    let mut most_bytes = 0;
    for n in 0..N {
        assert_eq!(consumer.next().await, numbered(n));
        most_bytes = most_bytes.max(broker.engine.broker_stats().buffered_bytes);
    }
    assert!(most_bytes <= (128 + 512) * 1024, "{most_bytes} bytes");
    sending.await.unwrap();
    broker
        .row("/queue/load", |row| (row.in_total == N && row.out_total == N && row.depth == 0).then_some(()))
        .await;
}

/// Consumers die at any moment; what was not written to a dead one goes to another, and nothing goes to two.
#[tokio::test]
async fn a_queue_survives_the_death_of_its_consumers() {
    const N_PUBLISHERS: u64 = 4;
    const N_DEATHS: usize = 200;
    let limits = Limits { broker_outbox_messages: 256, broker_backlog_messages: 500, ..Limits::default() };
    let broker = Broker::start(limits).await;
    let enough = Arc::new(AtomicBool::new(false));
    let mut publishers = JoinSet::new();
    for publisher in 0..N_PUBLISHERS {
        let mut sender = broker.join("/null").await;
        let enough = Arc::clone(&enough);
        publishers.spawn(async move {
            let mut n = 0;
            while !enough.load(Ordering::Relaxed) {
                let mut message = (n * N_PUBLISHERS + publisher).to_be_bytes().to_vec();
                message.resize(1_024, b'.');
                sender.publish("/queue/work", &message).await;
                n += 1;
            }
            sender.say(&[0, 0, 0, 0]).await;
            sender.rest().await; // the broker has taken all of it
            n
        });
    }
    let mut received = Vec::new();
    let mut consumers: Vec<Client> = Vec::new();
    let mut seed = 0x5167_6e61_u32;
    let mut random = move |n: u32| {
        // Numerical Recipes' linear congruence: at random, and the same in every run.
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        usize::try_from((seed >> 8) % n).unwrap()
    };
    for _ in 0..N_DEATHS {
        while consumers.len() < 3 {
            consumers.push(broker.join_narrow("/queue/work").await);
        }
        for _ in 0..random(40) {
            received.push(number(&consumers[random(3)].next().await));
        }
        drop(consumers.swap_remove(random(3))); // with unread messages in its socket
    }
    enough.store(true, Ordering::Relaxed);
    for mut consumer in consumers {
        consumer.say(&[0, 0, 0, 0]).await; // leaves: gets what was written to it, the rest goes to the heir
        while let Ok(message) = consumer.try_next().await {
            received.push(number(&message));
        }
    }
    let heir = broker.join("/queue/work").await;
    let (mut read_half, mut write_half) = heir.stream.into_split();
    let inheriting = tokio::spawn(async move {
        let mut received = Vec::new();
        while let Ok(n_bytes) = read_half.read_u32().await {
            let mut message = vec![0; n_bytes as usize];
            read_half.read_exact(&mut message).await.unwrap();
            received.push(number(&message));
        }
        received
    });
    let mut n_published = 0;
    while let Some(published) = publishers.join_next().await {
        n_published += published.unwrap();
    }
    let is_done =
        |row: &ChannelStats| row.in_total == n_published && row.out_total == n_published && row.depth == 0;
    broker.row("/queue/work", |row| is_done(row).then_some(())).await; // nothing is lost in the broker
    write_half.write_all(&[0, 0, 0, 0]).await.unwrap();
    received.extend(inheriting.await.unwrap());

    let n_received = received.len() as u64;
    received.sort_unstable();
    received.dedup();
    assert_eq!(received.len() as u64, n_received, "nothing is delivered to two");
    let in_flight = n_published - n_received;
    println!("{in_flight} of {n_published} messages were in the sockets of the {N_DEATHS} that died");
}

/// Connections may use up the process's file descriptors long before any limit of ours.
#[tokio::test]
async fn running_out_of_file_descriptors_is_survived() {
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let broker =
        format!("ulimit -n 40 && exec {} broker --broker {address}", env!("CARGO_BIN_EXE_signalbox"));
    let mut broker = tokio::process::Command::new("sh")
        .args(["-c", &broker])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut log = BufReader::new(broker.stderr.take().unwrap()).lines();
    let mut peers = Vec::new();
    let mirror = [frame(b"/topic/mirror"), pair("/topic/mirror", b"me")].concat();
    while peers.len() < 60 {
        let connected = eventually("the broker", async || TcpStream::connect(&address).await.ok()).await;
        let mut peer = Client { stream: connected };
        peer.say(&mirror).await; // those over the limit wait in the kernel's list
        peers.push(peer);
    }
    let next_line = async |log: &mut Lines<BufReader<ChildStderr>>| {
        timeout(DEADLINE, log.next_line()).await.expect("a line of log").unwrap().expect("a line of log")
    };
    while !next_line(&mut log).await.contains("cannot accept connections") {}
    peers.drain(..50);
    while let line = next_line(&mut log).await
        && !line.contains("accepts connections again")
    {
        assert!(!line.contains("cannot accept connections"), "said twice: {line}");
    }
    for mut peer in peers {
        while peer.next().await != b"me" {}
    }
    broker.kill().await.unwrap();
}

fn number(message: &[u8]) -> u64 {
    u64::from_be_bytes(*message.first_chunk().unwrap())
}
