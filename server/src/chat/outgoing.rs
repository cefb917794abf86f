//! What a line client is still to be sent: shared lines, written many at a time, owned by nobody in particular.

use std::collections::VecDeque;
use std::io::{self, IoSlice};

use bytes::{Buf as _, Bytes};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use crate::outlet::{self, Outlet};

/// Most lines handed to the operating system at once.
const SLICES_MAX: usize = 64;

/// Lines on their way out, oldest first.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    lines: VecDeque<Bytes>,
    /// By which the room writes itself while there is nothing here.
    outlet: Option<Outlet>,
}

impl Outgoing {
    pub(super) fn new(outlet: Option<Outlet>) -> Self {
        Self { lines: VecDeque::new(), outlet }
    }

    pub(super) fn push(&mut self, line: Bytes) {
        self.lines.push_back(line);
    }

    /// Whether nothing is left to write. From then on, the room may.
    pub(super) fn is_done(&self) -> bool {
        self.lines.is_empty() && self.outlet.as_ref().is_none_or(Outlet::release)
    }

    /// Waits until there is something left of what the room wrote.
    ///
    /// # Cancel safety
    /// Changes nothing.
    pub(super) async fn unsent(&self) {
        outlet::unsent(self.outlet.as_ref()).await;
    }

    /// Writes as much as the peer takes now, waiting until that is something.
    ///
    /// # Errors
    /// The connection's.
    ///
    /// # Cancel safety
    /// Nothing is lost or written twice when the future is dropped before it is ready.
    pub(super) async fn write_some<W: AsyncWrite + Unpin>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.lines.is_empty() {
            return writer.flush().await;
        }
        let mut slices = [IoSlice::new(&[]); SLICES_MAX];
        let n_slices = self.lines.len().min(SLICES_MAX);
        for (slice, line) in slices.iter_mut().zip(&self.lines) {
            *slice = IoSlice::new(line);
        }
        let n_written = writer.write_vectored(&slices[..n_slices]).await?;
        if n_written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.advance(n_written);
        Ok(())
    }

    fn advance(&mut self, n_bytes: usize) {
        let mut n_bytes = n_bytes;
        while let Some(line) = self.lines.front_mut() {
            if n_bytes < line.len() {
                line.advance(n_bytes);
                return;
            }
            n_bytes -= line.len();
            self.lines.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::*;

    #[tokio::test]
    async fn lines_come_out_whole_and_in_order_however_little_is_taken() {
        for capacity in [1, 3, 7, 1_000] {
            let (mut near, mut far) = tokio::io::duplex(capacity);
            let mut outgoing = Outgoing::default();
            let lines: Vec<String> = (0..200).map(|n| format!("line {n}\n")).collect();
            lines.iter().for_each(|line| outgoing.push(line.clone().into()));
            let write = async move {
                while !outgoing.is_done() {
                    outgoing.write_some(&mut near).await.unwrap();
                }
            };
            let mut text = String::new();
            let (_, read) = tokio::join!(write, far.read_to_string(&mut text));
            read.unwrap();
            assert_eq!(text, lines.concat());
        }
    }
}
