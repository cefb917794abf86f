//! The ceiling: a server that copies what publishers write to the subscribers of their channel, and nothing else. Shows
//! what the loopback and the generator can do.
//!
//! All messages of one publisher are of one length, so that it need not look at more than the first to pass on whole ones.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Bytes read at once.
const READ_BYTES: usize = 256 * 1024;

/// Where it listens.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Address and port.
    #[arg(long)]
    address: String,
}

/// Those who get what is written to one channel: each a copy, or of a queue one after the other.
#[derive(Debug, Default)]
struct Receivers {
    streams: Vec<TcpStream>,
    next: usize,
}

impl Receivers {
    fn pass(&mut self, bytes: &[u8], is_queue: bool) {
        if is_queue && !self.streams.is_empty() {
            self.next = (self.next + 1) % self.streams.len();
            let _ = self.streams[self.next].write_all(bytes); // one that left is missed by the counts
        } else {
            self.streams.retain_mut(|stream| stream.write_all(bytes).is_ok());
        }
    }
}

/// Serves until it is killed.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let listener = TcpListener::bind(&args.address)?;
    let mut channels: HashMap<String, Arc<Mutex<Receivers>>> = HashMap::new();
    for stream in listener.incoming() {
        let mut stream = stream?;
        stream.set_nodelay(true)?;
        let Ok(hello) = read_hello(&mut stream) else { continue };
        let (role, channel) = hello.split_at(1);
        let receivers = Arc::clone(channels.entry(channel.to_owned()).or_default());
        if role == "S" {
            receivers.lock().map_err(|_| anyhow::anyhow!("poisoned"))?.streams.push(stream);
        } else {
            let is_queue = channel.starts_with("/queue");
            std::thread::spawn(move || forward(stream, &receivers, is_queue));
        }
    }
    Ok(())
}

/// `S` or `P`, the channel and a line feed.
fn read_hello(stream: &mut TcpStream) -> anyhow::Result<String> {
    let mut hello = Vec::new();
    let mut byte = [0];
    loop {
        stream.read_exact(&mut byte)?;
        if byte == *b"\n" {
            break;
        }
        hello.push(byte[0]);
    }
    anyhow::ensure!(hello.starts_with(b"S") || hello.starts_with(b"P"), "neither subscriber nor publisher");
    Ok(String::from_utf8(hello)?)
}

fn forward(mut publisher: TcpStream, receivers: &Mutex<Receivers>, is_queue: bool) {
    let mut buffer = vec![0; READ_BYTES];
    let mut filled = 0;
    while let Ok(n) = publisher.read(&mut buffer[filled..]) {
        if n == 0 {
            break;
        }
        filled += n;
        let Some(length) = buffer[..filled].first_chunk() else { continue };
        let message_bytes = 4 + u32::from_be_bytes(*length) as usize;
        let whole = filled - filled % message_bytes;
        let Ok(mut receivers) = receivers.lock() else { break };
        receivers.pass(&buffer[..whole], is_queue);
        drop(receivers);
        buffer.copy_within(whole..filled, 0);
        filled -= whole;
    }
}
