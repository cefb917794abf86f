//! The binary as a process: what it prints, how a wrong setting is told, and how it ends.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::support::DEADLINE;

pub(crate) fn signalbox(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_signalbox"));
    // A folder without a settings file of somebody's.
    command.args(args).current_dir(std::env::temp_dir()).kill_on_drop(true).stdin(Stdio::null());
    command
}

/// A relay in a process of its own, and the lines that it prints first.
pub(crate) async fn serve(args: &[&str]) -> (Child, Vec<String>) {
    let free = ["serve", "--http", "127.0.0.1:0", "--broker", "127.0.0.1:0", "--chat", "127.0.0.1:0"];
    let collector = ["--collector-sub", "@tcp://127.0.0.1:*", "--collector-pull", "off"];
    let mut child = signalbox(&[&free[..], &collector, args].concat())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut printed = Vec::new();
    while printed.len() < 5 {
        let line = timeout(DEADLINE, lines.next_line()).await.expect("a line").unwrap();
        printed.push(line.expect("five lines"));
    }
    (child, printed)
}

pub(crate) fn address_of<'a>(printed: &'a [String], service: &str) -> &'a str {
    let line = printed.iter().find(|line| line.trim_start().starts_with(service)).unwrap();
    line.split_whitespace().nth(1).unwrap().trim_start_matches("http://")
}

pub(crate) async fn signal(child: &Child, name: &str) {
    let pid = child.id().unwrap().to_string();
    assert!(Command::new("kill").args([name, &pid]).status().await.unwrap().success());
}

#[tokio::test]
async fn serve_prints_what_speaks_where_and_each_signal_ends_it_with_open_streams() {
    for name in ["-TERM", "-INT"] {
        let (mut child, printed) = serve(&[]).await;
        assert!(printed[0].contains("is running"), "{printed:?}");
        let mut feed = TcpStream::connect(address_of(&printed, "page")).await.unwrap();
        feed.write_all(b"GET /feed HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        feed.read_exact(&mut [0; 12]).await.unwrap();
        let mut chat = TcpStream::connect(address_of(&printed, "chat")).await.unwrap();
        chat.write_all(b"CONNECT ada\n").await.unwrap();
        chat.read_exact(&mut [0; 7]).await.unwrap();
        let mut subscriber = TcpStream::connect(address_of(&printed, "broker")).await.unwrap();
        subscriber.write_all(b"\0\0\0\x08/topic/a").await.unwrap();

        signal(&child, name).await;
        let status = timeout(DEADLINE, child.wait()).await.expect("the end").unwrap();
        assert_eq!(status.code(), Some(0), "{name}");
    }
}

/// A subscriber that reads nothing keeps the broker draining; whoever is impatient signals again.
#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let (mut child, printed) = serve(&["--broker-drain-millis", "8000"]).await;
    let mut stalled = TcpStream::connect(address_of(&printed, "broker")).await.unwrap();
    stalled.write_all(b"\0\0\0\x08/topic/a").await.unwrap();
    let payload = vec![0; 4 << 20];
    for _ in 0..2 {
        stalled.write_all(b"\0\0\0\x08/topic/a\0\x40\0\0").await.unwrap();
        stalled.write_all(&payload).await.unwrap();
    }
    signal(&child, "-TERM").await;
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    while !timeout(DEADLINE, log.next_line())
        .await
        .expect("a line")
        .unwrap()
        .unwrap()
        .contains("shutting down")
    {}
    signal(&child, "-TERM").await;
    let status = timeout(DEADLINE, child.wait()).await.expect("the end").unwrap();
    assert_eq!(status.code(), Some(130), "0 would be the end of the first signal");
}

#[tokio::test]
async fn a_wrong_setting_names_itself_its_source_and_the_allowed_range() {
    for (args, variable, told) in [
        (
            &["serve", "--chat-idle-secs", "0"][..],
            None,
            "chat_idle_secs = \"0\" (from the flag --chat-idle-secs): allowed is a whole number from 1 to 86400",
        ),
        (
            &["broker"],
            Some(("SIGNALBOX_BROKER", "nowhere")),
            "broker = \"nowhere\" (from the variable SIGNALBOX_BROKER): not an address",
        ),
        (&["serve", "--config", "no-such-file.toml"], None, "settings file no-such-file.toml"),
        (&["serve", "--log", "a=b=c"], None, "log filter \"a=b=c\""),
    ] {
        let mut command = signalbox(args);
        command.envs(variable);
        let output = timeout(DEADLINE, command.output()).await.expect("the end").unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {text}");
        assert!(text.contains(told), "{args:?}: {text}");
    }
}

#[tokio::test]
async fn every_command_has_help_with_examples() {
    for command in
        ["serve", "broker", "agent", "listen", "send", "chat", "demo", "sql", "news", "render", "db"]
    {
        let output = signalbox(&[command, "--help"]).output().await.unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("Examples:"), "{command}: {text}");
    }
}
