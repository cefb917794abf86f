//! Page and relay apart: the page's files on any static host, and a relay that names that host's origin.

use crate::support::browser::Browser;
use crate::support::peers::{Agent, Publisher, StaticHost};
use crate::support::relay::Relay;
use crate::support::{http, page_dir};

#[tokio::test]
async fn a_page_on_a_static_host_shows_the_relay_that_allows_it() {
    let host = StaticHost::start(&page_dir()).await;
    let origin = format!("http://127.0.0.1:{}", host.port);
    let relay = Relay::start_with(&["--allow-origin", &origin]).await;
    let _agent = Agent::start(&relay.ports, "blue");
    let mut publisher = Publisher::connect(&relay.ports).await;
    let browser = Browser::start().await;
    let page = format!("{origin}/?relay={}", relay.url("").trim_end_matches('/'));
    browser.open(&format!("{page}#/metrics")).await;
    browser.until_live("feed").await;
    browser.until_live("socket").await;
    browser.until_text("tr[data-state=live] .agent-name", "blue").await;
    browser.until_text(".notice", &relay.ports.http.to_string()).await;
    browser.go("#/queues/%2Ftopic%2Fnews").await;
    browser.until_subscribed().await;
    publisher.publish("/topic/news", b"across origins").await;
    browser.until_text(".tail-text", "across origins").await;
    browser.expect_no_errors(false).await;
}

#[tokio::test]
async fn a_page_of_another_origin_is_told_nothing() {
    let relay = Relay::start().await;
    let origin = "Origin: https://attacker.example";
    let answer = http::get(relay.ports.http, "/api/info", &[origin]).await.expect("the relay answers");
    assert_eq!(answer.headers.get("access-control-allow-origin"), None);
    let upgrade = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"];
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    let answer = http::get(relay.ports.http, "/ws", &[&upgrade[..], &[key, origin]].concat()).await;
    assert_eq!(answer.map(|answer| answer.status), Some(403));
}
