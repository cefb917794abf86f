//! Ports for servers that are restarted on the same ones.
//!
//! They lie below the range from which the system takes the ports of outgoing connections, so that nobody is given
//! one while its server is away.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

/// First port that is tried.
const FIRST: u16 = 18_000;
/// How many are tried.
const COUNT: u16 = 12_000;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// A port of the loopback interface on which nobody listens, never given twice by this process.
pub fn free() -> u16 {
    // Two test processes at the same time begin at different places.
    let start = (std::process::id() % u32::from(COUNT)) as u16;
    loop {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        assert!(step < COUNT, "no free port between {FIRST} and {}", FIRST + COUNT);
        let port = FIRST + (start + step) % COUNT;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
