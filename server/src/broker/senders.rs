//! Who publishes on which channel: one account per connection and channel, kept while the connection lives.
//!
//! An account has one writer, its connection's session, so that counting takes a load and a store per read and no
//! atomic addition. A connection's accounts are found by their channel only when it turns from one channel to another.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use signalbox_shared::detail::SENDERS_MAX;

use super::channel::Channel;
use super::outbox::Peer;

/// Accounts of one connection from which on it looks for those of forgotten channels.
const LOOK_FROM: usize = 16;

/// What one connection published on one channel.
#[derive(Debug)]
pub(crate) struct Sender {
    pub(crate) peer: Peer,
    published: AtomicU64,
    last_ms: AtomicI64,
    is_held: AtomicBool,
}

/// One account at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SenderAccount {
    pub(crate) peer: Peer,
    pub(crate) published: u64,
    pub(crate) last_ms: i64,
    pub(crate) is_held: bool,
}

impl Sender {
    fn new(peer: Peer) -> Self {
        Self { peer, published: 0.into(), last_ms: 0.into(), is_held: false.into() }
    }

    /// Notes that messages were published. Only its connection's session calls this, one call after the other.
    #[inline]
    pub(crate) fn note(&self, n_messages: u64, now_ms: i64) {
        let published = self.published.load(Ordering::Relaxed) + n_messages;
        self.published.store(published, Ordering::Relaxed);
        self.last_ms.store(now_ms, Ordering::Relaxed);
    }

    /// Notes whether its connection waits for room in the channel.
    pub(crate) fn note_held(&self, is_held: bool) {
        self.is_held.store(is_held, Ordering::Relaxed);
    }

    fn account(&self) -> SenderAccount {
        SenderAccount {
            peer: self.peer,
            published: self.published.load(Ordering::Relaxed),
            last_ms: self.last_ms.load(Ordering::Relaxed),
            is_held: self.is_held.load(Ordering::Relaxed),
        }
    }
}

/// Who published on one channel.
#[derive(Debug, Default)]
pub(crate) struct Senders {
    /// By the address of the account.
    connected: Mutex<HashMap<usize, Arc<Sender>>>,
    /// Messages of the relay itself, which many tasks publish.
    relay_published: AtomicU64,
    relay_last_ms: AtomicI64,
    has_unlisted: AtomicBool,
}

impl Senders {
    /// Notes that the relay published messages.
    pub(crate) fn note_relay(&self, n_messages: u64, now_ms: i64) {
        if n_messages != 0 {
            self.relay_published.fetch_add(n_messages, Ordering::Relaxed);
            self.relay_last_ms.store(now_ms, Ordering::Relaxed);
        }
    }

    /// Whether somebody published for whom there was no account left.
    pub(crate) fn has_unlisted(&self) -> bool {
        self.has_unlisted.load(Ordering::Relaxed)
    }

    /// Everybody who published at least once and is still connected, and the relay.
    pub(crate) fn accounts(&self) -> Vec<SenderAccount> {
        let relay = SenderAccount {
            peer: Peer::Relay,
            published: self.relay_published.load(Ordering::Relaxed),
            last_ms: self.relay_last_ms.load(Ordering::Relaxed),
            is_held: false,
        };
        let connected = self.connected.lock();
        let all = connected.values().map(|sender| sender.account()).chain([relay]);
        all.filter(|account| account.published != 0).collect()
    }
}

/// One connection's accounts on all the channels that it publishes on.
#[derive(Debug)]
pub(crate) struct Sending {
    peer: Peer,
    /// All accounts of the broker.
    n_all: Arc<AtomicUsize>,
    /// By the channel's address, which is nobody else's while it stands here.
    by_channel: HashMap<usize, (Weak<Channel>, Arc<Sender>)>,
    look_at: usize,
}

impl Sending {
    pub(crate) fn new(peer: Peer, n_all: Arc<AtomicUsize>) -> Self {
        Self { peer, n_all, by_channel: HashMap::new(), look_at: LOOK_FROM }
    }

