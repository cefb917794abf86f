//! Servers under test: started on a free port, watched through the operating system's accounting, ended on drop.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::load::wire::Wire;
use crate::process::{self, free_address, free_port, is_listening};

/// How long a server may take to listen.
const START_DEADLINE: Duration = Duration::from_secs(10);

/// A program that can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// This repository's broker.
    Signalbox,
    /// nats-server.
    Nats,
    /// redis-server.
    Redis,
    /// The plain forwarder.
    Forward,
}

impl Program {
    /// All of them, ours first.
    pub(crate) const ALL: [Self; 4] = [Self::Signalbox, Self::Nats, Self::Redis, Self::Forward];

    /// Its name in the report.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Signalbox => "signalbox",
            Self::Nats => "nats",
            Self::Redis => "redis",
            Self::Forward => "forwarder",
        }
    }

    /// What it speaks.
    pub(crate) fn wire(self) -> Wire {
        match self {
            Self::Signalbox => Wire::Signalbox,
            Self::Nats => Wire::Nats,
            Self::Redis => Wire::Redis,
            Self::Forward => Wire::Forward,
        }
    }

    /// Whether it can do what a case asks: Redis has no queues.
    pub(crate) fn can(self, is_queue: bool) -> bool {
        self != Self::Redis || !is_queue
    }

    /// Its version, as it tells it.
    pub(crate) fn version(self, signalbox: &Path) -> anyhow::Result<String> {
        let (program, flag) = match self {
            Self::Signalbox => (signalbox.to_owned(), "--version"),
            Self::Nats => (PathBuf::from("nats-server"), "--version"),
            Self::Redis => (PathBuf::from("redis-server"), "--version"),
            Self::Forward => return Ok("forwarder of this bench".to_owned()),
        };
        let output = Command::new(&program).arg(flag).output().with_context(|| {
            format!("{} cannot be started: install it (Debian has it by that name)", program.display())
        })?;
        Ok(String::from_utf8_lossy(&output.stdout).split_whitespace().take(3).collect::<Vec<_>>().join(" "))
    }

    /// Starts it.
    pub(crate) fn start(self, signalbox: &Path) -> anyhow::Result<Server> {
        let port = free_port()?.to_string();
        let address = format!("127.0.0.1:{port}");
        let mut command = match self {
            Self::Signalbox => {
                let mut command = Command::new(signalbox);
                command.args(["broker", "--broker", &address, "--log", "warn"]);
                command
            }
            Self::Nats => {
                let mut command = Command::new("nats-server");
                command.args(["--addr", "127.0.0.1", "--port", &port]);
                command
            }
            Self::Redis => {
                let mut command = Command::new("redis-server");
                command.args(["--bind", "127.0.0.1", "--port", &port, "--save", "", "--appendonly", "no"]);
                command
            }
            Self::Forward => {
                let mut command = Command::new(std::env::current_exe()?);
                command.args(["load", "forward", "--address", &address]);
                command
            }
        };
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let child = child.with_context(|| format!("{} cannot be started", self.name()))?;
        let server = Server { child, address, program: self };
        server.wait_until_it_listens()?;
        Ok(server)
    }
}

/// A running server.
pub(crate) struct Server {
    child: Child,
    /// Where it listens.
    pub(crate) address: String,
    /// What it is.
    pub(crate) program: Program,
}

impl Server {
    /// Starts a whole relay for its chat: `address` is where line clients connect, and beside it stands where HTTP does.
    pub(crate) fn chat(signalbox: &Path) -> anyhow::Result<(Self, String)> {
        let (address, http) = (free_address()?, free_address()?);
        let mut command = Command::new(signalbox);
        command.args(["serve", "--chat", &address, "--http", &http, "--broker", "off", "--log", "error"]);
        command.args(["--collector-sub", "off", "--collector-pull", "off", "--chat-idle-secs", "3600"]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let child = child.context("signalbox cannot be started")?;
        let server = Self { child, address, program: Program::Signalbox };
        server.wait_until_it_listens()?;
        Ok((server, http))
    }

    fn wait_until_it_listens(&self) -> anyhow::Result<()> {
        let started = Instant::now();
        // The forwarder takes every connection for a client, so it is asked for by name in the kernel's table.
        while !is_listening(&self.address)? {
            anyhow::ensure!(started.elapsed() < START_DEADLINE, "{} does not listen", self.program.name());
            std::thread::sleep(Duration::from_millis(10));
        }
        if self.program != Program::Forward {
            drop(TcpStream::connect(&self.address)?);
        }
        Ok(())
    }

    /// CPU seconds it has used, user and system.
    pub(crate) fn cpu_secs(&self) -> anyhow::Result<f64> {
        process::cpu_secs(self.child.id())
    }

    /// A figure of `/proc/PID/status` in KiB: `VmHWM` is the peak of resident memory, `VmRSS` the present.
    pub(crate) fn memory_kib(&self, key: &str) -> anyhow::Result<u64> {
        process::memory_kib(self.child.id(), key)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It is ours and may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
