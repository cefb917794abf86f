//! What the feed brings, into the stores.

use signalbox_shared::feed::{Mark, MarkKind};

use super::Control;
use crate::state::past::whole_since;
use crate::transport::decode::FeedEvent;
use crate::transport::feed::{FeedOutput, HISTORY_WINDOW_SECS};
use crate::transport::now_ms;

impl Control {
    pub(super) fn feed_output(&self, output: FeedOutput) {
        let stores = &self.stores;
        if let (FeedOutput::Event(..), Some((from_ms, _))) = (&output, self.inner.recent_ms.get()) {
            self.inner.recent_ms.set(Some((from_ms, stores.series.relay_now_ms())));
        }
        match output {
            FeedOutput::History(history) => {
                stores.series.load_history(&history);
                stores.agents.update(|agents| agents.apply_history(&history, now_ms()));
                #[expect(clippy::cast_precision_loss, reason = "milliseconds of this age are far below 2^53")]
                let to_ms = history.now_ms as f64;
                let told = (to_ms - f64::from(HISTORY_WINDOW_SECS) * 1e3, to_ms);
                let from_ms = whole_since(self.inner.recent_ms.get(), told);
                self.inner.recent_ms.set(Some((from_ms, to_ms)));
                self.fetch_alerts();
            }
            FeedOutput::Anew => self.history_anew(),
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

    /// What is held stays true, and what is missing stays a gap in the lines: that the relay knows no more of it is said.
    fn history_anew(&self) {
        #[expect(clippy::cast_possible_truncation, reason = "saturates, and moments are bounded")]
        let at_ms = self.stores.series.relay_now_ms().round() as i64;
        self.stores.anew_at_ms.set(Some(at_ms));
        let text = "the relay's history begins anew".to_owned();
        let mark = Mark { text, at_ms, kind: MarkKind::Mark, color: None };
        self.stores.marks.update(|marks| marks.apply(mark));
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
