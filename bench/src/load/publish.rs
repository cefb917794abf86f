//! Messages at a steady rate on one channel or on many, each with the time of its sending in it.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::Target;
use super::feed_clients::micros_now;
use super::wire::Wire;

/// Stands before the time of sending, in microseconds since the Unix epoch. Plain text, so that no encoding hides it.
const STAMP: &str = "sent@";
/// Between two looks at the clock.
const SLEEP: Duration = Duration::from_micros(500);
/// Digits of a time and of a message's number.
const STAMP_BYTES: usize = STAMP.len() + 16 + 2 + 10 + 4;

/// One run.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    target: Target,
    /// The channel; of many, the beginning of their names.
    #[arg(long)]
    channel: String,
    /// How many channels take turns.
    #[arg(long, default_value_t = 1)]
    channels: u64,
    /// Messages a second.
    #[arg(long)]
    rate: u64,
    /// Messages.
    #[arg(long)]
    count: u64,
    /// Bytes per message.
    #[arg(long)]
    size: usize,
    /// Each message is a list in JSON, its stamp the first of its items.
    #[arg(long)]
    json: bool,
}

/// What was published.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// Messages.
    pub(crate) published: u64,
    /// From the first to the last, in seconds.
    pub(crate) secs: f64,
}

/// Publishes everything and prints the [`Outcome`].
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    anyhow::ensure!(STAMP_BYTES <= args.size, "a message has at least {STAMP_BYTES} bytes");
    let mut stream = args.target.wire.publisher(&args.target.address, &args.channel)?;
    let (started, mut sent, mut batch) = (Instant::now(), 0, Vec::new());
    while sent < args.count {
        let n_due = (started.elapsed().as_secs_f64() * args.rate as f64) as u64 + 1;
        batch.clear();
        while sent < n_due.min(args.count) {
            push(args, sent, &mut batch)?;
            sent += 1;
        }
        if batch.is_empty() {
            std::thread::sleep(SLEEP);
        } else {
            stream.write_all(&batch)?;
        }
    }
    let secs = started.elapsed().as_secs_f64();
    finish(args.target.wire, stream)?;
    super::print(&Outcome { published: sent, secs })
}

fn push(args: &Args, n: u64, batch: &mut Vec<u8>) -> anyhow::Result<()> {
    let channel = match args.channels {
        0 | 1 => args.channel.clone(),
        channels => {
            let of = n % channels;
            format!("{}/{}/{of}", args.channel, of % 100)
        }
    };
    let at = args.target.wire.push_message(batch, &channel, args.size);
    let stamp = format!("{STAMP}{:016} #{n:010}", micros_now()?);
    let text = if args.json { list(&stamp, args.size) } else { stamp };
    batch[at..at + text.len()].copy_from_slice(text.as_bytes());
    Ok(())
}

/// A list of exactly `size` bytes that begins with the stamp.
fn list(stamp: &str, size: usize) -> String {
    let mut text = format!("[\"{stamp}\"");
    loop {
        let item = format!(",{{\"n\":{},\"text\":\"a train has left\"}}", text.len());
        if size <= text.len() + item.len() {
            break;
        }
        text.push_str(&item);
    }
    let n_blank = size.saturating_sub(text.len() + 1);
    text.extend(std::iter::repeat_n(' ', n_blank).chain([']']));
    text
}

/// Leaves only when the broker has taken everything: it closes its side when ours has ended.
fn finish(wire: Wire, mut stream: std::net::TcpStream) -> anyhow::Result<()> {
    if wire == Wire::Nats {
        stream.write_all(b"PING\r\n")?;
        let mut answer = [0; 6];
        return Ok(stream.read_exact(&mut answer)?);
    }
    stream.shutdown(std::net::Shutdown::Write)?;
    std::io::copy(&mut stream, &mut std::io::sink())?;
    Ok(())
}

/// The times of sending in some bytes, in microseconds since the Unix epoch.
pub(crate) fn stamps(bytes: &[u8]) -> impl Iterator<Item = u64> + '_ {
    let places = bytes.windows(STAMP.len()).enumerate().filter(|(_, part)| *part == STAMP.as_bytes());
    places.filter_map(|(at, _)| {
        let digits = bytes.get(at + STAMP.len()..at + STAMP.len() + 16)?;
        std::str::from_utf8(digits).ok()?.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_as_long_as_was_asked_for() {
        for size in [40, 100, 5_000] {
            let text = list("sent@1700000000000001 #0000000001", size);
            let value: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert!(value[0].as_str().unwrap().starts_with("sent@"));
            assert_eq!(text.len(), size);
        }
    }

    #[test]
    fn every_stamp_is_found() {
        let check = |text: &str, expected: &[u64]| {
            assert_eq!(stamps(text.as_bytes()).collect::<Vec<_>>(), expected, "{text}");
        };
        check(
            "{\"text\":\"sent@1700000000000001 #1\"},{\"text\":\"sent@1700000000000002 #2\"}",
            &[1_700_000_000_000_001, 1_700_000_000_000_002],
        );
        check("sent@17", &[]);
        check("sent", &[]);
    }
}
