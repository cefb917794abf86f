//! Subscribers and consumers that cannot follow, to the message.

use std::net::SocketAddr;
use std::process::Stdio;

use signalbox::limits::Limits;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::time::timeout;

use crate::support::broker::{Broker, Client, frame};
use crate::support::{DEADLINE, eventually, http};

/// A broker in a process of its own.
struct Process {
    broker: Child,
    address: String,
    page: String,
    log: Lines<BufReader<ChildStderr>>,
    /// Kept open, for it prints more than what is read.
    _printed: Lines<BufReader<ChildStdout>>,
}

async fn process(args: &[&str]) -> Process {
    let mut broker = Command::new(env!("CARGO_BIN_EXE_signalbox"))
        .args(["broker", "--broker", "127.0.0.1:0"])
        .args(args)
        .current_dir(std::env::temp_dir())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut printed = BufReader::new(broker.stdout.take().unwrap()).lines();
    let mut page = String::new();
    let address = loop {
        let line = timeout(DEADLINE, printed.next_line()).await.expect("a line").unwrap().expect("a line");
        match line.split_whitespace().take(2).collect::<Vec<_>>()[..] {
            ["broker", address] => break address.to_owned(),
            ["page", address] => page = address.to_owned(),
            _ => {}
        }
    };
    let log = BufReader::new(broker.stderr.take().unwrap()).lines();
    Process { broker, address, page, log, _printed: printed }
}

async fn line_with(log: &mut Lines<BufReader<ChildStderr>>, text: &str) -> String {
    loop {
        let line =
            timeout(DEADLINE, log.next_line()).await.expect("a line of log").unwrap().expect("a line of log");
        if line.contains(text) {
            return line;
        }
    }
}

async fn join(address: &str, channel: &str) -> Client {
    let mut client = Client { stream: TcpStream::connect(address).await.unwrap() };
    client.say(&frame(channel.as_bytes())).await;
    client
}

/// The number before `word`.
fn number_before(line: &str, word: &str) -> u64 {
    line.split(word).next().unwrap().split_whitespace().last().unwrap().parse().unwrap()
}

/// The log names who was slow when it begins, and how much it lost when it ends; that is all it did lose.
#[tokio::test]
async fn the_log_names_a_slow_subscriber_and_its_losses_to_the_message() {
    const N: u32 = 4_000;
    let bounds =
        ["--broker-outbox-messages", "64", "--broker-outbox-bytes", "262144", "--broker-hold-millis", "0"];
    let Process { mut broker, address, mut log, _printed, .. } = process(&bounds).await;
    let mut stalled = join(&address, "/topic/load").await;
    let stalled_address = stalled.stream.local_addr().unwrap().to_string();
    stalled.publish("/topic/load", b"joined").await;
    assert_eq!(stalled.next().await, b"joined");
    let mut sender = join(&address, "/null").await;
    for n in 0..N {
        let mut message = n.to_be_bytes().to_vec();
        message.resize(8 * 1024, b'.');
        sender.publish("/topic/load", &message).await;
    }
    sender.say(&[0, 0, 0, 0]).await;
    sender.rest().await; // the broker has taken all of it
    let begins = line_with(&mut log, "slow subscriber").await;
    assert!(begins.contains(&stalled_address) && begins.contains("/topic/load"), "{begins}");

    let reading = tokio::spawn(async move {
        let (mut n_received, mut last) = (0_u64, None);
        while let Ok(message) = stalled.try_next().await {
            let number = u32::from_be_bytes(message[..4].try_into().unwrap());
            assert!(last < Some(number), "{number} came behind {last:?}");
            (n_received, last) = (n_received + 1, Some(number));
        }
        n_received
    });
    let ends = line_with(&mut log, "has caught up").await;
    assert!(ends.contains(&stalled_address), "{ends}");
    let pid = broker.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
    let n_received = timeout(DEADLINE, reading).await.unwrap().unwrap();
    assert_eq!(timeout(DEADLINE, broker.wait()).await.unwrap().unwrap().code(), Some(0));
    // The kernel takes some of it meanwhile, so it may be slow more than once: every end tells its own losses.
    let mut n_lost = number_before(&ends, "messages in");
    while let Some(line) = timeout(DEADLINE, log.next_line()).await.unwrap().unwrap() {
        if line.contains("has caught up") {
            n_lost += number_before(&line, "messages in");
        }
    }
    assert_eq!(n_received + n_lost, u64::from(N));
}

