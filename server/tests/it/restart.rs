//! A relay with a data folder that is killed and started again: what its history holds then, and how feeds go on.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use signalbox::collector::{SampleSender, SendMode};
use signalbox_shared::EventId;
use signalbox_shared::api::Info;
use signalbox_shared::feed::{AlertState, Gap, GapReason, MetricsHistory, MetricsMarks, MetricsRules};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::process::Child;
use tokio::time::timeout;

use crate::feed::rig::{Feed, sample_now};
use crate::process::{address_of, serve, signal, signalbox};
use crate::support::{DEADLINE, eventually, http};

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("signalbox-restart-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        let rules = "[[alerts]]\nmetric = \"cpu\"\nabove = 90\n";
        std::fs::write(path.join("signalbox.toml"), rules).unwrap();
        Self(path)
    }

    /// The newest file of the feed's log.
    fn newest_feed(&self) -> PathBuf {
        let files = std::fs::read_dir(self.0.join("data/history")).unwrap();
        let feeds = files.map(|entry| entry.unwrap().path()).filter(|path| name(path).starts_with("feed-"));
        feeds.max_by_key(|path| name(path)).unwrap()
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

struct Relay {
    child: Child,
    http: SocketAddr,
    broker: String,
    agent: SampleSender,
}

impl Relay {
    async fn start(folder: &Folder) -> Self {
        let (data, config) = (folder.0.join("data"), folder.0.join("signalbox.toml"));
        let args = ["--collector-pull", "@tcp://127.0.0.1:*", "--data-dir", data.to_str().unwrap()];
        let (child, printed) = serve(&[&args[..], &["--config", config.to_str().unwrap()]].concat()).await;
        let http = address_of(&printed, "page").parse().unwrap();
        let broker = address_of(&printed, "broker").to_owned();
        let info: Info = get(http, "/api/info").await;
        let collector = info.services.iter().find(|service| service.name == "collector").unwrap();
        let pull = collector.addresses[1].trim_start_matches('@');
        let agent = SampleSender::connect(SendMode::Push, pull).unwrap();
        Self { child, http, broker, agent }
    }

    async fn feed(&self, since: EventId) -> Feed {
        Feed::open(self.http, &format!("/feed?since={since}"), "").await
    }

    /// Waits until the operating system has everything up to this event.
    async fn has_written(&self, id: EventId) {
        eventually("the event to be written", async || {
            let info: Info = get(self.http, "/api/info").await;
            (id.seq <= info.collector.store.unwrap().written_seq).then_some(())
        })
        .await;
    }

    async fn kill(mut self) {
        signal(&self.child, "-KILL").await;
        timeout(DEADLINE, self.child.wait()).await.expect("the end").unwrap();
    }
}

async fn get<T: serde::de::DeserializeOwned>(http_address: SocketAddr, target: &str) -> T {
    http(http_address, "GET", target, &[], b"").await.json()
}

fn id(text: &str) -> EventId {
    text.parse().unwrap()
}

#[tokio::test]
async fn a_browser_goes_on_without_a_gap_across_a_kill() {
    let folder = Folder::new("kill");
    let relay = Relay::start(&folder).await;
    let mut feed = Feed::open(relay.http, "/feed", "").await;
    for n in 0..50 {
        relay.agent.send(&sample_now("red", n)).unwrap();
    }
    relay.agent.send(&sample_now("red", 95)).unwrap();
    let mut seen = Vec::new();
    for _ in 0..51 {
        seen.push(feed.event("message").await);
    }
    let mut publisher = TcpStream::connect(&relay.broker).await.unwrap();
    let mark = br#"{"text":"deploy"}"#;
    publisher.write_all(b"\0\0\0\x05/null\0\0\0\x0c/topic/marks\0\0\0\x11").await.unwrap();
    publisher.write_all(mark).await.unwrap();
    let mut last = feed.event("mark").await;
    while !last.data.contains("deploy") {
        last = feed.event("mark").await;
    }
    relay.has_written(id(&last.id)).await;
    relay.kill().await;

    let relay = Relay::start(&folder).await;
    let mut feed = relay.feed(id(&seen[19].id)).await;
    for expected in &seen[20..] {
        assert_eq!(&feed.event("message").await, expected);
    }
    let mut late = relay.feed(id(&last.id)).await;
    relay.agent.send(&sample_now("red", 7)).unwrap();
    let next = late.event("message").await;
    assert!(id(&last.id).seq < next.seq() && next.data.contains(r#""cpu":7"#), "{next:?}");
    assert!(id(&last.id).epoch < id(&next.id).epoch, "each run has an epoch of its own");

    let history: MetricsHistory = get(relay.http, "/api/metrics/history?window=600").await;
    assert_eq!(history.agents[0].metrics["cpu"].len(), 52);
    assert_eq!(history.tier_secs, 0);
    let stepped: MetricsHistory = get(relay.http, "/api/metrics/history?window=600&step=60").await;
    let counts = &stepped.agents[0].ranges["cpu"].count;
    assert_eq!((stepped.tier_secs, counts.iter().sum::<u32>()), (60, 52), "{counts:?}");
    let marks: MetricsMarks = get(relay.http, "/api/metrics/marks").await;
    let texts: Vec<&str> = marks.marks.iter().map(|mark| mark.text.as_str()).collect();
    assert_eq!(
        texts,
        ["red: cpu above 90 % (now 95 %)", "deploy", "red: no longer cpu above 90 % (now 7 %)"]
    );
    let rules: MetricsRules = get(relay.http, "/api/metrics/rules").await;
    assert!(rules.rules[0].agents.is_empty(), "the alert has ended with the sample after the restart");
    relay.kill().await;
}

#[tokio::test]
async fn an_alert_that_goes_on_over_a_restart_does_not_begin_again() {
    let folder = Folder::new("alert");
    let relay = Relay::start(&folder).await;
    let mut feed = Feed::open(relay.http, "/feed", "").await;
    relay.agent.send(&sample_now("red", 95)).unwrap();
    let begins = feed.event("alert").await;
    relay.has_written(id(&begins.id)).await;
    relay.kill().await;
    let relay = Relay::start(&folder).await;
    let mut feed = relay.feed(id(&begins.id)).await;
    relay.agent.send(&sample_now("red", 96)).unwrap();
    relay.agent.send(&sample_now("red", 5)).unwrap();
    let next: signalbox_shared::feed::AlertChange =
        serde_json::from_str(&feed.event("alert").await.data).unwrap();
    assert_eq!((next.state, next.value), (AlertState::Ends, Some(5.0)));
    relay.kill().await;
}

#[tokio::test]
async fn an_id_that_was_never_written_is_a_gap_and_a_torn_file_is_no_end() {
    let folder = Folder::new("torn");
    let relay = Relay::start(&folder).await;
    let mut feed = Feed::open(relay.http, "/feed", "").await;
    for n in 0..20 {
        relay.agent.send(&sample_now("red", n)).unwrap();
    }
    let mut ids = Vec::new();
    for _ in 0..20 {
        ids.push(id(&feed.event("message").await.id));
    }
    let last = ids[19];
    relay.has_written(last).await;
    relay.kill().await;
    // The power failed: the last bytes never came to the disk.
    let file = folder.newest_feed();
    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&file, &bytes[..bytes.len() - 10]).unwrap();

    let relay = Relay::start(&folder).await;
    let info: Info = get(relay.http, "/api/info").await;
    assert!(0 < info.collector.store.unwrap().damaged_bytes);
    // As many again: a number of the last run now means another event.
    for n in 100..130 {
        relay.agent.send(&sample_now("red", n)).unwrap();
    }
    eventually("the new samples", async || {
        let history: MetricsHistory = get(relay.http, "/api/metrics/history?window=600").await;
        (*history.agents.first()?.metrics["cpu"].last()? == Some(129.0)).then_some(())
    })
    .await;
    let mut feed = relay.feed(last).await;
    let event = feed.next().await.unwrap();
    assert_eq!(event.name, "gap");
    let gap: Gap = serde_json::from_str(&event.data).unwrap();
    assert_eq!((gap.since, gap.n_lost, gap.reason), (last, None, GapReason::NewEpoch));

    // One relay at a time.
    let data = folder.0.join("data");
    let off = ["--http", "127.0.0.1:0", "--broker", "off", "--chat", "off", "--collector-sub", "off"];
    let args = ["serve", "--collector-pull", "off", "--data-dir", data.to_str().unwrap()];
    let output = signalbox(&[&args[..], &off].concat()).output();
    let output = timeout(DEADLINE, output).await.expect("the end").unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("in use by another relay"), "{text}");
    relay.kill().await;
}
