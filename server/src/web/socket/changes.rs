//! The changes of the database for one page: batches of what came, and how everything stands.

use std::time::Duration;

use signalbox_shared::EventId;
use signalbox_shared::changes::ChangesInfo;
use signalbox_shared::socket::ServerMessage;
use tokio::time::{Interval, MissedTickBehavior, interval, sleep};

use crate::changes::{BATCH_BYTES, Changes, FIRST_EVENTS, Reader};

/// How long changes are gathered for one message: short enough to look live, long enough that a flood costs ten
/// messages a second.
const BATCH_INTERVAL: Duration = Duration::from_millis(100);
/// Shortest time between two messages about how everything stands.
const STATUS_INTERVAL: Duration = Duration::from_secs(1);

/// What a page that watches changes has.
pub(super) struct ChangesWatch {
    changes: Changes,
    reader: Option<Reader>,
    status_due: Interval,
    last_status: Option<ChangesInfo>,
}

impl ChangesWatch {
    pub(super) fn new(changes: Changes, since: Option<EventId>) -> Self {
        let reader = changes.reader(since);
        let mut status_due = interval(STATUS_INTERVAL);
        status_due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { changes, reader, status_due, last_status: None }
    }

    /// Waits for the next message.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped before it is ready.
    async fn next(&mut self) -> ServerMessage {
        loop {
            tokio::select! {
                biased;
                _ = self.status_due.tick() => {
                    let info = self.changes.info();
                    if self.last_status.as_ref() != Some(&info) {
                        self.last_status = Some(info.clone());
                        return ServerMessage::ChangesStatus { info: Box::new(info) };
                    }
                }
                reader = gathered(&mut self.reader) => {
                    let (events, accounts) = reader.take(FIRST_EVENTS, BATCH_BYTES);
                    let events = events.iter().map(|event| (**event).clone()).collect();
                    return ServerMessage::Changes { events, accounts };
                }
            }
        }
    }
}

/// Waits until there is something to read and a moment longer, for what comes with it.
async fn gathered(reader: &mut Option<Reader>) -> &mut Reader {
    match reader {
        Some(reader) => {
            reader.ready().await;
            sleep(BATCH_INTERVAL).await;
            reader
        }
        None => std::future::pending().await,
    }
}

/// The next message for a page that watches; never for one that does not.
pub(super) async fn next(watch: &mut Option<ChangesWatch>) -> ServerMessage {
    match watch {
        Some(watch) => watch.next().await,
        None => std::future::pending().await,
    }
}
