//! What the fuzzer runs: any bytes as what a broker sends, in any pieces.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::FutureExt as _;
use tokio::io::{AsyncRead, ReadBuf};

use super::{FRAME_BYTES_MAX, Listener};
use crate::broker::frame;

/// A connection that brings these pieces, one per read, and ends.
struct Pieces(VecDeque<Vec<u8>>);

impl AsyncRead for Pieces {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let pieces = &mut self.get_mut().0;
        if let Some(mut piece) = pieces.pop_front() {
            let rest = piece.split_off(piece.len().min(buf.remaining()));
            buf.put_slice(&piece);
            if !rest.is_empty() {
                pieces.push_front(rest);
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// The first byte says how long a piece is, the rest is what comes: the payloads must be those of the whole, and the end
/// clean, cut or refused, whatever the pieces.
pub fn client(input: &[u8]) {
    let Some((&piece_bytes, bytes)) = input.split_first() else { return };
    let pieces: VecDeque<Vec<u8>> =
        bytes.chunks(usize::from(piece_bytes).max(1)).map(<[u8]>::to_vec).collect();
    let mut listener = Listener::new(Box::new(Pieces(pieces)));
    let mut found = Vec::new();
    let ending = loop {
        match listener.next().now_or_never().expect("the pieces never wait") {
            Ok(Some(frames)) => {
                let before = found.len();
                found.extend(frame::frames(frames).map(|frame| frame::payload(frame).to_vec()));
                assert!(before < found.len(), "something came, and nothing is in it");
            }
            Ok(None) => break None,
            Err(error) => break Some(error.kind()),
        }
    };
    let mut whole = frame::frames(bytes);
    assert_eq!(found, whole.by_ref().map(|frame| frame::payload(frame).to_vec()).collect::<Vec<_>>());
    let rest = whole.rest();
    let is_refused =
        rest.first_chunk().is_some_and(|length| FRAME_BYTES_MAX < u32::from_be_bytes(*length) as usize);
    let expected = match rest {
        [] => None,
        _ if is_refused => Some(io::ErrorKind::InvalidData),
        _ => Some(io::ErrorKind::UnexpectedEof),
    };
    assert_eq!(ending, expected);
}
