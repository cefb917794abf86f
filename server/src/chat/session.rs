//! One line client, from its CONNECT line to its end (docs/protocol.md §4). Takes the two halves of any stream, so
//! that its deadlines are tested without a network.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::ready;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use signalbox_shared::chat::{ChatVia, KEEP_ALIVE_LINE, LINE_BYTES_MAX, LOBBY};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use super::lines::{Line, Splitter};
use super::member::{Lagged, Reader};
use super::outgoing::Outgoing;
use super::stats::Closing;
use super::{Chat, Encoding, Entry, History, Joined, Member, SayError};
use crate::limits::Limits;
use crate::outlet::Outlet;

/// A line that has become this long without ending is no chat any more, in bytes.
const ENDLESS_LINE_BYTES: usize = 16 * LINE_BYTES_MAX;
/// How much one read takes, in bytes. The space stands on the stack: a quiet client owns none.
const READ_BYTES: usize = 4 * 1024;
/// How long a client that was told why it must go has to take that in.
pub(super) const LINGER: Duration = Duration::from_secs(2);
/// How much such a client may still send meanwhile, in bytes; it is thrown away.
const LINGER_BYTES_MAX: usize = 1 << 20;

/// How often a session that ends looks for further lines, of which each look gives up to 256: a busy room never ends.
const CATCH_UP_READS_MAX: usize = 8;

/// What a session needs beside its stream.
pub(super) struct Session {
    pub(super) chat: Arc<Chat>,
    pub(super) limits: Arc<Limits>,
    pub(super) shutdown: CancellationToken,
    /// Writes to the same stream, where the room can do that by itself.
    pub(super) outlet: Option<Outlet>,
    /// The peer's address, for the log.
    pub(super) peer: String,
}

/// How a session ended, and what the client is told.
struct End {
    closing: Closing,
    farewell: Option<String>,
}

impl End {
    fn quiet(closing: Closing) -> Self {
        Self { closing, farewell: None }
    }

    fn told(closing: Closing, farewell: String) -> Self {
        Self { closing, farewell: Some(farewell) }
    }
}

