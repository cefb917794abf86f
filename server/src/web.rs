//! web

pub mod feed;
pub mod metrics_api;
pub mod problem;
