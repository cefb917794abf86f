//! From what a site sent to its headlines: by CSS selectors in a page, or from a feed. Pure.

use std::collections::HashSet;
use std::fmt;

use anyhow::{Context as _, anyhow};
use encoding_rs::{Encoding, UTF_8};
use reqwest::Url;
use scraper::{ElementRef, Html, Selector};
use signalbox_shared::chat::neutralise;
use signalbox_shared::news::TITLE_CHARS_MAX;

/// Longest link, in bytes: what browsers take.
const LINK_BYTES_MAX: usize = 2_048;
/// Where a page may say its encoding, in bytes from its beginning. Source: WHATWG HTML, "prescan a byte stream".
const PRESCAN_BYTES: usize = 1_024;
/// Most elements above a headline that are asked for a link.
const ANCESTORS_MAX: usize = 8;

/// How headlines are found.
#[derive(Clone)]
pub enum Matcher {
    /// RSS, Atom or JSON Feed.
    Feed,
    /// CSS selectors.
    Selectors {
        /// Elements whose text is a title.
        headline: Selector,
        /// Elements with the link: inside the headline's element, or around it. None: the nearest `a`.
        link: Option<Selector>,
    },
}

impl Matcher {
    /// Reads the selectors.
    ///
    /// # Errors
    /// A selector that is not understood.
    pub fn selectors(headline: &str, link: Option<&str>) -> anyhow::Result<Self> {
        let selector = |text: &str| {
            Selector::parse(text).map_err(|error| anyhow!("{text:?} is no CSS selector: {error}"))
        };
        Ok(Self::Selectors { headline: selector(headline)?, link: link.map(selector).transpose()? })
    }
}

impl fmt::Debug for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Feed => f.write_str("Feed"),
            Self::Selectors { headline, link } => {
                f.debug_struct("Selectors").field("headline", headline).field("link", link).finish()
            }
        }
    }
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Title and link of each headline, in the order of the page.
    pub(super) headlines: Vec<(String, String)>,
    /// What matched and is not there: without a title, without a link that can be followed, there twice, or over the
    /// bound.
    pub(super) n_left_out: u64,
}

impl Found {
    fn push(&mut self, seen: &mut HashSet<String>, n_max: usize, title: &str, link: Option<Url>) {
        let title = clean(title);
        let link = link.filter(|link| matches!(link.scheme(), "http" | "https")).map(String::from);
        match link {
            Some(link)
                if !title.is_empty()
                    && link.len() <= LINK_BYTES_MAX
                    && self.headlines.len() < n_max
                    && seen.insert(link.clone()) =>
            {
                self.headlines.push((title, link));
            }
            _ => self.n_left_out += 1,
        }
    }
}

/// Finds at most `n_max` headlines. `base` is the address that the bytes really came from; `charset` is what the answer's
/// head said of them.
///
/// # Errors
/// A feed that is none.
pub(super) fn find(
    matcher: &Matcher,
    bytes: &[u8],
    charset: Option<&str>,
    base: &Url,
    n_max: usize,
) -> anyhow::Result<Found> {
    match matcher {
        Matcher::Feed => in_feed(bytes, base, n_max),
        Matcher::Selectors { headline, link } => {
            let (text, _, _) = encoding(bytes, charset).decode(bytes);
            Ok(in_page(&text, headline, link.as_ref(), base, n_max))
        }
    }
}

fn in_feed(bytes: &[u8], base: &Url, n_max: usize) -> anyhow::Result<Found> {
    let feed = feed_rs::parser::parse(bytes).context("it is no feed (RSS, Atom or JSON Feed)")?;
    let (mut found, mut seen) = (Found::default(), HashSet::new());
    for entry in feed.entries {
        let title = entry.title.map(|title| {
            let is_markup = title.content_type.subty() == "html";
            if is_markup || title.content.contains(['&', '<']) {
                text_of_fragment(&title.content)
            } else {
                title.content
            }
        });
        let is_alternate = |rel: Option<&str>| rel.is_none_or(|rel| rel == "alternate");
        let links = entry.links;
        let link = links.iter().find(|link| is_alternate(link.rel.as_deref())).or(links.first());
        let link = link.and_then(|link| base.join(&link.href).ok());
        found.push(&mut seen, n_max, title.as_deref().unwrap_or_default(), link);
    }
    Ok(found)
}

