//! The composition: every service of one relay, built from the settings, started, and ended together.

use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use signalbox_shared::api::ServiceInfo;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::broker;
use crate::changes::Changes;
use crate::chat::{self, Chat};
use crate::clock::now_ms;
use crate::collector::{Collector, CollectorHandle, History};
use crate::config::{EngineAddress, Settings};
use crate::engine::Engine;
use crate::limits::Limits;
use crate::news::News;
use crate::notices;
use crate::tail::Tails;
use crate::web::message_body::LARGE_BODIES_MAX;
use crate::web::socket::Sockets;
use crate::web::{self, AppState, EmbeddedPage};

/// A running relay.
pub struct Relay {
    services: Arc<[ServiceInfo]>,
    addresses: Addresses,
    tasks: TaskTracker,
    collector: Option<CollectorHandle>,
    chat: Arc<Chat>,
    shutdown: CancellationToken,
    limits: Arc<Limits>,
}

/// The history, off the runtime's own threads while it is read from the disk.
async fn history(settings: &Settings) -> anyhow::Result<Arc<History>> {
    let Some(data_dir) = settings.data_dir.clone() else {
        return Ok(History::with_rules(&settings.limits, &settings.alerts));
    };
    let (limits, rules) = (settings.limits.clone(), settings.alerts.clone());
    tokio::task::spawn_blocking(move || History::open(&limits, &rules, &data_dir)).await?
}

/// Where a relay really listens, which matters when a port of 0 was asked for.
#[derive(Clone, Debug, Default)]
pub struct Addresses {
    /// Page, feed, WebSocket and API.
    pub http: Option<SocketAddr>,
    /// Message broker.
    pub broker: Option<SocketAddr>,
    /// Message broker's Unix socket.
    pub broker_unix: Option<PathBuf>,
    /// Line chat.
    pub chat: Option<SocketAddr>,
    /// The collector's endpoints.
    pub collector: Vec<String>,
}

impl Relay {
    /// Binds every listener and starts every service. Cancel `shutdown` to end them, then call [`Self::wait`].
    ///
    /// # Errors
    /// An address that cannot be bound, with the setting that moves it. Nothing runs then.
    pub async fn start(
        settings: &Settings,
        page: EmbeddedPage,
        shutdown: CancellationToken,
    ) -> anyhow::Result<Self> {
        let http = bind(settings.http, "http").await?;
        let broker =
            broker::Listeners { tcp: bind(settings.broker, "broker").await?, unix: bind_unix(settings)? };
        let line_chat = bind(settings.chat, "chat").await?;

        let limits = Arc::new(settings.limits.clone());
        let router = broker::Router::with_options(&limits, &settings.broker_options);
        let engine = match &settings.engine {
            EngineAddress::Embedded => Engine::embedded(router.clone()),
            EngineAddress::Tcp(address) => Engine::tcp(router.clone(), address, shutdown.clone()),
        }
        .with_permits(settings.permits);
        let history = history(settings).await?;
        let rooms = match &settings.data_dir {
            Some(folder) => Chat::open(&limits, &folder.join("chat"))?,
            None => Chat::new(&limits),
        };
        let news = News::new(&settings.sources, settings.news.clone(), &limits, shutdown.clone())?;
        let collector = Collector::start(
            &settings.collector_sub,
            &settings.collector_pull,
            history.clone(),
            engine.clone(),
            &limits,
            shutdown.clone(),
        )?;

        let (changes, listening) = Changes::start(&settings.database, &limits, shutdown.clone())?;
        let notices = notices::start(
            engine.clone(),
            rooms.clone(),
            history.clone(),
            collector.stats(),
            shutdown.clone(),
        );

        let addresses = Addresses {
            http: local_address(http.as_ref())?,
            broker: local_address(broker.tcp.as_ref())?,
            broker_unix: broker.unix.as_ref().and(settings.broker_unix.clone()),
            chat: local_address(line_chat.as_ref())?,
            collector: collector.endpoints().to_vec(),
        };
        let services = services(&addresses);
        let tasks = TaskTracker::new();
        if let Some(listening) = listening {
            tasks.spawn(listening);
        }
        if broker.tcp.is_some() || broker.unix.is_some() {
            tasks.spawn(broker::listener::serve(broker, router, shutdown.clone()));
        }
        let bridge = chat::bridge::serve(rooms.clone(), engine.clone(), limits.clone(), shutdown.clone());
        tasks.spawn(bridge);
        if let Some(listener) = line_chat {
            tasks.spawn(chat::listener::serve(listener, rooms.clone(), limits.clone(), shutdown.clone()));
        }
        if let Some(listener) = http {
            let tails = Tails::new(engine.clone(), limits.clone());
            let sockets = Sockets::start(
                engine.clone(),
                tails.clone(),
                rooms.clone(),
                changes.clone(),
                limits.clone(),
                shutdown.clone(),
            );
            let state = AppState {
                sockets: sockets.clone(),
                engine,
                tails,
                streams: Arc::new(Semaphore::new(
                    usize::try_from(limits.http_tails_clients).unwrap_or(Semaphore::MAX_PERMITS),
                )),
                large_bodies: Arc::new(Semaphore::new(LARGE_BODIES_MAX)),
                history,
                collector: collector.stats(),
                news: news.clone(),
                chat: rooms.clone(),
                changes,
                limits: limits.clone(),
                services: services.clone(),
                started_at_ms: now_ms(),
                shutdown: shutdown.clone(),
            };
            let router = web::router(state, settings, page);
            let serve = web::listener::serve(listener, router, limits.clone(), shutdown.clone());
            tasks.spawn(async move {
                serve.await;
                // An upgraded connection is no longer the listener's.
                sockets.ended().await;
                news.ended().await;
            });
        }
        tasks.spawn(notices);
        tasks.close();
        Ok(Self { services, addresses, tasks, collector: Some(collector), chat: rooms, shutdown, limits })
    }

