//! What the feed brings, into the stores.

use leptos::prelude::Set;
use wasm_bindgen_futures::spawn_local;

use super::Control;
use crate::transport::decode::FeedEvent;
use crate::transport::feed::{FeedOutput, HISTORY_WINDOW_SECS};
use crate::transport::{history, now_ms};

impl Control {
    /// Shows so many seconds on the charts, and fetches what of them is not here yet.
    pub fn show_window(&self, secs: u32) {
        self.stores.window_secs.set(f64::from(secs));
        if secs <= self.inner.history_secs.replace(secs.max(self.inner.history_secs.get())) {
            return;
        }
        let Some(relay) = self.inner.relay.borrow().clone() else { return };
        let this = self.clone();
        spawn_local(async move {
            match history::metrics(&relay, secs).await {
                Ok(history) => this.stores.series.load_history(&history),
                Err(error) => {
                    leptos::logging::warn!("the charts' history could not be had: {error}");
                    this.inner.history_secs.set(HISTORY_WINDOW_SECS);
                }
            }
        });
    }

    pub(super) fn feed_output(&self, output: FeedOutput) {
        let stores = &self.stores;
        match output {
            FeedOutput::History(history) => {
                stores.series.load_history(&history);
                stores.agents.update(|agents| agents.apply_history(&history, now_ms()));
            }
            // What is held stays true; what is missing stays a gap in the lines.
            FeedOutput::Gap => {}
            FeedOutput::Event(FeedEvent::Sample(sample)) => {
                stores.series.push(&sample);
                stores.agents.update(|agents| agents.apply_sample(&sample, now_ms()));
            }
            FeedOutput::Event(FeedEvent::Agent(change)) => {
                stores.series.set_state(&change.color, change.state);
                stores.agents.update(|agents| agents.apply_change(&change, now_ms()));
            }
            #[expect(clippy::cast_precision_loss, reason = "milliseconds of this age are far below 2^53")]
            FeedOutput::Event(FeedEvent::Ping(ping)) => stores.series.set_relay_now_ms(ping.now_ms as f64),
            FeedOutput::Event(FeedEvent::Gap(_)) => {}
            FeedOutput::Undecodable(why) => self.undecodable("feed", &why),
        }
    }

    pub(super) fn undecodable(&self, stream: &str, why: &str) {
        let n = self.stores.n_undecodable.update(|n| {
            *n += 1;
            *n
        });
        // Powers of two only: a broken relay must not flood the console.
        if n.is_power_of_two() {
            leptos::logging::warn!("{stream}: {n} messages not understood so far, the last one: {why}");
        }
    }

    pub(super) fn prune_agents(&self, now_ms: i64) {
        if self.stores.agents.peek(|agents| agents.tally().2 > 0) {
            for name in self.stores.agents.update(|agents| agents.prune(now_ms)) {
                self.stores.series.update(|series| series.forget(&name));
            }
        }
    }
}
