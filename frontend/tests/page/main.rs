//! The page's views in a real browser, each with stores that the test fills; nothing connects.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::unwrap_used, reason = "a test that cannot reach its own page has failed")]

mod chat;
mod metrics;
mod queues;
mod shell;
mod support;

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
