//! The engine that is the broker of the same process.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use signalbox_shared::api::ChannelRow;
use signalbox_shared::detail::{
    ChannelDetail, ChannelLimits, ConsumerRole, ConsumerRow, DETAIL_ROWS_MAX, PublisherRow,
};
use signalbox_shared::{ChannelKind, ChannelName};
use tokio::time::Instant;

use super::{Batch, Mode, PublishError, PurgeError, Receipt, SubscribeError, first_frames};
use crate::broker::channel::Channel;
use crate::broker::frame::HEADER_BYTES;
use crate::broker::hold::{self, Hold};
use crate::broker::membership::Membership;
use crate::broker::outbox::{Outbox, Peer, Taken};
use crate::broker::router::{NoChannel, PurgeRefused, Router};
use crate::broker::run::{Run, Scratch};
use crate::broker::stats::ChannelStats;
use crate::broker::{batch, frame};

/// Longest time that a publisher waits for room in a full queue before it is refused: long enough for a consumer that
/// merely pauses, short enough for a person who waits for the acknowledgement.
const QUEUE_WAIT: Duration = Duration::from_secs(1);

/// Publishes one message, see [`super::Engine::publish`].
pub(super) async fn publish(
    router: &Router,
    channel: &ChannelName,
    payload: &[u8],
) -> Result<Receipt, PublishError> {
    let limit_bytes = router.bounds.of(channel.as_str().as_bytes()).frame_bytes as u64;
    let payload_bytes = payload.len() as u64;
    if limit_bytes < payload_bytes {
        router.note_refused(channel);
        return Err(PublishError::TooLarge { payload_bytes, limit_bytes });
    }
    let mut bytes = Vec::with_capacity(HEADER_BYTES + payload.len());
    frame::append(&mut bytes, payload);
    let run = Run::whole(&bytes, 1);
    let deadline = Instant::now() + QUEUE_WAIT;
    let mut is_last_try = false;
    loop {
        let published =
            router.publish(channel, &run, &mut Scratch::default()).map_err(|error| match error {
                NoChannel::TooMany { limit } => PublishError::TooManyChannels { limit },
                NoChannel::Name(error) => unreachable!("a ChannelName is checked: {error}"),
            })?;
        let mut receipt = Receipt {
            n_queued: published.n_queued,
            n_dropped: published.n_dropped,
            is_waiting: published.n_waiting != 0,
            is_sent: false,
        };
        match published.hold {
            None => return Ok(receipt),
            Some(Hold::Topic(hold)) => {
                let hold_millis = Duration::from_millis(router.limits.broker_hold_millis);
                let patience = Duration::from_millis(router.limits.broker_patience_millis);
                let settled = hold.settle(Instant::now() + hold_millis, patience).await;
                receipt.n_queued += settled.n_queued;
                receipt.n_dropped += settled.n_dropped;
                return Ok(receipt);
            }
            Some(Hold::Queue { .. }) if is_last_try => {
                router.note_refused(channel);
                return Err(PublishError::BacklogFull { channel: channel.clone() });
            }
            Some(Hold::Queue { channel, refused }) => {
                let room = hold::queue_room(&channel, refused, &router.memory);
                is_last_try = tokio::time::timeout_at(deadline, room).await.is_err();
            }
        }
    }
}

/// Begins a subscription, see [`super::Engine::subscribe`].
pub(super) fn subscribe(
    router: &Arc<Router>,
    channel: &ChannelName,
    mode: Mode,
) -> Result<Receiver, SubscribeError> {
    match router.join(channel.as_str().as_bytes(), Peer::Relay, mode == Mode::Tap) {
        Ok(membership) => Ok(Receiver::new(membership)),
        Err(NoChannel::TooMany { limit }) => Err(SubscribeError::TooManyChannels { limit }),
        Err(NoChannel::Name(error)) => unreachable!("a ChannelName is checked: {error}"),
    }
}

pub(super) fn purge(router: &Router, channel: &ChannelName) -> Result<u64, PurgeError> {
    router.purge(channel).map_err(|refused| match refused {
        PurgeRefused::NotAQueue => PurgeError::NotAQueue { channel: channel.clone() },
        PurgeRefused::Unknown => PurgeError::Unknown { channel: channel.clone() },
    })
}

pub(super) fn channels(router: &Router) -> Vec<ChannelRow> {
    let rows = router.channels().into_iter().filter(|row| !is_hidden(row));
    rows.map(ChannelRow::from).collect()
}

/// What stands among the channels for the relay's own sake: the readiness probe, and `/null` as long as it is only the
/// name that pure senders give.
fn is_hidden(row: &ChannelStats) -> bool {
    row.name.as_str() == super::PROBE_CHANNEL || (row.kind == ChannelKind::Null && row.in_total == 0)
}

