//! The metrics view in a real browser.

use crate::support::{Page, eventually};
use leptos::prelude::GetUntracked as _;
use signalbox_frontend::chart::pointer::ChartAct;
use signalbox_frontend::state::route::View;
use signalbox_frontend::state::stream::StreamState;
use signalbox_frontend::state::viewport::Viewport;
use signalbox_shared::Sample;
use signalbox_shared::feed::{AgentChange, AgentState};
use wasm_bindgen_test::wasm_bindgen_test;

fn sample(page: &Page, color: &str, cpu: f64) {
    let json = format!(r#"{{"color":"{color}","timestamp":"2026-01-01T00:00:00Z","cpu":{cpu},"mem":64}}"#);
    let sample = Sample::from_json(json.as_bytes()).unwrap();
    page.stores().agents.update(|agents| agents.apply_sample(&sample, 0));
}

#[wasm_bindgen_test]
async fn each_agent_has_a_row_with_its_latest_values_and_their_units() {
    let page = Page::open(View::Metrics);
    sample(&page, "red", 12.34);
    sample(&page, "blue", 5.0);
    eventually("both rows stand", || page.count("tbody tr") == 2).await;
    assert!(page.text("tbody tr:nth-child(1)").contains("blue"), "in the order of their names");
    let red = page.find("tbody tr:nth-child(2)");
    assert!(page.text("tbody tr:nth-child(2)").contains("12.3 %"), "{}", page.text("tbody tr:nth-child(2)"));
    sample(&page, "red", 99.0);
    eventually("the value changes", || page.text("tbody tr:nth-child(2)").contains("99.0 %")).await;
    assert_eq!(page.find("tbody tr:nth-child(2)"), red, "the row itself stays");
}

#[wasm_bindgen_test]
async fn an_agents_name_is_text_and_its_state_is_said() {
    let page = Page::open(View::Metrics);
    sample(&page, "<b>red</b>", 1.0);
    let stale = AgentChange { color: "<b>red</b>".into(), state: AgentState::Stale, at_ms: 0 };
    page.stores().agents.update(|agents| agents.apply_change(&stale, 0));
    page.stores().feed.set(StreamState::Live);
    eventually("the row says stale", || page.attribute("tbody tr", "data-state") == "stale").await;
    assert!(page.text("tbody th").contains("<b>red</b>"));
    assert_eq!(page.count("tbody b"), 0);
    assert_eq!(page.text(".summary"), "0 live, 1 stale");
    page.stores().feed.set(StreamState::Reconnecting { in_secs: 3 });
    eventually("without the feed nobody knows", || page.attribute("tbody tr", "data-state") == "unknown")
        .await;
    assert_eq!(page.text(".summary"), "1 agent as last seen, no connection");
}

#[wasm_bindgen_test]
async fn rows_stand_still_below_a_pointer() {
    let page = Page::open(View::Metrics);
    sample(&page, "red", 10.0);
    sample(&page, "blue", 5.0);
    eventually("both rows stand", || page.count(".agents tbody tr") == 2).await;
    page.click(".agents thead th.number .sort");
    eventually("the busiest is first", || page.text(".agents tbody tr").contains("red")).await;
    // Rows out of view wait their turn.
    page.find(".agents tbody").unwrap().scroll_into_view();
    page.point(".agents tbody", "pointerenter");
    sample(&page, "blue", 50.0);
    eventually("its value changes", || page.text(".agents tbody tr:nth-child(2)").contains("50.0 %")).await;
    assert!(page.text(".agents-panel .summary").contains("order held"));
    page.point(".agents tbody", "pointerleave");
    eventually("and then its place", || page.text(".agents tbody tr").contains("blue")).await;
}

#[wasm_bindgen_test]
async fn a_name_in_the_table_is_chosen_as_in_a_legend() {
    let page = Page::open(View::Metrics);
    sample(&page, "red", 10.0);
    sample(&page, "blue", 5.0);
    eventually("both rows stand", || page.count(".agents tbody tr") == 2).await;
    let pressed =
        |n: u32| page.attribute(&format!(".agents tbody tr:nth-child({n}) .agent-name"), "aria-pressed");
    page.click(".agents tbody tr:nth-child(1) .agent-name");
    eventually("blue alone", || (pressed(1), pressed(2)) == ("true".into(), "false".into())).await;
    page.click(".agents tbody tr:nth-child(1) .agent-name");
    eventually("both again", || (pressed(1), pressed(2)) == ("true".into(), "true".into())).await;
}

#[wasm_bindgen_test]
async fn what_does_not_come_is_not_called_live() {
    let page = Page::open(View::Metrics);
    sample(&page, "red", 10.0);
    page.stores().feed.set(StreamState::Live);
    eventually("live", || page.text(".metrics-state").starts_with("Live, 5")).await;
    page.stores().feed.set(StreamState::Reconnecting { in_secs: 3 });
    eventually("not live", || page.text(".metrics-state").starts_with("No connection, 5")).await;
}

#[wasm_bindgen_test]
async fn nobody_is_said_to_be_missing_before_the_relay_has_told() {
    let page = Page::open(View::Metrics);
    eventually("it waits", || page.text(".page").contains("Waiting for the relay")).await;
    assert_eq!((page.count(".empty"), page.text(".metrics .summary").as_str()), (0, ""));
    page.stores().feed.set(StreamState::Live);
    eventually("it says how to begin", || page.count(".empty") == 1).await;
    page.stores().feed.set(StreamState::Reconnecting { in_secs: 3 });
    eventually("what was known stays", || page.text(".summary").contains("no connection")).await;
    assert_eq!(page.count(".empty"), 1);
}

#[wasm_bindgen_test]
fn the_present_comes_back_with_the_window_that_was_left_by_zooming() {
    let page = Page::open(View::Metrics);
    let (control, window_secs) = (page.control(), || page.stores().window_secs.get_untracked());
    let zoom_to = |window_ms| {
        let end_ms = page.stores().series.relay_now_ms() - 60_000.0;
        control.chart_act(ChartAct::Show(Viewport { window_ms, end_ms }), None);
    };
    control.show_window(900);
    zoom_to(20_000.0);
    zoom_to(5_000.0);
    assert!((window_secs(), page.stores().cursor.peek(|cursor| cursor.is_live())) == (5.0, false));
    control.chart_act(ChartAct::Live, None);
    assert!((window_secs(), page.stores().cursor.peek(|cursor| cursor.is_live())) == (900.0, true));
    zoom_to(5_000.0);
    control.show_window(60);
    control.chart_act(ChartAct::Live, None);
    assert!((window_secs() - 60.0).abs() < f64::EPSILON, "what was chosen since stays: {}", window_secs());
}
