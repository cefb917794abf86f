//! The shell in a real browser: pills, ways between views, titles.

use crate::support::{Page, eventually};
use signalbox_frontend::state::route::View;
use signalbox_frontend::state::stream::StreamState;
use signalbox_shared::feed::{AlertChange, AlertState};
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test]
async fn each_stream_has_a_pill_that_says_its_state() {
    let page = Page::open(View::Metrics);
    page.stores().feed.set(StreamState::Reconnecting { in_secs: 7 });
    page.stores().socket.set(StreamState::Lagging("40 messages skipped".into()));
    eventually("the feed's pill counts down", || {
        page.text("[data-stream=feed]").contains("reconnecting in 7 s")
    })
    .await;
    let title = page.attribute("[data-stream=feed]", "title");
    assert!(title.contains("next attempt in 7 s"), "{title}");
    assert_eq!(page.attribute("[data-stream=feed]", "aria-disabled"), "false");
    assert_eq!(page.attribute("[data-stream=socket]", "data-state"), "lagging");
    assert!(page.attribute("[data-stream=socket]", "title").contains("40 messages skipped"));
    assert_eq!(page.attribute("[data-stream=socket]", "aria-disabled"), "true");
}

#[wasm_bindgen_test]
async fn the_address_chooses_the_view_and_the_title_follows() {
    let page = Page::open(View::Metrics);
    assert_eq!(page.text("h1"), "Metrics");
    eventually("the tab says so", || crate::support::title() == "Metrics · Signalbox").await;
    page.show(View::Chat(None));
    eventually("the chat stands there", || page.text("h1") == "Chat").await;
    eventually("the tab says so", || crate::support::title() == "Chat · Signalbox").await;
    assert_eq!(page.text("nav [aria-current=page]"), "Chat");
    eventually("the keyboard stands at the beginning of it", || crate::support::focused_id() == "main").await;
}

#[wasm_bindgen_test]
async fn unread_lines_are_counted_in_the_navigation_and_the_title() {
    let page = Page::open(View::Metrics);
    page.stores().chat.update(|chat| chat.shown_mut().n_unread = 3);
    eventually("the tab's title counts", || crate::support::title() == "(3) Metrics · Signalbox").await;
    assert_eq!(page.text("nav .badge"), "3 unread");
}

#[wasm_bindgen_test]
async fn alerts_are_counted_on_the_way_to_them_wherever_one_is() {
    let page = Page::open(View::Chat(None));
    let begins = r#"{"rule":0,"color":"red","metric":"mem","text":"mem above 1","side":"above","threshold":1.0,
        "state":"begins","value":5.0,"since_ms":1,"at_ms":2}"#;
    let begins: AlertChange = serde_json::from_str(begins).unwrap();
    page.stores().alerts.update(|alerts| alerts.apply_change(&begins, None));
    eventually("the way to the metrics counts it", || page.text("nav .badge.is-alert") == "1 in alert").await;
    assert!(crate::support::title().starts_with("\u{26a0} 1 alert"));
    assert_eq!(page.text("header ~ [role=status]"), "1 alert", "and it is said");
    let ends = AlertChange { state: AlertState::Ends, ..begins };
    page.stores().alerts.update(|alerts| alerts.apply_change(&ends, None));
    eventually("its end is said", || page.text("header ~ [role=status]") == "No alert any more").await;
    assert_eq!(page.count("nav .badge"), 0);
}

#[wasm_bindgen_test]
async fn every_view_says_how_to_get_something() {
    for (view, command) in [
        (View::Metrics, "signalbox agent --color red"),
        (View::Queues(None), "signalbox listen /topic/hello"),
        (View::Chat(None), "signalbox chat ada"),
    ] {
        let page = Page::open(view);
        page.stores().feed.set(StreamState::Live);
        page.stores().line_chat.set(Some("127.0.0.1:8000".into()));
        eventually(command, || page.all_text().contains(command)).await;
    }
    let page = Page::open(View::Queues(None));
    page.stores().channels.update(|channels| channels.apply(0, true, vec![], &[]));
    eventually("an empty list says how to fill it", || {
        page.all_text().contains("signalbox send /topic/hello")
    })
    .await;
}

#[wasm_bindgen_test]
async fn no_element_carries_an_inline_style_attribute_at_first() {
    let page = Page::open(View::Metrics);
    assert_eq!(page.count("[style]"), 0);
}
