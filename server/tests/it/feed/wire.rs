//! The bytes of the feed's answer, read by hand: how they are framed, who writes them in turn, how they end.

use std::net::SocketAddr;

use signalbox::limits::Limits;
use signalbox_shared::EventId;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::WAIT;
use super::rig::Rig;
use crate::support::eventually;

/// A connection whose system takes little, and the answer so far.
struct Peer {
    stream: TcpStream,
    bytes: Vec<u8>,
}

impl Peer {
    async fn ask(address: SocketAddr, request: &str) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(8_192).unwrap();
        let mut stream = socket.connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        Self { stream, bytes: Vec::new() }
    }

    /// Reads at most `n_bytes`; says whether there were any.
    async fn read(&mut self, n_bytes: usize) -> bool {
        let from = self.bytes.len();
        self.bytes.resize(from + n_bytes, 0);
        let read = timeout(WAIT, self.stream.read(&mut self.bytes[from..])).await;
        let n_read = read.expect("something comes").unwrap();
        self.bytes.truncate(from + n_read);
        0 < n_read
    }

    /// Reads until the newest bytes hold `text`.
    async fn until(&mut self, text: &str) {
        let mut from = 0;
        while !self.bytes[from..].windows(text.len()).any(|part| part == text.as_bytes()) {
            from = self.bytes.len().saturating_sub(text.len());
            assert!(self.read(4_096).await, "it ended before {text:?}");
        }
    }

    async fn everything(mut self) -> String {
        while self.read(4_096).await {}
        String::from_utf8(self.bytes).unwrap()
    }
}

/// The text in a body that is exactly chunks and the last of them.
fn text_of(chunks: &str) -> String {
    let (mut rest, mut text) = (chunks, String::new());
    loop {
        let (size, after) = rest.split_once("\r\n").expect("a size and its line's end");
        let size = usize::from_str_radix(size, 16).unwrap_or_else(|_| panic!("a size: {size:?}"));
        text += &after[..size];
        rest = after[size..].strip_prefix("\r\n").expect("a chunk's end");
        if size == 0 {
            assert_eq!(rest, "", "nothing comes after the last chunk");
            return text;
        }
    }
}

/// The seqs of the events in it that have a place in the history.
fn seqs(text: &str) -> Vec<u64> {
    let events = text.split_terminator("\n\n").filter(|event| !event.contains("event: ping"));
    let id = |event: &str| Some(event.lines().next()?.strip_prefix("id: ")?.parse::<EventId>().unwrap().seq);
    events.filter_map(id).collect()
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").expect("a head").1
}

const GET: &str = "GET /feed HTTP/1.1\r\nHost: localhost\r\n\r\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chunks_stay_whole_however_slowly_they_are_read() {
    const N_BATCHES: usize = 300;
    let rig = Rig::start(Limits::default()).await;
    let epoch = rig.history.head().epoch;
    let mut peers = Vec::new();
    for _ in 0..8 {
        peers.push(Peer::ask(rig.address, GET).await);
    }
    eventually("all are there", async || (rig.history.feed_info().clients == 8).then_some(())).await;
    // The first sample of an agent comes with an event that it has joined.
    let last = format!("id: {epoch}-{}\n", N_BATCHES + 1);
    let reading = peers.into_iter().enumerate().map(|(n, mut peer)| {
        let last = last.clone();
        tokio::spawn(async move {
            // From a few bytes at a time to everything at once.
            for _ in 0..200 {
                peer.read(7 << n).await;
            }
            peer.until(&last).await;
            peer
        })
    });
    let reading: Vec<_> = reading.collect();
    let mut quick = rig.feed("").await;
    for n in 0..N_BATCHES {
        rig.push_padded("red", if n % 7 == 0 { 60_000 } else { 11 * n }, 1);
        // Now alone, now in one piece with the next ones.
        if n % 5 < 3 {
            while quick.event("message").await.seq() < n as u64 + 2 {}
        }
    }
    let mut peers = Vec::new();
    for peer in reading {
        peers.push(timeout(WAIT, peer).await.unwrap().unwrap());
    }
    rig.stop().await;
    for peer in peers {
        let answer = peer.everything().await;
        let text = text_of(body(&answer));
        assert_eq!(seqs(&text), (1..=N_BATCHES as u64 + 1).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_peer_that_knows_no_chunks_gets_the_text_and_then_the_end() {
    let rig = Rig::start(Limits::default()).await;
    let mut peer = Peer::ask(rig.address, "GET /feed HTTP/1.0\r\nHost: localhost\r\n\r\n").await;
    peer.until("event: ping\n").await;
    rig.push(&["red"]);
    peer.until("\"color\":\"red\",\"timestamp\"").await;
    rig.push(&["red"]);
    rig.stop().await;
    let answer = peer.everything().await;
    assert!(!answer.to_lowercase().contains("transfer-encoding"), "{answer}");
    assert!(body(&answer).starts_with("retry: ") && answer.ends_with("\n\n"), "{answer}");
    assert_eq!(seqs(body(&answer)), [1, 2, 3]);
}

#[tokio::test]
async fn a_feed_may_follow_other_answers_on_its_connection() {
    let rig = Rig::start(Limits::default()).await;
    let history = "GET /api/metrics/history HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let head = GET.replace("GET", "HEAD");
    let mut peer = Peer::ask(rig.address, &format!("{history}{head}{GET}")).await;
    peer.until("event: ping\n").await;
    assert_eq!(rig.history.feed_info().clients, 1, "a head alone is no client");
    rig.push(&["red"]);
    peer.until("\"color\":\"red\",\"timestamp\"").await;
    rig.stop().await;
    let answer = peer.everything().await;
    assert_eq!(answer.matches("HTTP/1.1 200 OK\r\n").count(), 3, "{answer}");
    let feed = &answer[answer.rfind("HTTP/1.1 200 OK").unwrap()..];
    assert_eq!(seqs(&text_of(body(feed))), [1, 2]);
}

#[tokio::test]
async fn what_is_asked_behind_a_feed_changes_nothing() {
    let rig = Rig::start(Limits::default()).await;
    let mut peer = Peer::ask(rig.address, &format!("{GET}{GET}")).await;
    peer.until("event: ping\n").await;
    for n in 1..=3 {
        peer.stream.write_all(GET.as_bytes()).await.unwrap();
        rig.push(&["red"]);
        peer.until(&format!("-{}\ndata: {{\"color\":\"red\",\"timestamp\"", n + 1)).await;
    }
    rig.stop().await;
    // The relay closes with something unread, so that the last bytes may be lost to a reset.
    let text = String::from_utf8(peer.bytes).unwrap();
    assert_eq!(text.matches("HTTP/1.1").count(), 1, "{text}");
    assert_eq!(seqs(&text.replace("\r\n", "\n\n")), [1, 2, 3, 4], "{text}");
}

#[tokio::test]
async fn who_leaves_is_forgotten_though_nothing_is_written() {
    let rig = Rig::start(Limits::default()).await;
    let mut peer = Peer::ask(rig.address, GET).await;
    peer.until("event: ping\n").await;
    assert_eq!(rig.history.feed_info().clients, 1);
    drop(peer);
    eventually("nobody is left", async || (rig.history.feed_info().clients == 0).then_some(())).await;
    rig.stop().await;
}
