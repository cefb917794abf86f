//! Alerts and marks through a whole relay: from an agent and a publisher to feed, chat, channel, API and Prometheus.

use std::time::Duration;

use signalbox::collector::AlertRule;
use signalbox::collector::{SampleSender, SendMode};
use signalbox::config::Settings;
use signalbox_shared::EventId;
use signalbox_shared::feed::{AlertChange, AlertState, Mark, MarkKind, MetricsMarks, MetricsRules};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::feed::rig::{Feed, sample_now};
use crate::support::broker::{Client, frame};
use crate::support::{DEADLINE, TestServer, eventually, http, quiet_settings};

fn cpu_above(bound: f64) -> AlertRule {
    AlertRule { metric: "cpu".to_owned(), above: Some(bound), below: None, hold: Duration::ZERO, agent: None }
}

async fn start(rules: Vec<AlertRule>) -> (TestServer, SampleSender) {
    let any = vec!["@tcp://127.0.0.1:*".parse().unwrap()];
    let settings = Settings { collector_pull: any, alerts: rules, ..quiet_settings() };
    let server = TestServer::start_with(settings).await;
    let agent = SampleSender::connect(SendMode::Push, server.collector()[0].trim_start_matches('@')).unwrap();
    (server, agent)
}

async fn join(server: &TestServer, channel: &str) -> Client {
    let mut client = Client { stream: TcpStream::connect(server.broker()).await.unwrap() };
    client.say(&frame(channel.as_bytes())).await;
    client
}

/// One who has been seen to follow the alerts' channel.
async fn subscriber(server: &TestServer) -> Client {
    let client = join(server, "/topic/alerts").await;
    eventually("the subscriber", async || {
        let text = http(server.http(), "GET", "/metrics", &[], b"").await.text();
        text.contains("signalbox_channel_subscribers{channel=\"/topic/alerts\"} 1\n").then_some(())
    })
    .await;
    client
}

#[tokio::test]
async fn an_alert_is_said_everywhere_once_when_it_begins_and_once_when_it_ends() {
    let (server, agent) = start(vec![cpu_above(90.0)]).await;
    let mut subscriber = subscriber(&server).await;
    let mut chat = BufReader::new(TcpStream::connect(server.chat()).await.unwrap()).lines();
    chat.get_mut().write_all(b"CONNECT ada\n").await.unwrap();
    let mut feed = Feed::open(server.http(), "/feed", "").await;

    for cpu in [50, 91, 92, 93, 40, 41] {
        agent.send(&sample_now("red", cpu)).unwrap();
    }
    let alert = |event: crate::feed::rig::Event| serde_json::from_str::<AlertChange>(&event.data).unwrap();
    let begins = alert(feed.event("alert").await);
    assert_eq!((begins.state, begins.value, begins.threshold), (AlertState::Begins, Some(91.0), 90.0));
    let mark: Mark = serde_json::from_str(&feed.event("mark").await.data).unwrap();
    assert_eq!((mark.kind, mark.text.as_str()), (MarkKind::Alert, "red: cpu above 90 % (now 91 %)"));
    let ends_event = feed.event("alert").await;
    let seq = ends_event.seq();
    let ends = alert(ends_event);
    assert_eq!((ends.state, ends.value, ends.since_ms), (AlertState::Ends, Some(40.0), begins.since_ms));

    for expected in [&begins, &ends] {
        let told: AlertChange = serde_json::from_slice(&subscriber.next().await).unwrap();
        assert_eq!(&told, expected);
    }
    let mut lines = Vec::new();
    while lines.len() < 4 {
        lines.push(timeout(DEADLINE, chat.next_line()).await.expect("a line").unwrap().unwrap());
    }
    assert_eq!(
        lines[2..],
        [
            "Notice: Alert: red: cpu above 90 % (now 91 %)",
            "Notice: Alert: red: no longer cpu above 90 % (now 40 %)"
        ]
    );

    // One who was away gets it too.
    let marks: MetricsMarks = http(server.http(), "GET", "/api/metrics/marks", &[], b"").await.json();
    let before = EventId { seq: seq - 1, ..marks.id };
    let mut late = Feed::open(server.http(), &format!("/feed?since={before}"), "").await;
    assert_eq!(alert(late.event("alert").await), ends);
    server.stop().await;
}

