//! *Chat*: line clients over TCP and pages are in one room under the same names.

use std::process::Stdio;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::support::browser::Browser;
use crate::support::eventually;
use crate::support::peers::{ChatUser, Publisher, Subscriber};
use crate::support::relay::Relay;

#[tokio::test]
async fn terminal_and_page_hear_each_other() {
    let relay = Relay::start().await;
    let mut ada = ChatUser::join(&relay.ports, "ada").await;
    let browser = Browser::start().await;
    browser.open(&relay.url("/#/chat")).await;
    browser.join_chat("grace").await;
    ada.hears("grace connected!").await;
    browser.until_text(".people", "ada").await;

    ada.say("hello from a terminal").await;
    browser.until_some(".line-text", "hello from a terminal").await;
    browser.say("hello from the page").await;
    assert_eq!(ada.hears("hello from the page").await, "grace: hello from the page");
    browser.until_some(".line-text", "hello from the page").await;

    drop(ada);
    browser.until_some(".line.note", "ada left").await;
    browser.expect_no_errors(false).await;
}

#[tokio::test]
async fn a_name_in_use_is_refused_with_a_free_one() {
    let relay = Relay::start().await;
    let _ada = ChatUser::join(&relay.ports, "ada").await;
    let browser = Browser::start().await;
    browser.open(&relay.url("/#/chat")).await;
    browser.until_live("socket").await;
    browser.fill(".join input[name=name]", "ada").await;
    browser.click(".join button[type=submit]").await;
    browser.until_text(".join + .form-error", "ada").await;
    browser.click(".join button[type=button]").await;
    let people = eventually("both are in the room", async || {
        Some(browser.texts(".people li .ellipsis").await).filter(|people| people.len() == 2)
    })
    .await;
    assert!(people[0] != people[1] && people.iter().all(|name| name.starts_with("ada")), "{people:?}");
    browser.expect_no_errors(false).await;
}

#[tokio::test]
async fn everybody_is_in_one_room_whatever_they_speak() {
    let relay = Relay::start().await;
    let mut raw = ChatUser::join(&relay.ports, "raw").await;
    let mut reader = Subscriber::connect(&relay.ports, "/topic/chat/lobby").await;
    let mut terminal = Command::new(env!("CARGO_BIN_EXE_signalbox"));
    terminal.args(["chat", "term", "--connect", &format!("127.0.0.1:{}", relay.ports.chat)]);
    let mut terminal =
        terminal.stdin(Stdio::piped()).stdout(Stdio::null()).kill_on_drop(true).spawn().expect("it starts");
    raw.hears("term connected!").await;
    let browsers = [Browser::start().await, Browser::start().await, Browser::start().await];
    for (browser, name) in browsers.iter().zip(["one", "two", "three"]) {
        browser.open(&relay.url("/#/chat")).await;
        browser.join_chat(name).await;
        raw.hears(&format!("{name} connected!")).await;
    }
    let mut input = terminal.stdin.take().expect("its input is a pipe");
    input.write_all(b"from the terminal client\n").await.expect("it reads");
    raw.hears("term: from the terminal client").await;
    raw.say("from a raw socket to @two, see https://example.org/").await;
    browsers[0].say("from the first page").await;
    raw.hears("one: from the first page").await;
    let mut program = Publisher::connect(&relay.ports).await;
    program.publish("/topic/chat/lobby", br#"{"name":"ci","text":"from a program"}"#).await;
    raw.hears("ci: from a program").await;

    let expected = [
        "from the terminal client",
        "from a raw socket to @two, see https://example.org/",
        "from the first page",
        "from a program",
    ];
    for browser in &browsers {
        eventually("the same lines in the same order", async || {
            (browser.texts("article .line-text").await == expected).then_some(())
        })
        .await;
        assert_eq!(browser.texts(".line-tag").await, ["program"]);
        browser.expect_no_errors(false).await;
    }
    assert_eq!(browsers[1].texts(".mention.me").await, ["@two"]);
    assert_eq!(browsers[2].count(".mention.me").await, 0);
    let rel = "return document.querySelector('.line-text a').rel";
    assert_eq!(browsers[0].run(rel, vec![]).await, "noopener noreferrer");
    let mut heard = String::new();
    while !heard.contains("\"posted\"") {
        heard = String::from_utf8(reader.next().await).expect("JSON is text");
    }
    assert!(heard.contains("\"room\":\"lobby\""), "{heard}");
}

#[tokio::test]
async fn a_killed_relay_comes_back_with_its_rooms() {
    let folder = std::env::temp_dir().join(format!("signalbox-chat-{}", std::process::id()));
    let folder_text = folder.display().to_string();
    let mut relay = Relay::start_with(&["--data-dir", &folder_text]).await;
    let browser = Browser::start().await;
    browser.open(&relay.url("/#/chat/ops")).await;
    browser.join_chat("grace").await;
    browser.say("before").await;
    browser.until_some("article:not(.unconfirmed) .line-text", "before").await;
    relay.kill().await;
    browser.say("while it was away").await;
    browser.until_some(".unconfirmed", "while it was away").await;
    relay.start_again().await;
    browser.until_some("article .line-text", "while it was away").await;
    eventually("nothing waits", async || (browser.count(".unconfirmed").await == 0).then_some(())).await;
    assert_eq!(browser.texts("article .line-text").await, ["before", "while it was away"]);
    let notes = browser.texts(".line.note").await.join("\n");
    assert!(!notes.contains("missing"), "{notes}");
    browser.expect_no_errors(true).await;
    drop(relay);
    std::fs::remove_dir_all(&folder).expect("the folder was made");
}
