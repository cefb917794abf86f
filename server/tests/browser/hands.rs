//! *Metrics* under the hand: zoom, pan, pause, the locked moment, the lines that are chosen, and the address that tells
//! all of it.

use serde_json::{Value, json};

use crate::support::browser::Browser;
use crate::support::eventually;
use crate::support::fleet::Fleet;
use crate::support::peers::Publisher;
use crate::support::relay::Relay;

/// Modifier keys as the DevTools protocol counts them.
const CTRL: u32 = 2;
const SHIFT: u32 = 8;

/// The page with three agents that have five minutes behind them, one minute of it in view.
struct Desk {
    browser: Browser,
    relay: Relay,
    _fleet: Fleet,
}

impl Desk {
    async fn set() -> Self {
        let relay = Relay::start().await;
        let fleet = Fleet::start(relay.ports.collector_pull);
        let browser = Browser::start().await;
        browser.open(&relay.url("/#/metrics?window=60")).await;
        let desk = Self { browser, relay, _fleet: fleet };
        desk.until_drawn().await;
        desk
    }

    /// Waits until the first chart names three lines with values.
    async fn until_drawn(&self) {
        eventually("three lines have values", async || {
            let values = self.browser.texts(".chart-panel:first-child .chart-value").await;
            (values.len() >= 3 && values.iter().all(|v| v.contains(|c: char| c.is_ascii_digit())))
                .then_some(())
        })
        .await;
    }

    /// A place on the first chart, as parts of its width and height, in CSS pixels of the window.
    async fn at(&self, x: f64, y: f64) -> (f64, f64) {
        let script = "const box = document.querySelector('.chart-plot').getBoundingClientRect();
            return [box.left, box.top, box.width, box.height]";
        let chart: [f64; 4] = serde_json::from_value(self.browser.run(script, vec![]).await).expect("a box");
        (chart[0] + x * chart[2], chart[1] + y * chart[3])
    }

    async fn mouse(&self, kind: &str, x: f64, further: Value) {
        let (x, y) = self.at(x, 0.4).await;
        let mut event = json!({ "type": kind, "x": x, "y": y });
        event.as_object_mut().expect("an object").extend(further.as_object().cloned().expect("an object"));
        self.browser.devtools("Input.dispatchMouseEvent", event).await;
    }

    /// Presses the mouse at one part of the chart's width and lets it go at another.
    async fn drag(&self, from: f64, to: f64, modifiers: u32) {
        let button = |buttons: u32| json!({ "button": "left", "buttons": buttons, "clickCount": 1, "modifiers": modifiers });
        self.mouse("mouseMoved", from, json!({})).await;
        self.mouse("mousePressed", from, button(1)).await;
        for step in 1..=4 {
            self.mouse("mouseMoved", from + (to - from) * f64::from(step) / 4.0, button(1)).await;
        }
        self.mouse("mouseReleased", to, button(0)).await;
    }

    async fn key(&self, key: &str) {
        for kind in ["keyDown", "keyUp"] {
            self.browser.devtools("Input.dispatchKeyEvent", json!({ "type": kind, "key": key })).await;
        }
    }

    async fn focus_chart(&self) {
        self.browser.run("document.querySelector('.chart-plot').focus()", vec![]).await;
    }

    /// What the address says of the view.
    async fn query(&self, key: &str) -> Option<String> {
        let script = "return new URLSearchParams(location.hash.split('?')[1] ?? '').get(arguments[0])";
        self.browser.run(script, vec![key.into()]).await.as_str().map(str::to_owned)
    }

    async fn number(&self, key: &str) -> Option<f64> {
        self.query(key).await?.parse().ok()
    }

    /// Waits until the address tells a number that fits.
    async fn until_number(&self, key: &str, what: &str, fits: impl Fn(f64) -> bool) -> f64 {
        eventually(&format!("{key} is {what}"), async || self.number(key).await.filter(|n| fits(*n))).await
    }

