//! The wholes of payloads that a tail showed in part, kept for a while so that the page can fetch the rest. Pure.

use std::collections::VecDeque;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use signalbox_shared::ChannelName;
use signalbox_shared::socket::{PIECE_BYTES_MAX, ServerMessage};
use thiserror::Error;

/// Payloads of one socket, the oldest forgotten first.
pub(super) struct CutPayloads {
    kept: VecDeque<(ChannelName, u64, Bytes)>,
    bytes: usize,
    bytes_max: usize,
}

/// Why there is no piece. Its text is shown to the user.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum FetchError {
    #[error(
        "message {seq} of {channel} is not kept: it was never cut, or newer ones took its place ({bytes_max} bytes, socket_fetch_bytes)"
    )]
    NotKept { channel: ChannelName, seq: u64, bytes_max: usize },
    #[error("offset {offset} is beyond the payload's {size_bytes} bytes")]
    BeyondEnd { offset: u64, size_bytes: usize },
}

impl CutPayloads {
    pub(super) fn new(bytes_max: u64) -> Self {
        Self { kept: VecDeque::new(), bytes: 0, bytes_max: usize::try_from(bytes_max).unwrap_or(usize::MAX) }
    }

    /// Keeps a payload, if it fits at all.
    pub(super) fn keep(&mut self, channel: ChannelName, seq: u64, payload: Bytes) {
        if self.bytes_max < payload.len() {
            return;
        }
        self.bytes += payload.len();
        self.kept.push_back((channel, seq, payload));
        while self.bytes_max < self.bytes {
            self.bytes -= self.kept.pop_front().map_or(self.bytes, |(_, _, oldest)| oldest.len());
        }
    }

    /// Forgets a channel, whose messages are counted from 1 again.
    pub(super) fn forget(&mut self, channel: &ChannelName) {
        self.kept.retain(|(other, _, _)| other != channel);
        self.bytes = self.kept.iter().map(|(_, _, payload)| payload.len()).sum();
    }

    /// The `piece` that begins at `offset`.
    pub(super) fn piece(
        &self,
        id: u64,
        channel: &ChannelName,
        seq: u64,
        offset: u64,
    ) -> Result<ServerMessage, FetchError> {
        let found = self.kept.iter().find(|(other, n, _)| *n == seq && other == channel);
        let (_, _, payload) = found.ok_or_else(|| FetchError::NotKept {
            channel: channel.clone(),
            seq,
            bytes_max: self.bytes_max,
        })?;
        let size_bytes = payload.len();
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        let rest = payload.get(from..).ok_or(FetchError::BeyondEnd { offset, size_bytes })?;
        let base64 = STANDARD.encode(&rest[..rest.len().min(PIECE_BYTES_MAX)]);
        Ok(ServerMessage::Piece { id, offset, size_bytes: size_bytes as u64, base64 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel() -> ChannelName {
        "/topic/a".parse().unwrap()
    }

    fn fetch(kept: &CutPayloads, seq: u64, offset: u64) -> Result<usize, FetchError> {
        match kept.piece(1, &channel(), seq, offset)? {
            ServerMessage::Piece { base64, .. } => Ok(STANDARD.decode(base64).unwrap().len()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_newest_are_kept_and_given_in_pieces() {
        let mut kept = CutPayloads::new(1_000_000);
        for seq in 1..=3 {
            kept.keep(channel(), seq, Bytes::from(vec![0; 400_000]));
        }
        kept.keep(channel(), 4, Bytes::from(vec![0; 1_000_001]));
        let not_kept = |seq| Err(FetchError::NotKept { channel: channel(), seq, bytes_max: 1_000_000 });
        assert_eq!([fetch(&kept, 1, 0), fetch(&kept, 4, 0)], [not_kept(1), not_kept(4)]);
        assert_eq!(fetch(&kept, 3, 0), Ok(PIECE_BYTES_MAX));
        assert_eq!(fetch(&kept, 3, 399_999), Ok(1));
        assert_eq!(fetch(&kept, 3, 400_000), Ok(0));
        let beyond = FetchError::BeyondEnd { offset: 400_001, size_bytes: 400_000 };
        assert_eq!(fetch(&kept, 3, 400_001), Err(beyond));
        kept.forget(&channel());
        assert_eq!((fetch(&kept, 3, 0), kept.bytes), (not_kept(3), 0));
    }
}
