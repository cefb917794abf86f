//! The patrons over HTTP (docs/protocol.md §7), whose answers are fixed from outside; `GET /api/patrons` is ours.

use axum::body::{Body, Bytes};
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use signalbox_shared::changes::{PatronFields, PatronId, PatronPage};

use super::problem::ApiError;
use crate::changes::{Changes, DatabaseError, Found};

/// Says where a row came from: `hit`, `miss`, or `stale` when it may be old because the database is not there.
const CACHE: HeaderName = HeaderName::from_static("signalbox-cache");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// Rows in an answer of `GET /api/patrons` when nothing is said.
const PAGE_ROWS: u16 = 50;
/// Most rows in such an answer.
const PAGE_ROWS_MAX: u16 = 200;

/// Why a request about patrons was not carried out.
#[derive(Debug)]
pub enum PatronError {
    /// It does not say what it must: 400 in the shape that is fixed for patrons.
    Bad(String),
    /// The database did not do it: 503.
    Database(DatabaseError),
}

impl From<DatabaseError> for PatronError {
    fn from(error: DatabaseError) -> Self {
        Self::Database(error)
    }
}

impl IntoResponse for PatronError {
    fn into_response(self) -> Response {
        match self {
            Self::Bad(error) => {
                let body = serde_json::json!({"msg": "bad", "error": error});
                (StatusCode::BAD_REQUEST, [(header::CACHE_CONTROL, NO_STORE)], axum::Json(body))
                    .into_response()
            }
            Self::Database(error) => ApiError::unavailable(error.to_string()).into_response(),
        }
    }
}

/// `GET /patron/N`: the row, or `null`.
///
/// # Errors
/// 400 when N is no key; 503 when the row is not in the cache and the database does not answer.
pub async fn read(State(changes): State<Changes>, Path(id): Path<String>) -> Result<Response, PatronError> {
    let read = changes.patrons()?.read(id_of(&id)?).await?;
    let mut response = Response::new(Body::from(read.body.unwrap_or(Bytes::from_static(b"null"))));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, JSON);
    headers.insert(header::CACHE_CONTROL, NO_STORE);
    headers.insert(CACHE, HeaderValue::from_static(Found::word(read.found)));
    Ok(response)
}

/// `POST /patron`: adds a row and answers its key.
///
/// # Errors
/// 400 when the body is not `{"name","fav_dish"}`; 503 when the database does not answer.
pub async fn create(
    State(changes): State<Changes>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, PatronError> {
    let fields = fields_of(body)?;
    let id = changes.patrons()?.create(&fields).await?;
    Ok(axum::Json(serde_json::json!({"msg": "ok", "id": id})).into_response())
}

/// `PUT /patron/N`: changes a row.
///
/// # Errors
/// 400 when N is no key or the body is not `{"name","fav_dish"}`; 503 when the database does not answer.
pub async fn change(
    State(changes): State<Changes>,
    Path(id): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, PatronError> {
    let (id, fields) = (id_of(&id)?, fields_of(body)?);
    Ok(done(changes.patrons()?.change(id, &fields).await?))
}

/// `DELETE /patron/N`: removes a row.
///
/// # Errors
/// 400 when N is no key; 503 when the database does not answer.
pub async fn delete(State(changes): State<Changes>, Path(id): Path<String>) -> Result<Response, PatronError> {
    Ok(done(changes.patrons()?.delete(id_of(&id)?).await?))
}

/// What `GET /api/patrons` takes.
#[derive(Debug, Default, Deserialize)]
pub struct PageQuery {
    /// Rows with higher keys only.
    after: Option<PatronId>,
    /// Most rows.
    limit: Option<u16>,
}

/// `GET /api/patrons?after=<key>&limit=<rows>`: rows in the order of their keys, straight from the database.
///
/// # Errors
/// 400 when a parameter is none; 503 when the database does not answer.
pub async fn list(
    State(changes): State<Changes>,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<axum::Json<PatronPage>, ApiError> {
    let Query(query) = query.map_err(|error| ApiError::bad_request(error.body_text()))?;
    let limit = query.limit.unwrap_or(PAGE_ROWS);
    if !(1..=PAGE_ROWS_MAX).contains(&limit) {
        return Err(ApiError::bad_request(format!(
            "limit is {limit}: allowed are 1 to {PAGE_ROWS_MAX} rows"
        )));
    }
    let unavailable = |error: DatabaseError| ApiError::unavailable(error.to_string());
    let patrons = changes.patrons().map_err(unavailable)?;
    let page = patrons.list(query.after.unwrap_or(PatronId::MIN), limit).await.map_err(unavailable)?;
    Ok(axum::Json(page))
}

fn done(is_there: bool) -> Response {
    axum::Json(serde_json::json!({"msg": if is_there { "ok" } else { "bad" }})).into_response()
}

/// Digits only, perhaps behind a minus: `parse` alone would also take a plus.
fn id_of(text: &str) -> Result<PatronId, PatronError> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let id = digits.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    let (min, max) = (PatronId::MIN, PatronId::MAX);
    id.ok_or_else(|| PatronError::Bad(format!("a key is a whole number from {min} to {max}")))
}

fn fields_of(body: Result<Bytes, BytesRejection>) -> Result<PatronFields, PatronError> {
    let body = body.map_err(|error| PatronError::Bad(format!("{} (http_body_bytes)", error.body_text())))?;
    let fields: PatronFields =
        serde_json::from_slice(&body).map_err(|error| PatronError::Bad(error.to_string()))?;
    for (field, text) in [("name", &fields.name), ("fav_dish", &fields.fav_dish)] {
        if text.contains('\0') {
            let problem = "holds the character U+0000, which PostgreSQL cannot keep";
            return Err(PatronError::Bad(format!("{field} {problem}")));
        }
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_number_of_32_bits() {
        let check = |text: &str, expected: Option<PatronId>| {
            assert_eq!(id_of(text).ok(), expected, "{text}");
        };
        check("1", Some(1));
        check("007", Some(7));
        check("-2147483648", Some(PatronId::MIN));
        check("2147483647", Some(PatronId::MAX));
        for bad in ["", "-", "+1", "2147483648", "1e3", "1.0", "0x1", "\u{0661}", "1 ", "null"] {
            check(bad, None);
        }
    }
}
