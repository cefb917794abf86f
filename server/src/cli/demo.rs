//! `signalbox demo`: real workers, listeners, senders and chat users, so that every view of the page moves.
//!
//! Each is a process of its own, started from this same binary and speaking the same protocols as anyone's program;
//! nothing here is fed to the page by a back door. It knows the other commands' flags and nothing of their insides.

mod supervise;

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use tokio::task::JoinSet;

use self::supervise::{Ending, Part, Script};
use super::sql::DATABASE_VARIABLE;
use crate::shutdown;

/// Start workers, listeners, a sender and chat users, so that every view moves.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Start the relay too, with everything behind `--`
    #[arg(long)]
    serve: bool,
    /// Where the broker listens
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:25000")]
    broker: String,
    /// Where the collector takes samples
    #[arg(long, value_name = "ENDPOINT", default_value = "tcp://127.0.0.1:5555")]
    collector: String,
    /// Where the chat listens
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8000")]
    chat: String,
    /// For `signalbox serve`
    #[arg(last = true, requires = "serve", value_name = "SERVE ARGS")]
    serve_args: Vec<String>,
}

const EXAMPLES: &str = "\
Examples:
  signalbox demo                                     against a relay that runs already
  signalbox demo --serve                             with a relay of its own, page on http://127.0.0.1:8088
  signalbox demo --serve -- --http 127.0.0.1:9000    with its page on another port
  SIGNALBOX_DATABASE_URL=postgres://USER@HOST/NAME signalbox demo --serve
                                                     with patrons that come, change and go in that database";

/// Runs until SIGINT or SIGTERM, or until its own relay ends.
///
/// # Errors
/// When this binary cannot be found again, or its own relay ends by itself.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(play(args))
}

async fn play(args: &Args) -> anyhow::Result<ExitCode> {
    let program = std::env::current_exe().context("cannot find this binary again")?;
    let shutdown = shutdown::on_signal().context("cannot listen for signals")?;
    let mut parts = JoinSet::new();
    let has_database = std::env::var_os(DATABASE_VARIABLE).is_some_and(|address| !address.is_empty());
    for part in cast(args).into_iter().chain(has_database.then(patrons)) {
        tell(&format!("{}: signalbox {}", part.name, part.args.join(" ")));
        parts.spawn(supervise::supervise(program.clone(), part, shutdown.clone()));
    }
    let mut relay_ended = None;
    while let Some(ending) = parts.join_next().await {
        if let Ending::Essential(message) = ending? {
            relay_ended.get_or_insert(message);
            shutdown.cancel();
        }
    }
    match relay_ended {
        Some(message) => anyhow::bail!("{message}"),
        None => Ok(ExitCode::SUCCESS),
    }
}

/// Everyone who takes part, in the order in which they are started.
fn cast(args: &Args) -> Vec<Part> {
    let mut parts = Vec::new();
    if args.serve {
        let collector = format!("@{}", args.collector);
        let places = ["serve", "--broker", &args.broker, "--chat", &args.chat, "--collector-sub", &collector];
        let mut relay = Part::new("relay", &places);
        relay.args.extend(args.serve_args.iter().cloned());
        parts.push(Part { is_essential: true, ..relay });
    }
    let worker = |name: &str, load: &[&str]| {
        let color = name.trim_start_matches("worker ");
        let agent = ["agent", "--color", color, "--connect", &args.collector];
        Part::new(name, &[&agent, load].concat())
    };
    parts.push(worker("worker red", &["--work", "45"]));
    parts.push(worker("worker blue", &["--leak", "1", "--leak-max", "128", "--work", "15"]));
    parts.push(worker("worker green", &["--leak", "4", "--leak-max", "512", "--work", "25"]));

    let at_broker = ["--connect", &args.broker];
    let listener =
        |name: &str, channel| Part::new(name, &[&["listen", channel, "--quiet"][..], &at_broker].concat());
    parts.push(listener("listener 1", "/queue/jobs"));
    parts.push(listener("listener 2", "/queue/jobs"));
    parts.push(listener("listener 3", "/topic/news"));

    let sender = |name: &str, channel, interval, size| {
        let send = ["send", channel, "--interval", interval, "--size", size];
        Part::new(name, &[&send[..], &at_broker].concat())
    };
    parts.push(sender("sender 1", "/queue/jobs", "0.25", "120"));
    parts.push(sender("sender 2", "/topic/news", "1.5", "240"));

    let user = |name: &str, every_secs, lines| {
        let script = Script { every: Duration::from_secs(every_secs), lines };
        Part {
            script: Some(script),
            ..Part::new(&format!("chat user {name}"), &["chat", name, "--connect", &args.chat])
        }
    };
    parts.push(user("ada", 9, ADA));
    parts.push(user("grace", 13, GRACE));
    parts
}

