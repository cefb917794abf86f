//! `signalbox agent`: reads a process's CPU and memory, or the host's, and sends them to a collector.
//!
//! An agent like any other: it speaks docs/protocol.md §2 and nothing else. libzmq connects again by itself, so agent
//! and collector may be started and stopped in any order.

pub mod load;
pub mod reading;

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp, TimestampDisplayWithOffset, tz::Offset};
use signalbox_shared::Sample;
use tokio::time::{Instant, MissedTickBehavior};

use self::load::{Leak, Work};
use self::reading::{Reading, Readings, Watched};
use crate::collector::{SampleSender, SendMode};
use crate::shutdown;

/// Where a collector listens when nothing else is said. Source: docs/protocol.md §2.
const PUBLISH_TO: &str = "tcp://127.0.0.1:5555";
const PUSH_TO: &str = "tcp://127.0.0.1:5557";
/// Shortest and longest time between readings; the kernel counts CPU time in steps of 10 ms.
const INTERVALS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(3_600));
/// Time from the first look, which only a second one makes a reading, to that second one at most.
const FIRST_AFTER: Duration = Duration::from_millis(250);
/// What `--work` is without a number.
const WORK_PERCENT: &str = "50";

/// Send a process's CPU and memory to a collector
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The agent's name; that of a CSS colour is also the colour of its line
    #[arg(long, value_name = "NAME", value_parser = name)]
    color: String,
    /// Watch this process instead of the agent itself, until it ends
    #[arg(long, value_name = "PID", conflicts_with = "host")]
    pid: Option<u32>,
    /// Watch the whole host: CPU in percent of one core, so up to 100 per core
    #[arg(long)]
    host: bool,
    /// Time between readings, from 100ms to 1h
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = interval)]
    interval: Duration,
    /// Where the collector listens [default: tcp://127.0.0.1:5555, with --push tcp://127.0.0.1:5557]
    #[arg(long, value_name = "ADDRESS")]
    connect: Option<String>,
    /// PUSH instead of PUB: what cannot be sent yet waits, up to 100 samples
    #[arg(long)]
    push: bool,
    /// For demonstrations: take this many MB more every second, up to --leak-max
    #[arg(long, value_name = "MB", default_value_t = 0, conflicts_with_all = ["pid", "host"], value_parser = clap::value_parser!(u32).range(0..=1_024))]
    leak: u32,
    /// Where the leak stops, in MB
    #[arg(long, value_name = "MB", default_value_t = 256, requires = "leak", value_parser = clap::value_parser!(u32).range(1..=65_536))]
    leak_max: u32,
    /// For demonstrations: keep this percentage of one core busy
    #[arg(long, value_name = "PERCENT", num_args = 0..=1, default_missing_value = WORK_PERCENT, conflicts_with_all = ["pid", "host"], value_parser = clap::value_parser!(u8).range(0..=100))]
    work: Option<u8>,
}

const EXAMPLES: &str = "\
Examples:
  signalbox agent --color red                                 its own CPU and memory, every second
  signalbox agent --color blue --pid 1234                     those of process 1234, until it ends
  signalbox agent --color build-host --host --interval 5s     those of the whole host
  signalbox agent --color red --connect tcp://10.0.0.7:5555   to a collector elsewhere
  signalbox agent --color green --leak 8 --work 30            a bad process, for a demonstration

Any program can do the same: one JSON object per ZeroMQ message, PUB to 5555 or PUSH to 5557:
  {\"color\": \"red\", \"timestamp\": \"2026-11-20T12:03:07+00:00\", \"cpu\": 12.5, \"mem\": 48.2}";

/// Runs until SIGINT, SIGTERM or the end of the watched process.
///
/// # Errors
/// When the process to watch is not there, or libzmq does not understand the address.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(send_readings(args))
}

