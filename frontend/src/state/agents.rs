//! The agents that send samples: their latest values and how old these are.
//!
//! What was before the latest value is the chart's store. Knows nothing of colours on a screen.

use std::collections::BTreeMap;

use signalbox_shared::Sample;
use signalbox_shared::feed::{AgentChange, AgentHistory, AgentState, MetricsHistory};

/// Most agents kept; a relay knows 1,000 by default. Samples of one more are counted in [`Agents::n_refused`].
pub const AGENTS_MAX: usize = 1_000;
/// Most metrics kept per agent, the relay's own default.
pub const METRICS_MAX: usize = 64;
/// How long an agent that is gone stays in the list, in milliseconds, however short a time the charts show: long enough
/// to be missed.
pub const GONE_KEPT_MS: i64 = 300_000;
/// A clock that differs less than this from the relay's, in milliseconds, or than two of the agent's intervals, does not
/// differ: samples take their way, and some are sent by the dozen.
const CLOCK_SLACK_MS: i64 = 5_000;

/// One agent.
#[derive(Clone, Debug, PartialEq)]
pub struct Agent {
    /// Live, stale or gone, as the relay sees it.
    pub state: AgentState,
    /// When the agent took its latest sample, in milliseconds since the Unix epoch by its own clock; 0 before the first.
    pub sampled_at_ms: i64,
    /// When that sample reached this page, in milliseconds by the page's clock.
    pub seen_at_ms: i64,
    /// How far that sample's timestamp was behind the relay's clock when it came, in milliseconds; below 0 when it was
    /// ahead, none while the relay's clock is not known.
    pub behind_ms: Option<i64>,
    /// Usual time between two samples in milliseconds; none before the second sample.
    pub interval_ms: Option<i64>,
    /// Samples taken since the page was opened, history not counted.
    pub n_samples: u64,
    /// Latest value of each metric.
    pub values: BTreeMap<String, f64>,
}

impl Agent {
    fn apply_past(&mut self, past: &AgentHistory, relay_now_ms: i64, now_ms: i64) {
        self.state = past.state;
        self.interval_ms = past.interval_ms.map(i64::from);
        if let Some(&sampled_at_ms) = past.timestamps_ms.last() {
            self.sampled_at_ms = sampled_at_ms;
            // How old it was by the relay's clock, so that differing clocks do not make it older or younger.
            self.seen_at_ms = now_ms - (relay_now_ms - sampled_at_ms).max(0);
        }
        for (metric, column) in &past.metrics {
            if let Some(value) = column.iter().rev().find_map(|value| *value) {
                set(&mut self.values, metric, value);
            }
        }
    }

    /// How far its clock is behind the relay's, in milliseconds, below 0 when it is ahead; none while they agree, or
    /// nobody knows.
    #[must_use]
    pub fn clock_behind_ms(&self) -> Option<i64> {
        let slack_ms = CLOCK_SLACK_MS.max(2 * self.interval_ms.unwrap_or(0));
        self.behind_ms.filter(|behind_ms| self.state != AgentState::Gone && slack_ms < behind_ms.abs())
    }
}

/// Every agent by its name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Agents {
    agents: BTreeMap<String, Agent>,
    /// How far the relay's clock is ahead of the page's, in milliseconds, once it is known.
    relay_ahead_ms: Option<i64>,
    /// Samples of agents that did not fit.
    pub n_refused: u64,
    /// Samples taken since the page was opened, history not counted.
    pub n_samples: u64,
}

impl Agents {
    /// Takes one sample; `now_ms` is the page's clock. Returns whether its agent was unknown or gone before.
    pub fn apply_sample(&mut self, sample: &Sample, now_ms: i64) -> bool {
        let relay_ahead_ms = self.relay_ahead_ms;
        let Some((agent, is_new)) = self.entry(&sample.color, now_ms) else {
            self.n_refused += 1;
            return false;
        };
        let returned = is_new || agent.state == AgentState::Gone;
        let interval_ms = sample.timestamp_ms - agent.sampled_at_ms;
        // One that is known by its name alone has no sample yet to measure from.
        let is_first = is_new || agent.sampled_at_ms == 0;
        if !is_first && interval_ms > 0 && agent.state == AgentState::Joined {
            // Half old, half new: one late sample does not change the picture, a new pace shows after a few.
            agent.interval_ms = Some(agent.interval_ms.map_or(interval_ms, |old| (old + interval_ms) / 2));
        }
        agent.state = AgentState::Joined;
        agent.sampled_at_ms = sample.timestamp_ms;
        agent.seen_at_ms = now_ms;
        agent.behind_ms = relay_ahead_ms.map(|ahead_ms| now_ms + ahead_ms - sample.timestamp_ms);
        agent.n_samples += 1;
        for (metric, value) in sample.metrics() {
            set(&mut agent.values, metric, value);
        }
        self.n_samples += 1;
        returned
    }

