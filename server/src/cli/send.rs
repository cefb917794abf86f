//! `signalbox send`: publishes lines, or made-up messages at a steady pace.

mod source;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use signalbox_shared::ChannelName;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use self::source::{LineFormat, Source};
use super::listen::no_connection;
use super::live::{LiveRates, Rates, tell};
use crate::backoff::Backoff;
use crate::client::{self, Listener, Sender};
use crate::shutdown;

/// Who only publishes subscribes to this. Source: docs/protocol.md §1.
const NOTHING: &str = "/null";
/// Time for the broker to take what was sent last and to say goodbye; longer than any moment in which it holds a
/// publisher, unless a queue stays full.
const GOODBYE: Duration = Duration::from_secs(60);
/// Pause between made-up messages when nothing is said.
const INTERVAL: Duration = Duration::from_secs(1);

/// Publish messages on a channel
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The channel; one that begins with /queue hands each message to one listener only
    channel: ChannelName,
    /// Where the broker listens, HOST:PORT or unix:PATH
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:25000")]
    connect: String,
    /// Make up messages of so many bytes instead of reading lines
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(..=1_073_741_824))]
    size: Option<u32>,
    /// Make up messages, one every so many seconds (0: as fast as possible) [default: 1]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    interval: Option<Duration>,
    /// So many messages per second at most
    #[arg(long, value_name = "N", conflicts_with = "interval", value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,
    /// End after so many messages; without --from-file they are made up
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Publish the lines of a file, `-` for standard input
    #[arg(long, value_name = "PATH", conflicts_with = "size")]
    from_file: Option<PathBuf>,
    /// The lines are JSON objects with the data as `text` or `base64`, as `listen --json` prints them
    #[arg(long, conflicts_with_all = ["hex", "size"])]
    json: bool,
    /// The lines are the data in hexadecimal
    #[arg(long, conflicts_with = "size")]
    hex: bool,
    /// Say nothing while connecting again; errors that end it are still told
    #[arg(long)]
    quiet: bool,
    /// Tell rates on standard error once a second, in one place on a terminal
    #[arg(long)]
    stats: bool,
    /// End with an error when the connection is lost, instead of connecting again
    #[arg(long)]
    no_reconnect: bool,
}

const EXAMPLES: &str = "\
Examples:
  echo hello | signalbox send /topic/news                      publish lines from standard input
  signalbox send /queue/jobs --interval 0.5 --size 200         a message of 200 bytes twice a second
  signalbox send /topic/load --rate 10000 --count 100000       a hundred thousand in ten seconds
  signalbox send /topic/load --interval 0 --count 1000000      a million as fast as the broker takes them
  signalbox send /topic/news --from-file news.txt --rate 5     the lines of a file, five a second
  signalbox send /topic/news --json --from-file recorded       what `listen --json > recorded` kept
  signalbox send /topic/load --interval 0 --quiet --stats      how fast the broker takes them
  signalbox send /queue/jobs --connect 10.0.0.7:25000 < jobs   to a broker elsewhere

Status: 0 when the broker has taken everything, or when interrupted while there was no end in sight; 1 on errors;
130 when interrupted before --count was reached.";

/// Whole seconds and parts of one, up to a day.
fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "a number of seconds, such as 0.5".to_owned())?;
    if !(0.0..=86_400.0).contains(&seconds) {
        return Err("0 to 86400 seconds".to_owned());
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// Runs until everything is sent, or SIGINT or SIGTERM.
///
/// # Errors
/// When the file cannot be read, or with `--no-reconnect` when there is no connection.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(send(args))
}

async fn send(args: &Args) -> anyhow::Result<ExitCode> {
    let shutdown = shutdown::on_signal().context("cannot listen for signals")?;
    let mut job = Job {
        source: source_of(args)?,
        pace: Pace::of(args),
        wanted: args.count,
        n_sent: 0,
        kept: None,
        rates: Arc::default(),
    };
    let _live = args.stats.then(|| LiveRates::start(&job.rates));
    let mut backoff = Backoff::default();
    let nothing: ChannelName = NOTHING.parse()?;
    loop {
        let connecting = client::connect(&args.connect, &nothing);
        let lost = match shutdown.run_until_cancelled(connecting).await {
            None => return Ok(job.status_when_interrupted()),
            Some(Ok((listener, sender))) => {
                backoff = Backoff::default();
                match job.run(&args.channel, listener, sender, &shutdown).await? {
                    Ending::Done => return Ok(ExitCode::SUCCESS),
                    Ending::Interrupted => return Ok(job.status_when_interrupted()),
                    Ending::Lost(error) => error,
                }
            }
            Some(Err(error)) => error,
        };
        if args.no_reconnect {
            return Err(lost).with_context(|| no_connection(&args.connect));
        }
        let wait = backoff.wait();
        let perhaps = if job.n_sent == 0 { "" } else { " (what was under way may be lost)" };
        let wait_secs = wait.as_secs_f64();
        if !args.quiet {
            tell(&format!(
                "no connection to {}: {lost}{perhaps}; trying again in {wait_secs:.1} s",
                args.connect
            ));
        }
        if shutdown.run_until_cancelled(tokio::time::sleep(wait)).await.is_none() {
            return Ok(job.status_when_interrupted());
        }
    }
}

fn source_of(args: &Args) -> anyhow::Result<Source> {
    let format = match args {
        Args { json: true, .. } => LineFormat::Json,
        Args { hex: true, .. } => LineFormat::Hex,
        _ => LineFormat::Raw,
    };
    let has_lines = format != LineFormat::Raw;
    let makes_up = !has_lines && (args.size.is_some() || args.interval.is_some() || args.count.is_some());
    match &args.from_file {
        Some(path) => Source::file(path, format),
        None if makes_up => Ok(Source::made_up(args.size.map(|bytes| bytes as usize))),
        None => Ok(Source::standard_input(format)),
    }
}

