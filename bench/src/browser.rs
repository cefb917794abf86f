//! Headless Chromium, spoken to by its DevTools protocol: opens pages, evaluates in them, asks what they cost.

use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;
use tungstenite::{Message, WebSocket};

/// How long the browser may take to start, and a page to become ready.
const START_DEADLINE: Duration = Duration::from_secs(60);
/// How long one evaluation may take: the largest case of the slowest chart on a busy machine.
const CALL_DEADLINE: Duration = Duration::from_secs(1800);
/// How long it may take to end after it was asked to.
const END_DEADLINE: Duration = Duration::from_secs(5);

/// What every run gets. Without the flags about the background the browser looks for hosts of its maker at each start;
/// without a GPU, as on any server, the main thread pays for its pixels, and that is the harder case.
const FLAGS: [&str; 12] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--hide-scrollbars",
    "--enable-precise-memory-info",
    "--remote-debugging-port=0",
];

/// A browser with a profile of its own; it ends, and the profile is removed, when this is dropped.
pub(crate) struct Browser {
    child: Child,
    socket: WebSocket<TcpStream>,
    n_calls: u64,
    /// Removed when this is dropped, after the browser has ended.
    _profile: TempDir,
}

/// One tab.
#[derive(Clone, Debug)]
pub(crate) struct Tab {
    target: String,
    session: String,
}

impl Browser {
    /// Starts `chromium` with a window of `size` CSS pixels.
    pub(crate) fn start(chromium: &Path, (width, height): (u32, u32)) -> anyhow::Result<Self> {
        let profile = tempfile::Builder::new().prefix("signalbox-bench-browser-").tempdir()?;
        let mut child = Command::new(chromium)
            .args(FLAGS)
            .arg(format!("--window-size={width},{height}"))
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("{} cannot be started", chromium.display()))?;
        match connect(&mut child, profile.path()) {
            Ok(socket) => Ok(Self { child, socket, n_calls: 0, _profile: profile }),
            Err(error) => {
                // It may have ended by itself.
                let _ = (child.kill(), child.wait());
                Err(error.context("the browser does not answer"))
            }
        }
    }

    /// What it calls itself, with its version.
    pub(crate) fn version(&mut self) -> anyhow::Result<String> {
        let answer = self.call(None, "Browser.getVersion", &json!({}))?;
        Ok(answer["product"].as_str().unwrap_or("Chromium").replace('/', " "))
    }

    /// Opens a tab and waits until `ready`, an expression, is true in it.
    pub(crate) fn open(&mut self, url: &str, ready: &str) -> anyhow::Result<Tab> {
        let target = self.call(None, "Target.createTarget", &json!({ "url": url }))?;
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = self.call(None, "Target.attachToTarget", &attach)?;
        let session = attached["sessionId"].as_str().context("no session")?.to_owned();
        let tab = Tab { target: target["targetId"].as_str().context("no target")?.to_owned(), session };
        // A tab behind another one draws no frames.
        self.call(None, "Target.activateTarget", &json!({ "targetId": tab.target }))?;
        let started = Instant::now();
        // A page that is on its way has another world to evaluate in, so an error is no answer yet.
        while !self.evaluate(&tab, ready).is_ok_and(|value| value == true) {
            ensure!(started.elapsed() < START_DEADLINE, "{url} does not become ready ({ready})");
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(tab)
    }

    /// Closes a tab.
    pub(crate) fn close(&mut self, tab: &Tab) -> anyhow::Result<()> {
        self.call(None, "Target.closeTarget", &json!({ "targetId": tab.target })).map(drop)
    }

    /// The value of an expression, awaited when it is a promise.
    pub(crate) fn evaluate(&mut self, tab: &Tab, expression: &str) -> anyhow::Result<Value> {
        let params = json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let mut answer = self.call(Some(tab), "Runtime.evaluate", &params)?;
        if let Some(exception) = answer.get("exceptionDetails") {
            let text = exception["exception"]["description"].as_str().or(exception["text"].as_str());
            bail!("{} in the page: {expression}", text.unwrap_or("an error"));
        }
        Ok(answer["result"]["value"].take())
    }

    /// One command of the protocol, to a tab or to the browser itself.
    pub(crate) fn call(&mut self, tab: Option<&Tab>, method: &str, params: &Value) -> anyhow::Result<Value> {
        self.n_calls += 1;
        let mut request = json!({ "id": self.n_calls, "method": method, "params": params });
        if let Some(tab) = tab {
            request["sessionId"] = tab.session.as_str().into();
        }
        self.socket.send(Message::text(request.to_string()))?;
        loop {
            // Events and answers to nobody pass by.
            let Message::Text(text) = self.socket.read().with_context(|| format!("no answer to {method}"))?
            else {
                continue;
            };
            let mut answer: Value = serde_json::from_str(&text)?;
            if answer["id"] != self.n_calls {
                continue;
            }
            if let Some(error) = answer.get("error") {
                bail!("{method}: {error}");
            }
            return Ok(answer["result"].take());
        }
    }

    /// CPU seconds that its renderers have used: the tabs' main threads, compositors and workers.
    pub(crate) fn renderer_cpu_secs(&mut self) -> anyhow::Result<f64> {
        let answer = self.call(None, "SystemInfo.getProcessInfo", &json!({}))?;
        let processes = answer["processInfo"].as_array().context("no processes")?;
        let renderers = processes.iter().filter(|process| process["type"] == "renderer");
        Ok(renderers.filter_map(|process| process["cpuTime"].as_f64()).sum())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It is ours and may be gone already; its children end with it, and until then write to the profile.
        let _ = self.call(None, "Browser.close", &json!({}));
        let started = Instant::now();
        while started.elapsed() < END_DEADLINE && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = (self.child.kill(), self.child.wait());
    }
}

/// Waits for the file in which the browser says where it listens, and connects.
fn connect(child: &mut Child, profile: &Path) -> anyhow::Result<WebSocket<TcpStream>> {
    let file = profile.join("DevToolsActivePort");
    let started = Instant::now();
    loop {
        ensure!(child.try_wait()?.is_none(), "it has ended");
        ensure!(started.elapsed() < START_DEADLINE, "{} did not come", file.display());
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        if let Some((port, path)) = text.split_once('\n').filter(|(_, path)| !path.trim().is_empty()) {
            let address = format!("127.0.0.1:{port}");
            let stream = TcpStream::connect(&address)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(CALL_DEADLINE))?;
            let (socket, _) = tungstenite::client(format!("ws://{address}{}", path.trim()), stream)
                .map_err(|error| anyhow::anyhow!("{error}"))?;
            return Ok(socket);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
