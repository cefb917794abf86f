//! A screen in the terminal: what came above, one line of state, what is typed below.
//!
//! [`Canvas`] owns the terminal and gives it back whatever happens; [`Screen`] is what it shows. Neither knows a chat
//! or a database.

mod prompt;
mod screen;
mod scrollback;
mod wrap;

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste, Event, EventStream};
use crossterm::execute;
use futures_util::StreamExt as _;
use ratatui::DefaultTerminal;
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
pub(crate) fn open() -> io::Result<(Canvas, EventStream)> {
    let terminal = ratatui::try_init()?;
    let canvas = Canvas { terminal, drawn_at: None, is_due: true };
    execute!(io::stdout(), EnableBracketedPaste)?;
    Ok((canvas, EventStream::new()))
}

/// What the person does next; none when the terminal is gone.
///
/// # Cancel safety
/// Cancel safe.
pub(crate) async fn next_event(events: &mut EventStream) -> Option<Event> {
    events.next().await?.ok()
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
