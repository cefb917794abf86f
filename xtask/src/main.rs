//! `cargo xtask`: everything a person does with this repository, one way.
//!
//! Each command makes sure of what it needs first, says what it installs and why, and is quick when nothing has
//! changed. It knows the repository's layout and its tools; it knows nothing of what Signalbox does.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool talks to its terminal")]

mod bench;
mod browser;
mod compress;
mod debian;
mod dev;
mod dist;
mod docs;
mod page;
mod postgres;
mod process;
mod progress;
mod python;
mod run;
mod test;
mod tidy;
mod tools;
mod workspace;

use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "\
Usage: cargo xtask <command>

  run [--demo] [-- ARGS]   build the page and the relay in release, then start `signalbox serve ARGS`;
                           with --demo also workers, listeners, senders and chat users
                           (arguments of `signalbox demo` may follow --demo)
  test [STEP...]           every check that CI makes, or only the named ones; `test --list` names them
  dev                      relay in debug and `trunk serve`: the page is rebuilt at each change
  dist                     the release binary and the page as a tar archive in target/dist
  bench broker [ARGS]      the broker's speed beside nats-server, redis-server and a plain forwarder
  bench charts [ARGS]      the chart's speed beside uPlot, smoothie and Chart.js in headless Chromium
  bench feed [ARGS]        the feed to many browsers beside nginx with nchan, and aiohttp-sse
  bench collector [ARGS]   samples a second from many agents
  tidy                     the invariants of the sources; ends with an error when one does not hold

Examples:
  cargo xtask run --demo                      everything moves on http://127.0.0.1:8088
  cargo xtask run -- --http 127.0.0.1:9000    the page on another port
  cargo xtask test clippy browser             two of the checks";

/// What can be typed behind `cargo xtask`; the documents are checked against it.
const COMMANDS: [&str; 6] = ["run", "test", "dev", "dist", "bench", "tidy"];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(args: &[String]) -> Result<()> {
    let Some((command, rest)) = args.split_first() else {
        bail!("no command given\n\n{USAGE}");
    };
    match command.as_str() {
        "run" => run::run(rest),
        "test" => test::run(rest),
        "dev" => no_arguments(command, rest).and_then(|()| dev::run()),
        "bench" => bench::run(rest),
        "dist" => no_arguments(command, rest).and_then(|()| dist::run()),
        "tidy" => no_arguments(command, rest).and_then(|()| tidy::run()),
        "help" | "--help" | "-h" => {
            println!("{USAGE}");
            Ok(())
        }
        other => bail!("there is no command {other:?}\n\n{USAGE}"),
    }
}

fn no_arguments(command: &str, rest: &[String]) -> Result<()> {
    match rest.first() {
        None => Ok(()),
        Some(extra) => bail!("`{command}` takes no argument, but got {extra:?}"),
    }
}
