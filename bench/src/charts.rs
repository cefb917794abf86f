//! `cargo xtask bench charts`: the product's chart beside uPlot, smoothie and Chart.js, in one page and one run.

mod live;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::browser::Browser;
use crate::report::{cores, percentile, say, table};
use crate::site;

/// Measures the charts.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folders with the bench's page, the product's chart and the other charts.
    #[arg(long, value_name = "DIRS", value_delimiter = ',', required = true)]
    page: Vec<PathBuf>,
    /// The browser.
    #[arg(long, value_name = "FILE")]
    chromium: PathBuf,
    /// The release binary, for the live case.
    #[arg(long, value_name = "FILE")]
    signalbox: Option<PathBuf>,
    /// Turns that each chart takes in a case; one more comes first and only warms.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Frames per turn.
    #[arg(long, default_value_t = 60)]
    frames: usize,
    /// Only cases whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
    /// Charts to measure beside ours; chart.js is left out where a series has more than 10,000 points.
    #[arg(long, value_delimiter = ',', default_value = "uplot,smoothie,chart.js,bare lines")]
    peers: Vec<String>,
    /// Seconds that each live case is watched.
    #[arg(long, default_value_t = 60)]
    live_secs: u64,
    /// Where the figures go as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// One case: so many series of so many points in the window.
struct Case {
    name: &'static str,
    series: usize,
    points: usize,
    /// Frames per turn are divided by this: the slow charts take seconds per frame.
    slowness: usize,
}

const CASES: &[Case] = &[
    Case { name: "3 x 600", series: 3, points: 600, slowness: 1 },
    Case { name: "20 x 600", series: 20, points: 600, slowness: 1 },
    Case { name: "100 x 600", series: 100, points: 600, slowness: 2 },
    Case { name: "3 x 100,000", series: 3, points: 100_000, slowness: 2 },
    Case { name: "3 x 1,000,000", series: 3, points: 1_000_000, slowness: 10 },
];

/// The chart's size in CSS pixels, at a device pixel ratio of 1.
const SIZE: (u32, u32) = (1200, 300);
/// Seconds in the window.
const WINDOW_SECS: u32 = 60;
/// Points that a scrolling frame moves on by, as a part of the window: a pixel or two.
const SCROLL_PARTS: usize = 600;
/// Room for every chart of a case, so that none is drawn out of sight.
const WINDOW_SIZE: (u32, u32) = (1300, 2000);

/// A chart that takes seconds for a frame of more points than that in a series.
const SLOW_WHEN_DENSE: (&str, usize) = ("chart.js", 10_000);

const OURS: &str = "signalbox";
/// The same chart when its window holds nothing of the one before.
const OURS_JUMPING: &str = "signalbox, new window";

/// Milliseconds per frame: until the drawing came back, and until the main thread had rendered it.
#[derive(Debug, Deserialize)]
struct Millis {
    draw: Vec<f64>,
    frame: Vec<f64>,
}

#[derive(Debug, Serialize)]
struct Row {
    case: &'static str,
    kind: String,
    chart: String,
    frames: usize,
    draw_millis: Quantiles,
    frame_millis: Quantiles,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Quantiles {
    p50: f64,
    p99: f64,
}

impl Quantiles {
    fn of(values: &[f64]) -> Self {
        Self { p50: percentile(values, 50.0), p99: percentile(values, 99.0) }
    }
}

/// Runs every case, prints the tables and writes the JSON file.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let address = site::serve(args.page.clone())?;
    let mut browser = Browser::start(&args.chromium, WINDOW_SIZE)?;
    let browser_version = browser.version()?;
    say(&format!(
        "{browser_version}, headless without GPU; {} cores; {} x {} CSS pixels; {} turns each",
        cores(),
        SIZE.0,
        SIZE.1,
        args.runs
    ));
    let mut rows = Vec::new();
    for case in CASES.iter().filter(|case| case.name.contains(&args.only)) {
        // A page per case: what one left on the heap is not the next one's burden.
        let tab = browser.open(&address, "window.isReady === true")?;
        rows.extend(measure(args, case, |expression| browser.evaluate(&tab, expression))?);
        browser.close(&tab)?;
    }
    drop(browser);
    if !rows.is_empty() {
        say(&frames_table(&rows));
    }
    let live = live::run(args)?;
    if let Some(path) = &args.json {
        let figures = serde_json::json!({
            "browser": browser_version, "cores": cores(), "runs": args.runs, "frames": rows, "live": live,
        });
        std::fs::write(path, serde_json::to_string_pretty(&figures)? + "\n")?;
    }
    Ok(())
}

fn measure(
    args: &Args,
    case: &Case,
    evaluate: impl FnOnce(&str) -> anyhow::Result<serde_json::Value>,
) -> anyhow::Result<Vec<Row>> {
    let ours = [OURS, OURS_JUMPING];
    let (slow, points_max) = SLOW_WHEN_DENSE;
    let is_patient = |peer: &&str| case.points <= points_max || *peer != slow;
    let peers = args.peers.iter().map(String::as_str).filter(is_patient);
    let contenders: Vec<&str> = ours.into_iter().chain(peers).collect();
    let frames = (args.frames / case.slowness).max(3);
    let spec = json!({
        "contenders": contenders, "series": case.series, "points": case.points,
        "width": SIZE.0, "height": SIZE.1, "windowS": WINDOW_SECS, "k": case.points.div_ceil(SCROLL_PARTS),
        "frames": frames, "rounds": args.runs,
    });
    let figures = evaluate(&format!("measure({spec})"))?;
    let figures: BTreeMap<String, BTreeMap<String, Millis>> =
        serde_json::from_value(figures).context("the page's figures")?;
    let mut rows = Vec::new();
    for kind in ["full", "scroll"] {
        for &chart in &contenders {
            let Some(millis) = figures.get(chart).and_then(|kinds| kinds.get(kind)) else { continue };
            let row = Row {
                case: case.name,
                kind: kind.to_owned(),
                chart: chart.to_owned(),
                frames: millis.draw.len(),
                draw_millis: Quantiles::of(&millis.draw),
                frame_millis: Quantiles::of(&millis.frame),
            };
            say(&format!("{}, {kind}, {chart}: {:.3} ms", case.name, row.draw_millis.p50));
            rows.push(row);
        }
    }
    Ok(rows)
}

/// Both kinds are set against uPlot's full redraw: it has no other.
fn frames_table(rows: &[Row]) -> String {
    let of_uplot = |row: &Row, figure: fn(&Row) -> f64| {
        let uplot = rows.iter().find(|r| r.case == row.case && r.kind == "full" && r.chart == "uplot");
        uplot.map_or("-".to_owned(), |uplot| format!("{:.3}", figure(row) / figure(uplot)))
    };
    let cells = rows.iter().map(|row| {
        vec![
            row.case.to_owned(),
            row.kind.clone(),
            row.chart.clone(),
            format!("{:.3}", row.draw_millis.p50),
            format!("{:.3}", row.draw_millis.p99),
            of_uplot(row, |row| row.draw_millis.p50),
            of_uplot(row, |row| row.draw_millis.p99),
            format!("{:.2}", row.frame_millis.p50),
            format!("{:.2}", row.frame_millis.p99),
            of_uplot(row, |row| row.frame_millis.p50),
        ]
    });
    let head = [
        "case",
        "kind",
        "chart",
        "draw p50 ms",
        "p99 ms",
        "p50/uplot's full",
        "p99/uplot's full",
        "frame p50 ms",
        "p99 ms",
        "p50/uplot's full",
    ];
    table(&head, &cells.collect::<Vec<_>>())
}
