//! The HTTP side: what it is, what it answers, and that the description of the API tells the truth.

use serde_json::Value;
use signalbox::limits::{self, Limits};
use signalbox_shared::PROTOCOL_VERSION;
use signalbox_shared::api::{Channels, Info};

use crate::support::{Answer, TestServer, eventually, http};

async fn get(server: &TestServer, target: &str) -> Answer {
    http(server.http(), "GET", target, &[], b"").await
}

#[tokio::test]
async fn a_fresh_relay_is_alive_ready_and_says_what_it_is() {
    let server = TestServer::start(Limits::default()).await;
    assert_eq!(get(&server, "/healthz").await.status, 200);
    let ready = get(&server, "/readyz").await;
    assert_eq!((ready.status, ready.text().as_str()), (200, "ready\n"));

    let info: Info = get(&server, "/api/info").await.json();
    assert_eq!(info.protocol, PROTOCOL_VERSION);
    assert_eq!(info.limits.len(), limits::TABLE.len());
    assert_eq!(info.collector.accepted, 0);
    let broker = info.services.iter().find(|service| service.name == "broker").unwrap();
    assert_eq!(broker.addresses, [server.broker().to_string()]);
    let collector = info.services.iter().find(|service| service.name == "collector").unwrap();
    assert!(collector.addresses.is_empty());
    server.stop().await;
}

#[tokio::test]
async fn the_readiness_probe_shows_among_the_channels_with_its_counts() {
    let server = TestServer::start(Limits::default()).await;
    for _ in 0..3 {
        assert_eq!(get(&server, "/readyz").await.status, 200);
    }
    let channels: Channels = get(&server, "/api/channels").await.json();
    // The relay itself watches the marks' channel.
    let [marks, probe] = channels.channels.as_slice() else { panic!("{channels:?}") };
    assert_eq!((marks.name.as_str(), marks.taps), ("/topic/marks", Some(1)));
    assert_eq!(probe.name.as_str(), "/topic/signalbox/ready");
    assert_eq!([probe.in_total, probe.out_total, probe.dropped, probe.unrouted], [3, 3, 0, 0].map(Some));
    eventually("the probes to have left", async || {
        let channels: Channels = get(&server, "/api/channels").await.json();
        (channels.channels[1].subscribers == Some(0)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_description_of_the_api_tells_the_truth() {
    let server = TestServer::start(Limits::default()).await;
    let document: Value = get(&server, "/api/openapi.json").await.json();
    let mut n_checked = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        let content = &item["get"]["responses"]["200"]["content"];
        let needs_database = item["get"]["x-needs-database"] == true;
        if needs_database || content.is_null() || content.get("text/event-stream").is_some() {
            continue;
        }
        let (media_type, told) = content.as_object().unwrap().iter().next().unwrap();
        let answer = get(&server, path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(
            answer.header("content-type").unwrap().starts_with(media_type),
            "{path}: {:?}",
            answer.headers
        );
        if media_type == "application/json" {
            check_schema(&document, &told["schema"], &answer.json(), path);
        }
        n_checked += 1;
    }
    assert_eq!(n_checked, 11);
}

/// The object keys that the schema names are there, and no others.
fn check_schema(document: &Value, schema: &Value, value: &Value, place: &str) {
    let schema = match schema["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
        None => schema,
    };
    if let Some(properties) = schema["properties"].as_object() {
        let object = value.as_object().unwrap_or_else(|| panic!("{place} is no object"));
        for required in schema["required"].as_array().unwrap() {
            assert!(object.contains_key(required.as_str().unwrap()), "{place} lacks {required}");
        }
        for (key, value) in object {
            assert!(properties.contains_key(key), "{place} has {key}, which the document does not name");
            check_schema(document, &properties[key], value, &format!("{place}.{key}"));
        }
    }
    for item in value.as_array().into_iter().flatten() {
        check_schema(document, &schema["items"], item, &format!("{place}[]"));
    }
}

#[tokio::test]
async fn errors_are_problems_with_a_stable_name() {
    let server = TestServer::start(Limits::default()).await;
    for (method, target, status, name) in [
        ("GET", "/api/nothing", 404, "not-found"),
        ("GET", "/missing.js", 404, "not-found"),
        ("DELETE", "/api/info", 405, "method-not-allowed"),
        ("POST", "/feed", 405, "method-not-allowed"),
        ("GET", "/feed?since=yesterday", 400, "bad-request"),
        ("GET", "/api/metrics/history?window=-1", 400, "bad-request"),
        ("GET", "/api/metrics/history?step=x", 400, "bad-request"),
    ] {
        let answer = http(server.http(), method, target, &[], b"").await;
        assert_eq!(answer.status, status, "{method} {target}: {}", answer.text());
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{method} {target}");
        let problem: Value = answer.json();
        assert_eq!(problem["type"], format!("urn:signalbox:problem:{name}"), "{method} {target}");
        assert_eq!(problem["status"], status, "{method} {target}");
        assert!(!problem["detail"].as_str().unwrap().is_empty(), "{method} {target}");
    }
}

#[tokio::test]
async fn the_page_carries_a_strict_policy_and_deep_links_lead_to_it() {
    let dir = std::env::temp_dir().join(format!("signalbox-page-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("index.html"), "<!doctype html><title>page</title>").unwrap();
    std::fs::write(dir.join("boot.js"), "export {};").unwrap();
    let settings =
        signalbox::config::Settings { page_dir: Some(dir.clone()), ..crate::support::quiet_settings() };
    let server = TestServer::start_with(settings).await;

    let page = get(&server, "/").await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html")));
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        policy.contains("default-src 'none'") && policy.contains("script-src 'self' 'wasm-unsafe-eval';"),
        "{policy}"
    );
    assert!(!policy.contains("unsafe-inline"), "{policy}");
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(get(&server, "/boot.js").await.header("content-type"), Some("text/javascript"));

    let deep = get(&server, "/queues/%2Ftopic%2Fa").await;
    assert_eq!((deep.status, deep.header("location")), (307, Some("/#/queues/%2Ftopic%2Fa")));
    assert_eq!(get(&server, "/../Cargo.toml").await.status, 404);
    server.stop().await;
    std::fs::remove_dir_all(dir).unwrap();
}

#[tokio::test]
async fn shutdown_ends_open_feeds_and_sockets() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let server = TestServer::start(Limits::default()).await;
    let mut feed = tokio::net::TcpStream::connect(server.http()).await.unwrap();
    feed.write_all(b"GET /feed HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut head = [0; 12];
    feed.read_exact(&mut head).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 200");
    let (mut socket, _) =
        tokio_tungstenite::connect_async(format!("ws://{}/ws", server.http())).await.unwrap();
    server.stop().await;

    feed.read_to_end(&mut Vec::new()).await.unwrap();
    let close = eventually("the socket to be closed", async || {
        use futures_util::StreamExt as _;
        match socket.next().await {
            Some(Ok(tokio_tungstenite::tungstenite::Message::Close(frame))) => Some(frame),
            Some(Ok(_)) => None,
            other => panic!("no close frame: {other:?}"),
        }
    })
    .await;
    assert_eq!(u16::from(close.unwrap().code), signalbox_shared::socket::close::SHUTDOWN);
}
