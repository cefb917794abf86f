//! Agents from outside: this binary's own, and plain Python programs with pyzmq, started and stopped in every order.

use std::process::{Child, Command, Stdio};
use std::time::Instant;

use signalbox::collector::Endpoint;
use signalbox::limits::Limits;
use signalbox_shared::Sample;

use super::WAIT;
use super::rig::{Feed, Rig, sample};
use crate::support::eventually;

/// A process that is killed when the test is over.
struct Peer(Child);

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn python(script: &str, args: &[&str]) -> Peer {
    let python = std::env::var("SIGNALBOX_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let script = format!("{}/tests/peers/{script}", env!("CARGO_MANIFEST_DIR"));
    let child = Command::new(&python).arg(script).args(args).stdout(Stdio::piped()).spawn();
    Peer(child.unwrap_or_else(|error| panic!("{python} does not start: {error}")))
}

fn agent(args: &[&str]) -> Peer {
    let mut command = Command::new(env!("CARGO_BIN_EXE_signalbox"));
    command.arg("agent").args(args).stderr(Stdio::piped());
    Peer(command.spawn().unwrap())
}

/// Waits until the process has ended by itself and gives its status and what it wrote.
async fn ended(peer: &mut Peer) -> (Option<i32>, String) {
    use std::io::Read as _;
    let status = eventually("the process ends", async || peer.0.try_wait().unwrap()).await;
    let mut text = String::new();
    if let Some(mut stdout) = peer.0.stdout.take() {
        stdout.read_to_string(&mut text).unwrap();
    }
    if let Some(mut stderr) = peer.0.stderr.take() {
        stderr.read_to_string(&mut text).unwrap();
    }
    (status.code(), text)
}

async fn sample_of(feed: &mut Feed, color: &str) -> Sample {
    let deadline = Instant::now() + WAIT;
    loop {
        assert!(Instant::now() < deadline, "waited {WAIT:?} in vain for a sample of {color}");
        let sample = Sample::from_json(feed.event("message").await.data.as_bytes()).unwrap();
        if sample.color == color {
            return sample;
        }
    }
}

#[tokio::test]
async fn plain_python_agents_publish_and_push() {
    let rig = Rig::start(Limits::default()).await;
    let mut feed = rig.feed("").await;
    let _publisher = python("agent_pub.py", &[rig.agent_address(0), "red"]);
    let _pusher = python("agent_push.py", &[rig.agent_address(1), "blue"]);
    let red = sample_of(&mut feed, "red").await;
    let blue = sample_of(&mut feed, "blue").await;
    for sample in [red, blue] {
        let metrics: Vec<(&str, f64)> = sample.metrics().collect();
        assert_eq!(metrics.iter().map(|(key, _)| *key).collect::<Vec<_>>(), ["cpu", "mem"]);
    }
    rig.stop().await;
}

#[tokio::test]
async fn a_plain_python_reader_sees_every_sample_across_a_reconnect() {
    let rig = Rig::start(Limits::default()).await;
    let reader = format!("http://{}/feed", rig.address);
    let mut reader = python("feed_reader.py", &[&reader, "60", "20"]);
    eventually("the reader is there", async || (0 < rig.history.feed_info().clients).then_some(())).await;
    let sender = rig.push_agent();
    for n in 0..60 {
        sender.send(&sample("red", n)).unwrap();
    }
    let (status, output) = ended(&mut reader).await;
    assert_eq!(status, Some(0), "{output}");
    let cpu: Vec<u32> = output.lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(cpu, (0..60).collect::<Vec<u32>>());
    rig.stop().await;
}

#[tokio::test]
async fn the_collector_connects_to_programs_that_bind() {
    let mut publisher = python("agent_pub.py", &["@tcp://127.0.0.1:*", "green"]);
    let address = first_line(&mut publisher).await;
    let sub: Endpoint = format!(">{address}").parse().unwrap();
    let rig = Rig::start_at(Limits::default(), &[sub], &[]).await.unwrap();
    let mut feed = rig.feed("").await;
    sample_of(&mut feed, "green").await;
    rig.stop().await;
}

async fn first_line(peer: &mut Peer) -> String {
    use std::io::BufRead as _;
    let stdout = peer.0.stdout.take().unwrap();
    tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        std::io::BufReader::new(stdout).read_line(&mut line).unwrap();
        line.trim().to_owned()
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn agent_and_collector_are_restarted_in_every_order() {
    let rig = Rig::start(Limits::default()).await;
    let endpoints: Vec<Endpoint> = rig.collector.endpoints().iter().map(|e| e.parse().unwrap()).collect();
    let (sub, pull) = (endpoints[..1].to_vec(), endpoints[1..].to_vec());
    let address = rig.agent_address(0).to_owned();
    let start_agent = |color: &str| agent(&["--color", color, "--interval", "100ms", "--connect", &address]);

    // The collector first.
    let mut feed = rig.feed("").await;
    let first = start_agent("red");
    sample_of(&mut feed, "red").await;
    // The agent is restarted.
    drop(first);
    let _second = start_agent("blue");
    sample_of(&mut feed, "blue").await;
    // The collector is restarted on the same ports, and the agent comes back by itself.
    rig.stop().await;
    let rig = Rig::start_at(Limits::default(), &sub, &pull).await.unwrap();
    let mut feed = rig.feed("").await;
    sample_of(&mut feed, "blue").await;
    // The agent first.
    rig.stop().await;
    let _third = start_agent("green");
    let rig = Rig::start_at(Limits::default(), &sub, &pull).await.unwrap();
    let mut feed = rig.feed("").await;
    sample_of(&mut feed, "green").await;
    rig.stop().await;
}

#[tokio::test]
async fn an_agent_watches_another_process_until_it_ends() {
    let rig = Rig::start(Limits::default()).await;
    let mut feed = rig.feed("").await;
    let watched = Peer(Command::new("sleep").arg("600").spawn().unwrap());
    let pid = watched.0.id().to_string();
    let args =
        ["--color", "red", "--pid", &pid, "--interval", "100ms", "--push", "--connect", rig.agent_address(1)];
    let mut agent = agent(&args);
    let reading = sample_of(&mut feed, "red").await;
    assert!(reading.metrics().any(|(key, mb)| key == "mem" && 0.0 < mb && mb < 100.0), "{reading:?}");
    drop(watched);
    let (status, output) = ended(&mut agent).await;
    assert_eq!(status, Some(0), "{output}");
    assert!(output.contains(&format!("process {pid} has ended")), "{output}");
    rig.stop().await;
}

#[tokio::test]
async fn an_agent_that_cannot_work_says_why() {
    let check = async |args: &[&str], status: i32, text: &str| {
        let (found, output) = ended(&mut agent(args)).await;
        assert_eq!(found, Some(status), "{args:?}: {output}");
        assert!(output.contains(text), "{args:?}: {output}");
    };
    check(&[], 2, "--color").await;
    check(&["--color", "red", "--interval", "1ms"], 2, "100ms to 1h").await;
    check(&["--color", "a\nb"], 2, "control character").await;
    check(&["--color", "red", "--leak", "9999"], 2, "0..=1024").await;
    check(&["--color", "red", "--pid", "1", "--host"], 2, "cannot be used with").await;
    check(&["--color", "red", "--pid", "4000000000"], 1, "no process 4000000000").await;
    check(&["--color", "red", "--connect", "localhost:5555"], 1, "tcp://127.0.0.1:5555").await;
}

#[tokio::test]
async fn an_agent_ends_at_once_with_unsent_samples() {
    // Nobody listens on the discard port; the samples wait.
    let address = "tcp://127.0.0.1:9";
    let mut agent =
        agent(&["--color", "red", "--push", "--interval", "100ms", "--connect", address, "--work", "1"]);
    let pid = agent.0.id();
    // It has begun when it says so, and then it knows its signals.
    use std::io::BufRead as _;
    let stderr = agent.0.stderr.take().unwrap();
    let reading = tokio::task::spawn_blocking(move || {
        let mut reader = std::io::BufReader::new(stderr);
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        (reader, line)
    });
    let (_stderr, line) = reading.await.unwrap();
    assert!(line.contains(address), "{line}");
    assert!(Command::new("kill").args(["-TERM", &pid.to_string()]).status().unwrap().success());
    assert_eq!(ended(&mut agent).await.0, Some(0));
}
