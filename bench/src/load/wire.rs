//! The protocols of the brokers under test, as a publisher writes them and a subscriber reads them.
//!
//! Each in its plainest efficient form: a publisher fills a buffer with many messages, a subscriber reads much at once
//! and walks what it read. Nothing is validated beyond what is needed to count exactly.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use anyhow::{Context as _, bail};
use clap::ValueEnum;

/// A protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Wire {
    /// Frames of docs/protocol.md §1.
    Signalbox,
    /// The NATS client protocol.
    Nats,
    /// RESP 2, as Redis speaks it.
    Redis,
    /// Data frames alone, for the plain forwarder.
    Forward,
}

impl Wire {
    /// Connects a subscriber of `channel`.
    pub(crate) fn subscribe(self, address: &str, channel: &str) -> anyhow::Result<TcpStream> {
        let mut stream = connect(address)?;
        match self {
            Self::Signalbox => {
                let mut hello = Vec::new();
                push_frame(&mut hello, channel.as_bytes());
                stream.write_all(&hello)?;
            }
            Self::Nats => {
                nats_hello(&mut stream)?;
                let (subject, group) = nats_subject(channel);
                write!(stream, "SUB {subject}{group} 1\r\nPING\r\n")?;
                read_until(&mut stream, b"PONG\r\n")?;
            }
            Self::Redis => {
                write!(stream, "*2\r\n$9\r\nSUBSCRIBE\r\n${}\r\n{channel}\r\n", channel.len())?;
                read_until(&mut stream, b":1\r\n")?;
            }
            Self::Forward => writeln!(stream, "S{channel}")?,
        }
        Ok(stream)
    }

    /// Connects a publisher of `channel`.
    pub(crate) fn publisher(self, address: &str, channel: &str) -> anyhow::Result<TcpStream> {
        let mut stream = connect(address)?;
        match self {
            Self::Signalbox => {
                let mut hello = Vec::new();
                push_frame(&mut hello, b"/null");
                stream.write_all(&hello)?;
            }
            Self::Nats => nats_hello(&mut stream)?,
            Self::Redis => {}
            Self::Forward => writeln!(stream, "P{channel}")?,
        }
        Ok(stream)
    }

    /// Appends one message of `payload_bytes` and says where its payload begins.
    pub(crate) fn push_message(self, buffer: &mut Vec<u8>, channel: &str, payload_bytes: usize) -> usize {
        match self {
            Self::Signalbox => {
                push_frame(buffer, channel.as_bytes());
                push_length(buffer, payload_bytes);
            }
            Self::Nats => {
                buffer.extend_from_slice(b"PUB ");
                buffer.extend_from_slice(nats_subject(channel).0.as_bytes());
                buffer.extend_from_slice(format!(" {payload_bytes}\r\n").as_bytes());
            }
            Self::Redis => {
                let head =
                    format!("*3\r\n$7\r\nPUBLISH\r\n${}\r\n{channel}\r\n${payload_bytes}\r\n", channel.len());
                buffer.extend_from_slice(head.as_bytes());
            }
            Self::Forward => push_length(buffer, payload_bytes),
        }
        let start = buffer.len();
        buffer.resize(start + payload_bytes, b'x');
        if matches!(self, Self::Nats | Self::Redis) {
            buffer.extend_from_slice(b"\r\n");
        }
        start
    }

    /// Whether [`Self::subscribe`] returns only when the subscription is in force.
    pub(crate) fn acknowledges_subscriptions(self) -> bool {
        matches!(self, Self::Nats | Self::Redis)
    }

    /// Whether the server answers each published message, so that a publisher must read as well.
    pub(crate) fn answers_publishers(self) -> bool {
        self == Self::Redis
    }

    /// Walks the whole messages at the front of `bytes`, gives each payload to `each`, and returns how many bytes
    /// those were.
    pub(crate) fn walk(self, bytes: &[u8], mut each: impl FnMut(&[u8])) -> anyhow::Result<usize> {
        let mut at = 0;
        loop {
            let next = match self {
                Self::Signalbox | Self::Forward => next_frame(&bytes[at..]),
                Self::Nats => next_nats(&bytes[at..])?,
                Self::Redis => next_redis(&bytes[at..])?,
            };
            let Some(next) = next else { return Ok(at) };
            if let Some((from, to)) = next.payload {
                each(&bytes[at + from..at + to]);
            }
            at += next.bytes;
        }
    }
}

/// One unit on the wire: its size, and where its payload is when it carries one.
struct Unit {
    bytes: usize,
    payload: Option<(usize, usize)>,
}

