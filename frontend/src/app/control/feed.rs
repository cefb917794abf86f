//! What the feed brings, into the stores.

use super::Control;
use crate::transport::decode::FeedEvent;
use crate::transport::feed::{FeedOutput, HISTORY_WINDOW_SECS};
use crate::transport::now_ms;

impl Control {
    pub(super) fn feed_output(&self, output: FeedOutput) {
        let stores = &self.stores;
        match output {
            FeedOutput::History(history) => {
                stores.series.load_history(&history);
                stores.agents.update(|agents| agents.apply_history(&history, now_ms()));
                #[expect(clippy::cast_precision_loss, reason = "milliseconds of this age are far below 2^53")]
                let from_ms = (history.now_ms - i64::from(HISTORY_WINDOW_SECS) * 1_000) as f64;
                self.inner.recent_from_ms.set(Some(from_ms));
                self.fetch_alerts();
            }
            // What is held stays true; what is missing stays a gap in the lines.
            FeedOutput::Gap => {}
            FeedOutput::Event(FeedEvent::Sample(sample), _) => {
                stores.series.push(&sample);
                self.past_sample(&sample);
                stores.agents.update(|agents| agents.apply_sample(&sample, now_ms()));
            }
            FeedOutput::Event(FeedEvent::Agent(change), _) => {
                stores.series.set_state(&change.color, change.state);
                stores.agents.update(|agents| agents.apply_change(&change, now_ms()));
            }
            #[expect(clippy::cast_precision_loss, reason = "milliseconds of this age are far below 2^53")]
            FeedOutput::Event(FeedEvent::Ping(ping), _) => {
                stores.series.set_relay_now_ms(ping.now_ms as f64);
                stores.agents.update(|agents| agents.set_relay_now(ping.now_ms, now_ms()));
            }
            FeedOutput::Event(FeedEvent::Alert(change), id) => {
                stores.alerts.update(|alerts| alerts.apply_change(&change, id));
            }
            FeedOutput::Event(FeedEvent::Mark(mark), _) => stores.marks.update(|marks| marks.apply(mark)),
            FeedOutput::Event(FeedEvent::Gap(_), _) => {}
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
            let window_ms = self.ms_in_view();
            for name in self.stores.agents.update(|agents| agents.prune(now_ms, window_ms)) {
                self.stores.series.update(|series| series.forget(&name));
            }
        }
    }
}
