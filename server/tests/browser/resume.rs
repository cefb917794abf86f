//! Coming back: after the relay died, and after the connection was cut, every stream goes on by itself.

use serde_json::Value;

use crate::support::browser::Browser;
use crate::support::cut::Cut;
use crate::support::eventually;
use crate::support::peers::{Agent, ChatUser, Publisher};
use crate::support::relay::Relay;

/// Set before the relay goes away; a page that was loaded again has lost it.
const MARK: &str = "window.__mark = 'still the same page'";

#[tokio::test]
async fn every_stream_comes_back_after_the_relay_was_killed() {
    let mut relay = Relay::start().await;
    let _agent = Agent::start(&relay.ports, "red");
    let mut publisher = Publisher::connect(&relay.ports).await;
    let browser = Browser::start().await;
    browser.open(&relay.url("/#/chat")).await;
    browser.join_chat("grace").await;
    browser.go("#/queues/%2Ftopic%2Fnews").await;
    browser.until_subscribed().await;
    publisher.publish("/topic/news", b"before").await;
    browser.until_text(".tail-text", "before").await;
    browser.run(MARK, vec![]).await;

    relay.kill().await;
    browser.until_not_live("feed").await;
    browser.until_not_live("socket").await;
    relay.start_again().await;
    browser.until_live("feed").await;
    browser.until_live("socket").await;

    // The tail: what was shown stays, everything published from now on follows, and the accounts of the new
    // subscription are exact.
    browser.until_subscribed().await;
    let mut publisher = Publisher::connect(&relay.ports).await;
    for number in 1..=5 {
        publisher.publish("/topic/news", format!("after {number}").as_bytes()).await;
    }
    browser.until_some(".tail-text", "after 5").await;
    let shown: Vec<String> = browser.texts(".tail-row:not(.mark) .tail-text").await;
    assert_eq!(shown, ["before", "after 1", "after 2", "after 3", "after 4", "after 5"]);
    let accounts = browser.accounts().await;
    assert_eq!(accounts, [("received", 5), ("shown", 5), ("filtered", 0), ("skipped", 0)]);

    // The metrics: the agent has found the new collector, and its values move on the page, which says that the relay
    // knows nothing of what was before.
    browser.go("#/metrics").await;
    browser.until_text("tr[data-state=live] .agent-name", "red").await;
    browser.until_text(".metrics .page-head", "the relay's history began anew at").await;
    eventually("every chart has a mark there", async || {
        let n_pins = browser.count(".chart-pin").await;
        (2 <= n_pins && n_pins == browser.count(".chart").await).then_some(())
    })
    .await;
    // The chat: in the room again under the same name, in both directions.
    browser.go("#/chat").await;
    let mut ada = ChatUser::join(&relay.ports, "ada").await;
    browser.until_some(".people li", "ada").await;
    browser.until_some(".people li", "grace").await;
    ada.say("are you still there").await;
    browser.until_some(".line-text", "are you still there").await;
    browser.say("I never left").await;
    assert_eq!(ada.hears("I never left").await, "grace: I never left");

    assert_eq!(browser.run("return window.__mark", vec![]).await, Value::from("still the same page"));
    browser.expect_no_errors(true).await;
}

#[tokio::test]
async fn a_cut_connection_leaves_no_hole() {
    let relay = Relay::start().await;
    let cut = Cut::before(relay.ports.http).await;
    let mut ada = ChatUser::join(&relay.ports, "ada").await;
    let browser = Browser::start().await;
    browser.open(&cut.url("/#/chat")).await;
    browser.join_chat("grace").await;
    ada.hears("grace connected!").await;
    ada.say("line 0").await;
    browser.until_some(".line-text", "line 0").await;
    browser.run(MARK, vec![]).await;

    cut.cut();
    browser.until_not_live("feed").await;
    browser.until_not_live("socket").await;
    for number in 1..=20 {
        ada.say(&format!("line {number}")).await;
        ada.hears(&format!("line {number}")).await;
    }
    cut.mend();
    browser.until_live("feed").await;
    browser.until_live("socket").await;
    let expected: Vec<String> = (0..=20).map(|number| format!("line {number}")).collect();
    eventually("the room shows every line once, in order", async || {
        (browser.texts(".line:not(.note) .line-text").await == expected).then_some(())
    })
    .await;
    assert_eq!(browser.run("return window.__mark", vec![]).await, Value::from("still the same page"));
    browser.expect_no_errors(true).await;
}
