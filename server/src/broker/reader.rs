//! Reads a connection into a borrowed buffer, and keeps what is left of an unfinished pair.
//!
//! An idle connection has no buffer: one is borrowed when the socket is ready and given back when its pairs are
//! published. A pair that is larger than such a buffer gets its own, which grows as its bytes come, so that a length
//! alone costs nothing.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead as _, AsyncReadExt as _, ReadBuf};

use super::memory::{Memory, READ_BYTES, Workspace};
use super::run::Scratch;
use super::stream::ReadHalf;

/// Bytes one read takes while subscribers cannot follow: with a hold of 10 ms for each, whoever takes 400 KB a second
/// loses nothing.
const CAREFUL_READ_BYTES: usize = 4 * 1024;

/// One connection's unfinished input.
#[derive(Debug)]
pub(crate) struct Reader {
    memory: Arc<Memory>,
    /// What is left of the reads so far.
    carry: Vec<u8>,
    /// How long `carry` must become before it is worth looking at.
    needed_bytes: usize,
    /// Bytes taken out of the budget for it.
    budgeted: usize,
    is_careful: bool,
}

/// Some bytes from a connection, and the workspace to publish them with.
#[derive(Debug)]
pub(crate) struct Chunk {
    workspace: Workspace,
    filled: usize,
    /// The bytes, when they did not fit the workspace.
    own: Option<Vec<u8>>,
    /// The socket had at least as much as was asked for.
    pub(crate) is_full: bool,
}

/// The broker's memory does not suffice for the rest of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoMemory {
    pub(crate) needed_bytes: usize,
}

impl Chunk {
    pub(crate) fn bytes_and_scratch(&mut self) -> (&[u8], &mut Scratch) {
        let bytes = match &self.own {
            Some(own) => own,
            None => &self.workspace.bytes[..self.filled],
        };
        (bytes, &mut self.workspace.scratch)
    }
}

impl Reader {
    pub(crate) fn new(memory: Arc<Memory>) -> Self {
        Self { memory, carry: Vec::new(), needed_bytes: 0, budgeted: 0, is_careful: false }
    }

    /// Whether something of an unfinished pair is there.
    pub(crate) fn has_partial(&self) -> bool {
        !self.carry.is_empty()
    }

    /// Takes small pieces from now on, or large ones again.
    pub(crate) fn set_careful(&mut self, is_careful: bool) {
        self.is_careful = is_careful;
    }

    /// Waits for bytes and gives them together with what was left over; `Ok(Ok(None))` at the end of the stream.
    ///
    /// # Cancel safety
    /// No byte is lost when the future is dropped.
    pub(crate) async fn read(
        &mut self,
        half: &mut ReadHalf<'_>,
    ) -> io::Result<Result<Option<Chunk>, NoMemory>> {
        while READ_BYTES < self.needed_bytes {
            // Twice of what has come at most: a length that promises much costs little until it is kept.
            let more = (self.needed_bytes - self.carry.len()).min(self.carry.len().max(READ_BYTES));
            if let Err(error) = self.budget(self.carry.len() + more) {
                return Ok(Err(error));
            }
            self.carry.reserve_exact(more);
            if half.read_buf(&mut self.carry).await? == 0 {
                return Ok(Ok(None));
            }
            if self.needed_bytes <= self.carry.len() {
                return Ok(Ok(Some(self.again())));
            }
        }
        Ok(Ok(poll_fn(|cx| self.poll_read(cx, half)).await?))
    }

    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        half: &mut ReadHalf<'_>,
    ) -> Poll<io::Result<Option<Chunk>>> {
        ready!(half.poll_read_ready(cx))?;
        let mut workspace = self.memory.take_workspace();
        let carried = self.carry.len();
        let end = if self.is_careful { READ_BYTES.min(carried + CAREFUL_READ_BYTES) } else { READ_BYTES };
        let mut fresh = ReadBuf::new(&mut workspace.bytes[carried..end]);
        let n_read = match Pin::new(half).poll_read(cx, &mut fresh) {
            Poll::Ready(Ok(())) => fresh.filled().len(),
            other => {
                self.memory.give_workspace(workspace);
                return other.map_ok(|()| None);
            }
        };
        if n_read == 0 {
            self.memory.give_workspace(workspace);
            return Poll::Ready(Ok(None));
        }
        workspace.bytes[..carried].copy_from_slice(&self.carry);
        self.carry.clear();
        let filled = carried + n_read;
        Poll::Ready(Ok(Some(Chunk { workspace, filled, own: None, is_full: filled == end })))
    }

    /// What was left over, without reading.
    pub(crate) fn again(&mut self) -> Chunk {
        let workspace = self.memory.take_workspace();
        Chunk { workspace, filled: 0, own: Some(std::mem::take(&mut self.carry)), is_full: false }
    }

    /// Takes a chunk back of which the first bytes were consumed; the rest and more, `needed_bytes` in all, make the
    /// next one.
    pub(crate) fn put_back(
        &mut self,
        chunk: Chunk,
        consumed: usize,
        needed_bytes: usize,
    ) -> Result<(), NoMemory> {
        let Chunk { workspace, filled, own, .. } = chunk;
        match own {
            Some(own) if consumed == 0 => self.carry = own,
            Some(own) if consumed < own.len() => self.carry = own[consumed..].to_vec(),
            Some(_) => self.carry = Vec::new(),
            None if consumed < filled => self.carry.extend_from_slice(&workspace.bytes[consumed..filled]),
            None => self.carry = Vec::new(),
        }
        self.memory.give_workspace(workspace);
        self.needed_bytes = needed_bytes;
        self.budget(self.carry.len())
    }

    fn budget(&mut self, bytes: usize) -> Result<(), NoMemory> {
        if bytes < self.budgeted {
            self.memory.inbound.release(self.budgeted - bytes);
        } else if self.budgeted < bytes && !self.memory.inbound.try_reserve(bytes - self.budgeted, 1) {
            return Err(NoMemory { needed_bytes: bytes });
        }
        self.budgeted = bytes;
        Ok(())
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.memory.inbound.release(self.budgeted);
    }
}
