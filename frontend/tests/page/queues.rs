//! The queues view in a real browser.

use crate::support::{Page, eventually};
use signalbox_frontend::control::stores::Hello;
use signalbox_frontend::state::route::View;
use signalbox_frontend::state::tail::ITEMS_MAX;
use signalbox_shared::api::{ChannelRow, Features};
use signalbox_shared::engine::{EngineInfo, EngineState, Permits};
use signalbox_shared::socket::{SocketLimits, TailAccounts, TailMessage, TailMode};
use signalbox_shared::{ChannelName, Payload};
use wasm_bindgen::JsCast as _;
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
    assert!(page.all_text().contains("⟨U+202E⟩}{\"\\u0000¶⟨U+001B⟩[2J"), "{}", page.all_text());
    page.click(".tail-row");
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
    eventually("the switch is off", || queue.attribute("[role=switch]", "aria-checked") == "false").await;
    assert_eq!(queue.count(".notice.warn"), 0);
    queue.click("[role=switch]");
    eventually("it warns", || queue.text(".notice.warn").contains("nobody else gets them")).await;
    assert_eq!(queue.attribute("[role=switch]", "aria-checked"), "true");
    assert_eq!(queue.stores().tail.peek(|tail| tail.as_ref().map(|tail| tail.mode)), Some(TailMode::Consume));
}

#[wasm_bindgen_test]
async fn a_publish_says_what_became_of_it_and_a_bad_name_is_not_sent() {
    let page = open("/topic/a");
    page.control().set_query("tab", Some("publish".into()));
    eventually("the form follows the chosen channel", || page.value("[name=channel]") == "/topic/a").await;
    page.type_into("[name=channel]", "");
    page.click(".publish [type=submit]");
    page.type_into("[name=channel]", &"x".repeat(256));
    page.click(".publish [type=submit]");
    eventually("the form says why", || page.text(".publish .form-error[role=alert]").contains("256 bytes"))
        .await;
    assert_eq!(page.count(".outcomes li"), 0);
    page.type_into("[name=channel]", "/topic/b");
    page.type_into("[name=message]", "hello");
    page.click(".publish [type=submit]");
    eventually("a refusal is shown", || {
        page.text(".outcomes li").contains("to /topic/b: refused, not connected")
    })
    .await;
}

fn row(name: &str, depth: Option<u64>) -> ChannelRow {
    ChannelRow {
        depth,
        depth_bytes: depth,
        in_per_sec: depth.map(|n| n as f64),
        ..ChannelRow::unknown(channel(name))
    }
}

fn list(page: &Page, now_ms: i64, rows: Vec<ChannelRow>) {
    page.stores().channels.update(|channels| channels.apply(now_ms, true, rows, &[]));
}

#[wasm_bindgen_test]
async fn ten_thousand_channels_cost_what_a_screen_costs() {
    let page = Page::open(View::Queues(None));
    list(&page, 1_000, (0..10_000).map(|n| row(&format!("/topic/{n:05}"), Some(n))).collect());
    eventually("rows stand", || page.count(".channel-row") > 0).await;
    assert!(page.count(".channel-row") < 200, "{} rows", page.count(".channel-row"));
    assert_eq!(page.attribute(".channels", "aria-rowcount"), "10001");
    assert_eq!(page.attribute(".channel-row", "aria-rowindex"), "2");
    page.type_into(".filter", "09999");
    eventually("the search finds the last one", || page.count(".channel-row") == 1).await;
    assert!(page.text(".channel-link").ends_with("/topic/09999"));
    assert_eq!(page.text(".channel-panel .summary"), "1 of 10,000 channels");
}

#[wasm_bindgen_test]
async fn what_is_unknown_is_no_zero() {
    let page = Page::open(View::Queues(None));
    list(&page, 1_000, vec![row("/queue/a", None)]);
    eventually("the row stands", || page.count(".channel-row") == 1).await;
    assert!(page.text(".channel-row").contains("unknown"), "{}", page.text(".channel-row"));
    assert!(!page.text(".channel-row").contains('0'), "{}", page.text(".channel-row"));
}

