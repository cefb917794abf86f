//! Many browsers in one process: each a connection that reads Server-Sent Events, all on one thread.
//!
//! A sample says in `sent_micros` when it was sent; [`super::stamped`] tells two delays from that. The thread looks for what
//! has come now and then: browsers are elsewhere, and one that were woken for each event would take the server's processor.

use std::io::{ErrorKind, Read as _, Write as _};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail};
use mio::{Events, Poll, Token};

use super::stamped::{Noted, Stamped};

/// The key in front of the time of sending.
pub(crate) const SENT_KEY: &[u8] = b"\"sent_micros\":";
/// How long the first sample, and then each next one, may let wait before the rest counts as lost.
const SILENCE_MAX: Duration = Duration::from_secs(15);
/// Time between two looks: part of the delay until a message is read, and of none until it is in the socket.
const LOOK_EVERY: Duration = Duration::from_millis(4);
/// Bytes read at once.
const READ_BYTES: usize = 64 * 1024;
/// A line that is longer than this is no sample of ours.
const LINE_BYTES_MAX: usize = 64 * 1024;

/// One run.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where the server listens.
    #[arg(long)]
    address: String,
    /// The path of its feed.
    #[arg(long)]
    path: String,
    /// How many browsers.
    #[arg(long)]
    clients: usize,
    /// How many samples each is due.
    #[arg(long)]
    samples: u64,
}

struct Client {
    stream: Stamped,
    /// A line that has begun.
    line: Vec<u8>,
    is_answered: bool,
    delivered: u64,
}

/// Connects everybody, says so in a line, reads until everything has come or nothing comes, and prints what they got.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let mut poll = Poll::new()?;
    let mut clients = Vec::with_capacity(args.clients);
    let request =
        format!("GET {} HTTP/1.1\r\nHost: {}\r\nAccept: text/event-stream\r\n\r\n", args.path, args.address);
    for n in 0..args.clients {
        let stream = std::net::TcpStream::connect(&args.address).with_context(|| format!("client {n}"))?;
        let mut stream = Stamped::new(stream)?;
        stream.write_all(request.as_bytes())?;
        stream.watch(poll.registry(), Token(n))?;
        clients.push(Client { stream, line: Vec::new(), is_answered: false, delivered: 0 });
    }
    let due = args.samples * args.clients as u64;
    let (mut n_answered, mut noted) = (0, Noted::with_capacity(due)?);
    let mut events = Events::with_capacity(args.clients);
    let mut buffer = vec![0; READ_BYTES];
    let mut last_came = Instant::now();
    while noted.n() < due && last_came.elapsed() < SILENCE_MAX {
        std::thread::sleep(LOOK_EVERY);
        poll.poll(&mut events, Some(Duration::from_millis(200)))?;
        for event in &events {
            let client = &mut clients[event.token().0];
            let was_answered = client.is_answered;
            if client.read(&mut buffer, &mut noted)? {
                last_came = Instant::now();
            }
            if client.is_answered && !was_answered {
                n_answered += 1;
                if n_answered == args.clients {
                    super::print(&"ready")?;
                }
            }
        }
    }
    super::print(&noted.outcome())
}

impl Client {
    /// Reads what has come; says whether there was any.
    fn read(&mut self, buffer: &mut [u8], noted: &mut Noted) -> anyhow::Result<bool> {
        let mut has_come = false;
        self.stream.fill();
        loop {
            let n = match self.stream.read(buffer) {
                Ok(0) => bail!("the server closed a client that had {} samples", self.delivered),
                Ok(n) => n,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(has_come),
                Err(error) => return Err(error.into()),
            };
            has_come = true;
            let now_micros = micros_now()?;
            for part in buffer[..n].split_inclusive(|byte| *byte == b'\n') {
                self.line.extend_from_slice(part);
                if part.ends_with(b"\n") {
                    self.take_line(now_micros, noted)?;
                    self.line.clear();
                }
                anyhow::ensure!(self.line.len() <= LINE_BYTES_MAX, "a line without end");
            }
        }
    }

    fn take_line(&mut self, now_micros: u64, noted: &mut Noted) -> anyhow::Result<()> {
        if !self.is_answered {
            let head = String::from_utf8_lossy(&self.line);
            anyhow::ensure!(head.contains(" 200 "), "the server answers {}", head.trim());
            self.is_answered = true;
            return Ok(());
        }
        let Some(sent_micros) = sent_micros(&self.line) else { return Ok(()) };
        self.delivered += 1;
        noted.note(sent_micros, self.stream.came_micros(), now_micros);
        Ok(())
    }
}

/// Microseconds since the Unix epoch.
pub(crate) fn micros_now() -> anyhow::Result<u64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros() as u64)
}

/// When the sample in this line was sent, if there is one.
fn sent_micros(line: &[u8]) -> Option<u64> {
    let at = line.windows(SENT_KEY.len()).position(|part| part == SENT_KEY)? + SENT_KEY.len();
    let digits = line[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&line[at..at + digits]).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_sending_is_found() {
        let check = |line: &str, expected| assert_eq!(sent_micros(line.as_bytes()), expected, "{line}");
        check("data: {\"cpu\":1,\"sent_micros\":1700000000000001}\n", Some(1_700_000_000_000_001));
        check("data: {\"sent_micros\":17.0}\n", Some(17));
        check("id: 1-2\n", None);
        check("data: {\"sent_micros\":}\n", None);
    }
}
