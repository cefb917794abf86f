//! What makes a room pleasant: news marked, mentions called out, commands, pastes asked about, haste made visible, and the
//! past there to be read.

use serde_json::json;

use crate::support::browser::Browser;
use crate::support::eventually;
use crate::support::peers::ChatUser;
use crate::support::relay::Relay;

async fn enter(relay: &Relay, name: &str) -> Browser {
    let browser = Browser::start().await;
    browser.open(&relay.url("/#/chat")).await;
    browser.join_chat(name).await;
    browser
}

#[tokio::test]
async fn what_is_new_is_counted_marked_and_called_out() {
    let relay = Relay::start().await;
    let browser = enter(&relay, "grace").await;
    let mut ada = ChatUser::join(&relay.ports, "ada").await;
    ada.say("seen").await;
    browser.until_some("article .line-text", "seen").await;

    // Whoever looks elsewhere is told how much is new, and when it is for them.
    let origin = relay.url("");
    browser
        .devtools("Browser.grantPermissions", json!({ "origin": origin, "permissions": ["notifications"] }))
        .await;
    let record = "window.__shown = [];
        window.Notification = class extends Notification {
            constructor(title, options) {
                super(title, options);
                window.__shown.push([title, options.body]);
                window.__click = () => this.dispatchEvent(new Event('click'));
            }
        };
        document.hasFocus = () => false;";
    browser.run(record, vec![]).await;
    browser.go("#/metrics").await;
    browser.until_some("h1", "Metrics").await;
    ada.say("nobody in particular").await;
    browser.until_text("nav .badge", "1").await;
    eventually("the title tells it", async || {
        let title = browser.tab.title().await.ok()?;
        title.starts_with("(1) Metrics").then_some(())
    })
    .await;
    assert_eq!(browser.run("return window.__shown", vec![]).await, json!([]));
    ada.say("@Grace, look").await;
    browser.until_text("nav .badge", "2").await;
    eventually("the title tells a mention", async || {
        let title = browser.tab.title().await.ok()?;
        title.starts_with("(@2) Metrics").then_some(())
    })
    .await;
    eventually("the system shows it", async || {
        (browser.run("return window.__shown", vec![]).await == json!([["ada in lobby", "@Grace, look"]]))
            .then_some(())
    })
    .await;

    // It leads back to the room, where a mark stands before the first of them, until it is answered.
    browser.run("window.__click()", vec![]).await;
    browser.until_text(".unread-mark", "New").await;
    let after = "return Array.from(document.querySelectorAll('.unread-mark ~ article .line-text'), text => text.innerText)";
    assert_eq!(browser.run(after, vec![]).await, json!(["nobody in particular", "@Grace, look"]));
    eventually("nothing is unread", async || (browser.count("nav .badge").await == 0).then_some(())).await;
    assert_eq!(browser.texts(".line.call .mention.me").await, ["@Grace"]);
    // A room that is in sight, but beside the window that has the keyboard, calls too.
    ada.say("@grace, here").await;
    eventually("the system shows it again", async || {
        let shown = browser.run("return window.__shown.at(-1)", vec![]).await;
        (shown == json!(["ada in lobby", "@grace, here"])).then_some(())
    })
    .await;
    assert_eq!(browser.count("nav .badge").await, 0, "it was seen");
    browser.say("I see").await;
    eventually("the mark is gone", async || (browser.count(".unread-mark").await == 0).then_some(())).await;
    // Until the room has said it too, the line has no time.
    browser.until_some("article .line-text", "I see").await;
    assert_eq!(
        browser.count(".lines time[datetime]").await,
        browser.count(".lines .line").await,
        "each has its time"
    );
    browser.expect_no_errors(false).await;
}

