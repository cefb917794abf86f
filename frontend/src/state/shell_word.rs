//! A text as one word of a shell command, so that a command that the page offers to copy does what it says, whatever a
//! channel is called. Source: POSIX.1-2017, Shell Command Language, 2.2.2 Single-Quotes.

/// Quotes `text` unless it consists of characters that no shell gives a meaning to.
#[must_use]
pub fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | ':');
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(shell_word(text), expected);
    }

    #[test]
    fn what_a_shell_would_act_on_is_quoted() {
        check("/topic/a-1.b_c:d", "/topic/a-1.b_c:d");
        check("", "''");
        check("a b", "'a b'");
        check("/topic/$(reboot)", "'/topic/$(reboot)'");
        check("a';reboot;'", r"'a'\'';reboot;'\'''");
        check("żółw", "'żółw'");
    }
}
