//! `signalbox serve`: the whole relay.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;

use super::settings::SettingArgs;
use crate::config::Settings;
use crate::relay::Relay;
use crate::web::EmbeddedPage;
use crate::{shutdown, telemetry};

/// Start everything: broker, collector, chat and the page that shows them.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    settings: SettingArgs,
}

const EXAMPLES: &str = "\
Every setting can also be given as a variable (SIGNALBOX_HTTP for --http) and in a TOML file; a flag wins over a
variable, and that over the file. --help lists the bounds too.

Examples:
  signalbox serve                                        page on http://127.0.0.1:8088
  signalbox serve --http 0.0.0.0:8088 --chat off         page for the whole network, no line chat
  signalbox serve --collector-sub '>tcp://10.0.0.7:5556' subscribe to an agent that binds
  SIGNALBOX_BROKER=127.0.0.1:26000 signalbox serve       the broker on another port";

/// Runs until a signal.
///
/// # Errors
/// A setting that cannot be used, or an address that cannot be bound.
pub fn run(args: &Args, page: EmbeddedPage) -> anyhow::Result<ExitCode> {
    run_with(&args.settings.settings()?, page)
}

/// Runs a relay with these settings until a signal.
pub(super) fn run_with(settings: &Settings, page: EmbeddedPage) -> anyhow::Result<ExitCode> {
    telemetry::init(settings.log_format, &settings.log)?;
    for variable in &settings.unknown_variables {
        tracing::warn!(variable, "the variable {variable} names no setting: see `signalbox serve --help`");
    }
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let shutdown = shutdown::on_signal().context("signals cannot be handled")?;
        let relay = Relay::start(settings, page, shutdown).await?;
        print_services(&relay).context("standard output cannot be written")?;
        relay.wait().await;
        Ok(ExitCode::SUCCESS)
    })
}

/// One line per service: what it is, where, and what speaks there.
fn print_services(relay: &Relay) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "Signalbox {} is running.", env!("CARGO_PKG_VERSION"))?;
    for service in relay.services() {
        let addresses = service.addresses.join(", ");
        let place = if addresses.is_empty() { format!("off ({})", service.setting) } else { addresses };
        writeln!(out, "  {:<10} {place:<44} {}", service.name, service.speaks)?;
    }
    out.flush()
}