#[wasm_bindgen_test]
async fn the_order_stands_still_while_the_keyboard_is_in_the_list() {
    let page = Page::open(View::Queues(None));
    list(&page, 1_000, vec![row("/queue/b", Some(1)), row("/queue/c", Some(1))]);
    eventually("the rows stand", || page.count(".channel-row") == 2).await;
    page.send(".channels", "focus");
    eventually("it says so", || page.text(".held-note").contains("held")).await;
    list(&page, 2_000, vec![row("/queue/a", Some(7)), row("/queue/b", Some(5))]);
    eventually("figures go on", || page.text(".channel-row").contains('5')).await;
    assert_eq!(page.count(".channel-row"), 2);
    eventually("a channel that is no more keeps its place", || page.all_text().contains("gone")).await;
    page.send(".channels", "blur");
    eventually("then the order is new", || page.text(".channel-link").ends_with("/queue/a")).await;
}

#[wasm_bindgen_test]
async fn the_order_stands_still_for_pointer_and_keyboard_but_not_against_a_wish() {
    let page = Page::open(View::Queues(None));
    list(&page, 1_000, vec![row("/queue/b", Some(1)), row("/queue/c", Some(2))]);
    eventually("the rows stand", || page.count(".channel-row") == 2).await;
    page.send(".channels", "focus");
    page.point(".channel-scroll", "pointerenter");
    page.point(".channel-scroll", "pointerleave");
    list(&page, 2_000, ["/queue/a", "/queue/b", "/queue/c"].map(|name| row(name, Some(3))).into());
    eventually("the keyboard still holds it", || page.text(".held-note").contains("1 new channel waits"))
        .await;
    assert_eq!(page.count(".channel-row"), 2);
    page.point(".channel-scroll", "pointerenter");
    page.send(".channels", "blur");
    list(
        &page,
        3_000,
        ["/queue/a", "/queue/b", "/queue/c", "/queue/d"].map(|name| row(name, Some(4))).into(),
    );
    eventually("the pointer holds it", || page.text(".held-note").contains("2 new channels wait")).await;
    assert_eq!(page.count(".channel-row"), 2);
    // Whoever sorts has the pointer there.
    page.click(".channel-cell:first-child .head-button");
    eventually("it is sorted", || page.text(".channel-link").ends_with("/queue/d")).await;
    list(&page, 4_000, ["/queue/e", "/queue/d"].map(|name| row(name, Some(5))).into());
    eventually("and held again", || page.text(".held-note").contains("1 new channel waits")).await;
    assert_eq!(page.count(".channel-row"), 4);
    page.point(".channel-scroll", "pointerleave");
    eventually("then the order is new", || page.text(".channel-link").ends_with("/queue/e")).await;
    page.click(".channel-cell:first-child .head-button");
}

#[wasm_bindgen_test]
async fn names_that_begin_and_end_alike_can_be_told_apart() {
    let page = Page::open(View::Queues(None));
    let names = ["198", "199"].map(|n| format!("/topic/region-0/station-{n}/departures/of/the/whole/week"));
    list(&page, 1_000, names.iter().map(|name| row(name, None)).collect());
    eventually("the rows stand", || page.count(".channel-row") == 2).await;
    assert_eq!(page.text(".channel-link .long-name"), names[0]);
    assert_eq!(page.attribute(".channel-link", "aria-label"), format!("{}, topic", names[0]));
    let row_px = page.find(".channel-row").unwrap().get_bounding_client_rect();
    let name_px = page.find(".channel-link .long-name").unwrap().get_bounding_client_rect();
    assert!(row_px.top() <= name_px.top() && name_px.bottom() <= row_px.bottom(), "two lines fit the row");
}

