//! Cases of the store: bounds, accounts, history, forgetting.

use signalbox_shared::EventId;
use signalbox_shared::feed::AgentHistory;

use super::*;

const BOUNDS: StoreBounds =
    StoreBounds { agents_max: 2, metrics_max: 2, points_max: 256, points_total_max: 1_024 };

fn store() -> SeriesStore {
    SeriesStore::new(BOUNDS)
}

fn push(store: &mut SeriesStore, name: &str, t: f64, metrics: &[(&str, f64)]) {
    store.push_point(name, t, metrics.iter().copied());
}

fn sum(account: StoreAccount) -> u64 {
    account.taken + account.replaced + account.late + account.refused
}

#[test]
fn every_point_is_accounted_for() {
    let mut store = store();
    push(&mut store, "red", 1.0, &[("cpu", 1.0), ("mem", 2.0), ("disk", 3.0)]);
    push(&mut store, "red", 1.0, &[("cpu", 1.0)]);
    push(&mut store, "blue", 1.0, &[("cpu", 1.0)]);
    push(&mut store, "green", 1.0, &[("cpu", 1.0), ("mem", 1.0)]);
    (0..100).for_each(|n| push(&mut store, "blue", 1e3 + f64::from(n), &[("cpu", 1.0)]));
    push(&mut store, "blue", 2.0, &[("cpu", 1.0)]);
    let account = store.account();
    assert_eq!(account, StoreAccount { offered: 108, taken: 103, replaced: 1, late: 1, refused: 3 });
    assert_eq!(account.offered, sum(account));
}

#[test]
fn metrics_are_listed_with_the_two_that_all_have_first() {
    let mut store = SeriesStore::default();
    push(&mut store, "red", 1.0, &[("zeal", 1.0), ("mem", 2.0), ("cpu", 2.0), ("age", 3.0)]);
    assert_eq!(store.metrics(), ["cpu", "mem", "age", "zeal"]);
}

#[test]
fn the_bound_on_all_points_holds_and_is_given_back() {
    let mut store = store();
    for n in 0..2_000 {
        for name in ["red", "blue"] {
            push(&mut store, name, f64::from(n), &[("cpu", 1.0), ("mem", 2.0)]);
        }
    }
    let held = |store: &SeriesStore| -> usize {
        store.agents().flat_map(|(_, a)| a.metrics()).map(|(_, s)| s.points().capacity()).sum()
    };
    assert_eq!(held(&store), 1_024);
    assert!(store.forget("red") && !store.forget("red"));
    assert_eq!(held(&store), 512);
    (0..300).for_each(|n| push(&mut store, "green", f64::from(n), &[("cpu", 1.0)]));
    assert_eq!(store.agent("green").and_then(|a| a.series("cpu")).map(|s| s.points().len()), Some(256));
}

#[test]
fn history_comes_first_and_live_points_follow() {
    let mut store = store();
    push(&mut store, "red", 3_000.0, &[("cpu", 30.0)]);
    store.load_history(&history("red", &[1_000, 2_000, 3_000], &[Some(10.0), None, Some(99.0)]));
    push(&mut store, "red", 4_000.0, &[("cpu", 40.0)]);
    let agent = store.agent("red").expect("loaded");
    let ring = agent.series("cpu").expect("loaded").points();
    let points: Vec<_> = (ring.first()..ring.end()).map(|i| (ring.timestamp_ms(i), ring.value(i))).collect();
    assert_eq!(points, [(1_000.0, 10.0), (3_000.0, 30.0), (4_000.0, 40.0)]);
}

#[test]
fn only_those_that_are_gone_for_long_are_forgotten() {
    let mut store = store();
    push(&mut store, "red", 1_000.0, &[("cpu", 1.0)]);
    push(&mut store, "blue", 1_000.0, &[("cpu", 1.0)]);
    store.set_state("red", AgentState::Gone);
    store.set_state("blue", AgentState::Stale);
    assert_eq!(store.forget_gone(1_000.0), 0);
    assert_eq!(store.forget_gone(1_001.0), 1);
    assert!(store.agent("red").is_none() && store.agent("blue").is_some());
    push(&mut store, "blue", 2_000.0, &[("cpu", 1.0)]);
    assert_eq!(store.agent("blue").map(Agent::state), Some(AgentState::Joined));
}

#[test]
fn every_change_has_a_new_revision() {
    let mut store = store();
    let mut last = store.revision();
    let mut check = |store: &SeriesStore| {
        assert!(last < store.revision());
        last = store.revision();
    };
    push(&mut store, "red", 1.0, &[("cpu", 1.0)]);
    check(&store);
    store.set_state("red", AgentState::Stale);
    check(&store);
    store.load_history(&history("red", &[1], &[Some(1.0)]));
    check(&store);
    store.clear();
    check(&store);
}

#[test]
fn neighbours_without_a_colour_of_their_own_get_different_ones() {
    let mut store = SeriesStore::default();
    (0..N_SLOTS).for_each(|n| push(&mut store, &format!("worker-{n}"), 1.0, &[("cpu", 1.0)]));
    let slots: std::collections::BTreeSet<_> = store.agents().map(|(_, agent)| agent.slot()).collect();
    assert_eq!(slots.len(), N_SLOTS);
}

fn history(name: &str, timestamps_ms: &[i64], cpu: &[Option<f64>]) -> MetricsHistory {
    MetricsHistory {
        id: EventId { epoch: 1, seq: 1 },
        now_ms: 0,
        step_secs: 0,
        tier_secs: 0,
        until_ms: None,
        agents: vec![AgentHistory {
            color: name.to_owned(),
            state: AgentState::Joined,
            interval_ms: Some(1_000),
            timestamps_ms: timestamps_ms.to_vec(),
            metrics: BTreeMap::from([("cpu".to_owned(), cpu.to_vec())]),
            ranges: BTreeMap::new(),
        }],
    }
}
