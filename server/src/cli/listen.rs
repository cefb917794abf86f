//! `signalbox listen`: prints what is published on a channel, or only counts it.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use signalbox_shared::{ChannelName, Payload};
use tokio_util::sync::CancellationToken;

use super::live::{LiveRates, Rates, tell};
use crate::backoff::Backoff;
use crate::broker::frame;
use crate::client::{self, Listener, Sender};
use crate::{clock, shutdown};

/// Print the messages of a channel
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The channel; one that begins with /queue hands each message to one listener only
    channel: ChannelName,
    /// Where the broker listens, HOST:PORT or unix:PATH
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:25000")]
    connect: String,
    /// End after so many messages
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// One JSON object per message: channel, number, time, size, and the data as text or base64
    #[arg(long, conflicts_with = "hex")]
    json: bool,
    /// The data in hexadecimal
    #[arg(long)]
    hex: bool,
    /// Print no messages
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
  signalbox listen /topic/news                       every message, one per line
  signalbox listen /queue/jobs --count 10            take ten messages and end
  signalbox listen /topic/news --json | jq .text     with number, time and size
  signalbox listen /topic/load --quiet --stats       only count
  signalbox listen /topic/raw --connect 10.0.0.7:25000 --hex

Status: 0 when --count was reached, when interrupted without --count, or when nobody reads the output any more;
1 on errors; 130 when interrupted before --count was reached.";

/// Runs until SIGINT, SIGTERM, `--count` or the end of whoever reads its output.
///
/// # Errors
/// When output cannot be written, or with `--no-reconnect` when there is no connection.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(listen(args))
}

async fn listen(args: &Args) -> anyhow::Result<ExitCode> {
    let shutdown = shutdown::on_signal().context("cannot listen for signals")?;
    let tally = Tally { wanted: args.count, rates: Arc::default() };
    let _live = args.stats.then(|| LiveRates::start(&tally.rates));
    let mut backoff = Backoff::default();
    loop {
        let lost = match connect(args, &shutdown).await {
            Some(Ok((mut listener, _sender))) => {
                backoff = Backoff::default();
                let ending = receive(args, &mut listener, &tally, &shutdown).await;
                match ending? {
                    Ending::Done => return Ok(ExitCode::SUCCESS),
                    Ending::Interrupted => return Ok(tally.status_when_interrupted()),
                    Ending::Lost(error) => error,
                }
            }
            Some(Err(error)) => error,
            None => return Ok(tally.status_when_interrupted()),
        };
        if args.no_reconnect {
            return Err(lost).with_context(|| no_connection(&args.connect));
        }
        let wait = backoff.wait();
        tell(&format!(
            "no connection to {}: {lost}; trying again in {:.1} s",
            args.connect,
            wait.as_secs_f64()
        ));
        if shutdown.run_until_cancelled(tokio::time::sleep(wait)).await.is_none() {
            return Ok(tally.status_when_interrupted());
        }
    }
}

/// What to do about a connection that is not there.
pub(super) fn no_connection(address: &str) -> String {
    format!("no connection to the broker at {address} (is `signalbox serve` or `signalbox broker` running?)")
}

/// `None` when interrupted.
async fn connect(args: &Args, shutdown: &CancellationToken) -> Option<io::Result<(Listener, Sender)>> {
    shutdown.run_until_cancelled(client::connect(&args.connect, &args.channel)).await
}

enum Ending {
    /// All that was asked for, or nobody reads it any more.
    Done,
    Interrupted,
    Lost(io::Error),
}

/// Prints what comes on one connection.
async fn receive(
    args: &Args,
    listener: &mut Listener,
    tally: &Tally,
    shutdown: &CancellationToken,
) -> anyhow::Result<Ending> {
    let format = Format::of(args);
    loop {
        let frames = tokio::select! {
            biased;
            () = shutdown.cancelled() => return Ok(Ending::Interrupted),
            result = listener.next() => match result {
                Ok(Some(frames)) => frames,
                Ok(None) => return Ok(Ending::Lost(io::Error::other("the broker ended the connection"))),
                Err(error) => return Ok(Ending::Lost(error)),
            },
        };
        match print(args, format, frames, tally) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(Ending::Done),
            Err(error) => return Err(error).context("cannot write to standard output"),
        }
        if tally.is_done() {
            return Ok(Ending::Done);
        }
    }
}

