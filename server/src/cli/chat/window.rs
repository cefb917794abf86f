//! The chat as a window in the terminal: messages above, one's own line below, and a connection that comes back.

use anyhow::Context as _;
use crossterm::event::Event as TerminalEvent;
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};
use signalbox_shared::chat::{KEEP_ALIVE_LINE, LINE_BYTES_MAX, NAME_CHARS_MAX};
use tokio::task::JoinHandle;

use super::KeepAlive;
use super::session::Session;
use crate::backoff::Backoff;
use crate::cli::terminal::{self, Action, Entry, Screen};

/// Most bytes that can be typed before they are sent: a few lines pasted at once.
const TYPED_BYTES_MAX: usize = 4 * LINE_BYTES_MAX;
const HELP: &[&str] = &[
    "Enter sends. Up and Down bring back what you sent. PageUp and PageDown scroll, Esc returns to the newest line.",
    "/clear empties the screen, /quit leaves (so do Ctrl-C and Ctrl-D). Everything else is said to everybody.",
];
/// Colours that can be read on light and on dark ground.
const NAME_COLORS: [Color; 6] =
    [Color::Red, Color::Green, Color::Yellow, Color::Blue, Color::Magenta, Color::Cyan];

enum Event {
    Did(Option<TerminalEvent>),
    Received(Option<Vec<String>>),
    Connected(anyhow::Result<(Session, Vec<String>)>),
    KeepAlive,
    Drawn(std::io::Result<()>),
}

enum Link {
    Up(Session),
    /// Waits and tries again.
    Down(JoinHandle<anyhow::Result<(Session, Vec<String>)>>),
}

/// Shows the chat until the person leaves.
///
/// # Errors
/// When there is no chat at first or it refuses the name, or when the terminal fails.
pub(super) async fn run(name: &str, address: &str, mut keep_alive: KeepAlive) -> anyhow::Result<()> {
    // What can go wrong at first is told on the terminal as it was.
    let (session, lines) = join(name, address).await?;
    let mut window = Window::new(name, address);
    window.show(&lines);
    let mut link = Link::Up(session);
    let mut backoff = Backoff::default();
    let (mut canvas, mut events) =
        terminal::open().context("the terminal cannot be taken over; try --plain")?;
    loop {
        let event = tokio::select! {
            drawn = canvas.draw_when_due(&mut window.screen) => Event::Drawn(drawn),
            event = terminal::next_event(&mut events) => Event::Did(event),
            event = link.next() => event,
            () = keep_alive.due() => Event::KeepAlive,
        };
        match event {
            Event::Drawn(drawn) => {
                drawn.context("the terminal cannot be written")?;
                continue;
            }
            Event::Did(None) => return Ok(()),
            Event::Did(Some(event)) => {
                if !window.act(&event, &mut link).await {
                    return Ok(());
                }
            }
            Event::Received(Some(lines)) => {
                backoff = Backoff::default();
                window.show(&lines);
            }
            Event::Received(None) => {
                let why = link.farewell();
                window.screen.note(format!("{why}; trying again"));
                link = window.reconnect(&mut backoff);
            }
            Event::Connected(Ok((session, lines))) => {
                window.is_connected(true);
                window.screen.note("connected again; what was said in between is not shown here");
                window.show(&lines);
                link = Link::Up(session);
            }
            Event::Connected(Err(error)) => {
                window.last_error(&format!("{error:#}"));
                link = window.reconnect(&mut backoff);
            }
            Event::KeepAlive => {
                if let Link::Up(session) = &mut link {
                    // A connection that is lost is told by the next read.
                    let _ = session.send(KEEP_ALIVE_LINE.as_bytes()).await;
                }
            }
        }
        canvas.request();
    }
}

async fn join(name: &str, address: &str) -> anyhow::Result<(Session, Vec<String>)> {
    let mut session = Session::connect(address, name).await?;
    let lines = session.welcome().await?;
    Ok((session, lines))
}

impl Link {
    /// What comes from the chat next. Cancel safe.
    async fn next(&mut self) -> Event {
        match self {
            Self::Up(session) => Event::Received(session.receive().await),
            Self::Down(trying) => Event::Connected(match trying.await {
                Ok(result) => result,
                Err(error) => Err(error.into()),
            }),
        }
    }

    fn farewell(&self) -> String {
        match self {
            Self::Up(session) => session.farewell(),
            Self::Down(_) => "no connection".to_owned(),
        }
    }
}

struct Window {
    screen: Screen,
    name: String,
    address: String,
    /// The reason for the last failed try, told once.
    told_error: String,
}

