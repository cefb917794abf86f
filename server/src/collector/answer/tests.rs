//! Which source an answer comes from, how wide its steps become, and what stands in it.

use proptest::prelude::*;
use signalbox_shared::Sample;

use super::*;
use crate::collector::history::Batch;
use crate::limits::Limits;

#[test]
fn a_step_is_widened_until_the_answer_fits() {
    let check = |rows: &[(u64, u64)], asked: (u32, u32), values_max, expected| {
        assert_eq!(step_within(rows, 3_600, asked, values_max), expected, "{asked:?} {values_max}");
    };
    let hour = [(3_600, 3); 200];
    check(&hour, (0, 0), 10_000_000, 0);
    check(&hour, (0, 0), 1_000_000, 16);
    check(&hour, (0, 10), 1_000_000, 10);
    check(&hour, (0, 1), 1, 3_600);
    check(&hour, (10, 10), 100_000, 40);
    check(&hour, (60, 60), 1, 3_600);
    check(&[], (0, 0), 1, 0);
}

#[test]
fn the_coarsest_whole_source_that_the_step_allows() {
    let lost = Lost { samples_ms: 1_000, tiers_ms: [500, 100] };
    let check = |since_ms, step_secs, expected: (Source, u32)| {
        assert_eq!(source(lost, since_ms, step_secs), expected, "{since_ms} {step_secs}");
    };
    check(1_000, 0, (Source::Samples, 0));
    check(1_000, 7, (Source::Samples, 7));
    check(1_000, 20, (Source::Tier(0), 20));
    check(1_000, 120, (Source::Tier(1), 120));
    check(999, 0, (Source::Tier(0), 10));
    check(999, 15, (Source::Tier(0), 20));
    check(499, 0, (Source::Tier(1), 60));
    check(499, 10, (Source::Tier(1), 60));
    check(1, 0, (Source::Tier(1), 60));
    // Without tiers, the samples are what there is.
    let off = Lost { samples_ms: 1_000, tiers_ms: [i64::MAX; 2] };
    assert_eq!(source(off, 0, 0), (Source::Samples, 0));
    // Nothing was lost yet: the samples are whole.
    let young = Lost { samples_ms: i64::MIN, tiers_ms: [i64::MIN; 2] };
    assert_eq!(source(young, -5, 0), (Source::Samples, 0));
}

