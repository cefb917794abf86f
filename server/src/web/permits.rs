//! What the administrator does not allow is refused here, whichever way it was asked.

use signalbox_shared::engine::Permits;

use super::AppState;
use super::problem::ApiError;

/// Something that may be forbidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Publishing messages.
    Publish,
    /// Emptying a queue.
    Purge,
    /// Taking part in the delivery.
    Consume,
    /// Streams of messages over HTTP.
    Export,
}

/// Why something is refused, for a person to read; none when it is allowed.
#[must_use]
pub fn refusal(permits: Permits, action: Action) -> Option<&'static str> {
    let (is_allowed, reason) = match action {
        Action::Publish => (permits.publish, "publishing is turned off on this relay (read_only, forbid)"),
        Action::Purge => (permits.purge, "purging is turned off on this relay (read_only, forbid)"),
        Action::Consume => {
            (permits.consume, "consuming is turned off on this relay (read_only, forbid): a tap sees copies")
        }
        Action::Export => (permits.export, "export is turned off on this relay (forbid)"),
    };
    (!is_allowed).then_some(reason)
}

/// Refuses with 403 what is not allowed.
///
/// # Errors
/// 403 and which setting it was.
pub fn check(state: &AppState, action: Action) -> Result<(), ApiError> {
    match refusal(state.engine.features().permits, action) {
        Some(reason) => Err(ApiError::not_permitted(reason)),
        None => Ok(()),
    }
}
