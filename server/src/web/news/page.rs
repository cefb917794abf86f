//! The headlines as one HTML page: a box each, in the colour of its source, sorted by title. Pure.
//!
//! Titles and links are data: everything is escaped, and the page may load and run nothing. The colours stand in its one
//! style element, which the policy allows by its hash.

use std::fmt::Write as _;

use axum::http::HeaderValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use signalbox_shared::news::{Headline, News, NewsSource};

/// What the page looks like, before its sources' colours.
const STYLE: &str = "\
:root{color-scheme:light dark;--ground:#f4f2ee;--box:#fff;--text:#1c1f22;--quiet:#5b6167}\
@media(prefers-color-scheme:dark){:root{--ground:#14171a;--box:#1e2226;--text:#e8e6e2;--quiet:#a3a9af}}\
body{margin:0;padding:16px;background:var(--ground);color:var(--text);font:16px/1.4 system-ui,sans-serif}\
h1{font-size:20px;margin:0 0 4px}p{margin:0 0 12px;color:var(--quiet)}\
ul{list-style:none;margin:0;padding:0;display:grid;gap:10px;grid-template-columns:repeat(auto-fill,minmax(260px,1fr))}\
.boxes li{background:var(--box);border-left:6px solid var(--source);border-radius:6px}\
.boxes a{display:block;min-height:44px;padding:10px 12px;color:inherit;text-decoration:none;overflow-wrap:anywhere}\
.boxes a:hover,.boxes a:focus-visible{text-decoration:underline}\
.boxes span{display:block;font-size:13px;color:var(--quiet)}\
.failures{margin-bottom:16px;display:block}.failures li{margin-bottom:4px}";

/// A page and what it may do.
pub(super) struct Page {
    pub(super) html: String,
    pub(super) content_security_policy: HeaderValue,
}

/// Makes the page.
pub(super) fn render(news: &News) -> Page {
    let mut style = STYLE.to_owned();
    for (i, source) in news.sources.iter().enumerate() {
        let _ = write!(style, ".s{i}{{--source:{}}}", source.color);
    }
    let hash = STANDARD.encode(Sha256::digest(style.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let mut boxes: Vec<(usize, &NewsSource, &Headline)> = Vec::new();
    for (i, source) in news.sources.iter().enumerate() {
        boxes.extend(source.headlines.iter().map(|headline| (i, source, headline)));
    }
    boxes.sort_by_cached_key(|(_, _, headline)| (headline.title.to_lowercase(), headline.link.clone()));
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>News · Signalbox</title>\n\
         <style>{style}</style>\n</head>\n<body>\n<main>\n<h1>News</h1>\n<p>{} headlines of {} sources</p>\n",
        boxes.len(),
        news.sources.len(),
    );
    failures(&mut html, news);
    html.push_str("<ul class=\"boxes\">\n");
    for (i, source, headline) in boxes {
        let _ = writeln!(
            html,
            "<li class=\"s{i}\"><a href=\"{}\" rel=\"noopener noreferrer\">{}<span>{}</span></a></li>",
            escape(&headline.link),
            escape(&headline.title),
            escape(&source.name)
        );
    }
    html.push_str("</ul>\n</main>\n</body>\n</html>\n");
    // The hash is base64; nothing else in the policy varies.
    let content_security_policy =
        HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'none'"));
    Page { html, content_security_policy }
}

fn failures(html: &mut String, news: &News) {
    let mut failed =
        news.sources.iter().filter_map(|source| Some((source, source.failure.as_ref()?))).peekable();
    if failed.peek().is_none() {
        return;
    }
    html.push_str("<ul class=\"failures\" aria-label=\"Sources that failed\">\n");
    for (source, failure) in failed {
        let minutes = |at_ms: i64| match (news.now_ms - at_ms).max(0) / 60_000 {
            1 => "1 minute".to_owned(),
            n => format!("{n} minutes"),
        };
        let headlines = match source.fetched_at_ms {
            Some(at_ms) => format!("its headlines are {} old", minutes(at_ms)),
            None => "no headlines yet".to_owned(),
        };
        let age = format!("; failing for {}, {headlines}", minutes(failure.at_ms));
        let _ = writeln!(
            html,
            "<li><strong>{}</strong>: {}{age}</li>",
            escape(&source.name),
            escape(&failure.reason)
        );
    }
    html.push_str("</ul>\n");
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use signalbox_shared::news::NewsFailure;

    use super::*;

    fn source(name: &str, titles: &[&str]) -> NewsSource {
        let headline = |title: &&str| Headline {
            title: (*title).to_owned(),
            link: format!("https://a.example/?x=1&y={}", title.len()),
            first_seen_ms: 0,
        };
        NewsSource {
            name: name.to_owned(),
            url: "https://a.example/".to_owned(),
            color: "#123456".to_owned(),
            is_fetching: false,
            fetched_at_ms: Some(0),
            took_ms: Some(1),
            failure: None,
            headlines: titles.iter().map(headline).collect(),
            n_left_out: 0,
        }
    }

    #[test]
    fn boxes_are_sorted_by_title_and_nothing_in_them_is_markup() {
        let hostile = "<script>alert(1)</script>";
        let mut failed = source("B \"<b>\"", &[]);
        failed.failure = Some(NewsFailure { reason: "<i>no</i>".to_owned(), at_ms: 60_000 });
        let news = News {
            revision: 1,
            now_ms: 120_000,
            sources: vec![source("A", &["beta", hostile, "Alpha"]), failed],
        };
        let page = render(&news);
        let at = |text: &str| page.html.find(text).unwrap_or_else(|| panic!("{text} in {}", page.html));
        assert!(at("&lt;script&gt;") < at(">Alpha<") && at(">Alpha<") < at(">beta<"));
        assert!(!page.html.contains("<script") && !page.html.contains("<i>"));
        at("href=\"https://a.example/?x=1&amp;y=4\" rel=\"noopener noreferrer\"");
        at(
            "<strong>B &quot;&lt;b&gt;&quot;</strong>: &lt;i&gt;no&lt;/i&gt;; failing for 1 minute, its headlines are 2 minutes old",
        );
        at(".s0{--source:#123456}");
    }

    #[test]
    fn the_policy_allows_exactly_this_pages_style() {
        let page = render(&News { revision: 0, now_ms: 0, sources: vec![source("A", &["x"])] });
        let style = page.html.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
        let hash = STANDARD.encode(Sha256::digest(style.as_bytes()));
        assert!(page.content_security_policy.to_str().unwrap().contains(&format!("'sha256-{hash}'")));
    }
}
