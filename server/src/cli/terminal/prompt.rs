//! What is being typed, and what was typed before. Editing itself is `tui-input`'s, with the keys of a shell.

use std::collections::VecDeque;

use crossterm::event::{Event, KeyCode, KeyEvent};
use signalbox_shared::chat::Completion;
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler as _;

/// Most texts that are remembered.
const HISTORY_MAX: usize = 500;
/// Stands for a line break inside the one line that is typed into.
const LINE_BREAK: char = '␤';

/// The line that is typed into.
#[derive(Debug)]
pub(crate) struct Prompt {
    input: Input,
    bytes_max: usize,
    history: VecDeque<String>,
    /// Which text of the history is shown, from the oldest; none while a new one is written.
    shown: Option<usize>,
    /// The new one, kept while older ones are shown.
    draft: String,
    completion: Completion,
}

/// More than fits was typed or pasted; nothing was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl Prompt {
    /// An empty one that takes at most `bytes_max` bytes.
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            input: Input::default(),
            bytes_max,
            history: VecDeque::new(),
            shown: None,
            draft: String::new(),
            completion: Completion::default(),
        }
    }

    /// What stands there, line breaks included.
    pub(crate) fn text(&self) -> String {
        self.input.value().replace(LINE_BREAK, "\n")
    }

    /// Whether nothing stands there.
    pub(crate) fn is_empty(&self) -> bool {
        self.input.value().is_empty()
    }

    /// Puts `text` there, the cursor behind it.
    pub(crate) fn set(&mut self, text: &str) {
        self.input = Input::new(one_line(text));
        self.shown = None;
    }

    /// Takes what stands there, and remembers it.
    pub(crate) fn take(&mut self) -> String {
        let text = self.text();
        if !text.trim().is_empty() && self.history.back() != Some(&text) {
            if self.history.len() == HISTORY_MAX {
                self.history.pop_front();
            }
            self.history.push_back(text.clone());
        }
        self.set("");
        self.draft.clear();
        text
    }

    /// A key that edits.
    ///
    /// # Errors
    /// [`Full`], and nothing has changed.
    pub(crate) fn key(&mut self, key: KeyEvent) -> Result<(), Full> {
        match key.code {
            KeyCode::Up => self.older(),
            KeyCode::Down => self.newer(),
            _ => {
                let before = self.input.clone();
                self.input.handle_event(&Event::Key(key));
                if self.bytes_max < self.text().len() {
                    self.input = before;
                    return Err(Full);
                }
            }
        }
        Ok(())
    }

    /// Writes the mention before the cursor to its end, by one of these names.
    ///
    /// # Errors
    /// [`Full`], and nothing has changed.
    pub(crate) fn complete<'n>(&mut self, names: impl Iterator<Item = &'n str>) -> Result<(), Full> {
        let at = self.input.cursor();
        let before: String = self.input.value().chars().take(at).collect();
        let behind: String = self.input.value().chars().skip(at).collect();
        let Some(completed) = self.completion.complete(&before, names) else { return Ok(()) };
        if self.bytes_max < completed.len() + behind.len() {
            return Err(Full);
        }
        let cursor = completed.chars().count();
        self.input = Input::new(completed + &behind).with_cursor(cursor);
        Ok(())
    }

    /// Text from the clipboard, whose line breaks are shown and kept.
    ///
    /// # Errors
    /// [`Full`], and nothing has changed.
    pub(crate) fn paste(&mut self, text: &str) -> Result<(), Full> {
        let text = one_line(text.trim_end_matches(['\r', '\n']));
        if self.bytes_max < self.input.value().len() + text.len() {
            return Err(Full);
        }
        let at = self.input.cursor();
        let before: String = self.input.value().chars().take(at).collect();
        let behind: String = self.input.value().chars().skip(at).collect();
        let cursor = at + text.chars().count();
        self.input = Input::new(format!("{before}{text}{behind}")).with_cursor(cursor);
        Ok(())
    }

    /// What is seen of it in `width` columns, and in which of them the cursor stands.
    pub(crate) fn visible(&self, width: usize) -> (String, usize) {
        let scroll = self.input.visual_scroll(width.saturating_sub(1));
        let mut column = 0;
        let visible = self.input.value().chars().skip_while(|&c| {
            let is_left = column < scroll;
            column += unicode_width::UnicodeWidthChar::width(c).unwrap_or(0);
            is_left
        });
        (visible.collect(), self.input.visual_cursor().saturating_sub(scroll))
    }

    fn older(&mut self) {
        let older = self.shown.map_or(self.history.len().checked_sub(1), |at| at.checked_sub(1));
        let Some(at) = older else { return };
        if self.shown.is_none() {
            self.draft = self.text();
        }
        self.show(Some(at));
    }

    fn newer(&mut self) {
        let Some(at) = self.shown else { return };
        self.show((at + 1 < self.history.len()).then_some(at + 1));
    }

    fn show(&mut self, at: Option<usize>) {
        let text = at.and_then(|at| self.history.get(at)).unwrap_or(&self.draft).clone();
        self.set(&text);
        self.shown = at;
    }
}

