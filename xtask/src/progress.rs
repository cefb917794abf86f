//! What is done and why, one line per step, with the time since the start: a long step must not look like a hang.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use anyhow::Result;

static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Says what happens now.
pub(crate) fn say(what: &str) {
    println!("[{}] {what}", clock(STARTED.elapsed()));
}

/// Says what is about to be done, does it, and says how long it took when that was long enough to notice.
pub(crate) fn step<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    say(what);
    let started = Instant::now();
    let result = work()?;
    if NOTICEABLE < started.elapsed() {
        say(&format!("  done in {:.1} s", started.elapsed().as_secs_f64()));
    }
    Ok(result)
}

/// A step shorter than this needs no second line.
const NOTICEABLE: Duration = Duration::from_millis(1_500);

/// Minutes and seconds, as on a stop watch.
pub(crate) fn clock(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    format!("{:>2}:{:02}", seconds / 60, seconds % 60)
}

/// A size as a person reads it, in units of 1,024 bytes.
pub(crate) fn size(bytes: usize) -> String {
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let kib = bytes as f64 / 1024.0;
    if kib < 1024.0 { format!("{kib:.1} KiB") } else { format!("{:.2} MiB", kib / 1024.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_are_short() {
        assert_eq!(clock(Duration::from_secs(5)), " 0:05");
        assert_eq!(clock(Duration::from_secs(754)), "12:34");
        assert_eq!(size(512), "0.5 KiB");
        assert_eq!(size(1024 * 1024), "1.00 MiB");
    }
}