    /// Takes what the relay's clock shows; `now_ms` is the page's.
    pub fn set_relay_now(&mut self, relay_now_ms: i64, now_ms: i64) {
        self.relay_ahead_ms = Some(relay_now_ms - now_ms);
    }

    /// Takes what the relay says of an agent's life.
    pub fn apply_change(&mut self, change: &AgentChange, now_ms: i64) {
        if let Some((agent, _)) = self.entry(&change.color, now_ms) {
            agent.state = change.state;
        }
    }

    /// Takes the latest values out of the history, which is all that is known at first. An agent that the relay no
    /// longer knows (it was restarted) is gone, but stays in its place for a while.
    pub fn apply_history(&mut self, history: &MetricsHistory, now_ms: i64) {
        for (name, agent) in &mut self.agents {
            if agent.state != AgentState::Gone && !history.agents.iter().any(|past| past.color == *name) {
                agent.state = AgentState::Gone;
            }
        }
        self.set_relay_now(history.now_ms, now_ms);
        for past in &history.agents {
            if let Some((agent, _)) = self.entry(&past.color, now_ms) {
                agent.apply_past(past, history.now_ms, now_ms);
            }
        }
    }

    /// Takes in who is gone but has a line in a part of the past that the charts show.
    pub fn apply_past(&mut self, history: &MetricsHistory, now_ms: i64) {
        for past in history.agents.iter().filter(|past| past.state == AgentState::Gone) {
            if !self.agents.contains_key(&past.color)
                && let Some((agent, _)) = self.entry(&past.color, now_ms)
            {
                agent.apply_past(past, history.now_ms, now_ms);
            }
        }
    }

    /// Forgets agents that have been gone for [`GONE_KEPT_MS`] and since before the charts' window of so many
    /// milliseconds up to now, and names them.
    pub fn prune(&mut self, now_ms: i64, window_ms: i64) -> Vec<String> {
        let kept_ms = GONE_KEPT_MS.max(window_ms);
        let is_over = |agent: &Agent| agent.state == AgentState::Gone && kept_ms <= now_ms - agent.seen_at_ms;
        self.agents.extract_if(.., |_, agent| is_over(agent)).map(|(name, _)| name).collect()
    }

    /// One agent.
    #[must_use]
    pub fn agent(&self, name: &str) -> Option<&Agent> {
        self.agents.get(name)
    }

    /// Every name, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.agents.keys().map(String::as_str)
    }

    /// Every agent with its name, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Agent)> {
        self.agents.iter().map(|(name, agent)| (name.as_str(), agent))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.agents.is_empty()
    }

    /// How many are live, stale and gone.
    #[must_use]
    pub fn tally(&self) -> (usize, usize, usize) {
        let n = |state| self.agents.values().filter(|agent| agent.state == state).count();
        (n(AgentState::Joined), n(AgentState::Stale), n(AgentState::Gone))
    }

    /// Every metric that any agent sends, `cpu` and `mem` first, then by name.
    #[must_use]
    pub fn metrics(&self) -> Vec<String> {
        let mut metrics: Vec<&String> = self.agents.values().flat_map(|agent| agent.values.keys()).collect();
        let rank = |name: &str| match name {
            "cpu" => 0,
            "mem" => 1,
            _ => 2,
        };
        metrics.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.cmp(b)));
        metrics.dedup();
        metrics.into_iter().cloned().collect()
    }

    /// The agent of that name, made when there is room, and whether it was.
    fn entry(&mut self, name: &str, now_ms: i64) -> Option<(&mut Agent, bool)> {
        let is_new = !self.agents.contains_key(name);
        if is_new {
            if AGENTS_MAX <= self.agents.len() {
                // Who has been gone longest makes room.
                let gone = self.agents.iter().filter(|(_, agent)| agent.state == AgentState::Gone);
                let name = gone.min_by_key(|(_, agent)| agent.seen_at_ms).map(|(name, _)| name.clone())?;
                self.agents.remove(&name);
            }
            let agent = Agent {
                state: AgentState::Joined,
                sampled_at_ms: 0,
                seen_at_ms: now_ms,
                behind_ms: None,
                interval_ms: None,
                n_samples: 0,
                values: BTreeMap::new(),
            };
            self.agents.insert(name.to_owned(), agent);
        }
        self.agents.get_mut(name).map(|agent| (agent, is_new))
    }
}