/// The broker alone tells what the embedded one tells, in its log and over HTTP.
#[tokio::test]
async fn the_broker_alone_logs_and_serves_its_statistics() {
    let Process { broker: _broker, address, page, mut log, _printed } =
        process(&["--broker-stats", "1s", "--http", "127.0.0.1:0"]).await;
    let mut client = join(&address, "/topic/a").await;
    client.publish("/topic/a", b"hello").await;
    assert_eq!(client.next().await, b"hello");
    let line = loop {
        let line = line_with(&mut log, "broker: ").await;
        if line.contains("published=1") {
            break line;
        }
    };
    for figure in
        ["connections=1", "delivered=1", "dropped=0", "waiting=0", "buffered_bytes=0", "slow=0", "held=0"]
    {
        assert!(line.contains(figure), "{figure}: {line}");
    }
    let page: SocketAddr = page.strip_prefix("http://").unwrap().parse().unwrap();
    let text = http(page, "GET", "/metrics", &[], b"").await.text();
    for figure in [
        "signalbox_channel_published_total{channel=\"/topic/a\"} 1\n",
        "signalbox_channel_refused_total{channel=\"/topic/a\"} 0\n",
        "signalbox_broker_connections 1\n",
        "signalbox_broker_connections_max 10000\n",
        "signalbox_broker_connections_slow 0\n",
        "signalbox_broker_published_total 1\n",
        "signalbox_broker_buffered_bytes_max 536870912\n",
        "signalbox_broker_closed_total{reason=\"slow_subscriber\"} 0\n",
    ] {
        assert!(text.contains(figure), "{figure}: {text}");
    }
    let rows: serde_json::Value = http(page, "GET", "/api/connections", &[], b"").await.json();
    let row = &rows[0];
    assert_eq!(
        (&row["channel"], &row["delivered"], &row["delivered_bytes"]),
        (&"/topic/a".into(), &1.into(), &9.into())
    );
    assert!(row["last_delivery_at_ms"].is_i64() && row["slow_since_ms"].is_null(), "{row}");
}

/// The consumers take something only when every publisher that has more waits: they are outrun as far as can be.
#[tokio::test]
async fn publishers_that_outrun_a_queue_s_consumers_are_held_and_lose_nothing() {
    const N_PUBLISHERS: u32 = 4;
    const N_EACH: u32 = 5_000;
    const PIECE: u32 = 100;
    const BACKLOG_BYTES: u64 = 512 * 1024;
    const OUTBOX_BYTES: u64 = 64 * 1024;
    let limits = Limits {
        broker_backlog_bytes: BACKLOG_BYTES,
        broker_outbox_bytes: OUTBOX_BYTES,
        ..Limits::default()
    };
    let broker = Broker::start(limits).await;
    let mut publishers = Vec::new();
    for publisher in 0..N_PUBLISHERS {
        let mut sender = broker.join("/null").await;
        publishers.push(tokio::spawn(async move {
            for n in 0..N_EACH {
                let mut message = [publisher.to_be_bytes(), n.to_be_bytes()].concat();
                message.resize(2_048, b'.');
                sender.publish("/queue/work", &message).await;
            }
            sender.say(&[0, 0, 0, 0]).await;
            sender.rest().await;
        }));
    }
    let all_wait = async || {
        eventually("publishers that wait or have ended", async || {
            let rows = broker.engine.connections();
            rows.iter()
                .all(|row| row.is_held || row.channel.as_ref().is_some_and(|name| name.as_str() != "/null"))
                .then_some(())
        })
        .await;
    };
    all_wait().await;
    let (to, mut from) = tokio::sync::mpsc::channel(1);
    for turn in 0..2 {
        let (to, mut consumer) = (to.clone(), broker.join("/queue/work").await);
        tokio::spawn(async move {
            while let Ok(message) = consumer.try_next().await {
                if to.send((turn, message)).await.is_err() {
                    break;
                }
            }
        });
    }
    let mut next = [[0_u32; N_PUBLISHERS as usize]; 2];
    let mut seen = vec![[false; N_EACH as usize]; N_PUBLISHERS as usize];
    let (mut n_received, mut most_bytes) = (0, 0);
    while n_received < N_PUBLISHERS * N_EACH {
        if (n_received / PIECE).is_multiple_of(20) {
            all_wait().await;
        }
        for _ in 0..PIECE.min(N_PUBLISHERS * N_EACH - n_received) {
            let (turn, message): (usize, Vec<u8>) =
                timeout(DEADLINE, from.recv()).await.expect("a message in time").unwrap();
            let [publisher, n] = [0, 4].map(|at| u32::from_be_bytes(*message[at..].first_chunk().unwrap()));
            let (publisher, place) = (usize::try_from(publisher).unwrap(), usize::try_from(n).unwrap());
            assert!(next[turn][publisher] <= n, "consumer {turn} got {n} of {publisher} too late");
            next[turn][publisher] = n + 1;
            assert!(!std::mem::replace(&mut seen[publisher][place], true), "{n} of {publisher} came twice");
            n_received += 1;
        }
        most_bytes = most_bytes.max(broker.engine.broker_stats().buffered_bytes);
    }
    assert!(seen.iter().flatten().all(|is_seen| *is_seen));
    let bound = BACKLOG_BYTES + 2 * OUTBOX_BYTES;
    assert!(BACKLOG_BYTES / 2 < most_bytes && most_bytes <= bound + bound / 10, "{most_bytes} bytes");
    for publisher in publishers {
        timeout(DEADLINE, publisher).await.expect("it is let go on").unwrap();
    }
    let n_all = u64::from(N_PUBLISHERS * N_EACH);
    broker
        .row("/queue/work", |row| {
            (row.in_total == n_all && row.out_total == n_all && row.depth == 0).then_some(())
        })
        .await;
}
