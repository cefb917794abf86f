//! *Metrics* with agents that do it wrong: what was refused, whose clock differs, and who is gone, is told where one looks.

use serde_json::json;

use crate::support::browser::Browser;
use crate::support::eventually;
use crate::support::peers::Pusher;
use crate::support::relay::Relay;

/// A sample of an agent whose clock is so many minutes behind.
fn sample(color: &str, minutes_behind: i64) -> Vec<u8> {
    let timestamp = jiff::Timestamp::now() - jiff::SignedDuration::from_mins(minutes_behind);
    json!({ "color": color, "timestamp": timestamp.to_string(), "cpu": 12.5, "mem": 64 }).to_string().into()
}

#[tokio::test]
async fn what_was_refused_is_told_where_one_waits_for_the_first_sample() {
    let relay = Relay::start().await;
    let pusher = Pusher::connect(&relay.ports);
    let browser = Browser::start().await;
    browser.open(&relay.url("/")).await;
    browser.until_text(".empty code", "signalbox agent").await;
    assert_eq!(browser.count(".refusals").await, 0);

    pusher.push(br#"{"color":"red","timestamp":"yesterday","cpu":1,"mem":2}"#);
    pusher.push(b"<b>no JSON</b>");
    browser.until_text(".refused-note", "2 refused").await;
    browser.click(".refused-note").await;
    browser.until_some(".refusals li", "\"timestamp\" is not an ISO 8601 time with offset").await;
    browser.until_some(".refusals pre", "<b>no JSON</b>").await;
    assert_eq!(browser.count(".refusals b").await, 0, "what others send is text");

    // With the first good sample it stays, below the agents.
    pusher.push(&sample("red", 0));
    browser.until_text("tr[data-state=live] .agent-name", "red").await;
    browser.until_text(".refused-note", "2 refused").await;
    browser.until_some(".refusals pre", "yesterday").await;
    browser.expect_no_errors(false).await;
}

#[tokio::test]
async fn a_clock_that_differs_is_told_beside_the_agent() {
    let relay = Relay::start().await;
    let pusher = Pusher::connect(&relay.ports);
    let browser = Browser::start().await;
    browser.open(&relay.url("/")).await;
    browser.until_live("feed").await;
    eventually("late is behind, early is ahead, and red is right", async || {
        for (color, minutes_behind) in [("red", 0), ("late", 60), ("early", -10)] {
            pusher.push(&sample(color, minutes_behind));
        }
        let rows = browser.texts(".agents tbody tr").await;
        let clock =
            |color: &str| rows.iter().find(|row| row.contains(color)).map(|row| row.contains("clock"));
        let says = |text: &str| rows.iter().any(|row| row.contains(text));
        let is_told = says("clock 60\u{202f}min behind") && says("min ahead");
        (is_told && clock("red") == Some(false)).then_some(())
    })
    .await;
    browser.expect_no_errors(false).await;
}
