//! The accept loop's one hard part, shared by every listener: what to do when the operating system refuses.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

/// First wait after a refused accept; doubled up to [`WAIT_MAX`].
const WAIT_MIN: Duration = Duration::from_millis(10);
/// Longest wait: short enough that a freed file descriptor is used within a second.
const WAIT_MAX: Duration = Duration::from_secs(1);

/// Accepts connections and outlives what accept(2) can answer: when file descriptors run out it waits, says so once,
/// and says once when it has recovered.
pub struct Acceptor {
    listener: TcpListener,
    service: &'static str,
    wait: Option<Duration>,
}

impl Acceptor {
    /// Wraps a bound listener; `service` names it in the log.
    #[must_use]
    pub fn new(listener: TcpListener, service: &'static str) -> Self {
        Self { listener, service, wait: None }
    }

    /// The next connection, with Nagle's algorithm off.
    ///
    /// # Cancel safety
    /// No connection is lost when the future is dropped before it is ready.
    pub async fn next(&mut self) -> (TcpStream, SocketAddr) {
        let service = self.service;
        loop {
            if let Some(wait) = self.wait {
                tokio::time::sleep(wait).await;
            }
            match self.listener.accept().await {
                Ok((stream, peer)) => {
                    if self.wait.take().is_some() {
                        tracing::info!(service, "{service} accepts connections again");
                    }
                    // A peer that is gone already shows at the first read.
                    let _ = stream.set_nodelay(true);
                    return (stream, peer);
                }
                // The peer's own doing: it does not hold up the next one.
                Err(error) if is_of_one_peer(&error) => {}
                Err(error) => {
                    if self.wait.is_none() {
                        tracing::warn!(service, %error, "{service} cannot accept connections, trying again: {error}");
                    }
                    self.wait = Some(self.wait.map_or(WAIT_MIN, |wait| WAIT_MAX.min(wait * 2)));
                }
            }
        }
    }
}

fn is_of_one_peer(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
