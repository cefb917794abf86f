//! Starts the plain Python programs of `server/tests/peers`, which speak the protocols in their own few lines.
//!
//! `SIGNALBOX_PYTHON` names a Python 3 with pyzmq (`cargo xtask test` sets it); without it, `python3` on the PATH is
//! used. A peer that cannot start fails the test.

mod broker;

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::support::DEADLINE;

/// A running Python program, killed when dropped. What it writes to standard error is shown with the test.
pub(crate) struct Peer {
    program: String,
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Peer {
    /// Starts `server/tests/peers/<program>`.
    pub(crate) fn start(program: &str, args: &[&str]) -> Self {
        let python = std::env::var("SIGNALBOX_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let path = format!("{}/tests/peers/{program}", env!("CARGO_MANIFEST_DIR"));
        let mut child = Command::new(&python)
            .arg(path)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {python}: {error}"));
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { program: program.to_owned(), child, input, output }
    }

    /// The next line of its output; `None` at its end.
    pub(crate) async fn try_line(&mut self) -> Option<String> {
        let line = timeout(DEADLINE, self.output.next_line()).await;
        line.unwrap_or_else(|_| panic!("{} says nothing", self.program)).unwrap()
    }

    /// The next line of its output.
    pub(crate) async fn line(&mut self) -> String {
        self.try_line().await.unwrap_or_else(|| panic!("{} has ended", self.program))
    }

    /// Waits until it has said `expected`, which must be the next line.
    pub(crate) async fn expect(&mut self, expected: &str) {
        assert_eq!(self.line().await, expected, "{}", self.program);
    }

    /// Gives it one line of input.
    #[allow(dead_code, reason = "for peers that are led from outside")]
    pub(crate) async fn say(&mut self, line: &str) {
        self.input.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    /// Waits until it ends by itself, well.
    pub(crate) async fn end(mut self) {
        drop(self.input);
        let status = timeout(DEADLINE, self.child.wait()).await;
        let status = status.unwrap_or_else(|_| panic!("{} does not end", self.program)).unwrap();
        assert!(status.success(), "{} ended with {status}", self.program);
    }

    /// Ends it at once, without a goodbye.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}
