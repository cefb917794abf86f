//! What the tests share: a relay, peers and a browser, each ended when it is dropped, and waiting with a deadline.

pub mod browser;
pub mod cut;
pub mod data_dir;
pub mod engines;
pub mod fleet;
pub mod http;
pub mod peers;
pub mod ports;
#[path = "../it/support/postgres.rs"]
#[allow(dead_code, clippy::unwrap_used, reason = "these tests use a part of what the others need")]
pub mod postgres;
pub mod programs;
#[path = "../it/support/pty.rs"]
#[allow(dead_code, clippy::unwrap_used, reason = "these tests use a part of what the others need")]
pub mod pty;
pub mod relay;
pub mod settings_file;
#[path = "../it/news/site.rs"]
#[allow(dead_code, clippy::unwrap_used, reason = "these tests use a part of what the others need")]
pub mod site;
mod views;

use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long a condition may take before a test fails: far over what any takes on a busy two-core machine.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// Waits until `condition` gives a value, looking again every few milliseconds.
///
/// # Panics
/// After [`DEADLINE`], naming `what` was waited for.
pub async fn eventually<T>(what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    let mut look_again = tokio::time::interval(Duration::from_millis(50));
    loop {
        look_again.tick().await;
        if let Some(value) = condition().await {
            return value;
        }
        assert!(started.elapsed() < DEADLINE, "waited {DEADLINE:?} in vain for: {what}");
    }
}

/// The page as it ships, made by `cargo xtask test browser`, or by an earlier `cargo xtask run`.
pub fn page_dir() -> PathBuf {
    let dir = std::env::var_os("SIGNALBOX_TEST_PAGE_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../dist"), PathBuf::from);
    assert!(dir.join("index.html").is_file(), "no page in {}; run `cargo xtask test browser`", dir.display());
    dir
}
