//! The chat over real sockets: the reference's sessions, a plain Python client, the command line, and the end.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;

use serde_json::Value;
use signalbox::chat::{Chat, listener};
use signalbox::limits::Limits;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::support::{DEADLINE, eventually};

/// A chat on a port of its own, which ends when dropped.
pub(crate) struct ChatHouse {
    pub(crate) chat: Arc<Chat>,
    pub(crate) address: SocketAddr,
    serving: JoinHandle<()>,
    shutdown: DropGuard,
}

impl ChatHouse {
    pub(crate) async fn start(change: impl FnOnce(&mut Limits)) -> Self {
        let mut limits = Limits::default();
        change(&mut limits);
        let chat = Chat::new(&limits);
        Self::serve(chat, limits).await
    }

    pub(crate) async fn serve(chat: Arc<Chat>, limits: Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let serving =
            tokio::spawn(listener::serve(listener, Arc::clone(&chat), Arc::new(limits), shutdown.clone()));
        Self { chat, address, serving, shutdown: shutdown.drop_guard() }
    }

    /// A client that has its name and has read its own arrival.
    pub(crate) async fn join(&self, name: &str) -> LineClient {
        let mut client = LineClient::connect(self.address).await;
        client.send(&format!("CONNECT {name}\n")).await;
        assert!(client.line().await.starts_with("Welcome! "));
        assert_eq!(client.line().await, format!("{name} connected!"));
        client
    }

    /// Waits until so many connections have ended for this reason.
    pub(crate) async fn closed(&self, reason: &str, n: u64) {
        eventually(&format!("{n} closed as {reason}"), async || {
            self.chat.stats().closed.contains(&(reason, n)).then_some(())
        })
        .await;
    }
}

/// A line client that waits for what it expects, with a deadline.
pub(crate) struct LineClient {
    read: BufReader<OwnedReadHalf>,
    write: Option<OwnedWriteHalf>,
}

impl LineClient {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let (read, write) = TcpStream::connect(address).await.unwrap().into_split();
        Self { read: BufReader::new(read), write: Some(write) }
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.send_bytes(text.as_bytes()).await;
    }

    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) {
        self.write.as_mut().unwrap().write_all(bytes).await.unwrap();
    }

    pub(crate) async fn line(&mut self) -> String {
        let mut line = String::new();
        timeout(DEADLINE, self.read.read_line(&mut line)).await.expect("a line in time").unwrap();
        assert_eq!(line.pop(), Some('\n'), "the end of the stream instead of a line");
        line
    }

    /// The next line that this is true for.
    pub(crate) async fn line_where(&mut self, is_wanted: impl Fn(&str) -> bool) -> String {
        loop {
            let line = self.line().await;
            if is_wanted(&line) {
                return line;
            }
        }
    }

    pub(crate) async fn expect(&mut self, expected: &str) {
        let mut bytes = vec![0; expected.len()];
        timeout(DEADLINE, self.read.read_exact(&mut bytes)).await.expect("bytes in time").unwrap();
        assert_eq!(String::from_utf8_lossy(&bytes), expected);
    }

    /// What comes up to the end of the stream.
    pub(crate) async fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        timeout(DEADLINE, self.read.read_to_end(&mut bytes)).await.expect("an end in time").unwrap();
        String::from_utf8(bytes).unwrap()
    }

    /// Says that nothing more will be sent.
    pub(crate) fn close(&mut self) {
        self.write = None;
    }
}

#[tokio::test]
async fn the_sessions_of_the_reference_run_as_written() {
    let vectors: Value = serde_json::from_str(include_str!("../../../docs/vectors/chat.json")).unwrap();
    for session in vectors["sessions"].as_array().unwrap() {
        let house = ChatHouse::start(|_| {}).await;
        let mut clients = HashMap::new();
        for step in session["steps"].as_array().unwrap() {
            let name = step["client"].as_str().unwrap();
            if !clients.contains_key(name) {
                clients.insert(name, LineClient::connect(house.address).await);
            }
            let client = clients.get_mut(name).unwrap();
            match step {
                _ if step["close"] == true => client.close(),
                _ if step["expect_end"] == true => assert_eq!(client.rest().await, "", "{session}"),
                _ if step["send"].is_string() => client.send(step["send"].as_str().unwrap()).await,
                _ => client.expect(step["expect"].as_str().unwrap()).await,
            }
        }
    }
}