fn in_page(text: &str, headline: &Selector, link: Option<&Selector>, base: &Url, n_max: usize) -> Found {
    let page = Html::parse_document(text);
    let base = base_of(&page, base);
    let any_link = Selector::parse("a[href]").ok();
    let (mut found, mut seen) = (Found::default(), HashSet::new());
    for element in page.select(headline) {
        let title: String = element.text().collect();
        let href = link_element(element, link, any_link.as_ref()).and_then(|a| a.value().attr("href"));
        found.push(&mut seen, n_max, &title, href.and_then(|href| base.join(href.trim()).ok()));
    }
    found
}

/// What the page itself says its links are relative to.
fn base_of(page: &Html, base: &Url) -> Url {
    let said = Selector::parse("base[href]").ok().and_then(|selector| {
        page.select(&selector).next().and_then(|element| base.join(element.value().attr("href")?.trim()).ok())
    });
    said.unwrap_or_else(|| base.clone())
}

/// The element that holds a headline's link: itself, inside it, or around it. `any_link` is looked for where no `link` is
/// named.
fn link_element<'a>(
    headline: ElementRef<'a>,
    link: Option<&Selector>,
    any_link: Option<&Selector>,
) -> Option<ElementRef<'a>> {
    let selector = link.or(any_link)?;
    if selector.matches(&headline) {
        return Some(headline);
    }
    let around = || headline.ancestors().take(ANCESTORS_MAX).filter_map(ElementRef::wrap);
    headline
        .select(selector)
        .next()
        .or_else(|| around().find(|element| selector.matches(element)))
        .or_else(|| link.and_then(|_| around().find_map(|element| element.select(selector).next())))
}

/// Markup in a feed's title, as text.
fn text_of_fragment(markup: &str) -> String {
    Html::parse_fragment(markup).root_element().text().collect()
}

/// One line without anything that acts on it, cut where it is too long.
fn clean(title: &str) -> String {
    let words = title.split_whitespace().collect::<Vec<_>>().join(" ");
    let harmless = neutralise(&words);
    match harmless.char_indices().nth(TITLE_CHARS_MAX) {
        Some((at, _)) => format!("{}…", &harmless[..at]),
        None => harmless.into_owned(),
    }
}

/// What the bytes are written in: a byte order mark is taken into account by decoding; then the answer's head, then
/// the page's own word, then UTF-8 where it is valid, else what browsers fall back to.
fn encoding(bytes: &[u8], charset: Option<&str>) -> &'static Encoding {
    let by_label = |label: &str| Encoding::for_label(label.trim().as_bytes());
    charset
        .and_then(by_label)
        .or_else(|| prescan(bytes))
        .unwrap_or_else(|| if std::str::from_utf8(bytes).is_ok() { UTF_8 } else { encoding_rs::WINDOWS_1252 })
}

