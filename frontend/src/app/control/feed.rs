//! What the feed brings, into the stores.

use super::Control;
use crate::transport::decode::FeedEvent;
use crate::transport::feed::FeedOutput;
use crate::transport::now_ms;

impl Control {
    pub(super) fn feed_output(&self, output: FeedOutput) {
        let stores = &self.stores;
        match output {
            FeedOutput::History(history) => {
                stores.agents.update(|agents| agents.apply_history(&history, now_ms()));
            }
            FeedOutput::Gap => {}
            FeedOutput::Event(FeedEvent::Sample(sample)) => {
                stores.agents.update(|agents| agents.apply_sample(&sample, now_ms()));
            }
            FeedOutput::Event(FeedEvent::Agent(change)) => {
                stores.agents.update(|agents| agents.apply_change(&change, now_ms()));
            }
            FeedOutput::Event(FeedEvent::Ping(_) | FeedEvent::Gap(_)) => {}
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
            self.stores.agents.update(|agents| agents.prune(now_ms));
        }
    }
}
