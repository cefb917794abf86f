//! A connection that is written to from two sides: by its own task, as any stream ([`SharedStream`]), and by whoever has
//! the same for thousands of connections ([`Outlet`]). The second way does not wake the task, which costs as much as the
//! write itself.
//!
//! What goes out by an outlet are whole messages, and only while the task has none on the way: it holds the outlet from the
//! moment it takes something until all of that is written. Knows no protocol but the frames of a WebSocket and the chunks of
//! HTTP.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io::{self, IoSlice, Write as _};
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf as _, Bytes};
use parking_lot::Mutex;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

/// How many connections one thread writes to before it turns to something else: about a millisecond's work.
const AT_ONCE: usize = 128;
/// Longest head of a frame that a server sends, in bytes (RFC 6455 §5.2).
const FRAME_HEAD_BYTES_MAX: usize = 10;
/// Most of what stands around a chunk's data, in bytes: sixteen digits and two ends of a line.
const CHUNK_FRAME_BYTES_MAX: usize = 20;

/// The task's side: a stream. Its clones are the same stream, one to read from and one to write to.
#[derive(Clone, Debug)]
pub(crate) struct SharedStream(Arc<Shared>);

/// The other side: a handle to write whole messages by.
#[derive(Clone, Debug)]
pub struct Outlet(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    stream: TcpStream,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Whether the task is about to write, or has written something that it has not flushed.
    is_held: bool,
    /// The end of a message that went out by the outlet, which the system had no room for. It goes before everything else.
    unsent: Bytes,
    /// Who waits for `unsent`.
    waker: Option<Waker>,
}

/// Makes the two sides of a connection.
pub(crate) fn share(stream: TcpStream) -> (SharedStream, Outlet) {
    let shared = Arc::new(Shared { stream, state: Mutex::default() });
    (SharedStream(Arc::clone(&shared)), Outlet(shared))
}

impl Outlet {
    /// Hands a whole message to the system without waiting, and says whether it will arrive: not while the task holds the
    /// outlet, and not when the system has no room at all or the connection is broken, which is for the task to find out.
    pub(crate) fn send(&self, message: &Bytes) -> bool {
        let mut state = self.0.state.lock();
        if state.is_held {
            return false;
        }
        match self.0.stream.try_write(message) {
            Ok(n_bytes) if n_bytes < message.len() => {
                state.is_held = true;
                state.unsent = message.slice(n_bytes..);
                if let Some(waker) = state.waker.take() {
                    waker.wake();
                }
                true
            }
            Ok(_) => true,
            Err(_) => false,
        }
    }

    /// Whether nothing would be sent now.
    pub(crate) fn is_held(&self) -> bool {
        self.0.state.lock().is_held
    }

    /// Keeps messages back until the task has flushed its stream or [released](Self::release) the outlet.
    pub(crate) fn hold(&self) {
        self.0.state.lock().is_held = true;
    }

    /// Lets messages through again, which the task says when it had nothing to write. False when it must flush first.
    pub(crate) fn release(&self) -> bool {
        let mut state = self.0.state.lock();
        state.is_held = !state.unsent.is_empty();
        !state.is_held
    }

    /// Waits until there is an end of a message that the task must flush.
    ///
    /// # Cancel safety
    /// Changes nothing.
    pub(crate) async fn unsent(&self) {
        poll_fn(|cx| {
            let mut state = self.0.state.lock();
            if !state.unsent.is_empty() {
                return Poll::Ready(());
            }
            note(&mut state.waker, cx);
            Poll::Pending
        })
        .await;
    }
}

/// [`Outlet::unsent`] of a connection that may have no outlet, and then waits for ever.
pub(crate) async fn unsent(outlet: Option<&Outlet>) {
    match outlet {
        Some(outlet) => outlet.unsent().await,
        None => std::future::pending().await,
    }
}

/// Keeps the waker of a task that is about to wait.
pub(crate) fn note(slot: &mut Option<Waker>, cx: &Context<'_>) {
    match slot {
        Some(waker) => waker.clone_from(cx.waker()),
        None => *slot = Some(cx.waker().clone()),
    }
}

/// Appends a text message as a page's WebSocket expects it (RFC 6455 §5.2).
pub(crate) fn put_text_frame(text: Bytes, out: &mut Vec<u8>) {
    let frame = Frame::message(text, OpCode::Data(Data::Text), true);
    // Writing into memory cannot fail.
    let _ = frame.format(out);
}

/// A text message as a page's WebSocket expects it.
pub(crate) fn text_frame(text: Bytes) -> Bytes {
    let mut frame = Vec::with_capacity(text.len() + FRAME_HEAD_BYTES_MAX);
    put_text_frame(text, &mut frame);
    frame.into()
}

