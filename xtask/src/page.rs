//! The page, ready to be served: compiled for size, joined to the browser by wasm-bindgen, compressed in advance.
//!
//! `trunk build --release`, which remains for development, makes the same page in one piece; this way needs no Trunk, cuts
//! it in two ([`pieces`]), and leaves a file of `dist/` untouched when its content is the same, so that the relay that embeds them is not built
//! again for nothing.

mod pieces;
mod shell;
mod sync;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::{process, progress, tools, workspace};

pub(crate) use sync::files_below;

/// Package, binary and file name of the page; what Trunk calls it too.
const NAME: &str = "signalbox-frontend";
/// The profile that compiles for size. `index.html` names it for Trunk.
const PROFILE: &str = "wasm-release";

/// Whether `file` is of the second piece of the compiled page.
pub(crate) fn is_second_piece(file: &Path) -> bool {
    file.to_str().is_some_and(|file| file.starts_with(&format!("{NAME}_rest-")))
}

/// Whether `file` is of the compiled page.
pub(crate) fn is_code(file: &Path) -> bool {
    file.to_str().is_some_and(|file| file.starts_with(NAME))
}

/// Builds it and gives the directory that holds it.
pub(crate) fn build() -> Result<PathBuf> {
    tools::ensure_wasm_target()?;
    let tool = tools::page_tool()?;
    progress::step("Compiling the page for size (80 s the first time)", compile)?;
    let dist = workspace::dist_dir()?;
    let n_changed = progress::step("Putting the page together in dist/, compressed in advance", || {
        let stage = workspace::target_dir()?.join("page");
        assemble(&stage, &tool)?;
        sync::sync(&stage, &dist)
    })?;
    progress::say(&match n_changed {
        0 => "  nothing has changed".to_owned(),
        n => format!("  {n} file(s) changed"),
    });
    Ok(dist)
}

/// Names the files of `dist/`, in few characters.
pub(crate) fn names_of_files() -> Result<String> {
    let dist = workspace::dist_dir()?;
    let files = if dist.is_dir() { files_below(&dist)? } else { BTreeSet::new() };
    Ok(pieces::hash(&files))
}

fn compile() -> Result<()> {
    let mut cargo = workspace::cargo()?;
    cargo
        .args(["rustc", "--locked", "--package", NAME, "--bin", NAME, "--features", pieces::FEATURE])
        .args(["--target", workspace::WASM_TARGET, "--profile", PROFILE, "--"])
        .args(pieces::LINK_ARGS);
    process::run(&mut cargo)
}

/// Joins `wasm` to the browser by a script, both in `dir` under `name`.
pub(crate) fn bind(tool: &Path, name: &str, wasm: &Path, dir: &Path) -> Result<()> {
    process::run(Command::new(tool).args(["bind", name]).arg(wasm).arg(dir))
}

/// Fills `stage` with every file of the page as a browser asks for it.
fn assemble(stage: &Path, tool: &Path) -> Result<()> {
    let root = workspace::root()?;
    if stage.exists() {
        fs::remove_dir_all(stage).with_context(|| format!("cannot empty {}", stage.display()))?;
    }
    let wasm =
        workspace::target_dir()?.join(workspace::WASM_TARGET).join(PROFILE).join(format!("{NAME}.wasm"));
    let pieces = pieces::split(tool, &wasm, &workspace::target_dir()?.join("pieces"))?;
    bind(tool, NAME, &pieces.first, stage)?;
    let script = pieces.put_beside(stage)?;
    let page = shell::resolve(&workspace::read(&root.join("index.html"))?, NAME, &script)?;
    for copy in &page.copies {
        let from = root.join(&copy.from);
        fs::copy(&from, stage.join(&copy.to)).with_context(|| format!("cannot copy {}", from.display()))?;
    }
    let index = stage.join("index.html");
    fs::write(&index, page.html).with_context(|| format!("cannot write {}", index.display()))
}
