//! What the terminal shows, and what its keys mean everywhere: history above, a line of state, the prompt below.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::prompt::{Full, Prompt};
use super::scrollback::{Entry, Scrollback};
use super::wrap::cut;

/// What a person asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Nothing that this screen has not done already.
    None,
    /// Send or run this text.
    Submit(String),
    /// Ctrl-C.
    Interrupt,
    /// Ctrl-D on an empty line.
    Quit,
    /// Tab: write to its end what stands before the cursor.
    Complete,
}

/// Everything that is shown.
#[derive(Debug)]
pub(crate) struct Screen {
    scrollback: Scrollback,
    prompt: Prompt,
    /// Stands before what is typed.
    label: String,
    /// What the line of state tells.
    status: String,
    /// What was wrong with the last key, until the next one.
    notice: Option<String>,
    bytes_max: usize,
}

impl Screen {
    /// An empty one; at most `bytes_max` bytes can be typed.
    pub(crate) fn new(label: &str, bytes_max: usize) -> Self {
        Self {
            scrollback: Scrollback::default(),
            prompt: Prompt::new(bytes_max),
            label: label.to_owned(),
            status: String::new(),
            notice: None,
            bytes_max,
        }
    }

    /// Adds a line above.
    pub(crate) fn push(&mut self, entry: Entry) {
        self.scrollback.push(entry);
    }

    /// Adds a line of the program's own.
    pub(crate) fn note(&mut self, text: impl Into<String>) {
        self.push(Entry::Text(Line::styled(text.into(), Style::new().dim().italic())));
    }

    /// Says in the line of state how things stand.
    pub(crate) fn set_status(&mut self, status: String) {
        self.status = status;
    }

    /// Says what was wrong with what was just done, until the next key.
    pub(crate) fn set_notice(&mut self, notice: impl Into<String>) {
        self.notice = Some(notice.into());
    }

    /// Puts a text back that could not be sent.
    pub(crate) fn put_back(&mut self, text: &str) {
        if self.prompt.is_empty() {
            self.prompt.set(text);
        }
    }

