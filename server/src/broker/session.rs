//! One connection from its first frame to its end: one task, which reads and writes at the same time.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use signalbox_shared::ChannelNameError;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::batch::Batch;
use super::bounds::saturate;
use super::connections::Connection;
use super::frame::{self, FrameError, NameFrame};
use super::hold::{self, Hold};
use super::membership::Membership;
use super::options::SlowSubscriber;
use super::outbox::Peer;
use super::publisher::{Publisher, Refusal, Then};
use super::reader::{Chunk, NoMemory, Reader};
use super::router::{NoChannel, Router};
use super::stats::Closing;
use super::stream::{ReadHalf, Stream, WriteHalf};
use super::writer;

/// How every session of a listener learns of the end.
#[derive(Clone, Debug)]
pub(crate) struct Ending {
    /// Nobody is read any more.
    pub(crate) shutdown: CancellationToken,
    /// Those who are still read. Once there are none, nothing new comes and outboxes can be written out.
    pub(crate) readers: TaskTracker,
    /// Time for that.
    pub(crate) drain: Duration,
}

/// Why a session ends, and what a log tells about it.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) closing: Closing,
    why: String,
}

impl End {
    fn new(closing: Closing, why: impl Into<String>) -> Self {
        Self { closing, why: why.into() }
    }

    fn shutdown() -> Self {
        Self::new(Closing::Shutdown, "the broker ends")
    }
}

impl From<io::Error> for End {
    fn from(error: io::Error) -> Self {
        Self::new(Closing::Failed, format!("connection failed: {error}"))
    }
}

impl From<NoMemory> for End {
    fn from(NoMemory { needed_bytes }: NoMemory) -> Self {
        Self::new(
            Closing::MemoryLimit,
            format!("no memory for {needed_bytes} bytes of an unfinished frame (broker_buffered_bytes)"),
        )
    }
}

impl From<FrameError> for End {
    fn from(error: FrameError) -> Self {
        let closing = match &error {
            FrameError::TooLarge { .. } => Closing::FrameTooLarge,
            FrameError::Name(ChannelNameError::Empty) => Closing::Ended,
            FrameError::Name(ChannelNameError::TooLong { .. }) => Closing::NameTooLong,
            FrameError::Name(ChannelNameError::NotUtf8) => Closing::NameNotUtf8,
            FrameError::Name(ChannelNameError::ControlCharacter { .. }) => Closing::NameControlCharacter,
        };
        Self::new(closing, error.to_string())
    }
}

impl From<NoChannel> for End {
    fn from(error: NoChannel) -> Self {
        match error {
            NoChannel::Name(error) => FrameError::Name(error).into(),
            NoChannel::TooMany { limit } => Self::new(
                Closing::ChannelLimit,
                format!("there are {limit} channels already (broker_channels)"),
            ),
        }
    }
}

/// Serves one connection until it ends; counts and logs why.
pub(crate) async fn run(
    mut stream: Stream,
    connection: Arc<Connection>,
    router: Arc<Router>,
    ending: Ending,
) {
    let guard = OpenGuard { router: &router, connection: &connection };
    let end = {
        let (read_half, write_half) = stream.split();
        let session = Session {
            router: &router,
            connection: &connection,
            reader: Reader::new(Arc::clone(&router.memory)),
            read_half,
        };
        session.run(write_half, ending).await
    };
    drop(guard);
    router.closings.count(end.closing);
    log_end(connection.peer, &end);
}

/// Takes the connection out of the table, also when its task panics.
struct OpenGuard<'a> {
    router: &'a Router,
    connection: &'a Connection,
}

impl Drop for OpenGuard<'_> {
    fn drop(&mut self) {
        self.router.connections.close(self.connection);
    }
}

/// One line per connection that did not end as it should.
pub(crate) fn log_closing(peer: Peer, closing: Closing, why: &str) {
    let reason = closing.name();
    if closing.is_violation() || closing == Closing::Truncated {
        tracing::warn!(%peer, reason, "closed broker connection {peer}: {why}");
    } else if closing == Closing::Failed {
        tracing::info!(%peer, reason, "broker connection {peer} ended: {why}");
    } else {
        tracing::debug!(%peer, reason, "broker connection {peer} ended: {why}");
    }
}

fn log_end(peer: Peer, end: &End) {
    log_closing(peer, end.closing, &end.why);
}

struct Session<'a> {
    router: &'a Arc<Router>,
    connection: &'a Connection,
    reader: Reader,
    read_half: ReadHalf<'a>,
}

