//! What tests share: waiting for a condition with a deadline, and a relay on port 0 that ends when dropped.

use std::time::{Duration, Instant};

/// How long a condition may take before a test fails: far over what any takes on a busy two-core machine.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// Waits until `condition` gives a value, looking again every few milliseconds.
///
/// # Panics
/// After [`DEADLINE`], naming `what` was waited for.
pub async fn eventually<T>(what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    let mut look_again = tokio::time::interval(Duration::from_millis(5));
    loop {
        look_again.tick().await;
        if let Some(value) = condition().await {
            return value;
        }
        assert!(started.elapsed() < DEADLINE, "waited {DEADLINE:?} in vain for: {what}");
    }
}

pub(crate) mod broker;
