//! Many browsers in one process: each a WebSocket that watches one channel, all on one thread.
//!
//! A message says when it was sent ([`super::publish`]); [`super::stamped`] tells two delays from that.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use clap::ValueEnum;
use mio::{Events, Poll, Token};
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Message, WebSocket};

use super::feed_clients::micros_now;
use super::publish::stamps;
use super::stamped::{Noted, Stamped};
use super::wire::Wire;

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

struct Client {
    socket: WebSocket<Stamped>,
    /// What of the NATS protocol has not wholly come.
    rest: Vec<u8>,
}

/// Connects everybody, says so in a line, reads until everything has come or nothing comes, and prints what they got.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let mut poll = Poll::new()?;
    let mut clients = Vec::with_capacity(args.clients);
    for n in 0..args.clients {
        let mut client = Client::connect(args).with_context(|| format!("client {n}"))?;
        client.socket.get_mut().watch(poll.registry(), Token(n))?;
        clients.push(client);
    }
    super::print(&"ready")?;
    let due = args.messages * args.clients as u64;
    let mut noted = Noted::with_capacity(due)?;
    let mut events = Events::with_capacity(1024);
    let mut last_came = Instant::now();
    while noted.n() < due && last_came.elapsed() < SILENCE_MAX {
        poll.poll(&mut events, Some(Duration::from_millis(200)))?;
        for event in &events {
            let n_before = noted.n();
            clients[event.token().0].read(args.server, &mut noted)?;
            if n_before < noted.n() {
                last_came = Instant::now();
            }
        }
    }
    super::print(&noted.outcome())
}

impl Client {
    /// Connects and subscribes; done when the server has said that the subscription stands.
    fn connect(args: &Args) -> anyhow::Result<Self> {
        let stream = Stamped::new(std::net::TcpStream::connect(&args.address)?)?;
        let path = match args.server {
            Server::Signalbox => "ws",
            Server::Nats => "",
        };
        let config = WebSocketConfig::default().read_buffer_size(READ_BYTES);
        let url = format!("ws://{}/{path}", args.address);
        let (socket, _) = tungstenite::client::client_with_config(url, stream, Some(config))
            .map_err(|error| anyhow::anyhow!("{error}"))?;
        let mut client = Self { socket, rest: Vec::new() };
        client.subscribe(args)?;
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
        self.socket.get_mut().fill();
        loop {
            let data = match self.socket.read() {
                Ok(Message::Ping(_) | Message::Pong(_)) => continue,
                Ok(Message::Close(why)) => bail!("the server closed a client: {why:?}"),
                Ok(message) => message.into_data(),
                Err(tungstenite::Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            let (came, now) = (self.socket.get_ref().came_micros(), micros_now()?);
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
