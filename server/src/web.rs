//! web

pub mod socket;
