//! The relay from outside: every listener is spoken to over real sockets, by Rust and by plain Python programs.

mod broker;
mod chat;
mod feed;
mod hostile;
mod http;
mod peers;
mod socket;
mod support;
