//! The rules for Rust: which rooms know what, and what no code here does.

use super::{File, Report};

/// Something that one room alone may know.
struct Room {
    /// Paths and names in the code that show the knowledge.
    words: &'static [&'static str],
    /// Where the rule holds.
    within: &'static [&'static str],
    /// Where the knowledge is at home.
    home: &'static [&'static str],
    why: &'static str,
}

const ROOMS: &[Room] = &[
    Room {
        words: &["axum"],
        within: &["server/src/"],
        home: &["server/src/web.rs", "server/src/web/"],
        why: "HTTP is one way in; the services must not know how they are reached",
    },
    Room {
        words: &["zmq"],
        within: &["server/src/"],
        home: &[
            "server/src/collector.rs",
            "server/src/collector/",
            "server/src/cli/agent.rs",
            "server/src/cli/agent/",
        ],
        why: "ZeroMQ is how samples travel, which only the two ends of that way need to know",
    },
    Room {
        words: &["clap"],
        within: &["server/src/"],
        home: &["server/src/cli.rs", "server/src/cli/"],
        why: "a library takes settings, it does not read command lines",
    },
    Room {
        words: &["crate::config"],
        within: &["server/src/"],
        home: &[
            "server/src/web.rs",
            "server/src/relay.rs",
            "server/src/cli.rs",
            "server/src/cli/",
            "server/src/config.rs",
            "server/src/config/",
        ],
        why: "a service says in its own words what it can be told; files and variables are read above it",
    },
    Room {
        words: &["ratatui", "crossterm", "tui_input"],
        within: &["server/src/"],
        home: &["server/src/cli/"],
        why: "a terminal is one way in; the services must not know how they are reached",
    },
    Room {
        words: &["tokio_postgres", "deadpool_postgres"],
        within: &["server/src/"],
        home: &["server/src/changes.rs", "server/src/changes/"],
        why: "one room speaks SQL",
    },
    Room {
        words: &["async_nats"],
        within: &["server/src/"],
        home: &["server/src/engine/nats.rs", "server/src/engine/nats/"],
        why: "an engine is chosen by configuration; nothing else may depend on which one it is",
    },
    Room {
        words: &["plotters", "plotters_backend"],
        within: &["frontend/src/"],
        home: &["frontend/src/chart.rs", "frontend/src/chart/"],
        why: "how a chart is drawn is the chart's own business",
    },
    Room {
        words: &["EventSource", "WebSocket"],
        within: &["frontend/src/"],
        home: &["frontend/src/transport.rs", "frontend/src/transport/"],
        why: "back-off, watchdog and resume must hold for every stream, so streams are opened in one room",
    },
    Room {
        words: &["leptos", "web_sys", "js_sys", "gloo_net", "gloo_timers"],
        within: &["frontend/src/state.rs", "frontend/src/state/"],
        home: &[],
        why: "what messages mean is decided by plain structs, which are tested without a browser",
    },
    Room {
        words: &["crate::app", "crate::pages", "crate::components"],
        within: &[
            "frontend/src/browser/",
            "frontend/src/chart/",
            "frontend/src/control.rs",
            "frontend/src/control/",
            "frontend/src/state/",
            "frontend/src/transport/",
        ],
        home: &[],
        why: "views call what stands below them, and nothing below knows how it is shown",
    },
    Room {
        words: &["tokio", "web_sys", "std::net", "std::fs", "SystemTime", "Instant"],
        within: &["shared/src/"],
        home: &[],
        why: "the shared types do no I/O, know no clock, and build for both halves",
    },
];

/// Code that stands nowhere.
const NEVER: &[(&str, &[&str], &str)] = &[
    (
        "unbounded",
        &["unbounded_channel", "mpsc::unbounded", "channel::unbounded"],
        "every queue has a bound with a reason",
    ),
    (
        "forget",
        &[".forget()", "mem::forget"],
        "a closure that is never dropped is a leak; keep it, and let its owner drop it",
    ),
    ("ignore", &["#[ignore"], "a test that is not run tells nothing"),
    ("unfinished", &["todo!", "unimplemented!"], "what is not done is not there"),
];

/// Checks one Rust file by every rule.
pub(super) fn check(file: &File, report: &mut Report<'_>) {
    rooms(file, report);
    never(file, report);
    sleep(file, report);
    opening(file, report);
    style_attribute(file, report);
}

fn rooms(file: &File, report: &mut Report<'_>) {
    for room in ROOMS.iter().filter(|room| file.is_in(room.within) && !file.is_in(room.home)) {
        for (line, word) in words(&file.code, room.words) {
            let home = if room.home.is_empty() { "no place here" } else { room.home[room.home.len() - 1] };
            report(line, "rooms", format!("{word} belongs to {home}"), room.why);
        }
    }
}

fn never(file: &File, report: &mut Report<'_>) {
    for &(rule, forbidden, why) in NEVER {
        for (line, word) in words(&file.code, forbidden) {
            report(line, rule, format!("{word} stands here"), why);
        }
    }
}

/// Tests wait for a condition. What stands behind the first `#[cfg(test)]` of a file, or in a `tests/` directory, is a test.
fn sleep(file: &File, report: &mut Report<'_>) {
    let is_test_file = file.path.contains("/tests/");
    let first = if is_test_file { 0 } else { file.code.find("#[cfg(test)]").unwrap_or(file.code.len()) };
    let n_lines_before = file.code[..first].matches('\n').count();
    for (line, _) in words(&file.code[first..], &["sleep", "sleep_until"]) {
        let why = "a test that waits for a time is slow when it passes and wrong when the machine is busy";
        let message = "a test sleeps: wait for a condition with a deadline".to_owned();
        report(n_lines_before + line, "sleep", message, why);
    }
}

