//! The relay from outside: every listener is spoken to over real sockets, by Rust and by plain Python programs.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod alerts;
mod broker;
mod changes;
mod chat;
mod chat_channels;
mod feed;
mod hostile;
mod http;
mod peers;
mod process;
mod relay;
mod socket;
mod support;
mod terminal;