    /// Where it listens.
    #[must_use]
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Every service, what speaks there and where.
    #[must_use]
    pub fn services(&self) -> &[ServiceInfo] {
        &self.services
    }

    /// Waits for the end of everything: until `shutdown` without a deadline, from then on for `shutdown_millis`.
    pub async fn wait(mut self) {
        self.shutdown.cancelled().await;
        let collector = self.collector.take();
        let ended = async {
            self.tasks.wait().await;
            if let Some(collector) = collector {
                collector.join().await;
            }
            // Everybody has left: these were the last lines.
            self.chat.close();
        };
        if !within(Duration::from_millis(self.limits.shutdown_millis), ended).await {
            let left = self.tasks.len();
            tracing::warn!(left, "the deadline of shutdown_millis passed with {left} services still at work");
        }
    }
}

async fn within(deadline: Duration, future: impl Future<Output = ()>) -> bool {
    tokio::time::timeout(deadline, future).await.is_ok()
}

async fn bind(address: Option<SocketAddr>, setting: &str) -> anyhow::Result<Option<TcpListener>> {
    let Some(address) = address else { return Ok(None) };
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!("{setting} cannot listen on {address}: end what does, or choose another address with --{setting} IP:PORT (or off)")
    })?;
    Ok(Some(listener))
}

fn bind_unix(settings: &Settings) -> anyhow::Result<Option<broker::UnixSocket>> {
    let Some(path) = &settings.broker_unix else { return Ok(None) };
    let socket = broker::UnixSocket::bind(path, settings.broker_unix_mode).with_context(|| {
        let path = path.display();
        format!("broker_unix cannot listen on {path}: choose another path with --broker-unix, or end what listens there")
    })?;
    Ok(Some(socket))
}

fn local_address(listener: Option<&TcpListener>) -> anyhow::Result<Option<SocketAddr>> {
    listener.map(TcpListener::local_addr).transpose().context("a bound listener has no address")
}

fn services(addresses: &Addresses) -> Arc<[ServiceInfo]> {
    let service = |name: &str, speaks: &str, addresses: Vec<String>, setting: &str| ServiceInfo {
        name: name.to_owned(),
        speaks: speaks.to_owned(),
        addresses,
        setting: setting.to_owned(),
    };
    let tcp = |address: Option<SocketAddr>| address.iter().map(SocketAddr::to_string).collect();
    let mut broker: Vec<String> = tcp(addresses.broker);
    broker.extend(addresses.broker_unix.iter().map(|path| format!("unix:{}", path.display())));
    [
        service(
            "page",
            "browsers: page, /feed, /ws, /api",
            addresses.http.iter().map(|a| format!("http://{a}")).collect(),
            "--http",
        ),
        service("broker", "length-prefixed frames over TCP", broker, "--broker"),
        service(
            "collector",
            "JSON samples over ZeroMQ (PUB or PUSH)",
            addresses.collector.clone(),
            "--collector-sub, --collector-pull",
        ),
        service("chat", "lines over TCP, as nc speaks them", tcp(addresses.chat), "--chat"),
    ]
    .into()
}
