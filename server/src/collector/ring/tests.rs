//! The ring against the simplest model there is: a list of every event ever pushed.

use proptest::prelude::*;

use super::*;

const EPOCH: u64 = 7;
const ROOMY: Bounds = Bounds { events: 1_000_000, bytes: 1 << 30, age_ms: 1_000_000 };

/// The seqs of the events in a piece of the feed, each with its data's length.
fn events(text: &[u8]) -> Vec<(u64, usize)> {
    let text = std::str::from_utf8(text).unwrap();
    assert!(text.is_empty() || text.ends_with("\n\n"), "whole events only: {text:?}");
    let event = |event: &str| {
        let (id, data) = event.split_once("\ndata: ").unwrap();
        let seq = id.strip_prefix("id: 7-").unwrap().parse().unwrap();
        (seq, data.len())
    };
    text.split_terminator("\n\n").map(event).collect()
}

/// Everything behind `seq`, read as a client does, with the largest piece's size.
fn read_all(ring: &Ring, mut seq: u64) -> (Vec<(u64, usize)>, usize) {
    let (mut found, mut largest) = (Vec::new(), 0);
    loop {
        match ring.read_after(seq) {
            Read::Events(bytes, last) => {
                assert!(seq < last, "a read goes forward");
                largest = largest.max(bytes.len());
                found.extend(events(&bytes));
                seq = last;
            }
            Read::CaughtUp => return (found, largest),
            Read::Lost => panic!("lost behind {seq}, oldest is {}", ring.oldest()),
        }
    }
}

#[test]
fn one_event_has_exactly_this_text() {
    let mut ring = Ring::new(EPOCH, ROOMY);
    ring.push(0, None, br#"{"color":"red"}"#);
    ring.push(0, Some("agent"), b"{}");
    assert_eq!(ring.read_after(0), Read::CaughtUp);
    assert!(ring.publish(0));
    let text = "id: 7-1\ndata: {\"color\":\"red\"}\n\nid: 7-2\nevent: agent\ndata: {}\n\n";
    assert_eq!(ring.read_after(0), Read::Events(Bytes::from(text), 2));
    assert_eq!(ring.read_after(1), Read::Events(Bytes::from(&text[31..]), 2));
    assert_eq!(ring.read_after(2), Read::CaughtUp);
    assert!(!ring.publish(0));
}

#[test]
fn live_readers_share_one_chunk_without_a_copy() {
    let mut ring = Ring::new(EPOCH, ROOMY);
    for _ in 0..3 {
        ring.push(0, None, b"{}");
        ring.publish(0);
    }
    let (Read::Events(one, _), Read::Events(other, _)) = (ring.read_after(2), ring.read_after(2)) else {
        panic!("events")
    };
    assert_eq!(one.as_ptr(), other.as_ptr());
}

#[test]
fn a_resume_says_what_is_missing() {
    let bounds = Bounds { events: 32, ..ROOMY };
    let mut ring = Ring::new(EPOCH, bounds);
    let id = |epoch, seq| EventId { epoch, seq };
    assert_eq!(ring.resume(id(EPOCH, 0)), (0, None));
    for _ in 0..100 {
        ring.push(0, None, b"{}");
        ring.publish(0);
    }
    let before = ring.oldest() - 1;
    assert!((68..100).contains(&before), "{before}");
    let gap =
        |since, n_lost, reason| (before, Some(Gap { since, resumed_at: id(EPOCH, before), n_lost, reason }));
    assert_eq!(ring.resume(id(EPOCH, 100)), (100, None));
    assert_eq!(ring.resume(id(EPOCH, 90)), (90, None));
    assert_eq!(ring.resume(id(EPOCH, before)), (before, None));
    assert_eq!(ring.resume(id(EPOCH, 3)), gap(id(EPOCH, 3), Some(before - 3), GapReason::TooOld));
    assert_eq!(ring.resume(id(EPOCH, 101)), gap(id(EPOCH, 101), None, GapReason::NewEpoch));
    assert_eq!(ring.resume(id(6, 100)), gap(id(6, 100), None, GapReason::NewEpoch));
    assert_eq!(ring.read_after(3), Read::Lost);
}

#[test]
fn old_chunks_are_joined_so_that_a_resume_is_few_writes() {
    let mut ring = Ring::new(EPOCH, ROOMY);
    let json = vec![b' '; 100];
    for n in 0..5_000 {
        ring.push(n, None, &json);
        ring.publish(n);
    }
    let mut n_reads = 0;
    let mut seq = 0;
    while let Read::Events(bytes, last) = ring.read_after(seq) {
        assert!(bytes.len() <= CHUNK_BYTES);
        (n_reads, seq) = (n_reads + 1, last);
    }
    assert_eq!(seq, 5_000);
    assert!(n_reads <= 1 + 2 * ring.size().1 as usize / CHUNK_BYTES, "{n_reads}");
    assert!(ring.chunks.len() < 2 * CHUNK_BYTES / 100, "{}", ring.chunks.len());
}

#[test]
fn an_event_larger_than_a_chunk_goes_alone() {
    let mut ring = Ring::new(EPOCH, ROOMY);
    for size in [10, CHUNK_BYTES, 10] {
        ring.push(0, None, &vec![b' '; size]);
    }
    ring.publish(0);
    let (found, _) = read_all(&ring, 0);
    assert_eq!(found, [(1, 10), (2, CHUNK_BYTES), (3, 10)]);
}

#[derive(Clone, Debug)]
enum Step {
    Push(usize),
    Publish,
    Wait(i64),
    /// A client goes on from here, a fraction of what was pushed and a bit more.
    Resume(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0_usize..3_000).prop_map(Step::Push),
        1 => (60_000_usize..70_000).prop_map(Step::Push),
        4 => Just(Step::Publish),
        2 => (0_i64..400).prop_map(Step::Wait),
        3 => (0_u64..120).prop_map(Step::Resume),
    ]
}

