//! What the documents and the page promise: that each command shown exists, and that no script stands inline.
//!
//! A command is not run as it stands, for most of them do not end. `signalbox` is asked for the help of exactly what
//! was typed, which refuses unknown subcommands, flags and values; other programs must be known.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::{process, progress, workspace};

/// Programs that documents may call besides our own, because a reader has them or is told how to get them.
const KNOWN: [&str; 14] = [
    "apt-get", "cargo", "cd", "chromium", "curl", "echo", "git", "open", "pip", "printf", "python3", "sudo",
    "trunk", "xdg-open",
];

/// Checks every `sh` block of the README, the guides at the top and `docs/`.
pub(crate) fn check_commands(signalbox: &Path) -> Result<()> {
    let mut problems = Vec::new();
    let mut n_commands = 0;
    for document in documents()? {
        let text = workspace::read(&document)?;
        for (line, command) in commands(&text) {
            n_commands += 1;
            if let Err(problem) = check(&command, signalbox) {
                let name =
                    document.strip_prefix(workspace::root()?).unwrap_or(&document).display().to_string();
                problems.push(format!("{name}:{line}: {problem}"));
            }
        }
    }
    if !problems.is_empty() {
        bail!("{}", problems.join("\n"));
    }
    progress::say(&format!("  {n_commands} commands in the documents, all of which exist"));
    Ok(())
}

/// Refuses a page that the relay's Content-Security-Policy (`script-src 'self'`) would not let run.
pub(crate) fn no_inline_script(html: &str) -> Result<()> {
    for (at, _) in html.match_indices("<script") {
        let (tag, behind) = html[at..].split_once('>').unwrap_or((&html[at..], ""));
        let is_empty = behind.trim_start().starts_with("</script>");
        if !(tag.contains(" src=") && is_empty) {
            bail!("index.html holds an inline script, which its Content-Security-Policy blocks: {tag}>");
        }
    }
    Ok(())
}

fn documents() -> Result<Vec<PathBuf>> {
    let root = workspace::root()?;
    let tracked = process::output(Command::new("git").args(["ls-files", "*.md"]).current_dir(&root))?;
    Ok(tracked.lines().map(|name| root.join(name)).filter(|file| file.is_file()).collect())
}

/// The commands in the `sh` blocks of a Markdown text, each with its line; a backslash at the end joins two lines.
fn commands(markdown: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut is_inside = false;
    let mut unfinished: Option<(usize, String)> = None;
    for (number, line) in (1..).zip(markdown.lines()) {
        let line = line.trim();
        if line.starts_with("```") {
            is_inside = !is_inside && line == "```sh";
            continue;
        }
        if !is_inside || (unfinished.is_none() && (line.is_empty() || line.starts_with('#'))) {
            continue;
        }
        let (first, text) = unfinished.take().unwrap_or((number, String::new()));
        match line.strip_suffix('\\') {
            Some(part) => unfinished = Some((first, text + part)),
            None => found.push((first, text + line)),
        }
    }
    found
}

/// Checks each program of a line such as `echo hello | signalbox send /topic/news`.
fn check(line: &str, signalbox: &Path) -> Result<()> {
    let line = line.split(" #").next().unwrap_or(line);
    for part in line.split(['|', ';', '&']) {
        let words: Vec<&str> = part.split_whitespace().map(|word| word.trim_matches(['"', '\''])).collect();
        let words: Vec<&str> =
            words.into_iter().skip_while(|word| word.contains('=') && !word.starts_with('-')).collect();
        match words.as_slice() {
            [] => {}
            [program, args @ ..] if program.rsplit('/').next() == Some("signalbox") => {
                let mut command = Command::new(signalbox);
                let output =
                    command.args(args.iter().take_while(|arg| **arg != "--")).arg("--help").output()?;
                if !output.status.success() {
                    bail!("`{}` is refused: {}", part.trim(), String::from_utf8_lossy(&output.stderr).trim());
                }
            }
            ["cargo", "xtask", command, ..] if crate::COMMANDS.contains(command) => {}
            ["cargo", "xtask", ..] => bail!("`{}`: there is no such xtask command", part.trim()),
            [program, ..] if KNOWN.contains(program) => {}
            [program, ..] => bail!(
                "`{}`: {program} is none of the programs that a reader is expected to have",
                part.trim()
            ),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_come_from_sh_blocks_only() {
        let text =
            "a\n```sh\n# why\ncargo xtask run\n\na \\\n  b\n```\n```rust\nlet x;\n```\n  ```sh\n  c\n  ```\n";
        let expected =
            [(4, "cargo xtask run"), (6, "a b"), (13, "c")].map(|(at, text)| (at, text.to_owned()));
        assert_eq!(commands(text), expected);
    }

    #[test]
    fn unknown_programs_and_commands_are_refused() {
        let check = |line: &str| check(line, Path::new("false")).is_ok();
        assert!(check("cargo xtask run --demo"));
        assert!(check("RUST_LOG=debug cargo build | cd x && git status  # and so on"));
        assert!(!check("cargo xtask fly"));
        assert!(!check("rocket launch"));
        assert!(!check("echo x | signalbox send"), "`false` refuses everything");
    }

    #[test]
    fn a_script_must_come_from_a_file() {
        let check = |html: &str| no_inline_script(html).is_ok();
        assert!(check("<script type=\"module\" src=\"./boot.js\"></script><p>"));
        assert!(check("<p>no script</p>"));
        assert!(!check("<script>alert(1)</script>"));
        assert!(!check("<script type=\"module\" src=\"./boot.js\">alert(1)</script>"));
        assert!(!check("<script"));
    }
}
