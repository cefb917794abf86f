//! Where the messages of `signalbox send` come from: lines, or made up.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::Path;

use anyhow::Context as _;
use serde::Deserialize;
use signalbox_shared::Payload;
use tokio::sync::mpsc::{self, error::TryRecvError};

/// Lines that are read ahead; a broker that holds its publisher holds whoever writes the lines.
const LINES_AHEAD: usize = 1_024;
/// Longest line, in bytes: the largest frame that a broker takes when nothing else is said.
const LINE_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Size of a made-up message when nothing is said, in bytes.
const MADE_UP_BYTES: usize = 128;

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineFormat {
    /// The data itself.
    Raw,
    /// The data in hexadecimal.
    Hex,
    /// An object with the data as `text` or `base64`.
    Json,
}

impl LineFormat {
    fn payload(self, line: Vec<u8>) -> Result<Vec<u8>, String> {
        match self {
            Self::Raw => Ok(line),
            Self::Hex => payload_from_hex(&line).ok_or_else(|| "is not hexadecimal".to_owned()),
            Self::Json => {
                let line: Line = serde_json::from_slice(&line)
                    .map_err(|error| format!("is no object with `text` or `base64`: {error}"))?;
                line.payload.bytes().map(Cow::into_owned).map_err(|error| format!("is not base64: {error}"))
            }
        }
    }
}

/// What of a line of JSON is looked at.
#[derive(Deserialize)]
struct Line {
    #[serde(flatten)]
    payload: Payload,
}

fn payload_from_hex(line: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = line.as_chunks::<2>();
    let bytes = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect();
    if rest.is_empty() { bytes } else { None }
}

/// Where messages come from.
pub(super) enum Source {
    Lines(mpsc::Receiver<io::Result<Vec<u8>>>),
    MadeUp { size: usize, n: u64 },
}

impl Source {
    /// The lines of a file, `-` for standard input.
    pub(super) fn file(path: &Path, format: LineFormat) -> anyhow::Result<Self> {
        if path == Path::new("-") {
            return Ok(Self::standard_input(format));
        }
        let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        Ok(Self::lines(BufReader::new(file), format))
    }

    pub(super) fn standard_input(format: LineFormat) -> Self {
        Self::lines(BufReader::new(io::stdin()), format)
    }

    /// Messages that begin with their number and are filled up to `size` bytes.
    pub(super) fn made_up(size: Option<usize>) -> Self {
        Self::MadeUp { size: size.unwrap_or(MADE_UP_BYTES), n: 0 }
    }

    /// Reads on a thread of its own, which ends with the lines or with the process: a read of a terminal cannot be
    /// called off.
    fn lines(mut input: impl BufRead + Send + 'static, format: LineFormat) -> Self {
        let (to, from) = mpsc::channel(LINES_AHEAD);
        std::thread::spawn(move || {
            let mut n = 0_u64;
            while let Some(line) = next_line(&mut input).transpose() {
                n += 1;
                let line = line.and_then(|line| {
                    format.payload(line).map_err(|why| io::Error::other(format!("line {n} {why}")))
                });
                let is_last = line.is_err();
                if to.blocking_send(line).is_err() || is_last {
                    break;
                }
            }
        });
        Self::Lines(from)
    }

    /// The next message if there is one already.
    pub(super) fn try_next(&mut self) -> anyhow::Result<Option<Vec<u8>>> {
        match self {
            Self::Lines(lines) => match lines.try_recv() {
                Ok(line) => Ok(Some(line.context("cannot read lines")?)),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => Ok(None),
            },
            Self::MadeUp { size, n } => {
                *n += 1;
                Ok(Some(made_up(*n, *size)))
            }
        }
    }

    /// The next message; `None` when there are no more.
    pub(super) async fn next(&mut self) -> anyhow::Result<Option<Vec<u8>>> {
        match self {
            Self::Lines(lines) => lines.recv().await.transpose().context("cannot read lines"),
            Self::MadeUp { .. } => self.try_next(),
        }
    }
}

/// One line without its end; `None` at the end of the input.
fn next_line(input: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    input.by_ref().take(LINE_BYTES_MAX + 2).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
    }
    if LINE_BYTES_MAX < line.len() as u64 {
        return Err(io::Error::other(format!("a line is over {LINE_BYTES_MAX} bytes")));
    }
    Ok(Some(line))
}

fn made_up(n: u64, size: usize) -> Vec<u8> {
    let mut payload = format!("message {n} ").into_bytes();
    payload.resize(size, b'.');
    payload
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_lose_their_ends_and_nothing_else() {
        let mut input = &b"one\r\n\n two \nlast"[..];
        let mut lines = Vec::new();
        while let Some(line) = next_line(&mut input).unwrap() {
            lines.push(String::from_utf8(line).unwrap());
        }
        assert_eq!(lines, ["one", "", " two ", "last"]);
        let long = vec![b'x'; 16 * 1024 * 1024 + 1];
        assert!(next_line(&mut &long[..]).is_err());
        assert_eq!(next_line(&mut &long[1..]).unwrap().unwrap().len(), 16 * 1024 * 1024);
    }

    #[test]
    fn lines_that_programs_wrote_become_their_data() {
        let check = |format: LineFormat, line: &str, expected: Option<&[u8]>| {
            assert_eq!(format.payload(line.into()).ok().as_deref(), expected, "{line}");
        };
        check(LineFormat::Hex, "00ffAb", Some(b"\x00\xff\xab"));
        check(LineFormat::Hex, "", Some(b""));
        check(LineFormat::Hex, "0", None);
        check(LineFormat::Hex, "0x", None);
        check(LineFormat::Json, r#"{"channel":"/a","n":1,"text":"a\nb"}"#, Some(b"a\nb"));
        check(LineFormat::Json, r#"{"base64":"/w=="}"#, Some(b"\xff"));
        check(LineFormat::Json, r#"{"base64":"/"}"#, None);
        check(LineFormat::Json, r#"{"data":"a"}"#, None);
        check(LineFormat::Json, "", None);
    }

    #[test]
    fn made_up_messages_have_the_size_that_was_asked_for() {
        assert_eq!(made_up(7, 14), b"message 7 ....");
        assert_eq!(made_up(7, 3), b"mes");
        assert_eq!(made_up(7, 0), b"");
    }
}
