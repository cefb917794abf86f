//! `cargo xtask run`: from a fresh clone to a page that moves, in one command.

use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::Running;
use crate::{debian, page, process, progress, workspace};

/// Tells the relay's build which files the page has; `server/src/main.rs` says why.
const PAGE_FILES: &str = "SIGNALBOX_PAGE_FILES";

/// What was typed.
#[derive(Debug, PartialEq, Eq)]
struct Args {
    /// What is for `signalbox demo`, when that is wanted.
    demo: Option<Vec<String>>,
    /// What is for `signalbox serve`.
    serve: Vec<String>,
}

/// Builds everything in release and becomes the relay, or the demo that starts the relay too.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let args = parse(args)?;
    let (_, signalbox) = build()?;
    let mut command = Command::new(&signalbox);
    match args.demo {
        Some(demo) => {
            progress::say("Starting the relay and the demo; Ctrl-C ends everything");
            command.args(["demo", "--serve"]).args(demo).arg("--");
        }
        None => {
            progress::say("Starting the relay; Ctrl-C ends it (`--demo` would make every view move)");
            command.arg("serve");
        }
    }
    // Becomes the relay instead of waiting for it: signals then reach it directly.
    let error = command.args(args.serve).exec();
    Err(error).with_context(|| format!("cannot start {}", signalbox.display()))
}

/// Builds the page and the relay in release, and gives where they are. The relay's library is compiled while the page is, on
/// what that leaves of the processor, which is most of it for its last minutes; the page goes in with the last file.
pub(crate) fn build() -> Result<(PathBuf, PathBuf)> {
    let mut library = process::in_background(relay()?.args(["--lib", "--quiet"]));
    progress::say("Compiling the relay in the background; the page goes in later");
    let library = Running::start(&mut library)?;
    let page = page::build()?;
    progress::step("Compiling what is left of the relay", || library.finish())?;
    Ok((page, release_binary()?))
}

/// Builds the relay in release, the page of `dist/` inside it.
pub(crate) fn release_binary() -> Result<PathBuf> {
    let files = page::names_of_files()?;
    progress::step("Building the relay in release (a few minutes the first time)", || {
        process::run(relay()?.env(PAGE_FILES, files))
    })?;
    Ok(workspace::target_dir()?.join("release/signalbox"))
}

fn relay() -> Result<Command> {
    debian::ensure_cxx()?;
    let mut cargo = workspace::cargo()?;
    cargo.args(["build", "--locked", "--release", "--package", "signalbox"]);
    Ok(cargo)
}

fn parse(args: &[String]) -> Result<Args> {
    let (own, serve) = match args.iter().position(|arg| arg == "--") {
        Some(at) => (&args[..at], args[at + 1..].to_vec()),
        None => (args, Vec::new()),
    };
    match own.split_first() {
        None => Ok(Args { demo: None, serve }),
        Some((flag, demo)) if flag == "--demo" => Ok(Args { demo: Some(demo.to_vec()), serve }),
        _ => bail!(
            "what is meant for `signalbox serve` goes behind `--`: cargo xtask run -- {}",
            own.join(" ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(typed: &str, expected: Option<(Option<&[&str]>, &[&str])>) {
        let typed: Vec<String> = typed.split_whitespace().map(str::to_owned).collect();
        let owned = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        let expected = expected.map(|(demo, serve)| Args { demo: demo.map(owned), serve: owned(serve) });
        assert_eq!(parse(&typed).ok(), expected, "{typed:?}");
    }

    #[test]
    fn everything_behind_two_dashes_is_for_the_relay() {
        check("", Some((None, &[])));
        check("--demo", Some((Some(&[]), &[])));
        check("-- --http off", Some((None, &["--http", "off"])));
        check("--demo -- --demo", Some((Some(&[]), &["--demo"])));
        check("--demo --broker a:1 -- --http off", Some((Some(&["--broker", "a:1"]), &["--http", "off"])));
        check("--http off", None);
    }
}