#[wasm_bindgen_test]
async fn channels_stand_in_a_tree_with_sums() {
    let page = Page::open(View::Queues(None));
    list(&page, 1_000, vec![row("/topic/a/x", Some(2)), row("/topic/a/y", Some(3))]);
    eventually("the rows stand", || page.count(".channel-row") == 2).await;
    page.click(".channel-panel [aria-pressed]");
    eventually("groups stand above", || page.count(".channel-row[aria-expanded=true]") == 2).await;
    assert_eq!(page.attribute(".channels", "role"), "treegrid");
    assert!(page.text(".channel-row").contains("2 channels"), "{}", page.text(".channel-row"));
    assert!(page.text(".channel-row").contains('5'), "the sum of both depths");
    // What the search hides is in no sum.
    page.type_into(".filter", "/y");
    eventually("one is left", || page.text(".channel-row").contains("1 channel")).await;
    assert!(page.text(".channel-row").contains('3') && !page.text(".channel-row").contains('5'));
    page.type_into(".filter", "");
    eventually("both are there again", || page.text(".channel-row").contains("2 channels")).await;
    // By the arrow keys: to the branch, fold it, open it, and to what is on it.
    let active = || page.text(".channel-row.active .channel-name");
    page.press(".channels", "End");
    eventually("the last one", || active().ends_with('y')).await;
    page.press(".channels", "ArrowLeft");
    eventually("its branch", || active().starts_with("a/")).await;
    page.press(".channels", "ArrowLeft");
    eventually("it is folded", || page.count(".channel-row") == 2).await;
    page.press(".channels", "ArrowRight");
    eventually("it is open", || page.count(".channel-row") == 4).await;
    page.press(".channels", "ArrowRight");
    eventually("what is on it", || active().ends_with('x')).await;
    page.click(".group-button");
    eventually("the group is folded", || page.count(".channel-row") == 1).await;
    page.click(".channel-panel [aria-pressed]");
}

#[wasm_bindgen_test]
async fn where_the_engine_tells_nothing_a_narrow_row_says_so_once() {
    let page = Page::open(View::Queues(None));
    let features = Features { tap: false, stats: false, purge: false, permits: Permits::default() };
    page.stores().hello.set(Some(hello(features)));
    list(&page, 1_000, vec![row("/queue/a", None)]);
    // The window of these tests is a narrow one.
    eventually("all figures are named", || {
        page.text(".channel-row .unknown") == "Depth, In, Out, Subs, Dropped: unknown"
    })
    .await;
    assert_eq!(page.count(".channel-row .spark"), 0);
}

#[wasm_bindgen_test]
async fn a_held_tail_says_why_it_stands_and_counts_what_comes() {
    let page = open("/topic/a");
    receive(&page, 1, &["one"]);
    eventually("the row stands", || page.count(".tail-row") == 1).await;
    page.control().update_tail(|tail| tail.hold(signalbox_frontend::state::tail::Hold::Reading));
    eventually("somebody reads", || page.text(".tail-pill").contains("while you read")).await;
    page.click(".tail-row");
    eventually("a message is chosen", || page.text(".tail-pill").contains("at the chosen message")).await;
    receive(&page, 2, &["two"]);
    eventually("one has come", || page.text(".tail-pill") == "↓ 1 new").await;
    page.click(".tail-pill");
    eventually("it goes on", || page.count(".tail-pill") == 0 && page.count(".tail-row") == 2).await;
}

#[wasm_bindgen_test]
async fn the_accounts_say_why_without_a_pointer() {
    let page = open("/topic/a");
    receive(&page, 1, &["one"]);
    eventually("the accounts stand", || page.count(".accounts .why:not([open])") == 1).await;
    page.click(".accounts .why summary");
    eventually("they say why", || page.count(".accounts .why[open]") == 1).await;
    assert!(page.text(".accounts .why").contains("skippedMessages left out"), "{}", page.text(".accounts"));
}

#[wasm_bindgen_test]
async fn a_message_that_is_edited_keeps_how_its_lines_end() {
    let page = open("/topic/a");
    receive(&page, 1, &["GET / HTTP/1.1\r\n\r\n"]);
    eventually("the row stands", || page.count(".tail-row") == 1).await;
    page.click(".tail-row");
    let edit = ".detail-actions [title^='Put it into the publish form']";
    eventually("it can be edited", || page.count(edit) == 1).await;
    page.click(edit);
    eventually("the form says how its lines end", || page.count("[name=crlf]") == 1).await;
    assert!(page.find("[name=crlf]").unwrap().unchecked_into::<web_sys::HtmlInputElement>().checked());
    page.type_into("[name=message]", "HEAD / HTTP/1.1\n\n");
    page.click(".publish [type=submit]");
    let sent = || {
        page.stores().publishes.peek(|publishes| {
            publishes.entries().next().and_then(|entry| entry.data.as_ref().map(|data| data.to_vec()))
        })
    };
    eventually("it is sent", || sent().is_some()).await;
    assert_eq!(sent().unwrap(), b"HEAD / HTTP/1.1\r\n\r\n");
}

