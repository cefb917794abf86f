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
use crate::accept::Acceptor;

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
    let mut acceptor = Acceptor::new(listener, "broker");
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            _ = tick.tick() => router.tick(),
            (stream, peer) = acceptor.next() => open(stream, peer, &router, &sessions, &ending),
        }
    }
    drop(acceptor);
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

/// A peer that vanished is noticed.
fn set_options(stream: &TcpStream) -> io::Result<()> {
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE_INTERVAL);
    SockRef::from(stream).set_tcp_keepalive(&keepalive)
}
