//! The chat as a window in the terminal: messages above, one's own line below, and a connection that comes back.

use anyhow::Context as _;
use crossterm::event::Event as TerminalEvent;
use jiff::Zoned;
use jiff::civil::Date;
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};
use signalbox_shared::chat::{KEEP_ALIVE_LINE, LINE_BYTES_MAX, mentions};
use tokio::task::JoinHandle;

use super::KeepAlive;
use super::company::{Company, Told, read};
use super::session::Session;
use crate::backoff::Backoff;
use crate::cli::terminal::{self, Action, Entry, Screen};

/// Most bytes that can be typed before they are sent: a few lines pasted at once.
const TYPED_BYTES_MAX: usize = 4 * LINE_BYTES_MAX;
const HELP: &[&str] = &[
    "Enter sends. Up and Down bring back what you sent. Tab completes @names.",
    "PageUp and PageDown scroll, Esc returns to the newest line.",
    "/me TEXT says what you do, /who tells who is here, //TEXT says a line that begins with a slash.",
    "/clear empties the screen, /quit leaves (so do Ctrl-C and Ctrl-D).",
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
            event = events.next() => Event::Did(event),
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
    company: Company,
    is_connected: bool,
    /// Of the last line that was shown.
    day: Option<Date>,
    /// The reason for the last failed try, told once.
    told_error: String,
}

impl Window {
    fn new(name: &str, address: &str) -> Self {
        Self {
            screen: Screen::new(&format!("{name}> "), TYPED_BYTES_MAX),
            name: name.to_owned(),
            address: address.to_owned(),
            company: Company::new(name),
            is_connected: true,
            day: None,
            told_error: String::new(),
        }
    }

    fn is_connected(&mut self, is_connected: bool) {
        self.is_connected = is_connected;
        if is_connected {
            self.told_error.clear();
        }
        self.tell_state();
    }

    fn tell_state(&mut self) {
        let (address, name) = (&self.address, &self.name);
        self.screen.set_status(match self.is_connected {
            true => {
                let count = self.company.count();
                format!("connected · {count} · lobby at {address} as {name} · /help")
            }
            false => format!("not connected, trying again · lobby at {address} as {name} · /help"),
        });
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
        let now = Zoned::now();
        let margin = Span::styled(now.strftime("%H:%M").to_string(), Style::new().dim());
        // The first line needs no day: it is of the day on which somebody looks.
        if self.day.replace(now.date()).is_some_and(|day| day != now.date()) {
            self.screen.note(now.strftime("%A, %-d %B %Y").to_string());
        }
        let mut is_called = false;
        for line in lines {
            let told = read(line);
            self.company.note(told);
            is_called |= is_call(told, &self.name);
            self.screen.push(Entry::Noted(margin.clone(), styled(told, line, &self.name)));
        }
        self.tell_state();
        if is_called {
            terminal::ring();
        }
    }

    /// Does what the person asked for; false when that is to leave.
    async fn act(&mut self, event: &TerminalEvent, link: &mut Link) -> bool {
        let text = match self.screen.handle(event) {
            Action::None => return true,
            Action::Interrupt | Action::Quit => return false,
            Action::Complete => {
                self.screen.complete(self.company.names());
                return true;
            }
            Action::Submit(text) => text,
        };
        let Some(command) = text.trim().strip_prefix('/') else {
            if !text.trim().is_empty() {
                self.say(&text, &text, link).await;
            }
            return true;
        };
        let (name, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
        match (name, rest.trim()) {
            ("quit", _) => return false,
            ("clear", _) => self.screen.clear(),
            ("help", _) => HELP.iter().for_each(|line| self.screen.note(*line)),
            ("who", _) => self.screen.note(self.company.who()),
            ("me", deed) if !deed.is_empty() => self.say(&format!("* {deed}"), &text, link).await,
            ("me", _) => self.screen.set_notice("/me needs a text"),
            _ if command.starts_with('/') => self.say(command, &text, link).await,
            _ => {
                self.screen.put_back(&text);
                self.screen.set_notice(format!("/{name} is no command here; //{name} says it"));
            }
        }
        true
    }

    /// Says the lines of `text`; what was `typed` is put back when they cannot be said.
    async fn say(&mut self, text: &str, typed: &str, link: &mut Link) {
        let Link::Up(session) = link else {
            self.screen.put_back(typed);
            self.screen.set_notice("not sent: there is no connection");
            return;
        };
        if let Some(long) = text.lines().find(|line| LINE_BYTES_MAX < line.len()) {
            self.screen.put_back(typed);
            self.screen.set_notice(format!(
                "not sent: a line of {} bytes is over the limit of {LINE_BYTES_MAX}",
                long.len()
            ));
            return;
        }
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            if session.send(line.as_bytes()).await.is_err() {
                self.screen.put_back(typed);
                self.screen.set_notice("perhaps not sent: the connection was lost");
                return;
            }
        }
    }
}

/// A line as the chat sends it, `name: text`, with the name in its colour; who comes and goes stands back, and what the
/// relay itself says stands out.
fn styled(told: Told<'_>, line: &str, own_name: &str) -> Line<'static> {
    match told {
        Told::Said(name, text) => {
            let style = Style::new();
            let style = if is_call(told, own_name) { style.bold().underlined() } else { style };
            let style = if text.starts_with("* ") { style.italic() } else { style };
            Line::from(vec![
                Span::styled(name.to_owned(), Style::new().fg(name_color(name)).bold()),
                Span::raw(": "),
                Span::styled(text.to_owned(), style),
            ])
        }
        Told::Other(_) => Line::styled(line.to_owned(), Style::new().bold()),
        Told::Welcome(_) | Told::Came(_) | Told::Went(_) => Line::styled(line.to_owned(), Style::new().dim()),
    }
}

/// Whether somebody else speaks to `own_name`.
fn is_call(told: Told<'_>, own_name: &str) -> bool {
    matches!(told, Told::Said(name, text) if name != own_name && mentions(text, own_name))
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
    fn a_name_has_its_colour_and_who_comes_and_goes_stands_back() {
        let shown = |line: &'static str| styled(read(line), line, "ada");
        let said = shown("bob: hi: all");
        assert_eq!(said.spans[0].style.fg, Some(name_color("bob")));
        assert_eq!(said.to_string(), "bob: hi: all");
        assert_eq!(shown("bob connected!").style, Style::new().dim());
        assert_eq!(shown("Notice: Alert: red cpu").style, Style::new().bold());
        assert_eq!(shown("bob: @Ada").spans[2].style, Style::new().bold().underlined());
        assert_eq!(shown("ada: @ada").spans[2].style, Style::new());
        assert_eq!(shown("bob: * waves").spans[2].style, Style::new().italic());
    }
}
