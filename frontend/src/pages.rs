//! The views, one file per page.

pub mod chat;
pub mod metrics;
pub mod queues;
