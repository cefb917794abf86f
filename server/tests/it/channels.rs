//! Channels over HTTP, as curl uses them: detail, streams, publishing one and many, purging, and what is not allowed.

use std::time::Duration;

use serde_json::{Value, json};
use signalbox::config::Settings;
use signalbox::limits::Limits;
use signalbox_shared::api::{Info, Problem};
use signalbox_shared::engine::Permits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::broker::frame;
use crate::support::{Answer, DEADLINE, TestServer, eventually, http, quiet_settings};

const TOPIC: &str = "/api/channels/%2Ftopic%2Fa";
const QUEUE: &str = "/api/channels/%2Fqueue%2Fa";

async fn ask(server: &TestServer, method: &str, target: &str, body: &[u8]) -> Answer {
    http(server.http(), method, target, &[], body).await
}

async fn refusal(server: &TestServer, method: &str, target: &str, body: &[u8]) -> (u16, String) {
    let answer = ask(server, method, target, body).await;
    let problem: Problem = answer.json();
    assert_eq!(
        (problem.status, answer.header("content-type")),
        (answer.status, Some("application/problem+json"))
    );
    assert!(problem.detail.is_some_and(|detail| !detail.is_empty()));
    (answer.status, problem.kind.trim_start_matches("urn:signalbox:problem:").to_owned())
}

/// Waits until so many streams watch the topic.
async fn watched(server: &TestServer) {
    eventually("the tap", async || {
        let detail = ask(server, "GET", TOPIC, b"").await;
        (detail.status == 200 && detail.json::<Value>()["row"]["taps"] == 1).then_some(())
    })
    .await;
}

