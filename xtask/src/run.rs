//! `cargo xtask run`: from a fresh clone to a page that moves, in one command.

use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{page, process, progress, workspace};

/// What was typed.
#[derive(Debug, PartialEq, Eq)]
struct Args {
    is_demo: bool,
    serve_args: Vec<String>,
}

/// Builds everything in release and becomes the relay, or the demo that starts the relay too.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let args = parse(args)?;
    page::build()?;
    let signalbox = release_binary()?;
    let mut command = Command::new(&signalbox);
    if args.is_demo {
        command.args(["demo", "--serve"]);
        if !args.serve_args.is_empty() {
            command.arg("--");
        }
        progress::say("Starting the relay and the demo; Ctrl-C ends everything");
    } else {
        command.arg("serve");
        progress::say("Starting the relay; Ctrl-C ends it (`--demo` would make every view move)");
    }
    // Becomes the relay instead of waiting for it: signals then reach it directly.
    let error = command.args(args.serve_args).exec();
    Err(error).with_context(|| format!("cannot start {}", signalbox.display()))
}

/// Builds the relay in release, the page of `dist/` inside it.
pub(crate) fn release_binary() -> Result<PathBuf> {
    progress::step("Building the relay in release (a few minutes the first time)", || {
        process::run(workspace::cargo()?.args(["build", "--locked", "--release", "--package", "signalbox"]))
    })?;
    Ok(workspace::target_dir()?.join("release/signalbox"))
}

fn parse(args: &[String]) -> Result<Args> {
    let (own, serve_args) = match args.iter().position(|arg| arg == "--") {
        Some(at) => (&args[..at], args[at + 1..].to_vec()),
        None => (args, Vec::new()),
    };
    match own {
        [] => Ok(Args { is_demo: false, serve_args }),
        [flag] if flag == "--demo" => Ok(Args { is_demo: true, serve_args }),
        _ => bail!(
            "`run` takes only --demo; what is meant for `signalbox serve` goes behind `--`: run -- {}",
            own.join(" ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(typed: &str, expected: Option<(bool, &[&str])>) {
        let typed: Vec<String> = typed.split_whitespace().map(str::to_owned).collect();
        let expected = expected.map(|(is_demo, args)| Args {
            is_demo,
            serve_args: args.iter().map(|&arg| arg.to_owned()).collect(),
        });
        assert_eq!(parse(&typed).ok(), expected, "{typed:?}");
    }

    #[test]
    fn everything_behind_two_dashes_is_for_the_relay() {
        check("", Some((false, &[])));
        check("--demo", Some((true, &[])));
        check("-- --http off", Some((false, &["--http", "off"])));
        check("--demo -- --demo", Some((true, &["--demo"])));
        check("--http off", None);
    }
}
