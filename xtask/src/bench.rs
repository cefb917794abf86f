//! `cargo xtask bench`: what is measured, and what it is measured against, built, installed and started.

mod broker;
mod cache;
mod charts;
mod chat;
mod feed;
mod news;
mod page;

use std::convert::Infallible;
use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{process, progress, workspace};

/// Installs what a subject needs, and gives the words that tell the bench where it is.
type Prepare = fn() -> Result<Vec<OsString>>;

/// What can be measured, in the order of the reference.
const SUBJECTS: [(&str, Prepare); 8] = [
    ("broker", broker::prepare),
    ("cache", cache::prepare),
    ("charts", charts::prepare),
    ("chat", chat::prepare),
    ("feed", feed::prepare),
    ("collector", feed::prepare_collector),
    ("news", news::prepare),
    ("page", page::prepare),
];

/// Makes everything ready for one subject and becomes the program that measures it.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let names = SUBJECTS.map(|(name, _)| name);
    let Some((subject, rest)) = args.split_first() else {
        bail!("say what to measure: `cargo xtask bench {}`, with --help for its options", names.join("|"));
    };
    let Some((_, prepare)) = SUBJECTS.into_iter().find(|(name, _)| name == subject) else {
        bail!("{subject:?} is not measured: `cargo xtask bench {}`", names.join("|"));
    };
    // Its help needs none of what it measures.
    let is_help = rest.iter().any(|arg| arg == "--help" || arg == "-h");
    let prepared = if is_help { Vec::new() } else { prepare()? };
    match become_bench(subject, prepared, rest)? {}
}

fn become_bench(subject: &str, prepared: Vec<OsString>, rest: &[String]) -> Result<Infallible> {
    progress::step("Building the load generator in release", || {
        process::run(workspace::cargo()?.args([
            "build",
            "--locked",
            "--release",
            "--package",
            "signalbox-bench",
        ]))
    })?;
    let bench = workspace::target_dir()?.join("release/signalbox-bench");
    let error = Command::new(&bench).arg(subject).args(prepared).args(rest).exec();
    Err(error).with_context(|| format!("cannot start {}", bench.display()))
}
