//! Many subscribers of one channel that do nothing, and now and then one message to all of them.

use std::io::{BufRead as _, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::Target;
use super::wire::Wire;

const CHANNEL: &str = "/topic/bench0";
/// Bytes of the message.
const SIZE: usize = 128;
/// A subscriber that got nothing for so long fails the run.
const SILENCE_MAX: Duration = Duration::from_secs(10);

/// One run.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    target: Target,
    /// Subscribers.
    #[arg(long)]
    subscribers: usize,
    /// Messages, one after the other.
    #[arg(long)]
    count: usize,
}

/// What a run gave.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// For each message: from its write until the last subscriber had read it, in microseconds.
    pub(crate) last_micros: Vec<f64>,
}

/// Connects everybody, prints a line and waits for one, so that whoever started this can look at the idle server; then
/// sends and prints the [`Outcome`] as JSON.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let mut subscribers = Vec::with_capacity(args.subscribers);
    for _ in 0..args.subscribers {
        let stream = args.target.wire.subscribe(&args.target.address, CHANNEL)?;
        stream.set_read_timeout(Some(SILENCE_MAX))?;
        subscribers.push(stream);
    }
    let mut publisher = args.target.wire.publisher(&args.target.address, CHANNEL)?;
    let mut message = Vec::new();
    args.target.wire.push_message(&mut message, CHANNEL, SIZE);
    // Until all have it: some wires do not tell when a subscription is taken.
    publisher.write_all(&message)?;
    let mut late: Vec<&mut TcpStream> = subscribers.iter_mut().collect();
    while !late.is_empty() {
        std::thread::sleep(Duration::from_millis(200));
        late.iter().try_for_each(|stream| stream.set_nonblocking(true))?;
        late.retain_mut(|stream| !drain(args.target.wire, stream));
        late.iter().try_for_each(|stream| stream.set_nonblocking(false))?;
        if !late.is_empty() {
            publisher.write_all(&message)?;
        }
    }
    // Those that came twice are read away before anything is measured.
    std::thread::sleep(Duration::from_millis(500));
    for stream in &mut subscribers {
        stream.set_nonblocking(true)?;
        drain(args.target.wire, stream);
        stream.set_nonblocking(false)?;
    }
    super::print(&"idle")?;
    std::io::stdin().lock().read_line(&mut String::new())?;

    let mut last_micros = Vec::new();
    for _ in 0..args.count {
        let started = Instant::now();
        publisher.write_all(&message)?;
        for stream in &mut subscribers {
            read_one(args.target.wire, stream)?;
        }
        last_micros.push(started.elapsed().as_nanos() as f64 / 1e3);
        std::thread::sleep(Duration::from_millis(100));
    }
    super::print(&Outcome { last_micros })
}

/// Reads what is there without waiting, and says whether that was a message.
fn drain(wire: Wire, stream: &mut TcpStream) -> bool {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes); // ends with WouldBlock, which keeps what was read
    let mut n = 0;
    let _ = wire.walk(&bytes, |_| n += 1);
    n != 0
}

/// Reads until one whole message has come.
fn read_one(wire: Wire, stream: &mut TcpStream) -> anyhow::Result<()> {
    let mut buffer = [0; 4 * 1024];
    let (mut filled, mut n) = (0, 0);
    while n == 0 {
        let read = stream.read(&mut buffer[filled..])?;
        anyhow::ensure!(read != 0, "the server closed a subscriber");
        filled += read;
        let walked = wire.walk(&buffer[..filled], |_| n += 1)?;
        buffer.copy_within(walked..filled, 0);
        filled -= walked;
    }
    Ok(())
}
