//! Headless Chromium, driven through chromedriver by WebDriver (W3C), with what it logs and two of its own commands.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Map, Value, json};

use super::{DEADLINE, eventually};

/// What every run of Chromium gets. Without those about the background it looks for hosts of its maker at each start.
const FLAGS: [&str; 9] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
];

/// A browser with one tab and a profile of its own; it ends, and the profile is removed, when this is dropped.
pub struct Browser {
    /// The tab.
    pub tab: Client,
    session: String,
    driver: Driver,
    profile: PathBuf,
}

/// One line of the browser's console.
#[derive(Debug)]
pub struct LogEntry {
    /// For example `SEVERE`.
    pub level: String,
    /// For example `javascript`, `console-api`, `security`, `network`.
    pub source: String,
    /// The text.
    pub message: String,
}

impl Browser {
    /// Starts a driver and a browser.
    pub async fn start() -> Self {
        static N_STARTED: AtomicU32 = AtomicU32::new(0);
        let number = N_STARTED.fetch_add(1, Ordering::Relaxed);
        let profile = std::env::temp_dir().join(format!("signalbox-browser-{}-{number}", std::process::id()));
        let driver = Driver::start();
        let profile_flag = format!("--user-data-dir={}", profile.display());
        let args: Vec<&str> = FLAGS.iter().copied().chain([profile_flag.as_str()]).collect();
        let mut options = json!({ "args": args });
        if let Ok(chromium) = std::env::var("CHROMIUM") {
            options["binary"] = chromium.into();
        }
        let capabilities = Map::from_iter([
            ("goog:chromeOptions".to_owned(), options),
            ("goog:loggingPrefs".to_owned(), json!({ "browser": "ALL" })),
        ]);
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let address = format!("http://127.0.0.1:{}", driver.port);
        let tab = builder.capabilities(capabilities).connect(&address).await.expect("Chromium starts");
        let session = tab.session_id().await.expect("the driver answers").expect("a session was made");
        Self { tab, session, driver, profile }
    }

    /// Opens an address and waits until the page has been loaded.
    pub async fn open(&self, url: &str) {
        self.tab.goto(url).await.unwrap_or_else(|error| panic!("{url} cannot be opened: {error}"));
    }

    /// The result of a function body run in the page.
    pub async fn run(&self, script: &str, args: Vec<Value>) -> Value {
        self.tab.execute(script, args).await.unwrap_or_else(|error| panic!("{error} in the page: {script}"))
    }

    /// The text that a person sees in the first element of `css`; none when there is no such element.
    pub async fn text(&self, css: &str) -> Option<String> {
        let script = "return document.querySelector(arguments[0])?.innerText ?? null";
        self.run(script, vec![css.into()]).await.as_str().map(str::to_owned)
    }

    /// The texts that a person sees in all elements of `css`, in the order of the page.
    pub async fn texts(&self, css: &str) -> Vec<String> {
        let script =
            "return Array.from(document.querySelectorAll(arguments[0]), element => element.innerText)";
        let texts = self.run(script, vec![css.into()]).await;
        serde_json::from_value(texts).expect("the script gives texts")
    }

    /// How many elements fit.
    pub async fn count(&self, css: &str) -> usize {
        let script = "return document.querySelectorAll(arguments[0]).length";
        self.run(script, vec![css.into()]).await.as_u64().map_or(0, |n| n as usize)
    }

    /// Waits until the text of the first element of `css` holds `part`, and gives it.
    pub async fn until_text(&self, css: &str, part: &str) -> String {
        let what = format!("{css} shows {part:?}");
        eventually(&what, async || self.text(css).await.filter(|text| text.contains(part))).await
    }

    /// Waits until the text of some element of `css` holds `part`.
    pub async fn until_some(&self, css: &str, part: &str) {
        let what = format!("one of {css} shows {part:?}");
        eventually(&what, async || {
            self.texts(css).await.iter().any(|text| text.contains(part)).then_some(())
        })
        .await;
    }

    /// Waits until the page has been drawn twice. What its stores were told by now is on it then, and what follows from
    /// that, as where a list is scrolled to, has happened too.
    pub async fn until_painted(&self) {
        let script =
            "return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done())))";
        self.run(script, vec![]).await;
    }

    /// Clicks the first element of `css` as soon as it is there.
    pub async fn click(&self, css: &str) {
        self.with_first(css, "clicked", async |element| element.click().await).await;
    }

    /// Types into the first element of `css` as soon as it is there, what it held before removed.
    pub async fn fill(&self, css: &str, text: &str) {
        self.with_first(css, "filled", async |element| {
            element.clear().await?;
            element.send_keys(text).await
        })
        .await;
    }

    /// Chooses an option of a list as soon as it is there, as a person does.
    pub async fn choose(&self, css: &str, value: &str) {
        self.with_first(css, &format!("set to {value}"), async |element| {
            element.select_by_value(value).await
        })
        .await;
    }

    /// Does something with the first element of `css` as soon as it is there. One that the page has made anew between
    /// finding and doing is found again, for nothing was done with the old one.
    async fn with_first(&self, css: &str, what: &str, act: impl AsyncFn(Element) -> Result<(), CmdError>) {
        eventually(&format!("{css} is there to be {what}"), async || {
            let done = match self.tab.find(Locator::Css(css)).await {
                Ok(element) => act(element).await,
                Err(error) => Err(error),
            };
            match done {
                Ok(()) => Some(()),
                Err(error) if error.is_no_such_element() || error.is_stale_element_reference() => None,
                Err(error) => panic!("{css} cannot be {what}: {error}"),
            }
        })
        .await;
    }

