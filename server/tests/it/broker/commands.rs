//! `signalbox listen` and `signalbox send` as processes.

use std::process::Stdio;

use signalbox::limits::Limits;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::support::broker::Broker;
use crate::support::{DEADLINE, eventually};

fn signalbox(broker: &str, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_signalbox"));
    command.args(args).args(["--connect", broker]).kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What it printed and its status, when it has ended by itself.
async fn output(child: Child) -> (String, i32) {
    let output = timeout(DEADLINE, child.wait_with_output()).await.expect("it ends").unwrap();
    (String::from_utf8(output.stdout).unwrap(), output.status.code().unwrap_or(-1))
}

#[tokio::test]
async fn lines_travel_from_send_to_listen() {
    let broker = Broker::start(Limits::default()).await;
    let address = broker.address.to_string();
    let listen = |args: &[&str]| {
        signalbox(&address, &[&["listen", "/topic/lines", "--count", "3"][..], args].concat())
    };
    let listeners = [
        listen(&[]).spawn().unwrap(),
        listen(&["--json"]).spawn().unwrap(),
        listen(&["--hex"]).spawn().unwrap(),
        listen(&["--quiet"]).spawn().unwrap(),
    ];
    broker.subscribers("/topic/lines", 4).await;
    let mut send = signalbox(&address, &["send", "/topic/lines"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut input = send.stdin.take().unwrap();
    input.write_all("one\n\ndrei żółw".as_bytes()).await.unwrap();
    drop(input);
    assert_eq!(output(send).await, (String::new(), 0));
    let [plain, json, hex, quiet] = listeners;
    assert_eq!(output(plain).await, ("one\n\ndrei żółw\n".to_owned(), 0));
    assert_eq!(output(hex).await, ("6f6e65\n\n6472656920c5bcc3b3c58277\n".to_owned(), 0));
    assert_eq!(output(quiet).await, (String::new(), 0));
    let (lines, status) = output(json).await;
    let texts: Vec<String> = lines
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["text"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!((texts, status), (vec!["one".to_owned(), String::new(), "drei żółw".to_owned()], 0));
}

#[tokio::test]
async fn made_up_messages_have_their_size_and_number() {
    let broker = Broker::start(Limits::default()).await;
    let address = broker.address.to_string();
    let mut listener = broker.join("/topic/load").await;
    broker.subscribers("/topic/load", 1).await;
    let args = ["send", "/topic/load", "--count", "5000", "--size", "64", "--interval", "0"];
    let send = signalbox(&address, &args).spawn().unwrap();
    for n in 1..=5_000 {
        let message = listener.next().await;
        assert_eq!(message.len(), 64);
        assert!(message.starts_with(format!("message {n} .").as_bytes()));
    }
    assert_eq!(output(send).await, (String::new(), 0));
}

/// What `listen --json` and `listen --hex` print can be sent again, byte for byte.
#[tokio::test]
async fn what_was_recorded_can_be_sent_again() {
    let broker = Broker::start(Limits::default()).await;
    let address = broker.address.to_string();
    for format in ["--json", "--hex"] {
        let recorder =
            signalbox(&address, &["listen", "/topic/first", "--count", "3", format]).spawn().unwrap();
        broker.subscribers("/topic/first", 1).await;
        let mut replayed = broker.join("/topic/again").await;
        broker.subscribers("/topic/again", 1).await;
        let mut sender = broker.join("/null").await;
        let messages: [&[u8]; 3] = [b"one\ntwo", b"", b"\x00\xff\xc3"];
        for message in messages {
            sender.publish("/topic/first", message).await;
        }
        let (recorded, status) = output(recorder).await;
        assert_eq!(status, 0);
        let args = ["send", "/topic/again", format, "--stats"];
        let mut send = signalbox(&address, &args).stdin(Stdio::piped()).spawn().unwrap();
        send.stdin.take().unwrap().write_all(recorded.as_bytes()).await.unwrap();
        for message in messages {
            assert_eq!(replayed.next().await, message, "{format}");
        }
        let output = timeout(DEADLINE, send.wait_with_output()).await.expect("it ends").unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success() && told.contains("3 messages, "), "{told}");
        drop(replayed);
        broker.subscribers("/topic/again", 0).await;
        broker.subscribers("/topic/first", 0).await;
    }
    let mut send =
        signalbox(&address, &["send", "/topic/again", "--hex"]).stdin(Stdio::piped()).spawn().unwrap();
    send.stdin.take().unwrap().write_all(b"00\nxyz\n").await.unwrap();
    let output = timeout(DEADLINE, send.wait_with_output()).await.expect("it ends").unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && told.contains("line 2 is not hexadecimal"), "{told}");
}

#[tokio::test]
async fn both_connect_again_when_the_broker_comes_back() {
    let broker = Broker::start(Limits::default()).await;
    let address = broker.address.to_string();
    let listener = signalbox(&address, &["listen", "/queue/later", "--count", "1"]).spawn().unwrap();
    broker.subscribers("/queue/later", 1).await;
    broker.end().await;
    let mut send = signalbox(&address, &["send", "/queue/later"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut complaints = BufReader::new(send.stderr.take().unwrap()).lines();
    let complaint = timeout(DEADLINE, complaints.next_line()).await.unwrap().unwrap().unwrap();
    assert!(complaint.contains(&address) && complaint.contains("trying again"), "{complaint}");
    let broker = Broker::start_at(&address, Limits::default()).await;
    send.stdin.take().unwrap().write_all(b"at last\n").await.unwrap();
    assert_eq!(output(listener).await, ("at last\n".to_owned(), 0));
    assert_eq!(output(send).await.1, 0);
    broker.end().await;
}

#[tokio::test]
async fn status_tells_scripts_what_happened() {
    let broker = Broker::start(Limits::default()).await;
    let address = broker.address.to_string();
    let interrupt = async |args: &[&str], n| {
        let child = signalbox(&address, args).spawn().unwrap();
        broker.subscribers("/topic/quiet", n).await;
        let pid = child.id().unwrap().to_string();
        Command::new("kill").args(["-INT", &pid]).status().await.unwrap();
        let status = output(child).await.1;
        broker.subscribers("/topic/quiet", 0).await;
        status
    };
    assert_eq!(interrupt(&["listen", "/topic/quiet"], 1).await, 0, "there was no end in sight");
    assert_eq!(interrupt(&["listen", "/topic/quiet", "--count", "5"], 1).await, 130);

    // Whoever reads the output goes away.
    let mut pipe = signalbox(&address, &["listen", "/topic/quiet"]).spawn().unwrap();
    drop(pipe.stdout.take());
    broker.subscribers("/topic/quiet", 1).await;
    broker.engine.publish(&"/topic/quiet".parse().unwrap(), b"nobody reads this").await.unwrap();
    assert_eq!(output(pipe).await.1, 0);

    broker.end().await;
    for command in ["listen", "send"] {
        let child = signalbox(&address, &[command, "/topic/quiet", "--no-reconnect"]).spawn().unwrap();
        let output = timeout(DEADLINE, child.wait_with_output()).await.unwrap().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert!(complaint.contains(&address) && complaint.contains("signalbox serve"), "{complaint}");
    }
}

#[tokio::test]
async fn a_quiet_sender_connects_again_without_a_word() {
    let door = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = door.local_addr().unwrap().to_string();
    let args = ["send", "/queue/later", "--quiet"];
    let mut send = signalbox(&address, &args).stdin(Stdio::piped()).spawn().unwrap();
    drop(timeout(DEADLINE, door.accept()).await.expect("it tries").unwrap());
    drop(door);
    let broker = Broker::start_at(&address, Limits::default()).await;
    // Its input waits until then: what is sent into a connection that ends may be lost, of which it would speak.
    eventually("its connection", async || (broker.engine.broker_stats().connections == 1).then_some(()))
        .await;
    send.stdin.take().unwrap().write_all(b"at last\n").await.unwrap();
    let output = timeout(DEADLINE, send.wait_with_output()).await.expect("it ends").unwrap();
    assert_eq!((String::from_utf8(output.stderr).unwrap(), output.status.code()), (String::new(), Some(0)));
    broker.end().await;
}
