//! What a writer took out of an outbox and has not wholly written yet. Pure bytes.

use super::frame;

/// Frames on their way to a socket, and how far they got.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) bytes: Vec<u8>,
    pub(crate) n_messages: u64,
    written: usize,
    /// Where the first message begins that is not wholly written.
    boundary: usize,
}

impl Batch {
    /// What is still to be written.
    pub(crate) fn unwritten(&self) -> &[u8] {
        &self.bytes[self.written..]
    }

    /// Notes that `n_bytes` more were written, and says how many messages were completed by that.
    pub(crate) fn advance(&mut self, n_bytes: usize) -> u64 {
        self.written += n_bytes;
        if self.written == self.bytes.len() {
            self.bytes.clear();
            self.written = 0;
            self.boundary = 0;
            return std::mem::take(&mut self.n_messages);
        }
        let mut completed = 0;
        for frame in frame::frames(&self.bytes[self.boundary..]) {
            if self.written < self.boundary + frame.len() {
                break;
            }
            self.boundary += frame.len();
            completed += 1;
        }
        self.n_messages -= completed;
        completed
    }

    /// The messages of which not all was written: how many, and their frames, whole.
    pub(crate) fn undelivered(&self) -> (u64, &[u8]) {
        (self.n_messages, &self.bytes[self.boundary..])
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(payloads: &[&[u8]]) -> Batch {
        let mut batch = Batch { n_messages: payloads.len() as u64, ..Batch::default() };
        payloads.iter().for_each(|payload| frame::append(&mut batch.bytes, payload));
        batch
    }

    fn check(writes: &[usize], completed: &[u64], left: &[&[u8]]) {
        let mut batch = batch(&[b"one", b"", b"three"]); // frames of 7, 4 and 9 bytes
        let found: Vec<u64> = writes.iter().map(|n| batch.advance(*n)).collect();
        assert_eq!(found, completed, "{writes:?}");
        let (n, bytes) = batch.undelivered();
        assert_eq!(frame::frames(bytes).map(frame::payload).collect::<Vec<_>>(), left, "{writes:?}");
        assert_eq!(n, left.len() as u64);
        assert_eq!(batch.is_empty(), left.is_empty());
    }

    #[test]
    fn a_message_counts_when_its_last_byte_is_written() {
        check(&[], &[], &[b"one", b"", b"three"]);
        check(&[6], &[0], &[b"one", b"", b"three"]);
        check(&[7], &[1], &[b"", b"three"]);
        check(&[10], &[1], &[b"", b"three"]);
        check(&[11], &[2], &[b"three"]);
        check(&[6, 6, 7], &[0, 2, 0], &[b"three"]);
        check(&[20], &[3], &[]);
        check(&[1; 20], &[0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1], &[]);
    }
}
