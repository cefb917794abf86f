//! What a chat line is made of: words, links, mentions. Pure; fetches nothing, so that a line is never more than text.

use signalbox_shared::chat;

/// A piece of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Just text.
    Text(String),
    /// An address, `http:` or `https:`, that leads somewhere else.
    Link(String),
    /// An address of this very page: what stands from its `#` on, and the whole.
    Here {
        /// Leads there in the same tab.
        hash: String,
        /// As it was written.
        text: String,
    },
    /// Somebody is spoken to.
    Mention {
        /// As it was written.
        text: String,
        /// Whether it is who sits here.
        is_me: bool,
    },
}

/// Takes a line apart. `me` is the name of who sits here, `page` this page's own address without its `#`.
#[must_use]
pub fn pieces(text: &str, me: &str, page: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    let mut is_word_start = true;
    while let Some(first) = rest.chars().next() {
        let found = if is_word_start { link(rest, page).or_else(|| mention(rest, me)) } else { None };
        let n_bytes = match found {
            Some((piece, n_bytes)) => {
                if !plain.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut plain)));
                }
                pieces.push(piece);
                is_word_start = false;
                n_bytes
            }
            None => {
                plain.push(first);
                is_word_start = chat::may_begin_after(first);
                first.len_utf8()
            }
        };
        rest = &rest[n_bytes..];
    }
    if !plain.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    pieces
}

/// Whether the line speaks to that name.
#[must_use]
pub fn mentions(text: &str, me: &str) -> bool {
    pieces(text, me, "").iter().any(|piece| matches!(piece, Piece::Mention { is_me: true, .. }))
}

fn link(text: &str, page: &str) -> Option<(Piece, usize)> {
    let scheme = ["https://", "http://"]
        .into_iter()
        .find(|scheme| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))?;
    let end =
        text.find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '`')).unwrap_or(text.len());
    let mut url = &text[..end];
    // What ends a sentence or closes a bracket that was opened before is not meant to be part of it.
    while let Some(last) = url.chars().next_back() {
        let closes =
            |open: char, close: char| last == close && url.matches(open).count() < url.matches(close).count();
        if !matches!(last, '.' | ',' | ';' | ':' | '!' | '?' | '\'') && !closes('(', ')') && !closes('[', ']')
        {
            break;
        }
        url = &url[..url.len() - last.len_utf8()];
    }
    if url.len() <= scheme.len() {
        return None;
    }
    let hash = url.strip_prefix(page).filter(|rest| !page.is_empty() && rest.starts_with("#/"));
    let piece = match hash {
        Some(hash) => Piece::Here { hash: hash.to_owned(), text: url.to_owned() },
        None => Piece::Link(url.to_owned()),
    };
    Some((piece, url.len()))
}

fn mention(text: &str, me: &str) -> Option<(Piece, usize)> {
    let (n_bytes, is_me) = chat::mention(text, me)?;
    Some((Piece::Mention { text: text[..n_bytes].to_owned(), is_me }, n_bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "http://127.0.0.1:8088/";

    /// Links in angle brackets, ways to this page in curly ones, mentions in square ones, own ones with an exclamation
    /// mark.
    fn check(text: &str, expected: &str) {
        let shown: String = pieces(text, "Ada L", PAGE)
            .into_iter()
            .map(|piece| match piece {
                Piece::Text(text) => text,
                Piece::Link(url) => format!("<{url}>"),
                Piece::Here { hash, .. } => format!("{{{hash}}}"),
                Piece::Mention { text, is_me } => format!("[{text}{}]", if is_me { "!" } else { "" }),
            })
            .collect();
        assert_eq!(shown, expected, "{text:?}");
    }

    #[test]
    fn only_web_addresses_are_links() {
        check("see https://example.org/a?b=c#d.", "see <https://example.org/a?b=c#d>.");
        check("(http://a.b/c(d)) HTTP://X", "(<http://a.b/c(d)>) <HTTP://X>");
        check("http:// https://", "http:// https://");
        check("javascript:alert(1) data:text/html,x ftp://a", "javascript:alert(1) data:text/html,x ftp://a");
        check("xhttp://a.b", "xhttp://a.b");
        check("\"http://a.b\"<http://c>", "\"<http://a.b>\"<<http://c>>");
        check("żółw http://ż.pl/ż, ok", "żółw <http://ż.pl/ż>, ok");
    }

    #[test]
    fn a_link_to_this_page_stays_in_it() {
        check("http://127.0.0.1:8088/#/metrics?cursor=1 !", "{#/metrics?cursor=1} !");
        check("http://127.0.0.1:8088/api", "<http://127.0.0.1:8088/api>");
        check("http://127.0.0.1:8088.evil/#/x", "<http://127.0.0.1:8088.evil/#/x>");
    }

    #[test]
    fn mentions_are_whole_names() {
        check("@ada l: look", "[@ada l!]: look");
        check("@ada look", "[@ada] look");
        check("@ada lee", "[@ada] lee");
        check("a@b.c @ @@x", "a@b.c @ @@x");
        check("hi @żółw, @bob-2!", "hi [@żółw], [@bob-2]!");
        assert!(mentions("ping @Ada L", "ada l") && !mentions("ada l", "ada l") && !mentions("@x", ""));
    }
}