fn push(history: &History, color: &str, at_ms: i64, cpu: f64) {
    let at = jiff::Timestamp::from_millisecond(at_ms).unwrap();
    let json = format!(r#"{{"color":"{color}","timestamp":"{at}","cpu":{cpu},"mem":1}}"#);
    let mut batch = Batch::default();
    batch.push(Sample::from_json(json.as_bytes()).unwrap()).unwrap();
    history.push_at(&mut batch, at_ms);
}

fn ask(window_secs: u32, step_secs: u32, until_ms: Option<i64>) -> Question {
    Question { window_secs, step_secs, until_ms }
}

#[test]
fn a_day_comes_from_buckets_and_an_hour_from_samples() {
    let history = History::new(&Limits::default());
    let day_ms = 86_400_000;
    for n in 0..8_640_i64 {
        push(&history, "red", n * 10_000, (n % 100) as f64);
        history.tick(n * 10_000, false);
    }
    let hour = history.answer(ask(3_600, 0, None), day_ms);
    assert_eq!((hour.tier_secs, hour.step_secs), (0, 0));
    assert!(hour.agents[0].ranges.is_empty());
    let day = history.answer(ask(86_400, 0, None), day_ms);
    assert_eq!((day.tier_secs, day.step_secs), (10, 10));
    assert_eq!(day.agents[0].timestamps_ms.len(), 8_640);
    let wide = history.answer(ask(86_400, 3_600, None), day_ms);
    assert_eq!((wide.tier_secs, wide.step_secs, wide.agents[0].timestamps_ms.len()), (60, 3_600, 24));
    let range = &wide.agents[0].ranges["cpu"];
    assert_eq!((range.count[1], range.min[1], range.max[1]), (360, Some(0.0), Some(99.0)));
    // Looking back: twelve hours ago, ten minutes.
    let until_ms = day_ms / 2;
    let back = history.answer(ask(600, 0, Some(until_ms)), day_ms);
    assert_eq!((back.until_ms, back.tier_secs), (Some(until_ms), 10));
    let times = &back.agents[0].timestamps_ms;
    assert_eq!((times[0], *times.last().unwrap(), times.len()), (until_ms - 600_000, until_ms, 61));
    assert_eq!(history.answer(ask(600, 0, Some(-1)), day_ms).agents[0].timestamps_ms, [0_i64; 0]);
}

#[test]
fn the_weight_of_the_buckets_is_bounded() {
    let mut limits = Limits::default();
    limits.history_tiers_bytes = 1 << 20;
    let history = History::new(&limits);
    for n in 0..4_000_i64 {
        for color in ["red", "green", "blue", "teal"] {
            push(&history, color, n * 10_000, 1.0);
        }
        if n % 50 == 0 {
            history.tick(n * 10_000, false);
        }
    }
    history.tick(40_000_000, false);
    let bytes = history.with(|inner| inner.agents.tiers_bytes());
    assert!(bytes <= 1 << 20, "{bytes}");
    // What was dropped is known: the whole time comes from the coarser buckets, or from what is left of them.
    let whole = history.answer(ask(40_000, 60, None), 40_000_000);
    assert!(0 < whole.agents[0].timestamps_ms.len());
}

#[test]
fn who_is_gone_since_before_the_window_is_not_in_the_answer() {
    let history = History::new(&Limits::default());
    push(&history, "red", 0, 1.0);
    push(&history, "blue", 7_200_000, 1.0);
    history.tick(7_200_000, false);
    let colors = |window_secs| -> Vec<String> {
        let answer = history.answer(ask(window_secs, 0, None), 7_200_000);
        answer.agents.into_iter().map(|agent| agent.color).collect()
    };
    assert_eq!(colors(60), ["blue"]);
    assert_eq!(colors(7_201), ["blue", "red"]);
}

proptest! {
    /// An answer from buckets is what all samples up to its id say, whatever came behind that.
    #[test]
    fn buckets_answer_like_samples(
        times in proptest::collection::vec(0_i64..600_000, 1..80),
        step in prop_oneof![Just(10_u32), Just(60), Just(120)],
    ) {
        let history = History::new(&Limits::default());
        for (n, &at_ms) in times.iter().enumerate() {
            push(&history, "red", at_ms, n as f64);
        }
        let tiered = history.answer(ask(3_600, step, None), 600_000);
        prop_assert_eq!(tiered.tier_secs, if step == 10 { 10 } else { 60 });
        let (id_seq, n_before) = (tiered.id.seq, times.len());
        let part = Part { source: Source::Samples, since_ms: -3_600_000, until_ms: i64::MAX, until_seq: id_seq };
        let of = |part: Part| {
            let points = history.with(|inner| part.of(inner.agents.agent("red").unwrap()));
            told("red", AgentState::Joined, None, points, step)
        };
        let wanted = of(part);
        let same = |found: &AgentHistory| {
            assert_eq!(found.timestamps_ms, wanted.timestamps_ms);
            assert_eq!(found.ranges, wanted.ranges);
            for (a, b) in found.metrics["cpu"].iter().zip(&wanted.metrics["cpu"]) {
                assert!((a.unwrap() - b.unwrap()).abs() < 1e-9);
            }
        };
        same(&tiered.agents[0]);
        // More samples come while an answer is being made.
        for (n, &at_ms) in times.iter().enumerate() {
            push(&history, "red", 600_000 - at_ms, (n + n_before) as f64);
        }
        let index = if step == 10 { 0 } else { 1 };
        same(&of(Part { source: Source::Tier(index), ..part }));
    }
}
