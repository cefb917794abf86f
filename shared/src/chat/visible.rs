//! What of a text is seen, and what acts on whatever shows it. Pure.

use std::borrow::Cow;

/// Makes a line harmless to whatever shows it: control characters become visible (U+2400 and following for ASCII's,
/// U+FFFD for the rest), and so do those that reorder the text around them. Tabs and marks that only give a
/// direction to themselves stay.
///
/// The result is at most three times as long in bytes.
#[must_use]
pub fn neutralise(text: &str) -> Cow<'_, str> {
    if !text.chars().any(acts_on_the_line) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| if acts_on_the_line(c) { visible(c) } else { c }).collect())
}

fn acts_on_the_line(c: char) -> bool {
    c != '\t' && is_control(c) && !matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{feff}')
}

fn visible(c: char) -> char {
    match c {
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or(char::REPLACEMENT_CHARACTER),
        '\u{7f}' => '\u{2421}',
        _ => char::REPLACEMENT_CHARACTER,
    }
}

/// Characters that could act on a terminal, reorder the text around them (Unicode's bidi controls, UAX #9), end a
/// line, or make two names look the same by being invisible.
pub fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
        )
}

/// Whether nothing is seen of a character, wherever it stands, so that two names could differ by nothing else. Source:
/// Unicode 16, `Default_Ignorable_Code_Point` but for what [`joins`] and [`is_control`] have; and the blanks that are no
/// white space (Braille's, and what marks annotations).
pub(super) fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e00ff}' | '\u{e01f0}'..='\u{e0fff}'
    )
}

/// Whether a character is a mark on the one before it. Source: Unicode 16, the blocks of combining diacritical marks.
pub(super) fn stands_on_another(c: char) -> bool {
    matches!(
        c,
        '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}'
    )
}

/// Whether a character says how its neighbours are written, which some languages and pictures need: joiners and
/// selectors of a variant.
fn joins(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// What is seen of a name: two names of which the same is seen are one.
#[must_use]
pub fn seen(name: &str) -> Cow<'_, str> {
    if !name.chars().any(joins) {
        return Cow::Borrowed(name);
    }
    Cow::Owned(name.chars().filter(|&c| !joins(c)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_shown_as_what_they_are() {
        let check = |text: &str, expected: &str| assert_eq!(neutralise(text), expected, "{text:?}");
        check("plain\ttext, żółw, 🚦", "plain\ttext, żółw, 🚦");
        check("a\u{1b}[2Jb\u{7}", "a␛[2Jb␇");
        check("\u{7f}\u{9b}", "␡\u{fffd}");
        check("abc\u{202e}cba\u{2028}", "abc\u{fffd}cba\u{fffd}");
        check("\u{200e}שלום\u{200f}", "\u{200e}שלום\u{200f}");
    }
}