impl Session<'_> {
    async fn run(mut self, mut write_half: WriteHalf<'_>, ending: Ending) -> End {
        let reading = ending.readers.token();
        let membership = match self.begin(&ending.shutdown).await {
            Ok(membership) => membership,
            Err(end) => return end,
        };
        let mut batch = Batch::default();
        let is_intolerant = self.router.slow_subscriber == SlowSubscriber::Disconnect;
        let end = tokio::select! {
            biased;
            result = writer::write(&mut write_half, &membership, &mut batch) => match result {
                Ok(()) => End::shutdown(), // nobody else closes an outbox while its session runs
                Err(error) => error.into(),
            },
            end = self.read() => end,
            () = membership.outbox().became_slow(), if is_intolerant => slow(&membership),
            () = ending.shutdown.cancelled() => End::shutdown(),
        };
        drop(self);
        finish(&mut write_half, membership, batch, &end, reading, &ending).await;
        end
    }

    /// The handshake: the first frame names the channel that the connection is subscribed to.
    async fn begin(&mut self, shutdown: &CancellationToken) -> Result<Membership, End> {
        let deadline_millis = self.router.limits.broker_handshake_millis;
        let deadline = Duration::from_millis(deadline_millis);
        let name = tokio::select! {
            biased;
            () = shutdown.cancelled() => return Err(End::shutdown()),
            result = timeout(deadline, self.first_name()) => result.map_err(|_| {
                let why = format!("named no channel within {deadline_millis} ms (broker_handshake_millis)");
                End::new(Closing::HandshakeTimeout, why)
            })??,
        };
        let membership = self.router.join(&name, self.connection.peer, false)?;
        let _ = self.connection.outbox.set(Arc::clone(membership.outbox()));
        Ok(membership)
    }

    async fn first_name(&mut self) -> Result<Vec<u8>, End> {
        let limit_bytes = saturate(self.router.limits.broker_frame_bytes);
        loop {
            let mut chunk = self.next_chunk().await?;
            let (bytes, _) = chunk.bytes_and_scratch();
            match frame::name_frame(bytes, limit_bytes)? {
                NameFrame::Whole([]) => return Err(End::new(Closing::Ended, "said goodbye")),
                NameFrame::Whole(name) => {
                    let name = name.to_vec();
                    let consumed = frame::HEADER_BYTES + name.len();
                    self.reader.put_back(chunk, consumed, 0)?;
                    return Ok(name);
                }
                NameFrame::Partial { needed_bytes } => self.reader.put_back(chunk, 0, needed_bytes)?,
            }
        }
    }

    async fn next_chunk(&mut self) -> Result<Chunk, End> {
        match self.reader.read(&mut self.read_half).await?? {
            Some(chunk) => Ok(chunk),
            None if self.reader.has_partial() => {
                Err(End::new(Closing::Truncated, "the stream ended in the middle of a message"))
            }
            None => Err(End::new(Closing::Left, "left")),
        }
    }

    /// Reads and publishes until the session ends.
    async fn read(&mut self) -> End {
        match self.try_read().await {
            Ok(never) => match never {},
            Err(end) => end,
        }
    }

    async fn try_read(&mut self) -> Result<std::convert::Infallible, End> {
        let hold = Duration::from_millis(self.router.limits.broker_hold_millis);
        let patience = Duration::from_millis(self.router.limits.broker_patience_millis);
        let mut publisher = Publisher::new(Arc::clone(self.router), self.connection.peer);
        let mut chunk = self.reader.again(); // what came together with the first frame
        let mut hold_deadline = None;
        loop {
            let (bytes, scratch) = chunk.bytes_and_scratch();
            let dispatched = publisher.dispatch(bytes, scratch);
            let more_waits = chunk.is_full;
            let needed_bytes = match dispatched.then {
                Then::Read { needed_bytes } => needed_bytes,
                _ => 0,
            };
            self.reader.put_back(chunk, dispatched.consumed, needed_bytes)?;
            self.connection.note_read(dispatched.n_messages, dispatched.consumed);
            match dispatched.then {
                Then::Read { .. } => {
                    if more_waits && dispatched.has_woken {
                        tokio::task::yield_now().await; // whoever was woken writes before more is read
                    }
                    self.reader.set_careful(dispatched.is_pressed);
                    chunk = self.next_chunk().await?;
                    hold_deadline = None;
                }
                Then::Hold(Hold::Topic(topic)) => {
                    let deadline = *hold_deadline.get_or_insert_with(|| Instant::now() + hold);
                    topic.settle(deadline, patience).await;
                    chunk = self.reader.again();
                }
                Then::Hold(Hold::Queue { channel, refused }) => {
                    self.connection.is_held.store(true, Ordering::Relaxed);
                    publisher.note_held(true);
                    hold::queue_room(&channel, refused, &self.router.memory).await;
                    self.connection.is_held.store(false, Ordering::Relaxed);
                    publisher.note_held(false);
                    chunk = self.reader.again();
                }
                Then::End => return Err(End::new(Closing::Ended, "said goodbye")),
                Then::Refuse(Refusal::Frame(error)) => return Err(error.into()),
                Then::Refuse(Refusal::TooManyChannels { limit }) => {
                    return Err(NoChannel::TooMany { limit }.into());
                }
            }
        }
    }
}

fn slow(membership: &Membership) -> End {
    let account = membership.outbox().account();
    let (n_messages, n_bytes) = (account.queued_messages, account.queued_bytes);
    let channel = membership.outbox().channel();
    let why = format!(
        "cannot follow {channel}: {n_messages} messages of {n_bytes} bytes wait for it (slow_subscriber = disconnect)"
    );
    End::new(Closing::SlowSubscriber, why)
}

/// Writes out what may still be written, and leaves the channel.
///
/// A peer that ended its session cleanly, and everybody when the broker ends, still gets what is queued. What a queue's
/// consumer that left was dealt goes to another instead, for nobody can say whether it still reads.
async fn finish(
    write_half: &mut WriteHalf<'_>,
    membership: Membership,
    mut batch: Batch,
    end: &End,
    reading: TaskTrackerToken,
    ending: &Ending,
) {
    let deadline = Instant::now() + ending.drain;
    drop(reading);
    let has_left = matches!(end.closing, Closing::Left | Closing::Ended);
    if end.closing == Closing::Shutdown {
        let _ = timeout_at(deadline, ending.readers.wait()).await; // late ones publish no more than one read
    }
    if end.closing == Closing::Shutdown || (has_left && !membership.is_queue()) {
        membership.stop();
        // Failing or late, what is left is accounted for by leaving.
        let _ = timeout_at(deadline, writer::write(write_half, &membership, &mut batch)).await;
    }
    membership.leave(&batch);
}