/// What is to be sent, and how far that is.
struct Job {
    source: Source,
    pace: Option<Pace>,
    wanted: Option<u64>,
    n_sent: u64,
    /// A message that was taken from the source and found no connection.
    kept: Option<Vec<u8>>,
    rates: Arc<Rates>,
}

enum Ending {
    Done,
    Interrupted,
    Lost(io::Error),
}

impl Job {
    fn status_when_interrupted(&self) -> ExitCode {
        match self.wanted {
            Some(wanted) if self.n_sent < wanted => ExitCode::from(130),
            _ => ExitCode::SUCCESS,
        }
    }

    /// Sends on one connection until there is nothing more to send, or no connection.
    async fn run(
        &mut self,
        channel: &ChannelName,
        mut listener: Listener,
        mut sender: Sender,
        shutdown: &CancellationToken,
    ) -> anyhow::Result<Ending> {
        let sent = tokio::select! {
            biased;
            () = shutdown.cancelled() => return Ok(Ending::Interrupted),
            lost = lost(&mut listener) => return Ok(Ending::Lost(lost)),
            sent = self.send(channel, &mut sender) => sent?,
        };
        if let Err(error) = sent {
            return Ok(Ending::Lost(error));
        }
        Ok(tokio::select! {
            () = shutdown.cancelled() => Ending::Interrupted,
            result = goodbye(listener, sender) => match result {
                Ok(()) => Ending::Done,
                Err(error) => {
                    let why = "all is sent, yet the broker has not confirmed that it took everything";
                    return Err(error).context(why);
                }
            },
        })
    }

    /// The outer error is the source's, the inner one the connection's.
    async fn send(&mut self, channel: &ChannelName, sender: &mut Sender) -> anyhow::Result<io::Result<()>> {
        while self.wanted.is_none_or(|wanted| self.n_sent < wanted) {
            if self.kept.is_none() {
                // Nobody waits for a message that is only queued while the source has none.
                let next = match self.source.try_next()? {
                    Some(next) => next,
                    None => {
                        if let Err(error) = sender.flush().await {
                            return Ok(Err(error));
                        }
                        match self.source.next().await? {
                            Some(next) => next,
                            None => break,
                        }
                    }
                };
                self.kept = Some(next);
            }
            if let Some(pace) = &mut self.pace
                && !pace.is_due()
            {
                if let Err(error) = sender.flush().await {
                    return Ok(Err(error));
                }
                pace.wait().await;
            }
            let payload = self.kept.take().unwrap_or_default();
            let is_time = sender.queue(channel, &payload);
            self.rates.note(&payload);
            self.n_sent += 1;
            if is_time && let Err(error) = sender.flush().await {
                return Ok(Err(error));
            }
        }
        Ok(sender.flush().await)
    }
}

/// Waits for the end of a connection on which nothing is expected.
async fn lost(listener: &mut Listener) -> io::Error {
    loop {
        match listener.next().await {
            Ok(Some(_)) => {}
            Ok(None) => return io::Error::other("the broker ended the connection"),
            Err(error) => return error,
        }
    }
}

/// Ends the session and waits until the broker has taken everything.
async fn goodbye(mut listener: Listener, sender: Sender) -> io::Result<()> {
    sender.finish().await?;
    let ended = async {
        while listener.next().await?.is_some() {}
        Ok(())
    };
    timeout(GOODBYE, ended).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// When the next message is due. One that comes late is not made up for by a burst of more than a second's worth.
struct Pace {
    every: Duration,
    due: Instant,
}

impl Pace {
    fn of(args: &Args) -> Option<Self> {
        let made_up = args.from_file.is_none() && (args.size.is_some() || args.count.is_some());
        let every = match (args.rate, args.interval) {
            (Some(rate), _) => Duration::from_secs(1) / rate,
            (None, Some(interval)) => interval,
            (None, None) if made_up => INTERVAL,
            (None, None) => Duration::ZERO,
        };
        (!every.is_zero()).then(|| Self { every, due: Instant::now() })
    }

    /// Whether the next message is due, which is counted as sent then.
    fn is_due(&mut self) -> bool {
        let now = Instant::now();
        if now < self.due {
            return false;
        }
        let oldest = now.checked_sub(Duration::from_secs(1)).unwrap_or(now);
        self.due = self.due.max(oldest) + self.every;
        true
    }

    async fn wait(&mut self) {
        while !self.is_due() {
            tokio::time::sleep_until(self.due).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_pace_is_kept_and_only_a_second_is_made_up_for() {
        let mut pace = Pace { every: Duration::from_millis(100), due: Instant::now() };
        let started = Instant::now();
        for _ in 0..11 {
            pace.wait().await;
        }
        assert_eq!(started.elapsed().as_millis() / 100, 10);
        tokio::time::advance(Duration::from_secs(60)).await;
        let n_at_once = (0..100).take_while(|_| pace.is_due()).count();
        assert_eq!(n_at_once, 11);
    }

    #[test]
    fn seconds_are_checked() {
        let check = |text: &str, expected: Option<u64>| {
            assert_eq!(seconds(text).ok().map(|d| d.as_millis()), expected.map(u128::from), "{text}");
        };
        check("0", Some(0));
        check("0.25", Some(250));
        check("86400", Some(86_400_000));
        check("-1", None);
        check("NaN", None);
        check("1s", None);
    }
}
