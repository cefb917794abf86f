//! `cargo xtask run`: from a fresh clone to a page that moves, in one command.

use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{debian, page, process, progress, workspace};

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
    page::build()?;
    let signalbox = release_binary()?;
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

/// Builds the relay in release, the page of `dist/` inside it.
pub(crate) fn release_binary() -> Result<PathBuf> {
    debian::ensure_cxx()?;
    progress::step("Building the relay in release (a few minutes the first time)", || {
        process::run(workspace::cargo()?.args(["build", "--locked", "--release", "--package", "signalbox"]))
    })?;
    Ok(workspace::target_dir()?.join("release/signalbox"))
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
