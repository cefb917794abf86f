//! A crowded chat room: line clients and WebSockets, of which a few speak and all listen. Each counts what it gets and
//! folds it into a hash, so that equal counts and hashes mean: the same lines in the same order for everyone.
//!
//! All listeners stand on one thread, so that little of a small machine is taken from what is measured.

mod client;

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use mio::{Events, Interest, Poll, Token};
use serde::{Deserialize, Serialize};
use socket2::{Domain, Socket, Type};

use client::{Client, Heard};

/// How the room is filled and used.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Where line clients connect.
    #[arg(long)]
    address: SocketAddr,
    /// Where WebSockets connect.
    #[arg(long)]
    http: SocketAddr,
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
    per_sec: u32,
    /// How long they are said, in seconds.
    #[arg(long)]
    secs: u32,
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
    /// Clients that never read and of which the room was told by name that they are gone.
    pub(crate) n_dropped: u64,
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
/// Connections that are entering at the same time.
const AT_ONCE: usize = 64;
/// How long it may be silent before what is missing counts as lost.
const SILENCE_MAX: Duration = Duration::from_secs(15);
/// Bytes read at once: more than waits for one client between two turns.
const READ_BYTES: usize = 64 * 1024;
/// What the arrivals themselves have to say must not be measured.
const SETTLE: Duration = Duration::from_secs(3);
/// Window of a client that never reads, in bytes: it takes next to nothing for it.
const STALLED_WINDOW_BYTES: usize = 4 * 1024;
/// What a chat client's line has beside its number and its time: about what people write.
const FILLER: &str = "so that the line is as long as one that people write";

/// Runs it and prints the [`Outcome`] as JSON.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let start = Instant::now();
    let mut crowd = Crowd::new(args, start)?;
    crowd.enter(args)?;
    let join_secs = start.elapsed().as_secs_f64();
    let stalled: Vec<Socket> = (0..args.stalled).map(|n| stall(args, n)).collect::<Result<_, _>>()?;
    let speakers: Vec<TcpStream> = (0..SPEAKERS).map(|n| speaker(args, n)).collect::<Result<_, _>>()?;
    crowd.listen(SETTLE, |_| false)?;
    let n_said = u64::from(args.per_sec) * u64::from(args.secs);
    let interval = Duration::from_secs(1) / args.per_sec;
    let speaking = thread::spawn(move || speak(&speakers, start, interval, n_said));
    crowd.listen(SILENCE_MAX, |heard| n_said <= heard.n_lines())?;
    speaking.join().ok().context("the speakers' thread panicked")??;
    drop(stalled);
    super::print(&sum_up(n_said, join_secs, &crowd.heard()))
}

/// A line client that says who it is and never reads.
fn stall(args: &Args, n: usize) -> anyhow::Result<Socket> {
    let socket = Socket::new(Domain::for_address(args.address), Type::STREAM, None)?;
    socket.set_recv_buffer_size(STALLED_WINDOW_BYTES)?;
    socket.connect(&args.address.into())?;
    (&socket).write_all(format!("CONNECT {}{n}\n", client::STALLED).as_bytes())?;
    Ok(socket)
}

/// A line client that speaks; what it hears is thrown away.
fn speaker(args: &Args, n: usize) -> anyhow::Result<TcpStream> {
    let mut stream = TcpStream::connect(args.address)?;
    stream.set_nodelay(true)?;
    stream.write_all(format!("CONNECT speaker {n}\n").as_bytes())?;
    let mut ear = stream.try_clone()?;
    // Ends with the relay, or with this process.
    thread::spawn(move || std::io::copy(&mut ear, &mut std::io::sink()));
    Ok(stream)
}

fn speak(speakers: &[TcpStream], start: Instant, interval: Duration, n_said: u64) -> anyhow::Result<()> {
    let mut due = Instant::now();
    for n in 0..n_said {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let due_micros = due.duration_since(start).as_micros();
        let line = format!("{}{n} {due_micros} {FILLER}\n", client::MARK);
        let speaker = usize::try_from(n)? % speakers.len();
        (&speakers[speaker]).write_all(line.as_bytes())?;
        due += interval;
    }
    Ok(())
}