#[tokio::test]
async fn commands_do_what_they_say() {
    let relay = Relay::start().await;
    let browser = enter(&relay, "grace").await;
    let mut ada = ChatUser::join(&relay.ports, "ada").await;
    browser.say("/help").await;
    browser.until_some(".line.note", "/nick NAME").await;
    browser.until_text("#people-title", "2 people here").await;
    browser.say("/who").await;
    browser.until_some(".line.note", "2 people here: grace, ada").await;
    browser.say("/me waves").await;
    assert_eq!(ada.hears("waves").await, "grace: * waves");
    browser.until_text(".line.deed .line-text", "* waves").await;
    browser.say("/nick ada").await;
    browser.until_some(".line.note", "\"ada2\" is free").await;
    browser.say("/nick hopper").await;
    ada.hears("hopper connected!").await;
    browser.until_text(".panel-head .summary", "hopper").await;
    browser.say("/dance").await;
    browser.until_text(".composer ~ .form-error", "/dance is no command").await;
    let typed = "return document.querySelector('#say').value";
    assert_eq!(browser.run(typed, vec![]).await, "/dance", "what was typed stays");
    browser.say("//dance").await;
    assert_eq!(ada.hears("dance").await, "hopper: /dance");
    browser.until_some("article .line-text", "/dance").await;
    browser.say("/clear").await;
    eventually("the page is empty", async || (browser.count("article.line").await == 0).then_some(())).await;
    browser.say("/join ops").await;
    browser.until_text("#chat-title", "ops").await;
    browser.until_text(".rooms [aria-current=page]", "ops").await;
    ada.say("back in the lobby").await;
    browser.until_text(".rooms .badge", "1").await;
    browser.say("/leave").await;
    browser.until_text("#chat-title", "Lobby").await;
    browser.until_some("article .line-text", "back in the lobby").await;
    browser.expect_no_errors(false).await;
}

#[tokio::test]
async fn a_paste_of_lines_is_asked_about_and_haste_is_told() {
    let relay = Relay::start_with(&["--chat-lines-per-sec", "2"]).await;
    let browser = enter(&relay, "grace").await;
    let mut ada = ChatUser::join(&relay.ports, "ada").await;
    let paste = "const data = new DataTransfer();
        data.setData('text', arguments[0]);
        document.querySelector('#say').dispatchEvent(
            new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }))";
    browser.run(paste, vec!["one\r\ntwo\n\nthree".into()]).await;
    browser.until_text(".paste", "You pasted 3 lines.").await;
    assert_eq!(browser.count("article.line").await, 0, "nothing is said unasked");
    browser.click(".paste-choices .button:nth-child(2)").await;
    let typed = "return document.querySelector('#say').value";
    eventually("one line of it", async || {
        (browser.run(typed, vec![]).await == "one two three").then_some(())
    })
    .await;

    // A burst of ten goes, the rest waits its turn in sight, and all arrive in order.
    let lines: Vec<String> = (1..=14).map(|n| format!("line {n}")).collect();
    browser.run(paste, vec![lines.join("\n").into()]).await;
    browser.until_text(".paste", "You pasted 14 lines.").await;
    browser.click(".paste-choices .button:nth-child(1)").await;
    browser.until_text(".patience", "next in").await;
    browser.until_some(".unconfirmed", "waits its turn").await;
    for line in &lines {
        assert_eq!(ada.hears("line ").await, format!("grace: {line}"));
    }
    eventually("nothing waits", async || (browser.count(".unconfirmed").await == 0).then_some(())).await;
    assert_eq!(browser.texts("article .line-text").await, lines);
    eventually("no patience is asked for", async || browser.text(".patience").await.filter(String::is_empty))
        .await;
    browser.expect_no_errors(false).await;
}

/// Where the first line in sight stands, and what it says.
const SEEN: &str = "
    const lines = document.querySelector('.lines'), top = lines.getBoundingClientRect().top;
    const line = Array.from(lines.querySelectorAll('article'))
        .find(line => line.getBoundingClientRect().bottom > top + 1);
    return [line.querySelector('.line-text').innerText, Math.round(line.getBoundingClientRect().top - top)]";

