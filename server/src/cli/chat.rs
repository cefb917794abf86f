//! `signalbox chat`: the line protocol of the chat (docs/protocol.md §4) from a terminal or a pipe.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use signalbox_shared::chat::{KEEP_ALIVE_LINE, LINE_BYTES_MAX, check_name, neutralise};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Split, Stdin};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, timeout};

use crate::chat::lines::{Line, Splitter};

/// Join the chat from a terminal, in plain lines.
///
/// Prints what everybody says and sends what you type, line by line. Ends at the end of the input or on Ctrl-C.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  signalbox chat ada                            join as ada
  signalbox chat ada --connect 10.0.0.7:8000    on another machine's relay
  echo 'build 42 is out' | signalbox chat ci    say one line and leave")]
pub struct Args {
    /// The name to be known by: up to 32 characters.
    name: String,
    /// Where the chat listens, as HOST:PORT.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8000")]
    connect: String,
    /// Seconds between the lines that tell the relay that a silent reader is still here; 0 for a server that is no
    /// Signalbox and would show them to everybody.
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    keep_alive: u64,
}

/// How long to wait for a connection, for the first answer, and for the last lines after the input has ended.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longest line that is shown, in bytes: a name and a line whose every byte was made visible.
const SHOWN_BYTES_MAX: usize = 4 * LINE_BYTES_MAX;
/// How much one read takes, in bytes.
const READ_BYTES: usize = 16 * 1024;

/// Runs it.
///
/// # Errors
/// What keeps it from running.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(chat(args));
    // A read of the terminal cannot be called off; it must not keep the process.
    runtime.shutdown_background();
    result.map(|()| ExitCode::SUCCESS)
}

async fn chat(args: &Args) -> anyhow::Result<()> {
    let name = check_name(&args.name)?;
    let mut session = Session::connect(&args.connect).await?;
    session.send(format!("CONNECT {name}").as_bytes()).await.context("the connection was lost")?;
    let mut keep_alive = (args.keep_alive != 0).then(|| {
        let period = Duration::from_secs(args.keep_alive);
        let mut ticks = interval_at(Instant::now() + period, period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks
    });
    let mut input = Some(BufReader::new(tokio::io::stdin()).split(b'\n'));
    let mut patience = Instant::now();
    loop {
        let event = tokio::select! {
            lines = session.receive() => Event::Received(lines),
            line = next_line(&mut input) => Event::Typed(line),
            () = tick(&mut keep_alive) => Event::KeepAlive,
            () = tokio::time::sleep_until(patience + PATIENCE), if input.is_none() => Event::Ended,
            interrupted = tokio::signal::ctrl_c() => {
                interrupted?;
                Event::Ended
            }
        };
        match event {
            Event::Received(Some(lines)) => {
                if !session.show(lines)? {
                    return Ok(());
                }
            }
            Event::Received(None) if input.is_none() && !session.is_refused() => return Ok(()),
            Event::Received(None) => bail!(session.farewell()),
            Event::Typed(Some(line)) => session.send(&line).await.context("the connection was lost")?,
            Event::Typed(None) => {
                input = None;
                patience = Instant::now();
                // The relay still sends what was said before it sees this.
                let _ = session.write.shutdown().await;
            }
            Event::KeepAlive if input.is_some() => {
                session.send(KEEP_ALIVE_LINE.as_bytes()).await.context("the connection was lost")?;
            }
            Event::KeepAlive => {}
            Event::Ended => return Ok(()),
        }
    }
}

enum Event {
    Received(Option<Vec<Line>>),
    Typed(Option<Vec<u8>>),
    KeepAlive,
    Ended,
}

struct Session {
    read: OwnedReadHalf,
    write: OwnedWriteHalf,
    splitter: Splitter,
    last_line: String,
}

impl Session {
    async fn connect(address: &str) -> anyhow::Result<Self> {
        let connecting = timeout(PATIENCE, TcpStream::connect(address)).await;
        let stream = connecting.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).with_context(|| {
            format!("no chat at {address}: start one with \"signalbox serve\", or name another address with --connect HOST:PORT")
        })?;
        let (read, write) = stream.into_split();
        Ok(Self { read, write, splitter: Splitter::new(SHOWN_BYTES_MAX), last_line: String::new() })
    }

    async fn send(&mut self, line: &[u8]) -> io::Result<()> {
        self.write.write_all(&[line, b"\n"].concat()).await
    }

    /// The lines that end in what comes next; none when nothing will come any more.
    async fn receive(&mut self) -> Option<Vec<Line>> {
        let mut bytes = vec![0; READ_BYTES];
        match self.read.read(&mut bytes).await {
            Ok(0) | Err(_) => None,
            Ok(n) => Some(self.splitter.split(&bytes[..n])),
        }
    }

    /// Prints lines; false when nobody reads the output any more.
    fn show(&mut self, lines: Vec<Line>) -> io::Result<bool> {
        let mut out = io::stdout().lock();
        for line in lines {
            let text = match line {
                Line::Text(text) | Line::NotUtf8(text) => neutralise(&text).into_owned(),
                Line::TooLong { bytes } => format!("(a line of {bytes} bytes is not shown)"),
            };
            match writeln!(out, "{text}") {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(false),
                written => written?,
            }
            self.last_line = text;
        }
        out.flush().map(|()| true)
    }

    fn is_refused(&self) -> bool {
        self.last_line.starts_with("Error: ")
    }

    fn farewell(&self) -> String {
        match self.last_line.strip_prefix("Error: ") {
            Some(reason) => format!("the chat closed the connection: {reason}"),
            None => "the chat closed the connection".to_owned(),
        }
    }
}

async fn next_line(input: &mut Option<Split<BufReader<Stdin>>>) -> Option<Vec<u8>> {
    match input {
        // What cannot be read has ended.
        Some(lines) => lines.next_segment().await.ok().flatten(),
        None => std::future::pending().await,
    }
}

async fn tick(ticks: &mut Option<Interval>) {
    match ticks {
        Some(ticks) => drop(ticks.tick().await),
        None => std::future::pending().await,
    }
}