/// Somebody who writes to the table of patrons, past the relay.
fn patrons() -> Part {
    let script = Script { every: Duration::from_secs(2), lines: PATRONS };
    Part { script: Some(script), ..Part::new("patrons", &["sql", "--plain", "--write"]) }
}

/// The table stays as large as a page shows.
const PATRONS: &[&str] = &[
    "insert into patron (name, fav_dish) values ('Ada', 'soup');",
    "update patron set fav_dish = 'rice with beans' where id = (select max(id) from patron);",
    "insert into patron (name, fav_dish) values ('Grace', 'dumplings');",
    "update patron set name = 'Grace H.' where id = (select max(id) from patron);",
    "update patron set fav_dish = 'apple pie' where id = (select min(id) from patron);",
    "delete from patron where id = (select min(id) from patron) and 8 < (select count(*) from patron);",
    "delete from patron where id = (select min(id) from patron) and 8 < (select count(*) from patron);",
];

/// What two people on duty may say to each other; each begins again at the end.
const ADA: &[&str] = &[
    "morning, green is climbing again",
    "no, blue is steady, it is only green",
    "the queue drains as fast as it fills",
    "I paused the chart at the last step, look at the memory",
    "let us give it ten more minutes",
];
const GRACE: &[&str] = &[
    "I see it, about the same slope as yesterday",
    "red is busy but its memory is flat",
    "two listeners on the jobs, that is enough",
    "I will restart green when it passes the line",
];

/// One line on standard output. A terminal that went away is no reason to end.
fn tell(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "demo: {line}");
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        args: Args,
    }

    fn lines(typed: &[&str]) -> Vec<String> {
        let cli = Cli::try_parse_from([&["demo"], typed].concat()).unwrap();
        cast(&cli.args).iter().map(|part| part.args.join(" ")).collect()
    }

    #[test]
    fn every_view_has_somebody_who_moves_it() {
        let lines = lines(&[]);
        let count = |start: &str| lines.iter().filter(|line| line.starts_with(start)).count();
        assert_eq!((count("agent"), count("listen /queue"), count("listen /topic")), (3, 2, 1));
        assert_eq!((count("send /queue"), count("send /topic"), count("chat"), count("serve")), (1, 1, 2, 0));
    }

    #[test]
    fn addresses_reach_everyone_and_the_relay_comes_first() {
        let typed = "--serve --broker h:1 --chat h:2 --collector tcp://h:3 -- --http off";
        let lines = lines(&typed.split(' ').collect::<Vec<_>>());
        assert_eq!(lines[0], "serve --broker h:1 --chat h:2 --collector-sub @tcp://h:3 --http off");
        let has = |start: &str, address: &str| {
            lines.iter().filter(|line| line.starts_with(start)).all(|line| line.contains(address))
        };
        assert!(
            has("agent", "tcp://h:3") && has("listen", "h:1") && has("send", "h:1") && has("chat", "h:2")
        );
    }

    #[test]
    fn the_other_commands_take_what_they_are_given() {
        let cli = Cli::try_parse_from(["demo", "--serve", "--", "--http", "127.0.0.1:0"]).unwrap();
        for part in cast(&cli.args).into_iter().chain([patrons()]) {
            let typed = std::iter::once("signalbox").chain(part.args.iter().map(String::as_str));
            let parsed = crate::cli::Cli::try_parse_from(typed);
            assert!(parsed.is_ok(), "{}: {}", part.name, parsed.unwrap_err());
        }
    }

    #[test]
    fn what_the_patrons_are_told_is_whole_statements() {
        for line in PATRONS {
            let split = crate::changes::statements::split(line);
            assert_eq!((split.complete.len(), split.rest.is_none()), (1, true), "{line}");
        }
    }

    #[test]
    fn what_is_for_the_relay_needs_a_relay() {
        assert!(Cli::try_parse_from(["demo", "--", "--http", "off"]).is_err());
    }

    #[test]
    fn nobody_is_silent_for_as_long_as_the_chat_allows() {
        let idle = Duration::from_secs(crate::limits::Limits::default().chat_idle_secs);
        let cli = Cli::try_parse_from(["demo"]).unwrap();
        for script in cast(&cli.args).iter().filter_map(|part| part.script.as_ref()) {
            assert!(script.every * 2 < idle);
        }
    }
}
