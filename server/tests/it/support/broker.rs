//! A broker on port 0, and clients that speak its protocol in raw bytes.

use std::net::SocketAddr;
use std::sync::Arc;

use signalbox::broker::stats::ChannelStats;
use signalbox::broker::{BrokerOptions, Listeners, Router, listener};
use signalbox::engine::Engine;
use signalbox::limits::Limits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{DEADLINE, eventually};

/// A broker that ends when dropped.
pub(crate) struct Broker {
    pub(crate) address: SocketAddr,
    pub(crate) engine: Engine,
    pub(crate) router: Arc<Router>,
    serving: JoinHandle<()>,
    shutdown: DropGuard,
}

impl Broker {
    pub(crate) async fn start(limits: Limits) -> Self {
        Self::start_at("127.0.0.1:0", limits).await
    }

    pub(crate) async fn start_at(address: &str, limits: Limits) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        Self::start_on(listener.into(), Router::new(&limits))
    }

    pub(crate) async fn start_with(limits: Limits, options: &BrokerOptions) -> Self {
        Self::start_on(Self::free_port().await, Router::with_options(&limits, options))
    }

    /// A listener on a port that nobody uses.
    pub(crate) async fn free_port() -> Listeners {
        TcpListener::bind("127.0.0.1:0").await.unwrap().into()
    }

    pub(crate) fn start_on(listeners: Listeners, router: Arc<Router>) -> Self {
        let address = listeners.tcp.as_ref().unwrap().local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let serving = tokio::spawn(listener::serve(listeners, Arc::clone(&router), shutdown.clone()));
        let engine = Engine::embedded(Arc::clone(&router));
        Self { address, engine, router, serving, shutdown: shutdown.drop_guard() }
    }

    /// A client that has said nothing.
    pub(crate) async fn connect(&self) -> Client {
        Client { stream: TcpStream::connect(self.address).await.unwrap() }
    }

    /// A client that has named its channel.
    pub(crate) async fn join(&self, channel: &str) -> Client {
        self.connect_saying(&frame(channel.as_bytes())).await
    }

    /// The same, with as little room in its socket as the kernel allows.
    pub(crate) async fn join_narrow(&self, channel: &str) -> Client {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(1).unwrap();
        let mut client = Client { stream: socket.connect(self.address).await.unwrap() };
        client.say(&frame(channel.as_bytes())).await;
        client
    }

    /// A client that has said `bytes`.
    pub(crate) async fn connect_saying(&self, bytes: &[u8]) -> Client {
        let mut client = self.connect().await;
        client.say(bytes).await;
        client
    }

    /// Waits until a channel's statistics satisfy `condition`.
    pub(crate) async fn row<T>(
        &self,
        channel: &str,
        mut condition: impl FnMut(&ChannelStats) -> Option<T>,
    ) -> T {
        let what = format!("statistics of {channel}");
        eventually(&what, async || {
            let rows = self.router.channels();
            rows.iter().find(|row| row.name.as_str() == channel).and_then(&mut condition)
        })
        .await
    }

    /// Waits until a channel has so many subscribers.
    pub(crate) async fn subscribers(&self, channel: &str, n: u64) {
        self.row(channel, |row| (row.subscribers == n).then_some(())).await;
    }

    /// Waits until so many connections were closed for that reason.
    pub(crate) async fn closings(&self, reason: &str, n: u64) {
        let what = format!("{n} closings for {reason}");
        eventually(&what, async || (self.engine.broker_stats().closings[reason] == n).then_some(())).await;
    }

    /// Ends the broker and waits until it has ended.
    pub(crate) async fn end(self) {
        drop(self.shutdown);
        tokio::time::timeout(DEADLINE, self.serving).await.expect("the broker ends").unwrap();
    }
}

/// A client in raw bytes.
pub(crate) struct Client {
    pub(crate) stream: TcpStream,
}

impl Client {
    pub(crate) async fn say(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    pub(crate) async fn publish(&mut self, channel: &str, data: &[u8]) {
        self.say(&pair(channel, data)).await;
    }

    /// Says that nothing more will come.
    pub(crate) async fn half_close(&mut self) {
        let _ = self.stream.shutdown().await; // fails when the broker has closed already
    }

    /// The next message.
    pub(crate) async fn next(&mut self) -> Vec<u8> {
        tokio::time::timeout(DEADLINE, self.try_next()).await.expect("a message in time").expect("a message")
    }

    /// The next message, or the end of the connection.
    pub(crate) async fn try_next(&mut self) -> std::io::Result<Vec<u8>> {
        let n_bytes = self.stream.read_u32().await?;
        let mut payload = vec![0; n_bytes as usize];
        self.stream.read_exact(&mut payload).await?;
        Ok(payload)
    }

    /// Everything until the connection is closed by the other side, in whatever way.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let reading = self.stream.read_to_end(&mut bytes);
        let _ = tokio::time::timeout(DEADLINE, reading).await.expect("the connection is closed in time");
        bytes
    }
}

/// One frame.
pub(crate) fn frame(payload: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(payload.len()).unwrap().to_be_bytes().to_vec();
    bytes.extend_from_slice(payload);
    bytes
}

/// A name and its data.
pub(crate) fn pair(channel: &str, data: &[u8]) -> Vec<u8> {
    [frame(channel.as_bytes()), frame(data)].concat()
}
