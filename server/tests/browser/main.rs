//! The page as a person meets it: the shipped page in headless Chromium, against the real binary, with real peers.
//!
//! `cargo xtask test browser` builds what these tests need and says where it is. Each test has its own relay, its
//! own browser profile and its own ports.

#![expect(unreachable_pub, reason = "`pub` marks what the tests may use of their support")]

mod agents_wrong;
mod apart;
mod changes;
mod chat;
mod hands;
mod hostile;
mod metrics;
mod news;
mod patrons;
mod pictures;
mod pieces;
mod queues;
mod queues_hostile;
mod queues_publish;
mod queues_tail;
mod queues_viewers;
mod render;
mod resume;
mod shipped;
mod support;