/// Everybody who listens.
struct Crowd {
    poll: Poll,
    events: Events,
    clients: Vec<Client>,
    start: Instant,
    n_in: usize,
    /// Where each read puts what it takes.
    space: Vec<u8>,
}

impl Crowd {
    fn new(args: &Args, start: Instant) -> anyhow::Result<Self> {
        let clients = Vec::with_capacity(args.lines + args.sockets);
        Ok(Self {
            poll: Poll::new()?,
            events: Events::with_capacity(1_024),
            clients,
            start,
            n_in: 0,
            space: vec![0; READ_BYTES],
        })
    }

    /// Lets everybody in, a few at a time.
    fn enter(&mut self, args: &Args) -> anyhow::Result<()> {
        let n_clients = args.lines + args.sockets;
        while self.n_in < n_clients {
            while self.clients.len() < n_clients.min(self.n_in + AT_ONCE) {
                let n = self.clients.len();
                let mut client = match n < args.lines {
                    true => Client::line(args.address, n)?,
                    false => Client::socket(args.http, n)?,
                };
                self.poll.registry().register(&mut client.stream, Token(n), Interest::READABLE)?;
                self.clients.push(client);
            }
            let is_lively = self.turn(SILENCE_MAX)?;
            ensure!(is_lively, "only {} of {n_clients} got in", self.n_in);
        }
        Ok(())
    }

    /// Takes what comes until everybody `has_enough`, or for as long as nothing comes.
    fn listen(&mut self, silence: Duration, has_enough: impl Fn(&Heard) -> bool) -> anyhow::Result<()> {
        while self.turn(silence)? {
            // The last ones are asked first: they are the ones that lack something.
            if self.clients.iter().rev().all(|client| client.is_gone || has_enough(&client.heard)) {
                break;
            }
        }
        Ok(())
    }

    /// Waits for what comes and takes it; false when nothing came for that long.
    fn turn(&mut self, silence: Duration) -> anyhow::Result<bool> {
        self.poll.poll(&mut self.events, Some(silence))?;
        for event in &self.events {
            let client = &mut self.clients[event.token().0];
            let was_in = client.is_in;
            client.read(self.start, &mut self.space)?;
            self.n_in += usize::from(!was_in && client.is_in);
        }
        Ok(!self.events.is_empty())
    }

    fn heard(self) -> Vec<Heard> {
        self.clients.into_iter().map(|client| client.heard).collect()
    }
}

fn sum_up(n_said: u64, join_secs: f64, heard: &[Heard]) -> Outcome {
    let is_whole = |heard: &&Heard| heard.n_lines() == n_said;
    let mut orders: Vec<u64> = heard.iter().filter(is_whole).map(|heard| heard.hash).collect();
    let n_short = (heard.len() - orders.len()) as u64;
    orders.sort_unstable();
    orders.dedup();
    let mut micros: Vec<u32> = heard.iter().flat_map(|heard| heard.micros.iter().copied()).collect();
    micros.sort_unstable();
    let at = |share: f64| {
        let i = (micros.len().saturating_sub(1) as f64 * share) as usize;
        micros.get(i).map_or(f64::NAN, |&micros| f64::from(micros) / 1e3)
    };
    Outcome {
        n_said,
        n_arrived: micros.len() as u64,
        n_short,
        n_orders: orders.len() as u64,
        n_dropped: heard.iter().map(|heard| heard.n_dropped).min().unwrap_or(0),
        p50_millis: at(0.5),
        p99_millis: at(0.99),
        max_millis: at(1.0),
        join_secs,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_and_losses_are_seen() {
        let hear = |numbers: &[u64]| {
            let mut heard = Heard::default();
            let text: String = numbers.iter().map(|n| format!("x: {}{n} 0\n", client::MARK)).collect();
            heard.take(text.as_bytes(), 5);
            heard
        };
        let outcome = sum_up(3, 0.0, &[hear(&[0, 1, 2]), hear(&[0, 1, 2]), hear(&[0, 2, 1]), hear(&[0, 1])]);
        assert_eq!((outcome.n_orders, outcome.n_short, outcome.n_arrived), (2, 1, 11));
        assert!(sum_up(3, 0.0, &[]).p99_millis.is_nan());
    }
}
