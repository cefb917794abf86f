//! What tests share: waiting for a condition with a deadline, and a relay on port 0 that ends when dropped.

pub(crate) mod broker;
pub(crate) mod postgres;
pub(crate) mod pty;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use signalbox::config::{Layers, Settings};
use signalbox::limits::Limits;
use signalbox::relay::{Addresses, Relay};
use signalbox::web::EmbeddedPage;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How long a condition may take before a test fails: far over what any takes on a busy two-core machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// Waits until `condition` gives a value, looking again every few milliseconds.
///
/// # Panics
/// After [`DEADLINE`], naming `what` was waited for.
pub(crate) async fn eventually<T>(what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    let mut look_again = tokio::time::interval(Duration::from_millis(5));
    loop {
        look_again.tick().await;
        if let Some(value) = condition().await {
            return value;
        }
        assert!(started.elapsed() < DEADLINE, "waited {DEADLINE:?} in vain for: {what}");
    }
}

/// A whole relay on port 0 that ends when dropped.
pub(crate) struct TestServer {
    addresses: Addresses,
    shutdown: CancellationToken,
    ended: Option<JoinHandle<()>>,
}

impl TestServer {
    /// Starts one with these bounds, its collector off.
    pub(crate) async fn start(limits: Limits) -> Self {
        Self::start_with(Settings { limits, ..quiet_settings() }).await
    }

    /// Starts one with these settings.
    pub(crate) async fn start_with(settings: Settings) -> Self {
        let shutdown = CancellationToken::new();
        let relay = Relay::start(&settings, EmbeddedPage::default(), shutdown.clone())
            .await
            .expect("a relay on free ports");
        let addresses = relay.addresses().clone();
        Self { addresses, shutdown, ended: Some(tokio::spawn(relay.wait())) }
    }

    pub(crate) fn http(&self) -> SocketAddr {
        self.addresses.http.expect("http is on")
    }

    pub(crate) fn broker(&self) -> SocketAddr {
        self.addresses.broker.expect("the broker is on")
    }

    pub(crate) fn chat(&self) -> SocketAddr {
        self.addresses.chat.expect("the chat is on")
    }

    pub(crate) fn collector(&self) -> &[String] {
        &self.addresses.collector
    }

    /// Asks it to end and waits until it has.
    pub(crate) async fn stop(mut self) {
        self.shutdown.cancel();
        if let Some(ended) = self.ended.take() {
            tokio::time::timeout(DEADLINE, ended).await.expect("the relay ends").expect("and does not panic");
        }
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// Every service on a free port, the collector off.
pub(crate) fn quiet_settings() -> Settings {
    let mut layers = Layers::default();
    let said = [("HTTP", "127.0.0.1:0"), ("BROKER", "127.0.0.1:0"), ("CHAT", "127.0.0.1:0")];
    let off = [("COLLECTOR_SUB", "off"), ("COLLECTOR_PULL", "off"), ("NEWS", "off")];
    let variables = said.into_iter().chain(off);
    layers.say_variables(variables.map(|(name, text)| (format!("SIGNALBOX_{name}"), text.to_owned())));
    Settings::from_layers(&layers).expect("valid settings")
}

/// An HTTP answer, read whole.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Head lines, lower case names.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json<T: serde::de::DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {}", self.text()))
    }
}

/// One request on a connection of its own. `headers` are whole lines; Host is added unless given.
pub(crate) async fn http(
    address: SocketAddr,
    method: &str,
    target: &str,
    headers: &[&str],
    body: &[u8],
) -> Answer {
    let mut head = format!("{method} {target} HTTP/1.1\r\nConnection: close\r\n");
    if !headers.iter().any(|line| line.to_ascii_lowercase().starts_with("host:")) {
        head += &format!("Host: {address}\r\n");
    }
    for line in headers {
        head += &format!("{line}\r\n");
    }
    if !body.is_empty() {
        head += &format!("Content-Length: {}\r\n", body.len());
    }
    head += "\r\n";
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(body).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        std::io::Result::Ok(answer)
    };
    let bytes =
        tokio::time::timeout(DEADLINE, exchange).await.expect("an answer in time").expect("an answer");
    parse_answer(&bytes)
}

fn parse_answer(bytes: &[u8]) -> Answer {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("an answer's head");
    let head = String::from_utf8_lossy(&bytes[..end]);
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).expect("a status line");
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let is_chunked = headers.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked");
    let rest = &bytes[end + 4..];
    Answer { status, headers, body: if is_chunked { unchunked(rest) } else { rest.to_vec() } }
}

fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
        let size =
            std::str::from_utf8(&rest[..end]).ok().and_then(|hex| usize::from_str_radix(hex.trim(), 16).ok());
        let Some(size) = size.filter(|&size| size != 0) else { break };
        body.extend_from_slice(&rest[end + 2..end + 2 + size]);
        rest = &rest[end + 4 + size..];
    }
    body
}
