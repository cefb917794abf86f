//! One channel over HTTP: its detail, its messages as a stream, publishing on it, and emptying it.

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use signalbox_shared::detail::ChannelDetail;
use signalbox_shared::socket::TailMode;
use signalbox_shared::{ChannelName, Filter as Words};

use super::AppState;
use super::bulk;
use super::feed::HangUp;
use super::message_body;
use super::message_stream::{Ends, MessageStream};
use super::permits::{self, Action};
use super::problem::ApiError;
use crate::engine::{PublishError, PurgeError};
use crate::filter::Filter;

type Name = Result<Path<String>, PathRejection>;

fn channel(name: Name) -> Result<ChannelName, ApiError> {
    let Path(name) = name.map_err(|error| {
        ApiError::bad_request(format!("the channel's name cannot be read: {}", error.body_text()))
    })?;
    name.parse().map_err(|error| ApiError::bad_request(format!("{error}")))
}

/// `GET /api/channels/{name}`: one channel seen from near.
///
/// # Errors
/// 400 when that is no name, 404 when nobody has used it.
pub async fn detail(State(state): State<AppState>, name: Name) -> Result<Json<ChannelDetail>, ApiError> {
    let name = channel(name)?;
    let detail = state.engine.detail(&name);
    if detail.row.is_none() {
        return Err(ApiError::not_found(format!(
            "nobody has used the channel {name} since it was last idle"
        )));
    }
    Ok(Json(detail))
}

/// What `GET /api/channels/{name}/messages` takes.
#[derive(Debug, Default, Deserialize)]
pub struct MessagesQuery {
    /// Whether to see copies, which is what happens without a word, or to take part in the delivery.
    tap: Option<bool>,
    /// Which messages; see `shared/src/filter.rs`.
    filter: Option<String>,
    /// End after so many.
    count: Option<u64>,
    /// End after so many seconds.
    secs: Option<u64>,
}

/// `GET /api/channels/{name}/messages`: what comes from now on, one JSON object per line, and a last line that tells
/// why it ended.
///
/// # Errors
/// 400 for a name, filter or number that is none; 403 when it is not allowed; 503 when `http_tails_clients` are there or
/// the engine cannot.
pub async fn messages(
    State(state): State<AppState>,
    name: Name,
    query: Result<Query<MessagesQuery>, QueryRejection>,
    request: Request,
) -> Result<Response, ApiError> {
    let name = channel(name)?;
    let Query(query) = query.map_err(|error| {
        ApiError::bad_request(format!(
            "tap is true or false, count and secs are whole numbers: {}",
            error.body_text()
        ))
    })?;
    permits::check(&state, Action::Export)?;
    let mode = if query.tap.unwrap_or(true) { TailMode::Tap } else { TailMode::Consume };
    if mode == TailMode::Consume {
        permits::check(&state, Action::Consume)?;
    }
    let filter = query.filter.as_deref().map(filter).transpose()?;
    let seat = state.streams.clone().try_acquire_owned().map_err(|_| {
        ApiError::unavailable(
            "as many streams of messages as http_tails_clients allows are open: try again later",
        )
    })?;
    let source = state.tails.open(&name, mode).map_err(|error| ApiError::unavailable(error.to_string()))?;
    let hang_up = request.extensions().get::<HangUp>().cloned().unwrap_or_default().0;
    let ends = Ends {
        count: query.count,
        secs: query.secs,
        stall_secs: state.limits.socket_stall_secs,
        shutdown: state.shutdown.clone(),
        hang_up,
    };
    let stream = MessageStream::new(source, filter, ends, seat);
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    Ok((headers, Body::from_stream(stream.lines())).into_response())
}

fn filter(words: &str) -> Result<Filter, ApiError> {
    let Ok(words) = words.parse::<Words>();
    Filter::new(&words).map_err(|error| ApiError::bad_request(format!("filter: {error}")))
}

/// What `POST /api/channels/{name}/messages` takes beside its body.
#[derive(Debug, Default, Deserialize)]
pub struct PublishQuery {
    /// Whether the body holds many messages.
    bulk: Option<bool>,
}

/// `POST /api/channels/{name}/messages`: publishes the body as it is, or with `bulk=true` every message in it, and says
/// what became of each.
///
/// # Errors
/// 400 for a name that is none, a bulk that does not parse or a body that does not come whole; 403 when it is not allowed; 413 over the bound of a body,
/// a frame or a bulk; 503 when the engine cannot take it now.
pub async fn publish(
    State(state): State<AppState>,
    name: Name,
    query: Result<Query<PublishQuery>, QueryRejection>,
    request: Request,
) -> Result<Json<Value>, ApiError> {
    let name = channel(name)?;
    permits::check(&state, Action::Publish)?;
    let Query(query) = query
        .map_err(|error| ApiError::bad_request(format!("bulk is true or false: {}", error.body_text())))?;
    let is_ndjson = request
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().to_ascii_lowercase().starts_with(b"application/x-ndjson"));
    let body = message_body::read(request, &state.limits, &state.large_bodies).await?;
    if query.bulk.unwrap_or(is_ndjson) {
        let items = bulk::items(&body, state.limits.http_bulk_messages)?;
        return Ok(Json(bulk::publish(&state.engine, &name, items).await));
    }
    let receipt = state.engine.publish(&name, &body).await.map_err(|error| refusal(&error))?;
    Ok(Json(json!({ "channel": name, "detail": receipt.detail() })))
}

fn refusal(error: &PublishError) -> ApiError {
    match error {
        PublishError::TooLarge { .. } => ApiError::too_large(error.to_string()),
        _ => ApiError::unavailable(error.to_string()),
    }
}

/// `DELETE /api/channels/{name}/messages`: empties a queue's backlog.
///
/// # Errors
/// 400 for a name that is none, 403 when it is not allowed, 404 when nobody has used the channel, 409 when it keeps
/// nothing or the engine cannot empty it.
pub async fn purge(State(state): State<AppState>, name: Name) -> Result<Json<Value>, ApiError> {
    let name = channel(name)?;
    permits::check(&state, Action::Purge)?;
    let n_purged = state.engine.purge(&name).map_err(|error| match error {
        PurgeError::Unknown { .. } => ApiError::not_found(error.to_string()),
        _ => ApiError::conflict(error.to_string()),
    })?;
    Ok(Json(json!({ "channel": name, "n_purged": n_purged })))
}
