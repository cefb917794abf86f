//! Where one SQL statement ends and the next begins. Source: PostgreSQL's lexical rules (chapter "Lexical Structure").
//!
//! Knows quotes, dollar quotes and comments, and nothing else of SQL: what a statement means is the server's business.

/// One statement of a text, without its semicolon and the white space around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement<'a> {
    /// Its text.
    pub sql: &'a str,
    /// Where it begins, in characters from the text's beginning: errors are told in characters.
    pub offset_chars: usize,
}

/// What a text holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split<'a> {
    /// The statements that a semicolon ends.
    pub complete: Vec<Statement<'a>>,
    /// What follows the last semicolon; none when it is white space or comments.
    pub rest: Option<Statement<'a>>,
    /// Where the rest begins, in bytes; white space and comments included.
    pub rest_at: usize,
}

impl<'a> Split<'a> {
    /// Every statement, the one without a semicolon included.
    #[must_use]
    pub fn all(self) -> Vec<Statement<'a>> {
        self.complete.into_iter().chain(self.rest).collect()
    }
}

/// Splits a text.
#[must_use]
pub fn split(text: &str) -> Split<'_> {
    let mut complete = Vec::new();
    let mut start = 0;
    // Whether there is anything but white space and comments since `start`.
    let mut has_words = false;
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        let token_bytes = match c {
            ';' => {
                complete.extend(has_words.then(|| statement(text, start, at)));
                (start, has_words) = (at + 1, false);
                1
            }
            '\'' => quoted_bytes(rest, '\'', is_escape_string(&text[start..at])),
            '"' => quoted_bytes(rest, '"', false),
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => comment_bytes(rest),
            '$' => dollar_quoted_bytes(rest, &text[start..at]),
            c => c.len_utf8(),
        };
        let is_comment = rest.starts_with("--") || rest.starts_with("/*");
        has_words |= c != ';' && !is_comment && !c.is_whitespace();
        at += token_bytes;
    }
    let rest = has_words.then(|| statement(text, start, text.len()));
    Split { complete, rest, rest_at: start }
}

fn statement(text: &str, start: usize, end: usize) -> Statement<'_> {
    let untrimmed = &text[start..end];
    let sql = untrimmed.trim();
    let at = start + (untrimmed.len() - untrimmed.trim_start().len());
    Statement { sql, offset_chars: text[..at].chars().count() }
}

/// Whether the quote behind `before` opens a string with backslash escapes, `E'...'`.
fn is_escape_string(before: &str) -> bool {
    let mut backwards = before.chars().rev();
    let is_e = backwards.next().is_some_and(|c| c.eq_ignore_ascii_case(&'e'));
    is_e && !backwards.next().is_some_and(is_identifier)
}

/// Length of a quoted text with its quotes; of everything, when its end is missing.
fn quoted_bytes(text: &str, quote: char, has_escapes: bool) -> usize {
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == '\\' && has_escapes {
            chars.next();
        } else if c == quote && chars.next_if(|&(_, next)| next == quote).is_none() {
            return at + 1;
        }
    }
    text.len()
}

/// Length of a comment, comments inside it included.
fn comment_bytes(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += c.len_utf8();
        }
    }
    text.len()
}

/// Length of a text in dollar quotes, `$$...$$` or `$tag$...$tag$`; 1 when this dollar opens none.
fn dollar_quoted_bytes(text: &str, before: &str) -> usize {
    let is_in_name = before.chars().next_back().is_some_and(is_identifier);
    let tag_end = text[1..].find(|c: char| !is_identifier(c) || c == '$').map(|at| at + 1);
    let Some(tag_end) = tag_end.filter(|&at| text[at..].starts_with('$') && !is_in_name) else { return 1 };
    let tag = &text[..=tag_end];
    if tag[1..].starts_with(|c: char| c.is_ascii_digit()) {
        return 1; // a parameter, as in $1
    }
    text[tag.len()..].find(tag).map_or(text.len(), |at| tag.len() + at + tag.len())
}

fn is_identifier(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$' || !c.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, complete: &[&str], rest: Option<&str>) {
        let found = split(text);
        let complete_found: Vec<&str> = found.complete.iter().map(|statement| statement.sql).collect();
        assert_eq!((complete_found.as_slice(), found.rest.map(|s| s.sql)), (complete, rest), "{text:?}");
    }

    #[test]
    fn a_semicolon_ends_a_statement() {
        check("", &[], None);
        check(" \n;; ", &[], None);
        check("select 1", &[], Some("select 1"));
        check("select 1; select 2;", &["select 1", "select 2"], None);
        check(" a ;\n b", &["a"], Some("b"));
    }

    #[test]
    fn a_semicolon_in_quotes_or_comments_ends_nothing() {
        check("select ';''; '; x", &["select ';''; '"], Some("x"));
        check(r"select E'\';', e'\\'; x", &[r"select E'\';', e'\\'"], Some("x"));
        check(r"select '\'; x", &[r"select '\'"], Some("x"));
        check(r"select type'\'; x", &[r"select type'\'"], Some("x"));
        check("select \"a;\"\"b\"; x", &["select \"a;\"\"b\""], Some("x"));
        check("a -- b; c\n; d", &["a -- b; c"], Some("d"));
        check("a /* b; /* c; */ d; */; e", &["a /* b; /* c; */ d; */"], Some("e"));
        check("do $$ begin; end $$; x", &["do $$ begin; end $$"], Some("x"));
        check("do $a$ $$; $b$; $a$; x", &["do $a$ $$; $b$; $a$"], Some("x"));
        check("select $1; select a$b$; x", &["select $1", "select a$b$"], Some("x"));
    }

    #[test]
    fn what_has_no_end_goes_to_the_end() {
        for text in ["'a; b", "\"a; b", "/* a; b", "x $$ a; b", r"E'a\'; b"] {
            let found = split(text);
            assert!(found.complete.is_empty(), "{text:?}: {found:?}");
        }
        check("-- a; b", &[], None);
        check("/* a; b", &[], None);
    }

    #[test]
    fn an_offset_counts_characters() {
        let all = split("żółw; \n  ęą").all();
        assert_eq!(
            all,
            [Statement { sql: "żółw", offset_chars: 0 }, Statement { sql: "ęą", offset_chars: 9 }]
        );
    }
}
