//! A list of 10,000 channels, of which 1,000 change each second: its first paint, and scrolling through it.

use std::time::{Duration, Instant};

use anyhow::ensure;
use serde::Serialize;
use serde_json::json;

use super::relay::{DEADLINE, Rate, Relay};
use super::{Args, FRAME_HEAD, WINDOW_SIZE, figure, frame_cells, print_table};
use crate::browser::{Browser, Tab};
use crate::frames::{self, Seen};
use crate::report::Spread;

const CHANNELS: u64 = 10_000;
/// Messages a second, each on another channel than the ones before it.
const PER_SEC: u64 = 1_000;
const SIZE_BYTES: u64 = 64;
/// Notes, from before the page's own script runs, when the first rows have been painted.
const NOTE_FIRST_PAINT: &str = "(() => {
  const look = () => {
    if (!document.querySelector?.('.channel-row')) return requestAnimationFrame(look);
    // The frame that draws them ends before the next one begins.
    requestAnimationFrame(() => { window.benchPainted = performance.now(); });
  };
  requestAnimationFrame(look);
})()";
/// Scrolls on in each frame, as far as a quick finger does, down and up again.
const SCROLL: &str = "(() => {
  const list = document.querySelector('.channel-scroll');
  let step = 120;
  const on = () => {
    if (window.benchIsScrolled) return;
    list.scrollTop += step;
    if (list.scrollTop <= 0 || list.scrollHeight - list.clientHeight - list.scrollTop < 2) step = -step;
    requestAnimationFrame(on);
  };
  requestAnimationFrame(on);
})()";

#[derive(Debug, Serialize)]
pub(super) struct Run {
    first_paint_millis: f64,
    scrolled: (Seen, f64),
}

/// Measures it and prints its table.
pub(super) fn run(args: &Args) -> anyhow::Result<Vec<Run>> {
    let mut runs = Vec::new();
    for _ in 0..args.runs {
        runs.push(measure(args)?);
    }
    let frames: Vec<_> = runs.iter().map(|run| run.scrolled.clone()).collect();
    let first_paint = Spread::of(runs.iter().map(|run| run.first_paint_millis).collect());
    let row = [vec![CHANNELS.to_string(), figure(first_paint)], frame_cells(&frames)].concat();
    print_table(&[&["channels", "first rows painted after ms"][..], &FRAME_HEAD].concat(), &[row]);
    Ok(runs)
}

fn measure(args: &Args) -> anyhow::Result<Run> {
    let relay = Relay::start(&args.signalbox)?;
    let all =
        Rate { channels: CHANNELS, per_sec: 5 * CHANNELS, count: CHANNELS, size: SIZE_BYTES, is_json: false };
    relay.publish("/topic/bench", all)?.end()?;
    let secs = args.secs + 30;
    let some = Rate {
        channels: CHANNELS,
        per_sec: PER_SEC,
        count: PER_SEC * secs,
        size: SIZE_BYTES,
        is_json: false,
    };
    let _publisher = relay.publish("/topic/bench", some)?;

    let mut browser = Browser::start(&args.chromium, WINDOW_SIZE)?;
    let tab = browser.open("about:blank", "true")?;
    browser.call(Some(&tab), "Page.enable", &json!({}))?;
    browser.call(
        Some(&tab),
        "Page.addScriptToEvaluateOnNewDocument",
        &json!({ "source": NOTE_FIRST_PAINT }),
    )?;
    let url = format!("http://{}/#/queues", relay.http);
    browser.call(Some(&tab), "Page.navigate", &json!({ "url": url }))?;
    let first_paint_millis = first_paint(&mut browser, &tab)?;
    std::thread::sleep(Duration::from_secs(2));
    let n = browser.evaluate(&tab, "document.querySelector('.channels').getAttribute('aria-rowcount')")?;
    let n_rows: u64 = n.as_str().unwrap_or_default().parse()?;
    ensure!(CHANNELS < n_rows, "the list has only {n_rows} rows");

    browser.evaluate(&tab, SCROLL)?;
    Ok(Run { first_paint_millis, scrolled: frames::for_secs(&mut browser, &tab, args.secs)? })
}

fn first_paint(browser: &mut Browser, tab: &Tab) -> anyhow::Result<f64> {
    let started = Instant::now();
    loop {
        // While the page is on its way there may be no world to ask.
        if let Ok(value) = browser.evaluate(tab, "window.benchPainted ?? 0")
            && let Some(millis) = value.as_f64().filter(|millis| 0.0 < *millis)
        {
            return Ok(millis);
        }
        ensure!(started.elapsed() < DEADLINE, "no row is painted");
        std::thread::sleep(Duration::from_millis(50));
    }
}
