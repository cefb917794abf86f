//! Accepts broker connections and starts a session for each.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::router::{Router, TICK};
use super::session::{self, Ending};
use super::stats::Closing;

/// Time after which the accept loop tries again when the process has no file descriptors or memory left: short enough
/// to be unnoticed once there are, long enough not to burn a processor until then.
const EXHAUSTED_RETRY: Duration = Duration::from_millis(100);
/// Silence after which the kernel asks whether a peer is still there, and the time between its questions: a peer
/// that vanished without a word is noticed within about two minutes.
const KEEPALIVE: Duration = Duration::from_secs(60);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);

/// Serves broker clients on `listener` until `shutdown`, then writes out what is queued for them, for at most
/// `broker_drain_millis`, and returns when every connection is closed.
pub async fn serve(listener: TcpListener, router: Arc<Router>, shutdown: CancellationToken) {
    let sessions = TaskTracker::new();
    let ending = Ending {
        shutdown: shutdown.clone(),
        readers: TaskTracker::new(),
        drain: Duration::from_millis(router.limits.broker_drain_millis),
    };
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut exhaustion = Exhaustion::default();
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            _ = tick.tick() => router.tick(),
            result = listener.accept() => match result {
                Ok((stream, peer)) => {
                    exhaustion.end();
                    open(stream, peer, &router, &sessions, &ending);
                }
                Err(error) => exhaustion.wait_after(&error, &shutdown).await,
            },
        }
    }
    drop(listener);
    ending.readers.close();
    sessions.close();
    sessions.wait().await;
}

fn open(stream: TcpStream, peer: SocketAddr, router: &Arc<Router>, sessions: &TaskTracker, ending: &Ending) {
    let limit = router.limits.broker_connections;
    let Some(connection) = router.connections.try_open(peer, limit) else {
        let closing = Closing::ConnectionLimit;
        router.closings.count(closing);
        session::log_closing(
            peer,
            closing,
            &format!("there are {limit} connections already (broker_connections)"),
        );
        return;
    };
    if let Err(error) = set_options(&stream) {
        tracing::debug!(%peer, %error, "socket options of {peer} cannot be set: {error}"); // it works without them
    }
    sessions.spawn(session::run(stream, connection, Arc::clone(router), ending.clone()));
}

/// Small messages leave at once, and a peer that vanished is noticed.
fn set_options(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE_INTERVAL);
    SockRef::from(stream).set_tcp_keepalive(&keepalive)
}

/// Whether the process has run out of what a connection needs. Said once when it begins and once when it ends.
#[derive(Debug, Default)]
struct Exhaustion {
    is_exhausted: bool,
}

impl Exhaustion {
    /// Waits after `error` where a next try would fail as well; a connection that died before it was accepted is
    /// nobody's fault and costs nothing.
    async fn wait_after(&mut self, error: &io::Error, shutdown: &CancellationToken) {
        if matches!(
            error.kind(),
            io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
        ) {
            return;
        }
        if !std::mem::replace(&mut self.is_exhausted, true) {
            tracing::error!(%error, "broker connections cannot be accepted: {error}; trying again until they can");
        }
        tokio::select! {
            () = tokio::time::sleep(EXHAUSTED_RETRY) => {}
            () = shutdown.cancelled() => {}
        }
    }

    fn end(&mut self) {
        if std::mem::take(&mut self.is_exhausted) {
            tracing::info!("broker connections are accepted again");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn running_out_of_descriptors_waits_and_recovers() {
        let shutdown = CancellationToken::new();
        let mut exhaustion = Exhaustion::default();
        let too_many_files = io::Error::from_raw_os_error(24);
        for n_waits in 1..=3 {
            let started = tokio::time::Instant::now();
            exhaustion.wait_after(&too_many_files, &shutdown).await;
            assert!(EXHAUSTED_RETRY <= started.elapsed(), "wait {n_waits}");
            assert!(exhaustion.is_exhausted);
        }
        exhaustion.end();
        assert!(!exhaustion.is_exhausted);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_died_early_costs_no_wait() {
        let mut exhaustion = Exhaustion::default();
        let started = tokio::time::Instant::now();
        exhaustion.wait_after(&io::ErrorKind::ConnectionAborted.into(), &CancellationToken::new()).await;
        assert_eq!(started.elapsed(), Duration::ZERO);
        assert!(!exhaustion.is_exhausted);
    }
}
