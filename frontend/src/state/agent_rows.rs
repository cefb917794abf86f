//! The rows of the agents' table: searched, sorted, ready to read.

use std::collections::HashMap;

use signalbox_shared::feed::AgentState;

use super::agents::{Agent, Agents};
use super::alerts::Alerts;
use super::natural::natural;
use super::units;

/// Rows that are shown at first, and as many more at each request.
pub const ROWS_STEP: usize = 50;

/// By what the rows are sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SortKey {
    /// The agents' names.
    #[default]
    Name,
    /// Alerts first, then live, stale and gone.
    State,
    /// A metric's latest value.
    Metric(String),
    /// How many samples a second.
    Rate,
    /// How old the latest sample is.
    Age,
}

/// What the table shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableQuery {
    /// Part of a name, of a state or of an alert's words, in any case.
    pub search: String,
    /// By what it is sorted.
    pub key: SortKey,
    /// Largest first.
    pub is_descending: bool,
    /// The names in the order in which they stood when somebody began to point at them: nothing moves away below a hand.
    /// Who comes meanwhile stands behind them. Empty while nobody does.
    pub held: Vec<String>,
}

impl TableQuery {
    /// Sorts by a key; by the same one again, the other way round. Values begin with the largest, names with the first.
    pub fn sort_by(&mut self, key: SortKey) {
        self.is_descending = if self.key == key { !self.is_descending } else { key != SortKey::Name };
        self.key = key;
    }
}

/// One row, ready to read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AgentRow {
    /// The agent.
    pub name: String,
    /// `live`, `stale`, `gone`, or `unknown` without a connection.
    pub state: &'static str,
    /// The rules by which it is in alert.
    pub alerts: Vec<String>,
    /// How its clock differs from the relay's; empty while they agree.
    pub clock: String,
    /// The values of the columns, a dash for none.
    pub values: Vec<String>,
    /// Samples a second.
    pub rate: String,
    /// How old the latest sample is.
    pub age: String,
}

/// The rows that a query shows, at most `n_max`, and how many it would show in all.
#[must_use]
pub fn agent_rows(
    (agents, alerts): (&Agents, &Alerts),
    query: &TableQuery,
    metrics: &[String],
    now_ms: i64,
    is_connected: bool,
    n_max: usize,
) -> (Vec<AgentRow>, usize) {
    let search = query.search.trim().to_lowercase();
    let mut found: Vec<(&str, &Agent, Vec<&str>)> = agents
        .iter()
        .map(|(name, agent)| (name, agent, alerts.of_agent(name).map(|alert| alert.text.as_str()).collect()))
        .filter(|(name, agent, alerts): &(&str, &Agent, Vec<&str>)| {
            let is_in = |text: &str| text.to_lowercase().contains(&search);
            let has_alert = !alerts.is_empty() && "alert".contains(search.as_str());
            search.is_empty()
                || is_in(name)
                || state_name(agent.state, is_connected) == search
                || has_alert
                || is_in(&clock_words(agent))
                || alerts.iter().any(|text| is_in(text))
        })
        .collect();
    found.sort_by(|(a, ..), (b, ..)| natural(a, b));
    // What has no value stands last, in either direction.
    let value = |agent: &Agent, alerts: &[&str]| match &query.key {
        SortKey::Name => None,
        SortKey::State => Some(f64::from(state_rank(agent.state) + if alerts.is_empty() { 0 } else { 10 })),
        SortKey::Metric(metric) => agent.values.get(metric).copied(),
        SortKey::Rate => rate(agent),
        #[expect(clippy::cast_precision_loss, reason = "an age")]
        SortKey::Age => Some((now_ms - agent.seen_at_ms) as f64),
    };
    if query.key == SortKey::Name {
        if query.is_descending {
            found.reverse();
        }
    } else {
        found.sort_by(|(_, a, a_alerts), (_, b, b_alerts)| match (value(a, a_alerts), value(b, b_alerts)) {
            (Some(a), Some(b)) if query.is_descending => b.total_cmp(&a),
            (Some(a), Some(b)) => a.total_cmp(&b),
            (a, b) => b.is_some().cmp(&a.is_some()),
        });
    }
    if !query.held.is_empty() {
        let place: HashMap<&str, usize> = query.held.iter().map(String::as_str).zip(0..).collect();
        found.sort_by_key(|(name, ..)| place.get(name).copied().unwrap_or(usize::MAX));
    }
    let n_found = found.len();
    let row = |(name, agent, alerts): (&str, &Agent, Vec<&str>)| AgentRow {
        name: name.to_owned(),
        state: state_name(agent.state, is_connected),
        alerts: alerts.into_iter().map(str::to_owned).collect(),
        clock: clock_words(agent),
        values: metrics
            .iter()
            .map(|metric| {
                agent.values.get(metric).map_or_else(|| "–".to_owned(), |&v| units::metric(metric, v))
            })
            .collect(),
        rate: rate(agent).map_or_else(|| "–".to_owned(), units::per_sec),
        age: units::age(now_ms - agent.seen_at_ms),
    };
    (found.into_iter().take(n_max).map(row).collect(), n_found)
}