    /// Waits until the address tells where the picture stands still, and gives it. What it tells while somebody drags the
    /// picture slowly is a place on the way.
    async fn until_paused(&self) -> f64 {
        let script = "const ms = new URLSearchParams(location.hash.split('?')[1] ?? '').get('paused');
            const state = document.querySelector('.metrics-state')?.innerText ?? '';
            const clock = ms && new Date(Number(ms)).toTimeString().slice(0, 8);
            return clock && state.startsWith(`Paused at ${clock}`) ? Number(ms) : null";
        self.browser.until_painted().await;
        eventually("the address tells where the picture stands still", async || {
            self.browser.run(script, vec![]).await.as_f64()
        })
        .await
    }

    /// Waits until so many samples have come since the pause.
    async fn until_new_samples(&self, n_new: u64) {
        eventually(&format!("{n_new} new samples are counted"), async || {
            let state = self.state().await;
            let n: u64 =
                state.split(" · ").find_map(|part| part.strip_suffix(" new samples"))?.parse().ok()?;
            (n_new <= n).then_some(())
        })
        .await;
    }

    /// The time of day at a moment, as the page tells it.
    async fn clock(&self, at_ms: f64) -> String {
        let script = "return new Date(arguments[0]).toTimeString().slice(0, 8)";
        self.browser.run(script, vec![at_ms.into()]).await.as_str().expect("a time").to_owned()
    }

    async fn state(&self) -> String {
        self.browser.text(".metrics-state").await.unwrap_or_default()
    }

    async fn until_state(&self, part: &str) {
        self.browser.until_text(".metrics-state", part).await;
    }
}

#[tokio::test]
async fn a_drag_zooms_and_zero_returns_to_live() {
    let desk = Desk::set().await;
    desk.drag(0.4, 0.7, 0).await;
    desk.until_state("Paused at").await;
    // Three tenths of the box, which is a little wider than the plot.
    let secs = desk.until_number("window", "a third of a minute", |secs| (17.0..22.0).contains(&secs)).await;
    let paused_ms = desk.until_number("paused", "there", |_| true).await;
    desk.drag(0.4, 0.7, 0).await;
    desk.until_number("window", "a third of that", |now| (0.28..0.37).contains(&(now / secs))).await;
    assert!(desk.number("paused").await < Some(paused_ms), "the second selection ends before the first");
    desk.focus_chart().await;
    desk.key("0").await;
    desk.until_state("Live").await;
    eventually("the address tells no pause", async || desk.query("paused").await.is_none().then_some(()))
        .await;
    desk.until_number("window", "what it was before the first selection", |secs| secs == 60.0).await;
    desk.browser.expect_no_errors(false).await;
}

#[tokio::test]
async fn two_fingers_that_part_zoom_in() {
    let desk = Desk::set().await;
    desk.browser.devtools("Emulation.setTouchEmulationEnabled", json!({ "enabled": true })).await;
    let touch = async |kind: &str, places: &[f64]| {
        let mut points = Vec::new();
        for (id, place) in places.iter().enumerate() {
            let (x, y) = desk.at(*place, 0.4).await;
            points.push(json!({ "x": x, "y": y, "id": id }));
        }
        let event = json!({ "type": kind, "touchPoints": points });
        desk.browser.devtools("Input.dispatchTouchEvent", event).await;
    };
    touch("touchStart", &[0.45]).await;
    touch("touchStart", &[0.45, 0.55]).await;
    for step in 1..=5 {
        let apart = f64::from(step) * 0.03;
        touch("touchMove", &[0.45 - apart, 0.55 + apart]).await;
    }
    touch("touchEnd", &[]).await;
    // A tenth of the box became two fifths.
    desk.until_number("window", "a quarter of a minute", |secs| (13.0..17.0).contains(&secs)).await;
    desk.until_state("Paused at").await;
    let scale = desk.browser.run("return window.visualViewport.scale", vec![]).await;
    assert_eq!(scale.as_f64(), Some(1.0), "the page itself is not zoomed");
    desk.browser.expect_no_errors(false).await;
}

