//! The relay of a run, and who publishes on it.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use crate::browser::{Browser, Tab};
use crate::load::publish::Outcome;
use crate::process::{Server, free_address};

/// How long what is waited for in a page may take to happen.
pub(super) const DEADLINE: Duration = Duration::from_secs(60);

/// A relay, or nats-server with its WebSocket.
pub(super) struct Relay {
    pub(super) process: Server,
    /// Where browsers connect.
    pub(super) http: String,
    /// Where programs connect.
    pub(super) broker: String,
}

impl Relay {
    /// The relay with its broker and nothing else.
    pub(super) fn start(signalbox: &Path) -> anyhow::Result<Self> {
        let (http, broker) = (free_address()?, free_address()?);
        let mut command = Command::new(signalbox);
        command.args(["serve", "--http", &http, "--broker", &broker, "--chat", "off", "--log", "warn"]);
        command.args(["--collector-sub", "off", "--collector-pull", "off", "--news=off"]);
        command.args(["--broker-channels", "20000"]);
        Self::wait(Server::start(&mut command)?, http, broker)
    }

    /// nats-server with its WebSocket.
    pub(super) fn start_nats(folder: &Path) -> anyhow::Result<Self> {
        let (http, broker) = (free_address()?, free_address()?);
        let config = folder.join(format!("signalbox-bench-nats-{}.conf", std::process::id()));
        let text = format!("listen: \"{broker}\"\nwebsocket {{ listen: \"{http}\", no_tls: true }}\n");
        std::fs::write(&config, text)?;
        let process = Server::start(Command::new("nats-server").arg("-c").arg(&config));
        let relay = Self::wait(process?, http, broker);
        // It has read it.
        let _ = std::fs::remove_file(config);
        relay
    }

    fn wait(mut process: Server, http: String, broker: String) -> anyhow::Result<Self> {
        process.until_listening(&http)?;
        process.until_listening(&broker)?;
        Ok(Self { process, http, broker })
    }

    /// Begins to publish, in a process of its own.
    pub(super) fn publish(&self, channel: &str, what: Rate) -> anyhow::Result<Publisher> {
        self.publish_as("signalbox", channel, what)
    }

    /// The same in another protocol.
    pub(super) fn publish_as(&self, wire: &str, channel: &str, what: Rate) -> anyhow::Result<Publisher> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["load", "publish", "--wire", wire, "--address", &self.broker, "--channel", channel]);
        let numbers = [
            ("--channels", what.channels),
            ("--rate", what.per_sec),
            ("--count", what.count),
            ("--size", what.size),
        ];
        for (flag, number) in numbers {
            command.args([flag, &number.to_string()]);
        }
        if what.is_json {
            command.arg("--json");
        }
        Ok(Publisher(Some(command.stdout(Stdio::piped()).spawn()?)))
    }
}

/// What is published.
#[derive(Clone, Copy)]
pub(super) struct Rate {
    pub(super) channels: u64,
    pub(super) per_sec: u64,
    pub(super) count: u64,
    /// Bytes per message.
    pub(super) size: u64,
    /// As JSON, or as plain text.
    pub(super) is_json: bool,
}

/// Who publishes; ended when this is dropped.
pub(super) struct Publisher(Option<Child>);

impl Publisher {
    /// Waits until it has published everything.
    pub(super) fn end(mut self) -> anyhow::Result<Outcome> {
        let output = self.0.take().context("it has ended")?.wait_with_output()?;
        ensure!(output.status.success(), "the publisher failed");
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            // It is ours and may be gone already.
            let _ = (child.kill(), child.wait());
        }
    }
}

/// Waits until an expression is true in the page.
pub(super) fn until(browser: &mut Browser, tab: &Tab, what: &str) -> anyhow::Result<()> {
    let started = Instant::now();
    while browser.evaluate(tab, what)? != true {
        ensure!(started.elapsed() < DEADLINE, "the page does not come to {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}
