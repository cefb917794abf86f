//! `cargo xtask dev`: the relay in debug, and Trunk in front of it, which rebuilds the page at each change.

use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use crate::process::Running;
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
    let mut relay = Running::start(relay_command.arg("serve").current_dir(&root))?;
    let mut trunk = Running::start(&mut trunk_command)?;
    loop {
        relay.check()?;
        trunk.check()?;
        std::thread::sleep(LOOK_AGAIN);
    }
}
