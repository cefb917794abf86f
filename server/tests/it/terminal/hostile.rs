//! A chat that means harm, or is broken: whatever it sends, the terminal of who listens shows it harmless.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::time::timeout;

use crate::support::DEADLINE;
use crate::support::pty::Pty;

/// Lets one client in, as any chat would.
async fn let_in(listener: &TcpListener) -> BufReader<TcpStream> {
    let (stream, _) = timeout(DEADLINE, listener.accept()).await.expect("a client in time").unwrap();
    let mut stream = BufReader::new(stream);
    let mut first = String::new();
    stream.read_line(&mut first).await.unwrap();
    assert_eq!(first, "CONNECT ada\n");
    stream.write_all(b"Welcome! 1 user(s) are online!\n").await.unwrap();
    stream
}

/// Each attack, and what a person should see of it.
fn attacks() -> Vec<(Vec<u8>, &'static str)> {
    vec![
        // Clears the screen, renames the window, answers in the person's name, leaves the alternate screen.
        (
            b"\x1b[2J\x1b[H\x1b]0;owned\x07\x1b[6n\x1b[?1049l: in a name\n".to_vec(),
            "␛[2J␛[H␛]0;owned␇␛[6n␛[?1049l: in a name",
        ),
        // The same by single bytes (C1), which some terminals still obey; as UTF-8, and bare.
        ("eve: \u{9b}2J\u{9d}0;x\u{9c}\n".as_bytes().to_vec(), "eve: \u{fffd}2J\u{fffd}0;x\u{fffd}"),
        (b"eve: \x9b2J\n".to_vec(), "eve: \u{fffd}2J"),
        // What overwrites a line, or moves upwards.
        (b"eve: harmless\rmallory: pay me\x08\x08\x0b\x0c\n".to_vec(), "eve: harmless␍mallory: pay me␈␈␋␌"),
        // What turns the text around.
        ("eve: \u{202e}gnp.exe\n".as_bytes().to_vec(), "eve: \u{fffd}gnp.exe"),
        // Half a character, then its other half in another packet's place.
        (b"eve: \xc5\n".to_vec(), "eve: \u{fffd}"),
        (b"eve: \x00nul\n".to_vec(), "eve: ␀nul"),
    ]
}

#[tokio::test]
async fn a_window_shows_it_as_text_and_stays_whole() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut ada = Pty::start(&["chat", "ada", "--connect", &address], 100, 30);
    let mut chat = let_in(&listener).await;
    ada.shows("connected · 1 person · lobby at").await;
    for (bytes, shown) in attacks() {
        chat.write_all(&bytes).await.unwrap();
        ada.shows(shown).await;
    }
    // A megabyte without an end is not kept, and its end is the end of it.
    chat.write_all(&vec![b'x'; 1 << 20]).await.unwrap();
    chat.write_all(b"\neve: after it\n").await.unwrap();
    ada.shows("(a line of 1048576 bytes is not shown)").await;
    ada.shows("eve: after it").await;
    // Ten thousand lines in one go: the newest is seen, and the keys still work.
    let flood: String = (1..=10_000).map(|n| format!("eve: {n}\n")).collect();
    chat.write_all(flood.as_bytes()).await.unwrap();
    ada.shows("eve: 10000").await;
    assert!(ada.text().contains("connected · 1 person · lobby at"), "the window stands:\n{}", ada.text());
    ada.keys("still here\r");
    let mut said = String::new();
    timeout(DEADLINE, chat.read_line(&mut said)).await.expect("a line in time").unwrap();
    assert_eq!(said, "still here\n");
    ada.keys("\u{3}");
    assert_eq!(ada.ended().await, 0);
    ada.gives_back().await;
}

#[tokio::test]
async fn plain_lines_are_harmless_too() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_signalbox"));
    command.args(["chat", "ada", "--connect", &address]).kill_on_drop(true);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut chat = let_in(&listener).await;
    let mut expected = vec!["Welcome! 1 user(s) are online!"];
    for (bytes, shown) in attacks() {
        chat.write_all(&bytes).await.unwrap();
        expected.push(shown);
    }
    chat.write_all(&vec![b'x'; 1 << 20]).await.unwrap();
    expected.push("(a line of 1048576 bytes is not shown)");
    // Cut off in the middle of a line: what was not ended was not said.
    chat.write_all(b"\neve: half a li").await.unwrap();
    drop(chat);
    let mut printed = String::new();
    let mut output = child.stdout.take().unwrap();
    timeout(DEADLINE, output.read_to_string(&mut printed)).await.expect("an end in time").unwrap();
    assert_eq!(printed.lines().collect::<Vec<_>>(), expected);
    let status = timeout(DEADLINE, child.wait()).await.expect("an end in time").unwrap();
    assert_eq!(status.code(), Some(1), "the chat has gone before the input ended");
}

/// A key that comes together with a change of the terminal's size is neither lost nor kept until the next one.
#[tokio::test]
async fn keys_and_resizes_at_once_are_both_taken() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut ada = Pty::start(&["chat", "ada", "--connect", &address], 100, 10);
    let _chat = let_in(&listener).await;
    ada.shows("connected · 1 person · lobby at").await;
    let mut typed = String::from("ada> ");
    for n in 0..60_u16 {
        let key = char::from(b'a' + u8::try_from(n % 26).unwrap());
        ada.resize(100 + n % 7, 10 + n % 3);
        ada.keys(&key.to_string());
        typed.push(key);
        ada.shows(&typed).await;
    }
    ada.keys("\u{3}");
    assert_eq!(ada.ended().await, 0);
}