#[tokio::test]
async fn rules_and_prometheus_tell_who_is_in_alert_now() {
    let held = AlertRule { hold: Duration::from_secs(3_600), ..cpu_above(50.0) };
    let (server, agent) = start(vec![cpu_above(90.0), held]).await;
    agent.send(&sample_now("red", 95)).unwrap();
    agent.send(&sample_now("blue", 60)).unwrap();
    let rules = eventually("both agents in the rules", async || {
        let rules: MetricsRules = http(server.http(), "GET", "/api/metrics/rules", &[], b"").await.json();
        (rules.rules[1].agents.len() == 2).then_some(rules.rules)
    })
    .await;
    assert_eq!((rules[0].text.as_str(), rules[1].text.as_str()), ("cpu above 90 %", "cpu above 50 % for 1h"));
    let states = |index: usize| -> Vec<(&str, bool, f64)> {
        rules[index].agents.iter().map(|agent| (agent.color.as_str(), agent.is_alert, agent.value)).collect()
    };
    assert_eq!(states(0), [("red", true, 95.0)]);
    assert_eq!(states(1), [("blue", false, 60.0), ("red", false, 95.0)]);
    let page = http(server.http(), "GET", "/metrics", &[], b"").await.text();
    let told: Vec<&str> = page.lines().filter(|line| line.starts_with("signalbox_alert{")).collect();
    assert_eq!(told, ["signalbox_alert{rule=\"cpu above 90 %\",color=\"red\",metric=\"cpu\"} 1"]);
    server.stop().await;
}

#[tokio::test]
async fn a_storm_of_alerts_is_a_few_lines_in_the_chat_and_every_one_on_the_channel() {
    let (server, agent) = start(vec![cpu_above(90.0)]).await;
    let mut subscriber = subscriber(&server).await;
    for n in 0..200 {
        let sample = sample_now(&format!("agent-{n}"), 99);
        eventually("room for a sample", async || agent.send(&sample).unwrap().then_some(())).await;
    }
    for _ in 0..200 {
        subscriber.next().await;
    }
    let page = http(server.http(), "GET", "/metrics", &[], b"").await.text();
    assert!(page.contains("signalbox_alerts_unsaid_total 0\n"), "{page}");
    let said = page.lines().find_map(|line| line.strip_prefix("signalbox_chat_announced_total ")).unwrap();
    assert!(said.parse::<u64>().unwrap() < 100, "{said}");
    server.stop().await;
}

#[tokio::test]
async fn a_message_on_the_marks_channel_is_a_mark_and_any_other_is_counted() {
    let (server, _agent) = start(Vec::new()).await;
    let mut feed = Feed::open(server.http(), "/feed", "").await;
    let mut publisher = join(&server, "/null").await;
    let deploy = br#"{"text":"deploy 1.4.2","timestamp":"2026-11-20T12:03:07+00:00"}"#;
    let messages: [&[u8]; 5] =
        [b"deploy", b"{}", br#"{"text":"x","timestamp":"soon"}"#, &[b'x'; 9_000], deploy];
    for message in messages {
        publisher.publish("/topic/marks", message).await;
    }
    let mark: Mark = serde_json::from_str(&feed.event("mark").await.data).unwrap();
    let expected =
        Mark { text: "deploy 1.4.2".to_owned(), at_ms: 1_795_176_187_000, kind: MarkKind::Mark, color: None };
    assert_eq!(mark, expected);
    let marks: MetricsMarks = http(server.http(), "GET", "/api/metrics/marks", &[], b"").await.json();
    assert_eq!(marks.marks, [expected]);
    let info: serde_json::Value = http(server.http(), "GET", "/api/info", &[], b"").await.json();
    let collector = &info["collector"];
    assert_eq!(collector["marks"], 1);
    for reason in ["not_json", "no_text", "bad_timestamp", "too_large"] {
        assert_eq!(collector["marks_refused"][reason]["count"], 1, "{reason} in {collector}");
    }
    server.stop().await;
}
