//! The page of Signalbox: a Leptos application that runs in the browser.
//!
//! `transport` talks to the relay, `state` knows what it all means, `chart` draws, `control` does what a person asks for,
//! `components` and `pages` are the views, and `app` joins them.

pub mod app;
pub mod browser;
pub mod chart;
pub mod components;
pub mod control;
pub mod pages;
pub mod state;
pub mod transport;
