//! `GET /feed`: the samples as Server-Sent Events (docs/protocol.md §3). Turns a request into a place in the history
//! and that place's events into a body; everything else is the collector's.
//!
//! Over HTTP/1.1 the body leaves hyper with its opening ([`connection`]); to a peer of HTTP/1.0, which knows no chunks, it
//! is a stream like any other.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, Query, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Version, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::stream::{self, Stream};
use serde::Deserialize;
use signalbox_shared::EventId;
use tokio_util::sync::CancellationToken;

use super::hand_over::HandOver;
use super::problem::ApiError;
use crate::collector::{FeedCursor, History, Overrun, TooManyClients};

mod connection;

/// An id that no history has ever given: what stands for one that cannot be read.
const UNKNOWN_ID: EventId = EventId { epoch: 0, seq: 0 };
/// How long events may be gathered, in milliseconds: what is later by more than that is not live.
const GATHER_MILLIS_MAX: u64 = 500;

/// What the listener may put on each request: cancelling it closes the connection, even if its peer does not read.
#[derive(Clone, Debug, Default)]
pub struct HangUp(pub CancellationToken);

/// What `GET /feed` takes.
#[derive(Debug, Default, Deserialize)]
pub struct FeedQuery {
    /// Go on behind this event. A `Last-Event-ID` header, which a browser sends when it reconnects, counts more.
    since: Option<String>,
    /// Milliseconds, at most 500, within which events are gathered and sent at once: for who draws them now and then.
    gather: Option<u64>,
}

/// `GET /feed`: every sample from now on, or from where `Last-Event-ID` or `since` says.
///
/// # Errors
/// 400 when `since` is no event id or `gather` is too long, 503 when as many feeds as `feed_clients` allows are open.
pub async fn feed(
    State(history): State<Arc<History>>,
    Query(query): Query<FeedQuery>,
    request: Request,
) -> Result<Response, ApiError> {
    let extensions = request.extensions();
    let unknown_peer = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let peer = extensions.get::<ConnectInfo<SocketAddr>>().map_or(unknown_peer, |info| info.0);
    let hang_up = extensions.get::<HangUp>().cloned().unwrap_or_default().0;
    let since = since(request.headers(), query.since.as_deref())?;
    let gather = gather(query.gather)?;
    let mut cursor = history.subscribe(since, peer, hang_up.clone()).map_err(|TooManyClients| {
        ApiError::unavailable("as many feeds as feed_clients allows are open: try again later")
    })?;
    if let Some(gap) = gather {
        cursor.gather(gap);
    }
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // Asks nginx and its kin not to gather events.
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    let hand_over = extensions.get::<HandOver>().filter(|_| request.version() == Version::HTTP_11);
    Ok((headers, body(cursor, hand_over, hang_up)).into_response())
}

fn body(mut cursor: FeedCursor, hand_over: Option<&HandOver>, hang_up: CancellationToken) -> Body {
    let Some(hand_over) = hand_over else { return Body::from_stream(events(cursor)) };
    let opening = cursor.take_opening().unwrap_or_default();
    let rest = |stream, outlet| connection::write(cursor, stream, outlet, hang_up).boxed();
    hand_over.body(opening, Box::new(rest))
}

fn events(cursor: FeedCursor) -> impl Stream<Item = Result<Bytes, Overrun>> + Send + 'static {
    stream::try_unfold(cursor, |mut cursor| async {
        let events = cursor.next().await?;
        Ok(events.map(|events| (events, cursor)))
    })
}

/// Where the client wants to go on. A header that is no id cannot be refused, for a browser would never come back: it
/// stands for an unknown history, and the client is told of the gap.
fn since(headers: &HeaderMap, query: Option<&str>) -> Result<Option<EventId>, ApiError> {
    if let Some(id) = headers.get("last-event-id").filter(|id| !id.is_empty()) {
        let id = id.to_str().ok().and_then(|id| id.parse().ok());
        return Ok(Some(id.unwrap_or(UNKNOWN_ID)));
    }
    query.map(|id| id.parse().map_err(|error| ApiError::bad_request(format!("since: {error}")))).transpose()
}

/// How long to gather; not at all for 0.
fn gather(millis: Option<u64>) -> Result<Option<Duration>, ApiError> {
    match millis.unwrap_or(0) {
        0 => Ok(None),
        millis @ 1..=GATHER_MILLIS_MAX => Ok(Some(Duration::from_millis(millis))),
        millis => Err(ApiError::bad_request(format!(
            "gather: {millis} ms are more than the {GATHER_MILLIS_MAX} that are still live"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(header: Option<&'static str>, query: Option<&str>, expected: Result<Option<(u64, u64)>, ()>) {
        let mut headers = HeaderMap::new();
        if let Some(id) = header {
            headers.insert("last-event-id", HeaderValue::from_static(id));
        }
        let found = since(&headers, query).map(|id| id.map(|id| (id.epoch, id.seq))).map_err(|_| ());
        assert_eq!(found, expected, "{header:?} {query:?}");
    }

    #[test]
    fn the_header_counts_more_than_the_address() {
        check(None, None, Ok(None));
        check(None, Some("7-8"), Ok(Some((7, 8))));
        check(Some("7-9"), Some("7-8"), Ok(Some((7, 9))));
        check(Some(""), Some("7-8"), Ok(Some((7, 8))));
        check(Some("garbage"), Some("7-8"), Ok(Some((0, 0))));
        check(None, Some("garbage"), Err(()));
        check(None, Some(""), Err(()));
    }

    #[test]
    fn gathering_is_bounded() {
        let gathered = |millis| gather(millis).map_err(|_| ());
        assert_eq!(gathered(None), Ok(None));
        assert_eq!(gathered(Some(0)), Ok(None));
        assert_eq!(gathered(Some(500)), Ok(Some(Duration::from_millis(500))));
        assert_eq!(gathered(Some(501)), Err(()));
    }
}
