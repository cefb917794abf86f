//! A collector and the two routes that show it, on free ports, and a client that reads Server-Sent Events by hand.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::routing::get;
use signalbox::broker::Router as Channels;
use signalbox::collector::{Batch, Collector, CollectorHandle, Endpoint, History, SampleSender, SendMode};
use signalbox::engine::Engine;
use signalbox::limits::Limits;
use signalbox::web::{feed, listener, metrics_api};
use signalbox_shared::{EventId, Sample};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::WAIT;

/// One agent's sample number `n`, as the feed carries it.
pub(crate) fn sample(color: &str, n: u32) -> Vec<u8> {
    format!(r#"{{"color":"{color}","timestamp":"2026-11-20T12:03:07Z","cpu":{n},"mem":1.5}}"#).into_bytes()
}

/// The same, taken now.
pub(crate) fn sample_now(color: &str, n: u32) -> Vec<u8> {
    let now = jiff::Timestamp::now();
    format!(r#"{{"color":"{color}","timestamp":"{now}","cpu":{n},"mem":1.5}}"#).into_bytes()
}

/// A collector with its web side.
pub(crate) struct Rig {
    pub(crate) history: Arc<History>,
    pub(crate) collector: CollectorHandle,
    pub(crate) engine: Engine,
    pub(crate) address: SocketAddr,
    shutdown: CancellationToken,
    serving: tokio::task::JoinHandle<()>,
}

impl Rig {
    /// On free ports.
    pub(crate) async fn start(limits: Limits) -> Self {
        let any = ["@tcp://127.0.0.1:*".parse().unwrap()];
        Self::start_at(limits, &any, &any).await.unwrap()
    }

    pub(crate) async fn start_at(
        limits: Limits,
        sub: &[Endpoint],
        pull: &[Endpoint],
    ) -> anyhow::Result<Self> {
        let shutdown = CancellationToken::new();
        let history = History::new(&limits);
        let engine = Engine::embedded(Channels::new(&limits));
        let collector =
            Collector::start(sub, pull, history.clone(), engine.clone(), &limits, shutdown.clone())?;
        let router = Router::new()
            .route("/feed", get(feed::feed))
            .route("/api/metrics/history", get(metrics_api::history))
            .with_state(history.clone());
        let tcp = TcpListener::bind("127.0.0.1:0").await?;
        let address = tcp.local_addr()?;
        let serving = tokio::spawn(listener::serve(tcp, router, Arc::new(limits), shutdown.clone()));
        Ok(Self { history, collector, engine, address, shutdown, serving })
    }

    /// Where agents of the SUB and of the PULL socket connect.
    pub(crate) fn agent_address(&self, index: usize) -> &str {
        self.collector.endpoints()[index].trim_start_matches('@')
    }

    /// Connected to the PULL socket, where nothing is lost while the connection comes up.
    pub(crate) fn push_agent(&self) -> SampleSender {
        SampleSender::connect(SendMode::Push, self.agent_address(1)).unwrap()
    }

    /// One sample of each of `colors` as one batch, past the sockets.
    pub(crate) fn push(&self, colors: &[&str]) {
        let mut batch = Batch::default();
        for color in colors {
            batch.push(Sample::from_json(&sample(color, 0)).unwrap()).unwrap();
        }
        self.history.push(&mut batch);
    }

    /// `n` samples of about `bytes` each as one batch, past the sockets.
    pub(crate) fn push_padded(&self, color: &str, bytes: usize, n: usize) {
        let padding = "x".repeat(bytes);
        let json = format!(
            r#"{{"color":"{color}","timestamp":"2026-11-20T12:03:07Z","cpu":1,"mem":2,"padding":"{padding}"}}"#
        );
        let mut batch = Batch::default();
        for _ in 0..n {
            batch.push(Sample::from_json(json.as_bytes()).unwrap()).unwrap();
        }
        self.history.push(&mut batch);
    }

    /// A client of the feed, with further header lines, each ended by CRLF.
    pub(crate) async fn feed(&self, headers: &str) -> Feed {
        let feed = Feed::open(self.address, "/feed", headers).await;
        assert!(feed.head.contains("200 OK"), "{}", feed.head);
        feed
    }

    /// An answer's status and body.
    pub(crate) async fn get(&self, target: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request = format!("GET {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address);
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        timeout(WAIT, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    /// Ends everything and waits for it.
    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        timeout(WAIT, self.collector.join()).await.expect("the collector ends");
        timeout(WAIT, self.serving).await.expect("the listener ends").unwrap();
    }
}

/// One event as a browser would see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) data: String,
}

impl Event {
    pub(crate) fn seq(&self) -> u64 {
        self.id.parse::<EventId>().unwrap().seq
    }
}

/// A client of the feed.
pub(crate) struct Feed {
    pub(crate) head: String,
    pub(crate) retry_millis: u64,
    /// Whether the end was the end of the body, not of the connection.
    pub(crate) has_ended_well: bool,
    reader: BufReader<TcpStream>,
    text: String,
}

impl Feed {
    pub(crate) async fn open(address: SocketAddr, target: &str, headers: &str) -> Self {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {target} HTTP/1.1\r\nHost: {address}\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut reader = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let n = timeout(WAIT, reader.read_line(&mut head)).await.unwrap().unwrap();
            assert!(0 < n, "the connection ended in the head: {head}");
        }
        Self { head, retry_millis: 0, has_ended_well: false, reader, text: String::new() }
    }

    /// The next event of this name; those of other names are passed over, but gaps are not.
    pub(crate) async fn event(&mut self, name: &str) -> Event {
        let deadline = Instant::now() + WAIT;
        loop {
            // Pings keep a feed alive on which nothing else comes.
            assert!(Instant::now() < deadline, "waited {WAIT:?} in vain for: {name}");
            let event = self.next().await.unwrap_or_else(|| panic!("the feed ended before {name}"));
            if event.name == name {
                return event;
            }
            assert_ne!(event.name, "gap", "{event:?}");
        }
    }

    /// The next event, or the end.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let mut event = Event { name: "message".to_owned(), ..Event::default() };
                for line in block.lines() {
                    match line.split_once(": ").expect("field and value") {
                        ("id", id) => event.id = id.to_owned(),
                        ("event", name) => event.name = name.to_owned(),
                        ("data", data) => event.data = data.to_owned(),
                        ("retry", millis) => self.retry_millis = millis.parse().unwrap(),
                        other => panic!("{other:?}"),
                    }
                }
                self.text = rest.to_owned();
                if !event.data.is_empty() {
                    return Some(event);
                }
            }
            let piece = timeout(WAIT, self.piece()).await.expect("the feed goes on or ends")?;
            self.text += &piece;
        }
    }

    /// One piece of the chunked body; `None` at its end or when the connection is lost.
    async fn piece(&mut self) -> Option<String> {
        let mut size = String::new();
        self.reader.read_line(&mut size).await.ok()?;
        let size = usize::from_str_radix(size.trim(), 16).ok()?;
        let mut piece = vec![0; size + 2];
        self.reader.read_exact(&mut piece).await.ok()?;
        self.has_ended_well = size == 0;
        piece.truncate(size);
        (0 < size).then(|| String::from_utf8(piece).unwrap())
    }
}