#[wasm_bindgen_test]
async fn json_is_laid_out_folded_and_told_by_its_path() {
    let page = open("/topic/a");
    receive(&page, 1, &["{\"user\":{\"age\":41,\"tags\":[1,2]},\"n\":5}"]);
    eventually("the row stands", || page.count(".tail-row") == 1).await;
    page.click(".tail-row");
    eventually("each value has its line", || page.count(".payload-line") == 10).await;
    page.click(".payload-line:nth-child(3)");
    eventually("the path is told", || page.text(".chosen-line code") == "$.user.age").await;
    page.click(".payload-line:nth-child(2) .fold");
    eventually("it is folded", || page.count(".payload-line") == 4).await;
    assert!(page.text(".payload").contains("5 lines"), "{}", page.text(".payload"));
}

#[wasm_bindgen_test]
async fn a_number_becomes_a_chart_of_what_comes() {
    let page = open("/topic/a");
    receive(&page, 1, &["{\"n\":5}", "{\"n\":6}"]);
    eventually("the rows stand", || page.count(".tail-row") == 2).await;
    page.click(".tail-row");
    eventually("each value has its line", || page.count(".payload-line") == 3).await;
    page.click(".payload-line:nth-child(2)");
    eventually("it can be charted", || page.text(".chosen-line").contains("Chart")).await;
    page.click(".chosen-line button:last-child");
    eventually("the chart counts both", || page.text(".field-chart").contains("2 messages")).await;
}

#[wasm_bindgen_test]
async fn escape_closes_a_message_from_within_and_the_list_has_the_keyboard() {
    let page = open("/topic/a");
    receive(&page, 1, &["hello"]);
    eventually("the row stands", || page.count(".tail-row") == 1).await;
    page.click(".tail-row");
    eventually("the message stands beside", || page.text(".payload") == "hello").await;
    page.press(".payload", "Escape");
    eventually("it is closed", || page.count(".detail") == 0).await;
    assert_eq!(crate::support::focused_class(), "tail-list");
}

#[wasm_bindgen_test]
async fn the_choice_of_columns_closes_when_one_goes_on_elsewhere() {
    let page = Page::open(View::Queues(None));
    let is_open = || page.count(".chooser[open]") == 1;
    page.click(".chooser summary");
    eventually("it is open", is_open).await;
    page.click(".chooser legend");
    assert!(is_open(), "whoever chooses is not done");
    page.press(".chooser legend", "Escape");
    eventually("it is closed", || !is_open()).await;
    assert_eq!(crate::support::focused_class(), "button quiet");
    page.click(".chooser summary");
    eventually("it is open again", is_open).await;
    page.click("#channels-title");
    eventually("a click elsewhere closes it", || !is_open()).await;
}

#[wasm_bindgen_test]
async fn a_pinned_row_stays_above_the_list() {
    let page = open("/topic/a");
    receive(&page, 1, &["remember me"]);
    eventually("the row stands", || page.count(".tail-row") == 1).await;
    page.click(".tail-row");
    eventually("it can be pinned", || page.count(".detail-actions [aria-pressed]") == 1).await;
    page.click(".detail-actions [aria-pressed]");
    eventually("it is pinned", || page.text(".pins").contains("remember me")).await;
    page.control().update_tail(signalbox_frontend::state::tail::Tail::clear);
    eventually("the list is empty", || page.count(".tail-row") == 0).await;
    assert!(page.text(".pins").contains("remember me"));
}

#[wasm_bindgen_test]
async fn a_fault_in_a_filter_is_shown_at_its_place() {
    let page = open("/topic/a");
    page.control().update_tail(|tail| tail.filter_error = Some(("an operator is missing".into(), Some(2))));
    page.type_into("[name=filter]", "$.é?x");
    eventually("why", || page.text(".filter-error").contains("an operator is missing")).await;
    eventually("where", || page.text(".fault-place mark") == "é").await;
}

