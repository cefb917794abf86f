//! Subscribers and consumers that cannot follow, to the message.

use std::process::Stdio;

use signalbox::limits::Limits;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::time::timeout;

use crate::support::broker::{Broker, Client, frame};
use crate::support::{DEADLINE, eventually};

/// A broker in a process of its own.
struct Process {
    broker: Child,
    address: String,
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
    let address = loop {
        let line = timeout(DEADLINE, printed.next_line()).await.expect("a line").unwrap().expect("a line");
        if line.trim_start().starts_with("broker") {
            break line.split_whitespace().nth(1).unwrap().to_owned();
        }
    };
    let log = BufReader::new(broker.stderr.take().unwrap()).lines();
    Process { broker, address, log, _printed: printed }
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
    let Process { mut broker, address, mut log, _printed } = process(&bounds).await;
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
        let mut n_received = 0;
        while let Ok(message) = stalled.try_next().await {
            assert_eq!(message[..4], u32::to_be_bytes(n_received), "the oldest stay, the newest are lost");
            n_received += 1;
        }
        u64::from(n_received)
    });
    let ends = line_with(&mut log, "has caught up").await;
    assert!(ends.contains(&stalled_address), "{ends}");
    let pid = broker.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
    let n_received = timeout(DEADLINE, reading).await.unwrap().unwrap();
    assert_eq!(n_received + number_before(&ends, "messages in"), u64::from(N), "{ends}");
    assert_eq!(timeout(DEADLINE, broker.wait()).await.unwrap().unwrap().code(), Some(0));
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