    /// Writes the mention before the cursor to its end, by one of these names.
    pub(crate) fn complete<'n>(&mut self, names: impl Iterator<Item = &'n str>) {
        let taken = self.prompt.complete(names);
        self.tell_full(taken);
    }

    /// Removes what stands above.
    pub(crate) fn clear(&mut self) {
        self.scrollback.clear();
    }

    /// Carries out what a person did, as far as it is the screen's own business.
    pub(crate) fn handle(&mut self, event: &Event) -> Action {
        self.notice = None;
        let taken = match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => return self.key(*key),
            Event::Paste(text) => self.prompt.paste(text),
            _ => Ok(()),
        };
        self.tell_full(taken);
        Action::None
    }

    fn key(&mut self, key: KeyEvent) -> Action {
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        let is_shift = key.modifiers.contains(KeyModifiers::SHIFT);
        match key.code {
            KeyCode::Char('c') if is_control => return Action::Interrupt,
            KeyCode::Char('d') if is_control && self.prompt.is_empty() => return Action::Quit,
            KeyCode::Char('l') if is_control => self.clear(),
            KeyCode::Tab => return Action::Complete,
            KeyCode::Enter => {
                self.scrollback.follow();
                return Action::Submit(self.prompt.take());
            }
            KeyCode::PageUp => self.scrollback.up(true),
            KeyCode::PageDown => self.scrollback.down(true),
            KeyCode::Up if is_shift => self.scrollback.up(false),
            KeyCode::Down if is_shift => self.scrollback.down(false),
            KeyCode::End if is_control => self.scrollback.follow(),
            KeyCode::Esc => self.scrollback.follow(),
            _ => {
                let taken = self.prompt.key(key);
                self.tell_full(taken);
            }
        }
        Action::None
    }

    fn tell_full(&mut self, taken: Result<(), Full>) {
        if taken.is_err() {
            self.set_notice(format!("at most {} bytes fit", self.bytes_max));
        }
    }

    /// Draws everything.
    pub(crate) fn draw(&mut self, frame: &mut Frame<'_>) {
        let [above, state, below] =
            Layout::vertical([Constraint::Min(0), Constraint::Length(1), Constraint::Length(1)])
                .areas(frame.area());
        let rows = self.scrollback.rows(above.width.into(), above.height.into());
        // A short history stands at the bottom, next to where one types.
        let n_empty = usize::from(above.height).saturating_sub(rows.len());
        let empty = std::iter::repeat_n(Line::default(), n_empty);
        frame.render_widget(Paragraph::new(empty.chain(rows).collect::<Vec<_>>()), above);

        let bar = Style::new().reversed();
        let state_line = cut(&Line::from(format!(" {} ", self.state_text())), state.width.into());
        frame.render_widget(Paragraph::new(state_line).style(bar), state);

        let label = cut(&Line::from(self.label.as_str()), usize::from(below.width) / 2);
        let label_columns = label.width();
        let (typed, column) = self.prompt.visible(usize::from(below.width).saturating_sub(label_columns));
        let label_span = Span::styled(label.to_string(), Style::new().bold());
        frame.render_widget(Paragraph::new(Line::from(vec![label_span, Span::raw(typed)])), below);
        let x = u16::try_from(label_columns + column).unwrap_or(u16::MAX).min(below.width.saturating_sub(1));
        frame.set_cursor_position((below.x + x, below.y));
    }

    /// The most urgent first, for a narrow terminal shows only the beginning.
    fn state_text(&self) -> String {
        let mut parts: Vec<String> = self.notice.iter().cloned().collect();
        match self.scrollback.n_unread() {
            0 if self.scrollback.is_scrolled() => parts.push("older lines, Esc: newest".to_owned()),
            0 => {}
            n => parts.push(format!("{n} new below, Esc: newest")),
        }
        parts.push(self.status.clone());
        parts.join(" · ")
    }
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;

    fn press(screen: &mut Screen, code: KeyCode, modifiers: KeyModifiers) -> Action {
        screen.handle(&Event::Key(KeyEvent::new(code, modifiers)))
    }

    fn drawn(screen: &mut Screen, width: u16, height: u16) -> Vec<String> {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| screen.draw(frame)).unwrap();
        let buffer = terminal.backend().buffer().clone();
        let row = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
        (0..height).map(row).collect()
    }

    #[test]
    fn history_state_and_prompt_share_the_terminal() {
        let mut screen = Screen::new("ada> ", 100);
        screen.set_status("lobby · 2 users".to_owned());
        screen.push(Entry::Text(Line::from("bob: a line that is too long for this terminal")));
        for c in "hi".chars() {
            assert_eq!(press(&mut screen, KeyCode::Char(c), KeyModifiers::NONE), Action::None);
        }
        let expected =
            ["", "bob: a line that is too", "long for this terminal", " lobby · 2 users", "ada> hi"];
        assert_eq!(drawn(&mut screen, 24, 5), expected);
        assert_eq!(press(&mut screen, KeyCode::Enter, KeyModifiers::NONE), Action::Submit("hi".to_owned()));
        assert_eq!(drawn(&mut screen, 24, 5)[4], "ada>");
    }

    #[test]
    fn a_terminal_of_almost_no_size_is_no_reason_to_fall_over() {
        let mut screen = Screen::new("a long label> ", 100);
        screen.push(Entry::Columns(Line::from("日本語")));
        for (width, height) in [(1, 1), (2, 2), (3, 3), (1, 10), (80, 1)] {
            assert_eq!(drawn(&mut screen, width, height).len(), usize::from(height));
        }
    }

    #[test]
    fn keys_that_end_or_interrupt_are_told() {
        let mut screen = Screen::new("> ", 2);
        assert_eq!(press(&mut screen, KeyCode::Char('c'), KeyModifiers::CONTROL), Action::Interrupt);
        assert_eq!(press(&mut screen, KeyCode::Char('d'), KeyModifiers::CONTROL), Action::Quit);
        screen.handle(&Event::Paste("ab".to_owned()));
        assert_eq!(press(&mut screen, KeyCode::Char('d'), KeyModifiers::CONTROL), Action::None);
        press(&mut screen, KeyCode::Char('x'), KeyModifiers::NONE);
        assert!(drawn(&mut screen, 40, 3)[1].contains("at most 2 bytes fit"));
    }
}
