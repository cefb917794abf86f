//! What a relay is told: settings by flag, by `SIGNALBOX_*` variable and by a TOML file, in that order.
//!
//! Every setting is a row of [`SETTINGS`] or a bound of [`crate::limits::TABLE`]. The layers give texts with their
//! source ([`layers`]); this file says what the texts mean, in the words of the services, none of which knows this room.
//! Knows no clap and opens no socket.

use std::net::SocketAddr;
use std::path::PathBuf;

use signalbox_shared::engine::Permits;
use thiserror::Error;

use crate::broker::BrokerOptions;
use crate::changes::{DatabaseOptions, DatabaseUrl};
use crate::collector::{AlertRule, Endpoint};
use crate::limits::{self, Limits};
use crate::news::{NewsOptions, NewsSource};
use crate::telemetry::LogFormat;

mod alert_rule;
mod amount;
mod broker;
mod duration_text;
mod engine_address;
pub mod layers;
mod news_source;
mod watch_rule;

pub use engine_address::EngineAddress;
pub use layers::{Layers, Source, Sourced};

/// One setting that is no bound.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its key in the TOML file. The flag has dashes for underscores, the variable is `SIGNALBOX_` and capitals.
    pub name: &'static str,
    /// What stands for its value in the help.
    pub value_name: &'static str,
    /// Its value when nothing else is said; a list's items are separated by commas.
    pub default: &'static str,
    /// Whether it may be given several times.
    pub is_list: bool,
    /// What it does, in one sentence.
    pub help: &'static str,
}

const fn setting(
    name: &'static str,
    value_name: &'static str,
    default: &'static str,
    help: &'static str,
) -> Setting {
    Setting { name, value_name, default, is_list: false, help }
}

const fn list(
    name: &'static str,
    value_name: &'static str,
    default: &'static str,
    help: &'static str,
) -> Setting {
    Setting { name, value_name, default, is_list: true, help }
}

/// Every setting that is no bound, in the order in which they are told to users.
pub const SETTINGS: &[Setting] = &[
    setting(
        "http",
        "ADDR|off",
        "127.0.0.1:8088",
        "Where the page, the feed, the WebSocket and the API are served.",
    ),
    setting(
        "engine",
        "embedded|tcp://HOST:PORT",
        "embedded",
        "What routes the messages: the relay's own broker, or one elsewhere that speaks the same protocol; then --broker is off unless it is given.",
    ),
    setting(
        "read_only",
        "on|off",
        "off",
        "Whether pages and programs may only look over HTTP and WebSocket: no publishing, purging and consuming. Alone, --read-only means on.",
    ),
    list(
        "forbid",
        "ACTION",
        "",
        "What pages and programs may not do over HTTP and WebSocket: publish, purge, consume or export.",
    ),
    setting("broker", "ADDR|off", "127.0.0.1:25000", "Where the message broker listens."),
    setting(
        "broker_unix",
        "PATH",
        "",
        "A Unix socket on which the message broker listens as well; a dead one's file is replaced, a living one's is not.",
    ),
    setting(
        "broker_unix_mode",
        "OCTAL",
        "600",
        "Who may connect to that socket, as the permissions of its file: 600 the owner, 660 the group too.",
    ),
    setting(
        "slow_subscriber",
        "drop|disconnect",
        "drop",
        "What becomes of a broker connection that cannot follow its topic: it loses the newest messages, or is closed.",
    ),
    setting(
        "broker_stats",
        "TIME|off",
        "off",
        "How often the log has a line with the broker's statistics, such as 10s or 5m.",
    ),
    setting("chat", "ADDR|off", "127.0.0.1:8000", "Where the line chat listens."),
    list(
        "collector_sub",
        "ENDPOINT|off",
        "@tcp://127.0.0.1:5555",
        "Where samples are subscribed to; @ binds, > connects.",
    ),
    list(
        "collector_pull",
        "ENDPOINT|off",
        "@tcp://127.0.0.1:5557",
        "Where samples are pulled from; @ binds, > connects.",
    ),
    list(
        "allow_origin",
        "ORIGIN",
        "",
        "Origin of a page that may use this relay besides its own, such as https://watch.example.org.",
    ),
    list(
        "allow_host",
        "HOST",
        "",
        "Host name under which this relay may be addressed besides localhost and its own addresses.",
    ),
    setting(
        "data_dir",
        "DIR",
        "",
        "Keep history in this folder over a restart; it is made when it is not there. None: in memory only.",
    ),
    setting(
        "database_url",
        "URL",
        "",
        "PostgreSQL database whose changes are followed and where the patrons are: postgresql://USER:PASSWORD@HOST:PORT/NAME.",
    ),
    setting(
        "database_setup",
        "install|check",
        "install",
        "What is done at the start about triggers (and the table patron) that are missing: install them, or only say so.",
    ),
    setting(
        "news",
        "on|off",
        "on",
        "Whether headlines are gathered from [[sources]]; they are fetched only while somebody looks.",
    ),
    setting(
        "news_renderer",
        "URL",
        "",
        "Service that runs the scripts of pages whose source says `render`, such as signalbox render.",
    ),
    list(
        "news_private",
        "refuse|allow|NETWORK",
        "refuse",
        "Whether news sources may have addresses that are not public (this machine, the local network), or which: as 192.168.1.5 or 10.0.0.0/8.",
    ),
    setting("page_dir", "DIR", "", "Serve the page from this folder instead of the one inside the binary."),
    setting(
        "log",
        "FILTER",
        "info",
        "What is logged: error, warn, info, debug or trace, also by room, as in warn,signalbox::broker=debug.",
    ),
    setting("log_format", "text|json", "text", "How a log line looks."),
];

