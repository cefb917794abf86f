//! Buckets against the naive way: all readings kept, grouped when asked.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const STEP_MS: i64 = 10_000;

type Reading = (i64, Vec<(&'static str, f64)>);

fn push(tier: &mut Tier, (timestamp_ms, metrics): &Reading) {
    tier.push(*timestamp_ms, metrics.iter().copied(), 3);
}

/// Every bucket by its number: the time of its last reading and its metrics.
fn naive(readings: &[Reading]) -> BTreeMap<i64, (i64, BTreeMap<String, Cell>)> {
    let mut buckets: BTreeMap<i64, (i64, BTreeMap<String, Cell>)> = BTreeMap::new();
    for (at_ms, metrics) in readings {
        let bucket = buckets.entry(at_ms.div_euclid(STEP_MS)).or_insert((i64::MIN, BTreeMap::new()));
        bucket.0 = bucket.0.max(*at_ms);
        for &(metric, value) in metrics {
            let cell = bucket.1.entry(metric.to_owned()).or_insert(Cell::NONE);
            *cell = cell.and(Cell::one(value));
        }
    }
    buckets
}

fn check(points: &Points, expected: &BTreeMap<i64, (i64, BTreeMap<String, Cell>)>) {
    let times: Vec<i64> = expected.values().map(|(last_ms, _)| *last_ms).collect();
    assert_eq!(points.timestamps_ms, times);
    let mut n_cells = 0;
    for (metric, cells) in &points.columns {
        assert_eq!(cells.len(), times.len());
        for (cell, (_, wanted)) in cells.iter().zip(expected.values()) {
            let wanted = wanted.get(metric).copied().unwrap_or(Cell::NONE);
            assert_eq!(cell.count, wanted.count, "{metric}");
            if 0 < cell.count {
                n_cells += 1;
                assert_eq!((cell.min, cell.max), (wanted.min, wanted.max));
                assert!((cell.mean - wanted.mean).abs() < 1e-9);
            }
        }
    }
    assert_eq!(n_cells, expected.values().map(|(_, cells)| cells.len()).sum::<usize>());
}

fn readings() -> impl Strategy<Value = Vec<Reading>> {
    let metrics = (0_u8..4, 0.0_f64..100.0, -5.0_f64..5.0).prop_map(|(which, cpu, mem)| match which {
        0 => vec![("cpu", cpu)],
        1 => vec![("mem", mem)],
        2 => vec![("mem", mem), ("cpu", cpu)],
        _ => vec![("cpu", cpu), ("mem", mem)],
    });
    proptest::collection::vec((-200_000_i64..400_000, metrics), 0..120)
}

proptest! {
    #[test]
    fn buckets_hold_what_came_in_whatever_order(readings in readings()) {
        let mut tier = Tier::new(10, 86_400);
        readings.iter().for_each(|reading| push(&mut tier, reading));
        check(&tier.points(i64::MIN / 2, i64::MAX / 2), &naive(&readings));
    }

    #[test]
    fn a_part_is_the_part_of_the_whole(readings in readings(), since in -20_i64..40, n in 0_i64..30) {
        let mut tier = Tier::new(10, 86_400);
        readings.iter().for_each(|reading| push(&mut tier, reading));
        let mut wanted = naive(&readings);
        wanted.retain(|&number, _| (since..=since + n).contains(&number));
        check(&tier.points(since * STEP_MS + 1, (since + n) * STEP_MS + 5), &wanted);
    }

    #[test]
    fn saved_and_put_back_it_is_the_same(readings in readings(), now in -200_000_i64..500_000) {
        let mut tier = Tier::new(10, 86_400);
        readings.iter().for_each(|reading| push(&mut tier, reading));
        let mut again = Tier::new(10, 86_400);
        let saved = tier.take_unsaved(now);
        prop_assert!(saved.iter().all(|bucket| (bucket.number + 2) * STEP_MS <= now));
        prop_assert!(tier.take_unsaved(now).is_empty());
        for bucket in saved {
            again.restore(bucket, 3);
        }
        // What was not saved comes from the samples.
        for reading in readings.iter().filter(|(at_ms, _)| !again.is_saved(*at_ms)).cloned().collect::<Vec<_>>() {
            push(&mut again, &reading);
        }
        check(&again.points(i64::MIN / 2, i64::MAX / 2), &naive(&readings));
    }

    #[test]
    fn the_newest_buckets_stay_and_the_weight_is_bounded(readings in readings(), keep in 1_u64..10) {
        let mut tier = Tier::new(10, keep * 10);
        for reading in &readings {
            push(&mut tier, reading);
            let (n_rows, n_columns) = tier.size();
            prop_assert!(n_rows as u64 <= keep && n_columns <= 2);
            prop_assert!(tier.bytes() <= (keep + 2 * GROWTH_MIN as u64) * (ROW_BYTES + 2 * CELL_BYTES));
        }
        let newest = tier.points(i64::MIN / 2, i64::MAX / 2).timestamps_ms.last().copied();
        prop_assert_eq!(newest, readings.iter().map(|(at_ms, _)| *at_ms).max());
    }
}

#[test]
fn old_buckets_go_and_say_up_to_when() {
    let mut tier = Tier::new(10, 86_400);
    for at_ms in [5_000, 15_000, 25_000] {
        push(&mut tier, &(at_ms, vec![("cpu", 1.0)]));
    }
    assert_eq!(tier.evict(9_999), None);
    assert_eq!(tier.evict(20_000), Some(20_000));
    assert_eq!((tier.size(), tier.oldest_ms()), ((1, 1), Some(20_000)));
    assert_eq!(tier.pop(), Some(30_000));
    assert_eq!((tier.size(), tier.pop()), ((0, 0), None));
}

#[test]
fn a_tier_that_is_off_keeps_nothing() {
    let mut tier = Tier::new(60, 0);
    push(&mut tier, &(5, vec![("cpu", 1.0)]));
    assert_eq!(tier.size(), (0, 0));
}
