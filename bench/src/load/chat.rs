//! A crowded chat room: line clients and WebSockets, of which a few speak and all listen. Each counts what it gets and
//! folds it into a hash, so that equal counts and hashes mean: the same lines in the same order for everyone.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

/// How the room is filled and used.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Where line clients connect.
    #[arg(long)]
    address: String,
    /// Where WebSockets connect.
    #[arg(long)]
    http: String,
    /// Line clients.
    #[arg(long)]
    lines: usize,
    /// WebSockets.
    #[arg(long)]
    sockets: usize,
    /// Line clients beside those that never read.
    #[arg(long, default_value_t = 0)]
    stalled: usize,
    /// Lines said per second, all together.
    #[arg(long)]
    per_sec: u64,
    /// How long they are said, in seconds.
    #[arg(long)]
    secs: u64,
}

/// What a run gave.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// Lines said.
    pub(crate) n_said: u64,
    /// Lines that arrived, over all clients.
    pub(crate) n_arrived: u64,
    /// Clients that did not get all of them.
    pub(crate) n_short: u64,
    /// Different orders that were seen by clients that got all; 1 is right.
    pub(crate) n_orders: u64,
    /// Half of all arrivals took at most this, from when the line was due, in milliseconds.
    pub(crate) p50_millis: f64,
    /// 99 of 100.
    pub(crate) p99_millis: f64,
    /// All.
    pub(crate) max_millis: f64,
    /// How long it took until everyone was in the room, in seconds.
    pub(crate) join_secs: f64,
}

/// Users that speak; each is far below the relay's rate.
const SPEAKERS: usize = 20;
/// Connections made at the same time.
const AT_ONCE: usize = 64;
/// How long one connection, and the last lines, may take.
const DEADLINE: Duration = Duration::from_secs(120);
/// What each said line holds before its number and its time.
const MARK: &str = "bench-line ";

/// What one client has got.
struct Heard {
    hash: u64,
    micros: Vec<u32>,
}

/// Runs it and prints the [`Outcome`] as JSON.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let outcome = runtime.block_on(load(args.clone()))?;
    super::print(&outcome)
}

async fn load(args: Args) -> anyhow::Result<Outcome> {
    let (start, n_said) = (Instant::now(), args.per_sec * args.secs);
    let (ready, mut is_ready) = mpsc::channel(AT_ONCE);
    let mut listeners = JoinSet::new();
    let mut stalled = Vec::new();
    for n in 0..args.stalled {
        let mut stream = TcpStream::connect(&args.address).await?;
        stream.write_all(format!("CONNECT stalled {n}\n").as_bytes()).await?;
        stalled.push(stream);
    }
    let n_clients = args.lines + args.sockets;
    for n in 0..n_clients {
        let (args, ready) = (args.clone(), ready.clone());
        listeners.spawn(async move {
            match n < args.lines {
                true => line_client(&args.address, n, n_said, start, ready).await,
                false => socket_client(&args.http, n, n_said, start, ready).await,
            }
        });
        if AT_ONCE <= n {
            timeout(DEADLINE, is_ready.recv()).await.context("a client did not get in")?;
        }
    }
    for _ in 0..n_clients.min(AT_ONCE) {
        timeout(DEADLINE, is_ready.recv()).await.context("a client did not get in")?;
    }
    let mut speakers = Vec::new();
    for n in 0..SPEAKERS {
        let mut stream = TcpStream::connect(&args.address).await?;
        stream.write_all(format!("CONNECT speaker {n}\n").as_bytes()).await?;
        let (mut reader, writer) = stream.into_split();
        tokio::spawn(async move { tokio::io::copy(&mut reader, &mut tokio::io::sink()).await });
        speakers.push(writer);
    }
    let join_secs = start.elapsed().as_secs_f64();
    // What the arrivals themselves have to say must not be measured.
    sleep(Duration::from_secs(2)).await;
    let mut ticks = interval(Duration::from_secs(1) / u32::try_from(args.per_sec)?);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    for n in 0..n_said {
        let due = ticks.tick().await.into_std();
        let line = format!("{MARK}{n} {}\n", due.duration_since(start).as_micros());
        let speaker = usize::try_from(n)? % SPEAKERS;
        speakers[speaker].write_all(line.as_bytes()).await?;
    }
    let mut heard = Vec::new();
    while let Some(joined) = listeners.join_next().await {
        heard.push(joined??);
    }
    drop(stalled);
    sum_up(n_said, join_secs, &heard)
}

fn sum_up(n_said: u64, join_secs: f64, heard: &[Heard]) -> anyhow::Result<Outcome> {
    let is_whole = |heard: &&Heard| heard.micros.len() as u64 == n_said;
    let mut orders: Vec<u64> = heard.iter().filter(is_whole).map(|heard| heard.hash).collect();
    let n_short = (heard.len() - orders.len()) as u64;
    orders.sort_unstable();
    orders.dedup();
    let mut micros: Vec<u32> = heard.iter().flat_map(|heard| heard.micros.iter().copied()).collect();
    micros.sort_unstable();
    ensure!(!micros.is_empty(), "nothing arrived");
    let at = |share: f64| f64::from(micros[((micros.len() - 1) as f64 * share) as usize]) / 1e3;
    Ok(Outcome {
        n_said,
        n_arrived: micros.len() as u64,
        n_short,
        n_orders: orders.len() as u64,
        p50_millis: at(0.5),
        p99_millis: at(0.99),
        max_millis: at(1.0),
        join_secs,
    })
}

