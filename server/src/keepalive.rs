//! How the kernel notices that a peer has vanished without a word: a host that lost its power, a network that forgot a
//! quiet connection. For connections on which one side may rightly be silent for hours.

use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

/// Silence after which the kernel asks whether a peer is still there, and the time between its questions: one that
/// vanished is noticed within about two minutes.
const SILENCE: Duration = Duration::from_secs(60);
const INTERVAL: Duration = Duration::from_secs(15);
/// Questions without an answer after which the connection has failed.
const QUESTIONS: u32 = 4;

/// Begins to ask.
///
/// # Errors
/// Those of the operating system; the connection works without it.
pub(crate) fn begin(stream: &TcpStream) -> io::Result<()> {
    let keepalive = TcpKeepalive::new().with_time(SILENCE).with_interval(INTERVAL).with_retries(QUESTIONS);
    SockRef::from(stream).set_tcp_keepalive(&keepalive)
}
