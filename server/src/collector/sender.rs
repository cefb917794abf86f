//! The other end of the collector: a socket that sends samples, for `signalbox agent`. libzmq connects again by itself.

use std::fmt;

use anyhow::Context as _;

/// Samples that wait while there is no collector: a minute of one a second and some, so that none is much too old.
const PENDING_SAMPLES_MAX: i32 = 100;

/// How samples are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendMode {
    /// PUB: what nobody is subscribed to is gone.
    Publish,
    /// PUSH: what cannot be sent yet waits, up to a bound.
    Push,
}

/// A connected PUB or PUSH socket.
pub struct SampleSender {
    socket: zmq::Socket,
}

impl SampleSender {
    /// Connects to an address such as `tcp://127.0.0.1:5555`; nobody needs to listen there yet.
    ///
    /// # Errors
    /// When libzmq does not understand the address.
    pub fn connect(mode: SendMode, address: &str) -> anyhow::Result<Self> {
        let kind = match mode {
            SendMode::Publish => zmq::PUB,
            SendMode::Push => zmq::PUSH,
        };
        let connected = || -> zmq::Result<zmq::Socket> {
            let socket = zmq::Context::new().socket(kind)?;
            socket.set_linger(0)?;
            socket.set_sndhwm(PENDING_SAMPLES_MAX)?;
            socket.set_reconnect_ivl_max(2_000)?;
            socket.connect(address)?;
            Ok(socket)
        };
        let socket = connected().with_context(|| {
            format!("cannot connect to {address:?}: give an address such as tcp://127.0.0.1:5555")
        })?;
        Ok(Self { socket })
    }

    /// Sends one sample without waiting; `false` when it was dropped because too many wait already.
    ///
    /// # Errors
    /// When libzmq fails otherwise.
    pub fn send(&self, sample: &[u8]) -> anyhow::Result<bool> {
        match self.socket.send(sample, zmq::DONTWAIT) {
            Ok(()) => Ok(true),
            Err(zmq::Error::EAGAIN) => Ok(false),
            Err(error) => Err(error).context("libzmq cannot send"),
        }
    }
}

impl fmt::Debug for SampleSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SampleSender")
    }
}