impl Heard {
    fn new() -> Self {
        Self { hash: 0xcbf2_9ce4_8422_2325, micros: Vec::new() }
    }

    /// Takes the lines said here that stand in what came: their number into the hash (FNV-1a), their age into the list.
    fn take(&mut self, text: &str, start: Instant) {
        let now = start.elapsed().as_micros() as u64;
        for (at, _) in text.match_indices(MARK) {
            let mut numbers = text[at + MARK.len()..].split(|c: char| !c.is_ascii_digit());
            let mut number = || numbers.next().and_then(|digits| digits.parse::<u64>().ok());
            if let (Some(n), Some(due)) = (number(), number()) {
                self.hash = (self.hash ^ n).wrapping_mul(0x0100_0000_01b3);
                self.micros.push(u32::try_from(now.saturating_sub(due)).unwrap_or(u32::MAX));
            }
        }
    }

    fn has_all(&self, n_said: u64) -> bool {
        n_said <= self.micros.len() as u64
    }
}

async fn line_client(
    address: &str,
    n: usize,
    n_said: u64,
    start: Instant,
    ready: mpsc::Sender<()>,
) -> anyhow::Result<Heard> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(format!("CONNECT line {n}\n").as_bytes()).await?;
    let mut reader = BufReader::with_capacity(4 * 1024, stream);
    let (mut line, mut heard) = (String::new(), Heard::new());
    reader.read_line(&mut line).await?;
    ensure!(line.starts_with("Welcome!"), "not let in: {line}");
    ready.send(()).await?;
    while !heard.has_all(n_said) {
        line.clear();
        match timeout(DEADLINE, reader.read_line(&mut line)).await {
            Ok(Ok(1..)) => heard.take(&line, start),
            // Silence or an end: what is missing is counted.
            _ => break,
        }
    }
    Ok(heard)
}

async fn socket_client(
    http: &str,
    n: usize,
    n_said: u64,
    start: Instant,
    ready: mpsc::Sender<()>,
) -> anyhow::Result<Heard> {
    let mut stream = TcpStream::connect(http).await?;
    let request = format!(
        "GET /ws HTTP/1.1\r\nHost: {http}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut reader = BufReader::with_capacity(4 * 1024, stream);
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        ensure!(0 < reader.read_line(&mut line).await?, "no upgrade");
    }
    let join = format!(r#"{{"type":"chat_join","id":1,"room":"lobby","name":"socket {n}"}}"#);
    reader.get_mut().write_all(&masked(0x1, join.as_bytes())).await?;
    let (mut heard, mut is_in, mut payload) = (Heard::new(), false, Vec::new());
    while !heard.has_all(n_said) {
        let Ok(Ok(opcode)) = timeout(DEADLINE, read_frame(&mut reader, &mut payload)).await else { break };
        match opcode {
            0x1 => {
                let text = std::str::from_utf8(&payload)?;
                heard.take(text, start);
                if !is_in && text.contains("\"chat_joined\"") {
                    is_in = true;
                    ready.send(()).await?;
                }
            }
            0x9 => reader.get_mut().write_all(&masked(0xa, &payload)).await?,
            0x8 => break,
            _ => {}
        }
    }
    Ok(heard)
}

/// One frame of a client, its mask all zeros (RFC 6455 §5.2): a load needs no randomness.
fn masked(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    match u8::try_from(payload.len()) {
        Ok(length) if length < 126 => frame.push(0x80 | length),
        _ => {
            frame.push(0x80 | 126);
            frame.extend((payload.len() as u16).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

async fn read_frame(reader: &mut BufReader<TcpStream>, payload: &mut Vec<u8>) -> anyhow::Result<u8> {
    let (first, second) = (reader.read_u8().await?, reader.read_u8().await?);
    let length = match second & 0x7f {
        126 => u64::from(reader.read_u16().await?),
        127 => reader.read_u64().await?,
        length => u64::from(length),
    };
    payload.resize(usize::try_from(length)?, 0);
    reader.read_exact(payload).await?;
    Ok(first & 0xf)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_and_losses_are_seen() {
        let hear = |numbers: &[u64]| {
            let mut heard = Heard::new();
            let text: String = numbers.iter().map(|n| format!("x: {MARK}{n} 0\n")).collect();
            heard.take(&text, Instant::now());
            heard
        };
        let outcome = sum_up(3, 0.0, &[hear(&[0, 1, 2]), hear(&[0, 1, 2]), hear(&[0, 2, 1]), hear(&[0, 1])]);
        let outcome = outcome.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((outcome.n_orders, outcome.n_short, outcome.n_arrived), (2, 1, 11));
    }

    #[test]
    fn short_and_long_frames() {
        assert_eq!(masked(1, b"hi"), [0x81, 0x82, 0, 0, 0, 0, b'h', b'i']);
        assert_eq!(masked(1, &[b'x'; 200])[..4], [0x81, 0xfe, 0, 200]);
    }
}
