//! One listener of a crowded room, and what it has got.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use memchr::memmem::find;
use mio::net::TcpStream;

/// What each said line holds before its number and the time at which it was due, in microseconds since the start.
pub(super) const MARK: &str = "bench-line ";
/// How the names of those begin that never read.
pub(super) const STALLED: &str = "stalled-";

/// What one client has got.
pub(super) struct Heard {
    /// Over the numbers of the lines in their order (FNV-1a).
    pub(super) hash: u64,
    /// How long each line took from when it was due.
    pub(super) micros: Vec<u32>,
    /// Departures of those that never read.
    pub(super) n_dropped: u64,
}

impl Default for Heard {
    fn default() -> Self {
        Self { hash: 0xcbf2_9ce4_8422_2325, micros: Vec::new(), n_dropped: 0 }
    }
}

impl Heard {
    pub(super) fn n_lines(&self) -> u64 {
        self.micros.len() as u64
    }

    /// Takes a line, or a message that holds some.
    pub(super) fn take(&mut self, text: &[u8], now_micros: u64) {
        let mut rest = text;
        while let Some(at) = find(rest, MARK.as_bytes()) {
            rest = &rest[at + MARK.len()..];
            let (n, after) = number(rest);
            let (due, after) = number(after.get(1..).unwrap_or_default());
            rest = after;
            self.hash = (self.hash ^ n).wrapping_mul(0x0100_0000_01b3);
            self.micros.push(u32::try_from(now_micros.saturating_sub(due)).unwrap_or(u32::MAX));
        }
        if find(text, STALLED.as_bytes()).is_none() {
            return;
        }
        for line in text.split(|&byte| byte == b'\n') {
            let is_left = || {
                [&b"has left the chat"[..], b"\"kind\":\"left\""]
                    .iter()
                    .any(|left| find(line, left).is_some())
            };
            self.n_dropped += u64::from(find(line, STALLED.as_bytes()).is_some() && is_left());
        }
    }
}

/// The number at the beginning, and what follows it.
fn number(text: &[u8]) -> (u64, &[u8]) {
    let n_digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let value = text[..n_digits]
        .iter()
        .fold(0_u64, |value, digit| value.wrapping_mul(10).wrapping_add(u64::from(digit - b'0')));
    (value, &text[n_digits..])
}

enum Speaks {
    Lines,
    /// The request to upgrade is not answered yet; then this is sent.
    Http(Vec<u8>),
    WebSocket,
}

/// A listener.
pub(super) struct Client {
    pub(super) stream: TcpStream,
    pub(super) heard: Heard,
    /// Whether it is in the room.
    pub(super) is_in: bool,
    /// Whether its connection has ended.
    pub(super) is_gone: bool,
    speaks: Speaks,
    /// What has come of a line or a frame that is not whole.
    partial: Vec<u8>,
}

impl Client {
    /// A line client.
    pub(super) fn line(address: SocketAddr, n: usize) -> anyhow::Result<Self> {
        Self::connect(address, format!("CONNECT line {n}\n").as_bytes(), Speaks::Lines)
    }

