//! The newest changes in one bounded ring; every page is a cursor into it. Knows neither database nor pages.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use signalbox_shared::EventId;
use signalbox_shared::changes::{ChangeEvent, ChangesAccounts};
use tokio::sync::watch;

use crate::clock;
use crate::limits::Limits;

/// What an event costs besides its texts, in bytes.
const EVENT_BYTES: u64 = 256;

/// The newest changes.
pub(super) struct Feed {
    ring: Mutex<Ring>,
    last_seq: watch::Sender<u64>,
    epoch: u64,
    events_max: usize,
    bytes_max: u64,
}

#[derive(Default)]
struct Ring {
    events: VecDeque<(Arc<ChangeEvent>, u64)>,
    bytes: u64,
    last_seq: u64,
}

impl Feed {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            ring: Mutex::new(Ring::default()),
            last_seq: watch::Sender::new(0),
            epoch: clock::new_epoch(),
            events_max: usize::try_from(limits.changes_events).unwrap_or(usize::MAX),
            bytes_max: limits.changes_bytes,
        }
    }

    /// Adds events with the bytes of their rows; their ids are given here.
    pub(super) fn push(&self, events: Vec<(ChangeEvent, usize)>) {
        let last_seq = {
            let mut ring = self.ring.lock();
            for (mut event, row_bytes) in events {
                ring.last_seq += 1;
                event.id = EventId { epoch: self.epoch, seq: ring.last_seq };
                let bytes = EVENT_BYTES + row_bytes as u64;
                ring.bytes += bytes;
                ring.events.push_back((Arc::new(event), bytes));
                while self.events_max < ring.events.len() || self.bytes_max < ring.bytes {
                    let Some((_, bytes)) = ring.events.pop_front() else { break };
                    ring.bytes -= bytes;
                }
            }
            ring.last_seq
        };
        self.last_seq.send_replace(last_seq);
    }

    /// The newest events, oldest first, at most so many and so many bytes of them; and how many there were before.
    pub(super) fn newest(&self, n_max: usize, bytes_max: u64) -> (Vec<Arc<ChangeEvent>>, u64) {
        let ring = self.ring.lock();
        let events = ring.after(0, n_max, bytes_max);
        let n_before = ring.last_seq - events.len() as u64;
        (events, n_before)
    }

    /// Begins to read: after `since`, or with the newest `n_first` events.
    pub(super) fn reader(self: &Arc<Self>, since: Option<EventId>, n_first: u64) -> Reader {
        let receiver = self.last_seq.subscribe();
        let last_seq = self.ring.lock().last_seq;
        let cursor = match since {
            Some(EventId { epoch, seq }) if epoch == self.epoch && seq <= last_seq => seq,
            _ => last_seq.saturating_sub(n_first),
        };
        Reader { feed: self.clone(), receiver, cursor, accounts: ChangesAccounts::default() }
    }
}

impl Ring {
    /// The newest of the events after `cursor` that fit.
    fn after(&self, cursor: u64, n_max: usize, bytes_max: u64) -> Vec<Arc<ChangeEvent>> {
        let mut bytes = 0;
        let newest_first = self.events.iter().rev().take(n_max).take_while(|(event, event_bytes)| {
            bytes += event_bytes;
            cursor < event.id.seq && bytes <= bytes_max
        });
        let mut events: Vec<_> = newest_first.map(|(event, _)| event.clone()).collect();
        events.reverse();
        events
    }
}

/// One page's place in the feed.
pub struct Reader {
    feed: Arc<Feed>,
    receiver: watch::Receiver<u64>,
    cursor: u64,
    accounts: ChangesAccounts,
}

