//! Writes an outbox to its connection, as much at once as is there.

use std::future::poll_fn;
use std::io;

use tokio::io::AsyncWriteExt as _;

use super::batch::Batch;
use super::membership::Membership;
use super::outbox::Taken;
use super::stream::WriteHalf;

/// Writes until the outbox is closed and empty.
///
/// # Errors
/// When the connection fails; `batch` then holds what was taken out of the outbox and not written.
///
/// # Cancel safety
/// `batch` holds what was not written, and a next call goes on with it.
pub(crate) async fn write(
    half: &mut WriteHalf<'_>,
    membership: &Membership,
    batch: &mut Batch,
) -> io::Result<()> {
    loop {
        while !batch.is_empty() {
            let n_bytes = half.write(batch.unwritten()).await?;
            if n_bytes == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            let n_messages = batch.advance(n_bytes);
            membership.note_written(n_bytes, n_messages);
        }
        match poll_fn(|cx| membership.outbox().poll_take(cx, batch)).await {
            Taken::Batch { .. } => {}
            Taken::Closed => return Ok(()),
        }
    }
}
