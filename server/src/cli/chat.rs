//! `signalbox chat`: the line protocol of the chat (docs/protocol.md §4) from a terminal or a pipe.

mod company;
mod plain;
mod session;
mod window;

use std::process::ExitCode;
use std::time::Duration;

use signalbox_shared::chat::check_name;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::terminal;

/// Join the chat from a terminal.
///
/// In a terminal: messages above, your line below, with history (Up, Down), names completed (Tab), scrolling (PageUp,
/// PageDown), and a connection that comes back by itself. In a pipe, or with --plain: prints what everybody says and sends the input
/// line by line, and ends with it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  signalbox chat ada                            join as ada
  signalbox chat ada --connect 10.0.0.7:8000    on another machine's relay
  echo 'build 42 is out' | signalbox chat ci    say one line and leave")]
pub struct Args {
    /// The name to be known by: up to 32 characters.
    name: String,
    /// Where the chat listens, as HOST:PORT.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8000")]
    connect: String,
    /// Seconds between the lines that tell the relay that a silent reader is still here; 0 for a server that is no
    /// Signalbox and would show them to everybody.
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    keep_alive: u64,
    /// Plain lines also in a terminal.
    #[arg(long)]
    plain: bool,
}

/// Runs it.
///
/// # Errors
/// What keeps it from running.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        let name = check_name(&args.name)?;
        if args.plain || !terminal::is_interactive() {
            plain::run(name, &args.connect, KeepAlive::every(args.keep_alive)).await
        } else {
            window::run(name, &args.connect, KeepAlive::every(args.keep_alive)).await
        }
    });
    // A read of the terminal cannot be called off; it must not keep the process.
    runtime.shutdown_background();
    result.map(|()| ExitCode::SUCCESS)
}

/// When to tell the relay that a silent reader is still here.
struct KeepAlive(Option<Interval>);

impl KeepAlive {
    /// Every so many seconds; never for 0.
    fn every(secs: u64) -> Self {
        Self((secs != 0).then(|| {
            let period = Duration::from_secs(secs);
            let mut ticks = interval_at(Instant::now() + period, period);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks
        }))
    }

    /// Waits for the next time. Cancel safe.
    async fn due(&mut self) {
        match &mut self.0 {
            Some(ticks) => drop(ticks.tick().await),
            None => std::future::pending().await,
        }
    }
}
