//! The views, one file per page.

pub mod changes;
pub mod chat;
pub mod metrics;
pub mod news;
pub mod queues;
