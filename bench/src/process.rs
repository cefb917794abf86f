//! Servers as processes: where they may listen, whether they do, and what they and their children cost, by the operating
//! system's accounting (man 5 proc).

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;

/// Clock ticks per second in `/proc/PID/stat`; Linux fixes what user space sees.
const TICKS_PER_SEC: f64 = 100.0;

/// How long a server may take to listen.
const START_DEADLINE: Duration = Duration::from_secs(20);
/// How long a server may take to end by itself.
const END_DEADLINE: Duration = Duration::from_secs(3);

/// A server with its workers; ended when this is dropped.
pub(crate) struct Server {
    child: Child,
}

impl Server {
    /// Starts it, silent.
    pub(crate) fn start(command: &mut Command) -> anyhow::Result<Self> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let program = command.get_program().to_string_lossy();
        Ok(Self { child: child.with_context(|| format!("{program} cannot be started"))? })
    }

    /// Waits until it listens there, as long as it runs and for 20 seconds at most.
    pub(crate) fn until_listening(&mut self, address: &str) -> anyhow::Result<()> {
        let started = Instant::now();
        while !is_listening(address)? {
            let is_in_time = self.is_alive() && started.elapsed() < START_DEADLINE;
            anyhow::ensure!(is_in_time, "nothing listens on {address}");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Whether it runs.
    pub(crate) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// CPU seconds that it and its children have used, user and system.
    pub(crate) fn cpu_secs(&self) -> anyhow::Result<f64> {
        self.family()?.into_iter().map(cpu_secs).sum()
    }

    /// Resident memory of it and its children now, in KiB; what they share counts once.
    pub(crate) fn memory_kib(&self) -> anyhow::Result<u64> {
        self.family()?.into_iter().map(proportional_kib).sum()
    }

    fn family(&self) -> anyhow::Result<Vec<u32>> {
        let id = self.child.id();
        let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children"))?;
        Ok(std::iter::once(id).chain(children.split_whitespace().filter_map(|id| id.parse().ok())).collect())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A master process takes its workers along only when it is asked to end, not when it is killed.
        let asked = Command::new("kill").arg(self.child.id().to_string()).status();
        let is_asked = asked.is_ok_and(|status| status.success());
        let started = Instant::now();
        while is_asked && self.is_alive() && started.elapsed() < END_DEADLINE {
            std::thread::sleep(Duration::from_millis(10));
        }
        // It is ours and may be gone already.
        let _ = (self.child.kill(), self.child.wait());
    }
}

/// CPU seconds that one process has used, user and system.
pub(crate) fn cpu_secs(id: u32) -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
    // After the command's name in brackets: field 3 is the first, utime and stime are 14 and 15.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: f64 =
        fields.get(11..13).context("short stat")?.iter().filter_map(|t| t.parse::<f64>().ok()).sum();
    Ok(ticks / TICKS_PER_SEC)
}

/// Resident memory of one process in KiB, what it shares with others divided among them.
fn proportional_kib(id: u32) -> anyhow::Result<u64> {
    let rollup = std::fs::read_to_string(format!("/proc/{id}/smaps_rollup"))?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).context("no Pss")
}

/// A figure of `/proc/PID/status` in KiB: `VmHWM` is the peak of resident memory, `VmRSS` the present.
pub(crate) fn memory_kib(id: u32, key: &str) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).with_context(|| format!("no {key}"))
}

/// Whether a socket listens there, by `/proc/net/tcp` (state 0A; addresses in hexadecimal).
pub(crate) fn is_listening(address: &str) -> anyhow::Result<bool> {
    let port: u16 = address.rsplit(':').next().and_then(|port| port.parse().ok()).context("no port")?;
    let local = format!(":{port:04X}");
    let table = std::fs::read_to_string("/proc/net/tcp")?;
    Ok(table.lines().any(|line| {
        let mut fields = line.split_whitespace().skip(1);
        fields.next().is_some_and(|field| field.ends_with(&local)) && fields.nth(1) == Some("0A")
    }))
}

/// A port of loopback that was free a moment ago: nothing else on this machine takes ports during a bench.
pub(crate) fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// The same with its host.
pub(crate) fn free_address() -> anyhow::Result<String> {
    Ok(format!("127.0.0.1:{}", free_port()?))
}