/// A part of a body that has no length, as HTTP/1.1 expects it (RFC 9112 §7.1).
pub(crate) fn chunk(data: &[u8]) -> Bytes {
    let mut chunk = Vec::with_capacity(data.len() + CHUNK_FRAME_BYTES_MAX);
    // Writing into memory cannot fail.
    let _ = write!(chunk, "{:x}\r\n", data.len());
    chunk.extend_from_slice(data);
    chunk.extend_from_slice(b"\r\n");
    chunk.into()
}

/// What [`for_each`] does on other processors. It is done whether or not somebody waits for it.
#[derive(Debug)]
pub(crate) struct Rest(oneshot::Receiver<Infallible>);

impl Rest {
    /// Waits until everybody had their turn.
    ///
    /// # Cancel safety
    /// Changes nothing.
    pub(crate) async fn finish(self) {
        // Nothing is ever sent: the last part that ends drops the other side.
        let _ = self.0.await;
    }
}

/// Does something short for each of many connections, a crowd on all processors; the first ones before this returns.
pub(crate) fn for_each<T: Send + 'static>(
    mut crowd: Vec<T>,
    act: impl Fn(&T) + Send + Sync + 'static,
) -> Rest {
    let (all, rest) = oneshot::channel();
    let act = Arc::new((act, all));
    while AT_ONCE < crowd.len()
        && let Ok(runtime) = Handle::try_current()
    {
        let (part, act) = (crowd.split_off(crowd.len() - AT_ONCE), Arc::clone(&act));
        runtime.spawn(async move { part.iter().for_each(|each| act.0(each)) });
    }
    crowd.iter().for_each(|each| act.0(each));
    Rest(rest)
}

impl Shared {
    /// Holds the outlet and writes what it left.
    fn poll_unsent(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let is_something_unsent = {
            let mut state = self.state.lock();
            state.is_held = true;
            !state.unsent.is_empty()
        };
        if !is_something_unsent {
            return Poll::Ready(Ok(()));
        }
        loop {
            ready!(self.stream.poll_write_ready(cx))?;
            let unsent = &mut self.state.lock().unsent;
            match self.stream.try_write(unsent) {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Ok(n_bytes) => unsent.advance(n_bytes),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
            if unsent.is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }

    fn poll_write_by(
        &self,
        cx: &mut Context<'_>,
        write: impl Fn(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_unsent(cx))?;
        loop {
            ready!(self.stream.poll_write_ready(cx))?;
            match write(&self.stream) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
    }
}

impl AsyncRead for SharedStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let stream = &self.0.stream;
        loop {
            ready!(stream.poll_read_ready(cx))?;
            match stream.try_read_buf(buf) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return Poll::Ready(read.map(drop)),
            }
        }
    }
}

impl AsyncWrite for SharedStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.0.poll_write_by(cx, |stream| stream.try_write(buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.0.poll_write_by(cx, |stream| stream.try_write_vectored(bufs))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// Ends the hold: everything that the task wrote is with the system.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.0.poll_unsent(cx))?;
        self.0.state.lock().is_held = false;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.0.poll_unsent(cx))?;
        Poll::Ready(SockRef::from(&self.0.stream).shutdown(Shutdown::Write))
    }
}

/// A connection whose sending buffer is small, and its peer.
#[cfg(test)]
pub(crate) async fn connected() -> (SharedStream, Outlet, TcpStream) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    SockRef::from(&stream).set_send_buffer_size(16_384).unwrap();
    let (stream, outlet) = share(stream);
    (stream, outlet, peer)
}

