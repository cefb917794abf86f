//! The chat in plain lines, for pipes and for terminals that want it so.

use std::io::{self, Write as _};

use anyhow::bail;
use signalbox_shared::chat::KEEP_ALIVE_LINE;
use tokio::io::{AsyncBufReadExt as _, BufReader, Split, Stdin};
use tokio::time::Instant;

use super::KeepAlive;
use super::session::{PATIENCE, Session};

enum Event {
    Received(Option<Vec<String>>),
    Typed(Option<Vec<u8>>),
    KeepAlive,
    Ended,
}

/// Prints what comes and sends what is typed, until the input ends.
///
/// # Errors
/// When there is no chat, or it refuses the name, or the connection is lost before the input has ended.
pub(super) async fn run(name: &str, address: &str, mut keep_alive: KeepAlive) -> anyhow::Result<()> {
    let mut session = Session::connect(address, name).await?;
    let mut input = Some(BufReader::new(tokio::io::stdin()).split(b'\n'));
    let mut patience = Instant::now();
    loop {
        let event = tokio::select! {
            lines = session.receive() => Event::Received(lines),
            line = next_line(&mut input) => Event::Typed(line),
            () = keep_alive.due() => Event::KeepAlive,
            () = tokio::time::sleep_until(patience + PATIENCE), if input.is_none() => Event::Ended,
            interrupted = tokio::signal::ctrl_c() => {
                interrupted?;
                Event::Ended
            }
        };
        match event {
            Event::Received(Some(lines)) => {
                if !print(&lines)? {
                    return Ok(());
                }
            }
            Event::Received(None) if input.is_none() && !session.is_refused() => return Ok(()),
            Event::Received(None) => bail!(session.farewell()),
            Event::Typed(Some(line)) => session.send(&line).await?,
            Event::Typed(None) => {
                input = None;
                patience = Instant::now();
                session.finish().await;
            }
            Event::KeepAlive if input.is_some() => session.send(KEEP_ALIVE_LINE.as_bytes()).await?,
            Event::KeepAlive => {}
            Event::Ended => return Ok(()),
        }
    }
}

/// Prints lines; false when nobody reads the output any more.
fn print(lines: &[String]) -> io::Result<bool> {
    let mut out = io::stdout().lock();
    for line in lines {
        match writeln!(out, "{line}") {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(false),
            written => written?,
        }
    }
    out.flush().map(|()| true)
}

async fn next_line(input: &mut Option<Split<BufReader<Stdin>>>) -> Option<Vec<u8>> {
    match input {
        // What cannot be read has ended.
        Some(lines) => lines.next_segment().await.ok().flatten(),
        None => std::future::pending().await,
    }
}
