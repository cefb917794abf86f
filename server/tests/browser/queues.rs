//! *Queues*: what programs publish over TCP is seen in the tail, and what the page publishes reaches them.

use crate::support::browser::Browser;
use crate::support::eventually;
use crate::support::peers::{Publisher, Subscriber};
use crate::support::relay::Relay;

#[tokio::test]
async fn messages_of_a_program_are_seen_in_order_and_counted() {
    let relay = Relay::start().await;
    let browser = Browser::start().await;
    browser.open(&relay.url("/#/queues")).await;
    browser.until_text(".channel-panel .empty code", "signalbox send").await;

    let mut publisher = Publisher::connect(&relay.ports).await;
    publisher.publish("/topic/news", b"before anyone looked").await;
    browser.choose_channel("/topic/news").await;
    for number in 1..=20 {
        publisher.publish("/topic/news", format!("message {number}").as_bytes()).await;
    }
    let expected: Vec<String> = (1..=20).map(|number| format!("message {number}")).collect();
    eventually("the tail shows all twenty in order", async || {
        (browser.texts(".tail-row .tail-text").await == expected).then_some(())
    })
    .await;
    assert_eq!(browser.accounts().await, [("received", 20), ("shown", 20), ("filtered", 0), ("skipped", 0)]);
    browser.expect_no_errors(false).await;
}

#[tokio::test]
async fn a_burst_is_accounted_for_to_the_last_message() {
    const N: u64 = 20_000;
    let relay = Relay::start().await;
    let mut publisher = Publisher::connect(&relay.ports).await;
    let browser = Browser::start().await;
    browser.open(&relay.url("/#/queues/%2Ftopic%2Fburst")).await;
    browser.until_subscribed().await;
    for number in 0..N {
        publisher.publish("/topic/burst", format!("{number}").as_bytes()).await;
    }
    eventually("every message is accounted for", async || {
        browser.accounts().await.first().filter(|(_, received)| *received == N).copied()
    })
    .await;
    let accounts = browser.accounts().await;
    let parts: u64 = accounts[1..].iter().map(|(_, n)| n).sum();
    assert_eq!(parts, N, "received = shown + filtered + skipped: {accounts:?}");
    browser.until_some(".tail-text", &(N - 1).to_string()).await;
    browser.expect_no_errors(false).await;
}

#[tokio::test]
async fn what_the_page_publishes_is_acknowledged_and_arrives() {
    let relay = Relay::start().await;
    let mut subscriber = Subscriber::connect(&relay.ports, "/queue/jobs").await;
    let browser = Browser::start().await;
    browser.open(&relay.url("/#/queues")).await;
    browser.until_live("socket").await;
    browser.fill(".publish input[name=channel]", "/queue/jobs").await;
    browser.fill(".publish textarea", "from the page: żółw").await;
    browser.click(".publish button[type=submit]").await;
    assert_eq!(subscriber.next().await, "from the page: żółw".as_bytes());
    browser.until_text(".outcomes li[data-outcome=done]", "/queue/jobs").await;
    browser.expect_no_errors(false).await;
}

#[tokio::test]
async fn looking_takes_nothing_away() {
    let relay = Relay::start().await;
    let mut publisher = Publisher::connect(&relay.ports).await;
    let browser = Browser::start().await;
    browser.open(&relay.url("/#/queues/%2Fqueue%2Fjobs")).await;
    browser.until_subscribed().await;
    publisher.publish("/queue/jobs", b"to be done once").await;
    browser.until_text(".tail-text", "to be done once").await;
    let mut worker = Subscriber::connect(&relay.ports, "/queue/jobs").await;
    assert_eq!(worker.next().await, b"to be done once");
    browser.expect_no_errors(false).await;
}