fn print(args: &Args, format: Format, frames: &[u8], tally: &Tally) -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    for frame in frame::frames(frames) {
        let payload = frame::payload(frame);
        tally.rates.note(payload);
        match format {
            Format::Nothing => {}
            Format::Json => json_line(&mut out, &args.channel, tally.rates.n_messages(), payload)?,
            Format::Hex => hex_line(&mut out, payload)?,
            Format::Raw => {
                out.write_all(payload)?;
                out.write_all(b"\n")?;
            }
            Format::Safe => writeln!(out, "{}", harmless(payload))?,
        }
        if tally.is_done() {
            break;
        }
    }
    out.flush()
}

/// How a message is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Nothing,
    Json,
    Hex,
    /// As it is, for a pipe.
    Raw,
    /// Without anything that a terminal would obey.
    Safe,
}

impl Format {
    fn of(args: &Args) -> Self {
        match args {
            Args { quiet: true, .. } => Self::Nothing,
            Args { json: true, .. } => Self::Json,
            Args { hex: true, .. } => Self::Hex,
            _ if io::stdout().is_terminal() => Self::Safe,
            _ => Self::Raw,
        }
    }
}

fn json_line(out: &mut impl io::Write, channel: &ChannelName, n: u64, payload: &[u8]) -> io::Result<()> {
    let mut object = serde_json::json!({
        "channel": channel,
        "n": n,
        "received_at_ms": clock::now_ms(),
        "bytes": payload.len(),
    });
    let (key, value) = match Payload::from_bytes(payload) {
        Payload::Text(text) => ("text", text),
        Payload::Base64(text) => ("base64", text),
    };
    object[key] = value.into();
    writeln!(out, "{object}")
}

fn hex_line(out: &mut impl io::Write, payload: &[u8]) -> io::Result<()> {
    for byte in payload {
        write!(out, "{byte:02x}")?;
    }
    writeln!(out)
}

/// Text in which control characters are written out, so that no message moves the cursor or recolours the terminal.
fn harmless(payload: &[u8]) -> String {
    let mut text = String::new();
    for c in String::from_utf8_lossy(payload).chars() {
        match c {
            '\t' => text.push(c),
            c if c.is_control() => text.extend(c.escape_default()),
            c => text.push(c),
        }
    }
    text
}

/// What has come so far.
struct Tally {
    wanted: Option<u64>,
    rates: Arc<Rates>,
}

impl Tally {
    fn is_done(&self) -> bool {
        self.wanted.is_some_and(|wanted| wanted <= self.rates.n_messages())
    }

    fn status_when_interrupted(&self) -> ExitCode {
        match self.wanted {
            Some(_) if !self.is_done() => ExitCode::from(130),
            _ => ExitCode::SUCCESS,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_not_moved_by_a_message() {
        let check = |payload: &[u8], expected: &str| assert_eq!(harmless(payload), expected);
        check(b"plain \xc5\xbc\tand tab", "plain ż\tand tab");
        check(b"\x1b[2Jgone\r\n", "\\u{1b}[2Jgone\\r\\n");
        check(b"\xc2\x9b2J", "\\u{9b}2J");
        check(b"\xff", "\u{fffd}");
    }

    #[test]
    fn lines_for_programs() {
        let mut out = Vec::new();
        hex_line(&mut out, b"\x00\xffa").unwrap();
        json_line(&mut out, &"/topic/a".parse().unwrap(), 7, b"\xff").unwrap();
        json_line(&mut out, &"/topic/a".parse().unwrap(), 8, b"a\nb").unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "00ff61");
        let objects: Vec<serde_json::Value> =
            lines[1..].iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((&objects[0]["n"], &objects[0]["base64"]), (&7.into(), &"/w==".into()));
        assert_eq!((&objects[1]["bytes"], &objects[1]["text"]), (&3.into(), &"a\nb".into()));
    }
}
