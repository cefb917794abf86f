//! The smallest HTTP client that keeps its connections: a thread each, one request under way, every answer looked at.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

/// Longest answer that is looked for, in bytes.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Time for one answer.
const DEADLINE: Duration = Duration::from_secs(10);

/// What one run came to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    /// Answers per second, all connections together.
    pub(crate) per_sec: f64,
    /// 99 of 100 answers took no longer, in microseconds.
    pub(crate) p99_micros: f64,
}

/// Asks for `target` as fast as the answers come. Every answer must hold `expected` in its head.
pub(crate) fn load(
    port: u16,
    target: &str,
    expected: &str,
    connections: usize,
    at_least: Duration,
) -> anyhow::Result<Load> {
    let begun = Instant::now();
    let threads: Vec<_> = (0..connections)
        .map(|_| {
            let (target, expected) = (target.to_owned(), expected.to_owned());
            thread::spawn(move || ask_again(port, &target, &expected, begun + at_least))
        })
        .collect();
    let mut micros = Vec::new();
    for thread in threads {
        micros.extend(thread.join().ok().context("a connection's thread panicked")??);
    }
    let secs = begun.elapsed().as_secs_f64();
    ensure!(!micros.is_empty(), "no answer at all");
    micros.sort_unstable();
    let p99 = micros[(micros.len() * 99 / 100).min(micros.len() - 1)];
    Ok(Load { per_sec: micros.len() as f64 / secs, p99_micros: f64::from(p99) })
}

/// Asks once and gives the body.
pub(crate) fn get(port: u16, target: &str) -> anyhow::Result<String> {
    let mut connection = Connection::open(port, target)?;
    connection.ask()?;
    Ok(String::from_utf8_lossy(&connection.buffer[connection.body..connection.end]).into_owned())
}

fn ask_again(port: u16, target: &str, expected: &str, until: Instant) -> anyhow::Result<Vec<u32>> {
    let mut connection = Connection::open(port, target)?;
    let mut micros = Vec::with_capacity(1 << 16);
    while Instant::now() < until {
        let begun = Instant::now();
        connection.ask()?;
        micros.push(u32::try_from(begun.elapsed().as_micros()).unwrap_or(u32::MAX));
        let head = std::str::from_utf8(&connection.buffer[..connection.body])?;
        ensure!(head.contains(expected), "{target} answered without {expected:?}: {head}");
    }
    Ok(micros)
}

struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    buffer: Vec<u8>,
    body: usize,
    end: usize,
}

impl Connection {
    fn open(port: u16, target: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        let request = format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n").into_bytes();
        Ok(Self { stream, request, buffer: vec![0; 4_096], body: 0, end: 0 })
    }

    fn ask(&mut self) -> anyhow::Result<()> {
        self.stream.write_all(&self.request)?;
        let mut n = 0;
        loop {
            if n == self.buffer.len() {
                ensure!(n < ANSWER_BYTES_MAX, "an answer over {ANSWER_BYTES_MAX} bytes");
                self.buffer.resize(2 * n, 0);
            }
            match self.stream.read(&mut self.buffer[n..])? {
                0 => bail!("the connection ended inside an answer"),
                more => n += more,
            }
            let Some(head) = self.buffer[..n].windows(4).position(|four| four == b"\r\n\r\n") else {
                continue;
            };
            let text = std::str::from_utf8(&self.buffer[..head])?;
            ensure!(text.starts_with("HTTP/1.1 200"), "{text}");
            let length = text.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
            });
            (self.body, self.end) = (head + 4, head + 4 + length.context("an answer without its length")?);
            if self.end <= n {
                return Ok(());
            }
        }
    }
}
