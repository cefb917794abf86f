//! Load for demonstrations: a leak and a busy core, both bounded.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

const MB: usize = 1_048_576;
/// The busy part and the rest part of work alternate in this time: short against any interval of readings.
const SLICE: Duration = Duration::from_millis(50);

/// Memory that grows and is never given back while the agent lives.
#[derive(Debug)]
pub struct Leak {
    mb_per_sec: u32,
    mb_max: u32,
    since: Instant,
    held: Vec<Vec<u8>>,
}

impl Leak {
    /// Nothing held yet.
    #[must_use]
    pub fn begin(mb_per_sec: u32, mb_max: u32) -> Self {
        Self { mb_per_sec, mb_max, since: Instant::now(), held: Vec::new() }
    }

    /// Holds as much as is due by now.
    pub fn grow(&mut self) {
        self.grow_to(self.since.elapsed());
    }

    fn grow_to(&mut self, age: Duration) {
        let due = (f64::from(self.mb_per_sec) * age.as_secs_f64()).min(f64::from(self.mb_max));
        while ((self.held.len() + 1) as f64) <= due {
            // Written to, or the kernel would not count it.
            self.held.push(vec![1; MB]);
        }
    }
}

/// A thread that keeps a part of one core busy until it is dropped.
#[derive(Debug)]
pub struct Work {
    has_ended: Arc<AtomicBool>,
}

impl Work {
    /// Begins. Where the system has no thread to give, there is no work.
    #[must_use]
    pub fn begin(percent: u8) -> Self {
        let has_ended = Arc::new(AtomicBool::new(false));
        let ended = has_ended.clone();
        let busy = SLICE * u32::from(percent.min(100)) / 100;
        let body = move || {
            while !ended.load(Relaxed) {
                let started = Instant::now();
                while started.elapsed() < busy {
                    std::hint::spin_loop();
                }
                std::thread::sleep(SLICE - busy);
            }
        };
        if let Err(error) = std::thread::Builder::new().name("work".to_owned()).spawn(body) {
            tracing::warn!(%error, "no thread for --work: {error}");
        }
        Self { has_ended }
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.has_ended.store(true, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leak_grows_at_its_rate_and_stops_at_its_bound() {
        let mut leak = Leak::begin(2, 5);
        for (secs, mb) in [(0, 0), (1, 2), (2, 4), (3, 5), (1_000, 5), (1, 5)] {
            leak.grow_to(Duration::from_secs(secs));
            assert_eq!(leak.held.len(), mb, "after {secs} s");
        }
        let mut none = Leak::begin(0, 5);
        none.grow_to(Duration::from_secs(1_000));
        assert!(none.held.is_empty());
    }
}