fn connect(address: &str) -> anyhow::Result<TcpStream> {
    let stream = TcpStream::connect(address).with_context(|| format!("no connection to {address}"))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn push_frame(buffer: &mut Vec<u8>, payload: &[u8]) {
    push_length(buffer, payload.len());
    buffer.extend_from_slice(payload);
}

fn push_length(buffer: &mut Vec<u8>, bytes: usize) {
    buffer.extend_from_slice(&u32::try_from(bytes).unwrap_or(u32::MAX).to_be_bytes());
}

fn next_frame(bytes: &[u8]) -> Option<Unit> {
    let end = 4 + u32::from_be_bytes(*bytes.first_chunk()?) as usize;
    (end <= bytes.len()).then_some(Unit { bytes: end, payload: Some((4, end)) })
}

/// A NATS subject and, for a queue, the group that shares it.
fn nats_subject(channel: &str) -> (String, &'static str) {
    let subject = channel.trim_start_matches('/').replace('/', ".");
    (subject, if channel.starts_with("/queue") { " workers" } else { "" })
}

fn nats_hello(stream: &mut TcpStream) -> anyhow::Result<()> {
    read_until(stream, b"\r\n")?;
    stream.write_all(b"CONNECT {\"verbose\":false,\"pedantic\":false}\r\nPING\r\n")?;
    read_until(stream, b"PONG\r\n")
}

fn next_nats(bytes: &[u8]) -> anyhow::Result<Option<Unit>> {
    let Some(line) = line_bytes(bytes) else { return Ok(None) };
    if bytes.starts_with(b"PING") || bytes.starts_with(b"PONG") || bytes.starts_with(b"INFO") {
        return Ok(Some(Unit { bytes: line, payload: None }));
    }
    if !bytes.starts_with(b"MSG ") {
        bail!("nats-server said {:?}", String::from_utf8_lossy(&bytes[..line]));
    }
    let digits = bytes[..line - 2].iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let size = number(&bytes[line - 2 - digits..line - 2]);
    let end = line + size + 2;
    Ok((end <= bytes.len()).then_some(Unit { bytes: end, payload: Some((line, line + size)) }))
}

/// `*3 $7 message $n channel $n payload`, or the answer to a PUBLISH, `:n`.
fn next_redis(bytes: &[u8]) -> anyhow::Result<Option<Unit>> {
    let Some(mut at) = line_bytes(bytes) else { return Ok(None) };
    match bytes[0] {
        b':' => return Ok(Some(Unit { bytes: at, payload: None })),
        b'*' => {}
        _ => bail!("redis-server said {:?}", String::from_utf8_lossy(&bytes[..at])),
    }
    let mut payload = (0, 0);
    for _ in 0..3 {
        let Some(line) = line_bytes(&bytes[at..]) else { return Ok(None) };
        let size = number(&bytes[at + 1..at + line - 2]);
        payload = (at + line, at + line + size);
        at = payload.1 + 2;
        if bytes.len() < at {
            return Ok(None);
        }
    }
    Ok(Some(Unit { bytes: at, payload: Some(payload) }))
}

/// Length of the line at the front, its end included.
fn line_bytes(bytes: &[u8]) -> Option<usize> {
    let end = bytes.iter().take(512).position(|&b| b == b'\n')?;
    Some(end + 1)
}

fn number(digits: &[u8]) -> usize {
    digits.iter().fold(0, |n, digit| n * 10 + usize::from(digit - b'0'))
}

fn read_until(stream: &mut TcpStream, end: &[u8]) -> anyhow::Result<()> {
    let mut read = Vec::new();
    let mut byte = [0];
    while !read.ends_with(end) {
        stream
            .read_exact(&mut byte)
            .with_context(|| format!("after {:?}", String::from_utf8_lossy(&read)))?;
        read.push(byte[0]);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Walks `bytes` cut at every place and expects the same payloads each time.
    fn check(wire: Wire, bytes: &[u8], expected: &[&[u8]]) {
        for cut in 0..=bytes.len() {
            let mut payloads: Vec<Vec<u8>> = Vec::new();
            let n = wire.walk(&bytes[..cut], |payload| payloads.push(payload.to_vec())).unwrap();
            wire.walk(&bytes[n..], |payload| payloads.push(payload.to_vec())).unwrap();
            assert_eq!(payloads, expected, "{wire:?} cut at {cut}");
        }
    }

    #[test]
    fn payloads_are_found_wherever_a_read_ends() {
        check(Wire::Signalbox, b"\0\0\0\x02hi\0\0\0\0\0\0\0\x01!", &[b"hi", b"", b"!"]);
        check(
            Wire::Nats,
            b"MSG a.b 1 2\r\nhi\r\nPING\r\nMSG a.b 1 12\r\nhello\r\nworld\r\n",
            &[b"hi", b"hello\r\nworld"],
        );
        check(
            Wire::Redis,
            b"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n:1\r\n*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$0\r\n\r\n",
            &[b"hi", b""],
        );
    }

    #[test]
    fn what_is_written_is_what_the_server_must_read() {
        let mut buffer = Vec::new();
        assert_eq!(Wire::Signalbox.push_message(&mut buffer, "/topic/a", 2), 16);
        assert_eq!(buffer, b"\0\0\0\x08/topic/a\0\0\0\x02xx");
        buffer.clear();
        Wire::Nats.push_message(&mut buffer, "/topic/a", 2);
        assert_eq!(buffer, b"PUB topic.a 2\r\nxx\r\n");
    }
}
