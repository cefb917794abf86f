//! The accept loop's one hard part, shared by every listener: what to do when the operating system refuses.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

/// Time after which a refused accept is tried again when the process has no file descriptors or memory left: short
/// enough to be unnoticed once there are, long enough not to burn a processor until then.
const RETRY: Duration = Duration::from_millis(100);

/// Accepts connections and outlives what accept(2) can answer. When file descriptors run out it waits, says so once,
/// and says once when it has recovered.
#[derive(Debug)]
pub struct Acceptor<L = TcpListener> {
    listener: L,
    refusal: Refusal,
}

impl<L> Acceptor<L> {
    /// Wraps a bound listener; `service` names it in the log.
    #[must_use]
    pub fn new(listener: L, service: &'static str) -> Self {
        Self { listener, refusal: Refusal { service, is_refused: false } }
    }
}

impl Acceptor<TcpListener> {
    /// The next connection, with Nagle's algorithm off.
    ///
    /// # Cancel safety
    /// No connection is lost when the future is dropped before it is ready.
    pub async fn next(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok((stream, peer)) => {
                    self.refusal.end();
                    // A peer that is gone already shows at the first read.
                    let _ = stream.set_nodelay(true);
                    return (stream, peer);
                }
                Err(error) => self.refusal.wait_after(&error).await,
            }
        }
    }
}

impl Acceptor<UnixListener> {
    /// The next connection.
    ///
    /// # Cancel safety
    /// No connection is lost when the future is dropped before it is ready.
    pub async fn next(&mut self) -> UnixStream {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    self.refusal.end();
                    return stream;
                }
                Err(error) => self.refusal.wait_after(&error).await,
            }
        }
    }
}

/// Whether the operating system refuses connections, said once when it begins and once when it ends.
#[derive(Debug)]
struct Refusal {
    service: &'static str,
    is_refused: bool,
}

impl Refusal {
    /// Waits after `error` where a next try would fail as well; a connection that died before it was accepted is nobody
    /// else's affair and costs nothing.
    async fn wait_after(&mut self, error: &io::Error) {
        use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
        if matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted) {
            return;
        }
        let service = self.service;
        if !std::mem::replace(&mut self.is_refused, true) {
            tracing::error!(service, %error, "{service} cannot accept connections: {error}; trying again until it can");
        }
        tokio::time::sleep(RETRY).await;
    }

    fn end(&mut self) {
        let service = self.service;
        if std::mem::take(&mut self.is_refused) {
            tracing::info!(service, "{service} accepts connections again");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn running_out_of_descriptors_waits_and_recovers() {
        let mut refusal = Refusal { service: "test", is_refused: false };
        let too_many_files = io::Error::from_raw_os_error(24);
        for n_waits in 1..=3 {
            let started = tokio::time::Instant::now();
            refusal.wait_after(&too_many_files).await;
            assert!(RETRY <= started.elapsed(), "wait {n_waits}");
            assert!(refusal.is_refused);
        }
        refusal.end();
        assert!(!refusal.is_refused);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_died_early_costs_no_wait() {
        let mut refusal = Refusal { service: "test", is_refused: false };
        let started = tokio::time::Instant::now();
        refusal.wait_after(&io::ErrorKind::ConnectionAborted.into()).await;
        assert_eq!(started.elapsed(), Duration::ZERO);
        assert!(!refusal.is_refused);
    }
}
