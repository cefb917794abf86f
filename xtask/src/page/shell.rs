//! `index.html`: what its `data-trunk` lines mean, so that the page is the same with and without Trunk.
//!
//! Knows the two kinds that this page uses (trunkrs.dev/assets) and refuses any other, so that nothing is left out
//! of the page in silence.

use anyhow::{Context, Result, bail};

/// A page shell without `data-trunk` lines, and the files that it needs beside it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shell {
    /// The text for the browser.
    pub(super) html: String,
    /// Files to put beside it under their own names, from the top of the repository.
    pub(super) copies: Vec<String>,
}

/// Takes the `data-trunk` lines out of `html` and tells what they ask for.
pub(super) fn resolve(html: &str) -> Result<Shell> {
    let mut shell = Shell { html: String::with_capacity(html.len()), copies: Vec::new() };
    for line in html.split_inclusive('\n') {
        if !line.contains("data-trunk") {
            shell.html.push_str(line);
            continue;
        }
        let tag = line.trim();
        if !tag.starts_with("<link ") || tag.matches('<').count() != 1 || !tag.ends_with('>') {
            bail!("index.html must hold each `data-trunk` link on a line of its own, but has: {tag}");
        }
        match attribute(tag, "rel") {
            // Compiled and joined to the browser by xtask; boot.js loads it.
            Some("rust") => {}
            Some("copy-file") => {
                let href = attribute(tag, "href").with_context(|| format!("href is missing in {tag}"))?;
                shell.copies.push(href.to_owned());
            }
            _ => bail!("xtask does not know what Trunk makes of {tag}"),
        }
    }
    Ok(shell)
}

/// The value of `name="value"` in a tag.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let (_, from_value) = tag.split_once(&format!(" {name}=\""))?;
    Some(from_value.split_once('"')?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browser_sees_no_trunk_and_the_files_go_along() {
        let html = "<head>\n  \
            <link data-trunk rel=\"rust\" href=\"frontend/Cargo.toml\" data-wasm-opt=\"0\">\n  \
            <link data-trunk rel=\"copy-file\" href=\"frontend/style/base.css\">\n  \
            <link rel=\"stylesheet\" href=\"base.css\">\n</head>\n";
        let expected = Shell {
            html: "<head>\n  <link rel=\"stylesheet\" href=\"base.css\">\n</head>\n".to_owned(),
            copies: vec!["frontend/style/base.css".to_owned()],
        };
        assert_eq!(resolve(html).unwrap(), expected);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for html in [
            "<link data-trunk rel=\"sass\" href=\"a\">",
            "<link data-trunk rel=\"copy-file\">",
            "<link data-trunk rel=\"copy-file\" href=\"a\"><p>",
            "<script data-trunk src=\"a\"></script>",
        ] {
            assert!(resolve(html).is_err(), "{html}");
        }
    }
}
