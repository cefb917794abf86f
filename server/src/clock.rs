//! The wall clock, in the one unit that all wires use.

/// Milliseconds since the Unix epoch.
#[must_use]
pub fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// A new epoch for a history that starts now: later histories get higher ones.
#[must_use]
pub fn new_epoch() -> u64 {
    u64::try_from(now_ms()).unwrap_or(1)
}

/// Microseconds since the Unix epoch.
#[must_use]
pub fn now_us() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}
