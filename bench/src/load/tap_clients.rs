//! Many browsers in one process: each a WebSocket that watches one channel, all on one thread.
//!
//! A message says when it was sent ([`super::publish`]); two delays are told from that, by the one clock of this machine:
//! until the system had its bytes in the browser's socket (man 7 socket, `SO_TIMESTAMPNS`), which is the server's doing,
//! and until the one thread here had read them, which is partly its own.

use std::io::{self, ErrorKind, IoSliceMut, Read, Write};
use std::os::fd::AsRawFd as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use clap::ValueEnum;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt, sockopt};
use nix::sys::time::TimeSpec;
use serde::{Deserialize, Serialize};
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Message, WebSocket};

use super::feed_clients::micros_now;
use super::publish::stamps;
use super::wire::Wire;
use crate::report::percentile;

/// How long the next message may let wait before the rest counts as lost.
const SILENCE_MAX: Duration = Duration::from_secs(10);
/// Bytes that a client reads at once.
const READ_BYTES: usize = 8 * 1024;

/// What the server speaks inside its WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Server {
    /// docs/protocol.md §5.
    Signalbox,
    /// The NATS client protocol.
    Nats,
}

/// One run.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which server.
    #[arg(long)]
    server: Server,
    /// Where its WebSocket listens.
    #[arg(long)]
    address: String,
    /// The channel.
    #[arg(long)]
    channel: String,
    /// How many browsers.
    #[arg(long)]
    clients: usize,
    /// How many messages each is due.
    #[arg(long)]
    messages: u64,
}

/// What they got.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// Messages over all clients.
    pub(crate) delivered: u64,
    /// From sending to the browser's socket.
    pub(crate) came: Delays,
    /// From sending to reading.
    pub(crate) read: Delays,
}

/// Delays in milliseconds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Delays {
    /// Median.
    pub(crate) p50_millis: f64,
    /// The same of the slowest hundredth.
    pub(crate) p99_millis: f64,
    /// The slowest.
    pub(crate) max_millis: f64,
}

impl Delays {
    fn of(micros: &[u32]) -> Self {
        let millis: Vec<f64> = micros.iter().map(|micros| f64::from(*micros) / 1e3).collect();
        Self {
            p50_millis: percentile(&millis, 50.0),
            p99_millis: percentile(&millis, 99.0),
            max_millis: percentile(&millis, 100.0),
        }
    }
}

/// The same in microseconds, message by message.
struct Noted {
    came: Vec<u32>,
    read: Vec<u32>,
}

impl Noted {
    fn note(&mut self, sent: u64, came: u64, read: u64) {
        let since = |at: u64| u32::try_from(at.saturating_sub(sent)).unwrap_or(u32::MAX);
        self.came.push(since(came));
        self.read.push(since(read));
    }
}

/// A stream that is not asked for more than waited when it was told to have something: a short read has emptied it (man 7
/// epoll, question 9), and the question would cost the small machine as much as a message.
struct Told {
    stream: TcpStream,
    /// While it is connecting, each read waits.
    is_blocking: bool,
    is_empty: bool,
    /// When the system had what was read last, in microseconds since the Unix epoch.
    came_micros: u64,
    /// Room for that time.
    control: Vec<u8>,
}

impl Told {
    fn new(stream: std::net::TcpStream) -> anyhow::Result<Self> {
        setsockopt(&stream, sockopt::ReceiveTimestampns, &true)?;
        let stream = TcpStream::from_std(stream);
        let control = nix::cmsg_space!(TimeSpec);
        Ok(Self { stream, is_blocking: true, is_empty: false, came_micros: 0, control })
    }
}

impl Read for Told {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        if self.is_empty {
            return Err(ErrorKind::WouldBlock.into());
        }
        let mut parts = [IoSliceMut::new(space)];
        let flags = MsgFlags::empty();
        let got =
            recvmsg::<()>(self.stream.as_raw_fd(), &mut parts, Some(self.control.as_mut_slice()), flags)?;
        let n = got.bytes;
        for said in got.cmsgs()? {
            if let ControlMessageOwned::ScmTimestampns(at) = said {
                self.came_micros = u64::try_from(Duration::from(at).as_micros()).unwrap_or(u64::MAX);
            }
        }
        self.is_empty = !self.is_blocking && 0 < n && n < space.len();
        Ok(n)
    }
}

