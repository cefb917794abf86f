//! The ceiling: a server that copies what publishers write to every subscriber, and nothing else. Shows what the loopback
//! and the generator can do.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Where it listens.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Address and port.
    #[arg(long)]
    address: String,
}

/// Serves until it is killed.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let listener = TcpListener::bind(&args.address)?;
    let subscribers: Arc<Mutex<Vec<TcpStream>>> = Arc::default();
    for stream in listener.incoming() {
        let mut stream = stream?;
        stream.set_nodelay(true)?;
        let mut role = [0];
        stream.read_exact(&mut role)?;
        let subscribers = subscribers.clone();
        if role == *b"S" {
            subscribers.lock().map_err(|_| anyhow::anyhow!("poisoned"))?.push(stream);
        } else {
            std::thread::spawn(move || forward(stream, &subscribers));
        }
    }
    Ok(())
}

fn forward(mut publisher: TcpStream, subscribers: &Mutex<Vec<TcpStream>>) {
    let mut buffer = vec![0; 256 * 1024];
    while let Ok(n) = publisher.read(&mut buffer) {
        if n == 0 {
            break;
        }
        let Ok(mut subscribers) = subscribers.lock() else { break };
        subscribers.retain_mut(|subscriber| subscriber.write_all(&buffer[..n]).is_ok());
    }
}
