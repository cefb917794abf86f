//! `signalbox broker`: the message broker alone.

use std::process::ExitCode;

use super::serve;
use super::settings::SettingArgs;
use crate::web::EmbeddedPage;

/// Start the message broker alone.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    settings: SettingArgs,
}

const EXAMPLES: &str = "\
Examples:
  signalbox broker                            listen on 127.0.0.1:25000
  signalbox broker --broker 0.0.0.0:25000     for the whole network
  signalbox broker --broker-frame-bytes 1MiB  refuse larger messages
  signalbox broker --broker-stats 10s         log its statistics every ten seconds
  signalbox broker --http 127.0.0.1:8088      serve them too: /metrics, /api/channels, /api/connections and the page
  signalbox broker --broker off --broker-unix /run/signalbox.sock";

/// Runs until a signal.
///
/// # Errors
/// A setting that cannot be used, or an address that cannot be bound.
pub fn run(args: &Args, page: EmbeddedPage) -> anyhow::Result<ExitCode> {
    let mut settings = args.settings.settings()?;
    if !args.settings.says("http") {
        settings.http = None;
    }
    settings.chat = None;
    settings.collector_sub.clear();
    settings.collector_pull.clear();
    serve::run_with(&settings, page)
}
