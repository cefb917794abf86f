//! The WebSocket of a page, `GET /ws` (docs/protocol.md §5): what all of them share, and the handler that lets one in.
//!
//! What a page says is answered in `requests`, what it follows comes through `tail`, `rooms` and `board`, and
//! `session` is the loop between them. Whether a page may connect at all (Origin, Host) was decided before.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Extension;
use axum::extract::State;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::response::{IntoResponse as _, Response};
use signalbox_shared::socket::CLIENT_MESSAGE_BYTES_MAX;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::problem::ApiError;
use crate::changes::Changes;
use crate::chat::Chat;
use crate::engine::Engine;
use crate::limits::Limits;
use crate::outlet::Outlet;
use crate::tail::Tails;

mod board;
mod changes;
mod cut;
mod details;
mod requests;
mod rooms;
mod session;
mod stats;
mod streams;

use board::Board;
use details::Details;
pub use stats::{Closing, Stats};

/// What one read takes at most, in bytes, allocated for as long as the socket is open.
const READ_BUFFER_BYTES: usize = 4 * 1024;
/// How much is gathered before it is written, in bytes.
const WRITE_BUFFER_BYTES: usize = 8 * 1024;
/// Room for the largest message that is no tail, in bytes: the snapshot of a chat room.
const LARGEST_MESSAGE_BYTES: usize = 2 * 1024 * 1024;

/// All sockets of a relay, and what they reach.
pub struct Sockets {
    engine: Engine,
    tails: Arc<Tails>,
    chat: Arc<Chat>,
    changes: Changes,
    limits: Arc<Limits>,
    shutdown: CancellationToken,
    board: Arc<Board>,
    details: Arc<Details>,
    seats: Arc<Semaphore>,
    tasks: TaskTracker,
    counters: Arc<stats::Counters>,
    last_number: AtomicU64,
}

impl Sockets {
    /// Begins with none. When `shutdown` is cancelled, every socket closes with
    /// [`SHUTDOWN`](signalbox_shared::socket::close::SHUTDOWN).
    ///
    /// # Panics
    /// Outside a tokio runtime: one task looks at the channels for all sockets.
    #[must_use]
    pub fn start(
        engine: Engine,
        tails: Arc<Tails>,
        chat: Arc<Chat>,
        changes: Changes,
        limits: Arc<Limits>,
        shutdown: CancellationToken,
    ) -> Arc<Self> {
        let n_seats =
            usize::try_from(limits.socket_clients).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Arc::new(Self {
            details: Details::new(engine.clone()),
            board: Board::start(engine.clone(), shutdown.clone()),
            engine,
            tails,
            chat,
            changes,
            limits,
            shutdown,
            seats: Arc::new(Semaphore::new(n_seats)),
            tasks: TaskTracker::new(),
            counters: Arc::default(),
            last_number: AtomicU64::new(0),
        })
    }

    /// Everything that was counted.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.counters.snapshot()
    }

    /// Waits until the last socket has ended; cancel the `shutdown` token first. Each ends within two seconds.
    pub async fn ended(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    async fn run(&self, socket: WebSocket, outlet: Option<Outlet>, seat: OwnedSemaphorePermit) {
        let number = self.last_number.fetch_add(1, Ordering::Relaxed) + 1;
        self.counters.opened();
        let closing = session::serve_page(self, socket, outlet).await;
        self.counters.closed(closing);
        let reason = closing.reason();
        match closing {
            Closing::Left | Closing::Shutdown => {
                tracing::debug!(number, reason, "page {number} is gone: {reason}");
            }
            _ => tracing::info!(number, reason, "page {number} is gone: {reason}"),
        }
        drop(seat);
    }
}

/// `GET /ws`: lets a page in, or answers 503 when `socket_clients` are there already.
pub async fn socket(
    State(sockets): State<Arc<Sockets>>,
    outlet: Option<Extension<Outlet>>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let Ok(seat) = Arc::clone(&sockets.seats).try_acquire_owned() else {
        sockets.counters.turned_away();
        let limit = sockets.limits.socket_clients;
        return ApiError::unavailable(format!(
            "{limit} WebSockets are open, which is the limit (socket_clients)"
        ))
        .into_response();
    };
    let batch_bytes = usize::try_from(sockets.limits.socket_batch_bytes).unwrap_or(usize::MAX / 4);
    let task = sockets.tasks.clone();
    let outlet = outlet.map(|Extension(outlet)| outlet);
    upgrade
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_write_buffer_size(2 * batch_bytes + LARGEST_MESSAGE_BYTES)
        .max_message_size(CLIENT_MESSAGE_BYTES_MAX)
        .max_frame_size(CLIENT_MESSAGE_BYTES_MAX)
        .on_upgrade(move |socket| task.track_future(async move { sockets.run(socket, outlet, seat).await }))
}
