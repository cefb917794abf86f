//! The product's own page while real agents send: frames, long tasks, heap and the renderer's CPU.

use std::time::Duration;

use anyhow::Context as _;
use serde::Serialize;

use super::Args;
use crate::browser::Browser;
use crate::feed::relay;
use crate::frames::{self, Seen};
use crate::load::agents::Agents;
use crate::process::{Server, free_address};
use crate::report::{say, table};

/// One case.
struct Case {
    name: &'static str,
    agents: usize,
    /// Samples a second of each agent.
    rate: f64,
    /// Metrics, and so charts.
    charts: usize,
}

const CASES: &[Case] = &[
    Case { name: "live, 100 agents at 10/s, 5 charts", agents: 100, rate: 10.0, charts: 5 },
    Case { name: "live, 50 agents at 1/s, 2 charts", agents: 50, rate: 1.0, charts: 2 },
];

/// Before anything counts: the page compiles, the first charts find their scales.
const SETTLE_SECS: u64 = 10;
const WINDOW_SIZE: (u32, u32) = (1280, 1600);
/// How many charts there are: each is four canvases.
const N_CHARTS: &str = "document.querySelectorAll('canvas').length / 4";

#[derive(Debug, Serialize)]
pub(super) struct Row {
    case: &'static str,
    secs: f64,
    seen: Seen,
    charts: f64,
    frames_per_sec: f64,
    /// Of one core, all threads of the renderer, without anybody who watches frames.
    renderer_cpu_percent: f64,
    heap_kib_begin: f64,
    heap_kib_end: f64,
}

/// Runs the cases whose name was asked for, and prints their table.
pub(super) fn run(args: &Args) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for case in CASES.iter().filter(|case| case.name.contains(&args.only)) {
        rows.push(measure(args, case)?);
    }
    if !rows.is_empty() {
        say(&rows_table(&rows));
    }
    Ok(rows)
}

fn measure(args: &Args, case: &Case) -> anyhow::Result<Row> {
    let signalbox = args.signalbox.as_ref().context("the live cases need --signalbox")?;
    let (http, pull) = (free_address()?, format!("tcp://{}", free_address()?));
    let mut server = Server::start(&mut relay(signalbox, &http, &pull))?;
    server.until_listening(&http)?;
    let _agents = Agents::start(&pull, case.agents, case.rate, case.charts)?;
    let mut browser = Browser::start(&args.chromium, WINDOW_SIZE)?;
    let ready = format!("document.querySelectorAll('canvas').length >= {}", case.charts * 4);
    let tab = browser.open(&format!("http://{http}/"), &ready)?;
    std::thread::sleep(Duration::from_secs(SETTLE_SECS));

    let renderer_cpu_percent = frames::renderer_cpu_percent(&mut browser, args.live_secs)?;
    let heap_kib_begin = frames::heap_kib(&mut browser, &tab)?;
    let (seen, secs) = frames::for_secs(&mut browser, &tab, args.live_secs)?;
    let heap_kib_end = frames::heap_kib(&mut browser, &tab)?;
    Ok(Row {
        case: case.name,
        secs,
        frames_per_sec: seen.frames as f64 / secs,
        seen,
        charts: browser.evaluate(&tab, N_CHARTS)?.as_f64().unwrap_or_default(),
        renderer_cpu_percent,
        heap_kib_begin,
        heap_kib_end,
    })
}

fn rows_table(rows: &[Row]) -> String {
    let cells = rows.iter().map(|row| {
        vec![
            row.case.to_owned(),
            format!("{:.0}", row.charts),
            format!("{:.1}", row.frames_per_sec),
            format!("{:.1}", row.seen.gap_p99),
            format!("{:.1}", row.seen.gap_max),
            format!("{} ({:.0} ms)", row.seen.long_tasks, row.seen.long_task_max),
            format!("{:.1}", row.renderer_cpu_percent),
            format!("{:.0} to {:.0}", row.heap_kib_begin, row.heap_kib_end),
        ]
    });
    let head = [
        "case",
        "charts",
        "frames/s",
        "gap p99 ms",
        "max ms",
        "tasks over 50 ms (longest)",
        "renderer CPU % of a core",
        "heap KiB",
    ];
    table(&head, &cells.collect::<Vec<_>>())
}