impl Reader {
    /// Waits until there is something to read; for ever when the feed is gone.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped before it is ready.
    pub async fn ready(&mut self) {
        let cursor = self.cursor;
        if self.receiver.wait_for(|last| cursor < *last).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// What came since the last time, the newest of it when it is more than so many or so many bytes, and exact
    /// accounts since the beginning.
    pub fn take(&mut self, n_max: usize, bytes_max: u64) -> (Vec<Arc<ChangeEvent>>, ChangesAccounts) {
        let (events, last_seq) = {
            let ring = self.feed.ring.lock();
            (ring.after(self.cursor, n_max, bytes_max), ring.last_seq)
        };
        let n_due = last_seq - self.cursor;
        self.cursor = last_seq;
        self.accounts.received += n_due;
        self.accounts.shown += events.len() as u64;
        self.accounts.skipped += n_due - events.len() as u64;
        (events, self.accounts)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use signalbox_shared::changes::ChangeKind;

    use super::*;

    fn feed(changes_events: u64, changes_bytes: u64) -> Arc<Feed> {
        Arc::new(Feed::new(&Limits { changes_events, changes_bytes, ..Limits::default() }))
    }

    fn push(feed: &Feed, n: usize, row_bytes: usize) {
        let event = ChangeEvent {
            id: EventId { epoch: 0, seq: 0 },
            at_ms: 0,
            table: "public.t".to_owned(),
            key: Value::Null,
            kind: ChangeKind::Insert,
            old: None,
            new: None,
            changed: Vec::new(),
            is_truncated: false,
        };
        feed.push(vec![(event, row_bytes); n]);
    }

    fn taken(reader: &mut Reader, n_max: usize) -> (Vec<u64>, u64, u64) {
        let (events, accounts) = reader.take(n_max, u64::MAX);
        assert_eq!(accounts.received, accounts.shown + accounts.skipped);
        (events.iter().map(|event| event.id.seq).collect(), accounts.received, accounts.skipped)
    }

    #[test]
    fn a_reader_gets_everything_or_is_told_how_many_it_did_not() {
        let feed = feed(10, u64::MAX);
        push(&feed, 3, 0);
        let mut reader = feed.reader(None, 2);
        assert_eq!(taken(&mut reader, 5), (vec![2, 3], 2, 0));
        push(&feed, 4, 0);
        assert_eq!(taken(&mut reader, 3), (vec![5, 6, 7], 6, 1));
        push(&feed, 100, 0);
        assert_eq!(taken(&mut reader, 100), ((98..=107).collect(), 106, 91));
        assert_eq!(taken(&mut reader, 100), (vec![], 106, 91));
    }

    #[test]
    fn a_reader_that_comes_back_goes_on_where_it_was() {
        let feed = feed(10, u64::MAX);
        push(&feed, 5, 0);
        let id = |seq| Some(EventId { epoch: feed.epoch, seq });
        assert_eq!(taken(&mut feed.reader(id(3), 0), 9), (vec![4, 5], 2, 0));
        assert_eq!(taken(&mut feed.reader(id(5), 9), 9), (vec![], 0, 0));
        // Of another life of this relay, or of the future: the newest.
        assert_eq!(taken(&mut feed.reader(id(6), 1), 9), (vec![5], 1, 0));
        assert_eq!(taken(&mut feed.reader(Some(EventId { epoch: 1, seq: 1 }), 1), 9), (vec![5], 1, 0));
    }

    #[test]
    fn bytes_bound_the_ring_and_every_batch() {
        let feed = feed(1_000, 100 * EVENT_BYTES);
        push(&feed, 60, EVENT_BYTES as usize);
        assert_eq!(feed.newest(1_000, u64::MAX).0.len(), 50);
        assert_eq!(feed.newest(1_000, 10 * EVENT_BYTES).0.len(), 5);
        assert_eq!(feed.newest(1_000, u64::MAX).1, 10);
        push(&feed, 1, 1_000 * EVENT_BYTES as usize);
        assert_eq!((feed.newest(1_000, u64::MAX).0.len(), feed.ring.lock().bytes), (0, 0));
    }

    #[tokio::test]
    async fn a_reader_wakes_when_there_is_something() {
        let feed = feed(10, u64::MAX);
        let mut reader = feed.reader(None, 0);
        push(&feed, 1, 0);
        reader.ready().await;
        assert_eq!(taken(&mut reader, 9).0, [1]);
    }
}
