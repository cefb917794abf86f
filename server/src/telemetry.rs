//! Logs: lines for people by default, JSON by option, always on standard error.

mod lines;
mod writer;

use std::io::IsTerminal as _;

use anyhow::Context as _;
use tracing_subscriber::EnvFilter;

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// One readable line per event.
    #[default]
    Text,
    /// One JSON object per event.
    Json,
}

/// Starts logging for the whole process. `filter` has the syntax of tracing's `EnvFilter`: `info`,
/// `warn,signalbox::broker=debug`.
///
/// # Errors
/// When `filter` does not parse, or logging was started before.
pub fn init(format: LogFormat, filter: &str) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(filter).with_context(|| {
        format!("log filter {filter:?} (try \"info\" or \"warn,signalbox::broker=debug\")")
    })?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| writer::Lines);
    let is_colored = std::io::stderr().is_terminal();
    let result = match format {
        LogFormat::Text => builder.event_format(lines::Lines { is_colored }).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    result.map_err(|error| anyhow::anyhow!("logging cannot start: {error}"))?;
    writer::start().context("logging cannot start")
}

/// Waits until what was logged is on standard error: to be called before the process ends.
pub fn flush() {
    writer::flush();
}
