//! One channel seen from near, for every page that watches it: looked at once a second, compared once, encoded once.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use signalbox_shared::ChannelName;
use signalbox_shared::detail::ChannelDetail;
use signalbox_shared::socket::ServerMessage;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use crate::clock;
use crate::engine::Engine;

/// Time between two looks of one page.
const INTERVAL: Duration = Duration::from_secs(1);
/// Time after which a look that nobody asked for again is forgotten: there are never more than were asked for in it.
const FORGET: Duration = Duration::from_secs(10);

/// The latest look at each channel that a page watches.
pub(super) struct Details {
    engine: Engine,
    latest: Mutex<Latest>,
}

#[derive(Default)]
struct Latest {
    looks: HashMap<ChannelName, Look>,
    last_number: u64,
}

struct Look {
    at: Instant,
    detail: ChannelDetail,
    /// Different for each detail that is told.
    number: u64,
    /// The `channel_detail` message.
    json: Bytes,
}

impl Details {
    pub(super) fn new(engine: Engine) -> Arc<Self> {
        Arc::new(Self { engine, latest: Mutex::default() })
    }

    /// Begins to watch: at once, and then when something has changed.
    pub(super) fn watch(self: &Arc<Self>, channel: ChannelName) -> DetailWatcher {
        let mut ticks = interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        DetailWatcher { details: Arc::clone(self), channel, ticks, told: None }
    }

    fn look(&self, channel: &ChannelName) -> (u64, Bytes) {
        let mut latest = self.latest.lock();
        latest.looks.retain(|_, look| look.at.elapsed() < FORGET);
        if let Some(look) = latest.looks.get(channel)
            && look.at.elapsed() < INTERVAL / 2
        {
            return (look.number, look.json.clone());
        }
        let detail = self.engine.detail(channel);
        if let Some(look) = latest.looks.get_mut(channel)
            && look.detail == detail
        {
            look.at = Instant::now();
            return (look.number, look.json.clone());
        }
        latest.last_number += 1;
        let message =
            ServerMessage::ChannelDetail { now_ms: clock::now_ms(), detail: Box::new(detail.clone()) };
        // A rate that is no number would not encode; then this second is missing, and nothing else.
        let json = serde_json::to_vec(&message).map_or_else(|_| Bytes::new(), Bytes::from);
        let look = Look { at: Instant::now(), detail, number: latest.last_number, json: json.clone() };
        let number = look.number;
        latest.looks.insert(channel.clone(), look);
        (number, json)
    }
}

/// One page's look at one channel.
pub(super) struct DetailWatcher {
    details: Arc<Details>,
    channel: ChannelName,
    ticks: Interval,
    told: Option<u64>,
}

impl DetailWatcher {
    /// Waits for something new and gives the `channel_detail` message in JSON.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped before it is ready.
    pub(super) async fn next(&mut self) -> Bytes {
        loop {
            self.ticks.tick().await;
            let (number, json) = self.details.look(&self.channel);
            if self.told != Some(number) && !json.is_empty() {
                self.told = Some(number);
                return json;
            }
        }
    }
}
