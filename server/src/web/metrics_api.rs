//! `GET /api/metrics/...`: what charts begin with, before the feed goes on.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use signalbox_shared::feed::{MetricsMarks, MetricsRules};

use super::problem::ApiError;
use crate::collector::{
    History,
    answer::{Question, SECS_MAX},
};

/// Window when the request names none, in seconds: what a chart shows at first.
const WINDOW_SECS: u32 = 600;

/// What `GET /api/metrics/history` takes.
#[derive(Debug, Default, Deserialize)]
pub struct HistoryQuery {
    /// Seconds back from now, by the agents' clocks.
    window: Option<u32>,
    /// Seconds between points; 0 for the samples themselves.
    step: Option<u32>,
    /// Where the window ends, in milliseconds since the Unix epoch; now when it is missing.
    until: Option<i64>,
}

/// `GET /api/metrics/history?window=<seconds>&step=<seconds>&until=<milliseconds>`: columns per agent and metric, and the id from which
/// the feed goes on without hole or overlap.
///
/// # Errors
/// 400 when the window is no number from 1 to 604800, or the step none from 0 to 604800.
pub async fn history(
    State(history): State<Arc<History>>,
    query: Result<Query<HistoryQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(query) = query.map_err(|error| {
        ApiError::bad_request(format!(
            "window and step are whole numbers of seconds, until is one of milliseconds: {}",
            error.body_text()
        ))
    })?;
    let (window, step) = (query.window.unwrap_or(WINDOW_SECS), query.step.unwrap_or(0));
    if window == 0 || SECS_MAX < window || SECS_MAX < step {
        return Err(ApiError::bad_request(format!(
            "window is {window} and step {step}: allowed are 1 to {SECS_MAX} and 0 to {SECS_MAX} seconds"
        )));
    }
    let json =
        history.answer_json(Question { window_secs: window, step_secs: step, until_ms: query.until }).await;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, Body::from(json)).into_response())
}

/// `GET /api/metrics/rules`: every alert rule, and which agents are beyond its bounds.
pub async fn rules(State(history): State<Arc<History>>) -> Json<MetricsRules> {
    Json(history.rules())
}

/// `GET /api/metrics/marks`: the newest marks.
pub async fn marks(State(history): State<Arc<History>>) -> Json<MetricsMarks> {
    Json(history.marks())
}
