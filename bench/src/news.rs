//! `cargo xtask bench news`: many slow sources at the same time, one that hangs, and large pages.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use serde::Serialize;
use serde_json::Value;

use crate::process::{Server, free_port};
use crate::report::{Spread, cores, say, table};
use crate::{http, news_site};

/// Measures how soon headlines are there.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The release binary.
    #[arg(long, value_name = "FILE")]
    signalbox: PathBuf,
    /// Runs per case.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Sources.
    #[arg(long, default_value_t = 200)]
    sources: usize,
    /// Bytes of the large page and of the large feed.
    #[arg(long, default_value_t = 1_000_000)]
    page_bytes: usize,
    /// Write the figures to this file as well, as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// How long a relay may take to be there.
const START_DEADLINE: Duration = Duration::from_secs(30);
/// The deadline of the source that hangs, in milliseconds.
const HANG_MILLIS: u64 = 3_000;

#[derive(Serialize)]
struct Row {
    case: String,
    millis: Spread,
}

/// Runs every case in turn and prints the table.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    ensure!(0 < args.runs && 1 < args.sources, "at least one run and two sources");
    let site = news_site::serve(args.page_bytes)?;
    let slow = |n: usize| source(&site, n, "/slow", "headline = 'h2 a'");
    let all_slow: String = (0..args.sources).map(slow).collect();
    let hanging =
        source(&site, args.sources, "/hang", &format!("headline = 'h2 a'\ndeadline = '{HANG_MILLIS}ms'"));
    let one_hangs: String = (1..args.sources).map(slow).chain([hanging]).collect();
    let page = source(&site, 0, "/page", "headline = 'article h2 a'");
    let feed = source(&site, 0, "/feed", "");

    let (mut whole, mut others, mut with_hanging) = (Vec::new(), Vec::new(), Vec::new());
    let (mut pages, mut feeds) = (Vec::new(), Vec::new());
    for _ in 0..args.runs {
        whole.push(Relay::start(&args.signalbox, &all_slow)?.until_answered(args.sources, args.sources)?);
        let relay = Relay::start(&args.signalbox, &one_hangs)?;
        others.push(relay.until_answered(args.sources - 1, args.sources - 1)?);
        with_hanging.push(others[others.len() - 1] + relay.until_answered(args.sources, args.sources - 1)?);
        pages.push(took_millis(&args.signalbox, &page)?);
        feeds.push(took_millis(&args.signalbox, &feed)?);
    }
    let n = args.sources;
    let mebi = args.page_bytes as f64 / 1e6;
    let row = |case: String, millis: Vec<f64>| Row { case, millis: Spread::of(millis) };
    let rows = [
        row(format!("{n} sources that each answer after 1 s: all there"), whole),
        row(format!("{} such and one that hangs: the {} there", n - 1, n - 1), others),
        row(format!("the same: the one given up (its deadline is {HANG_MILLIS} ms)"), with_hanging),
        row(format!("a page of {mebi} MB: fetched, parsed, searched"), pages),
        row(format!("a feed of {mebi} MB: fetched, parsed"), feeds),
    ];
    say(&format!("{} runs, each with a fresh relay; milliseconds, median (min to max)", args.runs));
    let cells = |row: &Row| {
        let Spread { min, median, max } = row.millis;
        vec![row.case.clone(), format!("{median:.0} ({min:.0} to {max:.0})")]
    };
    say(&table(&["case", "ms"], &rows.iter().map(cells).collect::<Vec<_>>()));
    if let Some(path) = &args.json {
        let figures = serde_json::json!({ "cores": cores(), "runs": args.runs, "rows": rows });
        std::fs::write(path, serde_json::to_string_pretty(&figures)? + "\n")?;
    }
    Ok(())
}

fn source(site: &str, n: usize, path: &str, more: &str) -> String {
    format!("[[sources]]\nname = 'source {n}'\nurl = '{site}{path}?{n}'\n{more}\n")
}

/// How long the one source of a fresh relay took, by the relay's own account: from the connection to the last headline.
fn took_millis(signalbox: &Path, source: &str) -> anyhow::Result<f64> {
    let answer = Relay::start(signalbox, source)?.news("")?;
    let source = &answer["sources"][0];
    ensure!(source["failure"].is_null() && has_headlines(source), "{source}");
    source["took_ms"].as_f64().context("a time")
}

fn has_headlines(source: &Value) -> bool {
    source["headlines"].as_array().is_some_and(|headlines| !headlines.is_empty())
}

/// A relay that gathers headlines and does nothing else; it ends with this value.
struct Relay {
    port: u16,
    server: Server,
    config: PathBuf,
}

impl Relay {
    fn start(signalbox: &Path, sources: &str) -> anyhow::Result<Self> {
        let port = free_port()?;
        let config =
            std::env::temp_dir().join(format!("signalbox-bench-news-{}-{port}.toml", std::process::id()));
        let mut text = format!("http = '127.0.0.1:{port}'\nnews_private = 'allow'\nlog = 'error'\n");
        for service in ["broker", "chat", "collector_sub", "collector_pull"] {
            let _ = writeln!(text, "{service} = 'off'");
        }
        std::fs::write(&config, text + sources)?;
        let server = Server::start(Command::new(signalbox).arg("serve").arg("--config").arg(&config))?;
        let mut relay = Self { port, server, config };
        relay.until_alive()?;
        Ok(relay)
    }

    fn until_alive(&mut self) -> anyhow::Result<()> {
        let begun = Instant::now();
        while begun.elapsed() < START_DEADLINE {
            if http::get(self.port, "/healthz").is_ok() {
                return Ok(());
            }
            ensure!(self.server.is_alive(), "the relay has ended");
            std::thread::sleep(Duration::from_millis(10));
        }
        bail!("waited {START_DEADLINE:?} in vain for the relay")
    }

    fn news(&self, query: &str) -> anyhow::Result<Value> {
        Ok(serde_json::from_str(&http::get(self.port, &format!("/api/news{query}"))?)?)
    }

    /// Milliseconds until so many sources have answered or failed, of which so many must have headlines.
    fn until_answered(&self, n_wanted: usize, n_good: usize) -> anyhow::Result<f64> {
        let begun = Instant::now();
        let mut revision = 0;
        loop {
            let answer = self.news(&format!("?since={revision}&wait=8"))?;
            revision = answer["revision"].as_u64().context("a revision")?;
            let sources = answer["sources"].as_array().context("sources")?;
            let good = sources.iter().filter(|source| has_headlines(source)).count();
            let failed = sources.iter().filter(|source| !source["failure"].is_null()).count();
            if n_wanted <= good + failed {
                ensure!(good == n_good, "{good} sources brought headlines, {failed} failed");
                return Ok(begun.elapsed().as_secs_f64() * 1e3);
            }
            ensure!(begun.elapsed() < START_DEADLINE, "{good} have answered and {failed} failed");
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.config);
    }
}
