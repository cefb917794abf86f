//! Until every subscription is in force. Our protocol does not tell a subscriber when it is, and what is published before
//! would count as lost.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{bail, ensure};

use super::account::{STAMP_BYTES, stamp};
use super::wire::Wire;

/// The publisher's number in the stamp of a probe.
const PROBE: usize = u16::MAX as usize;
/// Bytes of a probe on a wire of frames.
const FRAME_BYTES: usize = 4 + STAMP_BYTES;
const PAUSE: Duration = Duration::from_millis(5);
const DEADLINE: Duration = Duration::from_secs(20);

/// Whether a payload is a probe that came late: it is no message of the run.
pub(crate) fn is_probe(payload: &[u8]) -> bool {
    payload.first_chunk().is_some_and(|stamp| u64::from_be_bytes(*stamp) >> 48 == PROBE as u64)
}

/// Publishes probes with each publisher, on its channel, until every subscriber has read one.
pub(crate) fn until_subscribed<'a>(
    wire: Wire,
    subscribers: impl IntoIterator<Item = &'a TcpStream>,
    publishers: &[(&TcpStream, &str)],
) -> anyhow::Result<()> {
    if wire.acknowledges_subscriptions() {
        return Ok(());
    }
    let mut late: Vec<&TcpStream> = subscribers.into_iter().collect();
    let started = Instant::now();
    while !late.is_empty() {
        ensure!(started.elapsed() < DEADLINE, "{} subscribers get nothing", late.len());
        for (stream, channel) in publishers {
            let mut probe = Vec::new();
            let at = wire.push_message(&mut probe, channel, STAMP_BYTES);
            stamp(&mut probe[at..], PROBE, 0);
            let mut stream: &TcpStream = stream;
            stream.write_all(&probe)?;
        }
        std::thread::sleep(PAUSE);
        let mut still_late = Vec::new();
        for stream in late {
            if !has_read_probe(stream)? {
                still_late.push(stream);
            }
        }
        late = still_late;
    }
    Ok(())
}

/// Reads one probe when all of it is there, and nothing more.
fn has_read_probe(mut stream: &TcpStream) -> anyhow::Result<bool> {
    let mut probe = [0; FRAME_BYTES];
    stream.set_nonblocking(true)?;
    let peeked = stream.peek(&mut probe);
    stream.set_nonblocking(false)?;
    match peeked {
        Ok(0) => bail!("the server closed a subscriber"),
        Ok(FRAME_BYTES) => {
            stream.read_exact(&mut probe)?;
            Ok(true)
        }
        Ok(_) => Ok(false),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
        Err(error) => Err(error.into()),
    }
}