#[tokio::test]
async fn a_chart_is_as_sharp_as_the_screen_to_which_its_window_moves() {
    let desk = Desk::set().await;
    let script = "const plot = document.querySelector('.chart-plot');
        return plot.querySelector('canvas').width / plot.clientWidth";
    // Each of another size, too: of the ratio alone a browser tells nobody while it only emulates a screen.
    for (width, ratio) in [(1280, 2.0), (1100, 1.5), (1200, 1.0)] {
        let metrics = json!({ "width": width, "height": 900, "deviceScaleFactor": ratio, "mobile": false });
        desk.browser.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
        eventually(&format!("{ratio} pixels of the picture are one of the page"), async || {
            let drawn = desk.browser.run(script, vec![]).await.as_f64()?;
            ((drawn - ratio).abs() < 0.01).then_some(())
        })
        .await;
    }
    desk.browser.expect_no_errors(false).await;
}

#[tokio::test]
async fn the_wheel_zooms_a_chart_in_use_and_scrolls_the_page_elsewhere() {
    let desk = Desk::set().await;
    let turn = |delta: f64, modifiers: u32| json!({ "deltaX": 0, "deltaY": delta, "modifiers": modifiers });
    desk.mouse("mouseWheel", 0.5, turn(200.0, 0)).await;
    let script = "return window.scrollY + Array.from(document.querySelectorAll('*'), e => e.scrollTop).reduce((a, b) => a + b)";
    eventually("the page is scrolled", async || {
        desk.browser.run(script, vec![]).await.as_f64().filter(|px| 0.0 < *px)
    })
    .await;
    assert_eq!(desk.number("window").await, Some(60.0), "and not zoomed");
    desk.browser.run("document.querySelector('.chart-plot').scrollIntoView()", vec![]).await;
    desk.focus_chart().await;
    desk.mouse("mouseWheel", 0.5, turn(-200.0, 0)).await;
    let secs = desk.until_number("window", "less than before", |secs| secs < 55.0).await;
    desk.mouse("mouseWheel", 0.5, turn(40.0, CTRL)).await;
    desk.until_number("window", "more than before", |now| secs < now).await;
    desk.browser.expect_no_errors(false).await;
}

#[tokio::test]
async fn shift_and_a_drag_move_through_time() {
    let desk = Desk::set().await;
    desk.drag(0.3, 0.8, SHIFT).await;
    let first_ms = desk.until_paused().await;
    assert_eq!(desk.number("window").await, Some(60.0));
    desk.drag(0.3, 0.8, SHIFT).await;
    // Half of the box, which is a little wider than the plot, of a minute.
    desk.until_number("paused", "half a minute earlier", |ms| (29e3..36e3).contains(&(first_ms - ms))).await;
    desk.drag(0.8, 0.3, SHIFT).await;
    desk.until_number("paused", "where it was", |ms| (ms - first_ms).abs() < 1e3).await;
    desk.browser.expect_no_errors(false).await;
}

/// Agents and moments of the rows of the CSV file that the first chart saves.
async fn saved(desk: &Desk) -> Vec<(String, String)> {
    let catch = "window.saved = null; URL.createObjectURL = blob => { blob.text().then(t => window.saved = t); return '#'; };
        HTMLAnchorElement.prototype.click = () => {};
        Array.from(document.querySelectorAll('.chart-menu')[0].querySelectorAll('button'))
            .find(button => button.textContent === 'Save CSV').click()";
    desk.browser.run(catch, vec![]).await;
    let text = eventually("the file is made", async || {
        desk.browser.run("return window.saved", vec![]).await.as_str().map(str::to_owned)
    })
    .await;
    let mut lines = text.lines();
    let head: Vec<&str> = lines.next().expect("a head").split(',').collect();
    let column =
        |name: &str| head.iter().position(|h| *h == name).unwrap_or_else(|| panic!("{name} in {head:?}"));
    let (agent, time) = (column("agent"), column("time"));
    lines
        .map(|line| line.split(',').collect::<Vec<_>>())
        .map(|cells| (cells[agent].to_owned(), cells[time].to_owned()))
        .collect()
}

