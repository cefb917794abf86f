//! The rendering service's one route (docs/protocol.md §8): `GET /render.html?url=..&timeout=..&wait=..`.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use reqwest::Url;
use serde::Deserialize;

use super::problem::ApiError;
use crate::news::render::{RenderError, Renderer, TIMEOUT_SECS_MAX};

/// Longest time that is left to a page's scripts, in seconds of their own clock.
const WAIT_SECS_MAX: f64 = 30.0;

/// What the route takes.
#[derive(Debug, Deserialize)]
struct RenderQuery {
    /// The page.
    url: String,
    /// Longest time it may take, in seconds.
    timeout: Option<u64>,
    /// Time for its scripts, in seconds.
    wait: Option<f64>,
}

/// The service.
pub fn routes(renderer: Arc<Renderer>) -> Router {
    Router::new()
        .route("/render.html", get(render))
        .route("/healthz", get(super::api::health))
        .with_state(renderer)
}

async fn render(
    State(renderer): State<Arc<Renderer>>,
    query: Result<Query<RenderQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, Response> {
    let bad = |detail: String| ApiError::bad_request(detail).into_response();
    let Query(query) = query.map_err(|error| bad(error.body_text()))?;
    let url = Url::parse(&query.url).map_err(|error| bad(format!("url: {error}")))?;
    let timeout = query.timeout.unwrap_or(TIMEOUT_SECS_MAX).clamp(1, TIMEOUT_SECS_MAX);
    let wait = query.wait.filter(|wait| wait.is_finite()).unwrap_or(1.0).clamp(0.0, WAIT_SECS_MAX);
    let rendered = renderer.render(&url, Duration::from_secs_f64(wait), Duration::from_secs(timeout)).await;
    match rendered {
        Ok(page) => {
            let headers = [
                (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
                // It is somebody else's page: here it is data, and runs nothing.
                (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'")),
                (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            ];
            Ok((headers, page).into_response())
        }
        Err(RenderError::Refused(why)) => Err(ApiError::bad_request(why).into_response()),
        Err(error @ RenderError::Busy) => Err(ApiError::unavailable(error.to_string()).into_response()),
        Err(error @ RenderError::TooSlow(_)) => {
            Err((StatusCode::GATEWAY_TIMEOUT, error.to_string()).into_response())
        }
        Err(error) => {
            tracing::warn!(%url, "a page was not rendered: {error}");
            Err((StatusCode::BAD_GATEWAY, error.to_string()).into_response())
        }
    }
}
