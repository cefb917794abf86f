//! A feed's connection after its head: events in the chunks of HTTP/1.1 (RFC 9112 §7.1), until one side ends.
//!
//! What is live is written by the history itself, for all clients at once. The task here writes what this one alone is
//! owed, a resume or what it was too slow for, and sees the connection end.

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_util::sync::CancellationToken;

use crate::collector::{FeedCursor, Overrun};
use crate::outlet::{self, Outlet, SharedStream};

/// How a chunked body ends when it ends as a whole.
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// Writes everything that `cursor` gives. Returns when the body has ended, when the peer is gone, or on `hang_up`; the
/// connection closes with it.
pub(super) async fn write(
    mut cursor: FeedCursor,
    mut stream: SharedStream,
    outlet: Outlet,
    hang_up: CancellationToken,
) {
    cursor.send_by(outlet.clone());
    let mut reader = stream.clone();
    let written = async {
        let mut is_peer_silent = true;
        loop {
            tokio::select! {
                next = cursor.next() => match next {
                    Ok(Some(events)) => stream.write_all(&outlet::chunk(&events)).await?,
                    Ok(None) => return end(&mut stream).await,
                    // In the midst of the body, so that it does not look like the feed's end.
                    Err(Overrun) => return Ok(()),
                },
                () = outlet.unsent() => {}
                byte = reader.read_u8(), if is_peer_silent => {
                    byte?;
                    // A further request, which is never answered. What else there is stays where it is: the peer's end
                    // shows at the next write then.
                    is_peer_silent = false;
                    continue;
                }
            }
            stream.flush().await?;
        }
    };
    let result: Option<io::Result<()>> = hang_up.run_until_cancelled(written).await;
    if let Some(Err(error)) = result {
        tracing::debug!(%error, "a feed's connection has ended: {error}");
    }
}

async fn end(stream: &mut SharedStream) -> io::Result<()> {
    stream.write_all(LAST_CHUNK).await?;
    stream.flush().await?;
    stream.shutdown().await
}