/// Line breaks become visible; other control characters cannot be typed and have no place here.
fn one_line(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    text.chars()
        .map(|c| match c {
            '\n' => LINE_BREAK,
            '\t' => ' ',
            c => c,
        })
        .filter(|c| !c.is_control())
        .collect()
}

#[cfg(test)]
mod tests {
    use crossterm::event::KeyModifiers;

    use super::*;

    fn typed(prompt: &mut Prompt, text: &str) {
        for c in text.chars() {
            prompt.key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)).unwrap();
        }
    }

    fn press(prompt: &mut Prompt, code: KeyCode) {
        prompt.key(KeyEvent::new(code, KeyModifiers::NONE)).unwrap();
    }

    #[test]
    fn older_texts_come_back_and_the_draft_is_kept() {
        let mut prompt = Prompt::new(100);
        for text in ["one", "two", "two"] {
            typed(&mut prompt, text);
            assert_eq!(prompt.take(), text);
        }
        typed(&mut prompt, "dra");
        for (key, expected) in [
            (KeyCode::Up, "two"),
            (KeyCode::Up, "one"),
            (KeyCode::Up, "one"),
            (KeyCode::Down, "two"),
            (KeyCode::Down, "dra"),
            (KeyCode::Down, "dra"),
        ] {
            press(&mut prompt, key);
            assert_eq!(prompt.text(), expected);
        }
    }

    #[test]
    fn a_paste_keeps_its_line_breaks_and_stands_where_the_cursor_was() {
        let mut prompt = Prompt::new(100);
        typed(&mut prompt, "[]");
        press(&mut prompt, KeyCode::Left);
        prompt.paste("one\r\ntwo\u{1b}[31m\n").unwrap();
        assert_eq!(prompt.text(), "[one\ntwo[31m]");
        typed(&mut prompt, "!");
        assert_eq!(prompt.take(), "[one\ntwo[31m!]");
    }

    #[test]
    fn a_mention_is_completed_where_the_cursor_stands() {
        let mut prompt = Prompt::new(12);
        typed(&mut prompt, "@b!");
        press(&mut prompt, KeyCode::Left);
        let names = ["ada", "bob", "bea"];
        prompt.complete(names.into_iter()).unwrap();
        assert_eq!(prompt.text(), "@bob !");
        prompt.complete(names.into_iter()).unwrap();
        typed(&mut prompt, "x");
        assert_eq!(prompt.text(), "@bea x!");
        typed(&mut prompt, " @a");
        assert_eq!(prompt.complete(std::iter::once("a name that is long")), Err(Full));
        assert_eq!(prompt.text(), "@bea x @a!");
    }

    #[test]
    fn nothing_is_taken_over_the_limit() {
        let mut prompt = Prompt::new(4);
        typed(&mut prompt, "żół".chars().take(2).collect::<String>().as_str());
        assert_eq!(prompt.key(KeyEvent::new(KeyCode::Char('x'), KeyModifiers::NONE)), Err(Full));
        assert_eq!(prompt.paste("x"), Err(Full));
        assert_eq!(prompt.text(), "żó");
    }

    #[test]
    fn a_long_text_scrolls_with_its_cursor() {
        let mut prompt = Prompt::new(100);
        typed(&mut prompt, "abcdefgh");
        let (visible, column) = prompt.visible(5);
        assert!(visible.ends_with("gh") && column < 5, "{visible:?} {column}");
        press(&mut prompt, KeyCode::Home);
        assert_eq!(prompt.visible(5), ("abcdefgh".to_owned(), 0));
    }
}
