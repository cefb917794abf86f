//! libzmq: the two sockets, how they are bound and bounded, and the one thread that reads them.
//!
//! What libzmq bounds by itself: a peer that does not finish the handshake, a message far over the limit (it closes
//! that connection, and the peer comes back), messages waiting per peer. What it cannot bound is the number of parts
//! of one message, which is why no foreign host belongs on these ports.

use std::sync::Arc;

use anyhow::Context as _;
use bytes::Bytes;
use signalbox_shared::sample::SAMPLE_BYTES_MAX;
use signalbox_shared::{Sample, SampleError};
use tokio::sync::mpsc;

use super::endpoint::{Attach, Endpoint};
use super::history::{Batch, History};
use super::stats::CollectorStats;
use crate::limits::Limits;

/// Largest message that libzmq lets through, in bytes. Four times the largest sample, so that a sample that is merely
/// too large is counted with its excerpt; a larger message costs its sender the connection.
const MESSAGE_BYTES_MAX: i64 = 4 * SAMPLE_BYTES_MAX as i64;
/// Time a peer has for the ZMTP handshake, in milliseconds.
const HANDSHAKE_MILLIS: i32 = 5_000;
/// Time between heartbeats and until a silent peer is given up, in milliseconds.
const HEARTBEAT_MILLIS: (i32, i32) = (10_000, 30_000);
/// Time between attempts to connect, and its longest after doubling, in milliseconds.
const RECONNECT_MILLIS: (i32, i32) = (100, 5_000);
/// Connections that wait to be accepted: a fleet of a thousand agents that comes back at once.
const ACCEPT_BACKLOG: i32 = 1_024;
/// Longest sleep in one poll, in milliseconds. The end is signalled by a socket; this is the belt to those braces.
const POLL_MILLIS: i64 = 1_000;
/// Most messages and encoded bytes taken before they are handed on and the other socket has its turn.
const BATCH_MESSAGES_MAX: usize = 1_024;
const BATCH_BYTES_MAX: usize = 1024 * 1024;

/// A socket of one kind with its endpoints attached.
pub struct Attached {
    socket: zmq::Socket,
    /// Where it really is, in the notation of [`Endpoint`].
    pub endpoints: Vec<String>,
}

/// Makes a socket and attaches it everywhere; `None` when there is nowhere. `setting` names what moves it.
pub fn attach(
    context: &zmq::Context,
    kind: zmq::SocketType,
    endpoints: &[Endpoint],
    setting: &str,
    limits: &Limits,
) -> anyhow::Result<Option<Attached>> {
    if endpoints.is_empty() {
        return Ok(None);
    }
    let configured = || -> zmq::Result<zmq::Socket> {
        let socket = context.socket(kind)?;
        socket.set_maxmsgsize(MESSAGE_BYTES_MAX)?;
        socket.set_rcvhwm(i32::try_from(limits.collector_pending_samples).unwrap_or(i32::MAX))?;
        socket.set_linger(0)?;
        socket.set_handshake_ivl(HANDSHAKE_MILLIS)?;
        socket.set_heartbeat_ivl(HEARTBEAT_MILLIS.0)?;
        socket.set_heartbeat_timeout(HEARTBEAT_MILLIS.1)?;
        socket.set_reconnect_ivl(RECONNECT_MILLIS.0)?;
        socket.set_reconnect_ivl_max(RECONNECT_MILLIS.1)?;
        socket.set_backlog(ACCEPT_BACKLOG)?;
        if endpoints.iter().any(Endpoint::is_ipv6) {
            socket.set_ipv6(true)?;
        }
        if kind == zmq::SUB {
            socket.set_subscribe(b"")?;
        }
        Ok(socket)
    };
    let socket = configured().with_context(|| format!("libzmq refuses a socket for {setting}"))?;
    let mut attached = Vec::with_capacity(endpoints.len());
    for endpoint in endpoints {
        attached.push(attach_one(&socket, endpoint, setting)?);
    }
    Ok(Some(Attached { socket, endpoints: attached }))
}