fn opening(file: &File, report: &mut Report<'_>) {
    if !file.text.starts_with("//! ") {
        let why = "a reader must learn first what a file is and what it leaves to others";
        report(1, "opening", "the file does not open with `//!`".to_owned(), why);
    }
}

fn style_attribute(file: &File, report: &mut Report<'_>) {
    if file.is_in(&["frontend/src/"]) {
        for (line, _) in words(&file.code, &["style=\""]) {
            let message = "a style attribute: use a class, or `style:property=`".to_owned();
            report(line, "style", message, "the page's Content-Security-Policy blocks it");
        }
    }
}

/// Each of `wanted` in `code` with its line, where it is a word of its own.
fn words<'a>(code: &str, wanted: &[&'a str]) -> Vec<(usize, &'a str)> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = Vec::new();
    for (line, text) in (1..).zip(code.lines()) {
        for &word in wanted {
            let is_there = text.match_indices(word).any(|(at, _)| {
                let (before, after) = (&text[..at], &text[at + word.len()..]);
                let starts = !word.starts_with(is_word) || !before.ends_with(is_word);
                let ends = !word.ends_with(is_word) || !after.starts_with(is_word);
                starts && ends
            });
            if is_there {
                found.push((line, word));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines and rules that `text` breaks as the file `path`.
    fn check(path: &str, text: &str, expected: &[(usize, &str)]) {
        let mut found = Vec::new();
        super::check(&File::new(path, text.to_owned()), &mut |line, rule, _, _| found.push((line, rule)));
        assert_eq!(found, expected, "{path}: {text}");
    }

    #[test]
    fn each_room_keeps_its_knowledge() {
        check("server/src/web/feed.rs", "//! Feed.\nuse axum::Router;", &[]);
        check("server/src/chat/room.rs", "//! Room.\nuse axum::Router;", &[(2, "rooms")]);
        check("server/src/chat/room.rs", "//! Room, without axum.\nfn f() { g(\"axum\"); taxum(); }", &[]);
        check("server/src/cli/agent.rs", "//! Agent.\nlet c = zmq::Context::new();", &[]);
        check("server/src/web.rs", "//! Web.\nlet c = zmq::Context::new();", &[(2, "rooms")]);
        check("server/src/config.rs", "//! Config.\n#[derive(clap::Args)]", &[(2, "rooms")]);
        check("server/src/relay.rs", "//! Relay.\nuse crate::config::Settings;", &[]);
        check("server/src/news.rs", "//! News.\nuse crate::config::Settings;", &[(2, "rooms")]);
        check("frontend/src/pages/metrics.rs", "//! Page.\nuse plotters::prelude::*;", &[(2, "rooms")]);
        check("frontend/src/state.rs", "//! State.\nlet s: WebSocket;", &[(2, "rooms")]);
        check("frontend/src/transport/socket.rs", "//! Socket.\nlet s: WebSocket;", &[]);
        check("frontend/src/state/tail.rs", "//! Tail.\nuse leptos::prelude::*;", &[(2, "rooms")]);
        check("frontend/src/control/feed.rs", "//! Feed.\nuse crate::pages::chat;", &[(2, "rooms")]);
        check("frontend/src/pages/chat.rs", "//! Chat.\nuse crate::components::shell;", &[]);
        check("shared/src/id.rs", "//! Id.\nuse std::time::Instant;", &[(2, "rooms")]);
        check("server/tests/it/socket.rs", "//! Tests.\nuse axum::Router;", &[]);
    }

    #[test]
    fn what_stands_nowhere_is_found_in_code_only() {
        check("server/src/a.rs", "//! A.\nlet (a, b) = unbounded_channel();", &[(2, "unbounded")]);
        check("frontend/src/a.rs", "//! A.\n\nclosure.forget();", &[(3, "forget")]);
        check(
            "server/src/a.rs",
            "//! A.\n#[ignore = \"later\"]\nfn f() { todo!() }",
            &[(2, "ignore"), (3, "unfinished")],
        );
        check("server/src/a.rs", "//! A.\n// todo! unbounded_channel\nlet s = \"#[ignore]\";", &[]);
        check(
            "frontend/src/a.rs",
            "//! A.\nview! { <p style=\"a\"/> <p style:top=\"1\"/> }",
            &[(2, "style")],
        );
    }

    #[test]
    fn tests_do_not_sleep_but_others_may() {
        check(
            "server/src/a.rs",
            "//! A.\nsleep(x).await;\n#[cfg(test)]\nmod tests { fn f() { sleep(x) } }",
            &[(4, "sleep")],
        );
        check("server/tests/it/a.rs", "//! A.\nthread::sleep(x);", &[(2, "sleep")]);
        check("server/tests/it/a.rs", "//! A.\n// never sleep\nlet sleeper = 1;", &[]);
    }

    #[test]
    fn files_open_with_what_they_are() {
        check("server/src/a.rs", "use b;", &[(1, "opening")]);
        check("server/src/a.rs", "//! A.\nuse b;", &[]);
    }
}
