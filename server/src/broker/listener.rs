//! Accepts broker connections and starts a session for each.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::outbox::Peer;
use super::router::{Router, TICK};
use super::session::{self, Ending};
use super::stats::Closing;
use super::stats_log::StatsLog;
use super::stream::Stream;
use super::unix::{SocketFile, UnixSocket};
use crate::accept::Acceptor;
use crate::keepalive;

/// Where broker clients come in.
#[derive(Debug, Default)]
pub struct Listeners {
    /// Over TCP.
    pub tcp: Option<TcpListener>,
    /// On this machine.
    pub unix: Option<UnixSocket>,
}

impl From<TcpListener> for Listeners {
    fn from(listener: TcpListener) -> Self {
        Self { tcp: Some(listener), unix: None }
    }
}

/// Serves broker clients on `listeners` until `shutdown`, then writes out what is queued for them, for at most
/// `broker_drain_millis`, and returns when every connection is closed.
pub async fn serve(listeners: impl Into<Listeners>, router: Arc<Router>, shutdown: CancellationToken) {
    let sessions = TaskTracker::new();
    let ending = Ending {
        shutdown: shutdown.clone(),
        readers: TaskTracker::new(),
        drain: Duration::from_millis(router.limits.broker_drain_millis),
    };
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut stats = StatsLog::new(router.stats_every);
    let mut doors = Doors::new(listeners.into());
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            _ = tick.tick() => router.tick(),
            () = stats.next() => stats.tell(&router),
            (stream, peer) = doors.next() => open(stream, peer, &router, &sessions, &ending),
        }
    }
    drop(doors);
    ending.readers.close();
    sessions.close();
    sessions.wait().await;
}

/// Every way in. Its socket file, when it has one, goes with it.
struct Doors {
    tcp: Option<Acceptor<TcpListener>>,
    unix: Option<Acceptor<UnixListener>>,
    _file: Option<SocketFile>,
}

impl Doors {
    fn new(listeners: Listeners) -> Self {
        let (unix, file) = listeners.unix.map(|unix| (unix.listener, unix.file)).unzip();
        Self {
            tcp: listeners.tcp.map(|listener| Acceptor::new(listener, "broker")),
            unix: unix.map(|listener| Acceptor::new(listener, "broker's Unix socket")),
            _file: file,
        }
    }

    /// The next connection, wherever it comes in.
    async fn next(&mut self) -> (Stream, Peer) {
        tokio::select! {
            (stream, address) = next_or_never(self.tcp.as_mut().map(Acceptor::<TcpListener>::next)) => {
                set_options(&stream, address);
                (Stream::Tcp(stream), Peer::Tcp(address))
            }
            stream = next_or_never(self.unix.as_mut().map(Acceptor::<UnixListener>::next)) => {
                let peer = unix_peer(&stream);
                (Stream::Unix(stream), peer)
            }
        }
    }
}

async fn next_or_never<T>(next: Option<impl Future<Output = T>>) -> T {
    match next {
        Some(next) => next.await,
        None => std::future::pending().await,
    }
}

/// Who it is, as far as the kernel knows.
fn unix_peer(stream: &UnixStream) -> Peer {
    let credentials = stream.peer_cred().ok();
    Peer::Unix {
        uid: credentials.map_or(u32::MAX, |credentials| credentials.uid()),
        pid: credentials.and_then(|credentials| credentials.pid()).unwrap_or(0),
    }
}

fn open(stream: Stream, peer: Peer, router: &Arc<Router>, sessions: &TaskTracker, ending: &Ending) {
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
    sessions.spawn(session::run(stream, connection, Arc::clone(router), ending.clone()));
}

/// Lets the kernel notice a peer that has vanished.
fn set_options(stream: &TcpStream, peer: SocketAddr) {
    if let Err(error) = keepalive::begin(stream) {
        tracing::debug!(%peer, %error, "socket options of {peer} cannot be set: {error}"); // it works without them
    }
}