fn set(values: &mut BTreeMap<String, f64>, metric: &str, value: f64) {
    if let Some(slot) = values.get_mut(metric) {
        *slot = value;
    } else if values.len() < METRICS_MAX {
        values.insert(metric.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use signalbox_shared::EventId;

    use super::*;

    fn sample(color: &str, second: u32, cpu: f64) -> Sample {
        let json = format!(
            r#"{{"color":"{color}","timestamp":"2026-01-01T00:00:{second:02}Z","cpu":{cpu},"mem":5,"fans":2}}"#
        );
        Sample::from_json(json.as_bytes()).unwrap()
    }

    #[test]
    fn the_latest_value_stands() {
        let mut agents = Agents::default();
        assert!(agents.apply_sample(&sample("red", 1, 10.0), 1_000));
        assert!(!agents.apply_sample(&sample("red", 2, 20.0), 2_000));
        let red = agents.agent("red").unwrap();
        assert_eq!((red.values["cpu"], red.n_samples, red.interval_ms), (20.0, 2, Some(1_000)));
        assert_eq!(agents.metrics(), ["cpu", "mem", "fans"]);
        assert_eq!(agents.tally(), (1, 0, 0));
    }

    #[test]
    fn an_agent_that_is_gone_stays_for_a_while_and_may_return() {
        let mut agents = Agents::default();
        let gone = AgentChange { color: "red".into(), state: AgentState::Gone, at_ms: 0 };
        agents.apply_sample(&sample("red", 1, 1.0), 1_000);
        agents.apply_change(&gone, 10_000);
        assert!(agents.prune(1_000 + GONE_KEPT_MS - 1, 60_000).is_empty());
        assert!(agents.apply_sample(&sample("red", 2, 1.0), 20_000), "it returned");
        agents.apply_change(&gone, 30_000);
        assert_eq!(agents.agent("red").unwrap().seen_at_ms, 20_000, "its latest sample is no younger for it");
        assert!(agents.prune(20_000 + GONE_KEPT_MS, 2 * GONE_KEPT_MS).is_empty(), "its line is in view");
        assert_eq!(agents.prune(20_000 + GONE_KEPT_MS, 60_000), ["red"]);
        assert!(agents.is_empty());
    }

    fn history(now_ms: i64, agents: &[(&str, AgentState, i64)]) -> MetricsHistory {
        let agent = |(color, state, at_ms): &(&str, AgentState, i64)| AgentHistory {
            color: (*color).into(),
            state: *state,
            interval_ms: Some(500),
            timestamps_ms: vec![at_ms - 7_000, *at_ms],
            metrics: BTreeMap::from([("cpu".into(), vec![Some(3.0), None])]),
            ranges: BTreeMap::new(),
        };
        MetricsHistory {
            id: EventId { epoch: 1, seq: 2 },
            now_ms,
            step_secs: 0,
            tier_secs: 0,
            until_ms: None,
            agents: agents.iter().map(agent).collect(),
        }
    }

    #[test]
    fn who_is_gone_and_has_a_line_in_view_is_in_the_list() {
        let mut agents = Agents::default();
        agents.apply_sample(&sample("red", 1, 1.0), 100_000);
        let past = history(
            5_000_000,
            &[
                ("old", AgentState::Gone, 4_000_000),
                ("red", AgentState::Gone, 4_999_000),
                ("new", AgentState::Joined, 4_999_000),
            ],
        );
        agents.apply_past(&past, 2_000_000);
        assert_eq!(agents.names().collect::<Vec<_>>(), ["old", "red"], "the feed brings who lives");
        assert_eq!(agents.agent("red").unwrap().state, AgentState::Joined, "which it tells better, too");
        let old = agents.agent("old").unwrap();
        assert_eq!((old.state, old.seen_at_ms, old.values["cpu"]), (AgentState::Gone, 1_000_000, 3.0));
        assert!(agents.prune(2_000_000, 3_600_000).is_empty());
        assert_eq!(agents.prune(2_000_000, 900_000), ["old"]);
    }

    #[test]
    fn a_clock_that_differs_is_noticed() {
        let at_ms = sample("red", 30, 1.0).timestamp_ms;
        let check = |came_ms: i64, interval_ms: Option<i64>, expected: Option<i64>| {
            let mut agents = Agents::default();
            agents.apply_sample(&sample("red", 30, 1.0), 0);
            assert_eq!(
                agents.agent("red").unwrap().clock_behind_ms(),
                None,
                "the relay's clock is not known"
            );
            agents.set_relay_now(1_000_000, 0);
            agents.apply_sample(&sample("red", 30, 1.0), came_ms - 1_000_000);
            let mut red = agents.agent("red").unwrap().clone();
            red.interval_ms = interval_ms;
            assert_eq!(red.clock_behind_ms(), expected, "{}", came_ms - at_ms);
        };
        check(at_ms + 300, Some(1_000), None);
        check(at_ms + 5_000, Some(1_000), None);
        check(at_ms + 3_600_000, Some(1_000), Some(3_600_000));
        check(at_ms - 600_000, Some(1_000), Some(-600_000));
        check(at_ms + 19_000, Some(10_000), None);
        check(at_ms + 21_000, None, Some(21_000));
    }

    #[test]
    fn history_brings_values_and_their_age_by_the_relays_clock() {
        let mut agents = Agents::default();
        agents.apply_sample(&sample("old", 1, 1.0), 0);
        let history = history(5_000_000, &[("blue", AgentState::Stale, 4_997_000)]);
        agents.apply_history(&history, 100_000);
        assert_eq!(agents.agent("old").unwrap().state, AgentState::Gone, "the relay does not know it");
        let blue = agents.agent("blue").unwrap();
        assert_eq!((blue.seen_at_ms, blue.values["cpu"], blue.state), (97_000, 3.0, AgentState::Stale));
    }

    #[test]
    fn an_agent_that_is_known_by_its_name_has_no_interval_before_its_second_sample() {
        let mut agents = Agents::default();
        agents.apply_change(&AgentChange { color: "red".into(), state: AgentState::Joined, at_ms: 0 }, 0);
        agents.apply_sample(&sample("red", 1, 1.0), 0);
        assert_eq!(agents.agent("red").unwrap().interval_ms, None);
        agents.apply_sample(&sample("red", 3, 1.0), 0);
        assert_eq!(agents.agent("red").unwrap().interval_ms, Some(2_000));
    }

    #[test]
    fn agents_and_metrics_are_bounded_and_the_rest_is_counted() {
        let mut agents = Agents::default();
        for i in 0..AGENTS_MAX + 3 {
            agents.apply_sample(&sample(&format!("agent-{i}"), 1, 1.0), 0);
        }
        assert_eq!((agents.names().count(), agents.n_refused), (AGENTS_MAX, 3));
        let metrics: String = (0..METRICS_MAX * 2).map(|i| format!(r#","m{i}":1"#)).collect();
        let many =
            format!(r#"{{"color":"agent-0","timestamp":"2026-11-20T12:00:02Z","cpu":1,"mem":1{metrics}}}"#);
        agents.apply_sample(&Sample::from_json(many.as_bytes()).unwrap(), 0);
        assert_eq!(agents.agent("agent-0").unwrap().values.len(), METRICS_MAX);
        let gone = AgentChange { color: "agent-7".into(), state: AgentState::Gone, at_ms: 0 };
        agents.apply_change(&gone, 0);
        agents.apply_sample(&sample("new", 1, 1.0), 0);
        assert_eq!((agents.names().count(), agents.n_refused), (AGENTS_MAX, 3), "who is gone makes room");
        assert!(agents.agent("agent-7").is_none() && agents.agent("new").is_some());
    }
}
