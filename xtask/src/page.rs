//! The page, ready to be served: compiled for size, joined to the browser by wasm-bindgen, compressed in advance.
//!
//! The same files come out of `trunk build --release`, which remains for development; this way needs no Trunk, and
//! leaves a file of `dist/` untouched when its content is the same, so that the relay that embeds them is not built
//! again for nothing.

mod shell;
mod sync;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::tools::{self, Tool};
use crate::{process, progress, workspace};

pub(crate) use sync::files_below;

/// Package, binary and file name of the page; what Trunk calls it too.
const NAME: &str = "signalbox-frontend";
/// The profile that compiles for size. `index.html` names it for Trunk.
const PROFILE: &str = "wasm-release";

/// Builds it and gives the directory that holds it.
pub(crate) fn build() -> Result<PathBuf> {
    tools::ensure_wasm_target()?;
    let wasm_bindgen = Tool::wasm_bindgen()?.ensure()?.join("wasm-bindgen");
    progress::step("Compiling the page for size (80 s the first time)", compile)?;
    let dist = workspace::dist_dir()?;
    let n_changed = progress::step("Putting the page together in dist/, compressed in advance", || {
        let stage = workspace::target_dir()?.join("page");
        assemble(&stage, &wasm_bindgen)?;
        sync::sync(&stage, &dist)
    })?;
    progress::say(&match n_changed {
        0 => "  nothing has changed".to_owned(),
        n => format!("  {n} file(s) changed"),
    });
    Ok(dist)
}

fn compile() -> Result<()> {
    let mut cargo = workspace::cargo()?;
    process::run(cargo.args(["build", "--locked", "--package", NAME, "--bin", NAME]).args([
        "--target",
        workspace::WASM_TARGET,
        "--profile",
        PROFILE,
    ]))
}

/// Fills `stage` with every file of the page as a browser asks for it.
fn assemble(stage: &Path, wasm_bindgen: &Path) -> Result<()> {
    let root = workspace::root()?;
    if stage.exists() {
        fs::remove_dir_all(stage).with_context(|| format!("cannot empty {}", stage.display()))?;
    }
    let wasm =
        workspace::target_dir()?.join(workspace::WASM_TARGET).join(PROFILE).join(format!("{NAME}.wasm"));
    let mut bindgen = Command::new(wasm_bindgen);
    bindgen
        .args(["--target", "web", "--no-typescript", "--out-name", NAME, "--out-dir"])
        .arg(stage)
        .arg(wasm);
    process::run(&mut bindgen)?;
    let page = shell::resolve(&workspace::read(&root.join("index.html"))?, NAME)?;
    for copy in &page.copies {
        let from = root.join(&copy.from);
        fs::copy(&from, stage.join(&copy.to)).with_context(|| format!("cannot copy {}", from.display()))?;
    }
    let index = stage.join("index.html");
    fs::write(&index, page.html).with_context(|| format!("cannot write {}", index.display()))
}
