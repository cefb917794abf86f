//! The checks themselves: what is run, with which settings.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::{Outcome, Step, same_page};
use crate::tools::{self, Tool};
use crate::workspace::{self, WASM_TARGET};
use crate::{browser, debian, dist, docs, page, postgres, process, python, run, tidy};

/// Every check, cheapest first.
pub(super) const ALL: &[Step] = &[
    Step { name: "format", what: "the sources are formatted by rustfmt", check: format },
    Step { name: "tidy", what: "the invariants of the sources hold", check: tidy_sources },
    Step { name: "clippy", what: "no warning by clippy, natively and for the browser", check: clippy },
    Step { name: "native", what: "unit, integration and documentation tests", check: native },
    Step { name: "wasm", what: "the page's own tests in headless Chromium", check: wasm },
    Step {
        name: "page",
        what: "the page builds, with no inline script, and Trunk builds the same in one piece",
        check: page_builds,
    },
    Step { name: "release", what: "the release binary builds, the page inside it", check: release },
    Step {
        name: "browser",
        what: "the page against the real binary in headless Chromium",
        check: end_to_end,
    },
    Step { name: "docs", what: "every command that the documents show exists", check: documents },
    Step { name: "deny", what: "licences and origins of all dependencies, known advisories", check: deny },
];

fn format() -> Result<Outcome> {
    process::run(workspace::cargo()?.args(["fmt", "--all", "--check"]))?;
    Ok(Outcome::Passed)
}

fn tidy_sources() -> Result<Outcome> {
    tidy::run()?;
    Ok(Outcome::Passed)
}

fn clippy() -> Result<Outcome> {
    debian::ensure_cxx()?;
    tools::ensure_wasm_target()?;
    let common = ["clippy", "--locked", "--all-targets"];
    let deny = ["--", "--deny", "warnings"];
    process::run(workspace::cargo()?.args(common).arg("--workspace").args(deny))?;
    let page = ["--package", "signalbox-frontend", "--target", WASM_TARGET];
    process::run(workspace::cargo()?.args(common).args(page).args(deny))?;
    Ok(Outcome::Passed)
}

fn native() -> Result<Outcome> {
    debian::ensure_cxx()?;
    let mut cargo = workspace::cargo()?;
    cargo
        .args(["test", "--locked", "--workspace"])
        .env(python::VARIABLE, python::ensure()?)
        .env(postgres::VARIABLE, postgres::ensure()?);
    process::run(&mut cargo)?;
    Ok(Outcome::Passed)
}

fn wasm() -> Result<Outcome> {
    tools::ensure_wasm_target()?;
    let runner_dir = Tool::wasm_bindgen()?.ensure()?;
    let browser = browser::ensure()?;
    let mut cargo = workspace::cargo()?;
    cargo
        .args(["test", "--locked", "--package", "signalbox-frontend", "--target", WASM_TARGET])
        .env("PATH", process::path_with(&runner_dir)?)
        .env("CHROMEDRIVER", browser.driver);
    process::run(&mut cargo)?;
    Ok(Outcome::Passed)
}

fn page_builds() -> Result<Outcome> {
    let ours = page::build()?;
    docs::no_inline_script(&workspace::read(&ours.join("index.html"))?)?;
    let theirs = trunk_build()?;
    same_page::check(&ours, &theirs)?;
    docs::no_inline_script(&workspace::read(&theirs.join("index.html"))?)
        .context("in the page that Trunk makes")?;
    dist::print_sizes(&ours)?;
    Ok(Outcome::Passed)
}

/// Builds the page by Trunk, away from `dist/`, and gives where it is.
fn trunk_build() -> Result<PathBuf> {
    let wasm_bindgen_dir = Tool::wasm_bindgen()?.ensure()?;
    let trunk = Tool::trunk().ensure()?.join("trunk");
    let out = workspace::target_dir()?.join("trunk");
    let mut command = Command::new(trunk);
    command.args(["build", "--release", "--dist"]).arg(&out);
    command.env("PATH", process::path_with(&wasm_bindgen_dir)?).current_dir(workspace::root()?);
    process::run(&mut command)?;
    Ok(out)
}

fn release() -> Result<Outcome> {
    run::build()?;
    Ok(Outcome::Passed)
}

fn end_to_end() -> Result<Outcome> {
    let (page, release) = run::build()?;
    let browser = browser::ensure()?;
    debian::ensure(&[("nc", "netcat-openbsd")], "a test chats with it")?;
    let mut cargo = workspace::cargo()?;
    cargo
        .args(["test", "--locked", "--package", "signalbox", "--test", "browser"])
        .env("SIGNALBOX_TEST_PAGE_DIR", page)
        .env("SIGNALBOX_TEST_RELEASE_BINARY", release)
        .env("CHROMEDRIVER", browser.driver)
        .env("CHROMIUM", browser.chromium)
        .env(python::VARIABLE, python::ensure()?)
        .env(postgres::VARIABLE, postgres::ensure()?);
    process::run(&mut cargo)?;
    Ok(Outcome::Passed)
}

fn documents() -> Result<Outcome> {
    process::run(workspace::cargo()?.args(["build", "--locked", "--package", "signalbox"]))?;
    docs::check_commands(&workspace::target_dir()?.join("debug/signalbox"))?;
    Ok(Outcome::Passed)
}

fn deny() -> Result<Outcome> {
    let path = process::path_with(&Tool::cargo_deny().ensure()?)?;
    let deny = |args: &[&str]| -> Result<Command> {
        let mut cargo = workspace::cargo()?;
        cargo.arg("deny").args(args).env("PATH", &path);
        Ok(cargo)
    };
    process::run(&mut deny(&["--locked", "check", "bans", "licenses", "sources"])?)?;
    // The advisories come from a repository of their own, which not every machine reaches.
    if process::succeeds(&mut deny(&["fetch", "db"])?) {
        process::run(&mut deny(&["--locked", "check", "--disable-fetch", "advisories"])?)?;
        return Ok(Outcome::Passed);
    }
    Ok(Outcome::NotRun("licences and origins are fine; the advisory database cannot be reached".to_owned()))
}
