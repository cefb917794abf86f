//! Samples from agents to feeds, over real sockets: SUB and PULL on one side, HTTP on the other.

mod agents;
pub(crate) mod rig;
mod wire;

use std::time::Duration;

use signalbox::limits::Limits;
use signalbox_shared::EventId;
use signalbox_shared::feed::{AgentChange, AgentState, Gap, GapReason, MetricsHistory};

use self::rig::{Feed, Rig, sample};
use crate::support::eventually;

#[tokio::test]
async fn two_clients_get_the_same_samples() {
    let rig = Rig::start(Limits::default()).await;
    let (mut one, mut other) = (rig.feed("").await, rig.feed("").await);
    for head in [&one.head, &other.head] {
        for line in
            ["200 OK", "content-type: text/event-stream", "cache-control: no-store", "x-accel-buffering: no"]
        {
            assert!(head.contains(line), "{line} in {head}");
        }
    }
    let sender = rig.push_agent();
    for n in 0..50 {
        sender.send(&sample("red", n)).unwrap();
    }
    for feed in [&mut one, &mut other] {
        let joined: AgentChange = serde_json::from_str(&feed.event("agent").await.data).unwrap();
        assert_eq!((joined.color.as_str(), joined.state), ("red", AgentState::Joined));
        for n in 0..50 {
            let event = feed.event("message").await;
            assert_eq!(event.data.as_bytes(), sample("red", n));
        }
    }
    rig.stop().await;
}

#[tokio::test]
async fn a_client_that_comes_back_misses_nothing_and_gets_nothing_twice() {
    let rig = Rig::start(Limits::default()).await;
    let sender = rig.push_agent();
    let mut feed = rig.feed("").await;
    for n in 0..100 {
        sender.send(&sample("red", n)).unwrap();
    }
    let mut seen = Vec::new();
    while seen.len() < 37 {
        seen.push(feed.event("message").await);
    }
    drop(feed);
    for n in 100..200 {
        sender.send(&sample("red", n)).unwrap();
    }
    let last_id = seen.last().unwrap().id.clone();
    let mut feed = rig.feed(&format!("Last-Event-ID: {last_id}\r\n")).await;
    while seen.len() < 200 {
        seen.push(feed.event("message").await);
    }
    let data: Vec<Vec<u8>> = seen.iter().map(|event| event.data.clone().into_bytes()).collect();
    assert_eq!(data, (0..200).map(|n| sample("red", n)).collect::<Vec<_>>());
    assert!(seen.windows(2).all(|pair| pair[0].seq() + 1 == pair[1].seq()));
    rig.stop().await;
}

#[tokio::test]
async fn the_first_ping_is_a_place_to_come_back_to() {
    let rig = Rig::start(Limits::default()).await;
    let mut feed = rig.feed("").await;
    let ping = feed.next().await.expect("an event");
    assert_eq!(ping.name, "ping");
    assert!((1_000..5_000).contains(&feed.retry_millis), "{}", feed.retry_millis);
    drop(feed);
    rig.push(&["red", "blue"]);
    let mut feed = rig.feed(&format!("Last-Event-ID: {}\r\n", ping.id)).await;
    assert_eq!(feed.event("message").await.seq(), 2);
    assert_eq!(feed.event("message").await.seq(), 4);
    rig.stop().await;
}

#[tokio::test]
async fn where_events_are_missing_a_gap_says_so_first() {
    let rig = Rig::start(Limits { history_samples: 100, ..Limits::default() }).await;
    for _ in 0..50 {
        rig.push(&["red"; 10]);
    }
    let epoch = rig.history.head().epoch;
    let check = async |header: String, reason: GapReason| {
        let mut feed = rig.feed(&header).await;
        let event = feed.next().await.expect("an event");
        assert_eq!(event.name, "gap", "{header}");
        let gap: Gap = serde_json::from_str(&event.data).unwrap();
        assert_eq!((gap.reason, gap.resumed_at.to_string()), (reason, event.id), "{header}");
        let is_countable = reason == GapReason::TooOld;
        assert_eq!(gap.n_lost, is_countable.then(|| gap.resumed_at.seq - gap.since.seq), "{header}");
        assert_eq!(feed.event("message").await.seq(), gap.resumed_at.seq + 1, "{header}");
    };
    check(format!("Last-Event-ID: {}\r\n", EventId { epoch, seq: 3 }), GapReason::TooOld).await;
    check(format!("Last-Event-ID: {}\r\n", EventId { epoch, seq: 1 << 60 }), GapReason::NewEpoch).await;
    check("Last-Event-ID: 1-1\r\n".to_owned(), GapReason::NewEpoch).await;
    check("Last-Event-ID: of another program\r\n".to_owned(), GapReason::NewEpoch).await;
    assert_eq!(rig.history.feed_info().gaps, 4);
    rig.stop().await;
}

