//! One subscription at a broker elsewhere, on a connection of its own that is read only when somebody wants messages:
//! what a queue's consumer does not take stays with the broker, but for what fits the buffers on the way.

use std::sync::Arc;

use signalbox_shared::ChannelName;
use signalbox_shared::engine::{EngineInfo, EngineState};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::super::{Batch, first_frames};
use super::seen::Counts;
use crate::backoff::Backoff;
use crate::broker::frame;
use crate::client::{self, Listener, Sender};

/// A subscription that connects again by itself.
pub(in super::super) struct Receiver {
    address: String,
    channel: ChannelName,
    counts: Arc<Counts>,
    info: watch::Receiver<EngineInfo>,
    frame_bytes_max: u64,
    /// Both sides, for dropping the sender would end the stream.
    link: Option<(Listener, Sender)>,
    backoff: Backoff,
    retry_at: Option<Instant>,
    /// Whole frames that came and were not taken.
    waiting: Vec<u8>,
}

impl Receiver {
    pub(super) fn new(
        address: &str,
        channel: &ChannelName,
        counts: Arc<Counts>,
        info: watch::Receiver<EngineInfo>,
        frame_bytes_max: u64,
    ) -> Self {
        counts.note_watcher(true);
        Self {
            address: address.to_owned(),
            channel: channel.clone(),
            counts,
            info,
            frame_bytes_max,
            link: None,
            backoff: Backoff::default(),
            retry_at: None,
            waiting: Vec::new(),
        }
    }

    /// Takes what waits, at most so much of it, but at least one message.
    pub(in super::super) async fn next_at_most(&mut self, n_messages: usize, n_bytes: usize) -> Batch {
        while self.waiting.is_empty() {
            self.read().await;
        }
        let taken = first_frames(&self.waiting, n_messages, n_bytes).len();
        let frames = if taken == self.waiting.len() {
            std::mem::take(&mut self.waiting)
        } else {
            self.waiting.drain(..taken).collect()
        };
        let n_messages = frame::frames(&frames).count() as u64;
        Batch { frames, n_messages, n_dropped: 0 }
    }

    async fn read(&mut self) {
        let Some((listener, _)) = &mut self.link else { return self.connect().await };
        let end = match listener.next().await {
            Ok(Some(frames)) => {
                let n_messages = frame::frames(frames).count() as u64;
                self.waiting.extend_from_slice(frames);
                self.counts.note_received(n_messages);
                return;
            }
            Ok(None) => "the broker ended it".to_owned(),
            Err(error) => error.to_string(),
        };
        self.link = None;
        tracing::warn!(channel = %self.channel, end, "the subscription of {} is lost: {end}; it is begun again", self.channel);
    }

    /// Connects, after the time that the failures before ask for, or as soon as the engine is ready again.
    async fn connect(&mut self) {
        if let Some(retry_at) = self.retry_at {
            self.info.mark_unchanged();
            tokio::select! {
                () = sleep_until(retry_at) => {}
                _ = self.info.wait_for(|info| info.state == EngineState::Ready), if !self.is_ready() => {}
            }
            self.retry_at = None;
        }
        match client::connect(&self.address, &self.channel).await {
            Ok((listener, sender)) => {
                self.link = Some((listener.with_frames_up_to(self.frame_bytes_max), sender));
                self.backoff = Backoff::default();
                // One that is ended at once must not be begun again without a pause.
                self.retry_at = Some(Instant::now() + self.backoff.wait());
            }
            Err(_) => self.retry_at = Some(Instant::now() + self.backoff.wait()), // the link tells why
        }
    }

    fn is_ready(&self) -> bool {
        self.info.borrow().state == EngineState::Ready
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.counts.note_watcher(false);
    }
}