impl Write for Told {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

struct Client {
    socket: WebSocket<Told>,
    /// What of the NATS protocol has not wholly come.
    rest: Vec<u8>,
}

/// Connects everybody, says so in a line, reads until everything has come or nothing comes, and prints the [`Outcome`].
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let mut poll = Poll::new()?;
    let mut clients = Vec::with_capacity(args.clients);
    for n in 0..args.clients {
        let mut client = Client::connect(args).with_context(|| format!("client {n}"))?;
        poll.registry().register(&mut client.socket.get_mut().stream, Token(n), Interest::READABLE)?;
        clients.push(client);
    }
    super::print(&"ready")?;
    let due = args.messages * args.clients as u64;
    let room = || usize::try_from(due).map(Vec::with_capacity);
    let mut noted = Noted { came: room()?, read: room()? };
    let mut events = Events::with_capacity(1024);
    let mut last_came = Instant::now();
    while (noted.read.len() as u64) < due && last_came.elapsed() < SILENCE_MAX {
        poll.poll(&mut events, Some(Duration::from_millis(200)))?;
        for event in &events {
            let n_before = noted.read.len();
            clients[event.token().0].read(args.server, &mut noted)?;
            if n_before < noted.read.len() {
                last_came = Instant::now();
            }
        }
    }
    super::print(&Outcome {
        delivered: noted.read.len() as u64,
        came: Delays::of(&noted.came),
        read: Delays::of(&noted.read),
    })
}

impl Client {
    /// Connects and subscribes; done when the server has said that the subscription stands.
    fn connect(args: &Args) -> anyhow::Result<Self> {
        let stream = std::net::TcpStream::connect(&args.address)?;
        stream.set_nodelay(true)?;
        let same = stream.try_clone()?;
        let path = match args.server {
            Server::Signalbox => "ws",
            Server::Nats => "",
        };
        let config = WebSocketConfig::default().read_buffer_size(READ_BYTES);
        let url = format!("ws://{}/{path}", args.address);
        let stream = Told::new(stream)?;
        let (socket, _) = tungstenite::client::client_with_config(url, stream, Some(config))
            .map_err(|error| anyhow::anyhow!("{error}"))?;
        let mut client = Self { socket, rest: Vec::new() };
        client.subscribe(args)?;
        // Both are one and the same to the system.
        same.set_nonblocking(true)?;
        client.socket.get_mut().is_blocking = false;
        Ok(client)
    }

    fn subscribe(&mut self, args: &Args) -> anyhow::Result<()> {
        let (words, answer) = match args.server {
            Server::Signalbox => {
                let words = serde_json::json!({
                    "type": "subscribe", "id": 1, "channel": args.channel, "mode": "tap"
                });
                (Message::text(words.to_string()), "\"subscribed\"")
            }
            Server::Nats => {
                let subject = args.channel.trim_start_matches('/').replace('/', ".");
                let words = format!(
                    "CONNECT {{\"verbose\":false,\"pedantic\":false}}\r\nSUB {subject} 1\r\nPING\r\n"
                );
                (Message::binary(words.into_bytes()), "PONG")
            }
        };
        self.socket.send(words)?;
        loop {
            let data = self.socket.read()?.into_data();
            if String::from_utf8_lossy(&data).contains(answer) {
                return Ok(());
            }
        }
    }

    /// Takes what has come since it was told to have something.
    fn read(&mut self, server: Server, noted: &mut Noted) -> anyhow::Result<()> {
        self.socket.get_mut().is_empty = false;
        loop {
            let data = match self.socket.read() {
                Ok(Message::Ping(_) | Message::Pong(_)) => continue,
                Ok(Message::Close(why)) => bail!("the server closed a client: {why:?}"),
                Ok(message) => message.into_data(),
                Err(tungstenite::Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            let (came, now) = (self.socket.get_ref().came_micros, micros_now()?);
            let mut note = |sent: u64| noted.note(sent, came, now);
            match server {
                Server::Signalbox => stamps(&data).for_each(&mut note),
                Server::Nats => {
                    self.rest.extend_from_slice(&data);
                    let n = Wire::Nats.walk(&self.rest, |payload| stamps(payload).for_each(&mut note))?;
                    self.rest.drain(..n);
                    ensure!(self.rest.len() < 1024 * 1024, "a message without end");
                }
            }
        }
    }
}
