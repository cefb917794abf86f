//! What `cargo xtask bench charts` needs: the product's chart as a page of its own, the charts that it is measured
//! against, the whole page inside the relay for the live case, and a browser.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::{browser, debian, page, process, progress, run, tools, workspace};

/// Where the chart's drawing code is made into a page.
const EXAMPLE: &str = "chart_bench";
/// As the page itself is compiled.
const PROFILE: &str = "wasm-release";

/// Installs and builds; gives the flags that tell where everything is.
pub(super) fn prepare() -> Result<Vec<OsString>> {
    let browser = browser::ensure()?;
    let folder = workspace::target_dir()?.join("bench-charts");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let ours = chart(&folder)?;
    let page = workspace::root()?.join("bench/page");
    let others = install(&page, &folder)?;
    let (_, signalbox) = run::build()?;
    let folders = [page, ours, others].map(PathBuf::into_os_string).join(",".as_ref());
    Ok(vec![
        "--page".into(),
        folders,
        "--chromium".into(),
        browser.chromium.into(),
        "--signalbox".into(),
        signalbox.into(),
    ])
}

/// Compiles the chart as the page is compiled; gives its folder.
fn chart(folder: &Path) -> Result<PathBuf> {
    tools::ensure_wasm_target()?;
    let tool = tools::page_tool()?;
    let ours = folder.join("ours");
    progress::step("Compiling the chart as the page is compiled", || {
        process::run(workspace::cargo()?.args([
            "build",
            "--locked",
            "--package",
            "signalbox-frontend",
            "--example",
            EXAMPLE,
            "--target",
            workspace::WASM_TARGET,
            "--profile",
            PROFILE,
        ]))?;
        let wasm = workspace::target_dir()?
            .join(workspace::WASM_TARGET)
            .join(PROFILE)
            .join(format!("examples/{EXAMPLE}.wasm"));
        page::bind(&tool, EXAMPLE, &wasm, &ours)
    })?;
    Ok(ours)
}

/// Installs the other charts, of the exact versions that `package.json` names, below `target/`; gives their folder.
fn install(page: &Path, folder: &Path) -> Result<PathBuf> {
    debian::ensure(&[("npm", "npm")], "the charts we are measured against come from it")?;
    let wanted = workspace::read(&page.join("package.json"))?;
    let manifest = folder.join("package.json");
    let modules = folder.join("node_modules");
    if !modules.is_dir() || fs::read_to_string(&manifest).ok().as_ref() != Some(&wanted) {
        fs::write(&manifest, wanted).with_context(|| format!("cannot write {}", manifest.display()))?;
        progress::step("Installing the charts that ours is measured against", || {
            let flags = ["install", "--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund"];
            process::run(Command::new("npm").args(flags).current_dir(folder))
        })?;
    }
    Ok(modules)
}
