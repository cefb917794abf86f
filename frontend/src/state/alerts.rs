//! The relay's alert rules, and which agents are in alert.
//!
//! Rules and state come whole from `GET /api/metrics/rules`, and change by `alert` events of the feed.

use std::collections::{BTreeMap, VecDeque};

use signalbox_shared::EventId;
use signalbox_shared::feed::{AlertChange, AlertSide, AlertState, MetricsRules, RuleInfo};

/// Alerts kept at most; one more is counted in [`Alerts::n_refused`]. As many agents as the page keeps, four rules each.
pub const ALERTS_MAX: usize = 4_000;

/// Changes that an answer to a question asked before them may not know; more than a relay tells while it answers.
const RECENT_MAX: usize = 64;

/// A bound of a rule, to be drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    /// The bound, in the metric's own unit.
    pub value: f64,
    /// Which values are beyond it.
    pub side: AlertSide,
    /// The rule in words.
    pub text: String,
}

/// One agent's alert by one rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// The metric's key.
    pub metric: String,
    /// The rule in words.
    pub text: String,
    /// Since when the metric is beyond the bound, in milliseconds since the Unix epoch.
    pub since_ms: i64,
}

/// Rules and alerts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Alerts {
    rules: Vec<RuleInfo>,
    alerts: BTreeMap<(String, u32), Alert>,
    known_at: Option<EventId>,
    recent: VecDeque<(EventId, AlertChange)>,
    /// Alerts that did not fit.
    pub n_refused: u64,
}

impl Alerts {
    /// Takes rules and state as the relay tells them whole.
    pub fn apply_rules(&mut self, told: MetricsRules) {
        self.alerts.clear();
        self.known_at = Some(told.id);
        for (rule, index) in told.rules.iter().zip(0..) {
            for agent in rule.agents.iter().filter(|agent| agent.is_alert) {
                let alert =
                    Alert { metric: rule.metric.clone(), text: rule.text.clone(), since_ms: agent.since_ms };
                self.insert((agent.color.clone(), index), alert);
            }
        }
        self.rules = told.rules;
        for (id, change) in std::mem::take(&mut self.recent) {
            self.apply_change(&change, Some(id));
        }
    }

    /// Takes a change out of the feed; one that [`Self::apply_rules`] has told already changes nothing.
    pub fn apply_change(&mut self, change: &AlertChange, id: Option<EventId>) {
        if let (Some(known), Some(id)) = (self.known_at, id)
            && known.epoch == id.epoch
            && id.seq <= known.seq
        {
            return;
        }
        if let Some(id) = id {
            self.recent.push_back((id, change.clone()));
            if RECENT_MAX < self.recent.len() {
                self.recent.pop_front();
            }
        }
        let key = (change.color.clone(), change.rule);
        match change.state {
            AlertState::Ends => {
                self.alerts.remove(&key);
            }
            AlertState::Begins => {
                let alert = Alert {
                    metric: change.metric.clone(),
                    text: change.text.clone(),
                    since_ms: change.since_ms,
                };
                self.insert(key, alert);
            }
        }
    }

    /// How many alerts there are now.
    #[must_use]
    pub fn len(&self) -> usize {
        self.alerts.len()
    }

