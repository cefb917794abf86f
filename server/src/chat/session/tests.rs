//! A session's deadlines and rules over an in-memory stream, on a clock that is turned by hand.

use tokio::io::{AsyncReadExt as _, DuplexStream, duplex, split};
use tokio::task::JoinHandle;

use super::*;

struct Client {
    stream: DuplexStream,
    chat: Arc<Chat>,
    task: JoinHandle<()>,
}

impl Client {
    fn new(change: impl FnOnce(&mut Limits)) -> Self {
        let mut limits = Limits::default();
        change(&mut limits);
        let chat = Chat::new(&limits);
        let (stream, far) = duplex(1 << 20);
        let session = Session {
            chat: Arc::clone(&chat),
            limits: Arc::new(limits),
            shutdown: CancellationToken::new(),
            outlet: None,
            peer: "test".to_owned(),
        };
        let (reader, writer) = split(far);
        let task = tokio::spawn(session.run(reader, writer));
        Self { stream, chat, task }
    }

    async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// Everything up to the session's end.
    async fn rest(mut self) -> (String, Vec<(&'static str, u64)>) {
        let mut text = String::new();
        self.stream.read_to_string(&mut text).await.unwrap();
        drop(self.stream);
        self.task.await.unwrap();
        let closed = self.chat.stats().closed.into_iter().filter(|(_, n)| 0 < *n).collect();
        (text, closed)
    }

    /// What the client has been sent when the session has nothing more to do.
    async fn read_some(&mut self) -> String {
        let mut bytes = [0; 4096];
        let n = self.stream.read(&mut bytes).await.unwrap();
        String::from_utf8(bytes[..n].to_vec()).unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_says_nothing_is_disconnected_after_a_minute() {
    let started = Instant::now();
    let mut client = Client::new(|_| {});
    client.send(b"CONNECT ada\n").await;
    let (text, closed) = client.rest().await;
    assert_eq!(
        text,
        "Welcome! 1 user(s) are online!\nada connected!\n\
         Error: disconnected, for nothing was sent for 60s (chat_idle_secs)\n"
    );
    assert_eq!((closed, started.elapsed().as_secs()), (vec![("idle", 1)], 60));
}

#[tokio::test(start_paused = true)]
async fn a_keep_alive_line_is_a_sign_of_life_that_nobody_sees() {
    let mut client = Client::new(|_| {});
    client.send(b"CONNECT ada\n").await;
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_secs(50)).await;
        client.send(b"\x16\n").await;
    }
    client.send(b"bye\n").await;
    client.stream.shutdown().await.unwrap();
    let (text, closed) = client.rest().await;
    assert_eq!(text, "Welcome! 1 user(s) are online!\nada connected!\nada: bye\n");
    assert_eq!(closed, [("left", 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_line_client_has_ten_seconds_for_its_name() {
    let started = Instant::now();
    let mut client = Client::new(|_| {});
    client.send(b"CONN").await;
    let (text, closed) = client.rest().await;
    assert_eq!(text, "Error: no \"CONNECT <username>\" came within 10s (chat_connect_millis)\n");
    assert_eq!((closed, started.elapsed().as_secs()), (vec![("connect_timeout", 1)], 10));
}

#[tokio::test(start_paused = true)]
async fn a_flood_is_told_once_and_its_losses_are_counted() {
    let mut client = Client::new(|limits| limits.chat_lines_per_sec = 1);
    client.send(b"CONNECT ada\n").await;
    for n in 0..9 {
        client.send(format!("{n}\n").as_bytes()).await;
    }
    tokio::time::sleep(Duration::from_secs(20)).await;
    client.send(b"calm\n").await;
    client.stream.shutdown().await.unwrap();
    let (text, _) = client.rest().await;
    let lines: Vec<&str> = text.lines().filter(|line| line.contains(':')).collect();
    assert_eq!(lines[..5], ["ada: 0", "ada: 1", "ada: 2", "ada: 3", "ada: 4"]);
    let told: Vec<&&str> = lines.iter().filter(|line| line.starts_with("Notice: too fast")).collect();
    assert_eq!(told.len(), 1, "{lines:?}");
    let n_said = lines.iter().filter(|line| line.starts_with("ada: ")).count();
    let n_lost: usize = lines
        .iter()
        .filter_map(|line| line.strip_prefix("Notice: ")?.strip_suffix(" line(s) before that were not sent"))
        .map(|n| n.parse::<usize>().unwrap())
        .sum();
    assert_eq!(n_said + n_lost, 10, "{lines:?}");
    assert!(lines.contains(&"ada: calm"));
}

#[tokio::test(start_paused = true)]
async fn the_first_line_may_come_in_pieces_and_with_others() {
    let mut client = Client::new(|_| {});
    for piece in [&b"CONN"[..], b"ECT \xc5", b"\xbc\r\nhello ", b"there\r\n"] {
        client.send(piece).await;
        tokio::task::yield_now().await;
    }
    client.stream.shutdown().await.unwrap();
    let (text, _) = client.rest().await;
    assert_eq!(text, "Welcome! 1 user(s) are online!\nż connected!\nż: hello there\n");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_dropped_by_name_while_another_reads_on() {
    let mut limits = Limits::default();
    (limits.chat_outbox_lines, limits.chat_lines_per_sec) = (16, 100_000);
    let chat = Chat::new(&limits);
    let session = Session {
        chat: Arc::clone(&chat),
        limits: Arc::new(limits),
        shutdown: CancellationToken::new(),
        outlet: None,
        peer: "test".to_owned(),
    };
    let (mut deaf, far) = duplex(64);
    let (reader, writer) = split(far);
    let task = tokio::spawn(session.run(reader, writer));
    deaf.write_all(b"CONNECT deaf\n").await.unwrap();
    let Joined { mut member, mut reader, .. } =
        chat.join(LOBBY, "ada", ChatVia::Browser, History::Newest(0)).unwrap();
    let mut n_seen = 0;
    let mut has_left = false;
    let mut n_said = 0;
    while !has_left {
        member.say("are you there?", None).unwrap();
        n_said += 1;
        assert!(n_said < 1_000, "never dropped");
        tokio::task::yield_now().await;
        for entry in reader.next().await.unwrap() {
            n_seen += usize::from(entry.plain().starts_with(b"ada: "));
            has_left |= entry.plain() == "deaf has left the chat\n".as_bytes();
        }
    }
    assert_eq!(n_seen, n_said);
    // The farewell cannot be written either, and does not wait for ever.
    task.await.unwrap();
    assert!(chat.stats().closed.contains(&("slow", 1)));
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_is_told() {
    let mut client = Client::new(|_| {});
    client.send(b"CONNECT ada\n").await;
    assert!(client.read_some().await.starts_with("Welcome! 1"));
    let (mut other, far) = duplex(1 << 10);
    let shutdown = CancellationToken::new();
    let session = Session {
        chat: Arc::clone(&client.chat),
        limits: Arc::new(Limits::default()),
        shutdown: shutdown.clone(),
        outlet: None,
        peer: "test".to_owned(),
    };
    let (reader, writer) = split(far);
    tokio::spawn(session.run(reader, writer));
    other.write_all(b"CONNECT bob\n").await.unwrap();
    tokio::time::sleep(Duration::from_millis(1)).await;
    shutdown.cancel();
    let mut text = String::new();
    other.read_to_string(&mut text).await.unwrap();
    assert!(text.ends_with("bob connected!\nNotice: the relay shuts down\n"), "{text}");
}