/// A table of the TOML file with any number of rows, each written as `[[name]]`.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// What a row does, in one sentence.
    pub help: &'static str,
    /// A row as one would write it, without its head; every key of it is told by the comment behind it.
    pub example: &'static str,
}

/// Every table of rows, in the order in which they are told to users.
pub const TABLES: &[Table] = &[
    Table {
        name: "alerts",
        help: "A threshold: an agent whose metric stays beyond it for long enough is in alert.",
        example: "metric = \"mem\"   # which metric\n\
                  above = 100      # begins above this; or `below`, or both\n\
                  for = \"10s\"      # and stays there so long; default 0s\n\
                  agent = \"red\"    # only this agent; default every agent\n",
    },
    Table {
        name: "bounds",
        help: "Broker bounds for the channels whose names begin with a prefix. Of several prefixes the longest wins; what \
               it leaves open is as a shorter one has it, or the global bound. Allowed is what the global bound allows.",
        example: "prefix = \"/queue/video\"     # how the names begin\n\
                  backlog_messages = 1000     # instead of broker_backlog_messages\n\
                  backlog_bytes = \"2GiB\"    # instead of broker_backlog_bytes\n\
                  outbox_messages = 64        # instead of broker_outbox_messages\n\
                  outbox_bytes = \"64MiB\"    # instead of broker_outbox_bytes\n\
                  frame_bytes = \"32MiB\"     # instead of broker_frame_bytes\n",
    },
    Table {
        name: "watch",
        help: "A table of the database whose changes are followed; `patron` is watched without being named.",
        example: "table = \"public.orders\"   # the table, with its schema or in public\n\
                  key = \"id\"                # the column that names a row: integer, bigint, uuid or text\n",
    },
    Table {
        name: "sources",
        help: "A site or a feed whose headlines are shown; without any, a handful of public ones. It is fetched only \
               while somebody looks. With `headline` it is a page, else a feed (RSS, Atom, JSON Feed).",
        example: "name = \"Example\"                  # what its box is called\n\
                  url = \"https://example.org/news\"  # where it is\n\
                  color = \"#2f6db5\"                 # its boxes' colour; default one of eight\n\
                  headline = \"article h2\"           # CSS selector of the headlines\n\
                  link = \"a.more\"                   # CSS selector of the link inside or around one; default the nearest\n\
                  render = false                    # let the service of news_renderer run its scripts first\n\
                  interval = \"5m\"                   # how old its headlines may get; default 5m\n\
                  deadline = \"10s\"                  # how long a fetch may take; default 10s\n\
                  max_bytes = \"1MiB\"                # the largest page that is taken; default news_page_bytes, which no source may pass\n",
    },
];

