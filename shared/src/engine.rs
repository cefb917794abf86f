//! What routes the messages behind a relay: its name, whether it can be reached, and what a page may do with it.

use serde::{Deserialize, Serialize};

/// The engine behind a relay and its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineInfo {
    /// `embedded`, or `tcp` for a broker elsewhere.
    pub name: String,
    /// Where it is, `host:port`; none for the one inside the relay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Whether it can be reached.
    pub state: EngineState,
    /// Since when that is so, in milliseconds since the Unix epoch.
    pub since_ms: i64,
    /// Why it is not ready, for a person to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When the next try is due, in milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at_ms: Option<i64>,
}

/// Whether an engine can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EngineState {
    /// Messages go through.
    Ready,
    /// The first connection is under way.
    Connecting,
    /// No connection: publishing is refused, subscriptions wait, and it is tried again by itself.
    Down,
}

impl Default for EngineInfo {
    /// The embedded one, which is always ready.
    fn default() -> Self {
        Self {
            name: "embedded".to_owned(),
            address: None,
            state: EngineState::Ready,
            since_ms: 0,
            reason: None,
            retry_at_ms: None,
        }
    }
}

/// What the administrator lets pages and programs do over HTTP and WebSocket. The relay refuses the rest, and the page
/// does not show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permits {
    /// Publishing messages.
    pub publish: bool,
    /// Emptying a queue's backlog.
    pub purge: bool,
    /// Taking part in a channel's delivery, so that others do not get what this one gets.
    pub consume: bool,
    /// Saving what a tail shows, and streams of messages over HTTP.
    pub export: bool,
}

impl Default for Permits {
    fn default() -> Self {
        Self { publish: true, purge: true, consume: true, export: true }
    }
}
