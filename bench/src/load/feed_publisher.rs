//! Samples at a steady rate: by ZeroMQ to the relay's collector, by HTTP to the others.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde::{Deserialize, Serialize};

use super::feed_clients::micros_now;

/// One run.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// `tcp://ADDRESS` is a collector's PULL socket, `http://ADDRESS/PATH` is posted to.
    #[arg(long)]
    to: String,
    /// Samples a second.
    #[arg(long)]
    rate: u64,
    /// Samples.
    #[arg(long)]
    samples: u64,
}

/// What was sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// Samples.
    pub(crate) published: u64,
    /// From the first to the last, in seconds.
    pub(crate) secs: f64,
}

enum Way {
    Push(zmq::Socket),
    Post { stream: BufReader<TcpStream>, host: String, path: String },
}

/// Sends everything and prints the [`Outcome`].
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let context = zmq::Context::new();
    let mut way = Way::open(&context, &args.to)?;
    let started = Instant::now();
    for n in 0..args.samples {
        let due = started + Duration::from_secs_f64(n as f64 / args.rate as f64);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        way.send(&sample(n)?)?;
    }
    let secs = started.elapsed().as_secs_f64();
    drop(way);
    super::print(&Outcome { published: args.samples, secs })
}

/// A sample as an agent sends it, with the time of sending.
fn sample(n: u64) -> anyhow::Result<String> {
    Ok(format!(
        "{{\"color\":\"bench\",\"timestamp\":\"{}\",\"cpu\":{}.5,\"mem\":48.25,\"sent_micros\":{}}}",
        jiff::Timestamp::now(),
        n % 100,
        micros_now()?
    ))
}

impl Way {
    fn open(context: &zmq::Context, to: &str) -> anyhow::Result<Self> {
        if let Some(rest) = to.strip_prefix("http://") {
            let (host, path) = rest.split_once('/').context("an address without a path")?;
            let stream = TcpStream::connect(host)?;
            stream.set_nodelay(true)?;
            return Ok(Self::Post {
                stream: BufReader::new(stream),
                host: host.to_owned(),
                path: path.to_owned(),
            });
        }
        let socket = context.socket(zmq::PUSH)?;
        socket.connect(to)?;
        Ok(Self::Push(socket))
    }

    fn send(&mut self, sample: &str) -> anyhow::Result<()> {
        match self {
            Self::Push(socket) => Ok(socket.send(sample, 0)?),
            Self::Post { stream, host, path } => {
                let head =
                    format!("POST /{path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n");
                let length = format!("Content-Length: {}\r\n\r\n", sample.len());
                stream.get_mut().write_all([head.as_str(), &length, sample].concat().as_bytes())?;
                read_answer(stream)
            }
        }
    }
}

/// Reads one answer off a connection that stays open.
fn read_answer(stream: &mut BufReader<TcpStream>) -> anyhow::Result<()> {
    let (mut status, mut length) = (String::new(), 0);
    stream.read_line(&mut status)?;
    loop {
        let mut line = String::new();
        ensure!(0 < stream.read_line(&mut line)?, "the server closed the publisher: {}", status.trim());
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse()?;
        }
    }
    stream.read_exact(&mut vec![0; length])?;
    ensure!(status.contains(" 20"), "the server answers {}", status.trim());
    Ok(())
}
