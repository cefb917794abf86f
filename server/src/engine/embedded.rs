//! The engine that is the broker of the same process.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use signalbox_shared::ChannelName;
use signalbox_shared::api::ChannelRow;
use tokio::time::Instant;

use super::{Batch, Mode, PublishError, PurgeError, Receipt, SubscribeError};
use crate::broker::frame::HEADER_BYTES;
use crate::broker::hold::{self, Hold};
use crate::broker::membership::Membership;
use crate::broker::outbox::{Peer, Taken};
use crate::broker::router::{NoChannel, PurgeRefused, Router};
use crate::broker::run::{Run, Scratch};
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
    let (payload_bytes, limit_bytes) = (payload.len() as u64, router.limits.broker_frame_bytes);
    if limit_bytes < payload_bytes {
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
        };
        match published.hold {
            None => return Ok(receipt),
            Some(Hold::Topic(hold)) => {
                let hold_millis = Duration::from_millis(router.limits.broker_hold_millis);
                let settled = hold.settle(Instant::now() + hold_millis).await;
                receipt.n_queued += settled.n_queued;
                receipt.n_dropped += settled.n_dropped;
                return Ok(receipt);
            }
            Some(Hold::Queue { .. }) if is_last_try => {
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
        Ok(membership) => Ok(Receiver { membership, batch: batch::Batch::default() }),
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
    router.channels()
}

/// A subscription of the relay itself.
pub(super) struct Receiver {
    membership: Membership,
    batch: batch::Batch,
}

impl Receiver {
    pub(super) async fn next(&mut self) -> Batch {
        let taken = poll_fn(|cx| self.membership.outbox().poll_take(cx, &mut self.batch)).await;
        let n_dropped = match taken {
            Taken::Batch { n_dropped } => n_dropped,
            Taken::Closed => return std::future::pending().await, // only a dropped receiver closes its outbox
        };
        let n_messages = self.batch.n_messages;
        let frames = std::mem::take(&mut self.batch.bytes);
        self.batch = batch::Batch::default();
        self.membership.note_written(frames.len(), n_messages);
        Batch { frames, n_messages, n_dropped }
    }
}
