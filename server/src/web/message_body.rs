//! The body of a request that publishes: small ones as every other, large ones a few at a time, for all of them wait in
//! memory until their last byte has come.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest as _, Request};
use axum::http::{StatusCode, header};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::problem::ApiError;
use crate::limits::Limits;

/// Bodies over `http_body_bytes` that are read at the same time: with the largest, 256 MiB.
pub const LARGE_BODIES_MAX: usize = 16;
/// Time that such a body may take: 16 MiB at 2 Mbit/s.
const LARGE_BODY_TIME: Duration = Duration::from_secs(64);

/// Reads a body of at most `http_publish_bytes`.
///
/// # Errors
/// 413 over that bound, 503 when too many large ones are being read, 400 when it does not come whole in time.
pub(super) async fn read(
    mut request: Request,
    limits: &Limits,
    seats: &Semaphore,
) -> Result<Bytes, ApiError> {
    let size = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
    let said_bytes =
        request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let limit_bytes = limits.http_publish_bytes.max(limits.http_body_bytes);
    let too_large =
        || ApiError::too_large(format!("the body is over {limit_bytes} bytes (http_publish_bytes)"));
    if said_bytes.is_some_and(|bytes: u64| limit_bytes < bytes) {
        return Err(too_large());
    }
    // One that does not say how large it is may be large.
    let seat = if said_bytes.is_some_and(|bytes| bytes <= limits.http_body_bytes) {
        None
    } else {
        let seat = seats.try_acquire().map_err(|_| {
            ApiError::unavailable(format!(
                "{LARGE_BODIES_MAX} large bodies are being read already: try again later"
            ))
        })?;
        Some(seat)
    };
    DefaultBodyLimit::max(size(limit_bytes)).apply(&mut request);
    let reading = Bytes::from_request(request, &());
    let read = if seat.is_some() {
        timeout(LARGE_BODY_TIME, reading).await.map_err(|_| {
            ApiError::bad_request(format!("the body did not come within {} s", LARGE_BODY_TIME.as_secs()))
        })?
    } else {
        reading.await
    };
    read.map_err(|error| match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => too_large(),
        _ => ApiError::bad_request(error.body_text()),
    })
}
