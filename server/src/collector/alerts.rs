//! Which agents are in alert: one small state machine per rule and agent (docs/protocol.md §3, alerts).
//!
//! Pure: times come in, changes come out, and what a change sets off is others' business. Bounded by the rules of the
//! settings file times the agents that are known.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::Duration;

use signalbox_shared::Sample;
use signalbox_shared::feed::{
    AlertChange, AlertEnd, AlertSide, AlertState, Mark, MarkKind, RuleAgent, RuleInfo,
};
use signalbox_shared::unit::unit_of;

mod rule;

pub use rule::AlertRule;

/// Every rule, and how each agent stands to it.
#[derive(Debug, Default)]
pub struct Alerts {
    rules: Vec<Rule>,
    /// One entry per rule, in the rules' order.
    by_agent: HashMap<String, Vec<Option<Beyond>>>,
}

#[derive(Debug)]
struct Rule {
    rule: AlertRule,
    for_ms: i64,
    text: String,
}

/// A metric beyond a bound.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Beyond {
    side: AlertSide,
    since_ms: i64,
    value: f64,
    is_alert: bool,
}

impl Alerts {
    /// Nobody is beyond anything yet.
    #[must_use]
    pub fn new(rules: &[AlertRule]) -> Self {
        let rule = |rule: &AlertRule| Rule {
            for_ms: i64::try_from(rule.hold.as_millis()).unwrap_or(i64::MAX),
            text: words(rule),
            rule: rule.clone(),
        };
        Self { rules: rules.iter().map(rule).collect(), by_agent: HashMap::new() }
    }

    /// A sample arrives. Adds what it begins and ends to `changes`.
    pub fn take(&mut self, sample: &Sample, now_ms: i64, changes: &mut Vec<AlertChange>) {
        for (index, rule) in self.rules.iter().enumerate() {
            if rule.rule.agent.as_ref().is_some_and(|agent| *agent != sample.color) {
                continue;
            }
            let Some(value) = sample.metric(&rule.rule.metric) else { continue };
            let known = self.by_agent.get_mut(&sample.color);
            // Most agents are within every bound, and cost no entry.
            if known.is_none() && rule.side(value).is_none() {
                continue;
            }
            let states = match known {
                Some(states) => states,
                None => {
                    self.by_agent.entry(sample.color.clone()).or_insert_with(|| vec![None; self.rules.len()])
                }
            };
            rule.step(&mut states[index], value, now_ms, |change| {
                changes.push(rule.change(index, &sample.color, change, now_ms));
            });
        }
    }

    /// Time passes for an agent whose samples arrive: what has been beyond a bound long enough begins.
    pub fn pass(&mut self, color: &str, now_ms: i64, changes: &mut Vec<AlertChange>) {
        let Some(states) = self.by_agent.get_mut(color) else { return };
        for (index, state) in states.iter_mut().enumerate() {
            let rule = &self.rules[index];
            let Some(beyond) = state else { continue };
            if rule.begin_if_due(beyond, now_ms) {
                changes.push(rule.change(index, color, Change::begin(*beyond), now_ms));
            }
        }
        if states.iter().all(Option::is_none) {
            self.by_agent.remove(color);
        }
    }

    /// An agent is gone: its alerts end.
    pub fn forget(&mut self, color: &str, now_ms: i64, changes: &mut Vec<AlertChange>) {
        let states = self.by_agent.remove(color).unwrap_or_default();
        for (index, beyond) in states.into_iter().enumerate() {
            if let Some(beyond) = beyond.filter(|beyond| beyond.is_alert) {
                let change = Change { beyond, end: Some((AlertEnd::Gone, None)) };
                changes.push(self.rules[index].change(index, color, change, now_ms));
            }
        }
    }

    /// Agents that are beyond some bound.
    pub fn agents(&self) -> Vec<String> {
        self.by_agent.keys().cloned().collect()
    }

    /// Takes over what an earlier run of the relay had said, so that an alert that goes on does not begin again.
    pub fn restore(&mut self, change: &AlertChange) {
        let n_rules = self.rules.len();
        // Rules have no name: one that reads the same is the same.
        let Some(index) = self.rules.iter().position(|rule| rule.text == change.text) else { return };
        let states = self.by_agent.entry(change.color.clone()).or_insert_with(|| vec![None; n_rules]);
        states[index] = match (change.state, change.value) {
            (AlertState::Begins, Some(value)) => {
                Some(Beyond { side: change.side, since_ms: change.since_ms, value, is_alert: true })
            }
            _ => None,
        };
    }

    /// Every rule with the agents that are beyond its bounds.
    #[must_use]
    pub fn info(&self) -> Vec<RuleInfo> {
        let info = |(index, rule): (usize, &Rule)| {
            let mut agents: Vec<RuleAgent> = self
                .by_agent
                .iter()
                .filter_map(|(color, states)| {
                    let Beyond { side, since_ms, value, is_alert } = states[index]?;
                    Some(RuleAgent { color: color.clone(), is_alert, side, value, since_ms })
                })
                .collect();
            agents.sort_by(|a, b| a.color.cmp(&b.color));
            let AlertRule { metric, above, below, agent, .. } = rule.rule.clone();
            let for_ms = u64::try_from(rule.for_ms).unwrap_or(0);
            RuleInfo { metric, above, below, for_ms, agent, text: rule.text.clone(), agents }
        };
        self.rules.iter().enumerate().map(info).collect()
    }
}

