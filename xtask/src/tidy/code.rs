//! Rust without its prose: comments and the insides of strings become spaces, so that a rule about code is not
//! tripped by a sentence about it. Lines and columns stay.
//!
//! Knows only as much of the language as that needs (The Rust Reference, "Comments" and "Tokens").

/// Blanks comments and the insides of string literals.
pub(super) fn code_only(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    let mut before = ' ';
    while let Some(c) = rest.chars().next() {
        let (kept, blanked) = next_piece(rest, before);
        let (whole, after) = rest.split_at(kept + blanked);
        code.push_str(&whole[..kept]);
        code.extend(whole[kept..].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        before = whole.chars().next_back().unwrap_or(c);
        rest = after;
    }
    code
}

/// How many bytes at the start of `text` to keep, and how many after them to blank. `before` stands before `text`.
fn next_piece(text: &str, before: char) -> (usize, usize) {
    if text.starts_with("//") {
        return (0, text.find('\n').unwrap_or(text.len()));
    }
    if text.starts_with("/*") {
        return (0, block_comment_bytes(text));
    }
    if let Some(inside) = text.strip_prefix('"') {
        return (1, string_bytes(inside));
    }
    if text.starts_with('r')
        && !is_word(before)
        && let Some(piece) = raw_string(text)
    {
        return piece;
    }
    if text.starts_with("b'") && !is_word(before) {
        return (1, 0);
    }
    if text.starts_with('\'')
        && let Some(bytes) = char_literal_bytes(text)
    {
        return (1, bytes - 1);
    }
    (text.chars().next().map_or(0, char::len_utf8), 0)
}

/// Up to the end of the comment, other comments inside it counted.
fn block_comment_bytes(text: &str) -> usize {
    let (mut at, mut depth) = (0, 0_usize);
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// The inside of a string literal and the quote that ends it.
fn string_bytes(inside: &str) -> usize {
    let mut is_escaped = false;
    for (at, c) in inside.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    inside.len()
}

/// `r"..."` and `r#"..."#`.
fn raw_string(text: &str) -> Option<(usize, usize)> {
    let n_hashes = text[1..].bytes().take_while(|&b| b == b'#').count();
    let start = 1 + n_hashes;
    let inside = text[start..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(n_hashes));
    let bytes = inside.find(&end).map_or(inside.len(), |at| at + end.len());
    Some((start + 1, bytes))
}

/// Bytes of the character literal that `text` begins with; none when it is a lifetime.
fn char_literal_bytes(text: &str) -> Option<usize> {
    let inside = &text[1..];
    let first = inside.chars().next()?;
    if first == '\\' {
        // The escaped character itself may be a quote.
        let skipped = 1 + inside[1..].chars().next()?.len_utf8();
        return inside[skipped..].find('\'').map(|at| 1 + skipped + at + 1);
    }
    inside[first.len_utf8()..].starts_with('\'').then(|| 1 + first.len_utf8() + 1)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(code_only(text), expected, "{text}");
    }

    #[test]
    fn comments_and_strings_are_blanked_in_place() {
        check("a // b\nc", "a     \nc");
        check("a /* b /* c\n */ d */ e", "a          \n         e");
        check(r#"f("a \" b", c)"#, r#"f("       , c)"#);
        check(r##"f(r#"a " b"#, c)"##, r##"f(r#"       , c)"##);
        check("f(r\"a\\\", c)", "f(r\"   , c)");
        check("let x: &'a str = 'b';", "let x: &'a str = '  ;");
        check(r"('\'', '\\', b'\n', '\u{1b}')", r"('   , '   , b'   , '       )");
        check("for_(\"ż\")", "for_(\"  )");
    }

    #[test]
    fn lines_stay_whatever_is_cut_short() {
        for text in ["\"a\nb", "/* a\nb", "r#\"a\nb", "'", "'\\", "b'", "//", "'a", "r##", "\"\\"] {
            assert_eq!(code_only(text).matches('\n').count(), text.matches('\n').count(), "{text}");
        }
    }
}
