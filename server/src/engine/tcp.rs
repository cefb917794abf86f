//! The engine that is a broker elsewhere, any that speaks docs/protocol.md §1: one connection that only publishes, and
//! one per subscription.
//!
//! Such a broker acknowledges nothing and tells no statistics. So a publish counts as done when the operating system
//! has taken it, and of a channel only what this relay itself saw is known. When the broker cannot be reached,
//! publishing is refused at once with the reason, subscriptions wait, and both try again by themselves.

use std::sync::Arc;
use std::time::Duration;

use signalbox_shared::api::ChannelRow;
use signalbox_shared::detail::{ChannelDetail, ChannelLimits};
use signalbox_shared::engine::{EngineInfo, EngineState};
use signalbox_shared::{ChannelKind, ChannelName};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{Mode, PublishError, PurgeError, Receipt, SubscribeError};
use crate::clock;
use crate::limits::Limits;

mod link;
mod receiver;
mod seen;

use link::Request;
pub(super) use receiver::Receiver;
use seen::Seen;

/// Publishes that wait for the connection at the same time; one more is refused. Each waits for a write only.
const REQUESTS_MAX: usize = 1_024;
/// Longest time that a publish waits for the broker to take it, which is how a full queue there shows itself.
const PUBLISH_WAIT: Duration = Duration::from_secs(5);

/// A broker elsewhere.
#[derive(Debug)]
pub(super) struct Elsewhere {
    address: String,
    limits: Limits,
    info: watch::Sender<EngineInfo>,
    requests: mpsc::Sender<Request>,
    seen: Seen,
}

impl Elsewhere {
    /// Begins to connect, until `shutdown` is cancelled.
    pub(super) fn start(address: &str, limits: &Limits, shutdown: CancellationToken) -> Arc<Self> {
        let info = EngineInfo {
            name: "tcp".to_owned(),
            address: Some(address.to_owned()),
            state: EngineState::Connecting,
            since_ms: clock::now_ms(),
            reason: None,
            retry_at_ms: None,
        };
        let (requests, inbox) = mpsc::channel(REQUESTS_MAX);
        let elsewhere = Arc::new(Self {
            address: address.to_owned(),
            limits: limits.clone(),
            info: watch::Sender::new(info),
            requests,
            seen: Seen::new(limits.broker_channels),
        });
        let link = link::keep(address.to_owned(), inbox, elsewhere.info.clone());
        tokio::spawn(shutdown.run_until_cancelled_owned(link));
        elsewhere
    }

    /// Hands one message to the broker, see [`super::Engine::publish`].
    pub(super) async fn publish(
        &self,
        channel: &ChannelName,
        payload: &[u8],
    ) -> Result<Receipt, PublishError> {
        let (payload_bytes, limit_bytes) = (payload.len() as u64, self.limits.broker_frame_bytes);
        if limit_bytes < payload_bytes {
            return Err(PublishError::TooLarge { payload_bytes, limit_bytes });
        }
        let unreachable = |reason: &str| PublishError::Unreachable {
            address: self.address.clone(),
            reason: reason.to_owned(),
        };
        let (answer, answered) = oneshot::channel();
        let request = Request { channel: channel.clone(), payload: payload.to_vec(), answer };
        self.requests.try_send(request).map_err(|_| {
            unreachable("too many publishes wait for it already: it does not take them fast enough")
        })?;
        match timeout(PUBLISH_WAIT, answered).await {
            Ok(Ok(Ok(()))) => {
                self.seen.counts(channel).note_published(1);
                Ok(Receipt { n_queued: 0, n_dropped: 0, is_waiting: false, is_sent: true })
            }
            Ok(Ok(Err(reason))) => Err(unreachable(&reason)),
            Ok(Err(_)) => Err(unreachable("the relay is ending")),
            Err(_) => Err(PublishError::Unsure { address: self.address.clone() }),
        }
    }

    /// Begins a subscription, which connects as soon as it is asked for messages.
    pub(super) fn subscribe(
        self: &Arc<Self>,
        channel: &ChannelName,
        mode: Mode,
    ) -> Result<Receiver, SubscribeError> {
        if mode == Mode::Tap && channel.kind() == ChannelKind::Queue {
            return Err(SubscribeError::CannotTap { channel: channel.clone() });
        }
        let counts = self.seen.counts(channel);
        Ok(Receiver::new(
            &self.address,
            channel,
            counts,
            self.info.subscribe(),
            self.limits.broker_frame_bytes,
        ))
    }

    /// Why a queue there cannot be emptied.
    pub(super) fn purge(channel: &ChannelName) -> PurgeError {
        PurgeError::CannotPurge { channel: channel.clone() }
    }

    /// What this relay saw of each channel.
    pub(super) fn channels(&self) -> Vec<ChannelRow> {
        self.seen.rows().into_iter().filter(|row| row.name.as_str() != super::PROBE_CHANNEL).collect()
    }

    /// What this relay saw of one channel; the rest is not known.
    pub(super) fn detail(&self, channel: &ChannelName) -> ChannelDetail {
        ChannelDetail {
            name: channel.clone(),
            row: self.seen.rows().into_iter().find(|row| row.name == *channel),
            consumers: None,
            n_consumers: None,
            publishers: None,
            n_publishers: None,
            limits: ChannelLimits {
                frame_bytes: Some(self.limits.broker_frame_bytes),
                ..ChannelLimits::default()
            },
        }
    }

    /// Whether it can be reached, now and whenever that changes.
    pub(super) fn watch(&self) -> watch::Receiver<EngineInfo> {
        self.info.subscribe()
    }
}
