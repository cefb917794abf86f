//! The queues view in a real browser.

use crate::support::{Page, eventually};
use signalbox_frontend::state::route::View;
use signalbox_frontend::state::tail::ITEMS_MAX;
use signalbox_shared::socket::{TailAccounts, TailMessage, TailMode};
use signalbox_shared::{ChannelName, Payload};
use wasm_bindgen_test::wasm_bindgen_test;

fn channel(name: &str) -> ChannelName {
    name.parse().unwrap()
}

/// A page that shows the tail of `name`.
fn open(name: &str) -> Page {
    let channel = channel(name);
    let page = Page::open(View::Queues(Some(channel.clone())));
    page.control().open_tail(&channel);
    page
}

fn message(seq: u64, payload: Payload) -> TailMessage {
    TailMessage { seq, at_ms: 0, size_bytes: 5, payload, is_cut: false }
}

fn receive(page: &Page, from: u64, texts: &[&str]) {
    let numbered = texts.iter().zip(from..);
    let messages: Vec<_> = numbered.map(|(text, seq)| message(seq, Payload::Text((*text).into()))).collect();
    let received = from + messages.len() as u64 - 1;
    let accounts = TailAccounts { received, shown: received, filtered: 0, skipped: 0, unjudged: 0 };
    page.control().update_tail(|tail| tail.apply(messages, accounts));
}

#[wasm_bindgen_test]
async fn payloads_and_names_are_text_whatever_they_hold() {
    let hostile = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>";
    let page = open(&format!("/topic/{hostile}"));
    receive(&page, 1, &[hostile, "\u{202e}}{\"\\u0000\n\u{1b}[2J"]);
    eventually("both rows stand", || page.count(".tail-row") == 2).await;
    assert_eq!(page.text(".tail-row .tail-text"), hostile);
    assert!(page.text(".tail-panel h2").contains(hostile));
    page.click(".tail-row .tail-button");
    eventually("the whole message stands beside", || page.text(".payload") == hostile).await;
    assert_eq!(page.count("img") + page.count("script"), 0);
    assert_ne!(crate::support::title(), "owned");
}

#[wasm_bindgen_test]
async fn a_long_list_costs_what_a_screen_costs() {
    let page = open("/topic/fast");
    let texts = vec!["x"; ITEMS_MAX + 100];
    receive(&page, 1, &texts);
    eventually("rows stand", || page.count(".tail-row") > 0).await;
    assert!(page.count(".tail-row") < 200, "{} rows", page.count(".tail-row"));
    assert!(page.text(".accounts").contains("received 5,100"), "{}", page.text(".accounts"));
    assert!(page.text(".accounts").contains("no longer kept 100"), "{}", page.text(".accounts"));
}

#[wasm_bindgen_test]
async fn a_pause_holds_the_rows_and_counts_what_comes() {
    let page = open("/topic/a");
    receive(&page, 1, &["one"]);
    eventually("the row stands", || page.count(".tail-row") == 1).await;
    page.click(".pause");
    eventually("the button says so", || page.attribute(".pause", "aria-pressed") == "true").await;
    receive(&page, 2, &["two", "three"]);
    eventually("the backlog is counted", || page.text(".pause") == "Resume (2 new)").await;
    assert_eq!(page.count(".tail-row"), 1);
    page.click(".pause");
    eventually("all rows stand", || page.count(".tail-row") == 3).await;
}

#[wasm_bindgen_test]
async fn only_a_queue_can_be_consumed_and_it_warns() {
    let topic = open("/topic/a");
    assert_eq!(topic.count("[role=switch]"), 0);
    drop(topic);
    let queue = open("/queue/a");
    assert_eq!(queue.attribute("[role=switch]", "aria-checked"), "false");
    assert_eq!(queue.count(".notice.warn"), 0);
    queue.click("[role=switch]");
    eventually("it warns", || queue.text(".notice.warn").contains("nobody else gets them")).await;
    assert_eq!(queue.attribute("[role=switch]", "aria-checked"), "true");
    assert_eq!(queue.stores().tail.peek(|tail| tail.as_ref().map(|tail| tail.mode)), Some(TailMode::Consume));
}

#[wasm_bindgen_test]
async fn a_publish_says_what_became_of_it_and_a_bad_name_is_not_sent() {
    let page = open("/topic/a");
    eventually("the form follows the chosen channel", || page.value("[name=channel]") == "/topic/a").await;
    page.type_into("[name=channel]", "");
    page.click(".publish [type=submit]");
    page.type_into("[name=channel]", &"x".repeat(256));
    page.click(".publish [type=submit]");
    eventually("the form says why", || page.text(".publish .form-error").contains("256 bytes")).await;
    assert_eq!(page.count(".outcomes li"), 0);
    page.type_into("[name=channel]", "/topic/b");
    page.type_into("[name=message]", "hello");
    page.click(".publish [type=submit]");
    eventually("a refusal is shown", || {
        page.text(".outcomes li").contains("to /topic/b: refused, not connected")
    })
    .await;
}