#[tokio::test]
async fn everyone_sees_the_lines_of_all_in_one_order() {
    let house = ChatHouse::start(|_| {}).await;
    let mut clients = Vec::new();
    for n in 0..20 {
        clients.push(house.join(&format!("u{n}")).await);
    }
    for round in 0..20 {
        for client in &mut clients {
            client.send(&format!("{round}\n")).await;
        }
    }
    let mut seen: Vec<Vec<String>> = Vec::new();
    for client in &mut clients {
        let mut lines = Vec::new();
        while lines.len() < 400 {
            lines.push(client.line_where(|line| line.contains(": ")).await);
        }
        seen.push(lines);
    }
    for lines in &seen {
        assert_eq!(lines, &seen[0]);
    }
    for n in 0..20 {
        let name = format!("u{n}: ");
        let said: Vec<&str> = seen[0].iter().filter_map(|line| line.strip_prefix(&name)).collect();
        assert_eq!(said, (0..20).map(|round| round.to_string()).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_plain_python_client_takes_part() {
    let house = ChatHouse::start(|_| {}).await;
    let python = std::env::var_os("SIGNALBOX_PYTHON").unwrap_or_else(|| "python3".into());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/chat_lines.py");
    let (host, port) = (house.address.ip().to_string(), house.address.port().to_string());
    let peer = Command::new(python).args([script, &host, &port]).kill_on_drop(true).output();
    let output = timeout(DEADLINE, peer).await.expect("a peer that ends").expect("a peer that starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn signalbox_chat(name: &str, connect: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_signalbox"));
    command.args(["chat", name, "--connect", connect]).kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[tokio::test]
async fn the_command_line_client_talks_listens_and_ends_with_its_input() {
    let house = ChatHouse::start(|_| {}).await;
    let mut bob = house.join("bob").await;
    let mut child = signalbox_chat("ada", &house.address.to_string()).spawn().unwrap();
    assert_eq!(bob.line().await, "ada connected!");
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut input = child.stdin.take().unwrap();
    assert_eq!(output.next_line().await.unwrap().unwrap(), "Welcome! 2 user(s) are online!");
    assert_eq!(output.next_line().await.unwrap().unwrap(), "ada connected!");
    input.write_all(b"hello bob\n").await.unwrap();
    assert_eq!(bob.line().await, "ada: hello bob");
    bob.send("hi \u{1b}[31mada\n").await;
    assert_eq!(output.next_line().await.unwrap().unwrap(), "ada: hello bob");
    assert_eq!(output.next_line().await.unwrap().unwrap(), "bob: hi ␛[31mada");
    input.write_all(b"last words, without an end").await.unwrap();
    drop(input);
    assert_eq!(bob.line_where(|line| line.starts_with("ada")).await, "ada: last words, without an end");
    assert_eq!(bob.line().await, "ada has left the chat");
    assert_eq!(output.next_line().await.unwrap().unwrap(), "ada: last words, without an end");
    assert_eq!(output.next_line().await.unwrap(), None);
    let status = timeout(DEADLINE, child.wait()).await.expect("an end in time").unwrap();
    assert!(status.success());
}

#[tokio::test]
async fn the_command_line_client_says_why_it_cannot() {
    let house = ChatHouse::start(|_| {}).await;
    let _ada = house.join("ada").await;
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    let cases = [
        (
            "ada",
            house.address.to_string(),
            "the chat closed the connection: the name \"ada\" is in use. \"ada2\" is free",
        ),
        ("a\u{1b}b", house.address.to_string(), "a name must not contain the control character U+001B"),
        ("ada", nobody, "start one with \"signalbox serve\""),
    ];
    for (name, connect, expected) in cases {
        let child = signalbox_chat(name, &connect).spawn().unwrap();
        let output = timeout(DEADLINE, child.wait_with_output()).await.expect("an end in time").unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(told.contains(expected), "{told}");
    }
}

#[tokio::test]
async fn a_shutdown_tells_every_client_and_waits_for_none_that_is_deaf() {
    let house = ChatHouse::start(|_| {}).await;
    let mut ada = house.join("ada").await;
    let _silent = TcpStream::connect(house.address).await.unwrap();
    drop(house.shutdown);
    assert_eq!(ada.line_where(|line| line.starts_with("Notice")).await, "Notice: the relay shuts down");
    timeout(DEADLINE, house.serving).await.expect("an end in time").unwrap();
    assert_eq!(house.chat.stats().n_users_line, 0);
}