/// One channel seen from near, see [`super::Engine::detail`].
pub(super) fn detail(router: &Router, name: &ChannelName) -> ChannelDetail {
    let channel = router.known_channel(name);
    let row = channel.as_ref().map(|channel| ChannelRow::from(channel.row()));
    let (publishers, n_publishers) = channel.as_deref().map_or((Vec::new(), Some(0)), publishers);
    let (subscribers, taps) = channel.map(|channel| channel.receivers()).unwrap_or_default();
    let n_consumers = (subscribers.len() + taps.len()) as u64;
    let subscribers = subscribers.iter().map(|outbox| consumer(outbox, ConsumerRole::Subscriber));
    let taps = taps.iter().map(|outbox| consumer(outbox, ConsumerRole::Tap));
    let mut consumers: Vec<ConsumerRow> = subscribers.chain(taps).collect();
    consumers.sort_by_key(|consumer| consumer.slow_since_ms.is_none());
    consumers.truncate(DETAIL_ROWS_MAX);
    let bounds = router.bounds.of(name.as_str().as_bytes());
    let is_queue = name.kind() == ChannelKind::Queue;
    ChannelDetail {
        name: name.clone(),
        row,
        consumers: Some(consumers),
        n_consumers: Some(n_consumers),
        publishers: Some(publishers),
        n_publishers,
        limits: ChannelLimits {
            frame_bytes: Some(bounds.frame_bytes as u64),
            outbox_messages: Some(bounds.outbox.n_messages),
            outbox_bytes: Some(bounds.outbox.n_bytes as u64),
            backlog_messages: is_queue.then_some(bounds.backlog.n_messages),
            backlog_bytes: is_queue.then_some(bounds.backlog.n_bytes as u64),
            idle_secs: Some(router.limits.broker_channel_idle_secs),
        },
    }
}

/// Who published, the latest first, and how many that are when it is known.
fn publishers(channel: &Channel) -> (Vec<PublisherRow>, Option<u64>) {
    let mut accounts = channel.senders.accounts();
    let n_publishers = (!channel.senders.has_unlisted()).then_some(accounts.len() as u64);
    accounts.sort_by_key(|account| std::cmp::Reverse(account.last_ms));
    let rows = accounts.into_iter().take(DETAIL_ROWS_MAX).map(|account| PublisherRow {
        peer: account.peer.to_string(),
        published: account.published,
        last_publish_at_ms: account.last_ms,
        is_held: account.is_held,
    });
    (rows.collect(), n_publishers)
}

fn consumer(outbox: &Outbox, role: ConsumerRole) -> ConsumerRow {
    let account = outbox.account();
    ConsumerRow {
        peer: outbox.peer().to_string(),
        role,
        queued_messages: account.queued_messages,
        queued_bytes: account.queued_bytes,
        delivered: account.delivered,
        dropped: account.dropped,
        slow_since_ms: account.slow_since_ms,
        last_delivery_at_ms: account.last_delivery_ms,
    }
}

impl From<ChannelStats> for ChannelRow {
    fn from(stats: ChannelStats) -> Self {
        Self {
            name: stats.name,
            kind: stats.kind,
            depth: Some(stats.depth),
            depth_bytes: Some(stats.depth_bytes),
            in_per_sec: Some(stats.in_per_sec),
            out_per_sec: Some(stats.out_per_sec),
            in_total: Some(stats.in_total),
            out_total: Some(stats.out_total),
            subscribers: Some(stats.subscribers),
            taps: Some(stats.taps),
            dropped: Some(stats.dropped),
            unrouted: Some(stats.unrouted),
            purged: Some(stats.purged),
            refused: Some(stats.refused),
            last_message_at_ms: stats.last_message_at_ms,
            seen: None,
        }
    }
}

/// A subscription of the relay itself.
pub(super) struct Receiver {
    /// Given up in `drop`, which hands back what of `batch` nobody took.
    membership: Option<Membership>,
    batch: batch::Batch,
    /// What was lost behind `batch`.
    n_dropped: u64,
}

impl Receiver {
    fn new(membership: Membership) -> Self {
        Self { membership: Some(membership), batch: batch::Batch::default(), n_dropped: 0 }
    }

    /// Takes what waits, at most so much of it, but at least one message when there is one.
    pub(super) async fn next_at_most(&mut self, n_messages: usize, n_bytes: usize) -> Batch {
        let Some(membership) = &self.membership else { return std::future::pending().await };
        if self.batch.is_empty() {
            match poll_fn(|cx| membership.outbox().poll_take(cx, &mut self.batch)).await {
                Taken::Batch { n_dropped } => self.n_dropped = n_dropped,
                Taken::Closed => return std::future::pending().await, // only a dropped receiver closes its outbox
            }
        }
        let (n_left, left) = self.batch.undelivered();
        let is_all = n_left <= n_messages as u64 && left.len() <= n_bytes;
        let (frames, n_messages) = if is_all && left.len() == self.batch.bytes.len() {
            (std::mem::take(&mut self.batch).bytes, n_left)
        } else {
            let frames = first_frames(left, n_messages, n_bytes).to_vec();
            let n_messages = self.batch.advance(frames.len());
            (frames, n_messages)
        };
        membership.note_written(frames.len(), n_messages);
        let n_dropped = if self.batch.is_empty() { std::mem::take(&mut self.n_dropped) } else { 0 };
        Batch { frames, n_messages, n_dropped }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if let Some(membership) = self.membership.take() {
            membership.leave(&self.batch);
        }
    }
}