#[expect(clippy::cast_precision_loss, reason = "an interval")]
fn rate(agent: &Agent) -> Option<f64> {
    let is_live = agent.state == AgentState::Joined;
    agent.interval_ms.filter(|&ms| 0 < ms && is_live).map(|ms| 1_000.0 / ms as f64)
}

fn clock_words(agent: &Agent) -> String {
    let words = |behind_ms: i64| {
        let side = if behind_ms < 0 { "ahead" } else { "behind" };
        format!("clock {} {side}", units::age(behind_ms.abs()))
    };
    agent.clock_behind_ms().map(words).unwrap_or_default()
}

fn state_rank(state: AgentState) -> u8 {
    match state {
        AgentState::Joined => 2,
        AgentState::Stale => 1,
        AgentState::Gone => 0,
    }
}

/// Without the feed nobody knows whether an agent still lives.
#[must_use]
pub fn state_name(state: AgentState, is_connected: bool) -> &'static str {
    match state {
        AgentState::Gone => "gone",
        AgentState::Joined | AgentState::Stale if !is_connected => "unknown",
        AgentState::Joined => "live",
        AgentState::Stale => "stale",
    }
}

#[cfg(test)]
mod tests {
    use signalbox_shared::Sample;
    use signalbox_shared::feed::{AgentChange, AlertChange, AlertSide, AlertState};

    use super::*;

