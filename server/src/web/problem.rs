//! Errors of the HTTP API as `application/problem+json` (RFC 9457). Knows no service.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use signalbox_shared::api::{PROBLEM_JSON, Problem};

/// An error answer: a status, a stable name and what was wrong this time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    status: StatusCode,
    name: &'static str,
    title: &'static str,
    detail: String,
}

impl ApiError {
    /// 400: the request does not say what it must.
    #[must_use]
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-request", "The request cannot be understood", detail)
    }

    /// 403: the request comes from where it must not.
    #[must_use]
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "forbidden",
            "This relay does not answer that origin or host",
            detail,
        )
    }

    /// 403: the administrator does not allow it.
    #[must_use]
    pub fn not_permitted(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "not-permitted", "This relay does not allow that", detail)
    }

    /// 409: the thing is not of a kind with which that can be done.
    #[must_use]
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", "That cannot be done with this", detail)
    }

    /// 413: more than a bound allows.
    #[must_use]
    pub fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "That is more than this relay takes", detail)
    }

    /// 404: there is nothing.
    #[must_use]
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "There is nothing here", detail)
    }

    /// 405: another method is wanted.
    #[must_use]
    pub fn method_not_allowed(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method-not-allowed",
            "Another method is wanted here",
            detail,
        )
    }

    /// 503: a bound is reached or a part is not ready; the same request may work later.
    #[must_use]
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "This relay cannot answer that now", detail)
    }

    fn new(status: StatusCode, name: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self { status, name, title, detail: detail.into() }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let problem = Problem {
            kind: format!("urn:signalbox:problem:{}", self.name),
            title: self.title.to_owned(),
            status: self.status.as_u16(),
            detail: Some(self.detail),
        };
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON)),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ];
        (self.status, headers, axum::Json(problem)).into_response()
    }
}
