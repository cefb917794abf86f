//! A channel's messages as lines of JSON for programs such as curl: whole payloads, exact accounts, and a last line
//! that says why it ended.
//!
//! The client's reading drives it, so that nothing is queued for a client that does not read: its place in the
//! channel's ring falls behind, and when it has left the ring the stream ends and says so. One that reads nothing at
//! all for `socket_stall_secs` is hung up on.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Bytes;
use futures_util::{Stream, stream};
use serde_json::json;
use signalbox_shared::Payload;
use signalbox_shared::socket::{TailAccounts, TailMessage};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, interval_at, sleep_until};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::filter::{Filter, Verdict};
use crate::tail::{Source, Taken};

/// What ends a stream.
pub(super) struct Ends {
    /// So many messages.
    pub(super) count: Option<u64>,
    /// So much time, in seconds.
    pub(super) secs: Option<u64>,
    /// A client that reads nothing for so long, in seconds.
    pub(super) stall_secs: u64,
    /// The relay's end.
    pub(super) shutdown: CancellationToken,
    /// How to cut the connection of a client that does not read.
    pub(super) hang_up: CancellationToken,
}

/// A stream of a channel's messages.
pub(super) struct MessageStream {
    source: Source,
    filter: Option<Filter>,
    accounts: TailAccounts,
    pending: VecDeque<Taken>,
    n_left: Option<u64>,
    deadline: Option<Instant>,
    shutdown: CancellationToken,
    /// Why nothing more comes.
    end: Option<&'static str>,
    /// Odd while the client waits for more, and different each time.
    steps: Arc<AtomicU64>,
    _watchdog: DropGuard,
    _seat: OwnedSemaphorePermit,
}

impl MessageStream {
    /// Begins behind the newest message.
    pub(super) fn new(
        source: Source,
        filter: Option<Filter>,
        ends: Ends,
        seat: OwnedSemaphorePermit,
    ) -> Self {
        let (steps, done) = (Arc::new(AtomicU64::new(0)), CancellationToken::new());
        let stall = Duration::from_secs(ends.stall_secs);
        tokio::spawn(done.clone().run_until_cancelled_owned(watch(Arc::clone(&steps), stall, ends.hang_up)));
        Self {
            source,
            filter,
            accounts: TailAccounts::default(),
            pending: VecDeque::new(),
            n_left: ends.count,
            deadline: ends.secs.and_then(|secs| Instant::now().checked_add(Duration::from_secs(secs))),
            shutdown: ends.shutdown,
            end: (ends.count == Some(0)).then_some("count"),
            steps,
            _watchdog: done.drop_guard(),
            _seat: seat,
        }
    }

    /// Its lines, many at a time.
    pub(super) fn lines(self) -> impl Stream<Item = Result<Bytes, Infallible>> + Send + 'static {
        stream::unfold(Some(self), |this| async move {
            let mut this = this?;
            this.steps.fetch_add(1, Ordering::Relaxed);
            let lines = this.next().await;
            this.steps.fetch_add(1, Ordering::Relaxed);
            let is_over = this.end.is_some();
            Some((Ok(lines), (!is_over).then_some(this)))
        })
    }

    /// The next lines; the last one when `end` is set thereafter.
    async fn next(&mut self) -> Bytes {
        let mut lines = Vec::new();
        while lines.is_empty() && self.end.is_none() {
            match self.pending.pop_front() {
                Some(taken) => self.write(&taken, &mut lines),
                None => self.take().await,
            }
        }
        if let Some(end) = self.end {
            let last = json!({ "end": end, "accounts": self.accounts });
            lines.extend_from_slice(last.to_string().as_bytes());
            lines.push(b'\n');
        }
        lines.into()
    }

    async fn take(&mut self) {
        let n_max = self.n_left.unwrap_or(u64::MAX);
        let deadline = self.deadline;
        let due = async {
            match deadline {
                Some(deadline) => sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            taken = self.source.next_at_most(n_max) => self.pending.extend(taken.into_parts()),
            () = due => self.end = Some("secs"),
            () = self.shutdown.cancelled() => self.end = Some("shutdown"),
        }
    }

    fn write(&mut self, taken: &Taken, lines: &mut Vec<u8>) {
        self.lose(taken.n_lost());
        for message in taken.messages() {
            if self.end == Some("count") {
                return;
            }
            self.accounts.received += 1;
            match self.filter.as_ref().map_or(Verdict::Shown, |filter| filter.judge(message.payload())) {
                Verdict::Shown => {}
                verdict => {
                    self.accounts.filtered += 1;
                    self.accounts.unjudged += u64::from(verdict == Verdict::Unjudged);
                    continue;
                }
            }
            self.accounts.shown += 1;
            let line = TailMessage {
                seq: self.accounts.received,
                at_ms: message.at_ms(),
                size_bytes: message.payload().len() as u64,
                payload: Payload::from_bytes(message.payload()),
                is_cut: false,
            };
            // Texts and numbers always encode, and writing into memory does not fail.
            let _ = serde_json::to_writer(&mut *lines, &line);
            lines.push(b'\n');
            if let Some(n_left) = &mut self.n_left {
                *n_left -= 1;
                if *n_left == 0 {
                    self.end = Some("count");
                }
            }
        }
        if self.end.is_none() {
            self.lose(taken.n_lost_behind());
        }
    }

    /// A program that reads a stream must not believe that it has all of it.
    fn lose(&mut self, n_messages: u64) {
        if n_messages != 0 {
            self.accounts.received += n_messages;
            self.accounts.skipped += n_messages;
            self.end = Some("slow");
        }
    }
}

/// Hangs up on a client that asks for nothing more for as long as `stall`.
async fn watch(steps: Arc<AtomicU64>, stall: Duration, hang_up: CancellationToken) {
    let mut looks = interval_at(Instant::now() + stall, stall);
    let mut last = u64::MAX;
    loop {
        looks.tick().await;
        let now = steps.load(Ordering::Relaxed);
        if now == last && now.is_multiple_of(2) {
            tracing::warn!(
                "a stream of messages was not read for {} s: its connection is closed",
                stall.as_secs()
            );
            hang_up.cancel();
            return;
        }
        last = now;
    }
}