proptest! {
    /// Whatever happens, a client gets every event behind its position exactly once and in order, or a gap that says
    /// exactly how many it does not get; and no bound is exceeded.
    #[test]
    fn equals_the_list_of_all_events(steps in prop::collection::vec(step(), 1..200)) {
        let bounds = Bounds { events: 60, bytes: 256 * 1024, age_ms: 1_000 };
        let mut ring = Ring::new(EPOCH, bounds);
        let mut model: Vec<(u64, usize)> = Vec::new();
        let mut now_ms = 0;
        for step in steps {
            match step {
                Step::Push(size) => {
                    let seq = ring.push(now_ms, None, &vec![b' '; size]);
                    model.push((seq, size));
                    prop_assert_eq!(seq, model.len() as u64);
                }
                Step::Publish => {
                    ring.publish(now_ms);
                    prop_assert_eq!(ring.published(), model.len() as u64);
                }
                Step::Wait(ms) => now_ms += ms,
                Step::Resume(percent) => {
                    let since = model.len() as u64 * percent / 100;
                    let (position, gap) = ring.resume(EventId { epoch: EPOCH, seq: since });
                    let (found, largest) = read_all(&ring, position);
                    prop_assert!(largest <= 2 * CHUNK_BYTES);
                    let from = usize::try_from(position).unwrap();
                    let until = usize::try_from(ring.published()).unwrap().max(from);
                    prop_assert_eq!(&found, &model[from..until]);
                    match gap {
                        None => prop_assert_eq!(position, since),
                        Some(gap) if since <= model.len() as u64 => {
                            prop_assert_eq!(gap.n_lost, Some(position - since));
                            prop_assert_eq!(gap.reason, GapReason::TooOld);
                        }
                        Some(gap) => prop_assert_eq!(gap.reason, GapReason::NewEpoch),
                    }
                }
            }
            prop_assert!(ring.n_events <= bounds.events);
            prop_assert!(ring.n_bytes <= bounds.bytes);
            let held: u64 = ring.chunks.iter().map(|chunk| chunk.n_events).sum();
            let cost: u64 = ring.chunks.iter().map(Chunk::cost).sum();
            prop_assert_eq!((ring.n_events, ring.n_bytes), (held, cost));
        }
        ring.publish(now_ms);
        for chunk in &ring.chunks {
            prop_assert!(now_ms - chunk.first_at_ms <= bounds.age_ms);
        }
    }
}
