//! A screen in the terminal: what came above, one line of state, what is typed below.
//!
//! [`Canvas`] owns the terminal and gives it back whatever happens; [`Screen`] is what it shows. Neither knows a chat
//! or a database.

mod prompt;
mod screen;
mod scrollback;
mod wrap;

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste, Event, EventStream};
use crossterm::execute;
use futures_util::StreamExt as _;
use ratatui::DefaultTerminal;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::Instant;

pub(crate) use screen::{Action, Screen};
pub(crate) use scrollback::Entry;

/// Shortest time between two drawings: what comes in between is drawn together, so that a burst costs one drawing.
const FRAME: Duration = Duration::from_millis(16);

/// Whether a person sits at both ends.
pub(crate) fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Takes the terminal over, until the canvas is dropped; a panic gives it back too. With it comes what the person
/// does.
///
/// # Errors
/// When the terminal cannot be switched.
pub(crate) fn open() -> io::Result<(Canvas, Events)> {
    let ends = [signal(SignalKind::terminate())?, signal(SignalKind::hangup())?];
    let terminal = ratatui::try_init()?;
    let canvas = Canvas { terminal, drawn_at: None, is_due: true };
    execute!(io::stdout(), EnableBracketedPaste)?;
    Ok((canvas, Events { stream: EventStream::new(), ends }))
}

/// What the person does, and what ends the program from outside: whoever sends a signal gets the terminal back as it was.
pub(crate) struct Events {
    stream: EventStream,
    ends: [Signal; 2],
}

impl Events {
    /// What the person does next; none when the terminal is gone or the program must go.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        let [terminated, hung_up] = &mut self.ends;
        tokio::select! {
            event = self.stream.next() => event?.ok(),
            _ = terminated.recv() => None,
            _ = hung_up.recv() => None,
        }
    }
}

/// Rings the terminal's bell, which many show as a mark on a window that is not looked at.
pub(crate) fn ring() {
    let mut out = io::stdout().lock();
    // A terminal that is gone hears no bell.
    let _ = out.write_all(b"\x07").and_then(|()| out.flush());
}

/// The terminal, drawn at most once per [`FRAME`].
pub(crate) struct Canvas {
    terminal: DefaultTerminal,
    drawn_at: Option<Instant>,
    is_due: bool,
}

impl Canvas {
    /// Asks for a drawing.
    pub(crate) fn request(&mut self) {
        self.is_due = true;
    }

    /// Waits until a drawing is due, and makes it; waits forever while none is asked for.
    ///
    /// # Errors
    /// When the terminal cannot be written.
    ///
    /// # Cancel safety
    /// Cancel safe: a drawing that was not made is still due.
    pub(crate) async fn draw_when_due(&mut self, screen: &mut Screen) -> io::Result<()> {
        if !self.is_due {
            std::future::pending::<()>().await;
        }
        if let Some(drawn_at) = self.drawn_at {
            tokio::time::sleep_until(drawn_at + FRAME).await;
        }
        self.terminal.draw(|frame| screen.draw(frame))?;
        self.is_due = false;
        self.drawn_at = Some(Instant::now());
        Ok(())
    }
}

impl Drop for Canvas {
    fn drop(&mut self) {
        // The terminal may be gone; then there is nothing to give back.
        let _ = execute!(io::stdout(), DisableBracketedPaste);
        ratatui::restore();
    }
}