async fn send_readings(args: &Args) -> anyhow::Result<ExitCode> {
    let shutdown = shutdown::on_signal().context("cannot listen for signals")?;
    let watched = match (args.host, args.pid) {
        (true, _) => Watched::Host,
        (false, pid) => Watched::Process(pid.unwrap_or_else(std::process::id)),
    };
    let mut readings = Readings::begin(watched)?;
    let mode = if args.push { SendMode::Push } else { SendMode::Publish };
    let address = args.connect.as_deref().unwrap_or(if args.push { PUSH_TO } else { PUBLISH_TO });
    let sender = SampleSender::connect(mode, address)?;
    let color = &args.color;
    say(&format!("{color}: {watched} every {:?} to {address}; Ctrl-C ends it", args.interval))?;

    let _work = args.work.map(Work::begin);
    let mut leak = Leak::begin(args.leak, args.leak_max);
    let mut ticks = tokio::time::interval_at(Instant::now() + FIRST_AFTER.min(args.interval), args.interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut n_dropped = 0_u64;
    loop {
        tokio::select! {
            () = shutdown.cancelled() => break,
            _ = ticks.tick() => {}
        }
        leak.grow();
        let Some(reading) = readings.take() else {
            say(&format!("{color}: {watched} has ended, and so does its agent"))?;
            break;
        };
        if !sender.send(sample(color, &reading, Timestamp::now()).as_bytes())? {
            n_dropped += 1;
        }
    }
    if 0 < n_dropped {
        say(&format!("{color}: {n_dropped} readings were dropped: nobody took them at {address}"))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// One sample of docs/protocol.md §2.
fn sample(color: &str, reading: &Reading, now: Timestamp) -> String {
    let timestamp: TimestampDisplayWithOffset = now.display_with_offset(Offset::UTC);
    let mut object = serde_json::json!({
        "color": color,
        "timestamp": format!("{timestamp:.3}"),
        "cpu": hundredths(reading.cpu_percent),
        "mem": hundredths(reading.mem_mb),
    });
    if let Some((key, value)) = reading.further {
        object[key] = hundredths(value).into();
    }
    object.to_string()
}

fn hundredths(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

fn say(line: &str) -> anyhow::Result<()> {
    writeln!(std::io::stderr().lock(), "{line}").context("standard error is closed")
}

/// The collector's own rule, so that a name it would refuse is refused here.
fn name(text: &str) -> Result<String, String> {
    let json = serde_json::json!({"color": text, "timestamp": "1970-01-01T00:00:00Z", "cpu": 0, "mem": 0});
    Sample::from_json(json.to_string().as_bytes())
        .map(|sample| sample.color)
        .map_err(|error| error.to_string())
}

/// A time with a unit (`1s`, `250ms`, `1m 30s`), or a number of seconds.
fn interval(text: &str) -> Result<Duration, String> {
    let duration = match text.parse::<f64>() {
        Ok(secs) => Duration::try_from_secs_f64(secs).map_err(|error| error.to_string())?,
        Err(_) => {
            let signed: SignedDuration =
                text.parse().map_err(|_| "no time: write 1s, 250ms or a number of seconds".to_owned())?;
            Duration::try_from(signed).map_err(|error| error.to_string())?
        }
    };
    if (INTERVALS.0..=INTERVALS.1).contains(&duration) {
        Ok(duration)
    } else {
        Err("allowed is 100ms to 1h".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_becomes_a_sample_that_the_collector_takes() {
        let reading = Reading { cpu_percent: 12.345, mem_mb: 48.0, further: Some(("uptime_s", 3.0)) };
        let text = sample("red", &reading, Timestamp::from_millisecond(1_763_640_187_250).unwrap());
        assert_eq!(
            text,
            r#"{"color":"red","timestamp":"2025-11-20T12:03:07.250+00:00","cpu":12.35,"mem":48.0,"uptime_s":3.0}"#
        );
        assert_eq!(Sample::from_json(text.as_bytes()).unwrap().timestamp_ms, 1_763_640_187_250);
    }

    #[test]
    fn an_interval_has_a_unit_or_is_in_seconds() {
        let check = |text: &str, expected_ms: Option<u128>| {
            assert_eq!(interval(text).ok().map(|d| d.as_millis()), expected_ms, "{text}");
        };
        check("1s", Some(1_000));
        check("250ms", Some(250));
        check("1m 30s", Some(90_000));
        check("0.5", Some(500));
        check("2", Some(2_000));
        check("1h", Some(3_600_000));
        check("99ms", None);
        check("61m", None);
        check("-1s", None);
        check("NaN", None);
        check("soon", None);
    }

    #[test]
    fn a_name_is_what_the_collector_takes() {
        assert!(name("build host 3").is_ok());
        assert!(name(" ").is_err());
        assert!(name("a\u{1b}[2J").is_err());
        assert!(name(&"x".repeat(129)).is_err());
    }
}
