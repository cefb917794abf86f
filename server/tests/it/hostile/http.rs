//! Attacks on the HTTP side.

use signalbox::limits::Limits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{DEADLINE, TestServer, eventually, http};

async fn still_answers(server: &TestServer) {
    assert_eq!(http(server.http(), "GET", "/healthz", &[], b"").await.status, 200);
}

/// DNS rebinding: a name of the attacker's that resolves to loopback makes the victim's browser talk to us.
#[tokio::test]
async fn a_foreign_host_is_refused() {
    let server = TestServer::start(Limits::default()).await;
    for target in ["/api/info", "/api/channels", "/feed", "/ws", "/metrics"] {
        let answer = http(server.http(), "GET", target, &["Host: rebound.attacker.example:8088"], b"").await;
        assert_eq!(answer.status, 403, "{target}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{target}");
    }
}

/// Another site's script: the browser tells its origin, which is not ours; a WebSocket has no other protection.
#[tokio::test]
async fn a_foreign_origin_is_refused_before_the_handshake() {
    let server = TestServer::start(Limits::default()).await;
    let handshake = [
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Origin: https://attacker.example",
    ];
    for target in ["/ws", "/feed", "/api/info"] {
        let answer = http(server.http(), "GET", target, &handshake, b"").await;
        assert_eq!(answer.status, 403, "{target}");
        assert_eq!(answer.header("access-control-allow-origin"), None, "{target}");
    }
    let answer = http(server.http(), "GET", "/api/info", &["Origin: http://localhost:8080"], b"").await;
    assert_eq!(answer.header("access-control-allow-origin"), Some("http://localhost:8080"));
}

/// Slow loris: heads that never end would hold every connection.
#[tokio::test]
async fn a_head_that_does_not_end_is_cut_off() {
    let server = TestServer::start(Limits { http_header_millis: 100, ..Limits::default() }).await;
    let mut slow = TcpStream::connect(server.http()).await.unwrap();
    slow.write_all(b"GET /api/info HTTP/1.1\r\nHost: loc").await.unwrap();
    let read = tokio::time::timeout(DEADLINE, slow.read_to_end(&mut Vec::new())).await;
    read.expect("the relay to give up").unwrap();
    still_answers(&server).await;
}

/// A head of a megabyte would be buffered whole.
#[tokio::test]
async fn a_huge_head_is_refused() {
    let server = TestServer::start(Limits::default()).await;
    let mut stream = TcpStream::connect(server.http()).await.unwrap();
    let head = format!("GET / HTTP/1.1\r\nHost: localhost\r\nX-Padding: {}\r\n\r\n", "a".repeat(1 << 20));
    // The relay may close before it has read all of it; what it says first is what counts.
    let _ = stream.write_all(head.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 431"), "{}", String::from_utf8_lossy(&answer));
    still_answers(&server).await;
}

/// Garbage where HTTP is due.
#[tokio::test]
async fn garbage_harms_nobody() {
    let server = TestServer::start(Limits::default()).await;
    for bytes in [&b"\x16\x03\x01\x02\x00\x01\x00"[..], b"\0\0\0\x05hello", b"CONNECT ada\n", &[0xff; 4096]] {
        let mut stream = TcpStream::connect(server.http()).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let _ = stream.shutdown().await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
    }
    still_answers(&server).await;
}

/// More connections than the bound: the next one waits in the kernel's queue until a slot is free, nobody is cut.
#[tokio::test]
async fn connections_over_the_bound_wait() {
    let server = TestServer::start(Limits { http_connections: 16, ..Limits::default() }).await;
    let mut idle = Vec::new();
    for _ in 0..16 {
        let mut stream = TcpStream::connect(server.http()).await.unwrap();
        stream.write_all(b"GET /feed HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        stream.read_exact(&mut [0; 12]).await.unwrap();
        idle.push(stream);
    }
    let mut waiting = TcpStream::connect(server.http()).await.unwrap();
    waiting
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    idle.pop();
    let answer = eventually("the waiting request to be answered", async || {
        let mut answer = Vec::new();
        waiting.read_to_end(&mut answer).await.ok().map(|_| answer)
    })
    .await;
    assert!(answer.starts_with(b"HTTP/1.1 200"));
}
