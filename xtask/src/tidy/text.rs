//! The rules for any text: lengths, manifests, and what only one machine would understand.

use super::{File, Report};

/// Lines of a source file beyond which two jobs live in one room.
const LINES_MAX: usize = 500;
/// First words of hosts that serve packages; an address of one ties the build to somebody's network.
const REGISTRY_HOSTS: [&str; 9] =
    ["registry.", "index.", "static.", "files.", "mirror.", "mirrors.", "packages.", "proxy.", "deb."];
/// Where people's home directories are.
const HOMES: [&str; 3] = ["/home/", "/Users/", "/root/"];

/// Packages that a part of the house must not depend on, in any section of its manifest.
const DEPENDENCIES: &[(&str, &[&str], &str)] = &[
    (
        "shared/Cargo.toml",
        &[
            "signalbox",
            "signalbox-frontend",
            "tokio",
            "axum",
            "zmq",
            "web-sys",
            "js-sys",
            "wasm-bindgen",
            "leptos",
            "gloo-net",
        ],
        "the shared types stand below both halves",
    ),
    (
        "server/Cargo.toml",
        &["signalbox-frontend", "leptos", "web-sys", "wasm-bindgen"],
        "the halves never see each other",
    ),
    ("frontend/Cargo.toml", &["signalbox", "tokio", "axum", "zmq"], "the halves never see each other"),
];

/// Holds the names that no other file may hold.
const THIS_FILE: &str = "xtask/src/tidy/text.rs";

/// Checks one file by every rule. `own_paths` are the directories of this machine that no file may name.
pub(super) fn check(file: &File, own_paths: &[String], report: &mut Report<'_>) {
    length(file, report);
    dependencies(file, report);
    paths(file, own_paths, report);
    registries(file, report);
}

fn length(file: &File, report: &mut Report<'_>) {
    let is_source = [".rs", ".css", ".js", ".py", ".html"].iter().any(|end| file.path.ends_with(end));
    let n_lines = file.text.lines().count();
    if is_source && LINES_MAX < n_lines {
        let message = format!("{n_lines} lines are over the {LINES_MAX} that a file may have");
        report(LINES_MAX + 1, "length", message, "two jobs live in one room; split the file by job");
    }
}

fn dependencies(file: &File, report: &mut Report<'_>) {
    for &(_, forbidden, why) in DEPENDENCIES.iter().filter(|(path, ..)| *path == file.path) {
        let mut is_dependencies = false;
        for (line, text) in (1..).zip(file.text.lines()) {
            let named = if let Some(section) = text.trim().strip_prefix('[') {
                let section = section.trim_end_matches(']');
                is_dependencies = section.ends_with("dependencies");
                section.split_once("dependencies.").map(|(_, name)| name)
            } else {
                let key = text.split(['=', '.']).next().unwrap_or_default().trim();
                is_dependencies.then_some(key)
            };
            if let Some(name) = named.filter(|name| forbidden.contains(name)) {
                report(line, "dependencies", format!("{} depends on {name}", file.path), why);
            }
        }
    }
}

fn paths(file: &File, own_paths: &[String], report: &mut Report<'_>) {
    for (line, text) in (1..).zip(file.text.lines()) {
        let own = own_paths.iter().map(String::as_str);
        let named = own.chain(HOMES).find(|path| {
            // Behind a letter it is the end of another path or of an address.
            text.match_indices(path)
                .any(|(at, _)| !text[..at].ends_with(|c: char| c.is_alphanumeric() || "._-}~".contains(c)))
        });
        if named.is_some() && !file.is_in(&[THIS_FILE]) {
            let message = "a path of one person's machine".to_owned();
            report(line, "paths", message, "it means nothing, or something else, on every other machine");
        }
    }
}

fn registries(file: &File, report: &mut Report<'_>) {
    if file.is_in(&[THIS_FILE]) {
        return;
    }
    for (line, text) in (1..).zip(file.text.lines()) {
        if file.path.ends_with("Cargo.lock") && text.starts_with("source = ") {
            continue; // Cargo itself writes these.
        }
        let names_one =
            text.split("://").skip(1).any(|host| REGISTRY_HOSTS.iter().any(|start| host.starts_with(start)));
        if names_one {
            let message = "the address of a package registry".to_owned();
            report(
                line,
                "registries",
                message,
                "which registry is used is a setting of each machine, not of the project",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines and rules that `text` breaks as the file `path`.
    fn check(path: &str, text: &str, expected: &[(usize, &str)]) {
        let mut found = Vec::new();
        let own_paths = ["/srv/ada/signalbox/".to_owned()];
        super::check(&File::new(path, text.to_owned()), &own_paths, &mut |line, rule, _, _| {
            found.push((line, rule));
        });
        assert_eq!(found, expected, "{path}: {text}");
    }

    #[test]
    fn files_stay_short() {
        check("frontend/a.css", &"p{}\n".repeat(500), &[]);
        check("frontend/a.css", &"p{}\n".repeat(501), &[(501, "length")]);
        check("docs/a.md", &"line\n".repeat(501), &[]);
    }

    #[test]
    fn manifests_keep_the_halves_apart() {
        check("server/Cargo.toml", "[dependencies]\nsignalbox-shared.workspace = true\n", &[]);
        check(
            "server/Cargo.toml",
            "[dependencies]\nsignalbox-frontend = { path = \"../frontend\" }",
            &[(2, "dependencies")],
        );
        check(
            "frontend/Cargo.toml",
            "[dev-dependencies]\nsignalbox = { path = \"../server\" }",
            &[(2, "dependencies")],
        );
        check(
            "shared/Cargo.toml",
            "[package]\nname = \"signalbox\"\n[dependencies]\ntokio.workspace = true",
            &[(4, "dependencies")],
        );
        check("shared/Cargo.toml", "[dependencies.web-sys]\nworkspace = true", &[(1, "dependencies")]);
        check("xtask/Cargo.toml", "[dependencies]\ntokio = \"1\"", &[]);
    }

    #[test]
    fn nothing_names_one_machine_or_one_registry() {
        check("docs/a.md", "see /srv/ada/signalbox/docs", &[(1, "paths")]);
        check("docs/a.md", "a\nin `/home/ada/x`", &[(2, "paths")]);
        check("docs/a.md", "GET https://example.org/home/page and target/home/x", &[]);
        check("a.toml", "x = \"https://registry.example.org/\"", &[(1, "registries")]);
        check("Cargo.lock", "source = \"registry+https://index.example.org/\"", &[]);
        check("docs/a.md", "https://example.org/registry.html", &[]);
    }
}
