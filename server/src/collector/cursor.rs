//! A feed client's place in the history: what it reads next, when it waits, how it ends. Knows no HTTP.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use bytes::Bytes;
use signalbox_shared::EventId;
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use super::clients::{Client, Dropped};
use super::event;
use super::history::{History, Next};
use crate::clock::now_ms;

/// Shortest time after which a browser is told to reconnect, in milliseconds.
const RETRY_MILLIS_MIN: u64 = 1_000;
/// The range over which clients are spread, in milliseconds, so that they do not all come back at once.
const RETRY_MILLIS_SPREAD: u64 = 4_000;

/// One client's stream of events. Leaves the list of clients when it is dropped.
#[derive(Debug)]
pub struct FeedCursor {
    history: Arc<History>,
    client: Arc<Client>,
    opening: Option<Bytes>,
}

/// As many clients as `feed_clients` allows are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("as many feeds as feed_clients allows are open")]
pub struct TooManyClients;

/// The stream of a client that did not keep up was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("this feed client did not keep up")]
pub struct Overrun;

impl History {
    /// Begins a client's stream behind the event `since`, or behind the newest one. `hang_up` is cancelled when the
    /// client must go although it does not read.
    ///
    /// # Errors
    /// [`TooManyClients`].
    pub fn subscribe(
        self: &Arc<Self>,
        since: Option<EventId>,
        peer: SocketAddr,
        hang_up: CancellationToken,
    ) -> Result<FeedCursor, TooManyClients> {
        let (position, n_pings, gap) = self.position(since);
        let client = self.clients.enter(peer, position.seq, n_pings, hang_up).ok_or(TooManyClients)?;
        if gap.is_some() {
            self.clients.count_gap();
        }
        let retry_millis = RETRY_MILLIS_MIN + jitter() % RETRY_MILLIS_SPREAD;
        let opening = event::opening(retry_millis, position, gap.as_ref(), now_ms());
        Ok(FeedCursor { history: self.clone(), client, opening: Some(opening) })
    }
}

impl FeedCursor {
    /// Waits for the next events and gives them as text, whole events only. `None` is the end: the relay shuts down.
    ///
    /// # Errors
    /// [`Overrun`], when this client was dropped because it did not keep up.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped before it is ready.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Overrun> {
        if let Some(opening) = self.opening.take() {
            return Ok(Some(opening));
        }
        loop {
            if self.client.is_dropped() {
                return Err(Overrun);
            }
            // Before the look, so that what is published between look and wait is not missed.
            let published = self.history.published.notified();
            let seq = self.client.seq.load(Relaxed);
            match self.history.read(seq, self.client.n_pings.load(Relaxed)) {
                Next::Events(bytes, last_seq) => {
                    self.client.seq.store(last_seq, Relaxed);
                    return Ok(Some(bytes));
                }
                Next::Ping(bytes, number) => {
                    self.client.n_pings.store(number, Relaxed);
                    return Ok(Some(bytes));
                }
                Next::Lost => {
                    self.history.clients.drop_client(&self.client, Dropped::FellOut);
                }
                Next::Closed => return Ok(None),
                Next::Wait => published.await,
            }
        }
    }
}

impl Drop for FeedCursor {
    fn drop(&mut self) {
        self.history.clients.leave(&self.client);
    }
}

/// Any number, different for clients that come at the same time.
fn jitter() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(0_u8)
}
