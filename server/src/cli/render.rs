//! `signalbox render`: a small rendering service around headless Chromium, for pages whose headlines appear by script.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use tokio::net::TcpListener;

use crate::limits::Limits;
use crate::news::guard::Reach;
use crate::news::render::{Renderer, find_browser};
use crate::telemetry::LogFormat;
use crate::{shutdown, telemetry, web};

/// Run pages' scripts in headless Chromium, for news sources that need it.
///
/// Answers GET /render.html?url=..&timeout=..&wait=.. with the page as it is after its scripts have run. Pages, and
/// whatever they load or are sent to, reach public addresses only, unless --allow-private says otherwise.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  signalbox render                                          on http://127.0.0.1:8050
  signalbox serve --news-renderer http://127.0.0.1:8050/    a relay that uses it for sources that say `render = true`")]
pub struct Args {
    /// Where it listens.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8050")]
    listen: SocketAddr,
    /// The browser; default: the first Chromium or Chrome on the PATH.
    #[arg(long, value_name = "PROGRAM")]
    browser: Option<PathBuf>,
    /// Browsers at the same time; each takes about 200 MiB.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=32))]
    browsers: u8,
    /// Start the browser without its sandbox, which it wants when it runs as root.
    #[arg(long)]
    no_sandbox: bool,
    /// Let pages be on addresses that are not public (this machine, the local network).
    #[arg(long)]
    allow_private: bool,
}

/// Runs it.
///
/// # Errors
/// What keeps it from running.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    telemetry::init(LogFormat::Text, "info")?;
    let browser = args.browser.clone().or_else(find_browser).ok_or_else(|| {
        anyhow!("there is no Chromium on the PATH: install it (on Debian: apt install chromium), or name one with --browser")
    })?;
    let reach = if args.allow_private { Reach::everything() } else { Reach::default() };
    let renderer = Renderer::new(browser, args.browsers.into(), !args.no_sandbox, reach);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(args.listen).await.with_context(|| {
            format!("cannot listen on {}: choose another address with --listen", args.listen)
        })?;
        let token = shutdown::on_signal()?;
        tracing::info!("rendering pages on http://{}/render.html?url=...", listener.local_addr()?);
        let routes = web::render::routes(Arc::new(renderer));
        web::listener::serve(listener, routes, Arc::new(Limits::default()), token).await;
        anyhow::Ok(ExitCode::SUCCESS)
    })
}
