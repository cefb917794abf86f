//! Attacks on the collector: nothing that comes over ZeroMQ or over plain TCP ends it, or hides what it took.

use std::net::Ipv4Addr;

use signalbox::collector::{SampleSender, SendMode};
use signalbox::engine::Mode;
use signalbox::limits::Limits;
use signalbox_shared::api::CollectorInfo;
use signalbox_shared::channel::OTHER_CHANNEL;
use signalbox_shared::sample::SAMPLE_BYTES_MAX;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::feed::rig::{Rig, sample};
use crate::support::{DEADLINE, eventually};

/// Waits until so many messages were taken and refused, and gives the accounts.
async fn accounts(rig: &Rig, accepted: u64, refused: u64) -> CollectorInfo {
    let stats = rig.collector.stats();
    let what = format!("{accepted} samples and {refused} refusals");
    eventually(&what, async || {
        let info = stats.info();
        let n_refused: u64 = info.refused.values().map(|refused| refused.count).sum();
        assert!(info.accepted <= accepted && n_refused <= refused, "{info:?}");
        (info.accepted == accepted && n_refused == refused).then_some(info)
    })
    .await
}

fn with(field: &str) -> Vec<u8> {
    format!(r#"{{"color":"red","timestamp":"2026-11-20T12:03:07Z","cpu":1,"mem":2,{field}}}"#).into_bytes()
}

/// Each reason is counted under its name, the last message of each is kept, and good samples go on in between.
#[tokio::test]
async fn each_kind_of_bad_input_is_counted_by_its_reason() {
    let rig = Rig::start(Limits::default()).await;
    let sender = rig.push_agent();
    let padding = "x".repeat(SAMPLE_BYTES_MAX);
    let attacks: Vec<(&str, Vec<u8>)> = vec![
        ("too_large", with(&format!(r#""padding":"{padding}""#))),
        // 4 bytes that would be 19 in the feed.
        ("too_large", with(&format!(r#""grows":[{}]"#, vec!["1e15"; 13_000].join(",")))),
        ("not_json", b"\xff\xfe\x00".to_vec()),
        ("not_json", b"{".repeat(60_000)),
        // Deep enough to exhaust the stack of a careless parser.
        ("not_json", with(&format!(r#""deep":{}1{}"#, "[".repeat(30_000), "]".repeat(30_000)))),
        ("no_name", br#"{"timestamp":"2026-11-20T12:03:07Z","cpu":1,"mem":2}"#.to_vec()),
        // Would be an escape sequence in a log and a second event in the feed.
        (
            "bad_name",
            br#"{"color":"\u001b[2J\n\ndata: x","timestamp":"2026-11-20T12:03:07Z","cpu":1,"mem":2}"#
                .to_vec(),
        ),
        ("bad_timestamp", br#"{"color":"red","timestamp":"now","cpu":1,"mem":2}"#.to_vec()),
        ("bad_metric", with(r#""x":NaN"#)),
        ("bad_metric", with(r#""x":1e99999"#)),
        ("bad_metric", with(&format!(r#""x":{}"#, "9".repeat(50_000)))),
        ("bad_metric", br#"{"color":"red","timestamp":"2026-11-20T12:03:07Z","cpu":"1","mem":2}"#.to_vec()),
    ];
    for (n, (_, attack)) in attacks.iter().enumerate() {
        sender.send(&sample("red", n as u32)).unwrap();
        sender.send(attack).unwrap();
    }
    let info = accounts(&rig, attacks.len() as u64, attacks.len() as u64).await;
    for (reason, refused) in &info.refused {
        let n_sent = attacks.iter().filter(|(expected, _)| expected == reason).count() as u64;
        assert_eq!(refused.count, n_sent, "{reason}: {refused:?}");
        assert!(
            refused.last_excerpt.len() <= 1_000 && !refused.last_error.is_empty(),
            "{reason}: {refused:?}"
        );
        assert!(0 < refused.last_at_ms);
    }
    rig.stop().await;
}

/// JSON that is no sample is refused and can be watched; more of it than the engine takes is counted, not kept.
#[tokio::test]
async fn json_that_is_no_sample_can_be_watched() {
    let rig = Rig::start(Limits::default()).await;
    let channel = OTHER_CHANNEL.parse().unwrap();
    let mut watching = rig.engine.subscribe(&channel, Mode::Tap).unwrap();
    let sender = rig.push_agent();
    let sent = ["17", "[1,2]", "null", "\"a\\nb\""];
    for json in sent {
        sender.send(json.as_bytes()).unwrap();
    }
    let mut seen: Vec<String> = Vec::new();
    while seen.len() < sent.len() {
        let batch = timeout(DEADLINE, watching.next()).await.unwrap();
        seen.extend(batch.payloads().map(|payload| String::from_utf8_lossy(payload).into_owned()));
    }
    assert_eq!(seen, sent);
    let info = accounts(&rig, 0, 4).await;
    assert_eq!(info.refused["not_object"].count, 4);
    let published = || rig.collector.stats().info().other_published;
    eventually("all are counted", async || (published() == 4).then_some(())).await;

    for _ in 0..5_000 {
        // Until the socket has room.
        eventually("one more is sent", async || sender.send(b"[1,2,3]").unwrap().then_some(())).await;
    }
    accounts(&rig, 0, 5_004).await;
    eventually("each is published or dropped", async || {
        let info = rig.collector.stats().info();
        (info.other_published + info.other_dropped == 5_004).then_some(())
    })
    .await;
    rig.stop().await;
}

/// A PUB agent that sends a topic in front of its samples is a common mistake.
#[tokio::test]
async fn a_message_in_parts_is_refused_whole() {
    let rig = Rig::start(Limits::default()).await;
    let context = zmq::Context::new();
    let socket = context.socket(zmq::PUSH).unwrap();
    socket.set_linger(0).unwrap();
    socket.connect(rig.agent_address(1)).unwrap();
    let part = sample("red", 1);
    socket.send_multipart([&b"metrics"[..], &part], 0).unwrap();
    socket.send_multipart(vec![&part; 1_000], 0).unwrap();
    socket.send(sample("red", 2), 0).unwrap();
    let info = accounts(&rig, 1, 2).await;
    assert_eq!(info.refused["multipart"].count, 2);
    assert!(info.refused["multipart"].last_error.contains("1000"), "{info:?}");
    rig.stop().await;
}

/// libzmq closes a connection that announces more than it may hold; the sender comes back, and nobody else notices.
#[tokio::test]
async fn a_message_far_over_the_limit_costs_its_sender_the_connection_only() {
    let rig = Rig::start(Limits::default()).await;
    let (bad, good) = (rig.push_agent(), rig.push_agent());
    bad.send(&vec![b' '; 10 * 1024 * 1024]).unwrap();
    good.send(&sample("good", 1)).unwrap();
    accounts(&rig, 1, 0).await;
    // What was sent into a connection that is being closed is lost, so the bad one tries until it is through.
    let stats = rig.collector.stats();
    eventually("the bad one is back", async || {
        bad.send(&sample("bad", 1)).unwrap();
        (2 <= stats.info().accepted).then_some(())
    })
    .await;
    rig.stop().await;
}

/// Anything may connect to an open port: a browser, a port scanner, half a handshake.
#[tokio::test]
async fn garbage_over_tcp_is_nobodys_problem() {
    let rig = Rig::start(Limits::default()).await;
    let port: u16 = rig.agent_address(0).rsplit(':').next().unwrap().parse().unwrap();
    let greeting = [b"\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f".as_slice(), b"\x03\x00NULL"].concat();
    // A frame with a length of 2^63 right behind the greeting.
    let huge = [&greeting[..], &[0; 48], b"\x02\x7f\xff\xff\xff\xff\xff\xff\xff"].concat();
    for garbage in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xff; 100_000], &[0; 64], &greeting, &huge, b""] {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
        // The other side may close first.
        let _ = stream.write_all(garbage).await;
        let _ = stream.shutdown().await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
    }
    let sender = SampleSender::connect(SendMode::Publish, rig.agent_address(0)).unwrap();
    eventually("a sample gets through", async || {
        sender.send(&sample("red", 1)).unwrap();
        (0 < rig.collector.stats().info().accepted).then_some(())
    })
    .await;
    rig.stop().await;
}

/// A fleet with a bad script: connect, one sample, gone.
#[tokio::test]
async fn a_thousand_reconnects_lose_nothing() {
    let rig = Rig::start(Limits::default()).await;
    let context = zmq::Context::new();
    for n in 0..1_000_u32 {
        let socket = context.socket(zmq::PUSH).unwrap();
        // Until it is sent.
        socket.set_linger(-1).unwrap();
        socket.connect(rig.agent_address(1)).unwrap();
        socket.send(sample("red", n), 0).unwrap();
    }
    accounts(&rig, 1_000, 0).await;
    rig.stop().await;
}

/// Names and keys without end would fill the memory that is kept per agent and per metric.
#[tokio::test]
async fn endless_names_and_keys_meet_their_bounds() {
    let limits = Limits { collector_agents: 5, collector_metrics_per_agent: 10, ..Limits::default() };
    let rig = Rig::start(limits).await;
    let sender = rig.push_agent();
    for n in 0..20 {
        sender.send(&sample(&format!("agent {n}"), n)).unwrap();
    }
    let info = accounts(&rig, 5, 15).await;
    assert_eq!(info.refused["too_many_agents"].count, 15);
    assert_eq!(info.refused["too_many_agents"].last_excerpt, "agent 19");
    let keys: Vec<String> = (0..100).map(|n| format!(r#""k{n}":1"#)).collect();
    let keys = format!(r#""color":"agent 0",{},"a\nb":1,"{}":1"#, keys.join(","), "k".repeat(200));
    sender.send(&with(&keys)).unwrap();
    let info = accounts(&rig, 6, 15).await;
    assert_eq!(info.metrics_left_out, 94);
    assert_eq!(rig.history.latest()[0].metrics.len(), 10);
    rig.stop().await;
}

/// Everything the collector may not bind says which setting to change.
#[tokio::test]
async fn a_port_that_is_taken_is_named_with_its_setting() {
    let rig = Rig::start(Limits::default()).await;
    let taken = [rig.collector.endpoints()[0].parse().unwrap()];
    let error = Rig::start_at(Limits::default(), &[], &taken).await.err().unwrap().to_string();
    assert!(error.contains("collector-pull cannot listen on @tcp://127.0.0.1:"), "{error}");
    assert!(error.contains("--collector-pull"), "{error}");
    let elsewhere = ["@tcp://192.0.2.1:5555".parse().unwrap()];
    let error = Rig::start_at(Limits::default(), &elsewhere, &[]).await.err().unwrap().to_string();
    assert!(error.contains("address of this machine"), "{error}");
    rig.stop().await;
}
