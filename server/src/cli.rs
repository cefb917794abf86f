//! The command line: what was typed becomes a call into the rooms below. clap stands only here and in `cli/`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::telemetry;
use crate::web::EmbeddedPage;

pub mod agent;
pub mod broker;
pub mod chat;
pub mod db;
pub mod demo;
pub mod listen;
mod live;
pub mod news;
pub mod reference;
pub mod render;
pub mod send;
pub mod serve;
pub mod settings;
pub mod sql;
pub(crate) mod terminal;

/// Signalbox: watch your services' metrics, message queues and chat live in a browser.
#[derive(Debug, Parser)]
#[command(name = "signalbox", version, max_term_width = 100, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  signalbox serve                              everything, page on http://127.0.0.1:8088
  signalbox agent --color red                  send this process's own CPU and memory once a second
  signalbox listen /topic/news                 print what is published there
  echo hello | signalbox send /topic/news      publish lines from standard input
  signalbox chat ada                           join the chat from a terminal
  signalbox sql --database-url postgres:///app  ask a PostgreSQL database, several queries at once
  signalbox demo                               make every view move";

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Args),
    Broker(broker::Args),
    Agent(agent::Args),
    Listen(listen::Args),
    Send(send::Args),
    Chat(chat::Args),
    Db(db::Args),
    Sql(sql::Args),
    News(news::Args),
    Render(render::Args),
    Demo(demo::Args),
}

/// Parses the command line and runs it. Errors end with status 1 and say what to do next; usage errors with 2.
#[must_use]
pub fn main(page: EmbeddedPage) -> ExitCode {
    let result = match Cli::parse().command {
        Command::Serve(args) => serve::run(&args, page),
        Command::Broker(args) => broker::run(&args, page),
        Command::Agent(args) => agent::run(&args),
        Command::Listen(args) => listen::run(&args),
        Command::Send(args) => send::run(&args),
        Command::Chat(args) => chat::run(&args),
        Command::Db(args) => db::run(&args),
        Command::Sql(args) => sql::run(&args),
        Command::News(args) => news::run(&args),
        Command::Render(args) => render::run(&args),
        Command::Demo(args) => demo::run(&args),
    };
    telemetry::flush();
    result.unwrap_or_else(|error| {
        #[expect(clippy::print_stderr, reason = "the error of a command belongs on standard error")]
        {
            eprintln!("signalbox: {error:#}");
        }
        ExitCode::FAILURE
    })
}
