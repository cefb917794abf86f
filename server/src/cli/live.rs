//! What `listen` and `send` tell on standard error: lines for the person, and rates that stay in one place on a terminal.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};

/// How often `--stats` tells.
pub(super) const EVERY: Duration = Duration::from_secs(1);
/// Goes to the beginning of a terminal's line and clears it.
const CLEAR: &str = "\r\x1b[2K";

/// One line on standard error, for the person and not for the pipe.
pub(super) fn tell(line: &str) {
    let clear = if io::stderr().is_terminal() { CLEAR } else { "" };
    let _ = writeln!(io::stderr(), "{clear}signalbox: {line}"); // nobody is left to be told when this fails
}

/// A line that the next one takes the place of, where that can be done.
pub(super) fn tell_live(line: &str) {
    if io::stderr().is_terminal() {
        let _ = write!(io::stderr(), "{CLEAR}signalbox: {line}"); // as above
    } else {
        tell(line);
    }
}

/// Totals, and rates since it was last asked.
#[derive(Debug)]
pub(super) struct Rates {
    n_messages: AtomicU64,
    n_bytes: AtomicU64,
    last: parking_lot::Mutex<(Instant, u64, u64)>,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            n_messages: AtomicU64::new(0),
            n_bytes: AtomicU64::new(0),
            last: parking_lot::Mutex::new((Instant::now(), 0, 0)),
        }
    }
}

impl Rates {
    pub(super) fn note(&self, payload: &[u8]) {
        self.n_messages.fetch_add(1, Ordering::Relaxed);
        self.n_bytes.fetch_add(payload.len() as u64, Ordering::Relaxed);
    }

    pub(super) fn n_messages(&self) -> u64 {
        self.n_messages.load(Ordering::Relaxed)
    }

    /// As a line.
    pub(super) fn line(&self) -> String {
        let now = (Instant::now(), self.n_messages(), self.n_bytes.load(Ordering::Relaxed));
        let (then, n_messages, n_bytes) = std::mem::replace(&mut *self.last.lock(), now);
        let seconds = (now.0 - then).as_secs_f64().max(f64::EPSILON);
        format!(
            "{} messages, {:.0} messages/s, {:.2} MB/s",
            now.1,
            (now.1 - n_messages) as f64 / seconds,
            (now.2 - n_bytes) as f64 / seconds / 1e6
        )
    }
}

/// Tells rates every second until it is dropped, and then the totals once more.
pub(super) struct LiveRates {
    rates: Arc<Rates>,
    task: JoinHandle<()>,
}

impl LiveRates {
    pub(super) fn start(rates: &Arc<Rates>) -> Self {
        let told = Arc::clone(rates);
        let task = tokio::spawn(async move {
            let mut due = tokio::time::interval_at(Instant::now() + EVERY, EVERY);
            due.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                due.tick().await;
                tell_live(&told.line());
            }
        });
        Self { rates: Arc::clone(rates), task }
    }
}

impl Drop for LiveRates {
    fn drop(&mut self) {
        self.task.abort();
        tell(&self.rates.line());
    }
}
