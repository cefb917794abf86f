//! The only room that knows EventSource, WebSocket and fetch. Decoded messages come out; what they mean is `state`.
//!
//! The browser's own objects are used as they are, each listener owned by its stream (`gloo-events`), because a feed needs
//! what the stream wrappers of gloo-net leave out: the order between differently named events, the `open` event, errors
//! while the browser retries by itself, and queues with a bound.

pub mod backoff;
mod carrier;
pub mod decode;
pub mod feed;
pub mod history;
pub mod link;
pub mod messages;
pub mod notification;
pub mod page_events;
pub mod patrons;
pub mod socket;

/// The page's clock, in milliseconds since the Unix epoch.
#[must_use]
pub fn now_ms() -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds of this age are far below 2^53")]
    let now = js_sys::Date::now() as i64;
    now
}