    /// Presses keys where the keyboard is; [`fantoccini::key::Key`] has those without a letter.
    pub async fn press(&self, keys: &str) {
        let element = self.tab.active_element().await.expect("the keyboard is somewhere");
        element.send_keys(keys).await.unwrap_or_else(|error| panic!("{keys:?} cannot be pressed: {error}"));
    }

    /// Puts the keyboard into the first element of `css` as soon as it is there.
    pub async fn focus(&self, css: &str) {
        let script = "const element = document.querySelector(arguments[0]); element?.focus();
                      return !!element && document.activeElement === element";
        eventually(&format!("{css} has the keyboard"), async || {
            (self.run(script, vec![css.into()]).await == true).then_some(())
        })
        .await;
    }

    /// Clicks the first element of `css` whose text is `text`, as soon as it is there.
    pub async fn click_text(&self, css: &str, text: &str) {
        let script = "const found = Array.from(document.querySelectorAll(arguments[0]))
                          .find(element => element.innerText.trim() === arguments[1]);
                      found?.click();
                      return !!found";
        eventually(&format!("{css} that says {text:?} is clicked"), async || {
            (self.run(script, vec![css.into(), text.into()]).await == true).then_some(())
        })
        .await;
    }

    /// Gives a file to the first element of `css` as soon as it is there.
    pub async fn upload(&self, css: &str, path: &std::path::Path) {
        let path = path.display().to_string();
        self.with_first(css, "given a file", async |element| element.send_keys(&path).await).await;
    }

    /// What the tab shows, as PNG.
    pub async fn picture(&self) -> Vec<u8> {
        self.tab.screenshot().await.expect("Chromium draws the page")
    }

    /// A command of the Chrome DevTools Protocol.
    pub async fn devtools(&self, command: &str, params: Value) -> Value {
        let body = json!({ "cmd": command, "params": params });
        let answer = self.tab.issue_cmd(Vendor { path: "goog/cdp/execute", body }).await;
        answer.unwrap_or_else(|error| panic!("{command} failed: {error}"))
    }

    /// What the console has said since it was last asked.
    pub async fn console(&self) -> Vec<LogEntry> {
        let body = json!({ "type": "browser" });
        let entries =
            self.tab.issue_cmd(Vendor { path: "se/log", body }).await.expect("the driver keeps the log");
        let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        let entry = |entry: &Value| LogEntry {
            level: text(entry, "level"),
            source: text(entry, "source"),
            message: text(entry, "message"),
        };
        entries.as_array().map(|entries| entries.iter().map(entry).collect()).unwrap_or_default()
    }

    /// Fails when the page has logged an error; blocked content and panics are such. Those of the network are told
    /// apart, for a relay that is away is no fault of the page.
    pub async fn expect_no_errors(&self, is_network_down: bool) {
        let is_error =
            |entry: &LogEntry| entry.level == "SEVERE" && !(is_network_down && entry.source == "network");
        let entries = self.console().await.into_iter().filter(is_error);
        let errors: Vec<String> = entries.map(|entry| entry.message).collect();
        assert!(errors.is_empty(), "the page has logged errors: {errors:#?}");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Chromium ends when its session does; the driver alone would leave it behind.
        self.driver.request("DELETE", &format!("/session/{}", self.session));
        let _ = std::fs::remove_dir_all(&self.profile); // A file that is left in a directory for temporary ones.
    }
}

/// chromedriver, killed when dropped.
struct Driver {
    child: Child,
    port: u16,
}

impl Driver {
    fn start() -> Self {
        let program = std::env::var_os("CHROMEDRIVER").unwrap_or_else(|| "chromedriver".into());
        let mut command = Command::new(program);
        command.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child =
            command.spawn().expect("chromedriver is installed; `cargo xtask test browser` sees to it");
        let mut output = BufReader::new(child.stdout.take().expect("its output is a pipe"));
        let mut line = String::new();
        let port = loop {
            line.clear();
            let n_read = output.read_line(&mut line).expect("chromedriver prints text");
            assert!(n_read != 0, "chromedriver has ended without naming its port");
            let words = line.trim_end().trim_end_matches('.').rsplit_once("successfully on port ");
            if let Some(port) = words.and_then(|(_, port)| port.parse().ok()) {
                break port;
            }
        };
        // A pipe that nobody reads would stop it one day.
        std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        Self { child, port }
    }

    /// One request, its answer awaited; this is for drops, which cannot await, and whose failures have nobody to go to.
    fn request(&self, method: &str, path: &str) {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else { return };
        let request = format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
        let _ = stream.set_read_timeout(Some(DEADLINE));
        let _ = stream.write_all(request.as_bytes()).and_then(|()| stream.read(&mut [0; 512]).map(drop));
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.child.kill().and_then(|()| self.child.wait()); // It may have ended already.
    }
}

/// A command of chromedriver's own.
#[derive(Debug)]
struct Vendor {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Vendor {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.body.to_string()))
    }
}
