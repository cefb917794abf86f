//! One load run: connections, threads, counts. Knows protocols (`wire`), not who serves them.

pub(crate) mod account;
pub(crate) mod agents;
pub(crate) mod chat;
pub(crate) mod feed_clients;
pub(crate) mod feed_publisher;
pub(crate) mod forward;
pub(crate) mod idle;
pub(crate) mod latency;
pub(crate) mod probe;
pub(crate) mod publish;
pub(crate) mod stalled;
pub(crate) mod stamped;
pub(crate) mod tap_clients;
pub(crate) mod throughput;
pub(crate) mod wire;

use std::io::Write as _;

use self::wire::Wire;

/// The broker that a run speaks to.
#[derive(Debug, clap::Args)]
pub(crate) struct Target {
    /// What it speaks.
    #[arg(long)]
    wire: Wire,
    /// Where it listens.
    #[arg(long)]
    address: String,
}

/// Prints a result for the process that started this one.
fn print(outcome: &impl serde::Serialize) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string(outcome)?)?;
    Ok(())
}
