//! Programs that say what stands in their input and print what they hear, as `nc` does.

use std::ffi::OsString;
use std::process::Stdio;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};

use super::eventually;
use super::relay::Ports;

/// One of them; killed when dropped.
pub struct Program {
    _child: Child,
    input: ChildStdin,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Program {
    /// Netcat, which knows nothing of a chat: its user types the `CONNECT` line too.
    pub async fn netcat(ports: &Ports, name: &str) -> Self {
        let mut command = Command::new("nc");
        command.args(["127.0.0.1", &ports.chat.to_string()]);
        let mut netcat = Self::start(command, "netcat is installed; `cargo xtask test browser` sees to it");
        netcat.say(&format!("CONNECT {name}")).await;
        netcat.until_in(name).await
    }

    /// A client of a few lines in Python.
    pub async fn python(ports: &Ports, name: &str) -> Self {
        let python = std::env::var_os("SIGNALBOX_PYTHON").unwrap_or_else(|| OsString::from("python3"));
        let mut command = Command::new(python);
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/chat_user.py");
        command.args([script, "127.0.0.1", &ports.chat.to_string(), name]);
        Self::start(command, "Python starts").until_in(name).await
    }

    fn start(mut command: Command, why: &str) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect(why);
        let input = child.stdin.take().expect("its input is a pipe");
        let output = child.stdout.take().expect("its output is a pipe");
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hearing = Arc::clone(&heard);
        tokio::spawn(async move {
            let mut lines = BufReader::new(output).lines();
            // Ends with the program.
            while let Ok(Some(line)) = lines.next_line().await {
                hearing.lock().push(line);
            }
        });
        Self { _child: child, input, heard }
    }

    async fn until_in(self, name: &str) -> Self {
        let arrival = format!("{name} connected!");
        eventually(&arrival, async || self.heard.lock().contains(&arrival).then_some(())).await;
        self
    }

    /// Types a line.
    pub async fn say(&mut self, line: &str) {
        self.input.write_all(format!("{line}\n").as_bytes()).await.expect("it reads its input");
    }

    /// What it has printed.
    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().clone()
    }
}