    /// A WebSocket.
    pub(super) fn socket(http: SocketAddr, n: usize) -> anyhow::Result<Self> {
        let request = format!(
            "GET /ws HTTP/1.1\r\nHost: {http}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        );
        let join = format!(r#"{{"type":"chat_join","id":1,"room":"lobby","name":"socket {n}"}}"#);
        Self::connect(http, request.as_bytes(), Speaks::Http(masked(0x1, join.as_bytes())))
    }

    fn connect(address: SocketAddr, greeting: &[u8], speaks: Speaks) -> anyhow::Result<Self> {
        let mut stream = std::net::TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.write_all(greeting)?;
        stream.set_nonblocking(true)?;
        let stream = TcpStream::from_std(stream);
        Ok(Self {
            stream,
            heard: Heard::default(),
            is_in: false,
            is_gone: false,
            speaks,
            partial: Vec::new(),
        })
    }

    /// Takes everything that waits, by way of `space`, whose content means nothing.
    pub(super) fn read(&mut self, start: Instant, space: &mut [u8]) -> anyhow::Result<()> {
        loop {
            let n = match self.stream.read(space) {
                Ok(0) => 0,
                Ok(n) => n,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => 0,
            };
            if n == 0 {
                self.is_gone = true;
                return Ok(());
            }
            let now_micros = u64::try_from(start.elapsed().as_micros())?;
            if self.partial.is_empty() {
                let n_taken = self.take(&space[..n], now_micros)?;
                self.partial.extend_from_slice(&space[n_taken..n]);
            } else {
                let mut bytes = std::mem::take(&mut self.partial);
                bytes.extend_from_slice(&space[..n]);
                let n_taken = self.take(&bytes, now_micros)?;
                bytes.drain(..n_taken);
                self.partial = bytes;
            }
            // Edge-triggered, and a short read of a stream has emptied it (man 7 epoll, question 9).
            if n < space.len() {
                return Ok(());
            }
        }
    }

    /// Takes whole lines or frames off the front, and says how many bytes those were.
    fn take(&mut self, bytes: &[u8], now_micros: u64) -> anyhow::Result<usize> {
        let mut n_taken = 0;
        if let Speaks::Http(join) = &self.speaks {
            let Some(end) = find(bytes, b"\r\n\r\n") else { return Ok(0) };
            ensure!(bytes.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&bytes[..end]));
            self.stream.write_all(join)?;
            self.speaks = Speaks::WebSocket;
            n_taken = end + 4;
        }
        match self.speaks {
            Speaks::Lines => {
                let Some(end) = bytes.iter().rposition(|&byte| byte == b'\n') else { return Ok(0) };
                let lines = &bytes[..=end];
                if !self.is_in {
                    let first = lines.split(|&byte| byte == b'\n').next().unwrap_or_default();
                    ensure!(first.starts_with(b"Welcome!"), "not let in: {}", String::from_utf8_lossy(first));
                    self.is_in = true;
                }
                self.heard.take(lines, now_micros);
                n_taken = end + 1;
            }
            _ => {
                while let Some((opcode, payload, n_bytes)) = frame(&bytes[n_taken..]) {
                    self.message(opcode, payload, now_micros)?;
                    n_taken += n_bytes;
                }
            }
        }
        Ok(n_taken)
    }

    fn message(&mut self, opcode: u8, payload: &[u8], now_micros: u64) -> anyhow::Result<()> {
        match opcode {
            0x1 if self.is_in => self.heard.take(payload, now_micros),
            0x1 => {
                ensure!(
                    !payload.starts_with(br#"{"type":"refused""#),
                    "{}",
                    String::from_utf8_lossy(payload)
                );
                self.is_in = payload.starts_with(br#"{"type":"chat_joined""#);
            }
            0x8 => self.is_gone = true,
            0x9 => self.stream.write_all(&masked(0xa, payload)).context("a pong cannot be written")?,
            _ => {}
        }
        Ok(())
    }
}

/// One frame of a client, its mask all zeros (RFC 6455 §5.2): a load needs no randomness.
fn masked(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    match u8::try_from(payload.len()) {
        Ok(length) if length < 126 => frame.push(0x80 | length),
        _ => {
            frame.push(0x80 | 126);
            frame.extend((payload.len() as u16).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

/// The frame at the beginning, when it is whole: its opcode, its payload, and how long it is.
fn frame(bytes: &[u8]) -> Option<(u8, &[u8], usize)> {
    let [first, second, rest @ ..] = bytes else { return None };
    let (length, head) = match second & 0x7f {
        126 => (u64::from(u16::from_be_bytes(*rest.first_chunk()?)), 4),
        127 => (u64::from_be_bytes(*rest.first_chunk()?), 10),
        length => (u64::from(length), 2),
    };
    let n_bytes = head + usize::try_from(length).ok()?;
    Some((first & 0xf, bytes.get(head..n_bytes)?, n_bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_frames() {
        assert_eq!(masked(1, b"hi"), [0x81, 0x82, 0, 0, 0, 0, b'h', b'i']);
        assert_eq!(masked(1, &[b'x'; 200])[..4], [0x81, 0xfe, 0, 200]);
        assert_eq!(frame(b"\x81\x02hi!"), Some((1, &b"hi"[..], 4)));
        assert_eq!(frame(b"\x81\x7e\x00\x02hi"), Some((1, &b"hi"[..], 6)));
        assert_eq!([frame(b"\x81"), frame(b"\x81\x02h"), frame(b"\x81\x7e\x00")], [None; 3]);
    }

    #[test]
    fn lines_have_their_age_and_departures_are_known() {
        let mut heard = Heard::default();
        heard.take(b"a: bench-line 7 100 so\nstalled-3 has left the chat\nb: bench-line 8 150 so\n", 200);
        assert_eq!((heard.micros.clone(), heard.n_dropped), (vec![100, 50], 1));
        heard.take(br#"{"type":"chat_line","line":{"name":"stalled-1","kind":"left"}}"#, 200);
        heard.take(b"stalled-2 connected!\n", 200);
        assert_eq!(heard.n_dropped, 2);
    }
}