    /// Whether all is well.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.alerts.is_empty()
    }

    /// The alerts of one agent.
    pub fn of_agent(&self, name: &str) -> impl Iterator<Item = &Alert> {
        let from = (name.to_owned(), 0);
        let to = (name.to_owned(), u32::MAX);
        self.alerts.range(from..=to).map(|(_, alert)| alert)
    }

    /// The agents in alert by one metric, in the order of their names, each once.
    #[must_use]
    pub fn agents_of(&self, metric: &str) -> Vec<&str> {
        let of_metric = self.alerts.iter().filter(|(_, alert)| alert.metric == metric);
        let mut names: Vec<&str> = of_metric.map(|((name, _), _)| name.as_str()).collect();
        names.dedup();
        names
    }

    /// The bounds of one metric's rules.
    #[must_use]
    pub fn thresholds(&self, metric: &str) -> Vec<Threshold> {
        let of_rule = |rule: &RuleInfo| {
            let bound = |value: Option<f64>, side| {
                value.filter(|value| value.is_finite()).map(|value| (value, side, rule.text.clone()))
            };
            let text = |agent: &Option<String>, text: String| match agent {
                Some(agent) => format!("{agent}: {text}"),
                None => text,
            };
            [bound(rule.above, AlertSide::Above), bound(rule.below, AlertSide::Below)]
                .into_iter()
                .flatten()
                .map(|(value, side, words)| Threshold { value, side, text: text(&rule.agent, words) })
                .collect::<Vec<_>>()
        };
        self.rules.iter().filter(|rule| rule.metric == metric).flat_map(of_rule).collect()
    }

    fn insert(&mut self, key: (String, u32), alert: Alert) {
        if self.alerts.len() < ALERTS_MAX || self.alerts.contains_key(&key) {
            self.alerts.insert(key, alert);
        } else {
            self.n_refused += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use signalbox_shared::feed::{AlertEnd, RuleAgent};

    use super::*;

    fn told() -> MetricsRules {
        let agent = |color: &str, is_alert| RuleAgent {
            color: color.into(),
            is_alert,
            side: AlertSide::Above,
            value: 104.5,
            since_ms: 5,
        };
        let rule = |metric: &str, above, below, agent: Option<&str>, agents| RuleInfo {
            metric: metric.into(),
            above,
            below,
            for_ms: 10_000,
            agent: agent.map(str::to_owned),
            text: format!("{metric} beyond"),
            agents,
        };
        MetricsRules {
            id: EventId { epoch: 1, seq: 10 },
            now_ms: 0,
            rules: vec![
                rule("mem", Some(100.0), Some(1.0), None, vec![agent("red", true), agent("blue", false)]),
                rule("cpu", Some(90.0), None, Some("red"), vec![agent("red", true)]),
            ],
        }
    }

    fn change(color: &str, rule: u32, state: AlertState) -> AlertChange {
        AlertChange {
            rule,
            color: color.into(),
            metric: "mem".into(),
            text: "mem beyond".into(),
            side: AlertSide::Above,
            threshold: 100.0,
            state,
            reason: (state == AlertState::Ends).then_some(AlertEnd::Back),
            value: Some(1.0),
            since_ms: 6,
            at_ms: 7,
        }
    }

    #[test]
    fn alerts_begin_and_end() {
        let mut alerts = Alerts::default();
        alerts.apply_rules(told());
        assert_eq!((alerts.len(), alerts.agents_of("mem")), (2, vec!["red"]));
        let id = |seq| Some(EventId { epoch: 1, seq });
        alerts.apply_change(&change("red", 0, AlertState::Ends), id(10));
        assert_eq!(alerts.len(), 2, "that was told already");
        alerts.apply_change(&change("blue", 0, AlertState::Begins), id(11));
        alerts.apply_change(&change("red", 0, AlertState::Ends), id(12));
        assert_eq!(alerts.agents_of("mem"), ["blue"]);
        assert_eq!(
            alerts.of_agent("red").map(|alert| alert.text.as_str()).collect::<Vec<_>>(),
            ["cpu beyond"]
        );
        alerts.apply_rules(told());
        assert_eq!(alerts.agents_of("mem"), ["blue"], "an old answer does not undo what was told since");
        alerts.apply_change(&change("red", 1, AlertState::Ends), None);
        alerts.apply_change(&change("nobody", 1, AlertState::Ends), None);
        assert_eq!(alerts.len(), 1);
    }

    #[test]
    fn a_rule_has_a_line_for_each_bound() {
        let mut alerts = Alerts::default();
        alerts.apply_rules(told());
        let lines = alerts.thresholds("mem");
        assert_eq!(lines.iter().map(|line| line.value).collect::<Vec<_>>(), [100.0, 1.0]);
        assert_eq!(alerts.thresholds("cpu")[0].text, "red: cpu beyond");
        assert!(alerts.thresholds("fans").is_empty());
    }

    #[test]
    fn alerts_are_bounded_and_the_rest_is_counted() {
        let mut alerts = Alerts::default();
        for n in 0..ALERTS_MAX + 3 {
            alerts.apply_change(&change(&n.to_string(), 0, AlertState::Begins), None);
        }
        assert_eq!((alerts.len(), alerts.n_refused), (ALERTS_MAX, 3));
    }
}
