//! Pictures of a room in each of its states, as `crate::pictures` takes them of the views.

use crate::pictures::{SIZES, THEMES, look_as, take};
use crate::support::browser::Browser;
use crate::support::cut::Cut;
use crate::support::data_dir::DataDir;
use crate::support::peers::{ChatUser, Publisher};
use crate::support::relay::Relay;

/// Older than the day that is today anywhere.
const PAST_HOURS: i64 = 30;

/// Writes a lobby's history of before today, as a relay that was closed in order leaves it (docs/protocol.md §4).
fn write_past(folder: &DataDir) {
    let start_ms = jiff::Timestamp::now().as_millisecond() - PAST_HOURS * 3_600_000;
    let mut file = String::from("{\"format\":1,\"room\":\"lobby\",\"epoch\":1,\"before\":0,\"boot\":null}\n");
    let lines = [
        ("ada", "the new points are set, who looks after the tests?"),
        ("bob", "I do, from ten on"),
        ("ada", "thank you, see https://example.org/points for what was changed"),
    ];
    for (seq, (name, text)) in (1..).zip(lines) {
        let at_ms = start_ms + seq * 61_000;
        let line = serde_json::json!({ "id": format!("1-{seq}"), "at_ms": at_ms, "name": name, "kind": "said", "text": text });
        file += &format!("{line}\n");
    }
    file += "{\"closed\":true}\n";
    std::fs::create_dir_all(folder.path().join("chat")).expect("a folder can be made");
    std::fs::write(folder.path().join("chat/1-0.jsonl"), file).expect("a file can be written");
}

async fn take_all(browser: &Browser, name: &str) {
    for (size, width, height) in SIZES {
        for theme in THEMES {
            look_as(browser, size, width, height, theme).await;
            take(browser, &format!("chat-{name}-{size}-{theme}"), (width, height)).await;
        }
    }
}

#[tokio::test]
async fn a_room_fits_every_size_and_theme_in_each_of_its_states() {
    let folder = DataDir::new("pictures");
    write_past(&folder);
    let secs = (2 * PAST_HOURS * 3_600).to_string();
    let data_dir = folder.path().display().to_string();
    let args = ["--data-dir", &data_dir, "--chat-history-secs", &secs, "--chat-lines-per-sec", "4"];
    let relay = Relay::start_with(&args).await;
    let cut = Cut::before(relay.ports.http).await;
    let browser = Browser::start().await;
    browser.open(&cut.url("/#/chat")).await;
    browser.until_live("socket").await;
    take_all(&browser, "outside").await;

    let mut ada = ChatUser::join(&relay.ports, "ada").await;
    browser.fill(".join input[name=name]", "ada").await;
    browser.click(".join button[type=submit]").await;
    browser.until_text(".join + .form-error", "in use").await;
    take_all(&browser, "name-in-use").await;

    browser.fill(".join input[name=name]", "grace").await;
    browser.click(".join button[type=submit]").await;
    browser.until_some("article .line-text", "thank you").await;
    assert_eq!(browser.count(".day").await, 2, "that day, and the one on which they came");
    take_all(&browser, "quiet").await;

    // Busy: people, a program, a deed, links, mentions, a long word and a long line, and what came while nobody looked.
    let _crowd = [
        ChatUser::join(&relay.ports, "bob").await,
        ChatUser::join(&relay.ports, "Konstantinopolitanischer Dudels.").await,
    ];
    let mut program = Publisher::connect(&relay.ports).await;
    program.publish("/topic/chat/lobby", br#"{"name":"ci","text":"build 42 is out"}"#).await;
    for line in [
        "morning, green is climbing again".to_owned(),
        format!("see {}", cut.url("/#/metrics?only=green")),
        "* waves".to_owned(),
        format!("a word without an end: {}", "hottentotten".repeat(20)),
        "a line that is as long as people write when they explain something that they have only just understood \
         themselves, with all that led them there and all that they will do about it tomorrow"
            .to_owned(),
    ] {
        ada.say(&line).await;
        browser.until_some("article .line-text", &line).await;
    }
    browser.go("#/metrics").await;
    browser.until_some("h1", "Metrics").await;
    ada.say("@bob, is that yours?").await;
    ada.say("@grace, look at green, please").await;
    browser.until_text("nav .badge", "2").await;
    browser.go("#/chat").await;
    browser.until_text(".unread-mark", "New").await;
    take_all(&browser, "busy").await;

    browser.run("document.querySelector('.lines').scrollTop = 0", vec![]).await;
    browser.until_text(".to-end", "Newest lines").await;
    ada.say("one more").await;
    browser.until_text(".to-end", "1 new line").await;
    take_all(&browser, "reading").await;

    browser.say("/join ops").await;
    browser.until_text("#chat-title", "ops").await;
    browser.say("quiet in here").await;
    browser.until_some("article .line-text", "quiet in here").await;
    ada.say("back in the lobby, @grace").await;
    browser.until_text(".rooms .badge", "1").await;
    take_all(&browser, "rooms").await;

    let paste = "const data = new DataTransfer();
        data.setData('text', Array.from({ length: 40 }, (_, n) => `line ${n}`).join('\\n'));
        document.querySelector('#say').dispatchEvent(
            new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }))";
    browser.run(paste, vec![]).await;
    browser.until_text(".paste", "You pasted 40 lines.").await;
    take_all(&browser, "paste").await;
    browser.click(".paste-choices .button:nth-child(1)").await;
    browser.until_text(".patience", "next in").await;
    take_all(&browser, "haste").await;

    cut.cut();
    browser.until_not_live("socket").await;
    browser.say("typed while away").await;
    browser.until_some(".unconfirmed", "waits for the connection").await;
    take_all(&browser, "offline").await;
    browser.expect_no_errors(true).await;
}

/// A line that the relay refused for good, kept over a load of the page.
#[tokio::test]
async fn a_failed_line_fits_every_size_and_theme() {
    let relay = Relay::start().await;
    let browser = Browser::start().await;
    browser.open(&relay.url("/#/chat")).await;
    browser.join_chat("grace").await;
    let keep = "sessionStorage.setItem('signalbox.chat.unsaid@', JSON.stringify([['lobby', 'k1', 'a line', arguments[0]]]))";
    browser.run(keep, vec!["a line must not contain a line break".into()]).await;
    browser.tab.refresh().await.expect("the relay serves the page");
    browser.until_some(".unconfirmed", "not sent: a line must not contain a line break").await;
    take_all(&browser, "failed").await;
    // Tried again, it is an ordinary line, and said.
    browser.click(".unconfirmed .button:first-of-type").await;
    browser.until_some("article .line-text", "a line").await;
    browser.expect_no_errors(false).await;
}