impl Session {
    /// Runs the session to its end, which is logged and counted.
    pub(super) async fn run<R, W>(self, mut reader: R, mut writer: W)
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        let mut splitter = Splitter::default();
        let (end, name) = match self.handshake(&mut reader, &mut splitter).await {
            Ok((joined, rest)) => {
                let name = joined.member.name().to_owned();
                (self.talk(&mut reader, &mut writer, splitter, joined, rest).await, Some(name))
            }
            Err(end) => (end, None),
        };
        self.log(&end, name.as_deref());
        self.chat.counters.closed(end.closing);
        if let Some(farewell) = end.farewell {
            say_goodbye(reader, writer, &farewell).await;
        }
    }

    /// Waits for the CONNECT line and enters the lobby. Gives the lines that came behind it too.
    async fn handshake<R: AsyncRead + Unpin>(
        &self,
        reader: &mut R,
        splitter: &mut Splitter,
    ) -> Result<(Joined, Vec<Line>), End> {
        let limit = Duration::from_millis(self.limits.chat_connect_millis);
        let deadline = Instant::now() + limit;
        let mut lines = loop {
            let read = tokio::select! {
                read = timeout_at(deadline, read_lines(reader, splitter)) => read,
                () = self.shutdown.cancelled() => return Err(End::quiet(Closing::Shutdown)),
            };
            let lines = match read {
                Err(_) => {
                    let text = format!(
                        "Error: no \"CONNECT <username>\" came within {limit:?} (chat_connect_millis)"
                    );
                    return Err(End::told(Closing::ConnectTimeout, text));
                }
                Ok(Err(_)) => return Err(End::quiet(Closing::Lost)),
                Ok(Ok(None)) => Vec::from_iter(splitter.finish()),
                Ok(Ok(Some(lines))) => lines,
            };
            if ENDLESS_LINE_BYTES < splitter.partial_bytes() {
                return Err(not_connect());
            }
            match (lines.is_empty(), splitter.partial_bytes()) {
                (true, 0) => return Err(End::quiet(Closing::Left)),
                (true, _) => {}
                (false, _) => break lines,
            }
        };
        let first = lines.remove(0);
        let name = match &first {
            Line::Text(text) | Line::NotUtf8(text) if text == "CONNECT" => "",
            Line::Text(text) => text.strip_prefix("CONNECT ").ok_or_else(not_connect)?,
            Line::NotUtf8(_) | Line::TooLong { .. } => return Err(not_connect()),
        };
        match self.chat.join(LOBBY, name, ChatVia::Line, History::Newest(0)) {
            Ok(joined) => Ok((joined, lines)),
            Err(error) => {
                let hint = error.suggestion().map_or_else(String::new, |name| format!(". {name:?} is free"));
                Err(End::told(Closing::NameRefused, format!("Error: {error}{hint}")))
            }
        }
    }

    async fn talk<R, W>(
        &self,
        reader: &mut R,
        writer: &mut W,
        splitter: Splitter,
        joined: Joined,
        rest: Vec<Line>,
    ) -> End
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        let Joined { member, reader: mut room, snapshot } = joined;
        if let Some(outlet) = &self.outlet {
            // Until it was welcomed.
            outlet.hold();
            room.send_by(outlet.clone(), Encoding::Lines);
        }
        tracing::debug!(peer = %self.peer, name = member.name(), "{} connected from {}", member.name(), self.peer);
        let mut talk = Talk {
            member,
            room,
            splitter,
            outgoing: Outgoing::new(self.outlet.clone()),
            muted_until: None,
            n_refused: 0,
            last_heard: Instant::now(),
        };
        talk.outgoing.push(format!("Welcome! {} user(s) are online!\n", snapshot.n_users).into());
        talk.hear(rest);
        let idle = Duration::from_secs(self.limits.chat_idle_secs);
        let mut alarm = pin!(sleep_until(talk.last_heard + idle));
        let mut shutdown = pin!(self.shutdown.cancelled());
        loop {
            let event = tokio::select! {
                // Mostly the room has something. Others have their turn when the task's budget (`tokio::task::coop`) is used up.
                biased;
                event = talk.next(reader, writer, self.limits.chat_outbox_lines) => event,
                () = &mut shutdown => Event::Shutdown,
                // Set again only when it rings: a timer per line would cost more than the line.
                () = &mut alarm => Event::Alarm,
            };
            let end = match event {
                Event::Alarm if talk.last_heard.elapsed() < idle => {
                    alarm.as_mut().reset(talk.last_heard + idle);
                    continue;
                }
                Event::Alarm => {
                    let text =
                        format!("Error: disconnected, for nothing was sent for {idle:?} (chat_idle_secs)");
                    End::told(Closing::Idle, text)
                }
                Event::Shutdown => End::told(Closing::Shutdown, "Notice: the relay shuts down".to_owned()),
                other => match talk.handle(other) {
                    Some(end) => end,
                    None => continue,
                },
            };
            // Who half-closes still reads, and who is told why must have all before it too, if it can be had.
            if !matches!(end.closing, Closing::Slow | Closing::Lost) {
                talk.catch_up();
                let _ = timeout(LINGER, talk.write_all(writer)).await;
            }
            return end;
        }
    }

    fn log(&self, end: &End, name: Option<&str>) {
        let (peer, reason, name) =
            (&self.peer, end.closing.reason(), name.unwrap_or("a client without a name"));
        match end.closing {
            Closing::Left | Closing::Shutdown => {
                tracing::debug!(%peer, reason, name, "chat: {name} ({peer}) is gone: {reason}");
            }
            _ => {
                let why = end.farewell.as_deref().unwrap_or(reason);
                tracing::info!(%peer, reason, name, "chat: {name} ({peer}) is gone: {why}");
            }
        }
    }
}

fn not_connect() -> End {
    End::told(Closing::NotConnect, "Error: the first line must be \"CONNECT <username>\"".to_owned())
}

/// A client that has a name.
struct Talk {
    /// Goes before the member does: nobody is told of their own departure.
    room: Reader,
    member: Member,
    splitter: Splitter,
    outgoing: Outgoing,
    /// While the client is over its rate it is not read, so that a flood costs its sender time and nobody else.
    muted_until: Option<Instant>,
    /// Lines refused since the client last was within its rate.
    n_refused: u64,
    last_heard: Instant,
}

enum Event {
    Read(io::Result<Option<Vec<Line>>>),
    Written(io::Result<()>),
    Room(Result<Vec<Arc<Entry>>, Lagged>),
    FellBehind(u64),
    /// The end of something that the room wrote by itself waits.
    Unsent,
    Unmuted,
    Alarm,
    Shutdown,
}