#[tokio::test]
async fn the_past_comes_on_scroll_and_who_reads_is_not_moved() {
    let relay = Relay::start_with(&["--chat-lines-per-sec", "1000"]).await;
    let mut ada = ChatUser::join(&relay.ports, "ada").await;
    for n in 1..=450 {
        ada.say(&format!("line {n}")).await;
    }
    ada.hears("line 450").await;
    let _crowd = [
        ChatUser::join(&relay.ports, "bob").await,
        ChatUser::join(&relay.ports, "cid").await,
        ChatUser::join(&relay.ports, "dan").await,
    ];
    let browser = enter(&relay, "grace").await;
    browser.until_some("article .line-text", "line 450").await;
    let n_first = browser.count("article.line").await;
    assert!((190..=200).contains(&n_first), "{n_first} lines at first");
    eventually("arrivals are one line", async || {
        browser
            .texts(".line.note")
            .await
            .iter()
            .any(|note| note.contains("bob, cid, dan, grace connected"))
            .then_some(())
    })
    .await;
    assert_eq!(browser.count(".day").await, 1, "a mark for the day");

    // Whoever scrolls before the list has followed its last line is taken to have stood at its end.
    browser.until_painted().await;
    // Both at once: older lines may be there a moment later.
    let scroll_and_see = format!("document.querySelector('.lines').scrollTop = 150; {SEEN}");
    let seen = browser.run(&scroll_and_see, vec![]).await;
    eventually("older lines are there", async || {
        (n_first < browser.count("article.line").await).then_some(())
    })
    .await;
    // Further ones may just have been put above it, and stand corrected with the next frame.
    let until_seen = async |what: &str| {
        eventually(what, async || (browser.run(SEEN, vec![]).await == seen).then_some(())).await;
    };
    until_seen("what is read stands where it stood").await;
    ada.say("a new one").await;
    browser.until_some("article .line-text", "a new one").await;
    browser.until_painted().await;
    until_seen("also when a line comes").await;
    browser.until_text(".to-end", "1 new line").await;

    // To the very beginning.
    eventually("the first line is there", async || {
        browser.run("document.querySelector('.lines').scrollTop = 0", vec![]).await;
        browser.texts("article .line-text").await.first().filter(|text| **text == "line 1").map(drop)
    })
    .await;
    let expected: Vec<String> =
        (1..=450).map(|n| format!("line {n}")).chain(["a new one".to_owned()]).collect();
    assert_eq!(browser.texts("article .line-text").await, expected);
    browser.click(".to-end").await;
    eventually("the newest is in sight", async || (browser.count(".to-end").await == 0).then_some(())).await;
    browser.expect_no_errors(false).await;
}

#[tokio::test]
async fn who_scrolls_back_in_the_moment_a_line_comes_is_not_pulled_down() {
    let relay = Relay::start_with(&["--chat-lines-per-sec", "1000"]).await;
    let mut ada = ChatUser::join(&relay.ports, "ada").await;
    for n in 1..=100 {
        ada.say(&format!("line {n}")).await;
    }
    ada.hears("line 100").await;
    let browser = enter(&relay, "grace").await;
    browser.until_some("article .line-text", "line 100").await;
    browser.until_painted().await;
    // Scrolled when the line is in the document and the page has not followed it yet.
    let scroll = "const lines = document.querySelector('.lines');
        new MutationObserver((_, observer) => {
            if (!lines.innerText.includes('line 101')) return;
            observer.disconnect();
            lines.scrollTop -= 300;
            window.__top = lines.scrollTop;
        }).observe(lines, { childList: true, subtree: true });";
    browser.run(scroll, vec![]).await;
    ada.say("line 101").await;
    browser.until_text(".to-end", "Newest lines").await;
    ada.say("line 102").await;
    browser.until_some("article .line-text", "line 102").await;
    browser.until_painted().await;
    let stands = "return document.querySelector('.lines').scrollTop === window.__top";
    assert_eq!(browser.run(stands, vec![]).await, true);
    // A window of another size is nobody's wish to read.
    browser.click(".to-end").await;
    eventually("the newest is in sight", async || (browser.count(".to-end").await == 0).then_some(())).await;
    browser.tab.set_window_size(700, 500).await.expect("a window has a size");
    browser.until_painted().await;
    ada.say("line 103").await;
    browser.until_some("article .line-text", "line 103").await;
    let to_end = "const lines = document.querySelector('.lines');
        return lines.scrollHeight - lines.scrollTop - lines.clientHeight < 64";
    eventually("it follows", async || (browser.run(to_end, vec![]).await == true).then_some(())).await;
    assert_eq!(browser.count(".to-end").await, 0);
    browser.expect_no_errors(false).await;
}
