//! `cargo xtask bench`: Signalbox's speed beside that of other programs, in one run on one machine.
//!
//! The generators speak every peer's protocol with the same threads, the same batching and the same counting, and every
//! run checks its counts before its time is believed. Nothing here is linked with the product.

mod broker;
mod browser;
mod cache;
mod charts;
mod chat;
mod collector;
mod feed;
mod frames;
mod http;
mod load;
mod news;
mod news_site;
mod page;
mod peer;
mod process;
mod report;
mod site;

use clap::{Parser, Subcommand};

/// Measures Signalbox beside other programs.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench", max_term_width = 100)]
enum Cli {
    /// The message broker beside nats-server, redis-server and a plain forwarder.
    Broker(broker::Args),
    /// One crowded chat room of line clients and WebSockets.
    Chat(chat::Args),
    /// Patrons from the cache and from PostgreSQL, and how soon a change is known.
    Cache(cache::Args),
    /// The page's chart beside uPlot, smoothie and Chart.js, in headless Chromium.
    Charts(charts::Args),
    /// The feed to many browsers beside nginx with nchan and aiohttp-sse.
    Feed(feed::Args),
    /// Samples from many agents.
    Collector(collector::Args),
    /// Headlines of many slow sites, and of large pages.
    News(news::Args),
    /// The queues view under load, and many browsers that watch one channel beside nats-server's WebSocket.
    Page(page::Args),
    /// One load run in this process; prints its result as JSON. Used by the others.
    #[command(subcommand, hide = true)]
    Load(Load),
}

#[derive(Debug, Subcommand)]
enum Load {
    /// As many messages as possible.
    Throughput(load::throughput::Args),
    /// Messages at a steady rate, timed from when each was due.
    Latency(load::latency::Args),
    /// Many subscribers that wait, and one message to all of them.
    Idle(load::idle::Args),
    /// A fast subscriber beside one that reads nothing.
    Stalled(load::stalled::Args),
    /// The ceiling: copies bytes from one connection to another.
    Forward(load::forward::Args),
    /// A crowded chat room.
    Chat(load::chat::Args),
    /// Browsers on a feed.
    FeedClients(load::feed_clients::Args),
    /// Who sends what they see.
    FeedPublisher(load::feed_publisher::Args),
    /// Agents on a collector.
    Agents(load::agents::Args),
    /// Messages at a steady rate.
    Publish(load::publish::Args),
    /// Browsers that watch a channel.
    TapClients(load::tap_clients::Args),
}

fn main() -> anyhow::Result<()> {
    match Cli::parse() {
        Cli::Broker(args) => broker::run(&args),
        Cli::Chat(args) => chat::run(&args),
        Cli::Load(Load::Chat(args)) => load::chat::run(&args),
        Cli::Cache(args) => cache::run(&args),
        Cli::Charts(args) => charts::run(&args),
        Cli::Feed(args) => feed::run(&args),
        Cli::Collector(args) => collector::run(&args),
        Cli::News(args) => news::run(&args),
        Cli::Page(args) => page::run(&args),
        Cli::Load(Load::Publish(args)) => load::publish::run(&args),
        Cli::Load(Load::TapClients(args)) => load::tap_clients::run(&args),
        Cli::Load(Load::FeedClients(args)) => load::feed_clients::run(&args),
        Cli::Load(Load::FeedPublisher(args)) => load::feed_publisher::run(&args),
        Cli::Load(Load::Agents(args)) => load::agents::run(&args),
        Cli::Load(Load::Throughput(args)) => load::throughput::run(&args),
        Cli::Load(Load::Latency(args)) => load::latency::run(&args),
        Cli::Load(Load::Idle(args)) => load::idle::run(&args),
        Cli::Load(Load::Stalled(args)) => load::stalled::run(&args),
        Cli::Load(Load::Forward(args)) => load::forward::run(&args),
    }
}
