//! `index.html`: what its `data-trunk` elements mean, so that the page is the same with and without Trunk.
//!
//! Knows the few kinds that this page uses (trunkrs.dev/assets) and refuses any other, so that nothing is left out of
//! the page in silence.

use anyhow::{Context, Result, bail};

/// A page shell without `data-trunk` elements, and the files that it needs beside it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shell {
    /// The text for the browser.
    pub(super) html: String,
    /// What to copy.
    pub(super) copies: Vec<Copy>,
}

/// A file that goes with the page.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Copy {
    /// Where it stands, from the top of the repository.
    pub(super) from: String,
    /// Its name on the page, where all files stand side by side.
    pub(super) to: String,
}

/// Replaces each `data-trunk` element of `html` by what the browser should see. The compiled page has this `name`, and its
/// script imports another `script`.
pub(super) fn resolve(html: &str, name: &str, script: &str) -> Result<Shell> {
    let mut shell = Shell { html: String::with_capacity(html.len()), copies: Vec::new() };
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        let (before, from_tag) = rest.split_at(start);
        shell.html.push_str(before);
        let is_comment = from_tag.starts_with("<!--");
        let end = if is_comment { from_tag.find("-->").map(|at| at + 3) } else { tag_end(from_tag) };
        let (tag, after) = from_tag.split_at(end.context("index.html ends inside a tag")?);
        let attributes = if is_comment { Vec::new() } else { attributes(tag) };
        if attributes.iter().any(|(key, _)| key == "data-trunk") {
            let element = Element { tag, attributes };
            element.resolve(name, script, &mut shell).with_context(|| format!("in index.html: {tag}"))?;
        } else {
            shell.html.push_str(tag);
        }
        rest = after;
    }
    shell.html.push_str(rest);
    Ok(shell)
}

struct Element<'a> {
    tag: &'a str,
    attributes: Vec<(String, String)>,
}

impl Element<'_> {
    fn resolve(&self, name: &str, script: &str, shell: &mut Shell) -> Result<()> {
        if self.tag.starts_with("<script") {
            let src = self.copied("src", shell)?;
            let kept = self.kept(&["data-trunk", "src"]);
            shell.html.push_str(&format!("<script src=\"{src}\"{kept}>"));
            return Ok(());
        }
        match self.value("rel").unwrap_or_default() {
            // The loader is a module of its own; these only begin all downloads at once.
            "rust" => shell.html.push_str(&format!(
                "<link rel=\"modulepreload\" href=\"./{name}.js\">\
                 <link rel=\"modulepreload\" href=\"./{script}\">\
                 <link rel=\"preload\" href=\"./{name}_bg.wasm\" as=\"fetch\" type=\"application/wasm\" crossorigin>"
            )),
            "css" => {
                let href = self.copied("href", shell)?;
                shell.html.push_str(&format!("<link rel=\"stylesheet\" href=\"{href}\">"));
            }
            "icon" => {
                let href = self.copied("href", shell)?;
                let kept = self.kept(&["data-trunk", "rel", "href"]);
                shell.html.push_str(&format!("<link rel=\"icon\" href=\"{href}\"{kept}>"));
            }
            "copy-file" => {
                self.copied("href", shell)?;
            }
            other => bail!("xtask does not know what Trunk makes of rel={other:?}"),
        }
        Ok(())
    }

    fn value(&self, key: &str) -> Option<&str> {
        self.attributes.iter().find(|(k, _)| k == key).map(|(_, value)| value.as_str())
    }

    /// Plans the copy of the file that `key` names, and gives its address on the page.
    fn copied(&self, key: &str, shell: &mut Shell) -> Result<String> {
        let from = self.value(key).with_context(|| format!("{key} is missing"))?.to_owned();
        let to = from.rsplit('/').next().unwrap_or(&from).to_owned();
        shell.copies.push(Copy { from, to: to.clone() });
        Ok(format!("./{to}"))
    }

    /// The attributes that the browser should still see.
    fn kept(&self, left_out: &[&str]) -> String {
        let kept = self.attributes.iter().filter(|(key, _)| !left_out.contains(&key.as_str()));
        kept.map(
            |(key, value)| if value.is_empty() { format!(" {key}") } else { format!(" {key}=\"{value}\"") },
        )
        .collect()
    }
}

