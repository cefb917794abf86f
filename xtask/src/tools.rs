//! Rust tools of exact versions: used from the PATH when the version fits, else built once into a versioned cache.
//!
//! Each version has its own directory, so checkouts that want different ones do not fight, and nothing that a person
//! installed is replaced.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{process, progress, workspace};

/// One tool from the package registry.
pub(crate) struct Tool {
    /// Its package.
    package: &'static str,
    /// The programs in it; the first one is asked for its version.
    programs: &'static [&'static str],
    /// Exactly this one.
    version: String,
    /// What it is for, and how long it takes to build on two cores.
    why: &'static str,
    /// Further words for `cargo install`.
    install_args: &'static [&'static str],
}

impl Tool {
    /// Runs the page's own tests in a browser, and makes the script of the page for Trunk. Its version must be that of the
    /// crate, for the two share a format.
    pub(crate) fn wasm_bindgen() -> Result<Self> {
        Ok(Self {
            package: "wasm-bindgen-cli",
            programs: &["wasm-bindgen", "wasm-bindgen-test-runner"],
            version: workspace::locked_version("wasm-bindgen")?,
            why: "it runs the page's tests in a browser, and joins Trunk's page to one; about 2 minutes",
            // Without `--locked`: its lock file names a version of a dependency that the registry does not offer.
            install_args: &[],
        })
    }

    /// Rebuilds the page at each change, for development. The newest version that builds with the pinned toolchain.
    pub(crate) fn trunk() -> Self {
        Self {
            package: "trunk",
            programs: &["trunk"],
            version: "0.21.14".to_owned(),
            why: "it rebuilds the page at each change and serves it; about 4 minutes",
            // Without its look for a newer version of itself.
            install_args: &["--locked", "--no-default-features", "--features", "rustls"],
        }
    }

    /// Checks the licences and origins of the dependencies, and what is known against them.
    pub(crate) fn cargo_deny() -> Self {
        Self {
            package: "cargo-deny",
            programs: &["cargo-deny"],
            version: "0.20.2".to_owned(),
            why: "it checks where the dependencies come from and under which licence; about 5 minutes",
            install_args: &["--locked"],
        }
    }

    /// Finds the tool or installs it; gives the directory that holds its programs.
    pub(crate) fn ensure(&self) -> Result<PathBuf> {
        if let Some(program) = process::find(&[self.programs[0]])
            && let Some(dir) = program.parent()
            && self.is_in(dir)
        {
            return Ok(dir.to_owned());
        }
        let root = workspace::tools_dir()?.join(format!("{}-{}", self.package, self.version));
        let dir = root.join("bin");
        if !self.is_in(&dir) {
            progress::step(&format!("Installing {} {}: {}", self.package, self.version, self.why), || {
                self.install(&root)
            })?;
            if !self.is_in(&dir) {
                bail!(
                    "{} {} was installed, but {} does not answer",
                    self.package,
                    self.version,
                    dir.display()
                );
            }
        }
        Ok(dir)
    }

    fn is_in(&self, dir: &Path) -> bool {
        self.programs.iter().all(|name| process::is_program(&dir.join(name)))
            && Command::new(dir.join(self.programs[0]))
                .arg("--version")
                .output()
                .is_ok_and(|out| is_version(&String::from_utf8_lossy(&out.stdout), &self.version))
    }

    fn install(&self, root: &Path) -> Result<()> {
        let build_dir = root.join("build");
        fs::create_dir_all(&build_dir).with_context(|| format!("cannot create {}", build_dir.display()))?;
        let mut cargo = workspace::cargo()?;
        cargo
            .args(["install", self.package, "--version", &format!("={}", self.version), "--root"])
            .arg(root)
            .args(self.install_args)
            .arg("--target-dir")
            .arg(&build_dir)
            // Outside the repository, so that its settings do not reach the tool.
            .current_dir(root);
        // A tool that runs for a second need not be optimised for minutes.
        for (key, value) in [("LTO", "off"), ("CODEGEN_UNITS", "16"), ("OPT_LEVEL", "1"), ("DEBUG", "0")] {
            cargo.env(format!("CARGO_PROFILE_RELEASE_{key}"), value);
        }
        process::run(&mut cargo)?;
        fs::remove_dir_all(&build_dir).with_context(|| format!("cannot remove {}", build_dir.display()))
    }
}

/// `trunk 0.21.14`, and `wasm-bindgen 0.2.130 (abcdef)`, hold their version as the second word.
fn is_version(answer: &str, version: &str) -> bool {
    answer.split_whitespace().nth(1) == Some(version)
}

/// Builds the program that cuts the compiled page and joins it to the browser.
pub(crate) fn page_tool() -> Result<PathBuf> {
    progress::step("Building what joins the page to the browser (a minute the first time)", || {
        process::run(workspace::cargo()?.args([
            "build",
            "--locked",
            "--profile",
            "tool",
            "--package",
            "page-tool",
        ]))
    })?;
    Ok(workspace::target_dir()?.join("tool/page-tool"))
}

/// Makes sure that the toolchain can compile for the browser.
pub(crate) fn ensure_wasm_target() -> Result<()> {
    let sysroot = process::output(rustc()?.args(["--print", "sysroot"]))?;
    if Path::new(sysroot.trim()).join("lib/rustlib").join(workspace::WASM_TARGET).join("lib").is_dir() {
        return Ok(());
    }
    if process::find(&["rustup"]).is_none() {
        bail!(
            "this Rust toolchain lacks the target {}: install it the way you installed Rust",
            workspace::WASM_TARGET
        );
    }
    progress::step(
        &format!("Adding the target {}: the page runs in the browser", workspace::WASM_TARGET),
        || {
            let mut rustup = Command::new("rustup");
            process::run(
                rustup.args(["target", "add", workspace::WASM_TARGET]).current_dir(workspace::root()?),
            )
        },
    )
}

/// The compiler that cargo uses here.
fn rustc() -> Result<Command> {
    let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.current_dir(workspace::root()?);
    Ok(rustc)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_version_counts() {
        assert!(is_version("wasm-bindgen 0.2.130\n", "0.2.130"));
        assert!(is_version("trunk 0.21.14 (abc)\n", "0.21.14"));
        assert!(!is_version("wasm-bindgen 0.2.13\n", "0.2.130"));
        assert!(!is_version("", "0.2.130"));
    }
}
