//! The history as its readers see it: resume, live, pings, ends, and the answer that the feed goes on from.

use super::*;
use crate::collector::answer::Question;
use crate::collector::cursor::{FeedCursor, Overrun};

fn batch(colors: &[&str]) -> Batch {
    let mut batch = Batch::default();
    for color in colors {
        let json = format!(r#"{{"color":"{color}","timestamp":"1970-01-01T00:01:40Z","cpu":1,"mem":2}}"#);
        batch.push(Sample::from_json(json.as_bytes()).unwrap()).unwrap();
    }
    batch
}

fn ask(window_secs: u32) -> Question {
    Question { window_secs, step_secs: 0, until_ms: None }
}

fn history(change: impl FnOnce(&mut Limits)) -> Arc<History> {
    let mut limits = Limits::default();
    change(&mut limits);
    History::new(&limits)
}

fn push(history: &History, colors: &[&str], now_ms: i64) -> Pushed {
    let pushed = history.push_at(&mut batch(colors), now_ms);
    history.publish(now_ms, false);
    pushed
}

fn subscribe(history: &Arc<History>, since: Option<u64>) -> FeedCursor {
    let since = since.map(|seq| EventId { seq, ..history.head() });
    history.subscribe(since, "127.0.0.1:1".parse().unwrap(), CancellationToken::new()).unwrap()
}

async fn next(cursor: &mut FeedCursor) -> String {
    let bytes = cursor.next().await.unwrap().expect("the stream goes on");
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The seqs in a piece of the feed.
fn seqs(text: &str) -> Vec<u64> {
    let ids = text.lines().filter_map(|line| line.strip_prefix("id: "));
    ids.map(|id| id.parse::<EventId>().unwrap().seq).collect()
}

#[tokio::test]
async fn without_an_id_a_client_gets_what_comes() {
    let history = history(|_| {});
    push(&history, &["red"], 0);
    let mut cursor = subscribe(&history, None);
    let opening = next(&mut cursor).await;
    assert!(opening.starts_with("retry: "), "{opening}");
    assert_eq!(seqs(&opening), [2], "the opening ping carries the position: {opening}");
    push(&history, &["red"], 1);
    assert_eq!(seqs(&next(&mut cursor).await), [3]);
}

#[tokio::test(start_paused = true)]
async fn what_is_gathered_comes_at_once_and_a_first_event_does_not_wait() {
    let history = history(|_| {});
    let mut cursor = subscribe(&history, None);
    cursor.gather(Duration::from_millis(100));
    next(&mut cursor).await;
    let began = Instant::now();
    push(&history, &["red"], 0);
    assert_eq!((seqs(&next(&mut cursor).await), began.elapsed().as_millis()), (vec![1, 2], 0));
    for n in 1..4 {
        push(&history, &["red"], n);
    }
    let text = next(&mut cursor).await;
    assert_eq!((seqs(&text), began.elapsed().as_millis()), (vec![5], 100));
    assert_eq!(text.matches("data: ").count(), 3, "{text}");
}

#[tokio::test(start_paused = true)]
async fn who_catches_up_does_not_wait() {
    let history = history(|_| {});
    for n in 0..2_000 {
        push(&history, &["red"], n);
    }
    let mut cursor = subscribe(&history, Some(1));
    cursor.gather(Duration::from_millis(100));
    let began = Instant::now();
    let (mut n_reads, mut last) = (0, 0);
    while last < 2_001 {
        last = seqs(&next(&mut cursor).await).last().copied().unwrap_or(last);
        n_reads += 1;
    }
    assert!(2 < n_reads, "{n_reads} reads");
    assert_eq!(began.elapsed().as_millis(), 0);
}

#[tokio::test]
async fn a_client_goes_on_in_the_middle_of_a_chunk() {
    let history = history(|_| {});
    push(&history, &["red", "red", "red", "red"], 0);
    let mut cursor = subscribe(&history, Some(3));
    assert_eq!(seqs(&next(&mut cursor).await), [3]);
    assert_eq!(seqs(&next(&mut cursor).await), [4, 5]);
}

#[tokio::test]
async fn what_is_missing_is_said_before_anything_else() {
    let history = history(|limits| limits.history_samples = 100);
    for n in 0..1_000 {
        push(&history, &["red"], n);
    }
    let mut cursor = subscribe(&history, Some(1));
    let opening = next(&mut cursor).await;
    let oldest = history.with(|inner| inner.ring.oldest());
    assert!(opening.contains("event: gap\ndata: "), "{opening}");
    assert!(opening.contains(&format!(r#""n_lost":{}"#, oldest - 2)), "{opening}");
    assert_eq!(seqs(&next(&mut cursor).await).first(), Some(&oldest));
    assert_eq!(history.feed_info().gaps, 1);
}

#[tokio::test]
async fn who_falls_out_of_the_history_is_dropped_and_counted_once() {
    let history = history(|limits| limits.history_samples = 100);
    let mut cursor = subscribe(&history, None);
    next(&mut cursor).await;
    for n in 0..1_000 {
        push(&history, &["red"], n);
    }
    assert_eq!(cursor.next().await, Err(Overrun));
    assert_eq!(cursor.next().await, Err(Overrun));
    drop(cursor);
    let info = history.feed_info();
    assert_eq!((info.clients, info.dropped_fell_out, info.dropped_stalled), (0, 1, 0));
}

#[tokio::test]
async fn the_bound_on_clients_holds() {
    let history = history(|limits| limits.feed_clients = 1);
    let cursor = subscribe(&history, None);
    let peer = "127.0.0.1:2".parse().unwrap();
    assert!(history.subscribe(None, peer, CancellationToken::new()).is_err());
    drop(cursor);
    assert!(history.subscribe(None, peer, CancellationToken::new()).is_ok());
}

#[tokio::test(start_paused = true)]
async fn pings_come_every_fifteen_seconds_and_the_end_comes_with_shutdown() {
    let history = history(|_| {});
    let shutdown = CancellationToken::new();
    let running = tokio::spawn({
        let (history, shutdown) = (history.clone(), shutdown.clone());
        async move { history.run(shutdown).await }
    });
    let mut cursor = subscribe(&history, None);
    next(&mut cursor).await;
    let started = Instant::now();
    for n in 1..=3_u64 {
        let ping = next(&mut cursor).await;
        assert!(ping.starts_with("event: ping\ndata: {\"now_ms\":"), "{ping}");
        let secs = started.elapsed().as_secs();
        assert!((15 * n..15 * n + 2).contains(&secs), "{n} after {secs}");
    }
    shutdown.cancel();
    assert_eq!(cursor.next().await, Ok(None));
    drop(cursor);
    running.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_hung_up_at_shutdown_too() {
    let history = history(|_| {});
    let hang_up = CancellationToken::new();
    let _cursor = history.subscribe(None, "127.0.0.1:1".parse().unwrap(), hang_up.clone()).unwrap();
    let shutdown = CancellationToken::new();
    shutdown.cancel();
    history.run(shutdown).await;
    assert!(hang_up.is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn many_pushes_are_few_wake_ups_and_nothing_is_lost() {
    let history = history(|_| {});
    let shutdown = CancellationToken::new();
    let running = tokio::spawn({
        let (history, shutdown) = (history.clone(), shutdown.clone());
        async move { history.run(shutdown).await }
    });
    let mut cursor = subscribe(&history, None);
    next(&mut cursor).await;
    let pushing = async {
        for _ in 0..100 {
            history.push(&mut batch(&["red"]));
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let reading = async {
        let (mut found, mut n_reads) = (Vec::new(), 0);
        while found.len() < 101 {
            let text = next(&mut cursor).await;
            found.extend(seqs(&text));
            n_reads += 1;
        }
        (found, n_reads)
    };
    let ((), (found, n_reads)) = tokio::join!(pushing, reading);
    assert_eq!(found, (1..=101).collect::<Vec<u64>>());
    assert!(n_reads <= 20, "{n_reads} wake-ups for 100 ms");
    shutdown.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn agents_come_and_go_in_the_same_stream() {
    let history = history(|_| {});
    push(&history, &["red", "blue"], 0);
    history.tick(10_001, false);
    history.publish(10_001, false);
    history.tick(60_001, false);
    history.publish(60_001, false);
    let mut cursor = subscribe(&history, Some(0));
    next(&mut cursor).await;
    let text = next(&mut cursor).await;
    let states: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix(r#"data: {"color":""#)?.split_once(r#"","state":""#))
        .map(|(_, rest)| rest.split('"').next().unwrap())
        .collect();
    assert_eq!(states, ["joined", "joined", "stale", "stale", "gone", "gone"], "{text}");
    assert_eq!(seqs(&text), (1..=8).collect::<Vec<u64>>());
    assert!(history.latest().is_empty());
}

#[tokio::test]
async fn the_feed_goes_on_where_the_answer_ends() {
    let history = history(|_| {});
    push(&history, &["red", "blue", "red"], 100_000);
    // Pushed and not yet published: it is in the answer, so it must not come again.
    history.push_at(&mut batch(&["red"]), 100_000);
    let answer = history.answer(ask(600), 101_000);
    let colors: Vec<(&str, usize)> =
        answer.agents.iter().map(|agent| (agent.color.as_str(), agent.timestamps_ms.len())).collect();
    assert_eq!(colors, [("blue", 1), ("red", 3)]);
    assert_eq!(answer.agents[1].metrics["cpu"], [Some(1.0); 3]);
    assert_eq!(answer.agents[1].interval_ms, Some(0));
    let mut cursor = subscribe(&history, Some(answer.id.seq));
    next(&mut cursor).await;
    push(&history, &["blue"], 102_000);
    assert_eq!(seqs(&next(&mut cursor).await), [answer.id.seq + 1]);
    assert!(history.answer(ask(1), 200_000).agents.iter().all(|agent| agent.timestamps_ms.is_empty()));
}

#[test]
fn more_agents_than_allowed_are_refused_by_name() {
    let history = history(|limits| limits.collector_agents = 1);
    let pushed = push(&history, &["red", "blue", "red"], 0);
    assert_eq!(pushed, Pushed { n_accepted: 2, n_metrics_left_out: 0, refused: vec!["blue".to_owned()] });
    assert_eq!(history.latest().len(), 1);
}

#[test]
fn a_sample_that_grows_over_the_limit_is_refused() {
    let numbers = vec!["1e15"; 10_000].join(",");
    let json =
        format!(r#"{{"color":"a","timestamp":"1970-01-01T00:00:00Z","cpu":1,"mem":2,"x":[{numbers}]}}"#);
    let sample = Sample::from_json(json.as_bytes()).unwrap();
    let mut batch = Batch::default();
    assert!(matches!(batch.push(sample), Err(SampleError::TooLarge { .. })));
    assert_eq!(batch.size(), (0, 0));
}
