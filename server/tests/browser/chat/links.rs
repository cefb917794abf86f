//! From the room to the fleet: a line that leads to a chart at a moment, and links that open what they name.

use crate::support::browser::Browser;
use crate::support::eventually;
use crate::support::peers::{Agent, ChatUser};
use crate::support::relay::Relay;

#[tokio::test]
async fn a_graph_leads_everybody_to_that_chart_at_that_moment() {
    let relay = Relay::start().await;
    let (_red, _blue) = (Agent::start(&relay.ports, "red"), Agent::start(&relay.ports, "blue"));
    let browser = Browser::start().await;
    browser.open(&relay.url("/#/metrics")).await;
    browser.until_some("tr[data-state=live] .agent-name", "red").await;
    browser.until_some("tr[data-state=live] .agent-name", "blue").await;
    browser.go("#/chat").await;
    browser.join_chat("grace").await;
    let mut ada = ChatUser::join(&relay.ports, "ada").await;

    browser.say("/graph nobody mem").await;
    browser.until_some(".form-error", "There is no agent \"nobody\": blue, red").await;
    browser.say("/graph red speed").await;
    browser.until_some(".form-error", "There is no metric \"speed\": cpu, mem").await;
    browser.say("/graph red mem").await;
    let line = ada.hears("grace: red mem at ").await;
    let link = line.split_whitespace().last().expect("a line has words");
    assert!(link.starts_with(&relay.url("/#/metrics?")), "{line}");

    // A click in the page, and somebody else who pastes the line's link.
    browser.click("article .line-text a").await;
    let other = Browser::start().await;
    other.open(link).await;
    for browser in [&browser, &other] {
        browser.until_text(".metrics-state", "Paused at").await;
        browser.until_text(".chart-panel.linked[data-metric=mem]", "").await;
        assert_eq!(browser.count(".chart-panel.linked").await, 1);
        eventually("only red is drawn", async || {
            let drawn = browser.texts(".chart-panel.linked [aria-pressed=true] .chart-name").await;
            (drawn == ["red"]).then_some(())
        })
        .await;
        assert_eq!(browser.run("return location.href", vec![]).await, link);
        browser.expect_no_errors(false).await;
    }
    let states = [browser.text(".metrics-state").await, other.text(".metrics-state").await];
    let moment =
        |state: &Option<String>| state.as_deref().map(|text| text.split(',').next().map(str::to_owned));
    assert_eq!(moment(&states[0]), moment(&states[1]));
}

#[tokio::test]
async fn a_pasted_link_opens_the_same_view_in_the_same_tab() {
    let relay = Relay::start().await;
    let browser = Browser::start().await;
    browser.open(&relay.url("/#/chat")).await;
    browser.join_chat("grace").await;
    browser.run("window.__mark = 'still the same page'", vec![]).await;
    let mut ada = ChatUser::join(&relay.ports, "ada").await;
    ada.say(&format!("look: {}", relay.url("/#/queues/%2Ftopic%2Fnews"))).await;
    browser.click("article .line-text a").await;
    browser.until_text(".tail-panel h2", "/topic/news").await;
    assert_eq!(browser.run("return window.__mark", vec![]).await, "still the same page");
    browser.expect_no_errors(false).await;
}
