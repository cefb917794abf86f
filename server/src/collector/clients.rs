//! Who reads the feed: how many may, how all are told, who does not keep up, and what became of them. Knows nothing of
//! what they read.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use signalbox_shared::api::FeedInfo;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::delivery::{Bell, Delivery, Place};
use crate::outlet::{self, Rest};

/// Every client of the feed.
#[derive(Debug)]
pub struct Clients {
    clients_max: u64,
    stall_after: Duration,
    known: Mutex<Known>,
    /// Told when the last client leaves.
    emptied: Notify,
    refused: AtomicU64,
    stalled: AtomicU64,
    fell_out: AtomicU64,
    gaps: AtomicU64,
}

#[derive(Debug, Default)]
struct Known {
    next_number: u64,
    clients: HashMap<u64, Watched>,
}

#[derive(Debug)]
struct Watched {
    client: Arc<Client>,
    /// Where it was at the last look, and since when it has not moved although there was something to read.
    seen: Place,
    behind_since: Option<Instant>,
}

/// One client, as both its stream and the watch over it see it.
#[derive(Debug)]
pub struct Client {
    number: u64,
    /// Its address, for the log.
    pub peer: SocketAddr,
    /// Seq of the last event that it took, and number of the last ping. Written under the lock of `bell`, and read by the
    /// watch without it, which must not wait for a write to a socket.
    seq: AtomicU64,
    n_pings: AtomicU64,
    is_dropped: AtomicBool,
    bell: Mutex<Bell>,
    /// Closes its connection: a stream whose peer does not read is not even asked for more.
    hang_up: CancellationToken,
}

/// Why a client was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// It read nothing for `feed_stall_secs`.
    Stalled,
    /// What it should read next has left the history.
    FellOut,
}

impl Client {
    /// Whether it was dropped.
    #[must_use]
    pub fn is_dropped(&self) -> bool {
        self.is_dropped.load(Relaxed)
    }

    /// What it has taken.
    pub(super) fn place(&self) -> Place {
        Place { seq: self.seq.load(Relaxed), n_pings: self.n_pings.load(Relaxed) }
    }

    /// Notes what it has taken, under the lock of its bell.
    pub(super) fn set_place(&self, place: Place) {
        self.seq.store(place.seq, Relaxed);
        self.n_pings.store(place.n_pings, Relaxed);
    }

