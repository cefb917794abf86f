//! The first visit: from the beginning of the navigation, nothing in the browser's cache, until the first chart with
//! lines from the history is painted, and what was loaded until then.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde::Serialize;
use serde_json::json;

use super::relay::DEADLINE;
use super::{Args, WINDOW_SIZE, figure, print_table};
use crate::browser::Browser;
use crate::feed::relay;
use crate::load::agents::Agents;
use crate::process::{Server, free_address};
use crate::report::Spread;

const AGENTS: usize = 3;
/// Samples a second of each agent.
const RATE: f64 = 10.0;
/// Metrics of each agent, and so charts.
const METRICS: usize = 2;
/// How long they send before anybody looks.
const HISTORY: Duration = Duration::from_secs(5);
/// Notes, from before the page's own script runs, when lines have been painted, and what was loaded until then. Of a
/// chart's four canvases the second and the third have the lines.
const NOTE_FIRST_CHART: &str = "(() => {
  const hasLines = (canvas) => canvas.width * canvas.height > 0 && canvas.getContext('2d')
    .getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value !== 0);
  const look = () => {
    const canvases = [...(document.querySelectorAll?.('canvas') ?? [])];
    if (!canvases.some((canvas, at) => [1, 2].includes(at % 4) && hasLines(canvas))) return requestAnimationFrame(look);
    const loaded = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')];
    const bytes = (entries) => entries.reduce((sum, entry) => sum + entry.encodedBodySize, 0);
    const files = loaded.filter((entry) => !/\\/(api|feed|ws)\\b/.test(entry.name));
    // The frame that draws them ends before the next one begins.
    requestAnimationFrame(() => {
      window.benchFirst = {
        chart_millis: performance.now(),
        text_millis: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0,
        files: files.length,
        file_bytes: bytes(files),
        wasm_bytes: bytes(files.filter((entry) => entry.name.endsWith('.wasm'))),
      };
    });
  };
  requestAnimationFrame(look);
})()";

/// One first visit.
#[derive(Clone, Copy, Debug, Serialize, serde::Deserialize)]
pub(super) struct Run {
    /// Until the first chart stands.
    chart_millis: f64,
    /// Until anything stands.
    text_millis: f64,
    /// Files of the page that were loaded by then.
    files: u64,
    /// Their bytes as they travelled.
    file_bytes: u64,
    /// Of them WebAssembly.
    wasm_bytes: u64,
}

/// Measures it and prints its table.
pub(super) fn run(args: &Args) -> anyhow::Result<Vec<Run>> {
    let (http, pull) = (free_address()?, format!("tcp://{}", free_address()?));
    let mut server = Server::start(&mut relay(&args.signalbox, &http, &pull))?;
    server.until_listening(&http)?;
    let _agents = Agents::start(&pull, AGENTS, RATE, METRICS)?;
    std::thread::sleep(HISTORY);
    let runs = (0..args.runs).map(|_| measure(args, &http)).collect::<anyhow::Result<Vec<_>>>()?;
    let of = |figure: fn(&Run) -> f64| Spread::of(runs.iter().map(figure).collect());
    let last = runs.last().context("no run")?;
    let kib = |bytes: u64| format!("{:.1}", bytes as f64 / 1024.0);
    let row = vec![
        figure(of(|run| run.text_millis)),
        figure(of(|run| run.chart_millis)),
        last.files.to_string(),
        kib(last.file_bytes),
        kib(last.wasm_bytes),
    ];
    let head = ["first text after ms", "first chart after ms", "files until then", "KiB", "of them wasm"];
    print_table(&head, &[row]);
    Ok(runs)
}

fn measure(args: &Args, http: &str) -> anyhow::Result<Run> {
    let mut browser = Browser::start(&args.chromium, WINDOW_SIZE)?;
    let tab = browser.open("about:blank", "true")?;
    browser.call(Some(&tab), "Page.enable", &json!({}))?;
    let note = json!({ "source": NOTE_FIRST_CHART });
    browser.call(Some(&tab), "Page.addScriptToEvaluateOnNewDocument", &note)?;
    browser.call(Some(&tab), "Page.navigate", &json!({ "url": format!("http://{http}/") }))?;
    let started = Instant::now();
    loop {
        // While the page is on its way there may be no world to ask.
        if let Ok(noted) = browser.evaluate(&tab, "window.benchFirst ?? null")
            && !noted.is_null()
        {
            return Ok(serde_json::from_value(noted)?);
        }
        ensure!(started.elapsed() < DEADLINE, "no chart is painted");
        std::thread::sleep(Duration::from_millis(100));
    }
}
