//! `cargo xtask tidy`: the invariants that keep the rooms of this house apart, checked by a program, not hoped for.
//!
//! It reads text only, so it is quick and needs nothing built. Every rule has a reason, which stands beside what it
//! finds. Where a rule is rightly broken, the line before says so: `// tidy: allow <rule>: <reason>`.

mod code;
mod rules;
mod text;

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::{process, progress, workspace};

/// Takes a line, a rule's name, what is wrong, and why it is.
type Report<'a> = dyn FnMut(usize, &'static str, String, &'static str) + 'a;

/// One file that git knows or would know, as text.
pub(crate) struct File {
    /// From the top of the repository, with slashes.
    path: String,
    /// What it holds.
    text: String,
    /// The same, line by line, with comments and the insides of strings blanked when it is Rust.
    code: String,
}

/// Something that breaks a rule.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    path: String,
    /// Counted from 1.
    line: usize,
    rule: &'static str,
    message: String,
    why: &'static str,
}

impl File {
    fn new(path: &str, text: String) -> Self {
        let code = if path.ends_with(".rs") { code::code_only(&text) } else { text.clone() };
        Self { path: path.to_owned(), text, code }
    }

    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Whether it stands in one of these: a directory when the name ends with a slash, else a file.
    fn is_in(&self, places: &[&str]) -> bool {
        places.iter().any(|place| {
            if place.ends_with('/') { self.path.starts_with(place) } else { self.path == *place }
        })
    }

    /// Whether the line before `line`, or the line itself, allows to break `rule` and says why.
    fn allows(&self, line: usize, rule: &str) -> bool {
        let marker = format!("tidy: allow {rule}: ");
        self.text.lines().skip(line.saturating_sub(2)).take(2).any(|text| {
            text.split_once(&marker)
                .is_some_and(|(before, reason)| before.contains("//") && !reason.trim().is_empty())
        })
    }
}

/// Checks the whole repository.
pub(crate) fn run() -> Result<()> {
    let root = workspace::root()?;
    let files = load(&root)?;
    let findings = check(&files, &own_paths(&root));
    for finding in &findings {
        let Finding { path, line, rule, message, why } = finding;
        println!("{path}:{line}: {message} [{rule}: {why}]");
    }
    match findings.len() {
        0 => {
            progress::say(&format!("  {} files, every invariant holds", files.len()));
            Ok(())
        }
        n => bail!("{n} place(s) break an invariant; each is named above with its reason"),
    }
}

/// Every finding that its file does not allow, in the order of the files.
fn check(files: &[File], own_paths: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        let mut report = |line, rule, message, why| {
            if !file.allows(line, rule) {
                findings.push(Finding { path: file.path.clone(), line, rule, message, why });
            }
        };
        if file.is_rust() {
            rules::check(file, &mut report);
        }
        text::check(file, own_paths, &mut report);
    }
    findings
}

/// Where this checkout and its user live: paths that mean nothing to anyone else.
fn own_paths(root: &Path) -> Vec<String> {
    let home = std::env::var("HOME").ok().filter(|home| home.len() > 1);
    home.into_iter().chain([root.display().to_string()]).map(|path| format!("{path}/")).collect()
}

/// Every file that is tracked or could be, but not what is ignored; binary files are nobody's prose.
fn load(root: &Path) -> Result<Vec<File>> {
    let mut git = Command::new("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"])
        .current_dir(root);
    let names = process::output(&mut git)?;
    let names = names.split_terminator('\0');
    // A file that was removed but not yet committed is still listed.
    Ok(names.filter_map(|name| Some(File::new(name, fs::read_to_string(root.join(name)).ok()?))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::TempDir;

    #[test]
    fn a_bad_tree_is_refused_with_file_and_line() {
        let temp = TempDir::new("tidy");
        process::run(Command::new("git").args(["init", "--quiet"]).arg(temp.path())).unwrap();
        let files = [
            (".gitignore", "/ignored.rs\n"),
            ("ignored.rs", "use axum;"),
            ("server/src/web.rs", "//! The web.\nuse axum::Router;\n"),
            ("server/src/chat.rs", "//! The chat.\n// No axum here.\n\nuse axum::Router;\n"),
        ];
        for (name, text) in files {
            let path = temp.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let findings = check(&load(temp.path()).unwrap(), &[]);
        let places: Vec<_> = findings.iter().map(|f| (f.path.as_str(), f.line, f.rule)).collect();
        assert_eq!(places, [("server/src/chat.rs", 4, "rooms")]);
    }

    #[test]
    fn breaking_a_rule_is_allowed_only_with_a_reason() {
        let n_findings = |comment: &str| {
            let text = format!("//! A file.\n{comment}\nfn f() {{ a.forget(); }}\n");
            check(&[File::new("frontend/src/a.rs", text)], &[]).len()
        };
        assert_eq!(n_findings(""), 1);
        assert_eq!(n_findings("// tidy: allow forget: lives as long as the page"), 0);
        assert_eq!(n_findings("// tidy: allow forget: "), 1);
        assert_eq!(n_findings("// tidy: allow sleep: another rule"), 1);
    }
}
