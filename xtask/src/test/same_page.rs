//! Whether two ways of building the page give the same page, apart from the pieces that only one of them cuts it in.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::page;

/// Each file of a page with its content, the forms compressed in advance left out.
type Files = BTreeMap<PathBuf, Vec<u8>>;

/// Compares the page in `ours` with what Trunk put into `theirs`, to the last byte.
///
/// Only the presence counts of `index.html`, where Trunk leaves its own marks, and of the compiled page, which Trunk makes
/// in one piece; its second piece is in `ours` alone.
pub(super) fn check(ours: &Path, theirs: &Path) -> Result<()> {
    let differing = differing(&files(ours)?, &files(theirs)?);
    if !differing.is_empty() {
        bail!("xtask and Trunk make different pages; they differ in: {}", differing.join(", "));
    }
    Ok(())
}

fn files(page: &Path) -> Result<Files> {
    let is_plain =
        |file: &PathBuf| file.extension().is_none_or(|extension| extension != "br" && extension != "gz");
    let read = |file: PathBuf| {
        let content =
            fs::read(page.join(&file)).with_context(|| format!("cannot read {}", file.display()))?;
        let is_any = file == Path::new("index.html") || page::is_code(&file);
        Ok((file, if is_any { Vec::new() } else { content }))
    };
    let is_of_both = |file: &PathBuf| is_plain(file) && !page::is_second_piece(file);
    page::files_below(page)?.into_iter().filter(is_of_both).map(read).collect()
}

fn differing(ours: &Files, theirs: &Files) -> Vec<String> {
    let all = ours.keys().chain(theirs.keys().filter(|file| !ours.contains_key(*file)));
    let name = |file: &PathBuf| match (ours.get(file), theirs.get(file)) {
        (Some(our), Some(their)) if our == their => None,
        (Some(_), Some(_)) => Some(format!("{} (not the same bytes)", file.display())),
        (Some(_), None) => Some(format!("{} (only in ours)", file.display())),
        (None, _) => Some(format!("{} (only in Trunk's)", file.display())),
    };
    all.filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_that_differ_are_told_apart_by_file() {
        let files = |files: &[(&str, &str)]| {
            files.iter().map(|(name, text)| (name.into(), text.as_bytes().to_vec())).collect::<Files>()
        };
        let ours = files(&[("a.js", "a"), ("b.css", "b"), ("c.js", "c")]);
        assert!(differing(&ours, &ours).is_empty());
        let theirs = files(&[("a.js", "a"), ("c.js", "d"), ("e.js", "e")]);
        let expected = ["b.css (only in ours)", "c.js (not the same bytes)", "e.js (only in Trunk's)"];
        assert_eq!(differing(&ours, &theirs), expected);
    }
}
