//! A relay in a process of its own, on fixed ports, that can be killed and started again.

use std::path::PathBuf;
use std::process::Stdio;

use tokio::process::{Child, Command};

use super::{eventually, http, page_dir, ports};

/// The relay's process; killed when dropped.
pub struct Relay {
    child: Child,
    program: PathBuf,
    args: Vec<String>,
    /// Where each service listens on the loopback interface.
    pub ports: Ports,
}

/// Ports of a relay.
#[derive(Clone, Copy)]
pub struct Ports {
    pub http: u16,
    pub broker: u16,
    pub chat: u16,
    pub collector_sub: u16,
    pub collector_pull: u16,
}

impl Relay {
    /// The relay of this build, serving the page as it ships.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// The same with further arguments.
    pub async fn start_with(args: &[&str]) -> Self {
        let page_dir = page_dir().display().to_string();
        Self::start_program(
            env!("CARGO_BIN_EXE_signalbox").into(),
            &[&["--page-dir", &page_dir], args].concat(),
        )
        .await
    }

    /// The same over a broker elsewhere on the loopback interface, which is where [`Ports::broker`] leads.
    pub async fn start_over(broker: u16, args: &[&str]) -> Self {
        let page_dir = page_dir().display().to_string();
        let engine = format!("tcp://127.0.0.1:{broker}");
        let further = [&["--page-dir", &page_dir, "--engine", &engine], args].concat();
        Self::start_on(env!("CARGO_BIN_EXE_signalbox").into(), broker, "off", &further).await
    }

    /// Another build of it.
    pub async fn start_program(program: PathBuf, further_args: &[&str]) -> Self {
        let broker = ports::free();
        Self::start_on(program, broker, &format!("127.0.0.1:{broker}"), further_args).await
    }

    async fn start_on(program: PathBuf, broker: u16, listen: &str, further_args: &[&str]) -> Self {
        let ports = Ports {
            http: ports::free(),
            broker,
            chat: ports::free(),
            collector_sub: ports::free(),
            collector_pull: ports::free(),
        };
        let mut args = vec!["serve".to_owned()];
        for (flag, value) in [
            ("--http", format!("127.0.0.1:{}", ports.http)),
            ("--broker", listen.to_owned()),
            ("--chat", format!("127.0.0.1:{}", ports.chat)),
            ("--collector-sub", format!("@tcp://127.0.0.1:{}", ports.collector_sub)),
            ("--collector-pull", format!("@tcp://127.0.0.1:{}", ports.collector_pull)),
        ] {
            args.extend([flag.to_owned(), value]);
        }
        // No test asks sites that are not its own: those that ship are asked only where no settings file names others.
        if !further_args.contains(&"--config") {
            args.push("--news=off".to_owned());
        }
        args.extend(further_args.iter().map(|&arg| arg.to_owned()));
        let mut relay = Self { child: spawn(&program, &args), program, args, ports };
        relay.until_ready().await;
        relay
    }

    /// Ends it as a power cut would: no signal handler runs.
    pub async fn kill(&mut self) {
        self.child.kill().await.expect("the relay's process is ours to kill");
    }

    /// Starts it again with the same arguments, so on the same ports.
    pub async fn start_again(&mut self) {
        self.child = spawn(&self.program, &self.args);
        self.until_ready().await;
    }

    /// An address of the page.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.ports.http)
    }

    async fn until_ready(&mut self) {
        let (child, port) = (&mut self.child, self.ports.http);
        eventually("the relay answers /healthz with 200", async || {
            let status = child.try_wait().expect("the relay's process can be asked");
            assert!(status.is_none(), "the relay has ended with {status:?}");
            http::get(port, "/healthz", &[]).await.filter(|answer| answer.status == 200)
        })
        .await;
    }
}

fn spawn(program: &PathBuf, args: &[String]) -> Child {
    let mut command = Command::new(program);
    command.args(args).stdout(Stdio::null()).kill_on_drop(true);
    // Settings come from the arguments alone, whatever this computer's owner has set, and whatever tests are told.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("SIGNALBOX_"))
    {
        command.env_remove(name);
    }
    command.spawn().unwrap_or_else(|error| panic!("cannot start {}: {error}", program.display()))
}
