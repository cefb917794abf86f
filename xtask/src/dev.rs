//! `cargo xtask dev`: the relay in debug, and Trunk in front of it, which rebuilds the page at each change.

use std::process::{Child, Command};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::tools::{self, Tool};
use crate::{debian, process, progress, workspace};

/// How often the two are looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// Runs both until one ends; Ctrl-C reaches both, for they share this terminal.
pub(crate) fn run() -> Result<()> {
    debian::ensure_cxx()?;
    tools::ensure_wasm_target()?;
    let wasm_bindgen_dir = Tool::wasm_bindgen()?.ensure()?;
    let trunk = Tool::trunk().ensure()?.join("trunk");
    progress::step("Building the relay in debug", || {
        process::run(workspace::cargo()?.args(["build", "--locked", "--package", "signalbox"]))
    })?;
    progress::say(
        "Starting the relay and `trunk serve`; open the address that Trunk names, Ctrl-C ends both",
    );
    let root = workspace::root()?;
    let mut relay_command = Command::new(workspace::target_dir()?.join("debug/signalbox"));
    let mut trunk_command = Command::new(trunk);
    trunk_command.arg("serve").env("PATH", process::path_with(&wasm_bindgen_dir)?).current_dir(&root);
    let mut relay = Running::start("the relay", relay_command.arg("serve").current_dir(&root))?;
    let mut trunk = Running::start("trunk serve", &mut trunk_command)?;
    loop {
        relay.check()?;
        trunk.check()?;
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// A program that ends with this one.
struct Running {
    name: &'static str,
    child: Child,
}

impl Running {
    fn start(name: &'static str, command: &mut Command) -> Result<Self> {
        let child = command.spawn().with_context(|| format!("cannot start {name}"))?;
        Ok(Self { name, child })
    }

    fn check(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("{} has ended with {status}", self.name),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
