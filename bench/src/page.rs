//! `cargo xtask bench page`: the first visit and the queues view under load in a real browser, and many browsers that watch
//! one channel.

mod first;
mod large;
mod list;
mod relay;
mod tail;
mod tap;

use std::path::PathBuf;

use crate::frames::Seen;
use crate::report::{Spread, cores, say, table};

/// Measures the page.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The release binary, with the page inside it.
    #[arg(long, value_name = "FILE")]
    signalbox: PathBuf,
    /// The browser.
    #[arg(long, value_name = "FILE")]
    chromium: PathBuf,
    /// Only cases whose name contains this: first, tail, large, list, tap.
    #[arg(long, default_value = "")]
    only: String,
    /// Runs per case.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Seconds that each run is watched.
    #[arg(long, default_value_t = 20)]
    secs: u64,
    /// Browsers of the case `tap`.
    #[arg(long, default_value_t = 1_000)]
    clients: usize,
    /// Where the figures go as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Size of the window in CSS pixels.
const WINDOW_SIZE: (u32, u32) = (1280, 800);
/// A task longer than this is felt, in milliseconds (W3C Long Tasks).
const LONG_TASK_MILLIS: f64 = 50.0;

/// Runs every case that was asked for, prints the tables and writes the JSON file.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    say(&format!(
        "window of {} x {} CSS pixels, headless without GPU; {} cores; {} runs of {} s, median (min to max)",
        WINDOW_SIZE.0,
        WINDOW_SIZE.1,
        cores(),
        args.runs,
        args.secs
    ));
    let is_asked = |name: &str| name.contains(&args.only);
    let mut figures = serde_json::json!({ "cores": cores(), "runs": args.runs, "secs": args.secs });
    if is_asked("first") {
        figures["first"] = serde_json::to_value(first::run(args)?)?;
    }
    if is_asked("tail") {
        figures["tail"] = serde_json::to_value(tail::run(args)?)?;
    }
    if is_asked("large") {
        figures["large"] = serde_json::to_value(large::run(args)?)?;
    }
    if is_asked("list") {
        figures["list"] = serde_json::to_value(list::run(args)?)?;
    }
    if is_asked("tap") {
        figures["tap"] = serde_json::to_value(tap::run(args)?)?;
    }
    if let Some(path) = &args.json {
        std::fs::write(path, serde_json::to_string_pretty(&figures)? + "\n")?;
    }
    Ok(())
}

/// The columns that every case with frames has.
const FRAME_HEAD: [&str; 5] =
    ["frames/s", "frame p99 ms", "longest ms", "tasks over 50 ms", "longest task ms"];

fn frame_cells(runs: &[(Seen, f64)]) -> Vec<String> {
    let spread = |figure: fn(&(Seen, f64)) -> f64| Spread::of(runs.iter().map(figure).collect());
    let n_long: u64 = runs.iter().map(|(seen, _)| seen.long_tasks).sum();
    vec![
        figure(spread(|(seen, secs)| seen.frames as f64 / secs)),
        figure(spread(|(seen, _)| seen.gap_p99)),
        figure(spread(|(seen, _)| seen.gap_max)),
        n_long.to_string(),
        longest_task(runs.iter().map(|(seen, _)| seen.long_task_max)),
    ]
}

/// The browser tells of no task that is shorter.
fn longest_task(millis: impl Iterator<Item = f64>) -> String {
    let longest = millis.fold(0.0, f64::max);
    if longest < LONG_TASK_MILLIS { "under 50".to_owned() } else { format!("{longest:.0}") }
}

fn figure(spread: Spread) -> String {
    format!("{:.1} ({:.1} to {:.1})", spread.median, spread.min, spread.max)
}

fn print_table(head: &[&str], rows: &[Vec<String>]) {
    say(&table(head, rows));
}
