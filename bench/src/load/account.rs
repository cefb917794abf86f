//! What a subscriber got, counted exactly: every payload begins with its publisher's number and its own.

use serde::{Deserialize, Serialize};

use super::probe::is_probe;

/// Bytes at the front of a payload: publisher (u16) and number (u48), big-endian, then whatever fills it.
pub(crate) const STAMP_BYTES: usize = 8;

/// Writes a stamp.
pub(crate) fn stamp(payload: &mut [u8], publisher: usize, number: u64) {
    let stamp = (publisher as u64) << 48 | number;
    payload[..STAMP_BYTES].copy_from_slice(&stamp.to_be_bytes());
}

/// Counts of one subscriber, or of several added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counts {
    /// Messages that came.
    pub(crate) delivered: u64,
    /// Messages that came after a later one of the same publisher.
    pub(crate) out_of_order: u64,
    /// Sum over all payload bytes, so that none can be left unread.
    pub(crate) payload_bytes: u64,
}

/// A subscriber's account, fed with payloads.
#[derive(Debug)]
pub(crate) struct Account {
    counts: Counts,
    next: Vec<u64>,
    seen: Vec<u64>,
}

impl Account {
    /// For this many publishers.
    pub(crate) fn new(n_publishers: usize) -> Self {
        Self { counts: Counts::default(), next: vec![0; n_publishers], seen: vec![0; n_publishers] }
    }

    /// Takes one payload.
    pub(crate) fn take(&mut self, payload: &[u8]) {
        if is_probe(payload) {
            return;
        }
        self.counts.delivered += 1;
        self.counts.payload_bytes += payload.len() as u64;
        let Some(stamp) = payload.first_chunk().copied().map(u64::from_be_bytes) else { return };
        let publisher = (stamp >> 48) as usize;
        let number = stamp & ((1 << 48) - 1);
        let Some(next) = self.next.get_mut(publisher) else { return };
        self.counts.out_of_order += u64::from(number < *next);
        *next = (*next).max(number + 1);
        self.seen[publisher] += 1;
    }

    /// What has come so far.
    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    /// Messages that came per publisher.
    pub(crate) fn seen(&self) -> &[u64] {
        &self.seen
    }
}

impl std::ops::Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            delivered: self.delivered + other.delivered,
            out_of_order: self.out_of_order + other.out_of_order,
            payload_bytes: self.payload_bytes + other.payload_bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_probe_is_no_message() {
        let mut account = Account::new(1);
        let mut payload = [0; 8];
        stamp(&mut payload, usize::from(u16::MAX), 0);
        account.take(&payload);
        assert_eq!(account.counts(), Counts::default());
    }

    #[test]
    fn order_is_kept_per_publisher() {
        let mut account = Account::new(2);
        for (publisher, number) in [(0, 0), (1, 0), (0, 1), (1, 2), (1, 1)] {
            let mut payload = [0; 16];
            stamp(&mut payload, publisher, number);
            account.take(&payload);
        }
        assert_eq!(account.counts(), Counts { delivered: 5, out_of_order: 1, payload_bytes: 80 });
        assert_eq!(account.seen(), [2, 3]);
    }
}
