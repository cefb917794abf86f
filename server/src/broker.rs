//! The message broker: length-prefixed frames over TCP, docs/protocol.md §1.
//!
//! It works per *read*, not per message: one big read, every pair in it parsed in place, consecutive pairs of one
//! channel grouped into a run, each run copied once into the outbox of each subscriber, each touched subscriber woken
//! once. From the bottom up:
//!
//! - [`frame`]: bytes to pairs and back, no I/O;
//! - `run`, `memory`, `outbox`, `batch`, `backlog`: runs of frames and where they wait, all bounded;
//! - [`options`], `bounds`: what the broker is told, and which bounds hold on which channel;
//! - `topic`, `queue`, `channel`, `router`: who gets what, and the accounts;
//! - `publisher`, `senders`, `hold`: one read into runs, who published what, and what a publisher waits for;
//! - `stream`, `reader`, `writer`, `session`, [`unix`], [`listener`]: the sockets;
//! - [`stats`]: what all that counted.
//!
//! Knows no HTTP, no chat and no engine; nothing outside `engine` publishes or subscribes here directly.

mod backlog;
pub(crate) mod batch;
mod bounds;
pub(crate) mod channel;
mod connections;
pub mod frame;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
pub(crate) mod hold;
#[cfg(test)]
mod interleaving_tests;
pub mod listener;
pub(crate) mod membership;
mod memory;
pub mod options;
pub(crate) mod outbox;
mod publisher;
mod queue;
mod reader;
pub(crate) mod router;
#[cfg(test)]
mod routing_tests;
pub(crate) mod run;
pub(crate) mod senders;
mod session;
#[cfg(test)]
mod session_tests;
pub mod stats;
mod stats_log;
mod stream;
mod topic;
pub mod unix;
mod writer;

pub use listener::Listeners;
pub use options::{BoundsRule, BrokerOptions, SlowSubscriber};
pub use router::Router;
pub use unix::UnixSocket;