/// What a relay runs with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where HTTP is served; none when off.
    pub http: Option<SocketAddr>,
    /// What routes the messages.
    pub engine: EngineAddress,
    /// What pages and programs may do.
    pub permits: Permits,
    /// Where the broker listens; none when off.
    pub broker: Option<SocketAddr>,
    /// The Unix socket on which the broker listens as well; none when off.
    pub broker_unix: Option<PathBuf>,
    /// Permissions of that socket's file.
    pub broker_unix_mode: u32,
    /// Bounds by channel prefix, and what becomes of slow subscribers.
    pub broker_options: BrokerOptions,
    /// Where the chat listens; none when off.
    pub chat: Option<SocketAddr>,
    /// Where samples are subscribed to; empty when off.
    pub collector_sub: Vec<Endpoint>,
    /// Where samples are pulled from; empty when off.
    pub collector_pull: Vec<Endpoint>,
    /// Origins of foreign pages that may use this relay, as in the `Origin` header.
    pub allow_origin: Vec<String>,
    /// Further host names, without port.
    pub allow_host: Vec<String>,
    /// A folder that stands in for the embedded page.
    pub page_dir: Option<PathBuf>,
    /// Where history is kept over a restart; none when it is kept in memory only.
    pub data_dir: Option<PathBuf>,
    /// The database whose changes are followed.
    pub database: DatabaseOptions,
    /// Thresholds on metrics.
    pub alerts: Vec<AlertRule>,
    /// Where headlines come from.
    pub sources: Vec<NewsSource>,
    /// How they may be fetched.
    pub news: NewsOptions,
    /// What is logged.
    pub log: String,
    /// How a log line looks.
    pub log_format: LogFormat,
    /// Every bound.
    pub limits: Limits,
    /// Variables that look like settings and are none; worth a warning.
    pub unknown_variables: Vec<String>,
}

/// A setting that cannot be used. Its text names the setting, where it came from, and what is allowed.
#[derive(Debug, Error)]
#[error("{name} = {value:?} (from {origin}): {problem}")]
pub struct SettingError {
    /// The setting's name.
    pub name: String,
    /// What was given.
    pub value: String,
    /// Where it was given.
    pub origin: Source,
    /// What is wrong with it and what is allowed.
    pub problem: String,
}

impl Settings {
    /// Says what the layers mean.
    ///
    /// # Errors
    /// The first setting that cannot be used, in the order of [`limits::TABLE`], [`SETTINGS`] and [`TABLES`].
    pub fn from_layers(layers: &Layers) -> anyhow::Result<Self> {
        let mut limits = Limits::default();
        for limit in limits::TABLE {
            if let Some(given) = layers.value(limit.name)
                && let Some(value) = limits.value_mut(limit.name)
            {
                *value = parse(limit.name, given, |text| bound_from_text(limit, text))?;
            }
        }
        let engine = engine_address::engine(layers)?;
        Ok(Self {
            http: address(layers, "http")?,
            permits: engine_address::permits(layers)?,
            broker: match &engine {
                EngineAddress::Tcp(_) if layers.value("broker").is_none() => None,
                _ => address(layers, "broker")?,
            },
            engine,
            broker_unix: items(layers, "broker_unix", |text| Ok(PathBuf::from(text)))?.pop(),
            broker_unix_mode: one(layers, "broker_unix_mode", mode_from_text)?,
            broker_options: broker::options_from_layers(layers)?,
            chat: address(layers, "chat")?,
            collector_sub: endpoints(layers, "collector_sub")?,
            collector_pull: endpoints(layers, "collector_pull")?,
            allow_origin: items(layers, "allow_origin", origin_from_text)?,
            allow_host: items(layers, "allow_host", host_from_text)?,
            page_dir: items(layers, "page_dir", |text| Ok(PathBuf::from(text)))?.pop(),
            data_dir: items(layers, "data_dir", |text| Ok(PathBuf::from(text)))?.pop(),
            database: DatabaseOptions {
                url: database_url(layers)?,
                is_installing: one(layers, "database_setup", |text| match text {
                    "install" => Ok(true),
                    "check" => Ok(false),
                    _ => Err("allowed are install and check".to_owned()),
                })?,
                watch: watch_rule::rules_from_layers(layers)?,
            },
            alerts: alert_rule::rules_from_layers(layers)?,
            sources: if one(layers, "news", is_on)? {
                news_source::sources_from_layers(layers)?
            } else {
                Vec::new()
            },
            news: NewsOptions {
                renderer: items(layers, "news_renderer", renderer_from_text)?.pop(),
                reach: news_source::reach_from_layers(layers)?,
            },
            log: one(layers, "log", |text| Ok(text.to_owned()))?,
            log_format: one(layers, "log_format", |text| match text {
                "text" => Ok(LogFormat::Text),
                "json" => Ok(LogFormat::Json),
                _ => Err("allowed are text and json".to_owned()),
            })?,
            limits,
            unknown_variables: layers.unknown_variables().to_vec(),
        })
    }
}