#[tokio::test]
async fn a_pause_holds_the_picture_and_loses_nothing() {
    let desk = Desk::set().await;
    desk.focus_chart().await;
    desk.key(" ").await;
    desk.until_state("Paused at").await;
    let paused_ms = desk.until_number("paused", "there", |_| true).await;
    // Two of each agent: what was on its way at the pause, and may belong into the picture, has come before them.
    desk.until_new_samples(6).await;
    let held = saved(&desk).await;
    desk.until_new_samples(15).await;
    assert_eq!(desk.number("paused").await, Some(paused_ms), "the picture has not moved");
    assert_eq!(saved(&desk).await, held, "and shows the same samples");
    desk.key(" ").await;
    desk.until_state("Live").await;
    eventually("what came meanwhile is there, second by second", async || {
        let rows = saved(&desk).await;
        let red: Vec<i64> = rows
            .iter()
            .filter(|(agent, _)| agent == "red")
            .map(|(_, time)| time.parse::<jiff::Timestamp>().expect("a time").as_millisecond())
            .collect();
        let is_whole = red.windows(2).all(|pair| pair[1] - pair[0] == 1_000);
        (is_whole && (paused_ms as i64 + 3_000) < *red.last()?).then_some(())
    })
    .await;
    desk.browser.expect_no_errors(false).await;
}

#[tokio::test]
async fn a_click_locks_a_moment_and_arrows_move_it_from_sample_to_sample() {
    let desk = Desk::set().await;
    desk.mouse("mouseMoved", 0.5, json!({})).await;
    desk.browser.until_some(".chart-tip", "red").await;
    desk.drag(0.5, 0.5, 0).await;
    let locked_ms = desk.until_number("at", "locked", |_| true).await;
    eventually("every chart shows it", async || {
        let shown = desk.browser.count(".chart-cursor.is-locked:not([hidden])").await;
        (shown == desk.browser.count(".chart").await && 2 <= shown).then_some(())
    })
    .await;
    desk.focus_chart().await;
    desk.key("ArrowLeft").await;
    let first_ms = desk.until_number("at", "moved", |ms| ms != locked_ms).await;
    desk.key("ArrowLeft").await;
    desk.until_number("at", "a sample earlier", |ms| first_ms - ms == 1_000.0).await;
    for _ in 0..3 {
        desk.key("ArrowRight").await;
    }
    desk.until_number("at", "two samples later", |ms| ms - first_ms == 2_000.0).await;
    desk.browser.until_some("[role=status], [aria-live=polite]", "red").await;
    desk.key("Escape").await;
    eventually("nothing is locked", async || desk.query("at").await.is_none().then_some(())).await;
    desk.browser.expect_no_errors(false).await;
}

#[tokio::test]
async fn a_locked_moment_out_of_view_is_in_nobodys_way() {
    let desk = Desk::set().await;
    desk.drag(0.3, 0.3, 0).await;
    let locked_ms = desk.until_number("at", "locked", |_| true).await;
    // A window of seconds up to the present: the locked moment has left it, and a pointer shows what is below it.
    let address = format!("location.hash = '#/metrics?window=5&at={locked_ms}'");
    desk.browser.run(&address, vec![]).await;
    desk.until_state("Live").await;
    desk.mouse("mouseMoved", 0.5, json!({})).await;
    desk.browser.until_some(".chart-tip", "red").await;
    desk.browser.until_some(".metrics-undo .button", "Unlock").await;
    desk.drag(0.5, 0.5, 0).await;
    let again_ms = desk.until_number("at", "the moment of the click", |ms| locked_ms < ms).await;
    desk.browser.until_some(".chart-tip-lock", "locked").await;

    // A double click means the present, not the lock.
    let click = |n: u32| json!({ "button": "left", "buttons": 1, "clickCount": n });
    for n in 1..=2 {
        desk.mouse("mousePressed", 0.8, click(n)).await;
        desk.mouse("mouseReleased", 0.8, click(n)).await;
    }
    desk.browser.until_painted().await;
    desk.until_number("at", "as it was", |ms| ms == again_ms).await;
    desk.browser.click_text(".metrics-undo .button", &format!("Unlock {}", desk.clock(again_ms).await)).await;
    eventually("nothing is locked", async || desk.query("at").await.is_none().then_some(())).await;
    desk.browser.expect_no_errors(false).await;
}

