//! The three servers of the feed's bench: started on free ports, each with a place to publish and a place to listen.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Context as _;

use super::Args;
use crate::process::{Server as Process, free_address};

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The relay.
    Signalbox,
    /// nginx with nchan.
    Nchan,
    /// aiohttp with aiohttp-sse.
    Aiohttp,
}

/// One that runs.
pub(super) struct Server {
    /// Its process with its workers.
    pub(super) process: Process,
    /// Where it speaks HTTP.
    pub(super) address: String,
    /// Where it takes samples, as the publisher is told.
    pub(super) publish_to: String,
    /// Its files, removed with it.
    _folder: Option<Folder>,
}

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left lies among temporary files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Kind {
    /// All of them, ours first.
    pub(super) const ALL: [Self; 3] = [Self::Signalbox, Self::Nchan, Self::Aiohttp];

    /// Its name in the report.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Signalbox => "signalbox",
            Self::Nchan => "nchan",
            Self::Aiohttp => "aiohttp-sse",
        }
    }

    /// Where a browser listens.
    pub(super) fn feed_path(self) -> &'static str {
        "/feed"
    }

    /// Starts it.
    pub(super) fn start(self, args: &Args) -> anyhow::Result<Server> {
        let address = free_address()?;
        let mut publish_to = format!("http://{address}/publish");
        let mut folder = None;
        let mut command = match self {
            Self::Signalbox => {
                publish_to = format!("tcp://{}", free_address()?);
                relay(&args.signalbox, &address, &publish_to)
            }
            Self::Nchan => {
                let place = Folder(
                    std::env::temp_dir().join(format!("signalbox-bench-nginx-{}", std::process::id())),
                );
                std::fs::create_dir_all(&place.0)?;
                let config = place.0.join("nginx.conf");
                std::fs::write(&config, nginx_config(&address, &place.0.display().to_string()))?;
                let mut command = Command::new("nginx");
                command.arg("-c").arg(config).arg("-p").arg(&place.0).args(["-e", "error.log"]);
                folder = Some(place);
                command
            }
            Self::Aiohttp => {
                let mut command = Command::new(&args.python);
                command.arg(&args.aiohttp_server).arg(&address);
                command
            }
        };
        let mut process = Process::start(&mut command)?;
        process.until_listening(&address).with_context(|| format!("{} was started", self.name()))?;
        Ok(Server { process, address, publish_to, _folder: folder })
    }
}

/// The relay with its feed and a place for samples, and nothing else.
pub(crate) fn relay(signalbox: &std::path::Path, http: &str, pull: &str) -> Command {
    let mut command = Command::new(signalbox);
    command.args(["serve", "--http", http, "--broker", "off", "--chat", "off", "--log", "warn"]);
    command.args(["--collector-sub", "off", "--collector-pull", &format!("@{pull}")]);
    command
}

/// As Debian's nginx runs, one worker per core, with room for the largest case, and nchan's own advice for SSE.
fn nginx_config(address: &str, folder: &str) -> String {
    format!(
        "load_module /usr/lib/nginx/modules/ngx_nchan_module.so;
daemon off;
pid {folder}/nginx.pid;
worker_processes auto;
worker_rlimit_nofile 20000;
events {{ worker_connections 10000; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_requests 1000000;
  nchan_shared_memory_size 256m;
  server {{
    listen {address} backlog=4096;
    location = /publish {{ nchan_publisher; nchan_channel_id feed; nchan_message_buffer_length 100; }}
    location = /feed {{
      nchan_subscriber eventsource; nchan_channel_id feed; nchan_subscriber_first_message newest;
    }}
  }}
}}
"
    )
}