impl Window {
    fn new(name: &str, address: &str) -> Self {
        let mut window = Self {
            screen: Screen::new(&format!("{name}> "), TYPED_BYTES_MAX),
            name: name.to_owned(),
            address: address.to_owned(),
            told_error: String::new(),
        };
        window.is_connected(true);
        window
    }

    fn is_connected(&mut self, is_connected: bool) {
        let state = if is_connected { "connected" } else { "not connected, trying again" };
        self.screen.set_status(format!("{state} · lobby at {} as {} · /help", self.address, self.name));
        if is_connected {
            self.told_error.clear();
        }
    }

    fn last_error(&mut self, error: &str) {
        if self.told_error != error {
            self.screen.note(error);
            error.clone_into(&mut self.told_error);
        }
    }

    fn reconnect(&mut self, backoff: &mut Backoff) -> Link {
        self.is_connected(false);
        let (name, address, wait) = (self.name.clone(), self.address.clone(), backoff.wait());
        Link::Down(tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            join(&name, &address).await
        }))
    }

    fn show(&mut self, lines: &[String]) {
        for line in lines {
            self.screen.push(Entry::Text(styled(line, &self.name)));
        }
    }

    /// Does what the person asked for; false when that is to leave.
    async fn act(&mut self, event: &TerminalEvent, link: &mut Link) -> bool {
        let text = match self.screen.handle(event) {
            Action::None => return true,
            Action::Interrupt | Action::Quit => return false,
            Action::Submit(text) => text,
        };
        match text.trim() {
            "" => {}
            "/quit" => return false,
            "/clear" => self.screen.clear(),
            "/help" => HELP.iter().for_each(|line| self.screen.note(*line)),
            _ => self.say(&text, link).await,
        }
        true
    }

    async fn say(&mut self, text: &str, link: &mut Link) {
        let Link::Up(session) = link else {
            self.screen.put_back(text);
            self.screen.set_notice("not sent: there is no connection");
            return;
        };
        if let Some(long) = text.lines().find(|line| LINE_BYTES_MAX < line.len()) {
            self.screen.put_back(text);
            self.screen.set_notice(format!(
                "not sent: a line of {} bytes is over the limit of {LINE_BYTES_MAX}",
                long.len()
            ));
            return;
        }
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            if session.send(line.as_bytes()).await.is_err() {
                self.screen.put_back(text);
                self.screen.set_notice("perhaps not sent: the connection was lost");
                return;
            }
        }
    }
}

/// A line as the chat sends it, `name: text`, with the name in its colour; the house's own lines stand back.
fn styled(line: &str, own_name: &str) -> Line<'static> {
    let said = line.split_once(": ").filter(|(name, _)| name.chars().count() <= NAME_CHARS_MAX);
    let Some((name, text)) = said else {
        return Line::styled(line.to_owned(), Style::new().dim());
    };
    let name_style = Style::new().fg(name_color(name)).bold();
    let is_mention = name != own_name && mentions(text, own_name);
    let text_style = if is_mention { Style::new().bold().underlined() } else { Style::new() };
    Line::from(vec![
        Span::styled(name.to_owned(), name_style),
        Span::raw(": "),
        Span::styled(text.to_owned(), text_style),
    ])
}

fn mentions(text: &str, name: &str) -> bool {
    let ends = |rest: &str| rest.chars().next().is_none_or(|c| !c.is_alphanumeric());
    text.match_indices('@').any(|(at, _)| text[at + 1..].strip_prefix(name).is_some_and(ends))
}

/// The same name has the same colour everywhere and always (FNV-1a).
fn name_color(name: &str) -> Color {
    let hash =
        name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    NAME_COLORS[hash as usize % NAME_COLORS.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mention_is_the_whole_name() {
        for (text, expected) in
            [("@ada look", true), ("look @ada", true), ("@adam", false), ("ada", false), ("@ad @ada!", true)]
        {
            assert_eq!(mentions(text, "ada"), expected, "{text:?}");
        }
    }

    #[test]
    fn a_name_has_its_colour_and_the_house_stands_back() {
        let said = styled("bob: hi: all", "ada");
        assert_eq!(said.spans[0].style.fg, Some(name_color("bob")));
        assert_eq!(said.to_string(), "bob: hi: all");
        assert_eq!(styled("bob connected!", "ada").style, Style::new().dim());
        assert_eq!(styled("bob: @ada", "ada").spans[2].style, Style::new().bold().underlined());
    }
}
