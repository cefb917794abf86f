//! Headlines over HTTP: `GET /api/news` as JSON, and `GET /news` as one page that works without script.

mod page;

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;
use signalbox_shared::news::{News as NewsAnswer, WAIT_SECS_MAX};

use super::problem::ApiError;
use crate::news::News;

/// What `GET /api/news` takes.
#[derive(Debug, Default, Deserialize)]
pub struct NewsQuery {
    /// The revision that the client has.
    since: Option<u64>,
    /// How long to wait for another one, in seconds.
    wait: Option<u64>,
}

/// `GET /api/news`: every source and its headlines, once each has answered or failed for the first time. With
/// `?since=<revision>&wait=<seconds>`: as soon as there is something new, or after that time.
///
/// # Errors
/// 400 when a value is no whole number, or `wait` is too long.
pub async fn json(
    State(news): State<Arc<News>>,
    query: Result<Query<NewsQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<NewsAnswer>, ApiError> {
    let Query(query) = query.map_err(|error| {
        ApiError::bad_request(format!("since and wait are whole numbers: {}", error.body_text()))
    })?;
    let wait = query.wait.unwrap_or(0);
    if WAIT_SECS_MAX < wait {
        return Err(ApiError::bad_request(format!(
            "wait is {wait}: allowed are 0 to {WAIT_SECS_MAX} seconds"
        )));
    }
    Ok(Json(match query.since {
        Some(since) => news.look_for_change(since, Duration::from_secs(wait)).await,
        None => news.look_when_whole().await,
    }))
}

/// `GET /news`: one HTML page of boxes.
pub async fn html(State(news): State<Arc<News>>) -> Response {
    let answer = news.look_when_whole().await;
    let page = page::render(&answer);
    let headers = [
        (header::CONTENT_SECURITY_POLICY, page.content_security_policy),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (headers, Html(page.html)).into_response()
}
