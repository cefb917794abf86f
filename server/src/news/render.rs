//! A page after its scripts have run: a headless browser in a process of its own for each page, bounded in time, size
//! and number.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::Url;
use thiserror::Error;
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, Command};
use tokio::sync::Semaphore;

use super::gateway::Gateway;
use super::guard::Reach;

/// Longest time a page may take, in seconds.
pub const TIMEOUT_SECS_MAX: u64 = 90;
/// Largest page that is given, in bytes.
const PAGE_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Pages that may wait for a browser; one more is refused.
const WAITING_MAX: u64 = 32;
/// What keeps a browser from doing anything but showing the page.
const FLAGS: &[&str] = &[
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--mute-audio",
    // Everything goes through the gateway: loopback too, and nothing past it over UDP.
    "--proxy-bypass-list=<-loopback>",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
];

/// Renders pages.
pub struct Renderer {
    browser: PathBuf,
    is_sandboxed: bool,
    reach: Reach,
    browsers: Semaphore,
    n_waiting: AtomicU64,
    n_rendered: AtomicU64,
}

/// Why a page was not rendered.
#[derive(Debug, Error)]
pub enum RenderError {
    /// The address may not be asked.
    #[error("{0}")]
    Refused(String),
    /// As many pages as may wait are waiting.
    #[error("{WAITING_MAX} pages wait already")]
    Busy,
    /// It took too long.
    #[error("not finished within {0:?}")]
    TooSlow(Duration),
    /// Over [`PAGE_BYTES_MAX`].
    #[error("the page is over the limit of {PAGE_BYTES_MAX} bytes")]
    TooLarge,
    /// The browser did not start, or ended without a page.
    #[error("the browser failed: {0}")]
    Browser(String),
}

impl Renderer {
    /// One that runs at most `n_browsers` of this browser at the same time. `is_sandboxed` must be false for a browser
    /// that runs as root.
    #[must_use]
    pub fn new(browser: PathBuf, n_browsers: usize, is_sandboxed: bool, reach: Reach) -> Self {
        Self {
            browser,
            is_sandboxed,
            reach,
            browsers: Semaphore::new(n_browsers),
            n_waiting: AtomicU64::new(0),
            n_rendered: AtomicU64::new(0),
        }
    }

    /// The page's document after its scripts have had `wait` of their own time, within `deadline`.
    ///
    /// # Errors
    /// Each variant of [`RenderError`].
    pub async fn render(
        &self,
        url: &Url,
        wait: Duration,
        deadline: Duration,
    ) -> Result<Vec<u8>, RenderError> {
        self.reach.look_up(url).await.map_err(RenderError::Refused)?;
        let _waiting = Waiting::begin(&self.n_waiting)?;
        let work = async {
            let _browser =
                self.browsers.acquire().await.map_err(|error| RenderError::Browser(error.to_string()))?;
            self.run(url, wait).await
        };
        tokio::time::timeout(deadline, work).await.unwrap_or(Err(RenderError::TooSlow(deadline)))
    }

    async fn run(&self, url: &Url, wait: Duration) -> Result<Vec<u8>, RenderError> {
        let failed = |error: std::io::Error| RenderError::Browser(error.to_string());
        let n = self.n_rendered.fetch_add(1, Ordering::Relaxed);
        let profile = Profile::make(n).map_err(failed)?;
        let gateway = Gateway::open(self.reach.clone()).await.map_err(failed)?;
        let mut command = Command::new(&self.browser);
        command.args(FLAGS).args((!self.is_sandboxed).then_some("--no-sandbox"));
        command.arg(format!("--user-data-dir={}", profile.dir.display()));
        command.arg(format!("--proxy-server=http://{}", gateway.address()));
        command.arg(format!("--virtual-time-budget={}", wait.as_millis()));
        command.args(["--dump-dom", "--", url.as_str()]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let child = command.spawn().map_err(failed)?;
        tokio::select! {
            never = gateway.run() => match never {},
            page = document(child) => page,
        }
    }
}

/// What the browser prints, once it has ended well.
async fn document(mut child: Child) -> Result<Vec<u8>, RenderError> {
    let failed = |error: std::io::Error| RenderError::Browser(error.to_string());
    let mut page = Vec::new();
    if let Some(out) = child.stdout.take() {
        out.take(PAGE_BYTES_MAX + 1).read_to_end(&mut page).await.map_err(failed)?;
    }
    if PAGE_BYTES_MAX < page.len() as u64 {
        return Err(RenderError::TooLarge);
    }
    let status = child.wait().await.map_err(failed)?;
    if !status.success() || page.is_empty() {
        return Err(RenderError::Browser(format!("it ended with {status} and {} bytes", page.len())));
    }
    Ok(page)
}

/// One page that waits or is rendered.
struct Waiting<'a>(&'a AtomicU64);

impl<'a> Waiting<'a> {
    fn begin(n_waiting: &'a AtomicU64) -> Result<Self, RenderError> {
        let guard = Self(n_waiting);
        if WAITING_MAX <= n_waiting.fetch_add(1, Ordering::Relaxed) {
            return Err(RenderError::Busy);
        }
        Ok(guard)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A browser's own folder, removed with it.
struct Profile {
    dir: PathBuf,
}

impl Profile {
    fn make(n: u64) -> std::io::Result<Self> {
        let dir = std::env::temp_dir().join(format!("signalbox-render-{}-{n}", std::process::id()));
        std::fs::create_dir_all(&dir)?;
        Ok(Self { dir })
    }
}

impl Drop for Profile {
    fn drop(&mut self) {
        // A browser that was killed may still hold a file; the system's own cleaning takes it then.
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// The first of the usual browsers that is on the PATH.
#[must_use]
pub fn find_browser() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    std::env::split_paths(&path)
        .flat_map(|dir| names.map(|name| dir.join(name)))
        .find(|program: &PathBuf| Path::new(program).is_file())
}