fn parse<T>(
    name: &str,
    given: &Sourced,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<T, SettingError> {
    read(given.text.trim()).map_err(|problem| SettingError {
        name: name.to_owned(),
        value: given.text.clone(),
        origin: given.source.clone(),
        problem,
    })
}

fn one<T>(layers: &Layers, name: &str, read: impl Fn(&str) -> Result<T, String>) -> Result<T, SettingError> {
    let given = layers.value(name).cloned().unwrap_or_else(|| Sourced::default_of(name));
    parse(name, &given, read)
}

fn items<T>(
    layers: &Layers,
    name: &str,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<Vec<T>, SettingError> {
    let default = [Sourced::default_of(name)];
    let given = layers.values(name).unwrap_or(&default);
    given.iter().filter(|item| !item.text.trim().is_empty()).map(|item| parse(name, item, &read)).collect()
}

fn address(layers: &Layers, name: &str) -> Result<Option<SocketAddr>, SettingError> {
    one(layers, name, |text| {
        match text {
        "off" => Ok(None),
        _ => text.parse().map(Some).map_err(|_| {
            "not an address: give IP:PORT, such as 127.0.0.1:9000, [::1]:9000 or 0.0.0.0:9000 for every interface, or off"
                .to_owned()
        }),
    }
    })
}

/// The value stays out of the error, for it may hold a password.
fn database_url(layers: &Layers) -> anyhow::Result<Option<DatabaseUrl>> {
    let Some(given) = layers.value("database_url").filter(|given| !given.text.trim().is_empty()) else {
        return Ok(None);
    };
    let url = given.text.trim().parse();
    url.map(Some)
        .map_err(|problem: String| anyhow::anyhow!("database_url (from {}): {problem}", given.source))
}

fn endpoints(layers: &Layers, name: &str) -> Result<Vec<Endpoint>, SettingError> {
    let endpoints = items(layers, name, |text| match text {
        "off" => Ok(None),
        _ => text.parse().map(Some).map_err(|error: <Endpoint as std::str::FromStr>::Err| error.to_string()),
    })?;
    Ok(endpoints.into_iter().flatten().collect())
}

fn origin_from_text(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    match rest {
        Some(host) if !host.is_empty() && !host.contains(['/', '?', '#', ' ']) => {
            Ok(text.to_ascii_lowercase())
        }
        _ => {
            Err("not an origin: give scheme, host and port only, such as https://watch.example.org"
                .to_owned())
        }
    }
}

fn host_from_text(text: &str) -> Result<String, String> {
    if text.contains(['/', ' ']) || text.starts_with("http:") {
        return Err(
            "not a host name: give it without scheme, port and path, such as watch.example.org".to_owned()
        );
    }
    Ok(text.to_ascii_lowercase())
}

fn mode_from_text(text: &str) -> Result<u32, String> {
    let mode = u32::from_str_radix(text, 8).ok().filter(|mode| (0o600..=0o777).contains(mode));
    mode.filter(|mode| mode & 0o600 == 0o600)
        .ok_or_else(|| "allowed are permissions from 600 to 777 that let the owner read and write".to_owned())
}

fn is_on(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("allowed are on and off".to_owned()),
    }
}

fn renderer_from_text(text: &str) -> Result<reqwest::Url, String> {
    let url = text.parse().ok().filter(|url: &reqwest::Url| matches!(url.scheme(), "http" | "https"));
    url.ok_or_else(|| "not an address: give scheme, host and port, such as http://127.0.0.1:8050/".to_owned())
}

/// A whole number; a bound in bytes also takes KiB, MiB and GiB.
fn bound_from_text(limit: &limits::Limit, text: &str) -> Result<u64, String> {
    let (digits, factor) = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)]
        .into_iter()
        .filter(|_| limit.name.ends_with("_bytes"))
        .find_map(|(suffix, factor)| Some((text.strip_suffix(suffix)?.trim_end(), factor)))
        .unwrap_or((text, 1));
    let allowed = || format!("allowed is a whole number from {} to {}", limit.min, limit.max);
    let value = digits
        .replace('_', "")
        .parse::<u64>()
        .ok()
        .and_then(|n| n.checked_mul(factor))
        .ok_or_else(allowed)?;
    if (limit.min..=limit.max).contains(&value) { Ok(value) } else { Err(allowed()) }
}

#[cfg(test)]
mod tests;
