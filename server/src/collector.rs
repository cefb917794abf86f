//! The collector: samples from any program over ZeroMQ, checked, numbered, kept for a while and handed to every reader.
//!
//! One thread reads libzmq's sockets ([`socket`]), because they belong to one thread; everything behind it is plain
//! memory. Knows no HTTP: the feed and the answers about the history are made in `web`. ZeroMQ stands only here.

use std::sync::Arc;
use std::thread;

use anyhow::Context as _;
use bytes::Bytes;
use signalbox_shared::ChannelName;
use signalbox_shared::channel::OTHER_CHANNEL;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::engine::Engine;
use crate::limits::Limits;

pub mod agents;
pub mod alerts;
pub mod answer;
pub mod clients;
pub mod cursor;
mod delivery;
pub mod endpoint;
pub mod event;
pub mod history;
pub mod life;
pub mod marks;
mod pace;
pub mod points;
mod restore;
pub mod ring;
pub mod sender;
pub mod series;
pub mod socket;
pub mod stats;
pub mod store;
pub mod tier;

pub use alerts::AlertRule;
pub use cursor::{FeedCursor, Overrun, TooManyClients};
pub use endpoint::{Attach, Endpoint, EndpointError};
pub use history::{Batch, History, LatestSample, Pushed};
pub use sender::{SampleSender, SendMode};
pub use stats::CollectorStats;

/// Such messages that wait for the engine; of more, the newest are counted and dropped.
const OTHER_PENDING_MAX: usize = 256;
/// Address inside the process over which the thread is told to end.
const END_ADDRESS: &str = "inproc://end";

/// Starts collectors.
#[derive(Clone, Copy, Debug)]
pub struct Collector;

/// A running collector.
#[derive(Debug)]
pub struct CollectorHandle {
    endpoints: Vec<String>,
    stats: Arc<CollectorStats>,
    tasks: Vec<JoinHandle<()>>,
    thread: Option<(thread::JoinHandle<()>, oneshot::Receiver<()>)>,
}

impl Collector {
    /// Binds and connects a SUB and a PULL socket, starts the thread that reads them, and lets `history` run, all until
    /// `shutdown`. Must be called in a tokio runtime.
    ///
    /// # Errors
    /// An endpoint that cannot be bound, with the setting that moves it. Nothing runs then.
    pub fn start(
        sub: &[Endpoint],
        pull: &[Endpoint],
        history: Arc<History>,
        engine: Engine,
        limits: &Limits,
        shutdown: CancellationToken,
    ) -> anyhow::Result<CollectorHandle> {
        let context = zmq::Context::new();
        let attached = [
            socket::attach(&context, zmq::SUB, sub, "collector-sub", limits)?,
            socket::attach(&context, zmq::PULL, pull, "collector-pull", limits)?,
        ];
        let attached: Vec<socket::Attached> = attached.into_iter().flatten().collect();
        let endpoints = attached.iter().flat_map(|attached| attached.endpoints.clone()).collect();
        let stats = Arc::new(CollectorStats::new(history.clone()));

        let mut tasks = Vec::new();
        let mut thread = None;
        if !attached.is_empty() {
            let (end, ender) = end_signal(&context).context("libzmq refuses a socket inside the process")?;
            let (other, others) = mpsc::channel(OTHER_PENDING_MAX);
            let worker = socket::Worker {
                sockets: attached.into_iter().map(socket::Attached::into_socket).collect(),
                end,
                history: history.clone(),
                stats: stats.clone(),
                other,
                agents_max: limits.collector_agents,
            };
            // Dropped when the thread has freed the ports, so that nobody blocks a thread of the runtime to wait for it.
            let (ended, has_ended) = oneshot::channel();
            let body = move || {
                if let Err(error) = worker.run() {
                    tracing::error!(%error, "the collector has failed and takes no more samples: {error}");
                }
                drop(worker);
                drop(ended);
            };
            let handle = thread::Builder::new().name("collector".to_owned()).spawn(body);
            thread = Some((handle.context("no thread for the collector")?, has_ended));
            tasks.push(tokio::spawn(publish_others(others, engine, stats.clone())));
            let shutdown = shutdown.clone();
            tasks.push(tokio::spawn(async move {
                shutdown.cancelled().await;
                // Fails only when the thread has ended before.
                let _ = ender.send("", zmq::DONTWAIT);
            }));
        }
        tasks.push(tokio::spawn(async move {
            history.run(shutdown).await;
            // Only a panic, which has been told, or the end of the runtime can come in between.
            let _ = tokio::task::spawn_blocking(move || history.end_store()).await;
        }));
        Ok(CollectorHandle { endpoints, stats, tasks, thread })
    }
}

impl CollectorHandle {
    /// Where it really is, bound ones with their port: `@tcp://127.0.0.1:5555`. Those of `sub` come first.
    #[must_use]
    pub fn endpoints(&self) -> &[String] {
        &self.endpoints
    }

    /// What it took and refused.
    #[must_use]
    pub fn stats(&self) -> Arc<CollectorStats> {
        self.stats.clone()
    }

    /// Waits until it has ended, which its shutdown token must have asked for; its ports are free then.
    pub async fn join(self) {
        if let Some((thread, has_ended)) = self.thread {
            // The sender is dropped, never used.
            let _ = has_ended.await;
            if thread.join().is_err() {
                tracing::error!("the collector's thread has panicked");
            }
        }
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a task of the collector has failed: {error}");
            }
        }
    }
}

fn end_signal(context: &zmq::Context) -> zmq::Result<(zmq::Socket, zmq::Socket)> {
    let end = context.socket(zmq::PAIR)?;
    end.set_linger(0)?;
    end.bind(END_ADDRESS)?;
    let ender = context.socket(zmq::PAIR)?;
    ender.set_linger(0)?;
    ender.connect(END_ADDRESS)?;
    Ok((end, ender))
}

async fn publish_others(mut others: mpsc::Receiver<Bytes>, engine: Engine, stats: Arc<CollectorStats>) {
    let channel: ChannelName = match OTHER_CHANNEL.parse() {
        Ok(channel) => channel,
        Err(error) => {
            tracing::error!(%error, "{OTHER_CHANNEL} is no channel: {error}");
            return;
        }
    };
    while let Some(json) = others.recv().await {
        let published = engine.publish(&channel, &json).await;
        stats.count_other(published.is_ok());
    }
}
