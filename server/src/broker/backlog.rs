//! The messages that wait in a queue for somebody to take them: frames in order, in chunks. Pure bytes, unbounded in
//! itself; its queue asks [`Backlog::fits`] first.

use std::collections::VecDeque;

use super::frame::{self, HEADER_BYTES};
use super::outbox::Bounds;

/// Size, in bytes, up to which a chunk is filled: large enough that a chunk costs little, small enough that an emptied
/// one is soon freed.
const CHUNK_BYTES: usize = 64 * 1024;

/// Frames in the order in which they are to be taken.
#[derive(Debug, Default)]
pub(crate) struct Backlog {
    chunks: VecDeque<Chunk>,
    n_messages: u64,
    n_bytes: usize,
}

#[derive(Debug)]
struct Chunk {
    frames: Vec<u8>,
    taken: usize,
}

impl Backlog {
    pub(crate) fn is_empty(&self) -> bool {
        self.n_messages == 0
    }

    pub(crate) fn n_messages(&self) -> u64 {
        self.n_messages
    }

    /// Bytes of the frames, headers included.
    pub(crate) fn n_bytes(&self) -> usize {
        self.n_bytes
    }

    /// Bytes of the payloads alone.
    pub(crate) fn payload_bytes(&self) -> u64 {
        self.n_bytes as u64 - self.n_messages * HEADER_BYTES as u64
    }

    /// Whether one more frame is within `bounds`; one of any size is when nothing else waits.
    pub(crate) fn fits(&self, bounds: Bounds, frame_bytes: usize) -> bool {
        self.n_messages == 0
            || (self.n_messages < bounds.n_messages && self.n_bytes + frame_bytes <= bounds.n_bytes)
    }

    /// Whether at most half of `bounds` is in use.
    pub(crate) fn is_half_empty(&self, bounds: Bounds) -> bool {
        self.n_messages <= bounds.n_messages / 2 && self.n_bytes <= bounds.n_bytes / 2
    }

    /// Adds one frame behind all others.
    pub(crate) fn push_back(&mut self, frame: &[u8]) {
        self.n_messages += 1;
        self.n_bytes += frame.len();
        match self.chunks.back_mut() {
            Some(last) if last.frames.len() + frame.len() <= CHUNK_BYTES => {
                last.frames.extend_from_slice(frame);
            }
            _ => self.chunks.push_back(Chunk { frames: frame.to_vec(), taken: 0 }),
        }
    }

    /// Puts frames that had been taken back before all others, in their order.
    pub(crate) fn push_front(&mut self, frames: Vec<u8>, n_messages: u64) {
        if n_messages != 0 {
            self.n_messages += n_messages;
            self.n_bytes += frames.len();
            self.chunks.push_front(Chunk { frames, taken: 0 });
        }
    }

    /// The first frame.
    pub(crate) fn front(&self) -> Option<&[u8]> {
        let chunk = self.chunks.front()?;
        frame::frames(&chunk.frames[chunk.taken..]).next()
    }

    /// Removes the first frame.
    pub(crate) fn pop_front(&mut self) {
        let Some(n_bytes) = self.front().map(<[u8]>::len) else { return };
        self.n_messages -= 1;
        self.n_bytes -= n_bytes;
        if let Some(chunk) = self.chunks.front_mut() {
            chunk.taken += n_bytes;
            if chunk.taken == chunk.frames.len() {
                self.chunks.pop_front();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(payloads: &[&[u8]]) -> Vec<u8> {
        let mut bytes = Vec::new();
        payloads.iter().for_each(|payload| frame::append(&mut bytes, payload));
        bytes
    }

    fn drain(backlog: &mut Backlog) -> Vec<Vec<u8>> {
        let mut found = Vec::new();
        while let Some(frame) = backlog.front() {
            found.push(frame::payload(frame).to_vec());
            backlog.pop_front();
        }
        found
    }

    #[test]
    fn keeps_order_over_chunks_and_puts_back_in_front() {
        let mut backlog = Backlog::default();
        let large = vec![7; CHUNK_BYTES];
        for payload in [&b"c"[..], &large, b"", b"d"] {
            backlog.push_back(&framed(&[payload]));
        }
        backlog.push_front(framed(&[b"a", b"b"]), 2);
        backlog.push_front(Vec::new(), 0);
        assert_eq!(backlog.n_messages(), 6);
        assert_eq!(backlog.payload_bytes(), 4 + CHUNK_BYTES as u64);
        assert_eq!(drain(&mut backlog), [b"a", b"b", b"c", &large[..], b"", b"d"]);
        assert!(backlog.is_empty());
        assert_eq!((backlog.n_bytes(), backlog.front()), (0, None));
        backlog.pop_front();
        assert!(backlog.is_empty());
    }

    #[test]
    fn fits_by_messages_by_bytes_and_always_once() {
        let bounds = Bounds { n_messages: 2, n_bytes: 12 };
        let mut backlog = Backlog::default();
        assert!(backlog.fits(bounds, 1_000));
        assert!(backlog.is_half_empty(bounds));
        backlog.push_back(&framed(&[b"12"]));
        assert!(backlog.fits(bounds, 6) && !backlog.fits(bounds, 7));
        assert!(backlog.is_half_empty(bounds));
        backlog.push_back(&framed(&[b""]));
        assert!(!backlog.fits(bounds, 1));
        assert!(!backlog.is_half_empty(bounds));
    }
}
