//! Writes that wait for their own notification, so that who wrote through this relay reads there what it wrote.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::snapshot::Xid;

/// Transactions remembered whose notification came before their write was answered: far more than connections that
/// write at the same time.
const RECENT_MAX: usize = 4_096;

/// Notifications by transaction.
#[derive(Default)]
pub(super) struct Echoes(Mutex<State>);

#[derive(Default)]
struct State {
    order: VecDeque<Xid>,
    recent: HashSet<Xid>,
    waiting: HashMap<Xid, oneshot::Sender<()>>,
}

impl Echoes {
    /// A notification of this transaction was taken in.
    pub(super) fn heard(&self, xid: Xid) {
        let mut state = self.0.lock();
        state.waiting.remove(&xid).map(|waiting| waiting.send(()));
        if state.recent.insert(xid) {
            state.order.push_back(xid);
            if RECENT_MAX < state.order.len()
                && let Some(oldest) = state.order.pop_front()
            {
                state.recent.remove(&oldest);
            }
        }
    }

    /// Waits for the notification of a transaction, but no longer than `at_most`, nor after the connection is lost.
    pub(super) async fn wait(&self, xid: Xid, at_most: Duration) {
        let (sender, receiver) = oneshot::channel();
        {
            let mut state = self.0.lock();
            if state.recent.contains(&xid) {
                return;
            }
            state.waiting.insert(xid, sender);
        }
        let _ = tokio::time::timeout(at_most, receiver).await;
        self.0.lock().waiting.remove(&xid);
    }

    /// The connection is lost: nobody waits any longer.
    pub(super) fn give_up(&self) {
        self.0.lock().waiting.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_write_waits_for_its_own_notification_only() {
        let echoes = Echoes::default();
        let hour = Duration::from_secs(3_600);
        echoes.heard(1);
        echoes.wait(1, hour).await;
        let (_, ()) = tokio::join!(echoes.wait(2, hour), async { echoes.heard(2) });
        let (_, ()) = tokio::join!(echoes.wait(3, hour), async { echoes.give_up() });
        echoes.wait(4, Duration::from_millis(1)).await;
        assert!(echoes.0.lock().waiting.is_empty());
        (10..10_000).for_each(|xid| echoes.heard(xid));
        assert_eq!(echoes.0.lock().recent.len(), RECENT_MAX);
    }
}