    fn agents() -> Agents {
        let mut agents = Agents::default();
        for (name, second, cpu, extra) in
            [("red", 1, 10.0, ""), ("green", 1, 30.0, r#","fans":2"#), ("Blue", 1, 20.0, "")]
        {
            let json = format!(
                r#"{{"color":"{name}","timestamp":"2026-01-01T00:00:{second:02}Z","cpu":{cpu},"mem":5{extra}}}"#
            );
            agents.apply_sample(&Sample::from_json(json.as_bytes()).unwrap(), 1_000);
        }
        let stale = AgentChange { color: "green".into(), state: AgentState::Stale, at_ms: 0 };
        agents.apply_change(&stale, 2_000);
        agents
    }

    fn alerts() -> Alerts {
        let mut alerts = Alerts::default();
        let begins = AlertChange {
            rule: 0,
            color: "red".into(),
            metric: "mem".into(),
            text: "mem above 1".into(),
            side: AlertSide::Above,
            threshold: 1.0,
            state: AlertState::Begins,
            reason: None,
            value: Some(5.0),
            since_ms: 0,
            at_ms: 0,
        };
        alerts.apply_change(&begins, None);
        alerts
    }

    fn check(search: &str, key: SortKey, is_descending: bool, expected: &[&str]) {
        let query = TableQuery { search: search.into(), key, is_descending, held: Vec::new() };
        let (agents, alerts) = (agents(), alerts());
        let (rows, n) = agent_rows((&agents, &alerts), &query, &[], 3_000, true, 10);
        assert_eq!(rows.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), expected, "{query:?}");
        assert_eq!(n, expected.len());
    }

    #[test]
    fn rows_are_sorted_by_any_column() {
        check("", SortKey::Name, false, &["Blue", "green", "red"]);
        check("", SortKey::Name, true, &["red", "green", "Blue"]);
        check("", SortKey::Metric("cpu".into()), true, &["green", "Blue", "red"]);
        check("", SortKey::Metric("fans".into()), false, &["green", "Blue", "red"]);
        check("", SortKey::Metric("fans".into()), true, &["green", "Blue", "red"]);
        check("", SortKey::State, true, &["red", "Blue", "green"]);
    }

    #[test]
    fn the_order_is_held_while_somebody_points_at_it() {
        let held = vec!["red".to_owned(), "lost".to_owned(), "green".to_owned()];
        let query = TableQuery { key: SortKey::Metric("cpu".into()), held, ..TableQuery::default() };
        let names = |n_max| {
            let (rows, n) = agent_rows((&agents(), &alerts()), &query, &[], 3_000, true, n_max);
            (rows.into_iter().map(|row| row.name).collect::<Vec<_>>(), n)
        };
        assert_eq!(names(10), (vec!["red".to_owned(), "green".to_owned(), "Blue".to_owned()], 3));
        assert_eq!(names(1), (vec!["red".to_owned()], 3));
    }

    #[test]
    fn rows_are_searched_by_name_state_and_alert() {
        check("BL", SortKey::Name, false, &["Blue"]);
        check("stale", SortKey::Name, false, &["green"]);
        check("alert", SortKey::Name, false, &["red"]);
        check("mem above", SortKey::Name, false, &["red"]);
        check("nobody", SortKey::Name, false, &[]);
    }

    #[test]
    fn a_row_is_ready_to_read_and_rows_are_bounded() {
        let (agents, alerts) = (agents(), alerts());
        let metrics = ["cpu".to_owned(), "fans".to_owned()];
        let read =
            |n_max| agent_rows((&agents, &alerts), &TableQuery::default(), &metrics, 4_000, false, n_max);
        let (rows, n) = read(2);
        assert_eq!((rows.len(), n), (2, 3));
        assert_eq!((rows[0].values[0].as_str(), rows[0].values[1].as_str()), ("20.0\u{202f}%", "–"));
        assert_eq!((rows[0].state, rows[0].age.as_str()), ("unknown", "3\u{202f}s"));
        assert_eq!(read(9).0[2].alerts, ["mem above 1"]);
    }

    #[test]
    fn a_clock_that_differs_is_said_and_found() {
        let mut agents = agents();
        let red_at_ms = agents.agent("red").unwrap().sampled_at_ms;
        agents.set_relay_now(red_at_ms + 3_600_000, 1_000);
        let late = r#"{"color":"late","timestamp":"2026-01-01T00:00:01Z","cpu":1,"mem":5}"#;
        agents.apply_sample(&Sample::from_json(late.as_bytes()).unwrap(), 1_000);
        let clocks = |search: &str| {
            let query = TableQuery { search: search.into(), ..TableQuery::default() };
            let (rows, _) = agent_rows((&agents, &alerts()), &query, &[], 1_000, true, 10);
            rows.into_iter().map(|row| (row.name, row.clock)).collect::<Vec<_>>()
        };
        assert_eq!(clocks("clock"), [("late".to_owned(), "clock 60\u{202f}min behind".to_owned())]);
        assert!(clocks("red").iter().all(|(_, clock)| clock.is_empty()));
    }

    #[test]
    fn a_second_click_turns_the_order() {
        let mut query = TableQuery::default();
        query.sort_by(SortKey::Age);
        assert!(query.is_descending);
        query.sort_by(SortKey::Age);
        assert!(!query.is_descending);
        query.sort_by(SortKey::Name);
        assert!(!query.is_descending);
    }
}
