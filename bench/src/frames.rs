//! What a tab's frames and tasks were like, seen from inside it.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::browser::{Browser, Tab};

/// Begins to note the time between frames, and every task that is felt: longer than 50 ms (W3C Long Tasks).
const WATCH: &str = "(() => {
  window.benchSeen?.stop();
  const seen = window.benchSeen = { gaps: [], long: [] };
  const observer = new PerformanceObserver((list) =>
    list.getEntries().forEach((task) => seen.long.push(task.duration)));
  observer.observe({ type: 'longtask' });
  let before, isOver = false;
  const frame = (now) => {
    if (before) seen.gaps.push(now - before);
    before = now;
    if (!isOver) requestAnimationFrame(frame);
  };
  seen.stop = () => { isOver = true; observer.disconnect(); };
  requestAnimationFrame(frame);
})()";
/// Fifteen minutes of frames at 120 a second are some 100,000 numbers: little enough to sort at once.
const FETCH: &str = "(() => {
  const { gaps, long } = window.benchSeen, sorted = gaps.toSorted((a, b) => a - b);
  const at = (part) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
  return {
    frames: gaps.length, gap_p50: at(0.5), gap_p99: at(0.99), gap_max: at(1),
    long_tasks: long.length, long_task_max: Math.max(0, ...long),
  };
})()";

/// Frames and tasks of a while, in milliseconds.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Seen {
    /// Frames.
    pub(crate) frames: u64,
    /// Median from one frame to the next.
    pub(crate) gap_p50: f64,
    /// The same of the slowest hundredth.
    pub(crate) gap_p99: f64,
    /// The longest.
    pub(crate) gap_max: f64,
    /// Tasks of 50 ms and more.
    pub(crate) long_tasks: u64,
    /// The longest of them; 0 without any.
    pub(crate) long_task_max: f64,
}

/// Watches while `work` goes on: what was seen, and how many seconds that took.
pub(crate) fn during(
    browser: &mut Browser,
    tab: &Tab,
    work: impl FnOnce(&mut Browser, &Tab) -> anyhow::Result<()>,
) -> anyhow::Result<(Seen, f64)> {
    browser.evaluate(tab, WATCH)?;
    let begun = Instant::now();
    work(browser, tab)?;
    let seen = serde_json::from_value(browser.evaluate(tab, FETCH)?)?;
    Ok((seen, begun.elapsed().as_secs_f64()))
}

/// The same for so many seconds in which nothing is done here.
pub(crate) fn for_secs(browser: &mut Browser, tab: &Tab, secs: u64) -> anyhow::Result<(Seen, f64)> {
    during(browser, tab, |_, _| {
        std::thread::sleep(Duration::from_secs(secs));
        Ok(())
    })
}

/// CPU of the renderer, all its threads, for so many seconds: percent of one core. To be asked before anybody watches,
/// for who watches every frame makes every frame happen.
pub(crate) fn renderer_cpu_percent(browser: &mut Browser, secs: u64) -> anyhow::Result<f64> {
    let (begun, cpu_before) = (Instant::now(), browser.renderer_cpu_secs()?);
    std::thread::sleep(Duration::from_secs(secs));
    let cpu_secs = browser.renderer_cpu_secs()? - cpu_before;
    Ok(cpu_secs / begun.elapsed().as_secs_f64() * 100.0)
}

/// What JavaScript and the DOM hold after a collection, with the memory of WebAssembly, in KiB.
pub(crate) fn heap_kib(browser: &mut Browser, tab: &Tab) -> anyhow::Result<f64> {
    browser.call(Some(tab), "HeapProfiler.collectGarbage", &serde_json::json!({}))?;
    let usage = browser.call(Some(tab), "Runtime.getHeapUsage", &serde_json::json!({}))?;
    let bytes = |key: &str| usage[key].as_f64().unwrap_or(0.0);
    Ok((bytes("usedSize") + bytes("backingStorageSize")) / 1024.0)
}
