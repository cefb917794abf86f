//! Log lines on their way to standard error: gathered for a millisecond and written in one call, by a thread of their own.
//!
//! A call to the operating system per line would cost a relay that logs every request a tenth of its speed. Nothing is
//! lost: who logs more than standard error takes waits, and the end of the process waits for what is gathered.

use std::io;
use std::mem;
use std::thread;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// Bytes that may be gathered before who logs waits: thousands of lines.
const GATHERED_BYTES_MAX: usize = 1 << 20;
/// How long lines are gathered: short enough for who watches, long enough for a hundred lines of a busy relay.
const GATHERING: Duration = Duration::from_millis(1);
/// Longest time that the end of the process waits for a standard error that takes nothing.
const END_DEADLINE: Duration = Duration::from_secs(2);

static LINES: Gathered = Gathered {
    state: Mutex::new(State { lines: Vec::new(), is_writing: false, is_started: false }),
    came: Condvar::new(),
    went: Condvar::new(),
};

struct Gathered {
    state: Mutex<State>,
    /// There is something to write.
    came: Condvar,
    /// There is room again, or nothing left.
    went: Condvar,
}

struct State {
    lines: Vec<u8>,
    is_writing: bool,
    is_started: bool,
}

/// Where a line is written to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lines;

/// Begins to write what is gathered.
///
/// # Errors
/// When the operating system gives no thread.
pub(super) fn start() -> io::Result<()> {
    if !mem::replace(&mut LINES.state.lock().is_started, true) {
        thread::Builder::new().name("log".to_owned()).spawn(|| write_forever(&LINES, &mut io::stderr()))?;
    }
    Ok(())
}

/// Waits until everything that was logged is written, or standard error has taken nothing for a while.
pub(super) fn flush() {
    let mut state = LINES.state.lock();
    while state.is_started && (state.is_writing || !state.lines.is_empty()) {
        if LINES.went.wait_for(&mut state, END_DEADLINE).timed_out() {
            return;
        }
    }
}

impl io::Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        LINES.add(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Gathered {
    fn add(&self, line: &[u8]) {
        let mut state = self.state.lock();
        while GATHERED_BYTES_MAX <= state.lines.len() {
            self.went.wait(&mut state);
        }
        let was_empty = state.lines.is_empty();
        state.lines.extend_from_slice(line);
        if was_empty {
            self.came.notify_one();
        }
    }

    /// Waits for lines and takes them; `written` is emptied and filled again later.
    fn take(&self, written: &mut Vec<u8>) {
        let mut state = self.state.lock();
        state.is_writing = false;
        self.went.notify_all();
        while state.lines.is_empty() {
            self.came.wait(&mut state);
        }
        drop(state);
        thread::sleep(GATHERING);
        let mut state = self.state.lock();
        state.is_writing = true;
        written.clear();
        mem::swap(&mut state.lines, written);
        self.went.notify_all();
    }
}

fn write_forever(gathered: &Gathered, out: &mut impl io::Write) {
    let mut lines = Vec::new();
    loop {
        gathered.take(&mut lines);
        // Where nobody can be told, nobody need be.
        let _ = out.write_all(&lines).and_then(|()| out.flush());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    struct Out(mpsc::SyncSender<Vec<u8>>);

    impl io::Write for Out {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(bytes.to_vec()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_come_in_order_and_who_logs_too_much_waits() {
        let gathered: &'static Gathered = Box::leak(Box::new(Gathered {
            state: Mutex::new(State { lines: Vec::new(), is_writing: false, is_started: true }),
            came: Condvar::new(),
            went: Condvar::new(),
        }));
        let (out, written) = mpsc::sync_channel(0);
        thread::spawn(|| write_forever(gathered, &mut Out(out)));
        let line = |n: usize| format!("{n:>1023}\n").into_bytes();
        let n_lines = 4 * GATHERED_BYTES_MAX / 1_024;
        let logger = thread::spawn(move || (0..n_lines).for_each(|n| gathered.add(&line(n))));
        let (mut n_bytes, mut n_seen) = (0, 0);
        while n_bytes < n_lines * 1_024 {
            let bytes = written.recv().unwrap();
            assert!(bytes.len() < GATHERED_BYTES_MAX + 1_024, "{} bytes were gathered", bytes.len());
            for found in bytes.chunks(1_024) {
                assert_eq!(found, line(n_seen));
                n_seen += 1;
            }
            n_bytes += bytes.len();
        }
        logger.join().unwrap();
    }
}