/// Where the tag ends that `text` begins with: behind the first `>` outside quotes.
fn tag_end(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (None, '>') => return Some(at + 1),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
    }
    None
}

/// Keys and values of a tag; the value is empty where there is none.
fn attributes(tag: &str) -> Vec<(String, String)> {
    let inner = tag.trim_start_matches('<').trim_end_matches('>').trim_end_matches('/');
    let mut rest = inner.trim_start_matches(|c: char| !c.is_whitespace()).trim_start();
    let mut found = Vec::new();
    while !rest.is_empty() {
        let key_end = rest.find(|c: char| c.is_whitespace() || c == '=').unwrap_or(rest.len());
        let (key, after) = rest.split_at(key_end);
        let (value, after) = match after.trim_start().strip_prefix('=') {
            None => ("", after),
            Some(after) => value(after.trim_start()),
        };
        found.push((key.to_owned(), value.to_owned()));
        rest = after.trim_start();
    }
    found
}

/// The value that `text` begins with, quoted or not, and what follows it.
fn value(text: &str) -> (&str, &str) {
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote) {
            return inner.split_once(quote).unwrap_or((inner, ""));
        }
    }
    text.split_at(text.find(char::is_whitespace).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(html: &str, expected: &str, copies: &[(&str, &str)]) {
        let shell = resolve(html, "page", "rest.js").unwrap();
        assert_eq!(shell.html, expected);
        let found: Vec<_> = shell.copies.iter().map(|c| (c.from.as_str(), c.to.as_str())).collect();
        assert_eq!(found, copies);
    }

    #[test]
    fn each_kind_becomes_what_the_browser_needs() {
        check(
            "<head>\n<link data-trunk rel=\"css\" href=\"frontend/styles/a.css\" />\n</head>",
            "<head>\n<link rel=\"stylesheet\" href=\"./a.css\">\n</head>",
            &[("frontend/styles/a.css", "a.css")],
        );
        check(
            "<link data-trunk rel='icon' type='image/svg+xml' href='frontend/icon.svg'>",
            "<link rel=\"icon\" href=\"./icon.svg\" type=\"image/svg+xml\">",
            &[("frontend/icon.svg", "icon.svg")],
        );
        check("<link data-trunk rel=copy-file href=a/config.json>", "", &[("a/config.json", "config.json")]);
        check(
            "<script data-trunk type=\"module\" src=\"frontend/boot.js\"></script>",
            "<script src=\"./boot.js\" type=\"module\"></script>",
            &[("frontend/boot.js", "boot.js")],
        );
        check(
            "<link data-trunk rel=\"rust\" href=\"frontend/Cargo.toml\" data-wasm-opt=\"0\">",
            "<link rel=\"modulepreload\" href=\"./page.js\">\
             <link rel=\"modulepreload\" href=\"./rest.js\">\
             <link rel=\"preload\" href=\"./page_bg.wasm\" as=\"fetch\" type=\"application/wasm\" crossorigin>",
            &[],
        );
    }

    #[test]
    fn what_is_not_for_trunk_stays_as_it_is() {
        for html in
            ["<!doctype html><p title=\"a > b\">5 &lt; 6</p>", "<!-- <link data-trunk rel=css> -->", "no tag"]
        {
            check(html, html, &[]);
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for html in
            ["<link data-trunk rel=\"sass\" href=\"a\">", "<link data-trunk rel=\"css\">", "<link data-trunk"]
        {
            assert!(resolve(html, "page", "rest.js").is_err(), "{html}");
        }
    }
}