fn prescan(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(PRESCAN_BYTES)]).to_ascii_lowercase();
    let (_, behind) = head.split_once("charset")?;
    let label = behind.trim_start().strip_prefix('=')?.trim_start().trim_start_matches(['"', '\'']);
    let end =
        label.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_')).unwrap_or(label.len());
    let found = Encoding::for_label(&label.as_bytes()[..end])?;
    // A page that could be read this far is not written in UTF-16.
    Some(if found == encoding_rs::UTF_16LE || found == encoding_rs::UTF_16BE { UTF_8 } else { found })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> Url {
        Url::parse("https://news.example/today/index.html").unwrap()
    }

    fn check(page: &str, headline: &str, link: Option<&str>, expected: &[(&str, &str)], n_left_out: u64) {
        let matcher = Matcher::selectors(headline, link).unwrap();
        let found = find(&matcher, page.as_bytes(), None, &base(), 10).unwrap();
        let headlines: Vec<(&str, &str)> =
            found.headlines.iter().map(|(t, l)| (t.as_str(), l.as_str())).collect();
        assert_eq!((headlines.as_slice(), found.n_left_out), (expected, n_left_out), "{page}");
    }

    #[test]
    fn a_headline_has_its_link_in_itself_inside_or_around() {
        let one = &[("One two", "https://news.example/today/1")];
        check("<h2><a href=1>One\n <b>two</b></a></h2>", "h2", None, one, 0);
        check("<h2><a href=1>One two</a></h2>", "h2 a", None, one, 0);
        check("<a href=1><h2>One two</h2></a>", "h2", None, one, 0);
        check(
            "<div><h2>One two</h2><p><a class=more href=1>more</a></p></div>",
            "h2",
            Some("a.more"),
            one,
            0,
        );
        check("<h2>One two</h2>", "h2", None, &[], 1);
    }

    #[test]
    fn only_links_that_can_be_followed_are_taken_and_each_once() {
        let page = "<a href='javascript:alert(1)'>x</a><a href='data:text/html,x'>x</a><a href='//b.example/2'>two</a>\
                    <a href='/3?a=1&amp;b=2'>three</a><a href='/3?a=1&b=2'>again</a><a href=4> </a><a>none</a>";
        let expected = &[("two", "https://b.example/2"), ("three", "https://news.example/3?a=1&b=2")];
        check(page, "a", None, expected, 5);
        check(
            "<base href='https://cdn.example/x/'><a href=y>y</a>",
            "a",
            None,
            &[("y", "https://cdn.example/x/y")],
            0,
        );
    }

    #[test]
    fn a_title_is_text_and_bounded() {
        check(
            "<a href=1>&lt;script&gt;alert(1)&lt;/script&gt;</a>",
            "a",
            None,
            &[("<script>alert(1)</script>", "https://news.example/today/1")],
            0,
        );
        let matcher = Matcher::selectors("a", None).unwrap();
        let page = format!("<a href=1>{}\u{202e}</a>", "ż".repeat(400));
        let found = find(&matcher, page.as_bytes(), None, &base(), 10).unwrap();
        assert_eq!(found.headlines[0].0.chars().count(), TITLE_CHARS_MAX + 1);
        let many: String = (0..30).map(|n| format!("<a href={n}>{n}</a>")).collect();
        let found = find(&matcher, many.as_bytes(), None, &base(), 10).unwrap();
        assert_eq!((found.headlines.len(), found.n_left_out), (10, 20));
    }

    #[test]
    fn a_page_is_read_in_the_encoding_it_is_written_in() {
        let matcher = Matcher::selectors("a", None).unwrap();
        let title = |bytes: &[u8], charset: Option<&str>| {
            find(&matcher, bytes, charset, &base(), 10).unwrap().headlines[0].0.clone()
        };
        let latin2 = b"<a href=1>\xbf\xf3\xb3w</a>";
        assert_eq!(title(latin2, Some("iso-8859-2")), "żółw");
        let said = [b"<meta charset='ISO-8859-2'>".as_slice(), latin2].concat();
        assert_eq!(title(&said, None), "żółw");
        let said = b"<meta http-equiv=content-type content='text/html; charset=iso-8859-2'><a href=1>\xbf\xf3\xb3w</a>";
        assert_eq!(title(said, None), "żółw");
        assert_eq!(title("<a href=1>żółw</a>".as_bytes(), None), "żółw");
        assert_eq!(title(b"<a href=1>caf\xe9</a>", None), "café");
        assert_eq!(title(b"<a href=1>caf\xe9</a>", Some("no-such-charset")), "café");
    }

    #[test]
    fn feeds_of_both_kinds_are_read() {
        let rss = br#"<?xml version="1.0"?><rss version="2.0"><channel><title>t</title>
            <item><title>One &amp;amp; two</title><link>/1</link></item>
            <item><title><![CDATA[<b>Bold</b>]]></title><link>https://b.example/2</link></item>
            <item><title>no link</title></item></channel></rss>"#;
        let found = find(&Matcher::Feed, rss, None, &base(), 10).unwrap();
        let expected = [("One & two", "https://news.example/1"), ("Bold", "https://b.example/2")];
        assert_eq!(found.headlines, expected.map(|(t, l)| (t.to_owned(), l.to_owned())));
        assert_eq!(found.n_left_out, 1);
        let atom = br#"<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>t</title><id>x</id>
            <updated>2026-01-01T00:00:00Z</updated><entry><title type="html">a &lt;i&gt;b&lt;/i&gt;</title><id>1</id>
            <updated>2026-01-01T00:00:00Z</updated><link rel="self" href="/no"/><link href="/yes"/></entry></feed>"#;
        let found = find(&Matcher::Feed, atom, None, &base(), 10).unwrap();
        assert_eq!(found.headlines, [("a b".to_owned(), "https://news.example/yes".to_owned())]);
        assert!(find(&Matcher::Feed, b"<html>no feed</html>", None, &base(), 10).is_err());
    }
}
