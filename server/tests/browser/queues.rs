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
    browser.until_live("socket").await;

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

#[tokio::test]
async fn a_large_message_is_read_in_pieces_to_its_end() {
    let relay = Relay::start().await;
    let mut publisher = Publisher::connect(&relay.ports).await;
    let browser = Browser::start().await;
    browser.open(&relay.url("/#/queues/%2Ftopic%2Flarge")).await;
    browser.until_subscribed().await;
    let items: Vec<String> = (0..30_000).map(|n| format!("{{\"n\":{n},\"text\":\"train\"}}")).collect();
    let json = format!("[{}]", items.join(","));
    publisher.publish("/topic/large", json.as_bytes()).await;
    browser.until_some(".tail-text", "train").await;
    browser.click(".tail-row").await;
    browser.until_text(".rest", "here").await;
    browser.until_text(".payload", "\"n\": 0").await;
    browser.click(".rest button").await;
    eventually("all of it is here", async || (browser.count(".rest").await == 0).then_some(())).await;
    let to_end = "const list = document.querySelector('.payload'); list.scrollTop = list.scrollHeight";
    eventually("its last line is laid out", async || {
        browser.run(to_end, vec![]).await;
        browser.text(".payload").await.filter(|text| text.contains("\"n\": 29999"))
    })
    .await;
    browser.expect_no_errors(false).await;
}

#[tokio::test]
async fn a_queue_is_purged_only_under_its_name() {
    let relay = Relay::start().await;
    let mut publisher = Publisher::connect(&relay.ports).await;
    for _ in 0..3 {
        publisher.publish("/queue/old", b"stale").await;
    }
    let browser = Browser::start().await;
    browser.open(&relay.url("/#/queues/%2Fqueue%2Fold?tab=channel")).await;
    browser.until_text(".purge", "3 messages wait").await;
    browser.fill(".purge input", "/queue/ol").await;
    assert_eq!(browser.count(".purge button:disabled").await, 1);
    browser.fill(".purge input", "/queue/old").await;
    browser.click(".purge button").await;
    browser.until_text(".purge", "0 messages wait").await;
    browser.expect_no_errors(false).await;
}

#[tokio::test]
async fn a_message_is_repeated_and_every_answer_counted() {
    let relay = Relay::start().await;
    let mut subscriber = Subscriber::connect(&relay.ports, "/topic/again").await;
    let browser = Browser::start().await;
    browser.open(&relay.url("/#/queues/%2Ftopic%2Fagain?tab=publish")).await;
    browser.until_live("socket").await;
    browser.fill(".publish textarea", "tick").await;
    browser.click(".repeat summary").await;
    browser.fill("[name=times]", "12").await;
    browser.fill("[name=rate]", "50").await;
    browser.click("[name=start]").await;
    browser.until_text(".repeat-state", "12 of 12 sent, 12 acknowledged").await;
    for _ in 0..12 {
        assert_eq!(subscriber.next().await, b"tick");
    }
    browser.expect_no_errors(false).await;
}

#[tokio::test]
async fn a_wrong_draft_says_where_and_is_not_sent() {
    let relay = Relay::start().await;
    let browser = Browser::start().await;
    browser.open(&relay.url("/#/queues/%2Ftopic%2Fa?tab=publish")).await;
    browser.until_live("socket").await;
    browser.click(".publish .segments button:nth-child(2)").await;
    browser.fill(".publish textarea", "{\"a\": x}").await;
    browser.until_text("#publish-fault", "line 1, column 7").await;
    browser.click(".publish button[type=submit]").await;
    browser.until_text(".publish [role=alert]", "not JSON").await;
    // What is sent is told a frame later than what is wrong.
    browser.until_painted().await;
    assert_eq!(browser.count(".outcomes li").await, 0);
    browser.expect_no_errors(false).await;
}
