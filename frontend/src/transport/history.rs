//! Plain requests: the history of the first paint and the page's own configuration.

use gloo_net::http::Request;
use signalbox_shared::api::Info;
use signalbox_shared::feed::{MetricsHistory, MetricsMarks, MetricsRules};
use signalbox_shared::news::News;
use thiserror::Error;
use web_sys::AbortSignal;

use super::decode;
use crate::state::relay_address::{PageConfig, RelayAddress};

/// Time a request may take, in milliseconds.
const FETCH_MS_MAX: u32 = 10_000;
/// How long the relay may wait for news, in seconds.
const NEWS_WAIT_SECS: u32 = 25;
/// Time a request for news may take, in milliseconds: the wait, and time to answer.
const NEWS_MS_MAX: u32 = NEWS_WAIT_SECS * 1_000 + FETCH_MS_MAX;

/// Why an answer could not be had.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FetchError {
    /// No answer at all.
    #[error("no answer: {0}")]
    Network(String),
    /// An answer that is no success.
    #[error("answered with status {0}")]
    Status(u16),
    /// An answer that does not decode.
    #[error("answered with something else: {0}")]
    Body(String),
}

/// Fetches every agent's history of the last `window_secs` seconds.
///
/// # Errors
/// [`FetchError`].
pub async fn metrics(relay: &RelayAddress, window_secs: u32) -> Result<MetricsHistory, FetchError> {
    let path = format!("api/metrics/history?window={window_secs}&step=0");
    decode::json(&text(&relay.http(&path)).await?).map_err(FetchError::Body)
}

/// Fetches the headlines: at once at first, then when there is another revision than `since`.
///
/// # Errors
/// [`FetchError`].
pub async fn news(relay: &RelayAddress, since: Option<u64>) -> Result<News, FetchError> {
    let path = match since {
        Some(since) => format!("api/news?since={since}&wait={NEWS_WAIT_SECS}"),
        // Whatever there is, without waiting for the slowest source.
        None => "api/news?since=0&wait=1".to_owned(),
    };
    decode::json(&text_within(&relay.http(&path), NEWS_MS_MAX).await?).map_err(FetchError::Body)
}

/// Fetches what the relay tells of itself.
///
/// # Errors
/// [`FetchError`].
pub async fn info(relay: &RelayAddress) -> Result<Info, FetchError> {
    decode::json(&text(&relay.http("api/info")).await?).map_err(FetchError::Body)
}

/// Fetches every agent's history of `window_secs` seconds up to `until_ms` (milliseconds since the Unix epoch; none for
/// now), in steps of `step_secs` seconds.
///
/// # Errors
/// [`FetchError`].
pub async fn metrics_in_steps(
    relay: &RelayAddress,
    window_secs: u32,
    step_secs: u32,
    until_ms: Option<i64>,
) -> Result<MetricsHistory, FetchError> {
    let until = until_ms.map(|ms| format!("&until={ms}")).unwrap_or_default();
    let path = format!("api/metrics/history?window={window_secs}&step={step_secs}{until}");
    decode::json(&text(&relay.http(&path)).await?).map_err(FetchError::Body)
}

/// Fetches the alert rules and which agents are in alert.
///
/// # Errors
/// [`FetchError`].
pub async fn rules(relay: &RelayAddress) -> Result<MetricsRules, FetchError> {
    decode::json(&text(&relay.http("api/metrics/rules")).await?).map_err(FetchError::Body)
}

/// Fetches the newest marks.
///
/// # Errors
/// [`FetchError`].
pub async fn marks(relay: &RelayAddress) -> Result<MetricsMarks, FetchError> {
    decode::json(&text(&relay.http("api/metrics/marks")).await?).map_err(FetchError::Body)
}

/// Fetches `config.json` beside the page. A host that has none answers with 404, or with the page itself: both mean
/// that nothing is configured.
///
/// # Errors
/// [`FetchError::Body`] when there is a file that does not decode.
pub async fn config() -> Result<PageConfig, FetchError> {
    match text("config.json").await {
        Ok(body) if body.trim_start().starts_with('{') => decode::json(&body).map_err(FetchError::Body),
        Ok(_) | Err(_) => Ok(PageConfig::default()),
    }
}

async fn text(url: &str) -> Result<String, FetchError> {
    text_within(url, FETCH_MS_MAX).await
}

async fn text_within(url: &str, ms_max: u32) -> Result<String, FetchError> {
    let network = |e: gloo_net::Error| FetchError::Network(e.to_string());
    let signal = AbortSignal::timeout_with_u32(ms_max);
    let response = Request::get(url).abort_signal(Some(&signal)).send().await.map_err(network)?;
    if !response.ok() {
        return Err(FetchError::Status(response.status()));
    }
    response.text().await.map_err(network)
}