/// What becomes of one alert.
#[derive(Clone, Copy, Debug)]
struct Change {
    beyond: Beyond,
    /// Why it ends, and at which value; none when it begins.
    end: Option<(AlertEnd, Option<f64>)>,
}

impl Change {
    fn begin(beyond: Beyond) -> Self {
        Self { beyond, end: None }
    }
}

impl Rule {
    fn side(&self, value: f64) -> Option<AlertSide> {
        if self.rule.above.is_some_and(|bound| bound < value) {
            return Some(AlertSide::Above);
        }
        self.rule.below.is_some_and(|bound| value < bound).then_some(AlertSide::Below)
    }

    fn step(&self, state: &mut Option<Beyond>, value: f64, now_ms: i64, mut tell: impl FnMut(Change)) {
        let side = self.side(value);
        if let Some(beyond) = state {
            if side == Some(beyond.side) {
                beyond.value = value;
                if self.begin_if_due(beyond, now_ms) {
                    tell(Change::begin(*beyond));
                }
                return;
            }
            if beyond.is_alert {
                let reason = if side.is_some() { AlertEnd::Crossed } else { AlertEnd::Back };
                tell(Change { beyond: *beyond, end: Some((reason, Some(value))) });
            }
        }
        *state = side.map(|side| Beyond { side, since_ms: now_ms, value, is_alert: false });
        if let Some(beyond) = state
            && self.begin_if_due(beyond, now_ms)
        {
            tell(Change::begin(*beyond));
        }
    }

    fn begin_if_due(&self, beyond: &mut Beyond, now_ms: i64) -> bool {
        let is_due = !beyond.is_alert && self.for_ms <= now_ms - beyond.since_ms;
        beyond.is_alert |= is_due;
        is_due
    }

    fn change(&self, index: usize, color: &str, change: Change, now_ms: i64) -> AlertChange {
        let Beyond { side, since_ms, value, .. } = change.beyond;
        let bound = match side {
            AlertSide::Above => self.rule.above,
            AlertSide::Below => self.rule.below,
        };
        AlertChange {
            rule: u32::try_from(index).unwrap_or(u32::MAX),
            color: color.to_owned(),
            metric: self.rule.metric.clone(),
            text: self.text.clone(),
            side,
            // A side is only ever given where there is a bound.
            threshold: bound.unwrap_or_default(),
            state: if change.end.is_some() { AlertState::Ends } else { AlertState::Begins },
            reason: change.end.map(|(reason, _)| reason),
            value: change.end.map_or(Some(value), |(_, value)| value),
            since_ms,
            at_ms: now_ms,
        }
    }
}

/// The rule as a person would say it.
fn words(rule: &AlertRule) -> String {
    let mut text = rule.metric.clone();
    // Writing to a string cannot fail.
    if let Some(bound) = rule.above {
        let _ = write!(text, " above {}", with_unit(bound.to_string(), &rule.metric));
    }
    if let Some(bound) = rule.below {
        let or = if rule.above.is_some() { " or" } else { "" };
        let _ = write!(text, "{or} below {}", with_unit(bound.to_string(), &rule.metric));
    }
    if !rule.hold.is_zero() {
        let _ = write!(text, " for {}", duration_words(rule.hold));
    }
    text
}

fn with_unit(number: String, metric: &str) -> String {
    match unit_of(metric) {
        "" => number,
        unit => format!("{number} {unit}"),
    }
}

/// In the largest unit that needs no fraction.
fn duration_words(duration: Duration) -> String {
    let millis = duration.as_millis();
    let units = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
    let fits = units.into_iter().find(|(_, unit)| millis.is_multiple_of(*unit));
    fits.map_or_else(String::new, |(name, unit)| format!("{}{name}", millis / unit))
}

/// A change as one line for people.
#[must_use]
pub fn line(change: &AlertChange) -> String {
    let AlertChange { color, text, metric, .. } = change;
    match (change.reason, change.value.map(|value| with_unit(number_words(value), metric))) {
        (None, Some(value)) => format!("{color}: {text} (now {value})"),
        (Some(AlertEnd::Back), Some(value)) => format!("{color}: no longer {text} (now {value})"),
        (Some(AlertEnd::Crossed), Some(value)) => {
            format!("{color}: no longer {text}, but beyond the other bound (now {value})")
        }
        _ => format!("{color} is gone, which ends: {text}"),
    }
}

/// A number as people say it: six digits, so that one just beyond its bound does not read as the bound, and no zeros at
/// its end; the very large and the very small by exponent.
fn number_words(value: f64) -> String {
    if value != 0.0 && !(1e-3..1e15).contains(&value.abs()) {
        return format!("{value:e}");
    }
    let whole_digits = value.abs().max(1.0).log10().floor();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 5")]
    let n_decimals = (5.0 - whole_digits).clamp(0.0, 5.0) as usize;
    let text = format!("{value:.n_decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// The mark of a change. An alert that begins late, because its rule asks for a time, is marked where it is known.
#[must_use]
pub fn mark(change: &AlertChange) -> Mark {
    Mark { text: line(change), at_ms: change.at_ms, kind: MarkKind::Alert, color: Some(change.color.clone()) }
}

#[cfg(test)]
mod tests;
