//! A feed client's place in the history: what it reads next, when it waits, how it ends. Knows no HTTP.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use signalbox_shared::EventId;
use thiserror::Error;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::clients::{Client, Dropped};
use super::delivery::Place;
use super::event;
use super::history::{History, Next};
use super::ring::CHUNK_BYTES;
use crate::clock::now_ms;
use crate::outlet::Outlet;

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
    gathering: Option<Gathering>,
}

/// Events are gathered for a client that looks at them now and then.
#[derive(Debug)]
struct Gathering {
    gap: Duration,
    /// Nothing is given before.
    until: Instant,
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
        let place = Place { seq: position.seq, n_pings };
        let client = self.clients.enter(peer, place, hang_up).ok_or(TooManyClients)?;
        if gap.is_some() {
            self.clients.count_gap();
        }
        let retry_millis = RETRY_MILLIS_MIN + jitter() % RETRY_MILLIS_SPREAD;
        let opening = event::opening(retry_millis, position, gap.as_ref(), now_ms());
        Ok(FeedCursor { history: self.clone(), client, opening: Some(opening), gathering: None })
    }
}

impl FeedCursor {
    /// What a stream begins with, for whoever wants to send it otherwise than by [`Self::next`], which then gives the rest.
    pub fn take_opening(&mut self) -> Option<Bytes> {
        self.opening.take()
    }

    /// From now on, [`Self::next`] gives what comes within so long after the last time at once, unless that is much, and
    /// samples that follow each other as one event.
    pub fn gather(&mut self, gap: Duration) {
        self.gathering = Some(Gathering { gap, until: Instant::now() });
    }

    /// From now on, what is new goes out by `outlet` in chunks of HTTP, and is not given by [`Self::next`], where the
    /// outlet is not held, and nothing is gathered. What `next` gives must be written before that ends.
    pub(crate) fn send_by(&self, outlet: Outlet) {
        if self.gathering.is_none() {
            self.client.bell().open(outlet);
        }
    }

    /// Waits for the next events and gives them as text, whole events only. `None` is the end: the relay shuts down.
    ///
    /// # Errors
    /// [`Overrun`], when this client was dropped because it did not keep up.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped before it is ready.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Overrun> {
        if let Some(opening) = self.take_opening() {
            return Ok(Some(opening));
        }
        if let Some(gathering) = &self.gathering {
            tokio::time::sleep_until(gathering.until).await;
        }
        let next = poll_fn(|cx| self.poll_next(cx)).await?;
        let (Some(gathering), Some(bytes)) = (&mut self.gathering, &next) else { return Ok(next) };
        // More waits behind so much: a client that catches up does not wait for it.
        let gap = if bytes.len() < CHUNK_BYTES / 2 { gathering.gap } else { Duration::ZERO };
        gathering.until = Instant::now() + gap;
        Ok(Some(event::gathered(bytes)))
    }

    fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Overrun>> {
        if self.client.is_dropped() {
            return Poll::Ready(Err(Overrun));
        }
        // Locked from the look to the end, so that what is published meanwhile finds whom to wake.
        let mut bell = self.client.bell();
        let place = self.client.place();
        let (bytes, place) = match self.history.read(place) {
            Next::Events(bytes, place) => (bytes, place),
            Next::Wait => {
                bell.note_waker(cx);
                return Poll::Pending;
            }
            Next::Closed => {
                bell.close();
                return Poll::Ready(Ok(None));
            }
            Next::Lost => {
                drop(bell);
                self.history.clients.drop_client(&self.client, Dropped::FellOut);
                return Poll::Ready(Err(Overrun));
            }
        };
        bell.hold();
        self.client.set_place(place);
        Poll::Ready(Ok(Some(bytes)))
    }
}

impl Drop for FeedCursor {
    fn drop(&mut self) {
        self.client.bell().close();
        self.history.clients.leave(&self.client);
    }
}

/// Any number, different for clients that come at the same time.
fn jitter() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(0_u8)
}