fn lines(answer: &Answer) -> Vec<Value> {
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/x-ndjson")));
    answer.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn a_message_is_published_with_an_answer_and_a_queue_is_purged() {
    let server = TestServer::start(Limits::default()).await;
    let published = ask(&server, "POST", &format!("{QUEUE}/messages"), b"\xff\x00 as it is").await;
    assert_eq!(published.json::<Value>(), json!({"channel": "/queue/a", "detail": "waiting"}));
    let published = ask(&server, "POST", &format!("{TOPIC}/messages"), b"").await;
    assert_eq!(published.json::<Value>(), json!({"channel": "/topic/a", "detail": "unrouted"}));
    let detail: Value = ask(&server, "GET", QUEUE, b"").await.json();
    assert_eq!((&detail["row"]["depth"], &detail["n_consumers"]), (&json!(1), &json!(0)));
    assert_eq!(detail["limits"]["backlog_messages"], 65_536);
    let purged = ask(&server, "DELETE", &format!("{QUEUE}/messages"), b"").await;
    assert_eq!(purged.json::<Value>(), json!({"channel": "/queue/a", "n_purged": 1}));
    server.stop().await;
}

#[tokio::test]
async fn a_bulk_tells_what_became_of_each_message() {
    let limits = Limits { broker_backlog_messages: 2, http_bulk_messages: 5, ..Limits::default() };
    let server = TestServer::start(limits).await;
    let target = format!("{QUEUE}/messages?bulk=true");
    let answer =
        ask(&server, "POST", &target, br#"["one", {"text":7}, {"base64":"/wA="}, "full", "after"]"#).await;
    let answer: Value = answer.json();
    assert_eq!((&answer["n_published"], &answer["n_refused"]), (&json!(2), &json!(3)), "{answer}");
    let items = answer["items"].as_array().unwrap();
    assert_eq!((&items[0]["detail"], &items[2]["detail"]), (&json!("waiting"), &json!("waiting")));
    let error = |n: usize| items[n]["error"].as_str().unwrap();
    assert!(error(1).starts_with("a message is a text"), "{answer}");
    assert!(
        error(3).contains("backlog of /queue/a is full") && error(4).starts_with("not tried"),
        "{answer}"
    );
    let ndjson = ["Content-Type: application/x-ndjson"];
    let answer = http(server.http(), "POST", &format!("{TOPIC}/messages"), &ndjson, b"\"a\"\n\"b\"\n").await;
    assert_eq!(answer.json::<Value>()["n_published"], 2);
    for (body, expected) in [(&b"[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\"]"[..], 413), (b"[1,", 400)] {
        assert_eq!(refusal(&server, "POST", &target, body).await.0, expected);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_stream_gives_what_its_filter_wants_and_ends_with_its_accounts() {
    let server = TestServer::start(Limits::default()).await;
    let address = server.http();
    let target = format!("{TOPIC}/messages?count=3&filter=$.n%20%3E=%202");
    let stream = tokio::spawn(async move { http(address, "GET", &target, &[], b"").await });
    watched(&server).await;
    for n in 0..6 {
        let message = json!({ "n": n, "fill": "x".repeat(70_000) }).to_string();
        ask(&server, "POST", &format!("{TOPIC}/messages"), message.as_bytes()).await;
    }
    let lines = lines(&tokio::time::timeout(DEADLINE, stream).await.unwrap().unwrap());
    assert_eq!(lines.len(), 4);
    for (line, n) in lines.iter().zip([2, 3, 4]) {
        assert_eq!(line["seq"], n + 1);
        let text = line["payload"]["text"].as_str().unwrap();
        assert_eq!(serde_json::from_str::<Value>(text).unwrap()["n"], n, "whole, however long");
    }
    let accounts = json!({"received": 5, "shown": 3, "filtered": 2, "skipped": 0, "unjudged": 0});
    assert_eq!(lines[3], json!({"end": "count", "accounts": accounts}));
    // The subscription ended with the stream.
    eventually("no tap", async || {
        let detail: Value = ask(&server, "GET", TOPIC, b"").await.json();
        (detail["row"]["taps"] == 0).then_some(())
    })
    .await;
    server.stop().await;
}

#[tokio::test]
async fn consuming_takes_no_more_than_was_asked_for() {
    let server = TestServer::start(Limits::default()).await;
    for n in 0..5 {
        ask(&server, "POST", &format!("{QUEUE}/messages"), format!("{n}").as_bytes()).await;
    }
    let lines = lines(&ask(&server, "GET", &format!("{QUEUE}/messages?tap=false&count=2"), b"").await);
    let texts: Vec<_> = lines[..2].iter().map(|line| line["payload"]["text"].clone()).collect();
    assert_eq!((texts, &lines[2]["end"]), (vec![json!("0"), json!("1")], &json!("count")));
    eventually("the rest to be back", async || {
        let detail: Value = ask(&server, "GET", QUEUE, b"").await.json();
        (detail["row"]["depth"] == 3).then_some(())
    })
    .await;
    server.stop().await;
}

#[tokio::test]
async fn a_stream_that_cannot_follow_says_so_in_its_last_line() {
    let limits = Limits { tail_messages: 16, tail_bytes: 64 * 1024, ..Limits::default() };
    let server = TestServer::start(limits).await;
    let mut stream = TcpStream::connect(server.http()).await.unwrap();
    let head =
        format!("GET {TOPIC}/messages HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", server.http());
    stream.write_all(head.as_bytes()).await.unwrap();
    watched(&server).await;
    // More than the sockets on the way and the ring hold, to somebody who does not read.
    let payload = vec![b'x'; 500_000];
    for _ in 0..60 {
        ask(&server, "POST", &format!("{TOPIC}/messages"), &payload).await;
    }
    let mut rest = Vec::new();
    tokio::time::timeout(DEADLINE, stream.read_to_end(&mut rest)).await.expect("an end").unwrap();
    let text = String::from_utf8_lossy(&rest);
    let last = text.lines().rfind(|line| line.starts_with("{\"end\"")).expect("a last line");
    let last: Value = serde_json::from_str(last).unwrap();
    let number = |name: &str| last["accounts"][name].as_u64().unwrap();
    assert_eq!(last["end"], "slow");
    assert_eq!(number("received"), number("shown") + number("filtered") + number("skipped"));
    assert!(0 < number("skipped"), "{last}");
    server.stop().await;
}

#[tokio::test]
async fn a_stream_that_is_never_read_is_hung_up_on() {
    let limits = Limits { socket_stall_secs: 1, http_tails_clients: 1, ..Limits::default() };
    let server = TestServer::start(limits).await;
    let mut stream = TcpStream::connect(server.http()).await.unwrap();
    let head = format!("GET {TOPIC}/messages HTTP/1.1\r\nHost: {}\r\n\r\n", server.http());
    stream.write_all(head.as_bytes()).await.unwrap();
    watched(&server).await;
    assert_eq!(
        refusal(&server, "GET", &format!("{TOPIC}/messages"), b"").await,
        (503, "unavailable".to_owned())
    );
    let payload = vec![b'x'; 1_000_000];
    eventually("the seat to be free", async || {
        ask(&server, "POST", &format!("{TOPIC}/messages"), &payload).await;
        let answer = ask(&server, "GET", &format!("{TOPIC}/messages?count=0"), b"").await;
        (answer.status == 200).then_some(())
    })
    .await;
    drop(stream);
    server.stop().await;
}

#[tokio::test]
async fn a_stream_ends_after_its_time_and_with_the_relay() {
    let server = TestServer::start(Limits::default()).await;
    let address = server.http();
    let timed = lines(&ask(&server, "GET", &format!("{TOPIC}/messages?secs=0"), b"").await);
    assert_eq!((timed.len(), &timed[0]["end"]), (1, &json!("secs")));
    let stream =
        tokio::spawn(async move { http(address, "GET", &format!("{TOPIC}/messages"), &[], b"").await });
    watched(&server).await;
    server.stop().await;
    let last = lines(&tokio::time::timeout(DEADLINE, stream).await.unwrap().unwrap());
    assert_eq!(last.last().unwrap()["end"], "shutdown");
}

#[tokio::test]
async fn hostile_requests_are_refused_with_a_reason() {
    let server =
        TestServer::start(Limits { http_body_bytes: 4_096, broker_frame_bytes: 1_024, ..Limits::default() })
            .await;
    let long = format!("/api/channels/{}/messages", "a".repeat(256));
    let deep = "[".repeat(4_000);
    for (method, target, body, status) in [
        ("GET", "/api/channels/%2Ftopic%2Fnobody", "", 404),
        ("GET", "/api/channels/%FF", "", 400),
        ("GET", "/api/channels/a%0Ab", "", 400),
        ("POST", "/api/channels/%C3%28/messages", "x", 400),
        ("POST", long.as_str(), "x", 400),
        ("GET", "/api/channels/a/messages?filter=regex:(", "", 400),
        ("GET", "/api/channels/a/messages?filter=json:x", "", 400),
        ("GET", "/api/channels/a/messages?filter=regex:(a%7B1000%7D)%7B1000%7D", "", 400),
        ("GET", "/api/channels/a/messages?count=-1", "", 400),
        ("GET", "/api/channels/a/messages?tap=maybe", "", 400),
        ("POST", "/api/channels/a/messages?bulk=7", "x", 400),
        ("POST", "/api/channels/a/messages?bulk=true", deep.as_str(), 400),
        ("POST", "/api/channels/a/messages", &"x".repeat(5_000), 413),
        ("POST", "/api/channels/a/messages", &"x".repeat(1_025), 413),
        ("DELETE", "/api/channels/%2Ftopic%2Fa/messages", "", 409),
        ("DELETE", "/api/channels/%2Fqueue%2Fnobody/messages", "", 404),
        ("PUT", "/api/channels/a/messages", "", 405),
    ] {
        let (found, _) = refusal(&server, method, target, body.as_bytes()).await;
        assert_eq!(found, status, "{method} {target}");
    }
    server.stop().await;
}

#[tokio::test]
async fn what_is_not_allowed_is_refused_and_told() {
    let permits = Permits { publish: false, purge: false, consume: false, export: false };
    let server = TestServer::start_with(Settings { permits, ..quiet_settings() }).await;
    let info: Info = ask(&server, "GET", "/api/info", b"").await.json();
    assert_eq!(info.features.permits, permits);
    for (method, target) in [
        ("POST", "/api/channels/a/messages"),
        ("POST", "/api/channels/a/messages?bulk=true"),
        ("DELETE", "/api/channels/%2Fqueue%2Fa/messages"),
        ("GET", "/api/channels/a/messages"),
    ] {
        let expected = (403, "not-permitted".to_owned());
        assert_eq!(refusal(&server, method, target, b"").await, expected, "{method} {target}");
    }
    let only_taps = Permits { export: true, ..permits };
    let reader = TestServer::start_with(Settings { permits: only_taps, ..quiet_settings() }).await;
    assert_eq!(refusal(&reader, "GET", "/api/channels/a/messages?tap=false", b"").await.0, 403);
    assert_eq!(ask(&reader, "GET", "/api/channels/a/messages?secs=0", b"").await.status, 200);

    let mut page = crate::socket::Page::connect(server.http()).await;
    for (request, reason) in [
        (json!({"type": "publish", "channel": "/a", "payload": {"text": "x"}}), "publishing"),
        (json!({"type": "purge", "channel": "/queue/a"}), "purging"),
        (json!({"type": "subscribe", "channel": "/queue/a", "mode": "consume"}), "consuming"),
    ] {
        let refused = page.ask(request).await;
        assert_eq!(refused["type"], "refused");
        assert!(
            refused["reason"].as_str().unwrap().starts_with(&format!("{reason} is turned off")),
            "{refused}"
        );
    }
    assert_eq!(
        page.ask(json!({"type": "subscribe", "channel": "/queue/a", "mode": "tap"})).await["type"],
        "subscribed"
    );
    drop(page);
    tokio::time::timeout(Duration::from_secs(30), server.stop()).await.unwrap();
    reader.stop().await;
}

#[tokio::test]
async fn a_page_sets_changes_and_drops_a_filter() {
    let server = TestServer::start(Limits::default()).await;
    let mut page = crate::socket::Page::connect(server.http()).await;
    let wrong = json!({"type": "subscribe", "channel": "/topic/a", "mode": "tap", "filter": {"kind": "json", "text": "$.a = 1"}});
    let refused = page.ask(wrong).await;
    assert_eq!((&refused["type"], &refused["position"]), (&json!("refused"), &json!(4)), "{refused}");
    let right = json!({"type": "subscribe", "channel": "/topic/a", "mode": "tap", "filter": {"kind": "regex", "text": "^[ab]$"}});
    assert_eq!(page.ask(right).await["type"], "subscribed");
    let publish =
        async |text: &str| ask(&server, "POST", &format!("{TOPIC}/messages"), text.as_bytes()).await;
    publish("x").await;
    publish("a").await;
    let mut texts = Vec::new();
    let mut accounts = Value::Null;
    while texts.is_empty() {
        let tail = page.next_of("tail").await;
        texts.extend(tail["messages"].as_array().unwrap().iter().map(|m| m["payload"]["text"].clone()));
        accounts = tail["accounts"].clone();
    }
    assert_eq!(texts, ["a"]);
    assert_eq!(accounts, json!({"received": 2, "shown": 1, "filtered": 1, "skipped": 0, "unjudged": 0}));
    let kept = page
        .ask(json!({"type": "set_filter", "channel": "/topic/a", "filter": {"kind": "regex", "text": "("}}))
        .await;
    assert_eq!((&kept["type"], &kept["position"]), (&json!("refused"), &json!(0)));
    assert_eq!(page.ask(json!({"type": "set_filter", "channel": "/topic/a"})).await["type"], "ack");
    publish("x").await;
    let tail = page.next_of("tail").await;
    assert_eq!((&tail["messages"][0]["seq"], &tail["accounts"]["shown"]), (&json!(3), &json!(2)));
    let unknown = page.ask(json!({"type": "set_filter", "channel": "/topic/b"})).await;
    assert_eq!(unknown["reason"], "/topic/b is not subscribed to");
    drop(page);
    server.stop().await;
}

#[tokio::test]
async fn a_channel_tells_who_publishes_on_it() {
    let server = TestServer::start(Limits::default()).await;
    let frames = |parts: &[&[u8]]| parts.iter().flat_map(|part| frame(part)).collect::<Vec<u8>>();
    let mut first = TcpStream::connect(server.broker()).await.unwrap();
    let turns: [&[u8]; 7] = [b"/null", b"/topic/a", b"1", b"/topic/b", b"2", b"/topic/a", b"3"];
    first.write_all(&frames(&turns)).await.unwrap();
    let mut second = TcpStream::connect(server.broker()).await.unwrap();
    second.write_all(&frames(&[b"/topic/a", b"/topic/a", b"4"])).await.unwrap();
    ask(&server, "POST", &format!("{TOPIC}/messages"), b"5").await;
    let publishers = async || {
        let detail: Value = ask(&server, "GET", TOPIC, b"").await.json();
        let rows = detail["publishers"].as_array().unwrap().iter();
        let mut rows: Vec<(String, u64)> = rows
            .map(|row| (row["peer"].as_str().unwrap().to_owned(), row["published"].as_u64().unwrap()))
            .collect();
        assert_eq!(detail["n_publishers"], rows.len());
        rows.sort();
        rows
    };
    let address = |stream: &TcpStream| stream.local_addr().unwrap().to_string();
    let mut expected = vec![(address(&first), 2), (address(&second), 1), ("relay".to_owned(), 1)];
    expected.sort();
    eventually("all three", async || (publishers().await == expected).then_some(())).await;
    expected.retain(|(peer, _)| *peer != address(&first));
    drop(first);
    eventually("who has left is not listed", async || (publishers().await == expected).then_some(())).await;
    drop(second);
    server.stop().await;
}

#[tokio::test]
async fn a_large_message_is_published_over_http_within_its_bound() {
    let limits = Limits { http_body_bytes: 1_024, http_publish_bytes: 4_096, ..Limits::default() };
    let server = TestServer::start(limits).await;
    let target = format!("{QUEUE}/messages");
    let (largest, larger) = (vec![b'x'; 4_096], vec![b'x'; 4_097]);
    assert_eq!(ask(&server, "POST", &target, &largest).await.status, 200);
    assert_eq!(refusal(&server, "POST", &target, &larger).await, (413, "too-large".to_owned()));
    // One that does not say its length is read up to the same bound.
    let chunked = |n: usize| format!("{n:x}\r\n{}\r\n0\r\n\r\n", "x".repeat(n));
    for (n, status) in [(4_096, "200"), (4_097, "413")] {
        let mut stream = TcpStream::connect(server.http()).await.unwrap();
        let head = format!(
            "POST {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n",
            server.http()
        );
        stream.write_all((head + &chunked(n)).as_bytes()).await.unwrap();
        let mut status_line = [0; 12];
        stream.read_exact(&mut status_line).await.unwrap();
        assert!(status_line.ends_with(status.as_bytes()), "{}", String::from_utf8_lossy(&status_line));
    }
    let detail: Value = ask(&server, "GET", QUEUE, b"").await.json();
    assert_eq!(detail["row"]["depth"], 2);
    server.stop().await;
}

#[tokio::test]
async fn a_page_watches_one_channel_from_near() {
    let server = TestServer::start(Limits::default()).await;
    let mut page = crate::socket::Page::connect(server.http()).await;
    page.send(json!({"type": "watch_channel", "channel": "/queue/a"})).await;
    let detail = page.next_of("channel_detail").await["detail"].clone();
    assert_eq!(
        (&detail["row"], &detail["n_consumers"], &detail["publishers"]),
        (&json!(null), &json!(0), &json!([]))
    );
    page.ask(json!({"type": "subscribe", "channel": "/queue/a", "mode": "tap"})).await;
    ask(&server, "POST", &format!("{QUEUE}/messages"), b"x").await;
    loop {
        let detail = page.next_of("channel_detail").await["detail"].clone();
        if detail["row"]["depth"] == 1 && detail["n_consumers"] == 1 {
            assert_eq!(
                (&detail["consumers"][0]["peer"], &detail["consumers"][0]["role"]),
                (&json!("relay"), &json!("tap"))
            );
            break;
        }
    }
    page.send(json!({"type": "unwatch_channel"})).await;
    drop(page);
    server.stop().await;
}