#[tokio::test]
async fn marks_are_met_by_a_key() {
    let desk = Desk::set().await;
    let mut publisher = Publisher::connect(&desk.relay.ports).await;
    publisher.publish("/topic/marks", br#"{"text":"deploy of 7.2"}"#).await;
    eventually("every chart has a pin", async || {
        (desk.browser.count(".chart-pin").await == desk.browser.count(".chart").await).then_some(())
    })
    .await;
    desk.focus_chart().await;
    eventually("the mark before the present is met", async || {
        desk.key("m").await;
        desk.browser.texts(".chart-tip").await.iter().any(|tip| tip.contains("deploy of 7.2")).then_some(())
    })
    .await;
    desk.browser.until_some("[role=status], [aria-live=polite]", "deploy of 7.2").await;
    desk.browser.expect_no_errors(false).await;
}

#[tokio::test]
async fn a_legend_takes_lines_alone_or_in_and_out() {
    let desk = Desk::set().await;
    let pressed = "return Array.from(document.querySelectorAll('.chart-panel:first-child .chart-series'))
        .filter(button => button.ariaPressed === 'true').map(button => button.querySelector('.chart-name').innerText).sort()";
    let shown = async |names: &[&str]| {
        eventually(&format!("{names:?} are drawn"), async || {
            (desk.browser.run(pressed, vec![]).await == json!(names)).then_some(())
        })
        .await;
    };
    let click = async |name: &str, is_shift: bool| {
        let script = "Array.from(document.querySelectorAll('.chart-series'))
            .find(button => button.querySelector('.chart-name').innerText === arguments[0])
            .dispatchEvent(new MouseEvent('click', { bubbles: true, shiftKey: arguments[1] }))";
        desk.browser.run(script, vec![name.into(), is_shift.into()]).await;
    };
    shown(&["blue", "green", "red"]).await;
    click("red", false).await;
    shown(&["red"]).await;
    click("blue", true).await;
    shown(&["blue", "red"]).await;
    click("red", true).await;
    shown(&["blue"]).await;
    assert!(saved(&desk).await.iter().all(|(agent, _)| agent == "blue"), "files hold what is drawn");
    desk.browser.click(".metrics-bar .quiet").await;
    shown(&["blue", "green", "red"]).await;
    desk.browser.expect_no_errors(false).await;
}

#[tokio::test]
async fn a_pasted_address_shows_the_same_view() {
    let desk = Desk::set().await;
    desk.drag(0.3, 0.6, SHIFT).await;
    desk.until_state("Paused at").await;
    desk.drag(0.5, 0.5, 0).await;
    desk.until_number("at", "locked", |_| true).await;
    desk.browser.run("document.querySelector('.chart-series').click()", vec![]).await;
    let only = eventually("the address names the line", async || desk.query("only").await).await;
    let address = desk.browser.run("return location.hash", vec![]).await;
    let address = address.as_str().expect("an address").to_owned();
    let state = |text: String| text.split(" · ").next().unwrap_or_default().to_owned();
    let (told, rows) = (state(desk.state().await), saved(&desk).await);

    let other = Browser::start().await;
    other.open(&desk.relay.url(&format!("/{address}"))).await;
    let other = Desk { browser: other, ..desk };
    other.until_state(&told).await;
    eventually("the same samples of the same line are shown", async || {
        if other.browser.count(".chart-menu").await == 0 {
            return None;
        }
        (saved(&other).await == rows).then_some(())
    })
    .await;
    assert!(rows.iter().all(|(agent, _)| *agent == only), "{only} alone");
    eventually("the same moment is locked", async || {
        let locked = ".chart-panel:first-child .chart-cursor.is-locked:not([hidden])";
        (other.browser.count(locked).await == 1).then_some(())
    })
    .await;
    assert_eq!(other.browser.run("return location.hash", vec![]).await, json!(address));
    other.browser.expect_no_errors(false).await;
}