fn attach_one(socket: &zmq::Socket, endpoint: &Endpoint, setting: &str) -> anyhow::Result<String> {
    let address = endpoint.address();
    match endpoint.attach() {
        Attach::Connect => {
            socket.connect(&address).with_context(|| format!("{setting} cannot connect to {endpoint}"))?;
            Ok(endpoint.to_string())
        }
        Attach::Bind => {
            socket.bind(&address).map_err(|error| bind_error(error, endpoint, setting))?;
            let bound = socket.get_last_endpoint().ok().and_then(Result::ok).unwrap_or(address);
            Ok(format!("@{bound}"))
        }
    }
}

fn bind_error(error: zmq::Error, endpoint: &Endpoint, setting: &str) -> anyhow::Error {
    let next = match error {
        zmq::Error::EADDRINUSE => "end what listens there, or choose another address",
        zmq::Error::EACCES => "choose a port over 1023",
        _ => "name an address of this machine as a number, or * for every one",
    };
    anyhow::anyhow!(
        "{setting} cannot listen on {endpoint}: {error}; {next} with --{setting} @tcp://HOST:PORT (or off)"
    )
}

/// What the thread works with.
pub struct Worker {
    /// The sockets that bring samples.
    pub sockets: Vec<zmq::Socket>,
    /// Readable when the thread must end.
    pub end: zmq::Socket,
    /// Where samples go.
    pub history: Arc<History>,
    /// Where everything is counted.
    pub stats: Arc<CollectorStats>,
    /// Where JSON goes that is no sample.
    pub other: mpsc::Sender<Bytes>,
    /// For the text of a refusal.
    pub agents_max: u64,
}

impl Attached {
    /// The socket, for the thread.
    #[must_use]
    pub fn into_socket(self) -> zmq::Socket {
        self.socket
    }
}

impl Worker {
    /// Reads until the end is signalled. A failing poll ends it too, and is the caller's to log.
    pub fn run(&self) -> zmq::Result<()> {
        let mut batch = Batch::default();
        let mut message = zmq::Message::new();
        loop {
            let mut items: Vec<zmq::PollItem<'_>> = self
                .sockets
                .iter()
                .chain([&self.end])
                .map(|socket| socket.as_poll_item(zmq::POLLIN))
                .collect();
            match zmq::poll(&mut items, POLL_MILLIS) {
                // A signal's handler ran.
                Ok(_) | Err(zmq::Error::EINTR) => {}
                Err(error) => return Err(error),
            }
            if items.last().is_some_and(zmq::PollItem::is_readable) {
                return Ok(());
            }
            for (socket, item) in self.sockets.iter().zip(&items) {
                if item.is_readable() {
                    self.drain(socket, &mut message, &mut batch)?;
                }
            }
            if 0 < batch.size().0 {
                let pushed = self.history.push(&mut batch);
                self.stats.count(&pushed, self.agents_max);
            }
        }
    }

    fn drain(&self, socket: &zmq::Socket, message: &mut zmq::Message, batch: &mut Batch) -> zmq::Result<()> {
        for _ in 0..BATCH_MESSAGES_MAX {
            if BATCH_BYTES_MAX < batch.size().1 {
                break;
            }
            match socket.recv(message, zmq::DONTWAIT) {
                Ok(()) => {}
                Err(zmq::Error::EAGAIN | zmq::Error::EINTR) => break,
                Err(error) => return Err(error),
            }
            let taken = if message.get_more() {
                Err(SampleError::Multipart { n_parts: 1 + skip_parts(socket)? })
            } else {
                Sample::from_json(message).and_then(|sample| batch.push(sample))
            };
            let Err(error) = taken else { continue };
            if error == SampleError::NotObject
                && self.other.try_send(Bytes::copy_from_slice(message)).is_err()
            {
                self.stats.count_other(false);
            }
            self.stats.refuse_sample(&error, message);
        }
        Ok(())
    }
}

/// Throws away the rest of a message, all of which is here already, and says how many parts that was.
fn skip_parts(socket: &zmq::Socket) -> zmq::Result<usize> {
    let mut part = zmq::Message::new();
    let mut n_parts = 0;
    loop {
        match socket.recv(&mut part, zmq::DONTWAIT) {
            Ok(()) => n_parts += 1,
            Err(zmq::Error::EINTR) => continue,
            // Never seen: libzmq hands out a message only when all of its parts have come.
            Err(zmq::Error::EAGAIN) => return Ok(n_parts),
            Err(error) => return Err(error),
        }
        if !part.get_more() {
            return Ok(n_parts);
        }
    }
}
