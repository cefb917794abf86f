//! Signalbox's relay: a broker, a collector, a chat and the web side that shows them, in one process.
//!
//! Floors, each of which stands only on those below it: `cli`; `relay`; `web` and `notices`; the services `changes`, `chat` and `collector`;
//! `engine`; `broker`; `limits`, `telemetry`, `shutdown`, `clock`. ARCHITECTURE.md shows the way through them.

pub mod accept;
pub mod backoff;
pub mod broker;
pub mod changes;
pub mod chat;
pub mod cli;
pub mod client;
pub mod clock;
pub mod collector;
pub mod config;
pub mod engine;
pub mod filter;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub(crate) mod keepalive;
pub mod limits;
pub mod news;
pub mod notices;
pub mod outlet;
pub mod relay;
pub mod shutdown;
pub mod tail;
pub mod telemetry;
pub mod web;
