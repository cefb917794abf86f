//! One connection to the chat: lines out, harmless lines in.

use std::io;
use std::time::Duration;

use anyhow::{Context as _, bail};
use signalbox_shared::chat::{LINE_BYTES_MAX, neutralise};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

use crate::chat::lines::{Line, Splitter};

/// How long to wait for a connection, for the first answer, and for the last lines after the input has ended.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// Longest line that is shown, in bytes: a name and a line whose every byte was made visible.
const SHOWN_BYTES_MAX: usize = 4 * LINE_BYTES_MAX;
/// How much one read takes, in bytes.
const READ_BYTES: usize = 16 * 1024;
/// How the chat begins the line that says why it closes.
const ERROR_PREFIX: &str = "Error: ";

/// A connection that has sent its name.
pub(super) struct Session {
    read: OwnedReadHalf,
    write: OwnedWriteHalf,
    splitter: Splitter,
    last_line: String,
}

impl Session {
    /// Connects and gives the name; whether it is taken, the first line says.
    ///
    /// # Errors
    /// When nobody listens there, with what to do.
    pub(super) async fn connect(address: &str, name: &str) -> anyhow::Result<Self> {
        let connecting = timeout(PATIENCE, TcpStream::connect(address)).await;
        let stream = connecting.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).with_context(|| {
            format!("no chat at {address}: start one with \"signalbox serve\", or name another address with --connect HOST:PORT")
        })?;
        let (read, write) = stream.into_split();
        let splitter = Splitter::new(SHOWN_BYTES_MAX);
        let mut session = Self { read, write, splitter, last_line: String::new() };
        session.send(format!("CONNECT {name}").as_bytes()).await?;
        Ok(session)
    }

    /// Waits for the first lines, which say whether the name was taken.
    ///
    /// # Errors
    /// The chat's reason when it was not, or that no answer came in time.
    pub(super) async fn welcome(&mut self) -> anyhow::Result<Vec<String>> {
        let answer = timeout(PATIENCE, async {
            loop {
                match self.receive().await {
                    Some(lines) if lines.is_empty() => {}
                    lines => return lines,
                }
            }
        });
        match answer.await {
            Ok(Some(lines)) if !self.is_refused() => Ok(lines),
            Ok(_) => bail!(self.farewell()),
            Err(_) => bail!("the chat does not answer; is it one?"),
        }
    }

    /// Sends one line, its end added.
    ///
    /// # Errors
    /// When the connection is lost.
    pub(super) async fn send(&mut self, line: &[u8]) -> anyhow::Result<()> {
        self.write.write_all(&[line, b"\n"].concat()).await.context("the connection was lost")
    }

    /// Says that nothing more will be sent.
    pub(super) async fn finish(&mut self) {
        // The relay still sends what was said before it sees this; when it is gone, the next read tells.
        let _ = self.write.shutdown().await;
    }

    /// The lines that end in what comes next, made harmless; none when nothing will come any more.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn receive(&mut self) -> Option<Vec<String>> {
        let mut bytes = vec![0; READ_BYTES];
        let n = self.read.read(&mut bytes).await.ok().filter(|&n| 0 < n)?;
        let lines: Vec<String> = self.splitter.split(&bytes[..n]).into_iter().map(text_of).collect();
        if let Some(last) = lines.last() {
            self.last_line.clone_from(last);
        }
        Some(lines)
    }

    /// Whether the last line said why the chat closes.
    pub(super) fn is_refused(&self) -> bool {
        self.last_line.starts_with(ERROR_PREFIX)
    }

    /// Why the connection ended.
    pub(super) fn farewell(&self) -> String {
        match self.last_line.strip_prefix(ERROR_PREFIX) {
            Some(reason) => format!("the chat closed the connection: {reason}"),
            None => "the chat closed the connection".to_owned(),
        }
    }
}

fn text_of(line: Line) -> String {
    match line {
        Line::Text(text) | Line::NotUtf8(text) => neutralise(&text).into_owned(),
        Line::TooLong { bytes } => format!("(a line of {bytes} bytes is not shown)"),
    }
}
