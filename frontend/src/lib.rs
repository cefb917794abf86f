//! The page of Signalbox: a Leptos application that runs in the browser.

pub mod app;
pub mod chart;
pub mod components;
pub mod pages;
pub mod state;
pub mod transport;