#[tokio::test]
async fn who_does_not_read_is_dropped_and_nobody_else_notices() {
    let rig = Rig::start(Limits { feed_stall_secs: 1, ..Limits::default() }).await;
    let mut stalled = rig.feed("").await;
    let mut reading = rig.feed("").await;
    eventually("two clients", async || (rig.history.feed_info().clients == 2).then_some(())).await;
    let collected = async {
        let mut seqs = Vec::new();
        while seqs.len() < 1_000 {
            seqs.push(reading.event("message").await.seq());
        }
        seqs
    };
    // 40 MB: far over what the sockets of the stalled client hold.
    let pushed = async {
        for _ in 0..100 {
            rig.push_padded("red", 40_000, 10);
            tokio::task::yield_now().await;
        }
    };
    let (seqs, ()) = tokio::join!(collected, pushed);
    assert!(seqs.windows(2).all(|pair| pair[0] + 1 == pair[1]));
    let dropped = || rig.history.feed_info().dropped_stalled == 1;
    eventually("the stalled client is dropped", async || dropped().then_some(())).await;
    eventually("its connection is closed", async || (rig.history.feed_info().clients == 1).then_some(()))
        .await;
    while stalled.next().await.is_some() {}
    assert!(!stalled.has_ended_well, "it must not look like the end of the feed");
    rig.push(&["red"]);
    reading.event("message").await;
    rig.stop().await;
}

#[tokio::test]
async fn one_client_too_many_gets_503_and_a_reason() {
    let rig = Rig::start(Limits { feed_clients: 1, ..Limits::default() }).await;
    let _feed = rig.feed("").await;
    let refused = Feed::open(rig.address, "/feed", "").await;
    assert!(refused.head.contains("503 Service Unavailable"), "{}", refused.head);
    assert!(refused.head.contains("application/problem+json"), "{}", refused.head);
    assert_eq!(rig.history.feed_info().refused, 1);
    let bad = Feed::open(rig.address, "/feed?since=yesterday", "").await;
    assert!(bad.head.contains("400 Bad Request"), "{}", bad.head);
    rig.stop().await;
}

#[tokio::test]
async fn open_feeds_end_at_shutdown() {
    let rig = Rig::start(Limits::default()).await;
    let mut feeds = Vec::new();
    for _ in 0..20 {
        feeds.push(rig.feed("").await);
    }
    rig.push(&["red"]);
    rig.stop().await;
    for feed in &mut feeds {
        feed.event("message").await;
        assert!(feed.next().await.is_none());
        assert!(feed.has_ended_well);
    }
}

#[tokio::test]
async fn charts_begin_with_the_history_and_go_on_with_the_feed() {
    let rig = Rig::start(Limits::default()).await;
    let sender = rig.push_agent();
    for n in 0..20 {
        sender.send(&rig::sample_now("red", n)).unwrap();
    }
    let accepted = || rig.collector.stats().info().accepted == 20;
    eventually("20 samples", async || accepted().then_some(())).await;
    let (status, answer) = rig.get("/api/metrics/history?window=60&step=0").await;
    assert_eq!(status, 200, "{answer}");
    let answer: MetricsHistory = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer.agents.len(), 1);
    let expected: Vec<Option<f64>> = (0..20).map(|n| Some(f64::from(n))).collect();
    assert_eq!(answer.agents[0].metrics["cpu"], expected);
    sender.send(&rig::sample_now("red", 20)).unwrap();
    let mut feed = Feed::open(rig.address, &format!("/feed?since={}", answer.id), "").await;
    let event = feed.event("message").await;
    assert_eq!(event.seq(), answer.id.seq + 1);
    assert!(event.data.contains(r#""cpu":20"#), "{}", event.data);

    let (status, stepped) = rig.get("/api/metrics/history?window=60&step=60").await;
    let stepped: MetricsHistory = serde_json::from_str(&stepped).unwrap();
    assert_eq!((status, stepped.step_secs), (200, 60));
    assert!(stepped.agents[0].timestamps_ms.len() <= 2);
    for bad in ["window=0", "window=604801", "window=-1", "window=x", "step=1.5"] {
        let (status, problem) = rig.get(&format!("/api/metrics/history?{bad}")).await;
        assert_eq!(status, 400, "{bad}: {problem}");
        assert!(problem.contains("urn:signalbox:problem:"), "{problem}");
    }
    rig.stop().await;
}

#[tokio::test]
async fn a_thousand_clients_are_served_and_forgotten() {
    let rig = Rig::start(Limits::default()).await;
    let mut feeds = Vec::new();
    for _ in 0..1_000 {
        feeds.push(rig.feed("").await);
    }
    assert_eq!(rig.history.feed_info().clients, 1_000);
    rig.push(&["red", "blue"]);
    for feed in &mut feeds {
        assert_eq!(feed.event("message").await.seq(), 2);
        assert_eq!(feed.event("message").await.seq(), 4);
    }
    drop(feeds);
    // A dead connection shows at the next write.
    eventually("nobody is left", async || {
        rig.push(&["red"]);
        (rig.history.feed_info().clients == 0).then_some(())
    })
    .await;
    rig.stop().await;
}

/// A deadline on everything that waits for the other side.
pub(crate) const WAIT: Duration = crate::support::DEADLINE;
