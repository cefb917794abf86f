//! The readings of a part of time that is not held as it came: what is there of it, and how steps become lines.

use signalbox_shared::feed::MetricsHistory;

use super::viewport::{Coverage, Viewport};

/// Points that a store of the past takes between two answers of the relay, per agent, before it is asked again: beyond
/// that, what comes live would push out the left edge.
pub const APPENDED_MAX: u64 = 1_000;

/// What is known of the past.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PastState {
    /// What is held.
    pub held: Option<Coverage>,
    /// Whether the charts show it.
    pub is_shown: bool,
    /// Whether the relay is being asked.
    pub is_loading: bool,
    /// Why it did not answer.
    pub failure: Option<String>,
}

impl PastState {
    /// Decides for a part of time: whether what is held does, and whether the relay must be asked for more.
    ///
    /// `recent_from_ms` is since when every sample is held as it came.
    pub fn decide(&mut self, view: &Viewport, recent_from_ms: f64, step_secs: u32) -> bool {
        if recent_from_ms <= view.start_ms() {
            self.is_shown = false;
            self.failure = None;
            return false;
        }
        let suits = self.held.is_some_and(|held| held.suits(view, step_secs));
        if suits {
            self.is_shown = true;
            self.failure = None;
        }
        !suits && !self.is_loading
    }
}

/// Since when every sample is held as it came, after what is held was joined by what the relay told: from its first to its
/// last moment each, in milliseconds since the Unix epoch. What both hold together is whole only without a hole between.
#[must_use]
pub fn whole_since(held: Option<(f64, f64)>, told: (f64, f64)) -> f64 {
    match held {
        Some((from_ms, to_ms)) if told.0 <= to_ms => from_ms.min(told.0),
        _ => told.0,
    }
}

/// Makes a history in steps one whose lines show each step's lowest and highest value: two points for each.
#[must_use]
pub fn envelope(mut history: MetricsHistory) -> MetricsHistory {
    let half_ms = i64::from(history.step_secs) * 500;
    for agent in &mut history.agents {
        if agent.ranges.is_empty() {
            continue;
        }
        agent.timestamps_ms = agent.timestamps_ms.iter().flat_map(|&t| [t - half_ms, t]).collect();
        for (metric, means) in &mut agent.metrics {
            let range = agent.ranges.get(metric);
            let pair = |(index, mean): (usize, &Option<f64>)| {
                let of = |column: Option<&Vec<Option<f64>>>| column.and_then(|c| *c.get(index)?).or(*mean);
                [of(range.map(|range| &range.min)), of(range.map(|range| &range.max))]
            };
            *means = means.iter().enumerate().flat_map(pair).collect();
        }
        agent.ranges.clear();
    }
    history
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use signalbox_shared::EventId;
    use signalbox_shared::feed::{AgentHistory, AgentState, MetricRange};

    use super::*;

    #[test]
    fn steps_become_their_extremes() {
        let range = MetricRange { min: vec![Some(1.0), None], max: vec![Some(9.0), None], count: vec![3, 0] };
        let agent = AgentHistory {
            color: "red".into(),
            state: AgentState::Joined,
            interval_ms: Some(1_000),
            timestamps_ms: vec![10_000, 20_000],
            metrics: BTreeMap::from([
                ("cpu".into(), vec![Some(4.0), None]),
                ("x".into(), vec![None, Some(2.0)]),
            ]),
            ranges: BTreeMap::from([("cpu".into(), range)]),
        };
        let id = EventId { epoch: 1, seq: 1 };
        let history = MetricsHistory {
            id,
            now_ms: 0,
            step_secs: 10,
            tier_secs: 10,
            until_ms: None,
            agents: vec![agent],
        };
        let agent = &envelope(history).agents[0];
        assert_eq!(agent.timestamps_ms, [5_000, 10_000, 15_000, 20_000]);
        assert_eq!(agent.metrics["cpu"], [Some(1.0), Some(9.0), None, None]);
        assert_eq!(agent.metrics["x"], [None, None, Some(2.0), Some(2.0)]);
    }

    #[test]
    fn what_is_held_stays_whole_over_a_short_absence() {
        let check = |held: Option<(f64, f64)>, expected: f64| {
            assert_eq!(whole_since(held, (700.0, 1_000.0)), expected, "{held:?}");
        };
        check(None, 700.0);
        check(Some((100.0, 990.0)), 100.0);
        check(Some((100.0, 700.0)), 100.0);
        check(Some((100.0, 699.0)), 700.0);
        check(Some((800.0, 990.0)), 700.0);
    }

    #[test]
    fn the_relay_is_asked_for_what_is_not_there_and_only_once() {
        let view = Viewport { window_ms: 60_000.0, end_ms: 1_000_000.0 };
        let mut past = PastState::default();
        assert!(!past.decide(&view, 900_000.0, 0), "all of it is held as it came");
        assert!(past.decide(&view, 950_000.0, 0) && !past.is_shown);
        past.is_loading = true;
        assert!(!past.decide(&view, 950_000.0, 0), "asked already");
        past.is_loading = false;
        past.held = Some(Coverage { from_ms: 0.0, to_ms: None, step_secs: 0 });
        assert!(!past.decide(&view, 950_000.0, 0) && past.is_shown);
        assert!(!past.decide(&view, 0.0, 0) && !past.is_shown);
    }
}
