//! A small client of the broker, docs/protocol.md §1: one connection that listens on a channel and publishes on any.
//!
//! Works against every broker that speaks the protocol. Knows nothing of the relay, and does not connect again by
//! itself: [`Backoff`] says when to.

use std::io;
use std::time::Duration;

use signalbox_shared::ChannelName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use crate::broker::frame::{self, HEADER_BYTES};
use crate::keepalive;

/// Bytes that one read takes at most, and that a publisher collects before it writes.
const IO_BYTES: usize = 64 * 1024;
/// Largest frame a client takes, in bytes: what a broker may allow at most (`broker_frame_bytes`).
const FRAME_BYTES_MAX: usize = 1024 * 1024 * 1024;
/// Time for a connection to come about before the next try.
const CONNECT: Duration = Duration::from_secs(10);

/// What stands before the path of a Unix socket where an address is due.
const UNIX: &str = "unix:";

/// The two sides of a connection, over whatever.
type Halves = (Box<dyn AsyncRead + Send + Unpin>, Box<dyn AsyncWrite + Send + Unpin>);

/// Connects to the broker at `address` (`host:port`, or `unix:` and a path) and subscribes to `channel`; `/null` is for those who only
/// publish. Keep both sides: dropping the sender ends the stream, which the broker takes for a leave.
///
/// # Errors
/// When there is no connection within ten seconds, or it fails at once.
pub async fn connect(address: &str, channel: &ChannelName) -> io::Result<(Listener, Sender)> {
    let (read_half, write_half) = timeout(CONNECT, halves(address)).await.map_err(|_| {
        io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {} s", CONNECT.as_secs()))
    })??;
    let mut sender = Sender { half: write_half, queued: Vec::new() };
    frame::append(&mut sender.queued, channel.as_str().as_bytes());
    sender.flush().await?;
    Ok((Listener::new(read_half), sender))
}

async fn halves(address: &str) -> io::Result<Halves> {
    if let Some(path) = address.strip_prefix(UNIX) {
        let (read_half, write_half) = UnixStream::connect(path).await?.into_split();
        return Ok((Box::new(read_half), Box::new(write_half)));
    }
    let (read_half, write_half) = tcp(address).await?.into_split();
    Ok((Box::new(read_half), Box::new(write_half)))
}

async fn tcp(address: &str) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    // Who only listens writes nothing, and would never learn that the broker's host is gone.
    keepalive::begin(&stream)?;
    Ok(stream)
}

/// The receiving side of a connection.
pub struct Listener {
    frame_bytes_max: usize,
    half: Box<dyn AsyncRead + Send + Unpin>,
    buffer: Vec<u8>,
    /// How much of the buffer was given out by the last call.
    given: usize,
}

impl Listener {
    fn new(half: Box<dyn AsyncRead + Send + Unpin>) -> Self {
        Self { frame_bytes_max: FRAME_BYTES_MAX, half, buffer: Vec::new(), given: 0 }
    }

    /// The same, but it takes frames of at most so many bytes; a larger one fails the connection.
    #[must_use]
    pub fn with_frames_up_to(mut self, frame_bytes_max: u64) -> Self {
        self.frame_bytes_max =
            usize::try_from(frame_bytes_max).unwrap_or(FRAME_BYTES_MAX).min(FRAME_BYTES_MAX);
        self
    }

    /// Waits for messages and gives all that have come, as frames one after the other, for [`frame::frames`]. `None`
    /// when the broker ended the connection.
    ///
    /// # Errors
    /// When the connection fails, ends inside a frame, or brings a frame of more than 1 GiB.
    ///
    /// # Cancel safety
    /// No byte is lost when the future is dropped.
    pub async fn next(&mut self) -> io::Result<Option<&[u8]>> {
        self.buffer.drain(..std::mem::take(&mut self.given));
        loop {
            let whole = frame::frames(&self.buffer).map(<[u8]>::len).sum();
            if whole != 0 {
                self.given = whole;
                return Ok(Some(&self.buffer[..whole]));
            }
            self.make_room()?;
            if self.half.read_buf(&mut self.buffer).await? == 0 {
                return if self.buffer.is_empty() {
                    Ok(None)
                } else {
                    Err(io::ErrorKind::UnexpectedEof.into())
                };
            }
        }
    }

    /// Room for one read, or for twice what has come of a large frame.
    fn make_room(&mut self) -> io::Result<()> {
        if let Some(header) = self.buffer.first_chunk::<HEADER_BYTES>() {
            let payload_bytes = u32::from_be_bytes(*header) as usize;
            if self.frame_bytes_max < payload_bytes {
                let why = format!(
                    "a frame of {payload_bytes} bytes: this is no broker, or it speaks another protocol"
                );
                return Err(io::Error::new(io::ErrorKind::InvalidData, why));
            }
        } else if self.buffer.is_empty() && IO_BYTES < self.buffer.capacity() {
            self.buffer = Vec::new(); // what one large message needed is given back
        }
        self.buffer.reserve(IO_BYTES);
        Ok(())
    }
}

/// The publishing side of a connection.
pub struct Sender {
    half: Box<dyn AsyncWrite + Send + Unpin>,
    queued: Vec<u8>,
}

impl Sender {
    /// Adds one message to what the next [`Sender::flush`] writes. Says whether it is time for that.
    pub fn queue(&mut self, channel: &ChannelName, payload: &[u8]) -> bool {
        frame::append(&mut self.queued, channel.as_str().as_bytes());
        frame::append(&mut self.queued, payload);
        IO_BYTES <= self.queued.len()
    }

    /// Writes what is queued. The broker holds it back where a queue is full.
    ///
    /// # Errors
    /// When the connection fails; how much of it the broker got is not known then.
    pub async fn flush(&mut self) -> io::Result<()> {
        self.half.write_all(&self.queued).await?;
        self.queued.clear();
        if 2 * IO_BYTES < self.queued.capacity() {
            self.queued = Vec::new();
        }
        Ok(())
    }

    /// Ends the session: writes what is queued and the empty frame. The broker has taken everything when it ends the
    /// connection thereupon, which the [`Listener`] tells.
    ///
    /// # Errors
    /// When the connection fails.
    pub async fn finish(mut self) -> io::Result<()> {
        frame::append(&mut self.queued, b"");
        self.flush().await?;
        self.half.shutdown().await
    }
}

#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;

#[cfg(test)]
mod tests {
    use socket2::SockRef;
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn the_kernel_looks_whether_a_silent_broker_is_still_there() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = tcp(&listener.local_addr().unwrap().to_string()).await.unwrap();
        let socket = SockRef::from(&stream);
        assert!(socket.keepalive().unwrap());
        let interval = socket.tcp_keepalive_interval().unwrap() * socket.tcp_keepalive_retries().unwrap();
        assert_eq!(socket.tcp_keepalive_time().unwrap() + interval, Duration::from_secs(120));
    }
}
