//! When alerts begin and end, against one agent, several, and a naive second opinion.

use proptest::prelude::*;

use super::*;

fn rule(above: Option<f64>, below: Option<f64>, hold_ms: u64, agent: Option<&str>) -> AlertRule {
    AlertRule {
        metric: "mem".to_owned(),
        above,
        below,
        hold: Duration::from_millis(hold_ms),
        agent: agent.map(str::to_owned),
    }
}

fn sample(color: &str, mem: f64) -> Sample {
    let json =
        format!(r#"{{"color":"{color}","timestamp":"2026-11-20T12:03:07Z","cpu":1,"mem":{mem},"note":"x"}}"#);
    Sample::from_json(json.as_bytes()).unwrap()
}

/// What happens to the agent `red` at a time.
#[derive(Clone, Copy, Debug)]
enum Step {
    Sample(f64),
    Pass,
    Gone,
}
use Step::{Gone, Pass, Sample as Value};

/// When, what, and what comes of it: `B` or `E`, the reason, the value and since when.
type Told = (char, Option<AlertEnd>, Option<f64>, i64);

fn run(rule: AlertRule, steps: &[(i64, Step)]) -> Vec<(i64, Told)> {
    let mut alerts = Alerts::new(&[rule]);
    let mut told = Vec::new();
    for &(now_ms, step) in steps {
        let mut changes = Vec::new();
        match step {
            Value(value) => alerts.take(&sample("red", value), now_ms, &mut changes),
            Pass => alerts.pass("red", now_ms, &mut changes),
            Gone => alerts.forget("red", now_ms, &mut changes),
        }
        for change in changes {
            assert_eq!((change.at_ms, change.color.as_str(), change.rule), (now_ms, "red", 0));
            let state = if change.state == AlertState::Begins { 'B' } else { 'E' };
            told.push((now_ms, (state, change.reason, change.value, change.since_ms)));
        }
    }
    told
}

fn check(rule: AlertRule, steps: &[(i64, Step)], expected: &[(i64, Told)]) {
    assert_eq!(run(rule, steps), expected, "{steps:?}");
}

#[test]
fn without_a_time_it_begins_and_ends_with_the_sample() {
    let above = || rule(Some(100.0), None, 0, None);
    check(above(), &[(0, Value(100.0)), (1, Value(99.0))], &[]);
    check(
        above(),
        &[(0, Value(101.0)), (1, Value(102.0)), (2, Value(100.0)), (3, Value(50.0))],
        &[(0, ('B', None, Some(101.0), 0)), (2, ('E', Some(AlertEnd::Back), Some(100.0), 0))],
    );
}

#[test]
fn it_begins_when_the_time_has_passed_with_or_without_a_sample() {
    let held = || rule(Some(100.0), None, 10, None);
    check(
        held(),
        &[(0, Value(101.0)), (9, Value(103.0)), (9, Pass), (10, Value(104.0)), (11, Pass)],
        &[(10, ('B', None, Some(104.0), 0))],
    );
    check(held(), &[(0, Value(101.0)), (10, Pass), (20, Pass)], &[(10, ('B', None, Some(101.0), 0))]);
    // Once back, the time begins anew, and nothing is said of what never began.
    check(held(), &[(0, Value(101.0)), (9, Value(1.0)), (10, Value(101.0)), (19, Pass)], &[]);
}

#[test]
fn the_other_bound_is_another_alert() {
    let both = rule(Some(100.0), Some(10.0), 0, None);
    check(
        both,
        &[(0, Value(5.0)), (1, Value(200.0)), (2, Value(50.0))],
        &[
            (0, ('B', None, Some(5.0), 0)),
            (1, ('E', Some(AlertEnd::Crossed), Some(200.0), 0)),
            (1, ('B', None, Some(200.0), 1)),
            (2, ('E', Some(AlertEnd::Back), Some(50.0), 1)),
        ],
    );
}

#[test]
fn an_agent_that_is_gone_takes_its_alert_along() {
    let above = || rule(Some(100.0), None, 0, None);
    check(
        above(),
        &[(0, Value(101.0)), (5, Gone), (6, Gone), (7, Value(102.0))],
        &[
            (0, ('B', None, Some(101.0), 0)),
            (5, ('E', Some(AlertEnd::Gone), None, 0)),
            (7, ('B', None, Some(102.0), 7)),
        ],
    );
    check(rule(Some(100.0), None, 9, None), &[(0, Value(101.0)), (5, Gone), (20, Pass)], &[]);
}

#[test]
fn a_rule_for_one_agent_leaves_the_others_alone() {
    let mut alerts = Alerts::new(&[rule(Some(1.0), None, 0, Some("blue")), rule(Some(5.0), None, 0, None)]);
    let mut changes = Vec::new();
    alerts.take(&sample("red", 2.0), 0, &mut changes);
    assert!(changes.is_empty() && alerts.agents().is_empty());
    alerts.take(&sample("blue", 9.0), 1, &mut changes);
    alerts.take(&sample("red", 9.0), 2, &mut changes);
    let told: Vec<(u32, &str)> = changes.iter().map(|change| (change.rule, change.color.as_str())).collect();
    assert_eq!(told, [(0, "blue"), (1, "blue"), (1, "red")]);
    let info = alerts.info();
    assert_eq!(info[0].agents.len(), 1);
    assert_eq!(info[1].agents.iter().map(|agent| agent.color.as_str()).collect::<Vec<_>>(), ["blue", "red"]);
}

#[test]
fn a_sample_without_the_metric_changes_nothing() {
    let fds = AlertRule { metric: "fds".to_owned(), ..rule(Some(1.0), None, 0, None) };
    let mut alerts =
        Alerts::new(&[fds, AlertRule { metric: "note".to_owned(), ..rule(Some(1.0), None, 0, None) }]);
    let mut changes = Vec::new();
    alerts.take(&sample("red", 2.0), 0, &mut changes);
    assert!(changes.is_empty());
}

#[test]
fn a_rule_is_said_in_words() {
    let check = |rule: AlertRule, expected: &str| assert_eq!(words(&rule), expected);
    check(rule(Some(100.0), None, 10_000, None), "mem above 100 MB for 10s");
    check(rule(None, Some(0.5), 90_000, None), "mem below 0.5 MB for 90s");
    check(rule(Some(2.0), Some(1.0), 0, None), "mem above 2 MB or below 1 MB");
    check(rule(Some(2.0), None, 1_500, None), "mem above 2 MB for 1500ms");
    check(rule(Some(2.0), None, 7_200_000, None), "mem above 2 MB for 2h");
}

#[test]
fn a_value_is_said_in_few_digits() {
    let check = |value: f64, expected: &str| assert_eq!(number_words(value), expected);
    check(0.0, "0");
    check(150.0, "150");
    check(150.123_456_789, "150.123");
    check(-33.333_333_333_333_336, "-33.3333");
    check(100.04, "100.04");
    check(0.5, "0.5");
    check(1_234_567.89, "1234568");
    check(1e300, "1e300");
    check(2.5e-7, "2.5e-7");
}

#[test]
fn an_alert_of_an_earlier_run_goes_on() {
    let rules = [rule(Some(100.0), None, 0, None)];
    let mut before = Alerts::new(&rules);
    let mut said = Vec::new();
    before.take(&sample("red", 101.0), 5, &mut said);
    let mut after = Alerts::new(&rules);
    after.restore(&said[0]);
    let mut changes = Vec::new();
    after.take(&sample("red", 102.0), 6, &mut changes);
    assert!(changes.is_empty(), "{changes:?}");
    after.take(&sample("red", 99.0), 7, &mut changes);
    assert_eq!((changes[0].state, changes[0].since_ms), (AlertState::Ends, 5));
    // One whose rule is no more is nobody's.
    let mut other = Alerts::new(&[rule(Some(7.0), None, 0, None)]);
    other.restore(&said[0]);
    assert!(other.agents().is_empty());
}

proptest! {
    /// Begins and ends alternate, and an alert lasts exactly while the metric has been beyond for the rule's time.
    #[test]
    fn it_is_what_the_whole_past_says(values in proptest::collection::vec(0.0_f64..4.0, 1..60), hold in 0_u64..4) {
        let steps: Vec<(i64, Step)> = (0..).zip(values.iter().map(|&value| Value(value))).collect();
        let told = run(rule(Some(2.0), None, hold, None), &steps);
        let mut was_alert = false;
        let mut expected = Vec::new();
        for now in 0..values.len() {
            let n_beyond = values[..=now].iter().rev().take_while(|&&value| 2.0 < value).count();
            let is_alert = hold < n_beyond as u64;
            if is_alert != was_alert {
                expected.push((now as i64, if is_alert { 'B' } else { 'E' }));
            }
            was_alert = is_alert;
        }
        let found: Vec<(i64, char)> = told.iter().map(|(at_ms, told)| (*at_ms, told.0)).collect();
        prop_assert_eq!(found, expected);
    }
}