/// The next text frame that a page was sent.
#[cfg(test)]
pub(crate) async fn read_text_frame(peer: &mut TcpStream) -> String {
    use tokio::io::AsyncReadExt as _;

    assert_eq!(peer.read_u8().await.unwrap(), 0x81);
    let n_bytes = match peer.read_u8().await.unwrap() {
        126 => usize::from(peer.read_u16().await.unwrap()),
        n_bytes => usize::from(n_bytes),
    };
    let mut text = vec![0; n_bytes];
    peer.read_exact(&mut text).await.unwrap();
    String::from_utf8(text).unwrap()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::time::Duration;

    use futures_util::FutureExt as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    fn line(side: char, n: usize) -> Bytes {
        let n_bytes = if n.is_multiple_of(100) { 100_000 } else { n };
        format!("{side}{n} {}\n", "x".repeat(n_bytes)).into()
    }

    #[tokio::test]
    async fn nothing_goes_out_by_the_outlet_while_the_task_holds_it() {
        let (mut stream, outlet, mut peer) = connected().await;
        outlet.hold();
        assert!(!outlet.send(&line('o', 1)));
        assert!(outlet.release() && outlet.send(&line('o', 2)));
        stream.write_all(b"task\n").await.unwrap();
        assert!(!outlet.send(&line('o', 3)), "written and not flushed");
        stream.flush().await.unwrap();
        assert!(outlet.send(&line('o', 4)));
        drop((stream, outlet));
        let mut text = String::new();
        peer.read_to_string(&mut text).await.unwrap();
        assert_eq!(text.split_inclusive('\n').map(|l| &l[..2]).collect::<Vec<_>>(), ["o2", "ta", "o4"]);
    }

    #[tokio::test]
    async fn the_task_is_told_of_an_end_that_waits_and_sends_it_first() {
        let (mut stream, outlet, mut peer) = connected().await;
        let long: Bytes = format!("{}\n", "x".repeat(4 << 20)).into();
        let waits = outlet.clone();
        let task = tokio::spawn(async move {
            waits.unsent().await;
            stream.write_all(b"task\n").await.unwrap();
        });
        tokio::task::yield_now().await;
        assert!(outlet.send(&long), "its beginning went out, and the rest will");
        assert!(!outlet.release() && !outlet.send(&line('o', 1)));
        outlet.unsent().await;
        drop(outlet);
        let mut text = String::new();
        peer.read_to_string(&mut text).await.unwrap();
        task.await.unwrap();
        assert!(text.as_bytes().starts_with(&long) && text.ends_with("\ntask\n"));
        assert_eq!(text.len(), long.len() + "task\n".len());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn messages_of_both_sides_stay_whole() {
        const N_MESSAGES: usize = 500;
        let (mut stream, outlet, peer) = connected().await;
        let everything_came = Arc::new(AtomicBool::new(false));
        let is_whole = Arc::clone(&everything_came);
        let by_outlet = std::thread::spawn(move || {
            let deadline = std::time::Instant::now() + Duration::from_secs(60);
            for n in 0..N_MESSAGES {
                while !outlet.send(&line('o', n)) {
                    assert!(std::time::Instant::now() < deadline, "{n} of {N_MESSAGES} went out");
                    std::thread::yield_now();
                }
            }
        });
        let by_task = tokio::spawn(async move {
            for n in 0..N_MESSAGES {
                for piece in line('t', n).chunks(700) {
                    stream.write_all(piece).await.unwrap();
                }
                stream.flush().await.unwrap();
                tokio::task::yield_now().await;
            }
            // What the outlet leaves from now on, until everything has come.
            while !is_whole.load(Ordering::Relaxed) {
                stream.flush().await.unwrap();
                tokio::task::yield_now().await;
            }
        });
        let mut next = [0; 2];
        let mut lines = tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(peer));
        while next != [N_MESSAGES; 2] {
            let text = lines.next_line().await.unwrap().unwrap() + "\n";
            let side = usize::from(text.starts_with('t'));
            assert_eq!(text.as_bytes(), line(['o', 't'][side], next[side]));
            next[side] += 1;
        }
        everything_came.store(true, Ordering::Relaxed);
        by_outlet.join().unwrap();
        by_task.await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn the_rest_is_finished_when_everybody_had_their_turn() {
        let check = async |n: usize| {
            let n_turns = Arc::new(AtomicUsize::new(0));
            let turns = Arc::clone(&n_turns);
            let rest = for_each((0..n).collect(), move |_| {
                std::thread::yield_now();
                turns.fetch_add(1, Ordering::Relaxed);
            });
            rest.finish().await;
            assert_eq!(n_turns.load(Ordering::Relaxed), n);
        };
        check(0).await;
        check(1).await;
        check(AT_ONCE).await;
        check(100 * AT_ONCE + 1).await;
    }

    #[test]
    fn without_other_processors_everybody_has_their_turn_at_once() {
        let (told, hear) = std::sync::mpsc::channel();
        let rest = for_each((0..1_000).collect(), move |n| told.send(*n).unwrap());
        assert!(hear.into_iter().eq(0..1_000));
        assert!(rest.finish().now_or_never().is_some());
    }

    #[test]
    fn a_text_frame_has_its_length() {
        let frame = |n| {
            let mut out = vec![b'>'];
            put_text_frame(vec![b'x'; n].into(), &mut out);
            assert_eq!(out.iter().filter(|byte| **byte == b'x').count(), n);
            out
        };
        assert_eq!(frame(2), b">\x81\x02xx");
        assert_eq!(frame(126)[..5], *b">\x81\x7e\x00\x7e");
        assert_eq!(frame(65_536)[..11], *b">\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00");
    }

    #[test]
    fn a_chunk_has_its_length() {
        assert_eq!(chunk(b"abc"), &b"3\r\nabc\r\n"[..]);
        assert_eq!(chunk(&[b'x'; 26])[..5], *b"1a\r\nx");
    }
}
