//! The types on every wire of Signalbox, shared by the relay and the page.
//!
//! No I/O, no clock, no tokio, no web-sys: what stands here builds for wasm32 and natively, and every decoder
//! returns an error on hostile input instead of panicking. `docs/protocol.md` is the reference, and its test vectors
//! are loaded by the tests of this crate.

pub mod api;
pub mod changes;
pub mod channel;
pub mod chat;
pub mod detail;
pub mod engine;
pub mod feed;
pub mod filter;
pub mod id;
pub mod news;
pub mod payload;
pub mod sample;
pub mod socket;
pub mod unit;

pub use channel::{ChannelKind, ChannelName, ChannelNameError};
pub use filter::{Filter, FilterKind};
pub use id::EventId;
pub use payload::Payload;
pub use sample::{Sample, SampleError};

/// Version of the WebSocket protocol, told in the first server message. Raised when an old page would misunderstand.
pub const PROTOCOL_VERSION: u32 = 1;