impl Talk {
    /// Waits for what happens next. While something is to be written, nothing is taken from the room and nothing read:
    /// what waits there is bounded, and so is this.
    async fn next<R, W>(&mut self, reader: &mut R, writer: &mut W, n_lines_behind: u64) -> Event
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        if !self.outgoing.is_done() {
            return tokio::select! {
                // A peer that takes something right now is not given up.
                biased;
                written = self.outgoing.write_some(writer) => Event::Written(written),
                n_lines = self.room.fell_behind(n_lines_behind) => Event::FellBehind(n_lines),
            };
        }
        let heard = async {
            match self.muted_until {
                None => Event::Read(read_lines(reader, &mut self.splitter).await),
                Some(until) => {
                    sleep_until(until).await;
                    Event::Unmuted
                }
            }
        };
        tokio::select! {
            event = heard => event,
            entries = self.room.next() => Event::Room(entries),
            () = self.outgoing.unsent() => Event::Unsent,
        }
    }

    fn handle(&mut self, event: Event) -> Option<End> {
        match event {
            Event::Read(Ok(Some(lines))) => {
                self.last_heard = Instant::now();
                self.hear(lines);
                if ENDLESS_LINE_BYTES < self.splitter.partial_bytes() {
                    let text =
                        format!("Error: a line of more than {ENDLESS_LINE_BYTES} bytes without an end");
                    return Some(End::told(Closing::EndlessLine, text));
                }
            }
            Event::Read(Ok(None)) => {
                // As for any line that is read until the end of a stream, the last one needs no line end.
                let last = self.splitter.finish();
                self.hear(last);
                return Some(End::quiet(Closing::Left));
            }
            Event::Room(Ok(entries)) => {
                entries.iter().for_each(|entry| self.outgoing.push(entry.plain().clone()));
            }
            Event::Room(Err(Lagged { n_skipped })) => return Some(too_slow(n_skipped)),
            Event::FellBehind(n_lines) => return Some(too_slow(n_lines)),
            Event::Read(Err(_)) | Event::Written(Err(_)) => return Some(End::quiet(Closing::Lost)),
            Event::Unmuted => self.muted_until = None,
            Event::Written(Ok(())) | Event::Unsent | Event::Alarm | Event::Shutdown => {}
        }
        None
    }

    fn hear(&mut self, lines: impl IntoIterator<Item = Line>) {
        for line in lines {
            match line {
                Line::Text(text) if text == KEEP_ALIVE_LINE => {}
                Line::Text(text) | Line::NotUtf8(text) => self.say(&text),
                Line::TooLong { bytes } => self.refuse(&SayError::TooLong { bytes }),
            }
        }
    }

    fn say(&mut self, text: &str) {
        match self.member.say(text, None) {
            Ok(_) if 0 < self.n_refused => {
                self.notice(&format!("Notice: {} line(s) before that were not sent", self.n_refused));
                self.n_refused = 0;
            }
            Ok(_) => {}
            Err(SayError::TooFast { per_sec, retry_after }) => {
                self.muted_until = Some(Instant::now() + retry_after);
                self.n_refused += 1;
                // Once per burst; how many it were is told when it is over.
                if self.n_refused == 1 {
                    let error = SayError::TooFast { per_sec, retry_after };
                    self.notice(&format!("Notice: {error}; lines are not sent until you pause"));
                }
            }
            Err(error) => self.refuse(&error),
        }
    }

    fn refuse(&mut self, error: &SayError) {
        self.notice(&format!("Notice: {error}: it was not sent"));
    }

    /// Tells the client something, behind the lines that it is about.
    fn notice(&mut self, text: &str) {
        self.catch_up();
        self.outgoing.push(Bytes::from(format!("{text}\n")));
    }

    /// Takes what the room has by now.
    fn catch_up(&mut self) {
        for _ in 0..CATCH_UP_READS_MAX {
            let Some(Ok(entries)) = self.room.next().now_or_never() else { return };
            entries.iter().for_each(|entry| self.outgoing.push(entry.plain().clone()));
        }
    }

    async fn write_all<W: AsyncWrite + Unpin>(&mut self, writer: &mut W) {
        while !self.outgoing.is_done() && self.outgoing.write_some(writer).await.is_ok() {}
    }
}

fn too_slow(n_lines: u64) -> End {
    End::told(Closing::Slow, format!("Error: dropped, for {n_lines} lines were not read (chat_outbox_lines)"))
}

/// Reads once and gives the lines that end in what came; none at the end of the stream.
///
/// # Cancel safety
/// What was read is in the splitter.
async fn read_lines<R: AsyncRead + Unpin>(
    reader: &mut R,
    splitter: &mut Splitter,
) -> io::Result<Option<Vec<Line>>> {
    poll_fn(|cx| {
        let mut space = [0; READ_BYTES];
        let mut buf = ReadBuf::new(&mut space);
        ready!(Pin::new(&mut *reader).poll_read(cx, &mut buf))?;
        let bytes = buf.filled();
        Ok((!bytes.is_empty()).then(|| splitter.split(bytes))).into()
    })
    .await
}

/// Tells a client why it must go, and gives it a moment to take that in: closing a connection on which unread bytes
/// wait would reset it, and the client might never see the reason.
pub(super) async fn say_goodbye<R, W>(mut reader: R, mut writer: W, farewell: &str)
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let linger = async {
        writer.write_all(format!("{farewell}\n").as_bytes()).await?;
        writer.shutdown().await?;
        tokio::io::copy(
            &mut tokio::io::AsyncReadExt::take(&mut reader, LINGER_BYTES_MAX as u64),
            &mut tokio::io::sink(),
        )
        .await
    };
    // Both ends of this are ends: in time or not.
    let _ = timeout(LINGER, linger).await;
}

#[cfg(test)]
mod tests;
