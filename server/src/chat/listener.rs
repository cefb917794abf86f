//! Takes in line clients (docs/protocol.md §4). Knows sockets and limits, no lines.

use std::net::SocketAddr;
use std::sync::Arc;

use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Chat;
use super::session::{LINGER, Session, say_goodbye};
use super::stats::Closing;
use crate::accept::Acceptor;
use crate::limits::Limits;
use crate::outlet;

/// How much the system keeps for a client that is slow to read, in bytes; Linux doubles it for its own accounts. Left to
/// itself the system would keep megabytes, so that who never reads were noticed only after tens of thousands of lines.
const SEND_BUFFER_BYTES: usize = 32 * 1024;
/// Clients over the limit that are told so at the same time; a crowd beyond that is turned away without a word.
const REFUSALS_MAX: usize = 64;

/// Serves line clients until `shutdown` is cancelled, and then until the last one was told so, two seconds at most.
pub async fn serve(listener: TcpListener, chat: Arc<Chat>, limits: Arc<Limits>, shutdown: CancellationToken) {
    let door = Door {
        seats: Arc::new(Semaphore::new(permits(limits.chat_connections))),
        refusals: Arc::new(Semaphore::new(REFUSALS_MAX)),
        tasks: TaskTracker::new(),
        chat,
        limits,
        shutdown: shutdown.clone(),
    };
    let mut acceptor = Acceptor::new(listener, "chat");
    while let Some((stream, peer)) = shutdown.run_until_cancelled(acceptor.next()).await {
        door.let_in(stream, peer);
    }
    drop(acceptor);
    door.tasks.close();
    // Every session ends by itself: it sees the same token, and its farewell has this deadline.
    let _ = tokio::time::timeout(2 * LINGER, door.tasks.wait()).await;
}

struct Door {
    seats: Arc<Semaphore>,
    refusals: Arc<Semaphore>,
    tasks: TaskTracker,
    chat: Arc<Chat>,
    limits: Arc<Limits>,
    shutdown: CancellationToken,
}

impl Door {
    fn let_in(&self, stream: TcpStream, peer: SocketAddr) {
        let Ok(seat) = Arc::clone(&self.seats).try_acquire_owned() else {
            self.turn_away(stream, peer);
            return;
        };
        // A connection that is gone already shows at the first read.
        let _ = SockRef::from(&stream).set_send_buffer_size(SEND_BUFFER_BYTES);
        let (stream, outlet) = outlet::share(stream);
        let session = Session {
            chat: Arc::clone(&self.chat),
            limits: Arc::clone(&self.limits),
            shutdown: self.shutdown.clone(),
            outlet: Some(outlet),
            peer: peer.to_string(),
        };
        let chat = Arc::clone(&self.chat);
        chat.counters.connections.add(1);
        self.tasks.spawn(async move {
            session.run(stream.clone(), stream).await;
            chat.counters.connections.sub(1);
            drop(seat);
        });
    }

    fn turn_away(&self, stream: TcpStream, peer: SocketAddr) {
        let limit = self.limits.chat_connections;
        self.chat.counters.closed(Closing::Limit);
        tracing::info!(%peer, limit, "chat: turned {peer} away: {limit} connections (chat_connections)");
        let Ok(permit) = Arc::clone(&self.refusals).try_acquire_owned() else { return };
        self.tasks.spawn(async move {
            let (reader, writer) = stream.into_split();
            let text =
                format!("Error: there are already {limit} connections (chat_connections); try again later");
            say_goodbye(reader, writer, &text).await;
            drop(permit);
        });
    }
}

fn permits(limit: u64) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS)
}
