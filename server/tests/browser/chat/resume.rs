//! Coming back to a room: exactly what was missed, in order, nothing twice, and what was typed meanwhile once.

use serde_json::json;

use crate::support::browser::Browser;
use crate::support::cut::Cut;
use crate::support::data_dir::DataDir;
use crate::support::peers::{ChatUser, StaticHost};
use crate::support::relay::Relay;
use crate::support::{eventually, page_dir};

/// What the room shows as said, confirmed lines only.
async fn said(browser: &Browser) -> Vec<String> {
    browser.texts("article.line .line-text").await
}

async fn until_said(browser: &Browser, expected: &[String]) {
    // A page that was loaded anew may ask again for lines that were said already, and knows it with the answer.
    eventually(&format!("exactly {expected:?}, and nothing waits"), async || {
        (said(browser).await == expected && browser.count(".unconfirmed").await == 0).then_some(())
    })
    .await;
}

/// `line <first>` to `line <last>`.
fn lines(numbers: std::ops::RangeInclusive<u32>) -> Vec<String> {
    numbers.map(|n| format!("line {n}")).collect()
}

async fn say(user: &mut ChatUser, lines: &[String]) {
    for line in lines {
        user.say(line).await;
        user.hears(line).await;
    }
}

#[tokio::test]
async fn a_relay_that_was_killed_goes_on_with_its_rooms() {
    let folder = DataDir::new("killed");
    let mut relay = Relay::start_with(&["--data-dir", &folder.path().display().to_string()]).await;
    let cut = Cut::before(relay.ports.http).await;
    let browser = Browser::start().await;
    browser.open(&cut.url("/#/chat")).await;
    browser.join_chat("grace").await;
    let mut ada = ChatUser::join(&relay.ports, "ada").await;
    say(&mut ada, &lines(1..=3)).await;
    until_said(&browser, &lines(1..=3)).await;

    // The page loses the relay, which says more before it dies and more after it came back, all without the page.
    cut.cut();
    browser.until_not_live("socket").await;
    browser.say("typed while away").await;
    browser.until_some(".unconfirmed", "waits for the connection").await;
    say(&mut ada, &lines(4..=6)).await;
    relay.kill().await;
    relay.start_again().await;
    let mut ada = ChatUser::join(&relay.ports, "ada").await;
    say(&mut ada, &lines(7..=9)).await;
    cut.mend();
    let expected = [lines(1..=9), vec!["typed while away".to_owned()]].concat();
    until_said(&browser, &expected).await;
    assert_eq!(ada.hears("typed while away").await, "grace: typed while away");
    let notes = browser.texts(".line.note").await.join("\n");
    assert!(!notes.contains("missing"), "{notes}");
    browser.expect_no_errors(true).await;
}

#[tokio::test]
async fn a_relay_that_forgot_its_rooms_is_told_of_and_nothing_stands_twice() {
    let mut relay = Relay::start().await;
    let cut = Cut::before(relay.ports.http).await;
    let browser = Browser::start().await;
    browser.open(&cut.url("/#/chat")).await;
    browser.join_chat("grace").await;
    let mut ada = ChatUser::join(&relay.ports, "ada").await;
    say(&mut ada, &lines(1..=3)).await;
    until_said(&browser, &lines(1..=3)).await;

    cut.cut();
    browser.until_not_live("socket").await;
    browser.say("typed while away").await;
    relay.kill().await;
    relay.start_again().await;
    let mut ada = ChatUser::join(&relay.ports, "ada").await;
    say(&mut ada, &lines(4..=6)).await;
    cut.mend();
    let expected = [lines(1..=6), vec!["typed while away".to_owned()]].concat();
    until_said(&browser, &expected).await;
    browser.until_some(".line.note", "lines may be missing").await;
    browser.expect_no_errors(true).await;
}

/// A computer that sleeps: nothing of the page runs, and its connections die meanwhile.
#[tokio::test]
async fn a_page_that_slept_shows_what_it_missed() {
    let relay = Relay::start().await;
    let cut = Cut::before(relay.ports.http).await;
    let mut ada = ChatUser::join(&relay.ports, "ada").await;
    let browser = Browser::start().await;
    browser.open(&cut.url("/#/chat")).await;
    browser.join_chat("grace").await;
    say(&mut ada, &lines(1..=3)).await;
    until_said(&browser, &lines(1..=3)).await;

    browser.devtools("Page.setWebLifecycleState", json!({ "state": "frozen" })).await;
    cut.cut();
    ada.hears("grace has left the chat").await;
    say(&mut ada, &lines(4..=40)).await;
    cut.mend();
    browser.devtools("Page.setWebLifecycleState", json!({ "state": "active" })).await;
    until_said(&browser, &lines(1..=40)).await;
    browser.expect_no_errors(true).await;
}

/// Typed while the relay is away, then the page is loaded anew: the lines are still said, once.
#[tokio::test]
async fn a_reload_does_not_lose_what_was_not_said_yet() {
    let host = StaticHost::start(&page_dir()).await;
    let origin = format!("http://127.0.0.1:{}", host.port);
    let folder = DataDir::new("reload");
    let mut relay =
        Relay::start_with(&["--allow-origin", &origin, "--data-dir", &folder.path().display().to_string()])
            .await;
    let browser = Browser::start().await;
    let page = format!("{origin}/?relay={}", relay.url("").trim_end_matches('/'));
    browser.open(&format!("{page}#/chat")).await;
    browser.join_chat("grace").await;
    browser.say("said").await;
    until_said(&browser, &["said".to_owned()]).await;

    relay.kill().await;
    browser.until_not_live("socket").await;
    browser.say("first").await;
    browser.say("second").await;
    browser.until_some(".unconfirmed", "second").await;
    browser.tab.refresh().await.expect("the static host still serves the page");
    browser.until_text(".waiting", "2 lines of yours wait").await;
    relay.start_again().await;
    until_said(&browser, &["said".to_owned(), "first".to_owned(), "second".to_owned()]).await;

    // Said is said: the next load has nothing to say.
    browser.tab.refresh().await.expect("the static host still serves the page");
    until_said(&browser, &["said".to_owned(), "first".to_owned(), "second".to_owned()]).await;
    let kept = "return Object.keys(sessionStorage).filter(key => key.includes('unsaid')).length";
    eventually("nothing is kept", async || (browser.run(kept, vec![]).await == json!(0)).then_some(())).await;
    browser.expect_no_errors(true).await;
}
