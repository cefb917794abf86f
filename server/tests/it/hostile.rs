//! Attacks, each with its reason: what is tried, which limit holds, and who must not notice.

mod broker;
mod chat;
mod collector;
mod http;
mod socket;
