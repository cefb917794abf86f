//! The web side: what a browser, curl or Prometheus reaches over HTTP. axum stands only here.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef};
use axum::middleware;
use axum::routing::{get, post};
use signalbox_shared::api::ServiceInfo;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower::ServiceBuilder;

use crate::changes::Changes;
use crate::chat::Chat;
use crate::collector::{CollectorStats, History};
use crate::config::Settings;
use crate::engine::Engine;
use crate::limits::Limits;
use crate::news::News;
use crate::tail::Tails;

pub mod api;
pub mod assets;
pub mod auth;
mod bulk;
pub mod channels_api;
pub mod feed;
mod hand_over;
pub mod listener;
pub mod message_body;
mod message_stream;
pub mod metrics_api;
pub mod news;
pub mod patrons;
pub mod permits;
pub mod problem;
pub mod prometheus;
pub mod render;
pub mod socket;

pub use assets::EmbeddedPage;

use socket::Sockets;

/// What the handlers share.
#[derive(Clone)]
pub struct AppState {
    /// Message routing.
    pub engine: Engine,
    /// What watchers see of channels.
    pub tails: Arc<Tails>,
    /// Seats for streams of messages over HTTP.
    pub streams: Arc<Semaphore>,
    /// Seats for large bodies that are being read.
    pub large_bodies: Arc<Semaphore>,
    /// Samples and their feed.
    pub history: Arc<History>,
    /// What the collector took and refused.
    pub collector: Arc<CollectorStats>,
    /// The rooms.
    pub chat: Arc<Chat>,
    /// Headlines.
    pub news: Arc<News>,
    /// The database whose changes are followed.
    pub changes: Changes,
    /// Open WebSockets and what they share.
    pub sockets: Arc<Sockets>,
    /// Every bound.
    pub limits: Arc<Limits>,
    /// Each service and where it listens.
    pub services: Arc<[ServiceInfo]>,
    /// When the relay started, in milliseconds since the Unix epoch.
    pub started_at_ms: i64,
    /// Ends open streams.
    pub shutdown: CancellationToken,
}

impl FromRef<AppState> for Arc<History> {
    fn from_ref(state: &AppState) -> Self {
        state.history.clone()
    }
}

impl FromRef<AppState> for Arc<News> {
    fn from_ref(state: &AppState) -> Self {
        state.news.clone()
    }
}

impl FromRef<AppState> for Changes {
    fn from_ref(state: &AppState) -> Self {
        state.changes.clone()
    }
}

impl FromRef<AppState> for Arc<Sockets> {
    fn from_ref(state: &AppState) -> Self {
        state.sockets.clone()
    }
}

/// Every route of the relay, with the page that the binary holds.
pub fn router(state: AppState, settings: &Settings, page: EmbeddedPage) -> Router {
    let allowed = Arc::new(auth::Allowed {
        hosts: settings.allow_host.clone(),
        origins: settings.allow_origin.clone(),
    });
    let limits = &state.limits;
    Router::new()
        .route("/feed", get(feed::feed))
        .route("/ws", get(socket::socket))
        .route("/readyz", get(api::ready))
        .route("/metrics", get(prometheus::metrics))
        .route("/api/info", get(api::info))
        .route("/api/channels", get(api::channels))
        .route("/api/channels/{name}", get(channels_api::detail))
        .route(
            "/api/channels/{name}/messages",
            get(channels_api::messages).post(channels_api::publish).delete(channels_api::purge),
        )
        .route("/api/connections", get(api::connections))
        .route("/api/metrics/history", get(metrics_api::history))
        .route("/api/changes", get(api::changes))
        .route("/api/patrons", get(patrons::list))
        .merge(patrons_by_key(state.changes.clone()))
        .route("/api/metrics/rules", get(metrics_api::rules))
        .route("/api/metrics/marks", get(metrics_api::marks))
        .route("/api/news", get(news::json))
        .route("/news", get(news::html))
        .route("/api/openapi.json", get(api::openapi))
        .method_not_allowed_fallback(api::method_not_allowed)
        // In one, for each layer by itself costs every request a service made anew.
        .layer(
            ServiceBuilder::new()
                .layer(auth::cors(allowed.clone()))
                .layer(middleware::from_fn_with_state(allowed, auth::check))
                .layer(DefaultBodyLimit::max(usize::try_from(limits.http_body_bytes).unwrap_or(usize::MAX))),
        )
        // A probe asks by whatever name it likes and learns nothing.
        .route("/healthz", get(api::health))
        .with_state(state)
        .merge(assets::routes(page, settings.page_dir.as_deref()))
}

/// With a state of their own: that of the others is many times as much to be handed to each request.
fn patrons_by_key(changes: Changes) -> Router<AppState> {
    Router::new()
        .route("/patron", post(patrons::create))
        .route("/patron/{id}", get(patrons::read).put(patrons::change).delete(patrons::delete))
        .with_state(changes)
}