    /// How it hears of what is new. Nothing does while this is locked.
    pub(super) fn bell(&self) -> MutexGuard<'_, Bell> {
        self.bell.lock()
    }

    fn tell(&self, delivery: Option<&Delivery>) {
        let mut bell = self.bell();
        if let Some(delivery) = delivery
            && let Some(place) = bell.bring(delivery, self.place())
        {
            self.set_place(place);
            return;
        }
        let waker = bell.take_waker();
        drop(bell);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Clients {
    /// Nobody yet.
    #[must_use]
    pub fn new(clients_max: u64, stall_after: Duration) -> Self {
        Self {
            clients_max,
            stall_after,
            known: Mutex::default(),
            emptied: Notify::new(),
            refused: AtomicU64::new(0),
            stalled: AtomicU64::new(0),
            fell_out: AtomicU64::new(0),
            gaps: AtomicU64::new(0),
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.known.lock().clients.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Lets a client in; `None` at the bound.
    pub(super) fn enter(
        &self,
        peer: SocketAddr,
        place: Place,
        hang_up: CancellationToken,
    ) -> Option<Arc<Client>> {
        let mut known = self.known.lock();
        if self.clients_max <= known.clients.len() as u64 {
            self.refused.fetch_add(1, Relaxed);
            return None;
        }
        let number = known.next_number;
        known.next_number += 1;
        let client = Arc::new(Client {
            number,
            peer,
            seq: place.seq.into(),
            n_pings: place.n_pings.into(),
            is_dropped: false.into(),
            bell: Mutex::default(),
            hang_up,
        });
        let watched = Watched { client: client.clone(), seen: place, behind_since: None };
        known.clients.insert(number, watched);
        Some(client)
    }

    /// A client has gone.
    pub fn leave(&self, client: &Client) {
        let mut known = self.known.lock();
        known.clients.remove(&client.number);
        if known.clients.is_empty() {
            self.emptied.notify_waiters();
        }
    }

    /// Tells everybody that there is something new, and brings it where that can be done: to the first ones before this
    /// returns.
    pub(super) fn tell(&self, delivery: Option<Delivery>) -> Rest {
        // Not under the lock: a write takes microseconds, and whoever comes or goes must not wait for thousands of them.
        let clients: Vec<Arc<Client>> =
            self.known.lock().clients.values().map(|watched| watched.client.clone()).collect();
        outlet::for_each(clients, move |client| client.tell(delivery.as_ref()))
    }

    /// One more stream begins with a gap.
    pub fn count_gap(&self) {
        self.gaps.fetch_add(1, Relaxed);
    }

    /// Drops a client with a line in the log, once.
    pub fn drop_client(&self, client: &Client, why: Dropped) {
        if client.is_dropped.swap(true, Relaxed) {
            return;
        }
        self.leave(client);
        let (counter, text) = match why {
            Dropped::Stalled => (&self.stalled, "it did not read for feed_stall_secs"),
            Dropped::FellOut => (&self.fell_out, "what it had to read next has left the history"),
        };
        counter.fetch_add(1, Relaxed);
        tracing::warn!(peer = %client.peer, "feed client {} is dropped: {text}", client.peer);
        client.hang_up.cancel();
    }

    /// Drops who does not keep up. `published` and `oldest` are the newest and oldest seq that can be read.
    pub fn look_after(&self, published: u64, oldest: u64, n_pings: u64, now: Instant) {
        let mut due = Vec::new();
        for watched in self.known.lock().clients.values_mut() {
            let client = &watched.client;
            let at = client.place();
            if at.seq < published && at.seq + 1 < oldest {
                due.push((client.clone(), Dropped::FellOut));
            } else if published <= at.seq && at.n_pings == n_pings {
                watched.behind_since = None;
            } else if watched.seen != at {
                watched.behind_since = Some(now);
            } else if self.stall_after <= now.duration_since(*watched.behind_since.get_or_insert(now)) {
                due.push((client.clone(), Dropped::Stalled));
            }
            watched.seen = at;
        }
        for (client, why) in due {
            self.drop_client(&client, why);
        }
    }

    /// Waits until nobody is left.
    pub async fn emptied(&self) {
        let emptied = self.emptied.notified();
        if !self.is_empty() {
            emptied.await;
        }
    }

    /// Closes the connection of everybody who is left.
    pub fn hang_up(&self) {
        for watched in self.known.lock().clients.values() {
            watched.client.hang_up.cancel();
        }
    }

    /// The accounts so far.
    #[must_use]
    pub fn info(&self) -> FeedInfo {
        FeedInfo {
            clients: self.len() as u64,
            refused: self.refused.load(Relaxed),
            dropped_stalled: self.stalled.load(Relaxed),
            dropped_fell_out: self.fell_out.load(Relaxed),
            gaps: self.gaps.load(Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(seq: u64, n_pings: u64) -> Place {
        Place { seq, n_pings }
    }

    fn clients() -> (Clients, Arc<Client>, CancellationToken) {
        let clients = Clients::new(1, Duration::from_secs(30));
        let hang_up = CancellationToken::new();
        let peer = "127.0.0.1:9".parse().unwrap();
        let client = clients.enter(peer, place(10, 0), hang_up.clone()).unwrap();
        (clients, client, hang_up)
    }

    /// At this second the client is at this seq and ping, and published, oldest and pings are these.
    type Look = (u64, (u64, u64), (u64, u64, u64));

    /// Looks after one client at each of `looks`; says at which second it was dropped, and why.
    fn check(looks: &[Look], expected: Option<(u64, Dropped)>) {
        let (clients, client, hang_up) = clients();
        let start = Instant::now();
        let mut found = None;
        for &(second, at, (published, oldest, n_pings)) in looks {
            client.set_place(place(at.0, at.1));
            clients.look_after(published, oldest, n_pings, start + Duration::from_secs(second));
            if found.is_none() && client.is_dropped() {
                let why =
                    if clients.info().dropped_stalled == 1 { Dropped::Stalled } else { Dropped::FellOut };
                found = Some((second, why));
            }
        }
        assert_eq!(found, expected, "{looks:?}");
        assert_eq!(hang_up.is_cancelled(), expected.is_some());
    }

    #[test]
    fn who_reads_stays() {
        check(&[(0, (10, 0), (10, 1, 0)), (100, (10, 0), (11, 1, 0)), (101, (11, 0), (11, 1, 0))], None);
        // Slowly, but it reads.
        check(&[(0, (10, 0), (99, 1, 0)), (29, (11, 0), (99, 1, 0)), (58, (12, 0), (99, 1, 0))], None);
        // Nothing to read is no stall.
        check(&[(0, (10, 0), (10, 1, 0)), (1_000, (10, 0), (10, 1, 0)), (2_000, (10, 0), (10, 1, 0))], None);
    }

    #[test]
    fn who_does_not_is_dropped() {
        check(
            &[(0, (10, 0), (11, 1, 0)), (29, (10, 0), (12, 1, 0)), (30, (10, 0), (12, 1, 0))],
            Some((30, Dropped::Stalled)),
        );
        // An unread ping counts too.
        check(&[(0, (10, 0), (10, 1, 1)), (30, (10, 0), (10, 1, 3))], Some((30, Dropped::Stalled)));
        check(&[(0, (10, 0), (99, 12, 0))], Some((0, Dropped::FellOut)));
        check(&[(0, (10, 0), (99, 11, 0)), (1, (10, 0), (99, 12, 0))], Some((1, Dropped::FellOut)));
    }

    #[test]
    fn the_bound_holds_and_a_place_is_free_again() {
        let (clients, client, _hang_up) = clients();
        let peer = "127.0.0.1:10".parse().unwrap();
        assert!(clients.enter(peer, place(0, 0), CancellationToken::new()).is_none());
        assert_eq!((clients.info().refused, clients.info().clients), (1, 1));
        clients.leave(&client);
        assert!(clients.is_empty());
        assert!(clients.enter(peer, place(0, 0), CancellationToken::new()).is_some());
    }
}