    /// The account on a channel, begun when there is none; none when the broker has as many as it may.
    pub(crate) fn on(&mut self, channel: &Arc<Channel>) -> Option<Arc<Sender>> {
        let key = Arc::as_ptr(channel).addr();
        if let Some((_, sender)) = self.by_channel.get(&key) {
            return Some(Arc::clone(sender));
        }
        if self.look_at <= self.by_channel.len() {
            self.forget_dead();
        }
        if SENDERS_MAX <= self.n_all.fetch_add(1, Ordering::Relaxed) {
            self.n_all.fetch_sub(1, Ordering::Relaxed);
            channel.senders.has_unlisted.store(true, Ordering::Relaxed);
            return None;
        }
        let sender = Arc::new(Sender::new(self.peer));
        channel.senders.connected.lock().insert(Arc::as_ptr(&sender).addr(), Arc::clone(&sender));
        self.by_channel.insert(key, (Arc::downgrade(channel), Arc::clone(&sender)));
        Some(sender)
    }

    /// Forgets the accounts on channels that are no more. Looks again when there are twice as many as are left.
    fn forget_dead(&mut self) {
        let n_before = self.by_channel.len();
        self.by_channel.retain(|_, (channel, _)| channel.strong_count() != 0);
        let n_left = self.by_channel.len();
        self.n_all.fetch_sub(n_before - n_left, Ordering::Relaxed);
        self.look_at = (2 * n_left).max(LOOK_FROM);
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.n_all.fetch_sub(self.by_channel.len(), Ordering::Relaxed);
        for (channel, sender) in self.by_channel.values() {
            if let Some(channel) = channel.upgrade() {
                channel.senders.connected.lock().remove(&Arc::as_ptr(sender).addr());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::router::Router;
    use crate::limits::Limits;

    fn published(channel: &Channel) -> Vec<u64> {
        let mut published: Vec<u64> =
            channel.senders.accounts().iter().map(|account| account.published).collect();
        published.sort_unstable();
        published
    }

    #[test]
    fn accounts_live_as_long_as_their_connection() {
        let router = Router::new(&Limits::default());
        let (a, b) = (router.channel(b"/topic/a").unwrap(), router.channel(b"/queue/b").unwrap());
        let (mut one, mut two) = (router.sending(Peer::Relay), router.sending(Peer::Relay));
        one.on(&a).unwrap().note(3, 1);
        one.on(&b).unwrap().note(1, 2);
        one.on(&a).unwrap().note(4, 3);
        two.on(&a).unwrap().note(5, 4);
        two.on(&b).unwrap(); // nothing was taken from it yet
        assert_eq!((published(&a), published(&b)), (vec![5, 7], vec![1]));
        a.senders.note_relay(2, 5);
        drop(one);
        assert_eq!((published(&a), published(&b)), (vec![2, 5], vec![]));
        drop(two);
        assert_eq!((published(&a), router.n_senders()), (vec![2], 0));
    }

    #[test]
    fn a_connection_forgets_the_channels_that_are_no_more() {
        let router = Router::new(&Limits::default());
        let mut sending = router.sending(Peer::Relay);
        for n in 0..1_000 {
            let channel = router.channel(format!("/topic/job/{n}").as_bytes()).unwrap();
            sending.on(&channel).unwrap().note(1, 1);
            drop(channel);
            router.forget_unused(i64::MAX);
        }
        assert!(router.n_senders() <= LOOK_FROM + 1, "{}", router.n_senders());
    }

    #[test]
    fn beyond_the_bound_nobody_is_listed_and_the_channel_says_so() {
        let router = Router::new(&Limits::default());
        let channel = router.channel(b"/topic/a").unwrap();
        let mut crowd: Vec<Sending> = (0..SENDERS_MAX).map(|_| router.sending(Peer::Relay)).collect();
        assert!(crowd.iter_mut().all(|sending| sending.on(&channel).is_some()));
        assert!(!channel.senders.has_unlisted());
        let mut late = router.sending(Peer::Relay);
        assert!(late.on(&channel).is_none() && channel.senders.has_unlisted());
        crowd.pop();
        assert!(late.on(&channel).is_some());
    }
}
