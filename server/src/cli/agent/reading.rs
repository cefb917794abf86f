//! What a process or the host uses right now, by sysinfo. Knows nothing of samples and sockets.

use std::fmt;
use std::time::Instant;

use anyhow::Context as _;
use sysinfo::{
    CpuRefreshKind, MemoryRefreshKind, Pid, Process, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate,
    RefreshKind, System,
};

/// Bytes in one MB of the protocol. Source: docs/protocol.md §2.
const MB: f64 = 1_048_576.0;

/// Whose readings these are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watched {
    /// One process by its number.
    Process(u32),
    /// The whole machine.
    Host,
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process(pid) => write!(f, "process {pid}"),
            Self::Host => f.write_str("this host"),
        }
    }
}

/// One look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// Percent of one core since the last look.
    pub cpu_percent: f64,
    /// Resident memory, or the host's used memory, in MB of 1,048,576 bytes.
    pub mem_mb: f64,
    /// A further metric that costs nothing: a process's age in seconds, the host's load.
    pub further: Option<(&'static str, f64)>,
}

/// Looks at the same thing again and again.
#[derive(Debug)]
pub struct Readings {
    system: System,
    watched: Watched,
    /// A process that began at another time is another process, whatever its number.
    started_at_secs: u64,
    last: (Instant, u64),
}

impl Readings {
    /// The first look, which only the next one makes a reading.
    ///
    /// # Errors
    /// When there is no such process.
    pub fn begin(watched: Watched) -> anyhow::Result<Self> {
        let kind = match watched {
            Watched::Process(_) => RefreshKind::nothing(),
            Watched::Host => RefreshKind::nothing()
                .with_cpu(CpuRefreshKind::nothing().with_usage())
                .with_memory(MemoryRefreshKind::nothing().with_ram()),
        };
        let system = System::new_with_specifics(kind);
        let mut readings = Self {
            system: system.context("cannot read this system")?,
            watched,
            started_at_secs: 0,
            last: (Instant::now(), 0),
        };
        if let Watched::Process(pid) = watched {
            let Some(process) = readings.process(pid) else {
                anyhow::bail!("there is no process {pid} to watch (--pid)");
            };
            let (started_at_secs, cpu_millis) = (process.start_time(), process.accumulated_cpu_time());
            readings.started_at_secs = started_at_secs;
            readings.last = (Instant::now(), cpu_millis);
        }
        Ok(readings)
    }

    /// The next look; `None` when the process has ended.
    pub fn take(&mut self) -> Option<Reading> {
        match self.watched {
            Watched::Process(pid) => self.process_reading(pid),
            Watched::Host => Some(self.host_reading()),
        }
    }

    fn process_reading(&mut self, pid: u32) -> Option<Reading> {
        let started_at_secs = self.started_at_secs;
        let process = self.process(pid).filter(|process| process.start_time() == started_at_secs)?;
        let (cpu_millis, mem_mb) = (process.accumulated_cpu_time(), process.memory() as f64 / MB);
        let uptime = process.run_time() as f64;
        let now = Instant::now();
        let elapsed_millis = now.duration_since(self.last.0).as_secs_f64() * 1_000.0;
        let used_millis = cpu_millis.saturating_sub(self.last.1) as f64;
        self.last = (now, cpu_millis);
        // Two looks at the same moment tell nothing.
        let cpu_percent = if 0.0 < elapsed_millis { 100.0 * used_millis / elapsed_millis } else { 0.0 };
        Some(Reading { cpu_percent, mem_mb, further: Some(("uptime_s", uptime)) })
    }

    fn host_reading(&mut self) -> Reading {
        self.system.refresh_cpu_usage();
        self.system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        Reading {
            cpu_percent: self.system.cpus().iter().map(|cpu| f64::from(cpu.usage())).sum(),
            mem_mb: self.system.used_memory() as f64 / MB,
            further: System::load_average().ok().map(|load| ("load1", load.one)),
        }
    }

    /// The process, fresh; a dead one that nobody has waited for yet is none.
    fn process(&mut self, pid: u32) -> Option<&Process> {
        let pid = Pid::from_u32(pid);
        let kind = ProcessRefreshKind::nothing().with_cpu().with_memory();
        self.system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, kind);
        let is_dead =
            |process: &&Process| matches!(process.status(), ProcessStatus::Zombie | ProcessStatus::Dead);
        self.system.process(pid).filter(|process| !is_dead(process))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory_and_an_age() {
        let mut readings = Readings::begin(Watched::Process(std::process::id())).unwrap();
        let reading = readings.take().unwrap();
        assert!(0.0 < reading.mem_mb && reading.mem_mb < 100_000.0, "{reading:?}");
        assert!(0.0 <= reading.cpu_percent, "{reading:?}");
        assert_eq!(reading.further.map(|(key, _)| key), Some("uptime_s"));
    }

    #[test]
    fn the_host_has_more_memory_in_use_than_this_process() {
        let of_host = Readings::begin(Watched::Host).unwrap().take().unwrap();
        let of_process = Readings::begin(Watched::Process(std::process::id())).unwrap().take().unwrap();
        assert!(of_process.mem_mb < of_host.mem_mb, "{of_process:?} {of_host:?}");
    }

    #[test]
    fn a_process_that_ended_is_gone_even_before_its_parent_has_waited() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let mut readings = Readings::begin(Watched::Process(child.id())).unwrap();
        assert!(readings.take().is_some());
        child.kill().unwrap();
        // The signal takes a moment to arrive.
        let deadline = Instant::now() + std::time::Duration::from_secs(30);
        while readings.take().is_some() {
            assert!(Instant::now() < deadline, "still there");
            std::thread::yield_now();
        }
        child.wait().unwrap();
        assert!(Readings::begin(Watched::Process(child.id())).is_err());
    }
}