/// What the relay says of itself first.
fn hello(features: Features) -> Hello {
    Hello {
        version: "1".into(),
        features,
        limits: SocketLimits {
            client_message_bytes: 65_536,
            publish_bytes: 16_777_216,
            tail_payload_bytes: 65_536,
            subscriptions: 32,
            chat_line_bytes: 4_096,
        },
    }
}

#[wasm_bindgen_test]
async fn what_the_administrator_forbids_is_not_offered() {
    let permits = Permits { publish: false, purge: false, consume: false, export: false };
    let page = open("/queue/a");
    eventually("it is offered", || page.all_text().contains("NDJSON") && page.count("[role=switch]") == 1)
        .await;
    page.stores().hello.set(Some(hello(Features { tap: true, stats: true, purge: true, permits })));
    eventually("nothing is offered", || !page.all_text().contains("NDJSON")).await;
    assert_eq!(page.count("[role=switch]") + page.count(".purge"), 0);
    assert!(!page.text(".tail-panel").contains("Publish"));
}

#[wasm_bindgen_test]
async fn an_engine_that_is_away_is_told() {
    let page = Page::open(View::Queues(None));
    assert_eq!(page.count(".engine-notice"), 0);
    page.stores().engine.set(EngineInfo {
        name: "tcp".into(),
        address: Some("broker:25000".into()),
        state: EngineState::Down,
        reason: Some("connection refused".into()),
        ..EngineInfo::default()
    });
    eventually("it is told", || page.text(".engine-notice").contains("broker:25000")).await;
    assert!(page.text(".engine-notice").contains("connection refused"));
}

#[wasm_bindgen_test]
async fn a_broker_that_comes_back_leaves_a_mark_where_messages_may_be_missing() {
    let page = open("/topic/a");
    receive(&page, 1, &["before"]);
    let engine = |state| EngineInfo { state, ..EngineInfo::default() };
    page.control().engine_changed(engine(EngineState::Ready));
    page.control().engine_changed(engine(EngineState::Down));
    page.control().engine_changed(engine(EngineState::Ready));
    receive(&page, 2, &["after"]);
    eventually("the rows stand", || page.count(".tail-row") == 3).await;
    assert!(page.text(".tail-row.mark").contains("in between is not in this list"));
}

#[wasm_bindgen_test]
async fn an_empty_list_says_why() {
    let page = open("/topic/a");
    let title = || page.text(".tail-empty h2");
    eventually("nothing has come", || title() == "No message yet").await;
    let accounts =
        |received, shown, filtered| TailAccounts { received, shown, filtered, skipped: 0, unjudged: 0 };
    page.control().update_tail(|tail| tail.apply(vec![], accounts(3, 0, 3)));
    eventually("the filter kept all back", || title() == "No message that the filter wants").await;
    assert!(page.text(".tail-empty").contains("It kept 3 messages back"));
    page.click(".pause");
    let one = message(4, Payload::Text("x".into()));
    page.control().update_tail(|tail| tail.apply(vec![one], accounts(4, 1, 3)));
    eventually("one waits", || title() == "1 message waits").await;
    page.control().update_tail(|tail| tail.clear());
    page.control().update_tail(|tail| tail.refusal = Some("it cannot be tapped".into()));
    eventually("what was refused is not promised", || page.count(".tail-empty .empty") == 0).await;
}

#[wasm_bindgen_test]
async fn a_difference_says_how_much_of_long_messages_it_is_of() {
    let page = open("/topic/a");
    let long = TailMessage { size_bytes: 70_000, ..message(2, Payload::Text("x".repeat(70_000))) };
    let accounts = TailAccounts { received: 2, shown: 2, filtered: 0, skipped: 0, unjudged: 0 };
    page.control()
        .update_tail(|tail| tail.apply(vec![message(1, Payload::Text("short".into())), long], accounts));
    eventually("the rows stand", || page.count(".tail-row") == 2).await;
    page.click(".tail-row[data-serial='2']");
    eventually("it can be compared", || page.count(".forms button:last-child") == 1).await;
    page.click(".forms button:last-child");
    eventually("it says so", || page.text(".form-note").contains("only their beginnings are compared")).await;
}
