//! A browser's connection that also says when the system had its bytes in the socket (man 7 socket, `SO_TIMESTAMPNS`),
//! and the two delays that follow from it, by the one clock of this machine: until then, which is the server's doing, and
//! until the one thread of all browsers had read them, which is partly its own.

use std::io::{self, ErrorKind, IoSliceMut, Read, Write};
use std::os::fd::AsRawFd as _;
use std::time::Duration;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt, sockopt};
use nix::sys::time::TimeSpec;
use serde::{Deserialize, Serialize};

use crate::report::percentile;

/// What many browsers got.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// Messages over all of them.
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
pub(super) struct Noted {
    came: Vec<u32>,
    read: Vec<u32>,
}

impl Noted {
    /// With room for so many messages.
    pub(super) fn with_capacity(n: u64) -> anyhow::Result<Self> {
        let n = usize::try_from(n)?;
        Ok(Self { came: Vec::with_capacity(n), read: Vec::with_capacity(n) })
    }

    /// Takes a message; all in microseconds since the Unix epoch.
    pub(super) fn note(&mut self, sent: u64, came: u64, read: u64) {
        let since = |at: u64| u32::try_from(at.saturating_sub(sent)).unwrap_or(u32::MAX);
        self.came.push(since(came));
        self.read.push(since(read));
    }

    /// How many there are.
    pub(super) fn n(&self) -> u64 {
        self.read.len() as u64
    }

    /// All of them together.
    pub(super) fn outcome(&self) -> Outcome {
        Outcome { delivered: self.n(), came: Delays::of(&self.came), read: Delays::of(&self.read) }
    }
}

/// A stream that is not asked for more than waited when it was told to have something: a short read has emptied it (man 7
/// epoll, question 9), and the question would cost the small machine as much as a message.
pub(super) struct Stamped {
    stream: TcpStream,
    /// While it is connecting, each read waits.
    is_blocking: bool,
    is_empty: bool,
    came_micros: u64,
    /// Room for that time.
    control: Vec<u8>,
}

impl Stamped {
    /// One whose reads wait, until it is [watched](Self::watch).
    pub(super) fn new(stream: std::net::TcpStream) -> anyhow::Result<Self> {
        stream.set_nodelay(true)?;
        setsockopt(&stream, sockopt::ReceiveTimestampns, &true)?;
        let stream = TcpStream::from_std(stream);
        let control = nix::cmsg_space!(TimeSpec);
        Ok(Self { stream, is_blocking: true, is_empty: false, came_micros: 0, control })
    }

    /// From now on reads do not wait, and `token` says when there is something.
    pub(super) fn watch(&mut self, registry: &Registry, token: Token) -> anyhow::Result<()> {
        socket2::SockRef::from(&self.stream).set_nonblocking(true)?;
        self.is_blocking = false;
        Ok(registry.register(&mut self.stream, token, Interest::READABLE)?)
    }

    /// It was told to have something.
    pub(super) fn fill(&mut self) {
        self.is_empty = false;
    }

    /// When the system had what was read last, in microseconds since the Unix epoch.
    pub(super) fn came_micros(&self) -> u64 {
        self.came_micros
    }
}

impl Read for Stamped {
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

impl Write for Stamped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
