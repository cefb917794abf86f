//! `signalbox news check`: fetches each source once and says what matched.

use std::process::ExitCode;

use clap::Subcommand;
use signalbox_shared::news::NewsSource;
use tokio_util::sync::CancellationToken;

use super::settings::SettingArgs;
use crate::news::News;

/// Headlines shown of each source.
const HEADLINES_SHOWN: usize = 3;

/// The sources of headlines.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  signalbox news check                            each source, and what matched
  signalbox news check --config signalbox.toml    with these settings

Exit status: 0 when every source brought headlines, 1 when one did not.")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Fetch each source once and say what its selectors matched.
    Check(SettingArgs),
}

/// Runs it.
///
/// # Errors
/// A setting that cannot be used.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let Command::Check(settings) = &args.command;
    let settings = settings.settings()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let answer = runtime.block_on(async {
        let news =
            News::new(&settings.sources, settings.news.clone(), &settings.limits, CancellationToken::new())?;
        anyhow::Ok(news.look_when_whole().await)
    })?;
    let mut out = std::io::stdout().lock();
    for source in &answer.sources {
        tell(&mut out, source)?;
    }
    let n_failed = answer.sources.iter().filter(|source| source.failure.is_some()).count();
    Ok(if n_failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn tell(out: &mut impl std::io::Write, source: &NewsSource) -> std::io::Result<()> {
    let name = &source.name;
    if let Some(failure) = &source.failure {
        return writeln!(out, "{name}: failed: {} ({})", failure.reason, source.url);
    }
    let left_out = match source.n_left_out {
        0 => String::new(),
        n => format!(", {n} left out"),
    };
    let took_ms = source.took_ms.unwrap_or_default();
    writeln!(out, "{name}: {} headlines{left_out} in {took_ms} ms ({})", source.headlines.len(), source.url)?;
    for headline in source.headlines.iter().take(HEADLINES_SHOWN) {
        writeln!(out, "  {} <{}>", headline.title, headline.link)?;
    }
    Ok(())
}
