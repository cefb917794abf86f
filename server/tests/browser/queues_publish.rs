//! *Queues*: what the page publishes, over the relay's own broker and over a plain one elsewhere: answers, files,
//! repetition, messages sent again, exports, and what the administrator has turned off.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::queues_tail::over_both;
use crate::support::browser::Browser;
use crate::support::engines::{Engine, House};
use crate::support::eventually;
use crate::support::peers::{Publisher, Subscriber};

const CHANNEL: &str = "/topic/work";
const ADDRESS: &str = "/#/queues/%2Ftopic%2Fwork?tab=publish";

over_both!(
    what_is_published_is_answered_and_arrives,
    a_file_larger_than_a_socket_message_is_posted,
    a_message_is_edited_and_sent_again
);

/// A subscriber that is known to receive: a plain broker does not say when a subscription stands.
async fn subscriber(house: &House, channel: &str) -> Subscriber {
    let mut subscriber = Subscriber::connect(&house.relay.ports, channel).await;
    let mut publisher = Publisher::connect(&house.relay.ports).await;
    eventually("the subscription stands", async || {
        publisher.publish(channel, b"probe").await;
        subscriber.has_next().await.then_some(())
    })
    .await;
    publisher.publish(channel, b"begin").await;
    while subscriber.next().await != b"begin" {}
    subscriber
}

/// The word of an acknowledgement: a broker elsewhere does not tell to whom a message went.
fn taken(engine: Engine) -> &'static str {
    match engine {
        Engine::Embedded => "queued for 1 subscriber",
        Engine::Elsewhere => "sent, this broker does not tell to whom",
    }
}

async fn what_is_published_is_answered_and_arrives(engine: Engine) {
    let house = House::start_with(engine, &["--broker-frame-bytes", "10000"]).await;
    let mut reader = subscriber(&house, CHANNEL).await;
    let browser = Browser::start().await;
    browser.open(&house.relay.url(ADDRESS)).await;
    browser.until_live("socket").await;
    for (kind, text, data) in [
        ("Text", "żółw", "żółw".as_bytes()),
        ("JSON", "{\"a\": 1}", b"{\"a\": 1}"),
        ("Hex", "00 ff 10", b"\x00\xff\x10"),
    ] {
        browser.click_text(".publish .segments button", kind).await;
        browser.fill(".publish textarea", text).await;
        browser.click(".publish button[type=submit]").await;
        assert_eq!(reader.next().await, data, "{kind}");
    }
    eventually("all three are acknowledged", async || {
        let outcomes = browser.texts(".outcomes li[data-outcome=done] span").await;
        (outcomes.len() == 3 && outcomes.iter().all(|text| text.contains(taken(engine)))).then_some(())
    })
    .await;
    // Over the frame limit, and still a socket message.
    browser.click_text(".publish .segments button", "Text").await;
    let set = "const area = document.querySelector('.publish textarea'); area.value = 'x'.repeat(20000);
               area.dispatchEvent(new Event('input', { bubbles: true }))";
    browser.run(set, vec![]).await;
    browser.click(".publish button[type=submit]").await;
    let refused = browser.until_text(".outcomes li[data-outcome=refused]", "refused").await;
    assert!(refused.contains("over the limit of 10000 bytes"), "{refused}");
    // What was sent once is there to be used again.
    browser.click(".outcomes li:last-child button").await;
    eventually("the form holds it again", async || {
        let text = browser.run("return document.querySelector('.publish textarea').value", vec![]).await;
        (text == "żółw").then_some(())
    })
    .await;
    browser.expect_no_errors(false).await;
}

