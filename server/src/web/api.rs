//! Small answers about the relay itself: alive, ready, what it is and which channels it has.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{Method, Uri, header};
use axum::response::IntoResponse;
use signalbox_shared::api::{Channels, Info};
use signalbox_shared::changes::Changes;
use signalbox_shared::{ChannelName, PROTOCOL_VERSION};

use super::AppState;
use super::problem::ApiError;
use crate::broker::stats::ConnectionRow;
use crate::clock::now_ms;
use crate::engine::Mode;
use crate::limits;

/// Where the readiness probe goes round; a topic, so that an unread probe is not kept.
const PROBE_CHANNEL: &str = "/topic/signalbox/ready";
/// How long a probe may take: the way through the engine takes well under a millisecond when it is well.
const PROBE_DEADLINE: Duration = Duration::from_secs(2);

/// `GET /healthz`: the process answers.
pub async fn health() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: a message published through the engine comes back.
///
/// # Errors
/// 503 when it does not, and why.
pub async fn ready(State(state): State<AppState>) -> Result<&'static str, ApiError> {
    let channel: ChannelName =
        PROBE_CHANNEL.parse().map_err(|error| ApiError::unavailable(format!("{error}")))?;
    let mut subscription = state
        .engine
        .subscribe(&channel, Mode::Consume)
        .map_err(|error| ApiError::unavailable(format!("no probe can be subscribed: {error}")))?;
    state
        .engine
        .publish(&channel, b"ready?")
        .await
        .map_err(|error| ApiError::unavailable(format!("no probe can be published: {error}")))?;
    match tokio::time::timeout(PROBE_DEADLINE, subscription.next()).await {
        Ok(batch) if 0 < batch.n_messages() => Ok("ready\n"),
        _ => Err(ApiError::unavailable(format!("a probe did not come back within {PROBE_DEADLINE:?}"))),
    }
}

/// `GET /api/info`: version, services, features, bounds and the collector's accounts.
pub async fn info(State(state): State<AppState>) -> Json<Info> {
    let limits = limits::TABLE
        .iter()
        .filter_map(|limit| Some((limit.name.to_owned(), state.limits.value(limit.name)?)))
        .collect();
    Json(Info {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        protocol: PROTOCOL_VERSION,
        started_at_ms: state.started_at_ms,
        now_ms: now_ms(),
        services: state.services.to_vec(),
        features: state.engine.features(),
        engine: state.engine.info(),
        limits,
        collector: state.collector.info(),
    })
}

/// `GET /api/channels`: every channel's statistics.
pub async fn channels(State(state): State<AppState>) -> Json<Channels> {
    Json(Channels { now_ms: now_ms(), channels: state.engine.channels() })
}

/// `GET /api/changes`: how the database stands, and the newest changes.
pub async fn changes(State(state): State<AppState>) -> Json<Changes> {
    let (events, n_older) = state.changes.newest();
    let events = events.iter().map(|event| (**event).clone()).collect();
    Json(Changes { now_ms: now_ms(), info: state.changes.info(), events, n_older })
}

/// `GET /api/connections`: every broker connection's statistics, in the order of their arrival.
pub async fn connections(State(state): State<AppState>) -> Json<Vec<ConnectionRow>> {
    Json(state.engine.connections())
}

/// `GET /api/openapi.json`: this API in OpenAPI 3.1.
pub async fn openapi() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], include_str!("../../../docs/openapi.json"))
}

/// Any address of the API with a method that it does not take.
pub async fn method_not_allowed(method: Method, uri: Uri) -> ApiError {
    ApiError::method_not_allowed(format!("{} does not take {method}", uri.path()))
}
