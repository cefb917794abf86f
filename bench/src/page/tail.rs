//! A channel at 10,000 messages of 200 B a second while its tail is open, beside the same page at rest.

use std::time::Duration;

use anyhow::ensure;
use serde::{Deserialize, Serialize};

use super::relay::{Rate, Relay, until};
use super::{Args, FRAME_HEAD, WINDOW_SIZE, figure, frame_cells, print_table};
use crate::browser::Browser;
use crate::frames::{self, Seen};
use crate::report::Spread;

const PER_SEC: u64 = 10_000;
const SIZE_BYTES: u64 = 200;
const CHANNEL: &str = "/topic/bench";
/// Before anything counts: the list fills up to what it keeps.
const SETTLE_SECS: u64 = 5;
/// The tail stands, and what the relay has told of it.
const SUBSCRIBED: &str = "document.querySelector('.accounts')?.innerText.includes('received') \
    && !document.querySelector('.accounts').innerText.includes('not subscribed')";
const ACCOUNTS: &str = "(() => {
  const of = (name) => {
    const texts = [...document.querySelectorAll('.account')].map((account) => account.innerText);
    const text = texts.find((text) => text.startsWith(name)) ?? '';
    return Number(text.replace(/[^0-9]/g, ''));
  };
  return { received: of('received'), shown: of('shown'), filtered: of('filtered'), skipped: of('skipped') };
})()";

/// Where every message went, as the page says it.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
struct Accounts {
    received: u64,
    shown: u64,
    filtered: u64,
    skipped: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct Run {
    idle: Seen,
    busy: Seen,
    secs: f64,
    /// Of one core, all threads of the renderer, while nobody watches its frames.
    renderer_cpu_percent: f64,
    heap_kib_begin: f64,
    heap_kib_end: f64,
    accounts: Accounts,
}

/// Measures it and prints its table.
pub(super) fn run(args: &Args) -> anyhow::Result<Vec<Run>> {
    let mut runs = Vec::new();
    for _ in 0..args.runs {
        runs.push(measure(args)?);
    }
    let of = |figure: fn(&Run) -> f64| Spread::of(runs.iter().map(figure).collect());
    let row = |name: &str, seen: fn(&Run) -> &Seen, further: [String; 4]| {
        let frames: Vec<_> = runs.iter().map(|run| (seen(run).clone(), run.secs)).collect();
        [vec![name.to_owned()], frame_cells(&frames), further.to_vec()].concat()
    };
    let blank = || ["-"; 4].map(str::to_owned);
    let busy = [
        figure(of(|run| run.renderer_cpu_percent)),
        figure(of(|run| run.heap_kib_begin / 1024.0)),
        figure(of(|run| run.heap_kib_end / 1024.0)),
        figure(of(|run| run.accounts.shown as f64 / run.accounts.received as f64 * 100.0)),
    ];
    let head = [
        &["page"][..],
        &FRAME_HEAD,
        &["renderer CPU %", "heap at begin MiB", "at end MiB", "shown %, accounts exact"],
    ]
    .concat();
    print_table(
        &head,
        &[row("at rest", |run| &run.idle, blank()), row("10,000 messages/s", |run| &run.busy, busy)],
    );
    Ok(runs)
}

fn measure(args: &Args) -> anyhow::Result<Run> {
    let relay = Relay::start(&args.signalbox)?;
    let mut browser = Browser::start(&args.chromium, WINDOW_SIZE)?;
    let url = format!("http://{}/#/queues/%2Ftopic%2Fbench", relay.http);
    let tab = browser.open(&url, SUBSCRIBED)?;
    std::thread::sleep(Duration::from_secs(1));
    let (idle, _) = frames::for_secs(&mut browser, &tab, args.secs)?;

    let count = PER_SEC * (SETTLE_SECS + 2 * args.secs + 2);
    let rate = Rate { channels: 1, per_sec: PER_SEC, count, size: SIZE_BYTES, is_json: false };
    let publisher = relay.publish(CHANNEL, rate)?;
    std::thread::sleep(Duration::from_secs(SETTLE_SECS));
    let renderer_cpu_percent = frames::renderer_cpu_percent(&mut browser, args.secs)?;
    let heap_kib_begin = frames::heap_kib(&mut browser, &tab)?;
    let (busy, secs) = frames::for_secs(&mut browser, &tab, args.secs)?;
    let heap_kib_end = frames::heap_kib(&mut browser, &tab)?;

    let published = publisher.end()?.published;
    until(&mut browser, &tab, &format!("({ACCOUNTS}).received === {published}"))?;
    let accounts: Accounts = serde_json::from_value(browser.evaluate(&tab, ACCOUNTS)?)?;
    let parts = accounts.shown + accounts.filtered + accounts.skipped;
    ensure!(parts == published, "the accounts are not exact: {accounts:?} of {published}");
    Ok(Run { idle, busy, secs, renderer_cpu_percent, heap_kib_begin, heap_kib_end, accounts })
}
