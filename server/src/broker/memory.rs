//! What the whole broker may buffer, and the buffers that are passed around while they are in use.
//!
//! An idle connection owns neither a read buffer nor a write buffer: both are borrowed from here. Knows no channel.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::run::Scratch;
use crate::limits::Limits;

/// Bytes one read may take from a socket. Measured: more no longer pays, and leaves the second-level cache.
pub(crate) const READ_BYTES: usize = 128 * 1024;
/// A buffer of at most this capacity, in bytes, stays with its idle outbox; the pool would cost more than it.
const OWN_BYTES_MAX: usize = 256;
/// Capacity, in bytes, over which a write buffer is freed instead of pooled or used again.
pub(crate) const KEEP_BYTES_MAX: usize = 1024 * 1024;
/// Buffers kept for the next user, of each sort: at most 32 MiB, reached only after that much was in use at once.
const POOLED_MAX: usize = 32;
/// Of the bound on queued bytes, this part more may be pairs of which not all has come: a quarter, yet so much that one
/// of the largest frames always can come.
const INBOUND_PART: u64 = 4;

/// A bound on bytes that are held in many places.
#[derive(Debug)]
pub(crate) struct Budget {
    what: &'static str,
    bound_bytes: usize,
    used_bytes: AtomicUsize,
    is_short: AtomicBool,
    n_waiting: AtomicUsize,
    room: Notify,
}

impl Budget {
    fn new(what: &'static str, bound_bytes: u64) -> Self {
        Self {
            what,
            bound_bytes: usize::try_from(bound_bytes).unwrap_or(usize::MAX),
            used_bytes: AtomicUsize::new(0),
            is_short: AtomicBool::new(false),
            n_waiting: AtomicUsize::new(0),
            room: Notify::new(),
        }
    }

    /// Takes `bytes` out of the budget, or nothing. One message of any size is granted when nothing at all is in use,
    /// so that one larger than the bound cannot wait for ever.
    #[inline]
    pub(crate) fn try_reserve(&self, bytes: usize, n_messages: u64) -> bool {
        let before = self.used_bytes.fetch_add(bytes, Ordering::SeqCst);
        if self.is_granted(before, bytes, n_messages) {
            return true;
        }
        self.release(bytes);
        if !self.is_short.swap(true, Ordering::SeqCst) {
            tracing::warn!(
                bound_bytes = self.bound_bytes,
                "the broker has no room left for {}: {before} of {} bytes in use (broker_buffered_bytes)",
                self.what,
                self.bound_bytes
            );
        }
        false
    }

    /// Takes `bytes` out of the budget even over its bound: for what was granted before and must not be lost.
    pub(crate) fn reserve_anyway(&self, bytes: usize) {
        self.used_bytes.fetch_add(bytes, Ordering::SeqCst);
    }

    /// Gives `bytes` back.
    #[inline]
    pub(crate) fn release(&self, bytes: usize) {
        let before = self.used_bytes.fetch_sub(bytes, Ordering::SeqCst);
        debug_assert!(bytes <= before, "released {bytes} of {before}");
        if self.is_short.load(Ordering::Relaxed)
            && before - bytes <= self.bound_bytes / 8 * 7
            && self.is_short.swap(false, Ordering::SeqCst)
        {
            tracing::info!("the broker has room again for {}", self.what);
        }
        if self.n_waiting.load(Ordering::SeqCst) != 0 {
            self.room.notify_waiters();
        }
    }

    /// Waits until one message of `bytes` more would be granted.
    pub(crate) async fn room(&self, bytes: usize) {
        let _waiting = Waiting::new(&self.n_waiting);
        loop {
            let room = self.room.notified();
            tokio::pin!(room);
            room.as_mut().enable();
            if self.is_granted(self.used_bytes.load(Ordering::SeqCst), bytes, 1) {
                return;
            }
            room.await;
        }
    }

    /// Bytes in use.
    pub(crate) fn used_bytes(&self) -> usize {
        self.used_bytes.load(Ordering::Relaxed)
    }

    fn is_granted(&self, used: usize, bytes: usize, n_messages: u64) -> bool {
        used + bytes <= self.bound_bytes || (used == 0 && n_messages == 1)
    }
}

/// Counts one that waits.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(n: &'a AtomicUsize) -> Self {
        n.fetch_add(1, Ordering::SeqCst);
        Self(n)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A buffer for one read, and what is needed to route what it brought.
#[derive(Debug)]
pub(crate) struct Workspace {
    /// [`READ_BYTES`] long.
    pub(crate) bytes: Box<[u8]>,
    pub(crate) scratch: Scratch,
}

/// The broker's memory.
#[derive(Debug)]
pub(crate) struct Memory {
    /// What waits in outboxes and backlogs.
    pub(crate) queued: Budget,
    /// What has come of pairs that are not whole yet.
    pub(crate) inbound: Budget,
    buffers: Mutex<Vec<Vec<u8>>>,
    workspaces: Mutex<Vec<Workspace>>,
}

impl Memory {
    pub(crate) fn new(limits: &Limits, frame_bytes_max: u64) -> Self {
        Self {
            queued: Budget::new("queued messages", limits.broker_buffered_bytes),
            inbound: Budget::new(
                "unfinished frames",
                (limits.broker_buffered_bytes / INBOUND_PART).max(2 * frame_bytes_max),
            ),
            buffers: Mutex::new(Vec::new()),
            workspaces: Mutex::new(Vec::new()),
        }
    }

    pub(crate) fn take_workspace(&self) -> Workspace {
        let pooled = self.workspaces.lock().pop();
        pooled.unwrap_or_else(|| Workspace {
            bytes: vec![0; READ_BYTES].into_boxed_slice(),
            scratch: Scratch::default(),
        })
    }

    pub(crate) fn give_workspace(&self, mut workspace: Workspace) {
        workspace.scratch.trim();
        let mut pool = self.workspaces.lock();
        if pool.len() < POOLED_MAX {
            pool.push(workspace);
        }
    }

    /// Makes room for `more` bytes in `buffer`, with a pooled buffer where it has next to none. Grows to twice its
    /// size, yet not over `bound_bytes` unless it must.
    #[inline]
    pub(crate) fn make_room(&self, buffer: &mut Vec<u8>, more: usize, bound_bytes: usize) {
        let needed = buffer.len() + more;
        if needed <= buffer.capacity() {
            return;
        }
        if buffer.capacity() <= OWN_BYTES_MAX
            && OWN_BYTES_MAX < needed
            && let Some(mut pooled) = self.buffers.lock().pop()
        {
            pooled.extend_from_slice(buffer);
            *buffer = pooled;
        }
        if buffer.capacity() < needed {
            let target = needed.max((2 * buffer.capacity()).min(bound_bytes));
            buffer.reserve_exact(target - buffer.len());
        }
    }

    /// Takes the empty `buffer` back from whoever has no more use for it now.
    #[inline]
    pub(crate) fn give_buffer(&self, buffer: &mut Vec<u8>) {
        debug_assert!(buffer.is_empty());
        if buffer.capacity() <= OWN_BYTES_MAX {
            return;
        }
        let buffer = std::mem::take(buffer);
        if KEEP_BYTES_MAX < buffer.capacity() {
            return;
        }
        let mut pool = self.buffers.lock();
        if pool.len() < POOLED_MAX {
            pool.push(buffer);
        }
    }
}
