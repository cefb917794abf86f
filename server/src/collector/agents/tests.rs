//! The bounds of the table, and who makes room for whom.

use proptest::prelude::*;

use super::*;

const ROOMY: Bounds = Bounds { events: 1_000, bytes: 1 << 20, age_ms: 100_000 };

/// No buckets: these tests are about samples.
const OFF: TierBounds = TierBounds { keep_secs: [0, 0], bytes: 1 << 20 };

fn sample(color: &str, cpu: f64) -> Sample {
    let json = format!(r#"{{"color":"{color}","timestamp":"2026-11-20T12:00:00Z","cpu":{cpu},"mem":1}}"#);
    Sample::from_json(json.as_bytes()).unwrap()
}

/// Whether the agent was taken, and whether it joined by this.
fn push(agents: &mut Agents, color: &str, seq: u64, now_ms: i64) -> Option<bool> {
    let admitted = agents.admit(color, now_ms)?;
    agents.record(admitted, &sample(color, 1.0), seq, now_ms);
    Some(admitted.has_joined)
}

fn changes(agents: &mut Agents, now_ms: i64) -> Vec<(String, AgentState)> {
    agents.pass(now_ms).into_iter().map(|change| (change.color, change.state)).collect()
}

#[test]
fn joined_stale_joined_and_gone() {
    let mut agents = Agents::new(ROOMY, OFF, 10, 10);
    assert_eq!(push(&mut agents, "red", 1, 0), Some(true));
    assert_eq!(push(&mut agents, "red", 2, 1_000), Some(false));
    assert_eq!(changes(&mut agents, 4_000), []);
    assert_eq!(changes(&mut agents, 4_001), [("red".to_owned(), AgentState::Stale)]);
    assert_eq!(push(&mut agents, "red", 3, 5_000), Some(true));
    assert_eq!(changes(&mut agents, 70_000), [("red".to_owned(), AgentState::Gone)]);
    assert_eq!(agents.agent("red").map(|agent| agent.series.n_rows()), Some(3));
    // Gone and without history: nothing is left of it.
    assert_eq!(changes(&mut agents, 200_000), []);
    assert!(agents.agent("red").is_none());
    assert_eq!(agents.size(), (0, 0));
}

#[test]
fn an_agent_slower_than_the_history_keeps_its_life() {
    let mut agents = Agents::new(Bounds { age_ms: 10_000, ..ROOMY }, OFF, 10, 10);
    push(&mut agents, "slow", 1, 0);
    push(&mut agents, "slow", 2, 50_000);
    assert_eq!(push(&mut agents, "slow", 3, 100_000), Some(false));
    assert_eq!(agents.agent("slow").and_then(|agent| agent.life.interval_ms()), Some(50_000));
}

#[test]
fn only_who_is_gone_makes_room() {
    let mut agents = Agents::new(ROOMY, OFF, 2, 10);
    push(&mut agents, "a", 1, 0);
    push(&mut agents, "b", 2, 1_000);
    assert_eq!(push(&mut agents, "c", 3, 2_000), None);
    changes(&mut agents, 70_000);
    assert_eq!(push(&mut agents, "c", 4, 70_000), Some(true));
    assert!(agents.agent("a").is_none(), "the one silent longest");
    assert!(agents.agent("b").is_some());
}

proptest! {
    #[test]
    fn no_bound_is_exceeded_and_the_sums_are_right(
        pushes in prop::collection::vec((0_u8..8, 0_i64..3_000), 1..300),
    ) {
        let bounds = Bounds { events: 40, bytes: 1_000, age_ms: 20_000 };
        let mut agents = Agents::new(bounds, OFF, 5, 3);
        let mut now_ms = 0;
        for (seq, (color, pause_ms)) in pushes.into_iter().enumerate() {
            now_ms += pause_ms;
            push(&mut agents, &format!("agent-{color}"), seq as u64, now_ms);
            if seq % 7 == 0 {
                now_ms += 15_000;
                agents.pass(now_ms);
            }
            let n_rows: usize = agents.agents.values().map(|agent| agent.series.n_rows()).sum();
            let n_bytes: u64 = agents.agents.values().map(|agent| agent.series.bytes()).sum();
            prop_assert_eq!(n_bytes, agents.n_bytes);
            prop_assert!(n_rows <= agents.order.len());
            prop_assert!(agents.order.len() <= 40 && n_bytes <= 1_000 && agents.agents.len() <= 5);
            prop_assert_eq!(agents.numbers.len(), agents.agents.len());
        }
    }
}
