//! One room for all: netcat, a Python client, the terminal client in a terminal, three browsers, and a program on the
//! broker.

use crate::support::browser::Browser;
use crate::support::eventually;
use crate::support::peers::{Publisher, Subscriber};
use crate::support::programs::Program;
use crate::support::pty::Pty;
use crate::support::relay::Relay;

/// Lines that each of them says, none waiting for another.
const LINES_EACH: usize = 4;
const BROWSERS: [&str; 3] = ["one", "two", "three"];
/// Whoever speaks, the program included.
const NAMES: [&str; 7] = ["netcat", "python", "term", "one", "two", "three", "ci"];

/// What was said among these lines, as line clients see it.
fn said<'a>(lines: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let is_said = |line: &&str| line.split_once(": ").is_some_and(|(name, _)| NAMES.contains(&name));
    lines.into_iter().map(str::trim_end).filter(is_said).map(str::to_owned).collect()
}

/// What a page shows of it.
async fn said_on_page(browser: &Browser) -> Vec<String> {
    let script = "return Array.from(document.querySelectorAll('article.line'), line =>
        line.querySelector('.line-name').innerText + ': ' + line.querySelector('.line-text').innerText)";
    serde_json::from_value(browser.run(script, vec![]).await).expect("the script gives texts")
}

#[tokio::test]
async fn everybody_sees_all_lines_in_one_order_whatever_they_speak() {
    let relay = Relay::start().await;
    let mut netcat = Program::netcat(&relay.ports, "netcat").await;
    let mut python = Program::python(&relay.ports, "python").await;
    let address = format!("127.0.0.1:{}", relay.ports.chat);
    let mut terminal = Pty::start(&["chat", "term", "--connect", &address], 80, 60);
    terminal.shows("term connected!").await;
    let browsers = [Browser::start().await, Browser::start().await, Browser::start().await];
    for (browser, name) in browsers.iter().zip(BROWSERS) {
        browser.open(&relay.url("/#/chat")).await;
        browser.join_chat(name).await;
        terminal.shows(&format!("{name} connected!")).await;
    }
    let mut program = Publisher::connect(&relay.ports).await;

    let say_on_page = async |browser: &Browser| {
        for n in 0..LINES_EACH {
            browser.say(&format!("line {n}")).await;
        }
    };
    tokio::join!(say_on_page(&browsers[0]), say_on_page(&browsers[1]), say_on_page(&browsers[2]), async {
        for n in 0..LINES_EACH {
            netcat.say(&format!("line {n}")).await;
            python.say(&format!("line {n}")).await;
            terminal.keys(&format!("line {n}\r"));
            let post = format!(r#"{{"name":"ci","text":"line {n}"}}"#);
            program.publish("/topic/chat/lobby", post.as_bytes()).await;
            tokio::task::yield_now().await;
        }
    },);

    let expected = eventually("netcat has heard everything", async || {
        let heard = netcat.heard();
        Some(said(heard.iter().map(String::as_str))).filter(|lines| NAMES.len() * LINES_EACH <= lines.len())
    })
    .await;
    for name in NAMES {
        let prefix = format!("{name}: ");
        let own: Vec<&str> = expected.iter().filter_map(|line| line.strip_prefix(&prefix)).collect();
        let in_order: Vec<String> = (0..LINES_EACH).map(|n| format!("line {n}")).collect();
        assert_eq!(own, in_order, "by {name}");
    }
    eventually("the same in Python", async || {
        let heard = python.heard();
        (said(heard.iter().map(String::as_str)) == expected).then_some(())
    })
    .await;
    eventually("the same in the terminal", async || {
        // Behind the time and a space.
        (said(terminal.text().lines().filter_map(|line| line.get("12:03 ".len()..))) == expected)
            .then_some(())
    })
    .await;
    for browser in &browsers {
        eventually("the same on a page", async || (said_on_page(browser).await == expected).then_some(()))
            .await;
        assert_eq!(browser.texts(".line-tag").await, ["program"; LINES_EACH]);
        assert_eq!(browser.count(".unconfirmed").await, 0);
        browser.expect_no_errors(false).await;
    }
}

#[tokio::test]
async fn a_line_speaks_to_whom_it_names_and_programs_read_it() {
    let relay = Relay::start().await;
    let mut reader = Subscriber::connect(&relay.ports, "/topic/chat/lobby").await;
    let mut netcat = Program::netcat(&relay.ports, "netcat").await;
    let browsers = [Browser::start().await, Browser::start().await];
    for (browser, name) in browsers.iter().zip(BROWSERS) {
        browser.open(&relay.url("/#/chat")).await;
        browser.join_chat(name).await;
    }
    netcat.say("hello @two, see https://example.org/").await;
    for browser in &browsers {
        browser.until_some("article .line-text", "hello @two, see https://example.org/").await;
    }
    assert_eq!(browsers[0].count(".mention.me").await, 0);
    assert_eq!(browsers[1].texts(".line.call .mention.me").await, ["@two"]);
    let rel = "return document.querySelector('.line-text a').rel";
    assert_eq!(browsers[0].run(rel, vec![]).await, "noopener noreferrer");
    let mut heard = String::new();
    while !heard.contains("\"said\"") {
        heard = String::from_utf8(reader.next().await).expect("JSON is text");
    }
    assert!(heard.contains("\"room\":\"lobby\"") && heard.contains("hello @two"), "{heard}");
}