async fn a_file_larger_than_a_socket_message_is_posted(engine: Engine) {
    let house = House::start(engine).await;
    let mut reader = subscriber(&house, CHANNEL).await;
    let browser = Browser::start().await;
    browser.open(&house.relay.url(ADDRESS)).await;
    browser.until_live("socket").await;
    let data: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    let folder = Folder::new();
    let file = folder.0.join("large.bin");
    std::fs::write(&file, &data).expect("a temporary file can be written");
    browser.click_text(".publish .segments button", "File").await;
    browser.upload(".publish input[type=file]", &file).await;
    browser.until_some(".publish .quiet-note", "large.bin").await;
    browser.click(".publish button[type=submit]").await;
    assert!(reader.next().await == data, "every byte arrives");
    browser.until_text(".outcomes li[data-outcome=done]", taken(engine)).await;
    // The same again and again, each after the answer to the one before it.
    browser.click(".repeat summary").await;
    browser.fill("[name=times]", "3").await;
    browser.fill("[name=rate]", "100").await;
    browser.click("[name=start]").await;
    browser.until_text(".repeat-state", "3 of 3 sent, 3 acknowledged").await;
    for _ in 0..3 {
        assert!(reader.next().await == data);
    }
    browser.expect_no_errors(false).await;
}

async fn a_message_is_edited_and_sent_again(engine: Engine) {
    let house = House::start(engine).await;
    let mut publisher = Publisher::connect(&house.relay.ports).await;
    let browser = Browser::start().await;
    let tail = house.relay.url("/#/queues/%2Ftopic%2Fwork");
    browser.open_tail(&tail, &mut publisher, CHANNEL).await;
    publisher.publish(CHANNEL, br#"{"job":7,"state":"failed"}"#).await;
    browser.until_tail(&[r#"{"job":7,"state":"failed"}"#]).await;
    browser.click(".tail-row").await;
    browser.click_text(".detail-actions button", "Edit and resend …").await;
    eventually("the form holds the message", async || {
        let text = browser.run("return document.querySelector('.publish textarea')?.value", vec![]).await;
        text.as_str().is_some_and(|text| text.contains("failed")).then_some(())
    })
    .await;
    browser.fill(".publish textarea", r#"{"job":7,"state":"again"}"#).await;
    browser.click(".publish button[type=submit]").await;
    browser.until_text(".outcomes li[data-outcome=done]", CHANNEL).await;
    browser.click_text(".tail-head .segment", "Messages").await;
    browser.until_some(".tail-text", "again").await;
    browser.expect_no_errors(false).await;
}

#[tokio::test]
async fn a_repetition_is_stopped_and_its_accounts_are_exact() {
    let house = House::start(Engine::Embedded).await;
    let mut reader = subscriber(&house, CHANNEL).await;
    let browser = Browser::start().await;
    browser.open(&house.relay.url(ADDRESS)).await;
    browser.until_live("socket").await;
    browser.fill(".publish textarea", "tick").await;
    browser.click(".repeat summary").await;
    browser.fill("[name=times]", "100000").await;
    browser.fill("[name=rate]", "50").await;
    browser.click("[name=start]").await;
    for _ in 0..5 {
        assert_eq!(reader.next().await, b"tick");
    }
    browser.click("[name=stop]").await;
    let state = eventually("every answer has come", async || {
        let text = browser.text(".repeat-state").await?;
        (text.contains("stopped") && !text.contains("waiting")).then_some(text)
    })
    .await;
    let n_sent: u64 = state.split(' ').next().expect("a figure").replace(',', "").parse().expect("a figure");
    assert!(state.contains(&format!("{n_sent} acknowledged")), "{state}");
    let mut publisher = Publisher::connect(&house.relay.ports).await;
    publisher.publish(CHANNEL, b"end").await;
    let mut n_came = 5;
    while reader.next().await == b"tick" {
        n_came += 1;
    }
    assert_eq!(n_came, n_sent);
    browser.expect_no_errors(false).await;
}

#[tokio::test]
async fn a_channel_names_who_receives_and_who_publishes() {
    let house = House::start(Engine::Embedded).await;
    let _reader = subscriber(&house, CHANNEL).await;
    let mut publisher = Publisher::connect(&house.relay.ports).await;
    publisher.publish(CHANNEL, b"1").await;
    publisher.publish("/topic/other", b"2").await;
    publisher.publish(CHANNEL, b"3").await;
    let browser = Browser::start().await;
    browser.open(&house.relay.url("/#/queues/%2Ftopic%2Fwork?tab=channel")).await;
    let address = publisher.address();
    let row = format!("{address} 2 ");
    eventually("the publisher stands there with its two messages", async || {
        let rows = browser.texts("[aria-labelledby=publishers-title] tbody tr").await;
        let rows: Vec<String> = rows.iter().map(|row| row.replace(['\t', '\n'], " ")).collect();
        rows.iter().any(|found| found.starts_with(&row)).then_some(())
    })
    .await;
    browser.until_some("[aria-labelledby=consumers-title] tbody tr", "subscriber").await;
    drop(publisher);
    eventually("whoever has left is listed no more", async || {
        let rows = browser.texts("[aria-labelledby=publishers-title] tbody tr").await;
        (!rows.iter().any(|row| row.contains(&address))).then_some(())
    })
    .await;
    browser.expect_no_errors(false).await;
}

#[tokio::test]
async fn what_is_shown_is_exported() {
    let house = House::start(Engine::Embedded).await;
    let mut publisher = Publisher::connect(&house.relay.ports).await;
    let browser = Browser::start().await;
    let folder = Folder::new();
    let behavior = serde_json::json!({ "behavior": "allow", "downloadPath": folder.0.display().to_string() });
    browser.devtools("Browser.setDownloadBehavior", behavior).await;
    browser.open(&house.relay.url("/#/queues/%2Ftopic%2Fwork")).await;
    browser.until_subscribed().await;
    publisher.publish(CHANNEL, b"a \"quoted\" text").await;
    publisher.publish(CHANNEL, b"\xff\xfe").await;
    browser.until_tail(&["a \"quoted\" text", "//4="]).await;
    let saved = async |ending: &str| {
        eventually(&format!("a file that ends with {ending}"), async || {
            let entries = std::fs::read_dir(&folder.0).ok()?.flatten();
            let found =
                entries.map(|entry| entry.path()).find(|path| path.to_string_lossy().ends_with(ending))?;
            std::fs::read_to_string(found).ok().filter(|text| !text.is_empty())
        })
        .await
    };
    browser.click_text(".export button", "NDJSON").await;
    let lines: Vec<serde_json::Value> = saved(".ndjson")
        .await
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["payload"]["text"], "a \"quoted\" text");
    assert_eq!(lines[1]["payload"]["base64"], "//4=");
    browser.click_text(".export button", "CSV").await;
    let csv = saved(".csv").await;
    assert!(csv.contains("\"a \"\"quoted\"\" text\"") && csv.lines().count() == 3, "{csv}");
    browser.expect_no_errors(false).await;
}

#[tokio::test]
async fn what_is_forbidden_is_neither_shown_nor_done() {
    let house = House::start_with(Engine::Embedded, &["--read-only"]).await;
    let mut publisher = Publisher::connect(&house.relay.ports).await;
    publisher.publish("/queue/jobs", b"waits").await;
    let browser = Browser::start().await;
    browser.open(&house.relay.url("/#/queues/%2Fqueue%2Fjobs?tab=publish")).await;
    browser.until_subscribed().await;
    publisher.publish("/queue/jobs", b"is seen").await;
    browser.until_some(".tail-text", "is seen").await;
    assert_eq!(browser.count(".publish, .publish-link, .button.switch").await, 0);
    assert_eq!(browser.texts(".tail-head .segment").await, ["Messages", "Channel"]);
    browser.click_text(".tail-head .segment", "Channel").await;
    browser.until_some(".channel-page h3", "Limits").await;
    assert_eq!(browser.count(".purge").await, 0);
    let ask = "const [method, body] = arguments;
               return fetch('/api/channels/%2Fqueue%2Fjobs/messages', { method, body }).then((a) => a.status)";
    assert_eq!(browser.run(ask, vec!["POST".into(), "x".into()]).await, 403);
    assert_eq!(browser.run(ask, vec!["DELETE".into(), serde_json::Value::Null]).await, 403);
    browser.expect_no_errors(true).await;
}

/// A folder among the temporary ones, removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static N_MADE: AtomicU32 = AtomicU32::new(0);
        let number = N_MADE.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("signalbox-browser-files-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder for temporary files can be written to");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0); // It lies among temporary files.
    }
}
